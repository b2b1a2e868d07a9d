//! Planning towards the spec: make what is missing, change what differs, leave the rest.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
};

use serde_json::Value as Json;

use super::{
    Action, Call, CallTarget, Made, Method, Patience, Plan, Step, StepId, grants, marks, orphans,
    overruled,
    replace::{self, Replacement},
    secrets::Secrets,
};
use crate::{
    arm::ArmId,
    diagnostic::{Code, Diagnostic, Diagnostics},
    diff::{Change, Comparing, compare, creation, lifted, overlay, veil},
    graph::{Grant, Graph, Identity, Names, Node, NodeKey, Part},
    live::{Live, LiveGrant},
    mark::Mark,
    value::{Output, Value},
};

/// Compares the graph with what is live. The plan is of use only if the diagnostics have no errors.
pub fn converge(graph: &Graph, live: &Live) -> (Plan, Diagnostics) {
    converge_with(graph, live, &Consent::default())
}

/// What the caller agrees to that loses something.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Consent {
    /// Orphans are deleted or let go; otherwise they are listed.
    pub prune: bool,
    /// What may be deleted and made anew where it cannot be changed as it is wanted.
    pub replace: Names,
}

/// As [`converge`], with what is agreed to.
pub fn converge_with(graph: &Graph, live: &Live, consent: &Consent) -> (Plan, Diagnostics) {
    converge_part(graph, live, consent, &Part::whole())
}

/// As [`converge_with`], of a part of the graph. What the stacks own beside the graph concerns only the whole.
pub fn converge_part(
    graph: &Graph,
    live: &Live,
    consent: &Consent,
    part: &Part,
) -> (Plan, Diagnostics) {
    let mut replaced: Vec<Replacement> = Vec::new();
    // What is made anew changes what others are compared with, and so can be the reason for more of it.
    let (left, (mut plan, steps_of, diagnostics)) = loop {
        let gone: Vec<&ArmId> = replaced.iter().map(|one| &one.id).collect();
        let left = match gone.as_slice() {
            [] => Cow::Borrowed(live),
            gone => Cow::Owned(live.without(gone)),
        };
        let mut more = Vec::new();
        let attempt = attempt(graph, (live, &left), (consent, part), &replaced, &mut more);
        if more.is_empty() {
            let (plan, keys, diagnostics) = attempt;
            break (left, (plan, keys, diagnostics));
        }
        replaced.extend(more);
    };
    let live = left.as_ref();
    grants::plan(graph, live, part, &steps_of, &mut plan);
    plan.part = part.told().cloned();
    if !part.is_whole() {
        return (plan, diagnostics);
    }
    if consent.prune {
        orphans::prune(graph, live, &mut plan);
    } else {
        plan.orphans = orphans::list(graph, live);
    }
    plan.unseen = live.unseen_owned().to_vec();
    (plan, diagnostics)
}

/// A plan that takes these replacements for granted, and further ones that it finds to be agreed to.
fn attempt<'a>(
    graph: &'a Graph,
    (before, live): (&Live, &Live),
    (consent, part): (&Consent, &Part),
    replaced: &[Replacement],
    more: &mut Vec<Replacement>,
) -> (Plan, HashMap<&'a NodeKey, StepId>, Diagnostics) {
    let mut planner = Planner {
        graph,
        before,
        live,
        consent,
        part,
        replaced,
        more,
        steps_of: HashMap::new(),
        waits: HashMap::new(),
        plan: Plan::default(),
        diagnostics: Diagnostics::default(),
    };
    for node in graph.nodes().filter(|node| part.has(&node.key)) {
        planner.node(node);
    }
    planner.mark_outputs();
    (planner.plan, planner.steps_of, planner.diagnostics)
}

struct Planner<'a, 'l> {
    graph: &'a Graph,
    /// What there is.
    before: &'l Live,
    /// What there is without what goes to be made anew.
    live: &'l Live,
    consent: &'l Consent,
    part: &'l Part,
    replaced: &'l [Replacement],
    more: &'l mut Vec<Replacement>,
    /// The step of a node that has one.
    steps_of: HashMap<&'a NodeKey, StepId>,
    /// The steps that whoever depends on a node waits for.
    waits: HashMap<&'a NodeKey, Vec<StepId>>,
    plan: Plan,
    diagnostics: Diagnostics,
}

