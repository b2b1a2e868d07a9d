//! Live grants as the spec sees them: those that it names; those whose principal was made anew, which go; and those that
//! it does not name, which are shown, or deleted where the spec is authoritative.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{Call, KeptResource, Plan, ReportedGrant, StepId, step::StepDraft};
use crate::{
    arm::{ArmId, ArmType},
    graph::{Grant, Graph, Identity, Node, NodeKey, Selection},
    live::{Existence, Live, LiveGrant},
    mark::TextMark,
    spec::GrantsPolicy,
    subject::Subject,
};

const ASSIGNMENT: ArmType = ArmType::new("Microsoft.Authorization/roleAssignments", "2022-04-01");

impl ReportedGrant {
    fn new(node: &Node, grant: &LiveGrant, live: &Live) -> Self {
        Self {
            key: node.subject.key.clone(),
            grant: grant.clone(),
            principal: live.existence(grant),
        }
    }
}

/// Live grants with the node that they concern.
type Grants<'a> = Vec<(&'a Node, &'a LiveGrant)>;

/// The live grants that concern the spec.
struct Standing<'a> {
    /// Those that an entry names.
    declared: Grants<'a>,
    /// Those that were made for an entry whose principal is another one now.
    outlived: Grants<'a>,
    /// The others that are directly on a resource of the spec.
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
        let mut by_entry: HashMap<(&str, String), Vec<(&Node, &Grant)>> = HashMap::new();
        for (node, wanted) in &entries {
            let entry = (
                node.subject.key.stack.as_str(),
                node.subject.key.address.to_string(),
            );
            by_entry.entry(entry).or_default().push((node, wanted));
        }
        let stacks: HashSet<&str> = graph
            .stack_scopes()
            .iter()
            .map(|home| &*home.stack)
            .collect();
        let mark_on = |grant: &LiveGrant| TextMark::on(&grant.body, "description");
        let mut outlived = Grants::new();
        for grant in live.grants() {
            let of_entry = mark_on(grant).and_then(|mark| {
                let stack = *stacks.get(mark.stack.as_str())?;
                by_entry.get(&(stack, mark.entry))
            });
            let made_for = of_entry.and_then(|parts| {
                let is_it = |(_, wanted): &&(&Node, &Grant)| grant.is_of(wanted);
                parts.iter().find(is_it)
            });
            if let Some((node, _)) = made_for.filter(|_| known.insert(&grant.id)) {
                outlived.push((*node, grant));
            }
        }
        let mut undeclared = Grants::new();
        let is_orphan =
            |grant: &LiveGrant| mark_on(grant).is_some_and(|mark| stacks.contains(&*mark.stack));
        for node in graph.nodes().filter(|node| !node.lifecycle.existing) {
            let is_reported = node.lifecycle.grants == GrantsPolicy::Report;
            let others = node.id().into_iter().flat_map(|id| live.grants_on(id));
            let others = others.filter(|grant| !known.contains(&grant.id));
            let others = others.filter(|grant| !(is_reported && is_orphan(grant)));
            undeclared.extend(others.map(|grant| (node, grant)));
        }
        Self {
            declared,
            outlived,
            undeclared,
        }
    }

    /// Those that concern a part of the spec.
    fn within(mut self, selection: &Selection) -> Self {
        for grants in [&mut self.declared, &mut self.outlived, &mut self.undeclared] {
            grants.retain(|(node, _)| selection.has(&node.subject.key));
        }
        self
    }

    /// The named grants whose principal the spec does not make, so that it can be gone.
    fn of_strangers(&self) -> impl Iterator<Item = &(&'a Node, &'a LiveGrant)> {
        let is_stranger = |(node, _): &&(&Node, &LiveGrant)| node.grant_principal().is_none();
        self.declared.iter().filter(is_stranger)
    }
}

/// The principals of whom a plan says whether they still exist, each once, as far as the directory can tell: those of
/// grants that nobody declared, and those that the spec names by their object id.
pub fn principals_in_question(graph: &Graph, live: &Live) -> Vec<String> {
    let standing = Standing::find(graph, live);
    let ids: BTreeSet<String> = standing
        .undeclared
        .iter()
        .filter(|(node, grant)| !stays(node, grant, live))
        .chain(standing.of_strangers())
        .filter(|(_, grant)| !grant.is_foreign())
        .map(|(_, grant)| grant.principal.to_lowercase())
        .collect();
    ids.into_iter().collect()
}

/// Whether an undeclared grant stays although the spec is authoritative.
fn stays(node: &Node, grant: &LiveGrant, live: &Live) -> bool {
    node.lifecycle.grants == GrantsPolicy::Authoritative && live.is_of_caller(grant)
}

/// Plans what happens to live grants that are none of the spec's, and tells whose principals are gone. Of a part of the
/// spec, what happens to those that concern the part; the others are of the spec all the same.
pub(super) fn plan(
    graph: &Graph,
    live: &Live,
    selection: &Selection,
    steps_of: &HashMap<&NodeKey, StepId>,
    plan: &mut Plan,
) {
    let standing = Standing::find(graph, live).within(selection);
    for (node, grant) in &standing.outlived {
        let whose = match node.grant_principal() {
            Some(key) => format!("`{key}`"),
            None => "the one of the spec".to_owned(),
        };
        let why = format!("its principal {} is not {whose} any more", grant.principal);
        let after = steps_of
            .get(&node.subject.key)
            .copied()
            .into_iter()
            .collect();
        plan.steps.push(deletion(node, grant, why, after));
    }
    for (node, grant) in &standing.undeclared {
        let found = ReportedGrant::new(node, grant, live);
        if node.lifecycle.grants == GrantsPolicy::Report {
            plan.remarks.undeclared.push(found);
        } else if stays(node, grant, live) {
            plan.remarks.kept.push(KeptResource {
                key: part_of(&node.subject.key, grant),
                why: format!("{} is the way in of whoever runs this", grant.id.name()),
            });
        } else {
            let why = format!(
                "`{}` is authoritative, and no entry of the spec names it: {}",
                node.subject.key,
                found.holder()
            );
            plan.steps.push(deletion(node, grant, why, Vec::new()));
        }
    }
    let named = standing.of_strangers();
    let named = named.map(|(node, grant)| ReportedGrant::new(node, grant, live));
    plan.remarks.orphaned = named
        .filter(|named| named.principal == Existence::Gone)
        .collect();
    plan.remarks.unread_directory = live.unread_directory().map(str::to_owned);
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

fn deletion(node: &Node, grant: &LiveGrant, reason: String, after: Vec<StepId>) -> StepDraft {
    let subject = Subject {
        key: part_of(&node.subject.key, grant),
        kind: "roleAssignment",
        arm_type: ASSIGNMENT,
        title: format!("{} on {}", grant.role_shown(), grant.scope.name()),
        span: node.subject.span,
        places: node.subject.places.clone(),
    };
    let call = Call::delete(grant.id.clone(), ASSIGNMENT.api_version);
    StepDraft::deletion(subject, reason, call, after)
}
