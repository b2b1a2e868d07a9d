//! The resources that stacks own by their ownership markers, and the entries of the spec that declare them.

pub mod document;

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use serde_json::Value as Json;

use crate::{
    arm::ArmId,
    arm::types::{MANAGEMENT_LOCK, ROLE_ASSIGNMENT, ROLE_DEFINITION},
    graph::{Grant, Graph, Identity, Node, NodeKey, StackScope},
    live::{Live, LiveGrant, LiveLock, LockLevel, OwnedResource, UnreadLocks, UnreadableScope},
    marker::{RemovalPolicy, TextMarker},
    reads::Read,
};

/// The resources that stacks own.
#[derive(Debug, Clone, PartialEq)]
pub struct Inventory {
    /// The stacks in the requested order.
    pub stacks: Vec<Holdings>,
    /// Scopes where owned resources could not be read.
    pub unreadable: Vec<UnreadableScope>,
    /// Scopes where owned locks could not be read.
    pub unread_locks: Vec<UnreadLocks>,
}

/// The resources that a stack owns.
#[derive(Debug, Clone, PartialEq)]
pub struct Holdings {
    /// The name of the stack.
    pub stack: String,
    /// The resources by group; grants and locks follow the resource that they are on.
    pub items: Vec<Item>,
}

/// A resource that a stack owns.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The id.
    pub id: ArmId,
    /// The ARM type.
    pub arm_type: String,
    /// The kind, or the ARM type if no kind supports it.
    pub kind: String,
    /// The name; for a grant, the name of its role.
    pub name: String,
    /// The location if the resource has one.
    pub location: Option<String>,
    /// Whether an entry of the spec declares it.
    pub spec_match: SpecMatch,
    /// Whether `--prune` deletes it once no entry declares it.
    pub removal_policy: RemovalPolicy,
    /// The data of a grant or a lock.
    pub extension: Option<ExtensionResource>,
}

/// Whether an entry of the spec declares a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpecMatch {
    /// This entry declares it.
    Entry(NodeKey),
    /// No entry declares it.
    Orphan,
    /// No spec was loaded.
    NoSpec,
}

/// A grant or a lock: an extension resource of another resource.
#[derive(Debug, Clone, PartialEq)]
pub enum ExtensionResource {
    /// A role assignment.
    Grant {
        /// The scope.
        scope: ArmId,
        /// The GUID of the role.
        role: String,
        /// The object id of the principal.
        principal: String,
        /// The type of the principal: `User`, `Group`, `ServicePrincipal`.
        principal_type: Option<String>,
        /// The entry of the principal, as the entry of the grant refers to it.
        principal_entry: Option<NodeKey>,
    },
    /// A management lock.
    Lock {
        /// The scope.
        scope: ArmId,
        /// What the lock prevents.
        level: LockLevel,
    },
}

impl ExtensionResource {
    /// The resource that it is on.
    pub fn scope(&self) -> &ArmId {
        match self {
            Self::Grant { scope, .. } | Self::Lock { scope, .. } => scope,
        }
    }
}

impl Item {
    /// The id, or the scope of a grant or lock.
    pub fn place(&self) -> &ArmId {
        self.extension
            .as_ref()
            .map_or(&self.id, ExtensionResource::scope)
    }
}

