//! Finds orphans. Lists are hints: a candidate is an orphan if a GET confirms its marker.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashSet},
    ops::Deref,
};

use serde_json::Value as Json;

use crate::{
    arm::{
        ArmId,
        types::{RESOURCE_GROUP, ROLE_ASSIGNMENT, ROLE_DEFINITION},
    },
    graph::{Grant, Graph, Identity, NodeKey},
    live::{Live, LiveGrant, OwnedResource},
    marker::{LiveMarker, MarkerClaim, TextMarker, claim},
    plan::grants::{ReplacedPrincipals, has_lost_principal},
    reads::Read,
};

/// The types of candidates without a kind, each with a subscription to ask for its api-versions.
pub fn unknown_types(graph: &Graph, live: &Live) -> BTreeSet<(ArmId, String)> {
    let unknown = candidates(graph, live, &ReplacedPrincipals::new())
        .into_iter()
        .filter_map(|orphan| {
            let subscription = ArmId::subscription(orphan.id.subscription_id()?);
            let known = live.known_type(&orphan.arm_type);
            known.is_none().then_some((subscription, orphan.arm_type))
        });
    unknown.collect()
}

/// The reads that confirm orphans: lists are hints. Each candidate in full, for its marker, and its resource group, which
/// can be managed by another resource.
pub fn list_reads_to_confirm(graph: &Graph, live: &Live) -> Vec<Read> {
    let candidates = candidates(graph, live, &ReplacedPrincipals::new());
    let groups = candidates
        .iter()
        .filter_map(|candidate| candidate.id.group());
    let groups = groups.filter(|group| live.resource(group).is_none());
    let groups = groups.map(|id| Read::Resource {
        id,
        api_version: RESOURCE_GROUP.api_version.into_owned(),
    });
    let each = candidates.iter().filter_map(|candidate| {
        let known = live.known_type(&candidate.arm_type)?;
        Some(Read::Resource {
            id: candidate.id.clone(),
            api_version: known.api_version.clone(),
        })
    });
    let reads: BTreeSet<Read> = groups.chain(each).collect();
    reads.into_iter().collect()
}

/// How sure it is that a stack owns an orphan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OrphanProof {
    /// Its marker is bound to it.
    Bound,
    /// Its marker is from an older version.
    Outdated,
    /// It was only seen in a list: its api-version is not known.
    Listed,
}

/// An orphan.
#[derive(Debug)]
pub(super) struct FoundOrphan {
    pub(super) resource: OwnedResource,
    pub(super) proof: OrphanProof,
}

impl Deref for FoundOrphan {
    type Target = OwnedResource;

    fn deref(&self) -> &OwnedResource {
        &self.resource
    }
}

/// The resources that stacks of the graph own and no node declares. What another resource manages is none of them, nor
/// what is in a group that another resource manages: its tags can be copies.
pub(super) fn find(graph: &Graph, live: &Live, replaced: &ReplacedPrincipals) -> Vec<FoundOrphan> {
    let is_managed = |id: &ArmId, body: &Json| {
        let in_group = id.group().and_then(|group| live.resource(&group));
        [Some(body), in_group]
            .into_iter()
            .flatten()
            .any(|body| body.get("managedBy").is_some_and(Json::is_string))
    };
    let confirm = |owned: OwnedResource| {
        let body = live.resource(&owned.id).unwrap_or(&owned.body);
        if is_managed(&owned.id, body) {
            return None;
        }
        let stack = graph.stack(&owned.stack);
        let is_known = live.known_type(&owned.arm_type).is_some();
        let read = |id: &ArmId, body: &Json| claim(&stack, id, body, owned.marker_place());
        let found = match &owned.holder {
            None => read(&owned.id, body),
            Some(holder) => live.resource(holder).and_then(|body| read(holder, body)),
        };
        let proof = match found {
            Some(MarkerClaim::Own) => OrphanProof::Bound,
            Some(MarkerClaim::Outdated) => OrphanProof::Outdated,
            None if !is_known => OrphanProof::Listed,
            Some(MarkerClaim::Foreign(_) | MarkerClaim::Copied | MarkerClaim::Newer(_)) | None => {
                return None;
            }
        };
        let removal_policy = LiveMarker::read(body, owned.marker_place())
            .map_or(owned.removal_policy, |marker| marker.removal_policy);
        let resource = OwnedResource {
            removal_policy,
            ..owned
        };
        Some(FoundOrphan { resource, proof })
    };
    let found = candidates(graph, live, replaced).into_iter();
    found.filter_map(confirm).collect()
}

/// The resources that lists show as owned by stacks of the graph, and that no node declares.
fn candidates(graph: &Graph, live: &Live, replaced: &ReplacedPrincipals) -> Vec<OwnedResource> {
    let is_of_spec = |owned: &OwnedResource| {
        let mut homes = graph.stack_scopes().iter();
        homes.any(|home| home.stack.name == owned.stack)
    };
    let entries = graph.nodes().filter_map(|node| match &node.identity {
        Identity::Grant(grant) => Some((&node.subject.key, grant)),
        Identity::Resource(_) => None,
    });
    let entries: Vec<(&NodeKey, &Grant)> = entries.collect();
    let declared = entries
        .iter()
        .filter_map(|(_, grant)| live.grant(graph, grant));
    let declared: HashSet<&ArmId> = declared.map(|grant| &grant.id).collect();
    let is_recreated = |owned: &OwnedResource| {
        let grant = LiveGrant::parse(owned.body.clone());
        let marker = TextMarker::on(&owned.body, "description");
        grant.zip(marker).is_some_and(|(grant, marker)| {
            has_lost_principal(live, replaced, &grant)
                && entries
                    .iter()
                    .any(|(key, wanted)| marker.is_for(key) && grant.is_of(wanted))
        })
    };
    // The id of a role begins with the scope of the request that returned it: only its GUID identifies it.
    let roles = graph.nodes().filter_map(|node| {
        let is_role = ROLE_DEFINITION.is(&node.subject.arm_type.name);
        node.id().filter(|_| is_role).map(ArmId::name)
    });
    let roles: Vec<&str> = roles.collect();
    let is_declared_role = |owned: &OwnedResource| {
        let mut roles = roles.iter();
        owned.is(&ROLE_DEFINITION) && roles.any(|guid| guid.eq_ignore_ascii_case(owned.id.name()))
    };
    let mut found: Vec<OwnedResource> = live
        .owned()
        .filter(|owned| is_of_spec(owned) && !is_declared_role(owned))
        .filter(|owned| graph.node_by_id(&owned.id).is_none() && !declared.contains(&owned.id))
        .filter(|owned| !owned.is(&ROLE_ASSIGNMENT) || !is_recreated(owned))
        .map(Cow::into_owned)
        .collect();
    found.sort_by(|left, right| (&left.stack, &left.id).cmp(&(&right.stack, &right.id)));
    found
}
