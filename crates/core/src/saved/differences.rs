//! The first difference of a new plan from a saved one.

use serde_json::Value as Json;

use super::{DesiredState, Leaf, RequestDigests, SavedPlan};
use crate::{
    body_path::BodyPath,
    diagnostic::{Code, Diagnostic},
    document::{AddressDocument, ChangeDocument, StepDocument, TargetDocument},
    graph::{Graph, Node},
    plan::Action,
};

impl SavedPlan {
    /// The first difference from `now`, a new plan with the same options over `graph`. Without a difference, both send the
    /// same bytes, with a chance of error of 1 in 16 million per value.
    ///
    /// State that no step reads or sends and no entry declares is not compared.
    pub fn first_difference(&self, now: &SavedPlan, graph: &Graph) -> Option<Diagnostic> {
        let comparison = PlanComparison {
            saved: self,
            now,
            graph,
        };
        let found = comparison
            .key()
            .or_else(|| comparison.spec())
            .or_else(|| comparison.azure())?;
        Some(found.help("make and review a new plan: `lazuli plan --out FILE`"))
    }
}

struct PlanComparison<'a> {
    saved: &'a SavedPlan,
    now: &'a SavedPlan,
    graph: &'a Graph,
}

/// A step and its request.
type StepWithDigests<'a> = (&'a StepDocument, &'a RequestDigests);

impl<'a> PlanComparison<'a> {
    fn key(&self) -> Option<Diagnostic> {
        (self.saved.digest_key != self.now.digest_key).then(|| {
            let message = "LAZULI_SECRETS_KEY has changed since the plan was made";
            let note = "it is the key of the digests by which secrets are compared";
            Diagnostic::error(Code::Stale, None, message).note(note)
        })
    }

