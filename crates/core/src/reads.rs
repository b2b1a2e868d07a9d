//! The fewest reads that observe a graph.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    iter,
};

use crate::{
    arm::{ArmId, ArmType},
    declare::Identity,
    graph::Graph,
    live::Live,
    spec::GrantsPolicy,
};

/// A read of Azure. A 404 means that the resource does not exist.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Read {
    /// One resource by its id.
    Resource {
        /// Its id.
        id: ArmId,
        /// The api-version.
        api_version: String,
    },
    /// All resources of a type below a parent, page by page.
    Collection {
        /// The path of the list: `{parent}/…/storageAccounts`.
        path: String,
        /// The api-version.
        api_version: String,
    },
    /// A list over a whole subscription, and narrower reads for when it is denied or does not exist.
    Wide {
        /// The list.
        list: Box<Read>,
        /// The narrower reads.
        instead: Vec<Read>,
    },
    /// All role assignments at a scope, and below it unless it is a management group.
    Grants(ArmId),
    /// The role assignments at or above a scope that give the caller its permissions, directly or through a group.
    CallerGrants(ArmId),
    /// The ids of all resources in a resource group.
    Contents(ArmId),
    /// The ids of the resources of a child type in a resource.
    Children {
        /// The resource.
        parent: ArmId,
        /// The path of the list.
        path: String,
        /// The api-version.
        api_version: String,
    },
    /// All management locks of a subscription, its resource groups and their resources.
    Locks {
        /// The subscription.
        subscription: ArmId,
        /// The resource groups to list instead where the subscription is denied. Their lists have the locks at, above and
        /// below them.
        groups: Vec<ArmId>,
    },
}

/// The number of resources of a type in several resource groups up to which single reads are cheaper than a list over the
/// subscription, which can have many pages.
const FEW: usize = 2;

/// The reads for a plan: a GET for few resources of a type; otherwise a list over their parent, resource group or
/// subscription; and one list each of role assignments and locks per subscription.
pub fn list_reads(graph: &Graph) -> Vec<Read> {
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
            let subscription = id.subscription_id().filter(|_| id.is_top_level());
            let above = subscription.map_or_else(|| parent.clone(), str::to_lowercase);
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
    reads.extend(authoritative.into_iter().map(Read::CallerGrants));
    reads.extend(locks(graph));
    reads
}

/// The reads that confirm the absence of resources that lists lack, after these reads. What is in or on a resource that
/// does not exist needs no read.
pub fn list_reads_to_confirm(graph: &Graph, live: &Live, reads: &[Read]) -> Vec<Read> {
    let direct: HashSet<&ArmId> = reads
        .iter()
        .filter_map(|read| match read {
            Read::Resource { id, .. } => Some(id),
            _ => None,
        })
        .collect();
    let is_absent = |id: &ArmId| graph.node_by_id(id).is_some() && live.resource(id).is_none();
    let is_in_absent =
        |id: &ArmId| iter::successors(id.parent(), ArmId::parent).any(|id| is_absent(&id));
    let absent = graph.nodes().filter_map(|node| {
        let id = node.id().filter(|id| live.resource(id).is_none())?;
        let is_open = !direct.contains(id) && !is_in_absent(id);
        is_open.then(|| one(id, &node.subject.arm_type))
    });
    absent.collect()
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
        // Only a subscription lists resource groups.
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

/// The role assignments of the subscriptions of the stacks, or of the scopes of the graph where a subscription is denied;
/// and those at management groups.
fn grants(graph: &Graph) -> Vec<Read> {
    let scopes = graph
        .stack_scopes()
        .iter()
        .flat_map(|scope| &scope.subscriptions);
    let mut subscriptions: BTreeMap<ArmId, BTreeSet<ArmId>> = scopes
        .map(|scope| (scope.clone(), BTreeSet::new()))
        .collect();
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

/// One list for each subscription in which a resource could change or be an orphan.
fn locks(graph: &Graph) -> impl Iterator<Item = Read> {
    let scopes = graph
        .stack_scopes()
        .iter()
        .flat_map(|scope| &scope.subscriptions);
    let mut subscriptions: BTreeMap<ArmId, BTreeSet<ArmId>> = scopes
        .map(|scope| (scope.clone(), BTreeSet::new()))
        .collect();
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

/// The path of the list that contains a resource.
fn collection_of(id: &ArmId) -> &str {
    let text = id.as_str();
    text.rfind('/').map_or(text, |at| &text[..at])
}
