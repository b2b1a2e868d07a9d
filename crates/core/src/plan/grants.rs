//! Grants that the spec does not name: those whose principal was made anew go, others are shown, or deleted where the
//! spec is authoritative.

use std::collections::{BTreeSet, HashSet};

use super::{Action, Call, CallTarget, Kept, Method, Plan, Step, StepId, converge};
use crate::{
    arm::{ArmId, ArmType},
    graph::{Graph, Identity, Node, NodeKey},
    live::{Existence, Live, LiveGrant},
    mark::TextMark,
    spec::GrantsPolicy,
    value::Value,
};

const ASSIGNMENT: ArmType = ArmType::new("Microsoft.Authorization/roleAssignments", "2022-04-01");

/// A role assignment directly on a resource of the stack, which no entry of the spec names.
#[derive(Debug, Clone, PartialEq)]
pub struct Undeclared {
    /// The resource that it is on.
    pub on: NodeKey,
    /// The assignment.
    pub grant: LiveGrant,
    /// Whether its principal exists.
    pub principal: Existence,
}

/// The principals of the grants that [`converge()`] will list as undeclared, each once, as far as the directory can tell
/// whether they exist.
pub fn undeclared_principals(graph: &Graph, live: &Live) -> Vec<String> {
    let (plan, _) = converge(graph, live);
    let grants = plan.undeclared.iter().map(|undeclared| &undeclared.grant);
    let ids: BTreeSet<String> = grants
        .filter(|grant| !grant.is_foreign())
        .map(|grant| grant.principal.to_lowercase())
        .collect();
    ids.into_iter().collect()
}

/// What became of a grant of the spec.
pub(super) struct Seen<'a> {
    pub(super) node: &'a Node,
    /// Its principal's object id, where it is known before the run.
    pub(super) principal: Option<String>,
    /// The step that makes or changes it.
    pub(super) step: Option<StepId>,
}

/// Plans what happens to live grants that are none of the spec's. `declared` are the ids of those that are.
pub(super) fn plan(
    graph: &Graph,
    live: &Live,
    seen: &[Seen<'_>],
    declared: &HashSet<ArmId>,
    plan: &mut Plan,
) {
    let mut going = HashSet::new();
    for grant in live
        .grants()
        .iter()
        .filter(|grant| !declared.contains(&grant.id))
    {
        if let Some(seen) = seen.iter().find(|seen| is_outlived(grant, seen)) {
            going.insert(grant.id.clone());
            let why = match (&seen.principal, seen.node.grant_principal()) {
                (_, Some(key)) => {
                    format!("its principal {} is not `{key}` any more", grant.principal)
                }
                (_, None) => format!(
                    "its principal {} is not the one of the spec any more",
                    grant.principal
                ),
            };
            let after = seen.step.into_iter().collect();
            plan.steps.push(deletion(
                &seen.node.key,
                seen.node,
                grant,
                why,
                after,
                plan.steps.len(),
            ));
        }
    }
    for node in graph.nodes().filter(|node| !node.lifecycle.existing) {
        let Identity::Resource(scope) = &node.identity else {
            continue;
        };
        let on_it = |grant: &&LiveGrant| {
            grant.scope == *scope && !declared.contains(&grant.id) && !going.contains(&grant.id)
        };
        for grant in live.grants().iter().filter(on_it) {
            if node.lifecycle.grants == GrantsPolicy::Report {
                plan.undeclared.push(Undeclared {
                    on: node.key.clone(),
                    grant: grant.clone(),
                    principal: live.existence(grant),
                });
            } else if live.is_of_caller(grant) {
                plan.kept.push(Kept {
                    key: part_of(&node.key, grant),
                    why: format!("{} is the way in of whoever runs this", grant.id.name()),
                });
            } else {
                let why = format!(
                    "`{}` is authoritative, and no entry of the spec names it",
                    node.key
                );
                let step = deletion(&node.key, node, grant, why, Vec::new(), plan.steps.len());
                plan.steps.push(step);
            }
        }
    }
    plan.unread_directory = live.unread_directory().map(str::to_owned);
}

/// Whether a grant was made for an entry of the spec whose principal is another one now.
fn is_outlived(grant: &LiveGrant, seen: &Seen<'_>) -> bool {
    let Identity::Grant(wanted) = &seen.node.identity else {
        return false;
    };
    grant.scope == wanted.scope
        && grant.role.eq_ignore_ascii_case(&wanted.role)
        && TextMark::on(&grant.body, "description") == Some(TextMark::of(&seen.node.key))
        && seen
            .principal
            .as_ref()
            .is_none_or(|principal| !principal.eq_ignore_ascii_case(&grant.principal))
}

/// The name of a grant that has no entry of its own.
fn part_of(key: &NodeKey, grant: &LiveGrant) -> NodeKey {
    let part = key
        .part
        .iter()
        .map(String::as_str)
        .chain(["grant of", &grant.principal])
        .collect::<Vec<_>>();
    NodeKey {
        part: Some(part.join(" ")),
        ..key.clone()
    }
}

fn deletion(
    key: &NodeKey,
    node: &Node,
    grant: &LiveGrant,
    reason: String,
    after: Vec<StepId>,
    position: usize,
) -> Step {
    Step {
        id: StepId(position),
        key: part_of(key, grant),
        kind: "roleAssignment",
        arm_type: ASSIGNMENT,
        action: Action::Delete,
        reason,
        subject: format!("{} on {}", grant.role_shown(), grant.scope.name()),
        changes: Vec::new(),
        call: Call {
            method: Method::Delete,
            target: CallTarget::Id(grant.id.clone()),
            api_version: ASSIGNMENT.api_version.into_owned(),
            body: Value::Null,
        },
        has_outputs: false,
        after,
        patience: Vec::new(),
        span: node.span,
        places: node.places.clone(),
    }
}