    fn spec(&self) -> Option<Diagnostic> {
        let find = |list: &'a [DesiredState], one: &DesiredState| {
            let mut list = list.iter();
            list.find(|other| other.address == one.address)
        };
        let changed = self.now.desired.iter().find_map(|now| {
            let Some(saved) = find(&self.saved.desired, now) else {
                let message = format!("`{}` is new in the spec", now.address.address);
                let note = "it was not in the spec when the plan was made";
                return Some(self.at(&now.address, &BodyPath::root(), message).note(note));
            };
            self.desired(saved, now)
        });
        changed.or_else(|| {
            let mut saved = self.saved.desired.iter();
            let gone = saved.find(|saved| find(&self.now.desired, saved).is_none())?;
            let message = format!("`{}` is no longer in the spec", gone.address.address);
            Some(self.at(&gone.address, &BodyPath::root(), message))
        })
    }

    fn desired(&self, saved: &DesiredState, now: &DesiredState) -> Option<Diagnostic> {
        let lists = [
            (&saved.settings, &now.settings),
            (&saved.properties, &now.properties),
        ];
        lists.into_iter().find_map(|(saved, now_leaves)| {
            let (path, was, is) = first_difference(saved, now_leaves)?;
            let (was, is) = (was.map(|leaf| &leaf.value), is.map(|leaf| &leaf.value));
            let note = match was == is {
                true => "its secret has changed since the plan was made".to_owned(),
                false => was_and_is(&shown(was), &shown(is)),
            };
            Some(self.changed(&now.address, path, "the spec").note(note))
        })
    }

    fn azure(&self) -> Option<Diagnostic> {
        let saved: Vec<StepWithDigests<'_>> = steps_with_digests(self.saved);
        let now: Vec<StepWithDigests<'_>> = steps_with_digests(self.now);
        let difference = saved
            .iter()
            .find_map(|step| match other(step.0, &saved, &now) {
                Some(other) => self.step(*step, other),
                None => Some(self.dropped(step.0)),
            });
        let is_new = |step: &&StepWithDigests<'_>| other(step.0, &now, &saved).is_none();
        difference
            .or_else(|| now.iter().find(is_new).map(|step| self.added(step.0)))
            .or_else(|| {
                let (had, has) = (saved.len(), now.len());
                let message = format!("the number of steps is now {has}, and was {had}");
                (had != has).then(|| Diagnostic::error(Code::Stale, None, message))
            })
    }

    /// The first difference between a saved step and the new one.
    fn step(
        &self,
        (saved, sent): StepWithDigests<'_>,
        (now, sends): StepWithDigests<'_>,
    ) -> Option<Diagnostic> {
        let address = &saved.address;
        let name = &address.address;
        match (exists(saved.action), exists(now.action)) {
            (false, true) => return Some(self.appeared(address)),
            (true, false) => return Some(self.gone(address)),
            _ => {}
        }
        if let Some(difference) = self.changes(saved, now) {
            return Some(difference);
        }
        if saved.action != now.action {
            let message = format!(
                "`{name}` would now be {}, and was planned to be {}",
                now.action.done(),
                saved.action.done()
            );
            return Some(
                self.at(address, &BodyPath::root(), message)
                    .note(now.reason.clone()),
            );
        }
        if saved.target != now.target {
            let message = format!("`{name}` is a different resource in Azure");
            let note = was_and_is(&named(&saved.target), &named(&now.target));
            return Some(self.at(address, &BodyPath::root(), message).note(note));
        }
        if saved.api_version != now.api_version {
            let message = format!("the api-version of `{name}` has changed");
            let note = was_and_is(&saved.api_version, &now.api_version);
            return Some(self.at(address, &BodyPath::root(), message).note(note));
        }
        // What is lost along with it is in the words alone.
        if now.action == Action::Replace && saved.reason != now.reason {
            let message = format!("the live properties of `{name}` have changed in Azure");
            return Some(
                self.at(address, &BodyPath::root(), message)
                    .note(now.reason.clone()),
            );
        }
        let mut paths = sent.0.keys().chain(sends.0.keys());
        if let Some(path) = paths.find(|path| sent.0.get(*path) != sends.0.get(*path)) {
            let note = "the request contains it, and it has changed since the plan was made";
            return Some(self.changed(address, path, "Azure").note(note));
        }
        let (waited, waits) = (waits(self.saved, saved), waits(self.now, now));
        (waited != waits).then(|| {
            let message = format!("`{name}` depends on other steps than when the plan was made");
            let note = format!(
                "on [{}], and now on [{}]",
                waited.join(", "),
                waits.join(", ")
            );
            self.at(address, &BodyPath::root(), message).note(note)
        })
    }

    fn changes(&self, saved: &StepDocument, now: &StepDocument) -> Option<Diagnostic> {
        let address = &saved.address;
        let differs = saved.changes.iter().find_map(|was| {
            let mut changes = now.changes.iter();
            match changes.find(|is| is.path == was.path) {
                None => Some(self.healed(address, was)),
                Some(is) if is.before != was.before => {
                    Some(self.drifted(address, is, &shown(was.before.as_ref())))
                }
                Some(is) if is.after != was.after => {
                    let message = format!(
                        "the planned value of `{}` of `{}` has changed",
                        was.path.lifted(),
                        address.address
                    );
                    let note = format!(
                        "it was {} when the plan was made, and is now {}",
                        shown(was.after.as_ref()),
                        shown(is.after.as_ref()),
                    );
                    Some(self.at(address, &was.path, message).note(note))
                }
                Some(_) => None,
            }
        });
        differs.or_else(|| {
            let is_new = |is: &&ChangeDocument| saved.changes.iter().all(|was| was.path != is.path);
            let new = now.changes.iter().find(is_new)?;
            Some(self.drifted(address, new, &as_wanted(new)))
        })
    }

    /// A step that is no longer planned.
    fn dropped(&self, step: &StepDocument) -> Diagnostic {
        let address = &step.address;
        match (step.action, step.changes.first()) {
            (Action::Create, _) => self.appeared(address),
            (Action::Adopt | Action::Update | Action::Replace, Some(was)) => {
                self.healed(address, was)
            }
            (action, _) => {
                let name = &address.address;
                let mut kept = self.now.plan.kept.iter();
                let (message, note) = match kept.find(|kept| kept.address == *address) {
                    Some(kept) => (format!("`{name}` would now be kept"), kept.reason.clone()),
                    None => (
                        format!("`{name}` would no longer be {}", action.done()),
                        format!("when the plan was made: {}", step.reason),
                    ),
                };
                self.at(address, &BodyPath::root(), message).note(note)
            }
        }
    }

    /// A step that was not planned before.
    fn added(&self, step: &StepDocument) -> Diagnostic {
        let address = &step.address;
        match (step.action, step.changes.first()) {
            (Action::Create, _) => self.gone(address),
            (Action::Adopt | Action::Update | Action::Replace, Some(is)) => {
                self.drifted(address, is, &as_wanted(is))
            }
            (action, _) => {
                let message = format!(
                    "`{}` would now be {}, but not when the plan was made",
                    address.address,
                    action.done()
                );
                let note = format!("{}: {}", step.subject, step.reason);
                self.at(address, &BodyPath::root(), message).note(note)
            }
        }
    }

    fn appeared(&self, address: &AddressDocument) -> Diagnostic {
        let message = format!("`{}` has appeared in Azure", address.address);
        let note = "it did not exist when the plan was made";
        self.at(address, &BodyPath::root(), message).note(note)
    }

    fn gone(&self, address: &AddressDocument) -> Diagnostic {
        let message = format!("`{}` no longer exists in Azure", address.address);
        let note = "it existed when the plan was made";
        self.at(address, &BodyPath::root(), message).note(note)
    }

    fn drifted(&self, address: &AddressDocument, is: &ChangeDocument, was: &str) -> Diagnostic {
        let note = was_and_is(was, &shown(is.before.as_ref()));
        self.changed(address, &is.path, "Azure").note(note)
    }

    fn healed(&self, address: &AddressDocument, was: &ChangeDocument) -> Diagnostic {
        let note = was_and_is(&shown(was.before.as_ref()), &as_wanted(was));
        self.changed(address, &was.path, "Azure").note(note)
    }

    fn changed(&self, address: &AddressDocument, path: &BodyPath, place: &str) -> Diagnostic {
        let name = &address.address;
        let message = format!("`{}` of `{name}` has changed in {place}", path.lifted());
        self.at(address, path, message)
    }

    fn at(&self, address: &AddressDocument, path: &BodyPath, message: String) -> Diagnostic {
        let is_it = |node: &&Node| AddressDocument::new(&node.subject.key) == *address;
        let node = self.graph.nodes().find(is_it);
        Diagnostic::error(
            Code::Stale,
            node.map(|node| node.subject.span_of(path)),
            message,
        )
    }
}

