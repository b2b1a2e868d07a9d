//! The order in which Azure lets orphans be deleted: locks first, then grants, then what uses something before what it
//! uses, what is in or on something before that, and resource groups last.

use std::collections::HashMap;

use super::{GRANT, GROUP, LOCK, ROLE};
use crate::{
    arm::ArmId,
    live::{Live, LiveGrant, Owned},
};

/// The orphans in an order to delete them in, each with those before that it has to wait for. What refers to each other
/// in a circle does not wait.
pub(super) fn of_deletion<'a>(
    orphans: &'a [Owned],
    live: &Live,
) -> Vec<(&'a Owned, Vec<&'a Owned>)> {
    let texts: HashMap<&ArmId, String> = orphans
        .iter()
        .map(|orphan| (&orphan.id, text_of(live, orphan)))
        .collect();
    let waits =
        |orphan: &Owned, other: &Owned| orphan.id != other.id && waits(&texts, orphan, other);
    let mut left: Vec<&Owned> = orphans.iter().collect();
    left.sort_by_key(|orphan| (rank(orphan), std::cmp::Reverse(depth(orphan)), &orphan.id));
    let mut ordered: Vec<(&Owned, Vec<&Owned>)> = Vec::new();
    while !left.is_empty() {
        let is_free = |orphan: &&Owned| !left.iter().any(|other| waits(orphan, other));
        let at = left.iter().position(is_free).unwrap_or_default();
        let orphan = left.remove(at);
        let before = ordered.iter().map(|(before, _)| *before);
        let before = before.filter(|before| waits(orphan, before)).collect();
        ordered.push((orphan, before));
    }
    ordered
}

/// Whether the body of something names an id.
pub(super) fn refers(live: &Live, orphan: &Owned, id: &ArmId) -> bool {
    names(&text_of(live, orphan), id)
}

fn text_of(live: &Live, orphan: &Owned) -> String {
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

fn waits(texts: &HashMap<&ArmId, String>, orphan: &Owned, other: &Owned) -> bool {
    if other.is(LOCK) {
        let scope = other.id.parent();
        let is_under = |scope: &ArmId| scope.covers(&orphan.id) || orphan.id.covers(scope);
        return !orphan.is(LOCK) && scope.as_ref().is_some_and(is_under);
    }
    if orphan.id.covers(&other.id) {
        return true;
    }
    if other.is(GRANT) && orphan.is(ROLE) {
        let grant = LiveGrant::parse(other.body.clone());
        return grant.is_some_and(|grant| grant.role.eq_ignore_ascii_case(orphan.id.name()));
    }
    let is_resource = |owned: &Owned| rank(owned) == RESOURCE;
    is_resource(orphan)
        && is_resource(other)
        && !other.id.covers(&orphan.id)
        && texts
            .get(&other.id)
            .is_some_and(|text| names(text, &orphan.id))
}

const RESOURCE: u8 = 2;

fn rank(orphan: &Owned) -> u8 {
    let ranks = [(LOCK, 0), (GRANT, 1), (ROLE, 3), (GROUP, 4)];
    let found = ranks.iter().find(|(arm_type, _)| orphan.is(arm_type));
    found.map_or(RESOURCE, |(_, rank)| *rank)
}

fn depth(orphan: &Owned) -> usize {
    orphan.id.as_str().matches('/').count()
}
