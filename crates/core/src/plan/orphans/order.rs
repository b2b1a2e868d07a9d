//! The order in which Azure accepts deletions of orphans: locks, role assignments, dependents before their dependencies,
//! children before their parents, and resource groups last.

use std::collections::HashMap;

use super::find::FoundOrphan;

use crate::{
    arm::ArmId,
    arm::types::{MANAGEMENT_LOCK, RESOURCE_GROUP, ROLE_ASSIGNMENT, ROLE_DEFINITION},
    live::{Live, LiveGrant},
};

/// The orphans in the order of their deletion, each with the earlier orphans that it waits for. Resources in a cycle of
/// references do not wait for each other.
pub(super) fn deletion_order<'a>(
    orphans: &'a [FoundOrphan],
    live: &Live,
) -> Vec<(&'a FoundOrphan, Vec<&'a FoundOrphan>)> {
    let texts: HashMap<&ArmId, String> = orphans
        .iter()
        .map(|orphan| (&orphan.id, text_of(live, orphan)))
        .collect();
    let waits = |orphan: &FoundOrphan, other: &FoundOrphan| {
        orphan.id != other.id && waits(&texts, orphan, other)
    };
    let mut left: Vec<&FoundOrphan> = orphans.iter().collect();
    left.sort_by_key(|orphan| (rank(orphan), std::cmp::Reverse(depth(orphan)), &orphan.id));
    let mut ordered: Vec<(&FoundOrphan, Vec<&FoundOrphan>)> = Vec::new();
    while !left.is_empty() {
        let is_free = |orphan: &&FoundOrphan| !left.iter().any(|other| waits(orphan, other));
        // In a cycle of references, the first goes first.
        let at = left.iter().position(is_free).unwrap_or(0);
        let orphan = left.remove(at);
        let before = ordered.iter().map(|(before, _)| *before);
        let before = before.filter(|before| waits(orphan, before)).collect();
        ordered.push((orphan, before));
    }
    ordered
}

/// Whether the body of an orphan contains an id.
pub(super) fn refers_to(live: &Live, orphan: &FoundOrphan, id: &ArmId) -> bool {
    names(&text_of(live, orphan), id)
}

fn text_of(live: &Live, orphan: &FoundOrphan) -> String {
    let body = live.resource(&orphan.id).unwrap_or(&orphan.body);
    body.to_string().to_lowercase()
}

fn names(text: &str, id: &ArmId) -> bool {
    let id = id.as_str().to_lowercase();
    text.match_indices(&id).any(|(at, _)| {
        let next = text
            .get(at + id.len()..)
            .and_then(|rest| rest.chars().next());
        next.is_none_or(|next| matches!(next, '"' | '/'))
    })
}

fn waits(texts: &HashMap<&ArmId, String>, orphan: &FoundOrphan, other: &FoundOrphan) -> bool {
    if other.is(&MANAGEMENT_LOCK) {
        let scope = other.id.parent();
        let is_under = |scope: &ArmId| scope.covers(&orphan.id) || orphan.id.covers(scope);
        return !orphan.is(&MANAGEMENT_LOCK) && scope.as_ref().is_some_and(is_under);
    }
    if orphan.id.covers(&other.id) {
        return true;
    }
    if other.is(&ROLE_ASSIGNMENT) && orphan.is(&ROLE_DEFINITION) {
        let grant = LiveGrant::parse(other.body.clone());
        return grant.is_some_and(|grant| grant.role.eq_ignore_ascii_case(orphan.id.name()));
    }
    let is_resource = |owned: &FoundOrphan| rank(owned) == RESOURCE;
    is_resource(orphan)
        && is_resource(other)
        && !other.id.covers(&orphan.id)
        && texts
            .get(&other.id)
            .is_some_and(|text| names(text, &orphan.id))
}

const RESOURCE: u8 = 2;

fn rank(orphan: &FoundOrphan) -> u8 {
    let ranks = [
        (MANAGEMENT_LOCK, 0),
        (ROLE_ASSIGNMENT, 1),
        (ROLE_DEFINITION, 3),
        (RESOURCE_GROUP, 4),
    ];
    let found = ranks.iter().find(|(arm_type, _)| orphan.is(arm_type));
    found.map_or(RESOURCE, |(_, rank)| *rank)
}

fn depth(orphan: &FoundOrphan) -> usize {
    orphan.id.as_str().matches('/').count()
}
