//! Live role assignments compared with the spec: declared ones; those of a principal that was recreated, which are
//! deleted; and undeclared ones, which are reported, or deleted where the spec is authoritative.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{
    Call, Deletion, KeptResource, OwnershipGuard, Plan, ReportedGrant, StepId, step::StepDraft,
};
use crate::{
    arm::ArmId,
    arm::types::ROLE_ASSIGNMENT,
    graph::{Grant, Graph, Identity, Node, NodeKey, Selection},
    live::{Existence, Live, LiveGrant},
    marker::{MarkerClaim, MarkerPlace, TextMarker, claim},
    spec::GrantsPolicy,
    stack::StackIdentity,
    subject::Subject,
};

impl ReportedGrant {
    fn new(node: &Node, grant: &LiveGrant, live: &Live) -> Self {
        Self {
            key: node.subject.key.clone(),
            grant: grant.clone(),
            principal: live.existence(grant),
        }
    }
}

/// Where a role assignment has its ownership marker.
const DESCRIPTION: MarkerPlace = MarkerPlace::Text("description");

/// Live role assignments, each with the node that it concerns.
type Grants<'a> = Vec<(&'a Node, &'a LiveGrant)>;

/// The live role assignments that concern the spec.
struct Standing<'a> {
    /// Those that an entry declares.
    declared: Grants<'a>,
    /// Those that were created for an entry whose principal has changed. They are replaced if the principal no longer
    /// exists, and orphans otherwise.
    replaced: Grants<'a>,
    /// The others on a resource of the spec itself.
    undeclared: Grants<'a>,
}

