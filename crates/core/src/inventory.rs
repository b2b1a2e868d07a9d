//! What stacks own now, by its marks, and which entries of the spec name it.

pub mod document;

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use serde_json::Value as Json;

use crate::{
    arm::ArmId,
    graph::{Grant, Graph, Identity, Node, NodeKey, StackScope},
    live::{Live, LiveGrant, LiveLock, LockLevel, Owned, UnreadLocks, UnreadableScope},
    mark::{Afterlife, TextMark},
    reads::Read,
};

const GRANT: &str = "Microsoft.Authorization/roleAssignments";
const ROLE: &str = "Microsoft.Authorization/roleDefinitions";
const LOCK: &str = "Microsoft.Authorization/locks";

/// What stacks own.
#[derive(Debug, Clone, PartialEq)]
pub struct Inventory {
    /// Each stack, in the order in which they were asked for.
    pub stacks: Vec<Holdings>,
    /// Where it is unknown what they own.
    pub unseen: Vec<UnreadableScope>,
    /// Where it is unknown which locks they own.
    pub unread_locks: Vec<UnreadLocks>,
}

/// What one stack owns.
#[derive(Debug, Clone, PartialEq)]
pub struct Holdings {
    /// The stack.
    pub stack: String,
    /// Group by group; what is on something comes after it.
    pub items: Vec<Item>,
}

/// One thing that a stack owns.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Its id.
    pub id: ArmId,
    /// Its type.
    pub arm_type: String,
    /// What it is: the kind, or the type where no kind is known.
    pub what: String,
    /// What it is called; of a grant, its role.
    pub name: String,
    /// Where it runs, of what has a location.
    pub location: Option<String>,
    /// Whether the spec names it.
    pub naming: Naming,
    /// What becomes of it once no entry names it.
    pub afterlife: Afterlife,
    /// What it is on something else, of grants and locks.
    pub right: Option<Right>,
}

/// Whether the spec names something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Naming {
    /// This entry does.
    Entry(NodeKey),
    /// No entry does.
    Orphan,
    /// There is no spec to look into.
    Unasked,
}

/// A grant or a lock.
#[derive(Debug, Clone, PartialEq)]
pub enum Right {
    /// A role assignment.
    Grant {
        /// Where.
        scope: ArmId,
        /// The GUID of the role.
        role: String,
        /// The object id of the principal.
        principal: String,
        /// What Azure says the principal is: `User`, `Group`, `ServicePrincipal`.
        principal_type: Option<String>,
        /// The entry that the principal is, as the entry of the grant says it.
        principal_of: Option<NodeKey>,
    },
    /// A management lock.
    Lock {
        /// Where.
        scope: ArmId,
        /// What it keeps from happening.
        level: LockLevel,
    },
}

impl Right {
    /// What it is on.
    pub fn scope(&self) -> &ArmId {
        match self {
            Self::Grant { scope, .. } | Self::Lock { scope, .. } => scope,
        }
    }
}

impl Item {
    /// What it is, or what it is on.
    pub fn place(&self) -> &ArmId {
        self.right.as_ref().map_or(&self.id, Right::scope)
    }
}

/// The reads that show grants and locks, one of each a subscription; all else is found by the marks.
pub fn needed(homes: &[StackScope]) -> Vec<Read> {
    let mut groups: BTreeMap<&ArmId, BTreeSet<ArmId>> = BTreeMap::new();
    for home in homes {
        for subscription in &home.subscriptions {
            let inside = home.groups.iter().filter(|it| subscription.covers(it));
            groups
                .entry(subscription)
                .or_default()
                .extend(inside.cloned());
        }
    }
    let read = |(subscription, groups): (&ArmId, BTreeSet<ArmId>)| {
        [
            Read::Wide {
                list: Box::new(Read::Grants(subscription.clone())),
                instead: groups.iter().cloned().map(Read::Grants).collect(),
            },
            Read::Locks {
                subscription: subscription.clone(),
                groups: groups.into_iter().collect(),
            },
        ]
    };
    groups.into_iter().flat_map(read).collect()
}

/// What stacks own, and, where there is a spec, which of it that names.
pub fn inventory(homes: &[StackScope], spec: Option<&Graph>, live: &Live) -> Inventory {
    let owned: Vec<Owned> = live.owned().map(Cow::into_owned).collect();
    let holdings = |home: &StackScope| {
        let mine = owned.iter().filter(|one| one.stack == home.stack);
        let mut items: Vec<Item> = mine.map(|one| item(one, &owned, spec, live)).collect();
        items.sort_by_cached_key(order);
        Holdings {
            stack: home.stack.clone(),
            items,
        }
    };
    Inventory {
        stacks: homes.iter().map(holdings).collect(),
        unseen: live.unreadable_scopes().to_vec(),
        unread_locks: live.unread_locks().to_vec(),
    }
}