/// The reads of grants and locks, one of each per subscription. All other resources are found by their markers.
pub fn list_reads(scopes: &[StackScope]) -> Vec<Read> {
    let mut groups: BTreeMap<&ArmId, BTreeSet<ArmId>> = BTreeMap::new();
    for scope in scopes {
        for subscription in &scope.subscriptions {
            let inside = scope.groups.iter().filter(|it| subscription.covers(it));
            let inside = inside.cloned();
            groups.entry(subscription).or_default().extend(inside);
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

/// The resources that stacks own, matched to the entries of a spec if there is one.
pub fn inventory(scopes: &[StackScope], spec: Option<&Graph>, live: &Live) -> Inventory {
    let owned: Vec<OwnedResource> = live.owned().map(Cow::into_owned).collect();
    let holdings = |scope: &StackScope| {
        let mine = owned.iter().filter(|one| one.stack == scope.stack.name);
        let mut items: Vec<Item> = mine.map(|one| item(one, &owned, spec, live)).collect();
        items.sort_by_cached_key(sort_key);
        Holdings {
            stack: scope.stack.name.clone(),
            items,
        }
    };
    Inventory {
        stacks: scopes.iter().map(holdings).collect(),
        unreadable: live.unreadable_scopes().to_vec(),
        unread_locks: live.unread_locks().to_vec(),
    }
}

/// Sorts resources outside of groups last, then by id: a resource, its grants and locks, its child resources.
fn sort_key(item: &Item) -> (bool, Vec<String>, bool, String) {
    let place = item.place();
    let path = place.as_str().to_lowercase();
    (
        place.group().is_none(),
        path.split('/').map(str::to_owned).collect(),
        item.extension.is_some(),
        item.id.as_str().to_lowercase(),
    )
}

fn item(one: &OwnedResource, all: &[OwnedResource], spec: Option<&Graph>, live: &Live) -> Item {
    let node = spec.and_then(|graph| node_by_id(one, all, graph));
    let extension = if one.is(&ROLE_ASSIGNMENT) {
        LiveGrant::parse(one.body.clone()).map(|grant| extension_of_grant(&grant, node))
    } else if one.is(&MANAGEMENT_LOCK) {
        LiveLock::parse(&one.body).map(|lock| ExtensionResource::Lock {
            scope: lock.scope,
            level: lock.level,
        })
    } else {
        None
    };
    let text = |path: &str| one.body.pointer(path).and_then(Json::as_str);
    let name = match &extension {
        Some(ExtensionResource::Grant { role, .. }) => role_name(one, role, node, all, live),
        _ if one.is(&ROLE_DEFINITION) => text("/properties/roleName")
            .unwrap_or(one.id.name())
            .to_owned(),
        _ => one.id.name().to_owned(),
    };
    let known = live.known_type(&one.arm_type).map(|known| known.kind);
    let arm_type = text("/type").unwrap_or(&one.arm_type).to_owned();
    Item {
        kind: known.map_or_else(|| arm_type.clone(), str::to_owned),
        arm_type,
        name,
        location: text("/location").map(str::to_owned),
        spec_match: match (node, spec) {
            (Some(node), _) => SpecMatch::Entry(node.subject.key.clone()),
            (None, Some(_)) => SpecMatch::Orphan,
            (None, None) => SpecMatch::NoSpec,
        },
        removal_policy: one.removal_policy,
        extension,
        id: one.id.clone(),
    }
}

fn extension_of_grant(grant: &LiveGrant, node: Option<&Node>) -> ExtensionResource {
    ExtensionResource::Grant {
        scope: grant.scope.clone(),
        role: grant.role.clone(),
        principal: grant.principal.clone(),
        principal_type: grant.property("principalType").map(str::to_owned),
        principal_entry: node.and_then(Node::grant_principal).cloned(),
    }
}

/// The name of the role from the spec, the built-in roles or a role of the stack.
fn role_name(
    one: &OwnedResource,
    role: &str,
    node: Option<&Node>,
    all: &[OwnedResource],
    live: &Live,
) -> String {
    let in_spec = node.and_then(|node| match &node.identity {
        Identity::Grant(grant) => Some(grant.role_name.clone()),
        Identity::Resource(_) => None,
    });
    let named = || {
        let grant = live.grants().iter().find(|grant| grant.id == one.id)?;
        grant.role_name.clone()
    };
    let own = || {
        let has_id = |other: &&OwnedResource| {
            other.is(&ROLE_DEFINITION) && other.id.name().eq_ignore_ascii_case(role)
        };
        let name = all
            .iter()
            .find(has_id)?
            .body
            .pointer("/properties/roleName");
        name.and_then(Json::as_str).map(str::to_owned)
    };
    in_spec
        .or_else(named)
        .or_else(own)
        .unwrap_or_else(|| role.to_owned())
}

/// The node of an owned resource, without further reads: a grant belongs to the entry in its ownership marker, or to an
/// entry that declares such a grant and has none.
fn node_by_id<'g>(
    one: &OwnedResource,
    all: &[OwnedResource],
    graph: &'g Graph,
) -> Option<&'g Node> {
    if !one.is(&ROLE_ASSIGNMENT) {
        return graph.node_by_id(&one.id);
    }
    let grant = LiveGrant::parse(one.body.clone())?;
    let candidates: Vec<(&Node, &Grant)> = graph
        .nodes()
        .filter(|node| node.subject.key.stack == one.stack)
        .filter_map(|node| match &node.identity {
            Identity::Grant(wanted) if grant.is_of(wanted) => Some((node, wanted)),
            _ => None,
        })
        .collect();
    let has_marker = |owned: &OwnedResource, node: &Node| {
        let marker = TextMarker::on(&owned.body, "description");
        marker.is_some_and(|marker| marker.is_for(&node.subject.key))
    };
    let could_match = |node: &Node, declared: &Grant| match declared.principal.as_str() {
        Some(principal) => principal.eq_ignore_ascii_case(&grant.principal),
        None => !all.iter().any(|other| has_marker(other, node)),
    };
    let marked = candidates.iter().find(|(node, _)| has_marker(one, node));
    let matching = || candidates.iter().find(|(node, it)| could_match(node, it));
    let (node, _) = marked.or_else(matching)?;
    Some(node)
}

#[cfg(test)]
mod tests;