impl<'a> Planner<'a, '_> {
    fn node(&mut self, node: &'a Node) {
        let before: Vec<StepId> = self.steps_before(node);
        let step = match &node.identity {
            Identity::Resource(id) => self.resource(node, id),
            Identity::Grant(grant) => self.grant(node, grant),
        };
        let step = step.map(|draft| self.made_again(node, draft));
        match step {
            Some(Draft {
                action,
                reason,
                changes,
                call,
            }) => {
                let id = StepId(self.plan.steps.len());
                let patience = self.patience(node);
                self.plan.steps.push(Step {
                    id,
                    key: node.key.clone(),
                    kind: node.kind,
                    arm_type: node.arm_type.clone(),
                    action,
                    reason,
                    subject: node.subject.clone(),
                    changes,
                    call,
                    outputs: Vec::new(),
                    after: before,
                    patience,
                    span: node.span,
                    places: node.places.clone(),
                });
                self.steps_of.insert(&node.key, id);
                self.waits.insert(&node.key, vec![id]);
            }
            None => {
                self.waits.insert(&node.key, before);
            }
        }
    }

    /// The body with what is known before the run filled in, and secrets hidden.
    fn wanted(&self, node: &Node) -> Value {
        veil(self.live.fill(self.graph, &node.body).without_nulls())
    }

    fn steps_before(&self, node: &Node) -> Vec<StepId> {
        let mut before: Vec<StepId> = self
            .graph
            .dependencies(&node.key)
            .into_iter()
            .filter_map(|(dependency, _)| self.waits.get(&dependency.key))
            .flatten()
            .copied()
            .collect();
        before.sort();
        before.dedup();
        before
    }

    fn resource(&mut self, node: &'a Node, id: &ArmId) -> Option<Draft> {
        let found = self.live.resource(id);
        if node.lifecycle.existing {
            if found.is_none() {
                self.diagnostics.push(
                    Diagnostic::error(
                        Code::NotFound,
                        node.span,
                        format!("`{}` is declared as existing, but does not exist", node.key),
                    )
                    .note(id.to_string())
                    .help("check its name and place, or take `existing: true` out to have it made"),
                );
            } else {
                self.plan.unchanged.push(node.key.clone());
            }
            return None;
        }
        let wanted = self.wanted(node);
        let call = |body| Call {
            method: Method::Put,
            target: CallTarget::Id(id.clone()),
            api_version: node.arm_type.api_version.to_string(),
            body,
        };
        let Some(body) = found else {
            let wanted = Secrets::of(self.graph, node, &wanted).remembered_in(wanted);
            let changes = creation(&wanted);
            let reason = "it does not exist".to_owned();
            return Some(Draft {
                action: Action::Create,
                reason,
                changes,
                call: call(wanted),
            });
        };
        self.update(node, wanted, body, call)
    }

    /// The change of what exists into what is wanted, if there is a difference.
    fn update(
        &mut self,
        node: &Node,
        mut wanted: Value,
        live: &Json,
        call: impl Fn(Value) -> Call,
    ) -> Option<Draft> {
        if node.mark == Mark::Tag && self.is_of_another_stack(node, live) {
            return None;
        }
        let ignore = &node.lifecycle.ignore;
        let Comparing {
            mut changes,
            withheld,
        } = compare(&wanted, live, node.rules, ignore);
        let secrets = Secrets::of(self.graph, node, &wanted);
        changes.extend(secrets.changed(&withheld, live));
        let known = overruled::take_known(self.graph, self.live, node, &mut changes);
        self.plan.overruled.extend(known);
        let outdated = marks::outdated(node, live);
        changes.extend(outdated.clone());
        let broken = broken(live);
        if changes.is_empty() && broken.is_none() {
            self.plan.withheld.extend(secrets.not_compared(withheld));
            self.plan.unchanged.push(node.key.clone());
            return None;
        }
        if self.is_of_another_stack(node, live) || self.refuses(node, live, &changes) {
            return None;
        }
        let kept = marks::keep_words(node, &mut wanted, live);
        changes.extend(kept.filter(|_| outdated.is_none()));
        let wanted = secrets.remembered_in(wanted);
        let is_taken_over = marks::is_put_on(node, &wanted, live);
        let found = marks::found_as(is_taken_over, broken);
        let differing = differing(&changes);
        let reason = match found {
            None => differing,
            Some(found) if changes.is_empty() => found,
            Some(found) => format!("{found}, {differing}"),
        };
        Some(Draft {
            action: if is_taken_over {
                Action::Adopt
            } else {
                Action::Update
            },
            reason,
            changes,
            call: call(marks::without_outdated(
                node,
                overlay(&wanted, live, node.rules, ignore),
            )),
        })
    }

    fn grant(&mut self, node: &'a Node, grant: &Grant) -> Option<Draft> {
        let wanted = self.wanted(node);
        let call = |target, body| Call {
            method: Method::Put,
            target,
            api_version: node.arm_type.api_version.to_string(),
            body,
        };
        let Some(found) = self.live.grant(self.graph, grant) else {
            let grant = Grant {
                principal: self.live.fill(self.graph, &grant.principal),
                ..grant.clone()
            };
            return Some(Draft {
                action: Action::Create,
                reason: "no such grant exists".to_owned(),
                changes: creation(&wanted),
                call: call(CallTarget::Grant(grant), wanted),
            });
        };
        let target = CallTarget::Id(found.id.clone());
        self.update(node, wanted, &found.body, |body| call(target.clone(), body))
    }

    /// A creation of what was there before, as what it is.
    fn made_again(&self, node: &Node, draft: Draft) -> Draft {
        if draft.action != Action::Create {
            return draft;
        }
        if let Some(replacement) = self.replaced.iter().find(|one| one.key == node.key) {
            let call = Call {
                method: Method::Replace,
                target: CallTarget::Id(replacement.id.clone()),
                ..draft.call
            };
            return Draft {
                action: Action::Replace,
                reason: replace::reason(self.graph, self.before, node, replacement),
                changes: replacement.changes.clone(),
                call,
            };
        }
        let place = match &node.identity {
            Identity::Resource(id) => id,
            Identity::Grant(grant) => &grant.scope,
        };
        let goes_along = |one: &&Replacement| one.id.covers(place);
        let was_there = match &node.identity {
            Identity::Resource(id) => self.before.resource(id).is_some(),
            Identity::Grant(grant) => self.before.grant(self.graph, grant).is_some(),
        };
        match self.replaced.iter().find(goes_along).filter(|_| was_there) {
            Some(one) => Draft {
                reason: format!("it goes with `{}`, which is replaced", one.key),
                ..draft
            },
            None => draft,
        }
    }

    /// Whether the mark of another stack is on what would be changed. That is reported.
    fn is_of_another_stack(&mut self, node: &Node, live: &Json) -> bool {
        let Some(other) = marks::owner_of(node, live).filter(|other| *other != node.key.stack)
        else {
            return false;
        };
        let message = format!("`{}` is owned by the stack `{other}`", node.key);
        let id = live.get("id").and_then(Json::as_str);
        self.diagnostics.push(
            Diagnostic::error(Code::ForeignOwner, node.span, message)
                .note(id.unwrap_or(&node.subject))
                .help("two stacks would undo each other's work: mark it with `existing: true` here, or take it out there"),
        );
        true
    }

    /// Whether a change is of what is fixed at creation. Each such change is reported, unless it is agreed that the
    /// resource is replaced.
    fn refuses(&mut self, node: &Node, live: &Json, changes: &[Change]) -> bool {
        let fixed: Vec<&Change> = changes.iter().filter(|change| change.immutable).collect();
        if fixed.is_empty() {
            return false;
        }
        let id = live.get("id").and_then(Json::as_str).and_then(ArmId::parse);
        let Some(id) = node.id().cloned().or(id) else {
            return true;
        };
        let allowed = (&self.consent.replace, self.part);
        match replace::consent(self.graph, self.before, allowed, node, &id) {
            Ok(()) => self.more.push(Replacement {
                key: node.key.clone(),
                id,
                changes: changes.to_vec(),
            }),
            Err(help) => {
                for change in &fixed {
                    self.diagnostics.push(immutable(node, change, &help));
                }
            }
        }
        true
    }

    /// What the step may be refused for although it is right, because Azure has not caught up with another step.
    fn patience(&self, node: &Node) -> Vec<Patience> {
        let mut patience = Vec::new();
        if let Identity::Grant(grant) = &node.identity {
            // A principal that is known before the run is not made by it.
            let is_made = self
                .live
                .fill(self.graph, &grant.principal)
                .as_str()
                .is_none();
            let maker = grant.principal_key().filter(|_| is_made);
            let maker = maker.and_then(|key| self.steps_of.get(key));
            patience.extend(maker.map(|step| Patience::Principal(*step)));
            patience.extend(self.role_made(node, grant).map(Patience::Role));
        }
        for (dependency, _) in self.graph.dependencies(&node.key) {
            let Identity::Grant(grant) = &dependency.identity else {
                continue;
            };
            let made = match self.steps_of.get(&dependency.key) {
                Some(step) => Some(Made::Step(*step)),
                None => {
                    let found = self.live.grant(self.graph, grant);
                    found.and_then(made_at).map(Made::At)
                }
            };
            patience.extend(made.map(|made| Patience::Grant {
                principal: self.live.fill(self.graph, &grant.principal),
                made,
            }));
        }
        patience
    }

    /// The step that makes the custom role of a grant.
    fn role_made(&self, node: &Node, grant: &Grant) -> Option<StepId> {
        let dependencies = self.graph.dependencies(&node.key).into_iter();
        let role = dependencies
            .map(|(dependency, _)| dependency)
            .find(|node| {
                node.id()
                    .is_some_and(|id| id.name().eq_ignore_ascii_case(&grant.role))
            })?;
        let step = self.plan.steps.get(self.steps_of.get(&role.key)?.0)?;
        matches!(step.action, Action::Create | Action::Replace).then_some(step.id)
    }

    /// Tells each step which of its outputs others have holes for.
    fn mark_outputs(&mut self) {
        let mut needed: BTreeMap<StepId, Vec<Output>> = BTreeMap::new();
        for step in &self.plan.steps {
            let target = match &step.call.target {
                CallTarget::Grant(grant) => grant.principal.outputs(),
                CallTarget::Id(_) => Vec::new(),
            };
            for output in step.call.body.outputs().into_iter().chain(target) {
                if let Some(id) = self.steps_of.get(&output.of) {
                    let outputs = needed.entry(*id).or_default();
                    if !outputs.contains(output) {
                        outputs.push(output.clone());
                    }
                }
            }
        }
        for (id, outputs) in needed {
            if let Some(step) = self.plan.steps.get_mut(id.0) {
                step.outputs = outputs;
            }
        }
    }
}

