//! Custom roles that lose a scope. Azure rejects that while role assignments of the role exist there
//! (`RoleScopeBeingRemovedContainsAssignments`), so their deletions come before the change of the role.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::{Action, Method, Plan, PruneEffect, Step, StepId};
use crate::{
    arm::{
        ArmId,
        types::{MANAGEMENT_LOCK, ROLE_DEFINITION},
    },
    body_path::BodyPath,
    diagnostic::{Code, Diagnostic, Diagnostics},
    graph::{Graph, Identity, Node},
    live::{Live, LiveGrant},
    value::Value,
};

/// Orders the deletions of role assignments before the change of a role that loses their scope. Reports those that the plan
/// does not delete.
pub(super) fn free(graph: &Graph, live: &Live, plan: &mut Plan) -> Diagnostics {
    let mut diagnostics = Diagnostics::default();
    let mut moved: BTreeSet<StepId> = BTreeSet::new();
    let mut roles: Vec<(StepId, Vec<StepId>)> = Vec::new();
    for step in plan.steps.iter() {
        let Some((node, lost)) = lost_grants(graph, live, step) else {
            continue;
        };
        let mut first = Vec::new();
        let mut staying = Vec::new();
        for grant in lost {
            match deletion_of(plan, &grant.id) {
                Some(deletion) => first.push(deletion),
                None => staying.push(grant),
            }
        }
        report(graph, live, plan, node, staying, &mut diagnostics);
        if !first.is_empty() {
            moved.extend(&first);
            roles.push((step.id, first));
        }
    }
    if !moved.is_empty() {
        move_deletions(plan, moved, roles);
    }
    diagnostics
}

/// Moves deletions before all other steps. They only wait for deletions of locks, which wait for nothing.
fn move_deletions(plan: &mut Plan, mut moved: BTreeSet<StepId>, roles: Vec<(StepId, Vec<StepId>)>) {
    let unlocks: BTreeSet<StepId> = plan
        .steps
        .iter()
        .filter(|step| MANAGEMENT_LOCK.is(&step.subject.arm_type.name) && step.after.is_empty())
        .filter(|step| matches!(step.call.method, Method::Delete(_)))
        .map(|step| step.id)
        .collect();
    for id in moved.clone() {
        let deletion = &mut plan.steps[id.0];
        deletion.after.retain(|before| unlocks.contains(before));
        moved.extend(&deletion.after);
    }
    for (role, first) in roles {
        let change = &mut plan.steps[role.0];
        change.after.extend(first);
        change.after.sort();
        change.after.dedup();
    }
    plan.steps.move_to_front(&moved);
}

/// The live role assignments of a role at scopes that a step takes from it.
fn lost_grants<'a>(
    graph: &'a Graph,
    live: &'a Live,
    step: &Step,
) -> Option<(&'a Node, Vec<&'a LiveGrant>)> {
    let is_change = matches!(step.action, Action::Update | Action::Adopt);
    if !is_change || !ROLE_DEFINITION.is(&step.subject.arm_type.name) {
        return None;
    }
    let node = graph.node(&step.subject.key)?;
    let id = node.id()?;
    let wanted = match step.call.body.get("properties")?.get("assignableScopes")? {
        Value::Array(scopes) => scopes.iter().map(|scope| ArmId::parse(scope.as_str()?)),
        _ => return None,
    };
    // A scope that is not known yet can cover any role assignment.
    let wanted: Vec<ArmId> = wanted.collect::<Option<_>>()?;
    let found = live.resource(id)?.pointer("/properties/assignableScopes")?;
    let found = found.as_array()?.iter().filter_map(Json::as_str);
    let found: Vec<ArmId> = found.filter_map(ArmId::parse).collect();
    let reaches = |scopes: &[ArmId], scope: &ArmId| scopes.iter().any(|at| at.may_reach(scope));
    let lost = live.grants().iter().filter(|grant| {
        grant.role.eq_ignore_ascii_case(id.name())
            && reaches(&found, &grant.scope)
            && !reaches(&wanted, &grant.scope)
    });
    Some((node, lost.collect()))
}

