//! The fewest reads that answer a graph.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    arm::{ArmId, ArmType},
    declare::Identity,
    graph::Graph,
    spec::GrantsPolicy,
};

/// A question to Azure. An answer of 404 means that nothing is there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Read {
    /// One resource by its id.
    Resource {
        /// Its id.
        id: ArmId,
        /// The api-version to ask in.
        api_version: String,
    },
    /// All resources of a type below a parent, page by page.
    Collection {
        /// The path of the list: `{parent}/…/storageAccounts`.
        path: String,
        /// The api-version to ask in.
        api_version: String,
    },
    /// A list over a whole subscription; where that is refused, or not known, what is read in its place.
    Wide {
        /// The list.
        list: Box<Read>,
        /// The narrower reads.
        instead: Vec<Read>,
    },
    /// All role assignments at a scope, and below it unless it is a management group.
    Grants(ArmId),
    /// The role assignments at or above a scope by which the caller has its own rights, directly or through a group.
    GrantsOfCaller(ArmId),
    /// The ids of all resources in a resource group.
    Contents(ArmId),
    /// All management locks of a subscription: on itself, its resource groups and what is in them.
    Locks {
        /// The subscription.
        subscription: ArmId,
        /// Where the subscription does not answer, its resource groups that matter: their lists have the locks at,
        /// above and below them.
        groups: Vec<ArmId>,
    },
}

/// So many resources of a type in several resource groups are read one by one, before their list over the whole
/// subscription, which can be long, is.
const FEW: usize = 2;

/// The reads that a comparison of the graph needs: a GET where a resource is alone or among few of its type, a list
/// over their group, parent or subscription where there are more; and one list of grants and of locks a subscription.
pub fn needed(graph: &Graph) -> Vec<Read> {
    let mut types: BTreeMap<(String, &ArmType), BTreeMap<String, Vec<&ArmId>>> = BTreeMap::new();
    let mut reads = Vec::new();
    let mut authoritative: BTreeSet<ArmId> = BTreeSet::new();
    for node in graph.nodes() {
        let Identity::Resource(id) = &node.identity else {
            continue;
        };
        if node.lifecycle.grants == GrantsPolicy::Authoritative {
            authoritative.insert(id.clone());
        }
        if node.listed {
            let parent = collection_of(id).to_lowercase();
            let above = if id.is_top_level() {
                id.subscription_id().unwrap_or_default().to_lowercase()
            } else {
                parent.clone()
            };
            let lists = types.entry((above, &node.subject.arm_type)).or_default();
            lists.entry(parent).or_default().push(id);
        } else {
            reads.push(one(id, &node.subject.arm_type));
        }
    }
    for ((_, arm_type), lists) in types {
        let count: usize = lists.values().map(Vec::len).sum();
        let narrow: Vec<Read> = lists
            .values()
            .flat_map(|ids| listed(ids, arm_type))
            .collect();
        let first = lists.values().flatten().next();
        match first.and_then(|id| over_subscription(id, arm_type)) {
            Some(list) if count > FEW && narrow.len() > 1 => reads.push(Read::Wide {
                list: Box::new(list),
                instead: narrow,
            }),
            _ => reads.extend(narrow),
        }
    }
    reads.extend(grants(graph));
    reads.extend(authoritative.into_iter().map(Read::GrantsOfCaller));
    reads.extend(locks(graph));
    reads
}

fn one(id: &ArmId, arm_type: &ArmType) -> Read {
    Read::Resource {
        id: id.clone(),
        api_version: arm_type.api_version.to_string(),
    }
}

/// The reads of resources with the same parent.
fn listed(ids: &[&ArmId], arm_type: &ArmType) -> Vec<Read> {
    match ids {
        // Only the subscription has a list of them.
        [first, ..] if is_group(first) => ids.iter().map(|id| one(id, arm_type)).collect(),
        [first, _, ..] => vec![Read::Collection {
            path: collection_of(first).to_owned(),
            api_version: arm_type.api_version.to_string(),
        }],
        _ => ids.iter().map(|id| one(id, arm_type)).collect(),
    }
}