impl<'a> Standing<'a> {
    fn find(graph: &'a Graph, live: &'a Live) -> Self {
        let entries: Vec<(&Node, &Grant)> = graph
            .nodes()
            .filter_map(|node| match &node.identity {
                Identity::Grant(grant) => Some((node, grant)),
                Identity::Resource(_) => None,
            })
            .collect();
        let named = |(node, grant): &(&'a Node, &Grant)| Some((*node, live.grant(graph, grant)?));
        let declared: Grants<'_> = entries.iter().filter_map(named).collect();
        let mut known: HashSet<&ArmId> = declared.iter().map(|(_, grant)| &grant.id).collect();
        let mut by_entry: HashMap<(String, String), Vec<(&Node, &Grant)>> = HashMap::new();
        for (node, wanted) in &entries {
            let entry = (
                node.subject.key.stack.clone(),
                node.subject.key.address.to_string(),
            );
            by_entry.entry(entry).or_default().push((node, wanted));
        }
        let stacks: HashMap<&str, &StackIdentity> = graph
            .stack_scopes()
            .iter()
            .map(|home| (&*home.stack.name, &home.stack))
            .collect();
        let own_marker = |grant: &LiveGrant| {
            let marker = TextMarker::on(&grant.body, "description")?;
            let stack = *stacks.get(&*marker.stack)?;
            let own = claim(stack, &grant.id, &grant.body, DESCRIPTION);
            own.is_some_and(|claim| claim.is_own()).then_some(marker)
        };
        let mut replaced = Grants::new();
        for grant in live.grants() {
            let of_entry =
                own_marker(grant).and_then(|marker| by_entry.get(&(marker.stack, marker.entry)));
            let made_for = of_entry.and_then(|parts| {
                let is_it = |(_, wanted): &&(&Node, &Grant)| grant.is_of(wanted);
                parts.iter().find(is_it)
            });
            if let Some((node, _)) = made_for.filter(|_| known.insert(&grant.id)) {
                replaced.push((*node, grant));
            }
        }
        let mut undeclared = Grants::new();
        let is_orphan = |grant: &LiveGrant| own_marker(grant).is_some();
        for node in graph.nodes().filter(|node| !node.lifecycle.existing) {
            let is_reported = node.lifecycle.grants == GrantsPolicy::Report;
            let others = node.id().into_iter().flat_map(|id| live.grants_on(id));
            let others = others.filter(|grant| !known.contains(&grant.id));
            let others = others.filter(|grant| !(is_reported && is_orphan(grant)));
            undeclared.extend(others.map(|grant| (node, grant)));
        }
        Self {
            declared,
            replaced,
            undeclared,
        }
    }

    /// Those that concern a selection of the spec.
    fn within(mut self, selection: &Selection) -> Self {
        for grants in [&mut self.declared, &mut self.replaced, &mut self.undeclared] {
            grants.retain(|(node, _)| selection.has(&node.subject.key));
        }
        self
    }

    /// The declared ones whose principal is not declared, so that it can be gone.
    fn with_undeclared_principal(&self) -> impl Iterator<Item = &(&'a Node, &'a LiveGrant)> {
        let is_undeclared = |(node, _): &&(&Node, &LiveGrant)| node.grant_principal().is_none();
        self.declared.iter().filter(is_undeclared)
    }
}

/// The principals of identities that a plan replaces, in lowercase. They exist until then.
pub(super) type ReplacedPrincipals = HashSet<String>;

/// Whether the principal of a role assignment no longer exists, or goes with the plan.
pub(super) fn has_lost_principal(
    live: &Live,
    replaced: &ReplacedPrincipals,
    grant: &LiveGrant,
) -> bool {
    live.existence(grant) == Existence::Deleted
        || replaced.contains(&grant.principal.to_lowercase())
}

/// The principals to look up in the directory, each once: those of undeclared role assignments and of entries that have
/// another principal now, and those that the spec names by object id.
pub fn principals_in_question(graph: &Graph, live: &Live) -> Vec<String> {
    let standing = Standing::find(graph, live);
    let ids: BTreeSet<String> = standing
        .undeclared
        .iter()
        .filter(|(node, grant)| !stays(node, grant, live))
        .chain(&standing.replaced)
        .chain(standing.with_undeclared_principal())
        .filter(|(_, grant)| !grant.is_foreign())
        .map(|(_, grant)| grant.principal.to_lowercase())
        .collect();
    ids.into_iter().collect()
}

/// Whether an undeclared role assignment stays although the spec is authoritative: the caller needs it.
fn stays(node: &Node, grant: &LiveGrant, live: &Live) -> bool {
    node.lifecycle.grants == GrantsPolicy::Authoritative && live.is_held_by_caller(grant)
}

/// Plans deletions and remarks for live role assignments that concern the selection. Role assignments outside of the
/// selection still count as declared.
pub(super) fn plan(
    graph: &Graph,
    live: &Live,
    selection: &Selection,
    steps_of: &HashMap<&NodeKey, StepId>,
    replaced: &ReplacedPrincipals,
    plan: &mut Plan,
) {
    let standing = Standing::find(graph, live).within(selection);
    let lost = standing.replaced.iter();
    for (node, grant) in lost.filter(|(_, grant)| has_lost_principal(live, replaced, grant)) {
        let whose = match node.grant_principal() {
            Some(key) => format!("`{key}`"),
            None => "the principal of the spec".to_owned(),
        };
        let why = format!("its principal {} is no longer {whose}", grant.principal);
        let after = steps_of
            .get(&node.subject.key)
            .copied()
            .into_iter()
            .collect();
        let guard = OwnershipGuard::for_grant(graph, node);
        plan.steps.push(deletion(node, grant, guard, why, after));
    }
    for (node, grant) in &standing.undeclared {
        let found = ReportedGrant::new(node, grant, live);
        if node.lifecycle.grants == GrantsPolicy::Report {
            plan.remarks.undeclared.push(found);
        } else if stays(node, grant, live) {
            plan.remarks.kept.push(KeptResource {
                key: part_of(&node.subject.key, grant),
                why: format!("the caller has its permissions through {}", grant.id.name()),
            });
        } else {
            match guard_undeclared(graph, node, grant) {
                Ok(guard) => {
                    let why = format!(
                        "`{}` is authoritative, and no entry of the spec declares it: {}",
                        node.subject.key,
                        found.holder()
                    );
                    let step = deletion(node, grant, guard, why, Vec::new());
                    plan.steps.push(step);
                }
                Err(why) => plan.remarks.kept.push(KeptResource {
                    key: part_of(&node.subject.key, grant),
                    why,
                }),
            }
        }
    }
    let named = standing.with_undeclared_principal();
    let named = named.map(|(node, grant)| ReportedGrant::new(node, grant, live));
    plan.remarks.orphaned = named
        .filter(|named| named.principal == Existence::Deleted)
        .collect();
    plan.remarks.unread_directory = live.unread_directory().map(str::to_owned);
}

/// What must hold when an undeclared role assignment is deleted.
///
/// # Errors
/// Why it stays.
fn guard_undeclared(
    graph: &Graph,
    node: &Node,
    grant: &LiveGrant,
) -> Result<OwnershipGuard, String> {
    let stack = graph.stack_identity(node);
    match claim(&stack, &grant.id, &grant.body, DESCRIPTION) {
        Some(MarkerClaim::Foreign(foreign)) => return Err(format!("stack {foreign} owns it")),
        Some(MarkerClaim::Newer(needs)) => {
            return Err(format!(
                "its ownership marker needs lazuli {needs} or later"
            ));
        }
        Some(MarkerClaim::Own | MarkerClaim::Outdated | MarkerClaim::Copied) | None => {}
    }
    OwnershipGuard::for_content(graph, node).ok_or_else(|| {
        format!(
            "`{}` has no ownership marker of the stack",
            node.subject.key
        )
    })
}

/// The key of a role assignment that has no entry of its own.
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
    node: &Node,
    grant: &LiveGrant,
    guard: OwnershipGuard,
    reason: String,
    after: Vec<StepId>,
) -> StepDraft {
    let subject = Subject {
        key: part_of(&node.subject.key, grant),
        kind: "roleAssignment",
        arm_type: ROLE_ASSIGNMENT,
        title: format!("{} on {}", grant.role_label(), grant.scope.name()),
        span: node.subject.span,
        places: node.subject.places.clone(),
    };
    let call = Call::delete(
        grant.id.clone(),
        ROLE_ASSIGNMENT.api_version,
        Deletion::without_contents(guard),
    );
    StepDraft::deletion(subject, reason, call, after)
}