fn steps_with_digests(plan: &SavedPlan) -> Vec<StepWithDigests<'_>> {
    plan.plan.steps.iter().zip(&plan.requests).collect()
}

/// Whether the resource of a step exists before the step.
fn exists(action: Action) -> bool {
    match action {
        Action::Create => false,
        Action::Adopt | Action::Update | Action::Replace | Action::Delete | Action::Release => true,
    }
}

/// The names of the steps that a step depends on.
fn waits(plan: &SavedPlan, step: &StepDocument) -> Vec<String> {
    let steps = step.depends_on.iter();
    let mut names: Vec<String> = steps
        .filter_map(|id| plan.plan.steps.get(*id))
        .map(|before| format!("{} {}", before.action, before.address.address))
        .collect();
    names.sort();
    names
}

/// The corresponding step of the other plan. Several steps of one address differ in their targets.
fn other<'a>(
    step: &StepDocument,
    mine: &[StepWithDigests<'_>],
    others: &[StepWithDigests<'a>],
) -> Option<StepWithDigests<'a>> {
    let same = |other: &StepDocument| other.address == step.address;
    let candidates: Vec<StepWithDigests<'a>> = others
        .iter()
        .copied()
        .filter(|(other, _)| same(other))
        .collect();
    let is_alone = mine.iter().filter(|(other, _)| same(other)).count() == 1;
    match candidates.as_slice() {
        [only] if is_alone => Some(*only),
        several => several
            .iter()
            .copied()
            .find(|(other, _)| other.target == step.target),
    }
}

fn first_difference<'a>(
    saved: &'a [Leaf],
    now: &'a [Leaf],
) -> Option<(&'a BodyPath, Option<&'a Leaf>, Option<&'a Leaf>)> {
    let find = |list: &'a [Leaf], path: &BodyPath| list.iter().find(|leaf| leaf.path == *path);
    now.iter().chain(saved).find_map(|leaf| {
        let (was, is) = (find(saved, &leaf.path), find(now, &leaf.path));
        (was != is).then_some((&leaf.path, was, is))
    })
}

/// The live value of a property that matches the spec.
fn as_wanted(change: &ChangeDocument) -> String {
    match &change.after {
        Some(after) => format!("{} (as in the spec)", shown(Some(after))),
        None => "not set".to_owned(),
    }
}

fn was_and_is(was: &str, is: &str) -> String {
    format!("it was {was} when the plan was made, and is now {is}")
}

fn named(target: &TargetDocument) -> String {
    match target {
        TargetDocument::Id(id) => id.clone(),
        TargetDocument::Grant {
            scope,
            role: _,
            role_name,
            principal,
        } => format!("{role_name} on {scope} for {}", shown(Some(principal))),
    }
}

/// A value in a message.
fn shown(value: Option<&Json>) -> String {
    const LONGEST: usize = 80;
    let text = match value {
        None | Some(Json::Null) => return "not set".to_owned(),
        Some(Json::String(text)) if !text.is_empty() => text.clone(),
        Some(other) => other.to_string(),
    };
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}