fn deletion_of(plan: &Plan, id: &ArmId) -> Option<StepId> {
    let mut steps = plan.steps.iter();
    let is_deletion = |step: &&Step| {
        matches!(step.call.method, Method::Delete(_)) && step.call.target.place() == id
    };
    steps.find(is_deletion).map(|step| step.id)
}

/// Who can remove a role assignment that stays.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ScopeRemedy {
    /// An entry declares it.
    Entry,
    /// It is an orphan that pruning deletes.
    Prune,
    /// It belongs to others, or stays when it is pruned.
    Hand,
}

fn report(
    graph: &Graph,
    live: &Live,
    plan: &Plan,
    role: &Node,
    staying: Vec<&LiveGrant>,
    diagnostics: &mut Diagnostics,
) {
    let entry_of = |grant: &LiveGrant| {
        graph.nodes().find(|node| match &node.identity {
            Identity::Grant(wanted) => live
                .grant(graph, wanted)
                .is_some_and(|found| found.id == grant.id),
            Identity::Resource(_) => false,
        })
    };
    let is_prunable = |grant: &LiveGrant| {
        let mut orphans = plan.remarks.orphans.iter();
        orphans.any(|orphan| orphan.id == grant.id && orphan.prune == PruneEffect::Delete)
    };
    let remedy_for = |grant: &LiveGrant| match entry_of(grant) {
        Some(_) => ScopeRemedy::Entry,
        None if is_prunable(grant) => ScopeRemedy::Prune,
        None => ScopeRemedy::Hand,
    };
    let mut at: BTreeSet<&ArmId> = BTreeSet::new();
    at.extend(staying.iter().map(|grant| &grant.scope));
    let span = role
        .subject
        .span_of(&BodyPath::from_names(["properties", "assignableScopes"]));
    for scope in at {
        for remedy in [ScopeRemedy::Entry, ScopeRemedy::Prune, ScopeRemedy::Hand] {
            let grants = staying.iter().filter(|grant| grant.scope == *scope);
            let grants: Vec<&&LiveGrant> =
                grants.filter(|grant| remedy_for(grant) == remedy).collect();
            if grants.is_empty() {
                continue;
            }
            let exist = match grants.len() {
                1 => "1 role assignment of it exists there".to_owned(),
                count => format!("{count} role assignments of it exist there"),
            };
            let message = format!(
                "`{}` cannot lose the scope {}: {exist}",
                role.subject.key,
                scope.name()
            );
            let mut diagnostic = Diagnostic::error(Code::ScopeInUse, span, message);
            let mut entries = Vec::new();
            for entry in grants.iter().filter_map(|grant| entry_of(grant)) {
                diagnostic = diagnostic.related(entry.subject.span, "assigned here");
                entries.push(format!("`{}`", entry.subject.key.address));
            }
            entries.dedup();
            let ids: Vec<&str> = grants.iter().map(|grant| grant.id.as_str()).collect();
            let ids = ids.join("\n  ");
            diagnostics.push(diagnostic.help(match remedy {
                ScopeRemedy::Entry => format!(
                    "keep the scope in `assignableScopes`, or remove {}",
                    entries.join(", ")
                ),
                ScopeRemedy::Prune => {
                    format!("pass `--prune` to delete it before the role changes:\n\n  {ids}")
                }
                ScopeRemedy::Hand => {
                    let part = match plan.remarks.selection {
                        Some(_) => "run without `--target` and with `--prune` if the stack owns it, ",
                        None => "",
                    };
                    format!(
                        "keep the scope in `assignableScopes`, {part}or run:\n\n  az role assignment delete --ids {}",
                        ids.replace("\n ", "")
                    )
                }
            }));
        }
    }
}