/// The list of a type over the subscription of a resource group or a resource in one.
fn over_subscription(id: &ArmId, arm_type: &ArmType) -> Option<Read> {
    let group = id.group().filter(|_| id.is_top_level())?;
    let subscription = ArmId::subscription(id.subscription_id()?);
    let collection = collection_of(id);
    let inside = if is_group(id) {
        collection.get(subscription.as_str().len()..)?
    } else {
        collection.get(group.as_str().len()..)?
    };
    Some(Read::Collection {
        path: format!("{subscription}{inside}"),
        api_version: arm_type.api_version.to_string(),
    })
}

/// The role assignments in the subscriptions where the stacks are at home, where those are refused in the scopes that
/// matter; and those at management groups.
fn grants(graph: &Graph) -> Vec<Read> {
    let homes = graph
        .stack_scopes()
        .iter()
        .flat_map(|home| &home.subscriptions);
    let mut subscriptions: BTreeMap<ArmId, BTreeSet<ArmId>> =
        homes.map(|home| (home.clone(), BTreeSet::new())).collect();
    let mut managed: BTreeSet<ArmId> = BTreeSet::new();
    for node in graph.nodes() {
        let (scope, concerns) = match &node.identity {
            Identity::Resource(id) => (id, !node.lifecycle.existing && id.group().is_some()),
            Identity::Grant(grant) => (&grant.scope, true),
        };
        if !concerns {
            continue;
        }
        match scope.subscription_id() {
            Some(subscription) => subscriptions
                .entry(ArmId::subscription(subscription))
                .or_default()
                .insert(scope.group().unwrap_or_else(|| scope.clone())),
            None => managed.insert(scope.clone()),
        };
    }
    let wide = |(subscription, scopes): (ArmId, BTreeSet<ArmId>)| Read::Wide {
        list: Box::new(Read::Grants(subscription)),
        instead: scopes.into_iter().map(Read::Grants).collect(),
    };
    let wide = subscriptions.into_iter().map(wide);
    wide.chain(managed.into_iter().map(Read::Grants)).collect()
}

/// The reads that taking a graph away needs beside: what else is in the resource groups that would go.
pub fn needed_to_destroy(graph: &Graph) -> Vec<Read> {
    let groups = graph
        .nodes()
        .filter(|node| !node.lifecycle.existing)
        .filter_map(|node| node.id().filter(|id| is_group(id)).cloned());
    needed(graph)
        .into_iter()
        .chain(groups.map(Read::Contents))
        .collect()
}

/// One list a subscription in which something could change, or be left over.
fn locks(graph: &Graph) -> impl Iterator<Item = Read> {
    let homes = graph
        .stack_scopes()
        .iter()
        .flat_map(|home| &home.subscriptions);
    let mut subscriptions: BTreeMap<ArmId, BTreeSet<ArmId>> =
        homes.map(|home| (home.clone(), BTreeSet::new())).collect();
    for node in graph.nodes() {
        let target = match &node.identity {
            Identity::Resource(id) => id,
            Identity::Grant(grant) => &grant.scope,
        };
        let changes =
            !node.lifecycle.existing || node.lifecycle.grants == GrantsPolicy::Authoritative;
        if let Some(subscription) = target.subscription_id().filter(|_| changes) {
            subscriptions
                .entry(ArmId::subscription(subscription))
                .or_default()
                .extend(target.group());
        }
    }
    subscriptions
        .into_iter()
        .map(|(subscription, groups)| Read::Locks {
            subscription,
            groups: groups.into_iter().collect(),
        })
}

fn is_group(id: &ArmId) -> bool {
    id.group().as_ref() == Some(id)
}

/// The path of the list that a resource is in.
fn collection_of(id: &ArmId) -> &str {
    let text = id.as_str();
    text.rfind('/').map_or(text, |at| &text[..at])
}
