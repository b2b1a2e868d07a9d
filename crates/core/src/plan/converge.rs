//! Planning toward the spec: create what is missing, change what differs, keep the rest.

mod causes;

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use serde_json::Value as Json;

use super::{
    Absence, Action, Call, CallTarget, Method, NewGrant, OwnershipGuard, Plan, Principal, StepId,
    Update, children, grants,
    grants::ReplacedPrincipals,
    mass_deletion, orphans, overrides, ownership,
    replace::{self, Replacement},
    role_scopes,
    secrets::Secrets,
    step::StepDraft,
    update::{ExpectedOwnership, UpdateScope, are_tags_only},
};
use crate::{
    arm::ArmId,
    body_path::BodyPath,
    diagnostic::{Code, Diagnostic, Diagnostics},
    diff::{Change, ComparisonResult, compare, creation, mask_secrets, overlay},
    graph::{Grant, Graph, Identity, Names, Node, NodeKey, Selection},
    live::Live,
    marker::{Marker, MarkerClaim},
    value::{Output, Value},
};

/// Compares the graph with live state. Use the plan only if the diagnostics have no errors.
pub fn converge(graph: &Graph, live: &Live) -> (Plan, Diagnostics) {
    converge_with(graph, live, &Consent::default())
}

/// The caller's consent to deletions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Consent {
    /// What happens to orphans.
    pub orphans: OrphanPolicy,
    /// The resources that may be replaced where they cannot be changed in place.
    pub replace: Names,
}

/// What happens to orphans: resources that a stack owns and no entry of its spec declares.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OrphanPolicy {
    /// They are listed.
    #[default]
    List,
    /// They are deleted or released.
    Prune,
}

/// [`converge`] with consent.
pub fn converge_with(graph: &Graph, live: &Live, consent: &Consent) -> (Plan, Diagnostics) {
    converge_part(graph, live, consent, &Selection::all())
}

/// [`converge_with`] for a selection of the graph. Orphans are only planned for without a selection.
pub fn converge_part(
    graph: &Graph,
    live: &Live,
    consent: &Consent,
    selection: &Selection,
) -> (Plan, Diagnostics) {
    let mut replaced: Vec<Replacement> = Vec::new();
    // A replacement removes outputs and children that other nodes are compared with, which can require more replacements.
    let (left, (mut plan, steps_of, mut diagnostics)) = loop {
        let gone: Vec<&ArmId> = replaced.iter().map(|one| &one.id).collect();
        let left = match gone.as_slice() {
            [] => Cow::Borrowed(live),
            gone => Cow::Owned(live.without(gone)),
        };
        let mut more = Vec::new();
        let attempt = attempt(
            graph,
            (live, &left),
            (consent, selection),
            &replaced,
            &mut more,
        );
        if more.is_empty() {
            let (plan, keys, diagnostics) = attempt;
            break (left, (plan, keys, diagnostics));
        }
        replaced.extend(more);
    };
    let remaining = left.as_ref();
    let principals: ReplacedPrincipals = replaced
        .iter()
        .filter_map(|one| live.resource(&one.id))
        .flat_map(principals_of)
        .collect();
    grants::plan(
        graph,
        remaining,
        selection,
        &steps_of,
        &principals,
        &mut plan,
    );
    plan.remarks.selection = selection.summary().cloned();
    if selection.is_all() {
        match consent.orphans {
            OrphanPolicy::Prune => orphans::prune(graph, remaining, &principals, &mut plan),
            OrphanPolicy::List => {
                plan.remarks.orphans = orphans::list(graph, remaining, &principals)
            }
        }
        plan.remarks.unreadable = remaining.unreadable_scopes().to_vec();
        plan.remarks.unrecorded = graph.unrecorded().to_vec();
        plan.remarks.unsearched = remaining.unsearched().map(str::to_owned);
    }
    diagnostics.extend(role_scopes::free(graph, remaining, &mut plan));
    plan.remarks.mass_deletions = mass_deletion::find(graph, live, &plan);
    (plan, diagnostics)
}

/// The object ids of the identities of a live resource, in lowercase.
fn principals_of(body: &Json) -> impl Iterator<Item = String> + use<> {
    let ids = ["/properties/principalId", "/identity/principalId"]
        .map(|path| Some(body.pointer(path)?.as_str()?.to_lowercase()));
    ids.into_iter().flatten()
}