struct Draft {
    action: Action,
    reason: String,
    changes: Vec<Change>,
    call: Call,
}

fn made_at(grant: &LiveGrant) -> Option<String> {
    grant
        .body
        .pointer("/properties/createdOn")
        .and_then(Json::as_str)
        .map(str::to_owned)
}

/// The `provisioningState` of a resource whose last write did not end well: it may not be what its properties say.
fn broken(body: &Json) -> Option<&str> {
    let state = body.pointer("/properties/provisioningState")?.as_str()?;
    let ends = ["Failed", "Canceled"];
    ends.into_iter().find(|end| end.eq_ignore_ascii_case(state))
}

fn differing(changes: &[Change]) -> String {
    match changes.len() {
        1 => "1 property differs".to_owned(),
        count => format!("{count} properties differ"),
    }
}

fn immutable(node: &Node, change: &Change, help: &str) -> Diagnostic {
    let path = lifted(&change.path);
    let is = match &change.before {
        Some(before) => format!("it is {before} in Azure"),
        None => "it is not set in Azure".to_owned(),
    };
    let wanted = match &change.after {
        Some(after) => format!("{} is wanted", after.to_display_json()),
        None => "is not wanted".to_owned(),
    };
    Diagnostic::error(
        Code::Immutable,
        node.place_of(&change.path),
        format!("`{path}` of `{}` is fixed at creation", node.key),
    )
    .note(format!("{is}, and {wanted}"))
    .help(help)
}
