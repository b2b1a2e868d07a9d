//! The fewest reads that answer a graph.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    arm::{ArmId, ArmType},
    graph::{Graph, Identity, Node},
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

/// The reads that a comparison of the graph needs: a list where one parent has several resources of a type, and a
/// GET where there is only one.
pub fn needed(graph: &Graph) -> Vec<Read> {
    let mut collections: BTreeMap<(String, &ArmType, bool), Vec<&ArmId>> = BTreeMap::new();
    let mut scopes: BTreeSet<ArmId> = BTreeSet::new();
    let mut authoritative: BTreeSet<ArmId> = BTreeSet::new();
    for node in graph.nodes() {
        match &node.identity {
            Identity::Resource(id) => {
                collections
                    .entry((
                        collection_of(id).to_lowercase(),
                        &node.arm_type,
                        node.listed,
                    ))
                    .or_default()
                    .push(id);
                if !node.lifecycle.existing {
                    scopes.extend(id.group());
                }
                if node.lifecycle.grants == GrantsPolicy::Authoritative {
                    authoritative.insert(id.clone());
                }
            }
            Identity::Grant(grant) => {
                scopes.insert(grant.scope.group().unwrap_or_else(|| grant.scope.clone()));
            }
        }
    }
    let mut reads: Vec<Read> = collections
        .into_iter()
        .flat_map(|((_, arm_type, listed), ids)| {
            let api_version = arm_type.api_version.to_string();
            match ids.as_slice() {
                [first, _, ..] if listed => vec![Read::Collection {
                    path: collection_of(first).to_owned(),
                    api_version,
                }],
                _ => ids
                    .into_iter()
                    .map(|id| Read::Resource {
                        id: id.clone(),
                        api_version: api_version.clone(),
                    })
                    .collect(),
            }
        })
        .collect();
    reads.extend(scopes.into_iter().map(Read::Grants));
    reads.extend(authoritative.into_iter().map(Read::GrantsOfCaller));
    reads.extend(locks(graph));
    reads
}

/// The reads that taking a graph away needs beside: what else is in the resource groups that would go.
pub fn needed_to_destroy(graph: &Graph) -> Vec<Read> {
    let groups = graph
        .nodes()
        .filter(|node| is_group(node))
        .filter_map(|node| node.id().cloned());
    needed(graph)
        .into_iter()
        .chain(groups.map(Read::Contents))
        .collect()
}

/// One list a subscription in which something could change, or be left over.
fn locks(graph: &Graph) -> impl Iterator<Item = Read> {
    let homes = graph.homes().iter().flat_map(|home| &home.subscriptions);
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

fn is_group(node: &Node) -> bool {
    !node.lifecycle.existing && node.id().is_some_and(|id| id.group().as_ref() == Some(id))
}

/// The path of the list that a resource is in.
fn collection_of(id: &ArmId) -> &str {
    let text = id.as_str();
    text.rfind('/').map_or(text, |at| &text[..at])
}