/// A plan with these replacements. Adds further replacements with consent to `more`.
fn attempt<'a>(
    graph: &'a Graph,
    (before, live): (&Live, &Live),
    (consent, selection): (&Consent, &Selection),
    replaced: &[Replacement],
    more: &mut Vec<Replacement>,
) -> (Plan, HashMap<&'a NodeKey, StepId>, Diagnostics) {
    let mut planner = Planner {
        graph,
        before,
        live,
        consent,
        selection,
        replaced,
        more,
        steps_of: HashMap::new(),
        waits: HashMap::new(),
        plan: Plan::default(),
        diagnostics: Diagnostics::default(),
    };
    for node in graph
        .nodes()
        .filter(|node| selection.has(&node.subject.key))
    {
        planner.node(node);
    }
    planner.mark_outputs();
    (planner.plan, planner.steps_of, planner.diagnostics)
}

struct Planner<'a, 'l> {
    graph: &'a Graph,
    /// The live state.
    before: &'l Live,
    /// The live state without the resources that are replaced.
    live: &'l Live,
    consent: &'l Consent,
    selection: &'l Selection,
    replaced: &'l [Replacement],
    more: &'l mut Vec<Replacement>,
    /// The step of each node that has one.
    steps_of: HashMap<&'a NodeKey, StepId>,
    /// The steps that the dependents of each node wait for.
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
        let step = step.map(|draft| self.recreated(node, draft));
        match step {
            Some(PlannedChange {
                action,
                reason,
                changes,
                call,
            }) => {
                let retry_causes = self.retry_causes(node);
                let id = self.plan.steps.push(StepDraft {
                    subject: node.subject.clone(),
                    action,
                    reason,
                    changes,
                    call,
                    after: before,
                    retry_causes,
                });
                self.steps_of.insert(&node.subject.key, id);
                self.waits.insert(&node.subject.key, vec![id]);
            }
            None => {
                self.waits.insert(&node.subject.key, before);
            }
        }
    }

    /// The body with known outputs filled in and secrets masked.
    fn wanted(&self, node: &Node) -> Value {
        mask_secrets(self.live.fill(self.graph, &node.body).without_nulls())
    }

    fn steps_before(&self, node: &Node) -> Vec<StepId> {
        let mut before: Vec<StepId> = self
            .graph
            .dependencies(&node.subject.key)
            .into_iter()
            .filter_map(|(dependency, _)| self.waits.get(&dependency.subject.key))
            .flatten()
            .copied()
            .collect();
        before.sort();
        before.dedup();
        before
    }

    fn resource(&mut self, node: &'a Node, id: &ArmId) -> Option<PlannedChange> {
        let found = self.live.resource(id);
        if node.lifecycle.existing {
            if found.is_none() {
                self.diagnostics.push(
                    Diagnostic::error(
                        Code::NotFound,
                        node.subject.span,
                        format!(
                            "`{}` is declared as existing, but does not exist",
                            node.subject.key
                        ),
                    )
                    .note(id.to_string())
                    .help("check its name and place, or remove `existing: true` to create it"),
                );
            } else {
                self.plan.remarks.unchanged.push(node.subject.key.clone());
            }
            return None;
        }
        let wanted = self.wanted(node);
        let call = |method, body| Call {
            method,
            target: CallTarget::Id(id.clone()),
            api_version: node.subject.arm_type.api_version.to_string(),
            body,
        };
        let Some(body) = found else {
            let wanted = Secrets::new(self.graph, node, &wanted).with_digests(wanted);
            let changes = creation(&wanted);
            let reason = "it does not exist".to_owned();
            return Some(PlannedChange {
                action: Action::Create,
                reason,
                changes,
                call: call(Method::Create(self.absence(id.parent())), wanted),
            });
        };
        self.update(node, wanted, body, call)
    }

    /// The change of an existing resource, if it differs from the spec.
    fn update(
        &mut self,
        node: &Node,
        mut wanted: Value,
        live: &Json,
        call: impl Fn(Method, Value) -> Call,
    ) -> Option<PlannedChange> {
        if node.marker == Marker::Tag && self.is_of_another_stack(node, live) {
            return None;
        }
        let ignore = &node.lifecycle.ignore;
        let emptied = children::keep_records(self.graph, self.live, node, &mut wanted, live);
        let ComparisonResult {
            mut changes,
            unverifiable,
        } = compare(&wanted, live, node.rules, ignore);
        let secrets = Secrets::new(self.graph, node, &wanted);
        changes.extend(secrets.changed(&unverifiable, live));
        let known = overrides::take_known(self.graph, self.live, node, &mut changes);
        self.plan.remarks.server_overrides.extend(known);
        let outdated = ownership::find_outdated(self.graph, node, live);
        changes.extend(outdated.clone());
        changes.extend(emptied);
        let broken = broken(live);
        if changes.is_empty() && broken.is_none() {
            self.plan
                .remarks
                .unverifiable_secrets
                .extend(secrets.unverifiable(unverifiable));
            self.plan.remarks.unchanged.push(node.subject.key.clone());
            return None;
        }
        if self.is_of_another_stack(node, live) || self.needs_replacement(node, live, &changes) {
            return None;
        }
        let kept = ownership::keep_text(self.graph, node, &mut wanted, live);
        changes.extend(kept.filter(|_| outdated.is_none()));
        let wanted = secrets.with_digests(wanted);
        let is_taken_over = ownership::is_added(self.graph, node, &wanted, live);
        let found = ownership::reason_beyond_differences(is_taken_over, broken);
        let differing = differing(&changes);
        let reason = match found {
            None => differing,
            Some(found) if changes.is_empty() => found,
            Some(found) => format!("{found}, {differing}"),
        };
        let body = ownership::remove_tags(overlay(&wanted, live, node.rules, ignore), &changes);
        let has_tags_only = node.marker == Marker::Tag && broken.is_none();
        let update = Update {
            wanted,
            base: Arc::new(live.clone()),
            rules: node.rules,
            ignore: ignore.clone(),
            removed: changes
                .iter()
                .filter(|change| change.after.is_none())
                .cloned()
                .collect(),
            ownership: self.expected_ownership(node, live),
            scope: match has_tags_only && are_tags_only(&changes) {
                true => UpdateScope::Tags,
                false => UpdateScope::Body,
            },
        };
        Some(PlannedChange {
            action: if is_taken_over {
                Action::Adopt
            } else {
                Action::Update
            },
            reason,
            changes,
            call: call(Method::Update(Box::new(update)), body),
        })
    }

    /// Who may own the live resource of a node when it is updated.
    fn expected_ownership(&self, node: &Node, live: &Json) -> ExpectedOwnership {
        let guard = OwnershipGuard::for_node(self.graph, node)
            .filter(|_| ownership::is_own(self.graph, node, live));
        match guard {
            Some(guard) => ExpectedOwnership::Own(guard),
            None => ExpectedOwnership::NotForeign(self.graph.stack_identity(node)),
        }
    }

    /// How sure it is that something below a place does not exist.
    fn absence(&self, place: Option<ArmId>) -> Absence {
        let mut around = std::iter::successors(place, ArmId::parent);
        let is_new =
            |id: &ArmId| self.graph.node_by_id(id).is_some() && self.live.resource(id).is_none();
        match around.any(|id| is_new(&id)) {
            true => Absence::Certain,
            false => Absence::Planned,
        }
    }

    fn grant(&mut self, node: &'a Node, grant: &Grant) -> Option<PlannedChange> {
        let wanted = self.wanted(node);
        let call = |method, target, body| Call {
            method,
            target,
            api_version: node.subject.arm_type.api_version.to_string(),
            body,
        };
        let Some(found) = self.live.grant(self.graph, grant) else {
            let filled = self.live.fill(self.graph, &grant.principal);
            // An output that is not an object id in Azure is not known yet.
            let principal =
                Principal::from_value(&filled).or_else(|| Principal::from_value(&grant.principal));
            let Some(principal) = principal else {
                let message = format!(
                    "the principal of `{}` is not an object id",
                    node.subject.key
                );
                let span = node.subject.span_of(&BodyPath::from_names(["principalId"]));
                self.diagnostics
                    .push(Diagnostic::error(Code::ValueNotAllowed, span, message));
                return None;
            };
            let grant = NewGrant {
                scope: grant.scope.clone(),
                role: grant.role.clone(),
                role_name: grant.role_name.clone(),
                principal,
            };
            let absence = match grant.principal {
                Principal::Unresolved { .. } => Absence::Certain,
                Principal::Id(_) | Principal::Secret(_) => self.absence(Some(grant.scope.clone())),
            };
            return Some(PlannedChange {
                action: Action::Create,
                reason: "the role assignment does not exist".to_owned(),
                changes: creation(&wanted),
                call: call(Method::Create(absence), CallTarget::Grant(grant), wanted),
            });
        };
        let target = CallTarget::Id(found.id.clone());
        self.update(node, wanted, &found.body, |method, body| {
            call(method, target.clone(), body)
        })
    }

    /// A creation of a resource that existed before, as a replacement.
    fn recreated(&self, node: &Node, draft: PlannedChange) -> PlannedChange {
        if draft.action != Action::Create {
            return draft;
        }
        if let Some(replacement) = self.replaced.iter().find(|one| one.key == node.subject.key) {
            let call = Call {
                method: Method::Replace(replacement.deletion.clone()),
                target: CallTarget::Id(replacement.id.clone()),
                ..draft.call
            };
            return PlannedChange {
                action: Action::Replace,
                reason: replace::reason(self.graph, self.before, node, replacement),
                changes: replacement.changes.clone(),
                call,
            };
        }
        let place = node.identity.place();
        let is_above = |one: &&Replacement| one.id.covers(place);
        let was_there = match &node.identity {
            Identity::Resource(id) => self.before.resource(id).is_some(),
            Identity::Grant(grant) => self.before.grant(self.graph, grant).is_some(),
        };
        match self.replaced.iter().find(is_above).filter(|_| was_there) {
            Some(one) => PlannedChange {
                reason: format!("it is deleted with `{}`, which is replaced", one.key),
                ..draft
            },
            None => draft,
        }
    }

    /// Whether the resource has the ownership marker of another stack, or one that only a newer lazuli reads. Reports it.
    fn is_of_another_stack(&mut self, node: &Node, live: &Json) -> bool {
        let key = &node.subject.key;
        let (message, help) = match ownership::claim_on(self.graph, node, live) {
            Some(MarkerClaim::Foreign(other)) => (
                format!("`{key}` is owned by stack {other}"),
                match other.has_same_name {
                    true => "add the `id` of that stack to this document if it is the same stack, or choose another stack name".to_owned(),
                    false => "declare it in one stack only: set `existing: true` here, or remove it there".to_owned(),
                },
            ),
            Some(MarkerClaim::Newer(needs)) => (
                format!("the ownership marker of `{key}` was written by a newer lazuli"),
                format!("install lazuli {needs} or later"),
            ),
            Some(MarkerClaim::Own | MarkerClaim::Outdated | MarkerClaim::Copied) | None => return false,
        };
        let id = live.get("id").and_then(Json::as_str);
        self.diagnostics.push(
            Diagnostic::error(Code::ForeignOwner, node.subject.span, message)
                .note(id.unwrap_or(&node.subject.title))
                .help(help),
        );
        true
    }

    /// Whether a change needs a replacement. Reports each such change for which there is no consent.
    fn needs_replacement(&mut self, node: &Node, live: &Json, changes: &[Change]) -> bool {
        let fixed: Vec<&Change> = changes.iter().filter(|change| change.immutable).collect();
        if fixed.is_empty() {
            return false;
        }
        let id = live.get("id").and_then(Json::as_str).and_then(ArmId::parse);
        let Some(id) = node.id().cloned().or(id) else {
            return true;
        };
        let allowed = (&self.consent.replace, self.selection);
        match replace::consent(self.graph, self.before, allowed, node, &id) {
            Ok(deletion) => self.more.push(Replacement {
                key: node.subject.key.clone(),
                id,
                deletion,
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

    /// Sets the outputs of each step that other steps need.
    fn mark_outputs(&mut self) {
        let mut needed: BTreeMap<StepId, Vec<Output>> = BTreeMap::new();
        for step in &self.plan.steps {
            let target = match &step.call.target {
                CallTarget::Grant(grant) => grant.principal.to_value(),
                CallTarget::Id(_) => Value::Null,
            };
            let outputs = step.call.body.outputs().into_iter().chain(target.outputs());
            for output in outputs {
                if let Some(id) = self.steps_of.get(&output.of) {
                    let outputs = needed.entry(*id).or_default();
                    if !outputs.contains(output) {
                        outputs.push(output.clone());
                    }
                }
            }
        }
        for (id, outputs) in needed {
            self.plan.steps.set_outputs(id, outputs);
        }
    }
}

struct PlannedChange {
    action: Action,
    reason: String,
    changes: Vec<Change>,
    call: Call,
}

/// The `provisioningState` of a resource whose last write failed or was canceled: its properties may not be in effect.
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
    let path = change.path.lifted();
    let is = match &change.before {
        Some(before) => format!("it is {before} in Azure"),
        None => "it is not set in Azure".to_owned(),
    };
    let wanted = match &change.after {
        Some(after) => format!("the spec sets {}", after.to_display_json()),
        None => "the spec does not set it".to_owned(),
    };
    Diagnostic::error(
        Code::Immutable,
        node.subject.span_of(&change.path),
        format!("`{path}` of `{}` is fixed at creation", node.subject.key),
    )
    .note(format!("{is}, and {wanted}"))
    .help(help)
}
