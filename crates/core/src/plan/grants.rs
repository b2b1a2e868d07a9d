//! Live grants as the spec sees them: those that it names; those whose principal was made anew, which go; and those that
//! it does not name, which are shown, or deleted where the spec is authoritative.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{Action, Call, CallTarget, Kept, Method, Plan, Step, StepId};
use crate::{
    arm::{ArmId, ArmType},
    graph::{Grant, Graph, Identity, Node, NodeKey, Part},
    live::{Existence, Live, LiveGrant},
    mark::TextMark,
    spec::GrantsPolicy,
    value::Value,
};

const ASSIGNMENT: ArmType = ArmType::new("Microsoft.Authorization/roleAssignments", "2022-04-01");

/// A role assignment and what in the spec it concerns.
#[derive(Debug, Clone, PartialEq)]
pub struct GrantOf {
    /// The resource that it is on, or the entry that names it.
    pub key: NodeKey,
    /// The assignment.
    pub grant: LiveGrant,
    /// Whether its principal exists.
    pub principal: Existence,
}

impl GrantOf {
    fn new(node: &Node, grant: &LiveGrant, live: &Live) -> Self {
        Self {
            key: node.key.clone(),
            grant: grant.clone(),
            principal: live.existence(grant),
        }
    }

    /// Who has the role, and since when: `User 00000000-…, which no longer exists, granted 2026-01-01T00:00:34Z`.
    pub fn holder(&self) -> String {
        let kind = self.grant.property("principalType").unwrap_or("principal");
        let mut text = format!("{kind} {}", self.grant.principal);
        if self.principal == Existence::Gone {
            text.push_str(", which no longer exists");
        }
        if let Some(made) = self.grant.property("createdOn") {
            text.push_str(&format!(", granted {}", to_the_second(made)));
        }
        text
    }
}

/// A time of ARM without its fraction: `2026-01-01T00:00:34.1234567Z`.
fn to_the_second(time: &str) -> String {
    match time.split_once('.') {
        Some((seconds, fraction)) if fraction.ends_with('Z') => format!("{seconds}Z"),
        _ => time.to_owned(),
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
            let entry = (node.key.stack.as_str(), node.key.address.to_string());
            by_entry.entry(entry).or_default().push((node, wanted));
        }
        let stacks: HashSet<&str> = graph.homes().iter().map(|home| &*home.stack).collect();
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
    fn of(mut self, part: &Part) -> Self {
        for grants in [&mut self.declared, &mut self.outlived, &mut self.undeclared] {
            grants.retain(|(node, _)| part.has(&node.key));
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
    part: &Part,
    steps_of: &HashMap<&NodeKey, StepId>,
    plan: &mut Plan,
) {
    let standing = Standing::find(graph, live).of(part);
    for (node, grant) in &standing.outlived {
        let whose = match node.grant_principal() {
            Some(key) => format!("`{key}`"),
            None => "the one of the spec".to_owned(),
        };
        let why = format!("its principal {} is not {whose} any more", grant.principal);
        let after = steps_of.get(&node.key).copied().into_iter().collect();
        let step = deletion(node, grant, why, after, plan.steps.len());
        plan.steps.push(step);
    }
    for (node, grant) in &standing.undeclared {
        let found = GrantOf::new(node, grant, live);
        if node.lifecycle.grants == GrantsPolicy::Report {
            plan.undeclared.push(found);
        } else if stays(node, grant, live) {
            plan.kept.push(Kept {
                key: part_of(&node.key, grant),
                why: format!("{} is the way in of whoever runs this", grant.id.name()),
            });
        } else {
            let why = format!(
                "`{}` is authoritative, and no entry of the spec names it: {}",
                node.key,
                found.holder()
            );
            let step = deletion(node, grant, why, Vec::new(), plan.steps.len());
            plan.steps.push(step);
        }
    }
    let named = standing.of_strangers();
    let named = named.map(|(node, grant)| GrantOf::new(node, grant, live));
    plan.orphaned = named
        .filter(|named| named.principal == Existence::Gone)
        .collect();
    plan.unread_directory = live.unread_directory().map(str::to_owned);
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
    node: &Node,
    grant: &LiveGrant,
    reason: String,
    after: Vec<StepId>,
    position: usize,
) -> Step {
    Step {
        id: StepId(position),
        key: part_of(&node.key, grant),
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
        outputs: Vec::new(),
        after,
        patience: Vec::new(),
        span: node.span,
        places: node.places.clone(),
    }
}