/// What is in no group last, then by place: a thing, what is on it, what is in it.
fn order(item: &Item) -> (bool, Vec<String>, bool, String) {
    let place = item.place();
    let path = place.as_str().to_lowercase();
    (
        place.group().is_none(),
        path.split('/').map(str::to_owned).collect(),
        item.right.is_some(),
        item.id.as_str().to_lowercase(),
    )
}

fn item(one: &Owned, all: &[Owned], spec: Option<&Graph>, live: &Live) -> Item {
    let node = spec.and_then(|graph| node_of(one, all, graph));
    let right = if one.is(GRANT) {
        LiveGrant::parse(one.body.clone()).map(|grant| right_of(&grant, node))
    } else if one.is(LOCK) {
        LiveLock::parse(&one.body).map(|lock| Right::Lock {
            scope: lock.scope,
            level: lock.level,
        })
    } else {
        None
    };
    let text = |path: &str| one.body.pointer(path).and_then(Json::as_str);
    let name = match &right {
        Some(Right::Grant { role, .. }) => role_name(one, role, node, all, live),
        _ if one.is(ROLE) => text("/properties/roleName")
            .unwrap_or(one.id.name())
            .to_owned(),
        _ => one.id.name().to_owned(),
    };
    let known = live.known_type(&one.arm_type).map(|known| known.kind);
    let arm_type = text("/type").unwrap_or(&one.arm_type).to_owned();
    Item {
        what: known.map_or_else(|| arm_type.clone(), str::to_owned),
        arm_type,
        name,
        location: text("/location").map(str::to_owned),
        naming: match (node, spec) {
            (Some(node), _) => Naming::Entry(node.subject.key.clone()),
            (None, Some(_)) => Naming::Orphan,
            (None, None) => Naming::Unasked,
        },
        afterlife: one.afterlife,
        right,
        id: one.id.clone(),
    }
}

fn right_of(grant: &LiveGrant, node: Option<&Node>) -> Right {
    Right::Grant {
        scope: grant.scope.clone(),
        role: grant.role.clone(),
        principal: grant.principal.clone(),
        principal_type: grant.property("principalType").map(str::to_owned),
        principal_of: node.and_then(Node::grant_principal).cloned(),
    }
}

/// The name of the role, as the spec, the built-in roles or an own role tell it.
fn role_name(one: &Owned, role: &str, node: Option<&Node>, all: &[Owned], live: &Live) -> String {
    let in_spec = node.and_then(|node| match &node.identity {
        Identity::Grant(grant) => Some(grant.role_name.clone()),
        Identity::Resource(_) => None,
    });
    let named = || {
        let grant = live.grants().iter().find(|grant| grant.id == one.id)?;
        grant.role_name.clone()
    };
    let own = || {
        let is_it = |other: &&Owned| other.is(ROLE) && other.id.name().eq_ignore_ascii_case(role);
        let name = all.iter().find(is_it)?.body.pointer("/properties/roleName");
        name.and_then(Json::as_str).map(str::to_owned)
    };
    in_spec
        .or_else(named)
        .or_else(own)
        .unwrap_or_else(|| role.to_owned())
}

/// The node that something owned is, as far as can be told without asking for more: a grant is that of the entry in its
/// mark, or of the one entry that wants such a grant and has none.
fn node_of<'g>(one: &Owned, all: &[Owned], graph: &'g Graph) -> Option<&'g Node> {
    if !one.is(GRANT) {
        return graph.node_of(&one.id);
    }
    let grant = LiveGrant::parse(one.body.clone())?;
    let wanted: Vec<(&Node, &Grant)> = graph
        .nodes()
        .filter(|node| node.subject.key.stack == one.stack)
        .filter_map(|node| match &node.identity {
            Identity::Grant(wanted) if grant.is_of(wanted) => Some((node, wanted)),
            _ => None,
        })
        .collect();
    let is_marked = |owned: &Owned, node: &Node| {
        let mark = TextMark::on(&owned.body, "description");
        mark.is_some_and(|mark| mark.is_of(&node.subject.key))
    };
    let could_be = |node: &Node, wanted: &Grant| match wanted.principal.as_str() {
        Some(principal) => principal.eq_ignore_ascii_case(&grant.principal),
        None => !all.iter().any(|other| is_marked(other, node)),
    };
    let marked = wanted.iter().find(|(node, _)| is_marked(one, node));
    let (node, _) = marked.or_else(|| wanted.iter().find(|(node, it)| could_be(node, it)))?;
    Some(node)
}

#[cfg(test)]
mod tests;
