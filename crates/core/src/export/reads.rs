//! The reads of an export in three rounds: the contents of the groups, the resources with their child resources, and
//! the role definitions that grants refer to.

use std::collections::{BTreeMap, BTreeSet};

use super::scope::Scene;
use crate::{
    arm::types::{MANAGEMENT_LOCK, ROLE_DEFINITION},
    arm::{ArmId, ArmType},
    facts::Place,
    kind::{Kind, Registry},
    live::{Live, LiveGrant},
    reads::Read,
};

/// The first round: the groups, their contents, and the grants and locks on them.
pub fn list_first_reads(groups: &[ArmId], registry: Registry) -> Vec<Read> {
    let mut reads = Vec::new();
    let group = registry.kinds.iter().find_map(|kind| {
        let facts = kind.facts();
        facts
            .arm_type
            .as_ref()
            .filter(|_| facts.place == Place::Subscription)
    });
    for id in groups {
        reads.extend(group.map(|arm_type| resource(id, arm_type)));
        reads.push(Read::Contents(id.clone()));
    }
    let subscriptions: BTreeSet<&str> = groups.iter().filter_map(ArmId::subscription_id).collect();
    for subscription in subscriptions {
        let subscription = ArmId::subscription(subscription);
        reads.push(Read::Wide {
            list: Box::new(Read::Grants(subscription.clone())),
            instead: groups.iter().cloned().map(Read::Grants).collect(),
        });
        reads.push(Read::Locks {
            subscription,
            groups: groups.to_vec(),
        });
    }
    reads
}

/// The types in the groups whose API version is not known yet, each with its subscription.
pub fn unknown_types(groups: &[ArmId], live: &Live) -> BTreeSet<(ArmId, String)> {
    let ids = contents(groups, live);
    ids.filter_map(|id| {
        let arm_type = id.arm_type()?;
        let subscription = ArmId::subscription(id.subscription_id()?);
        live.known_type(&arm_type)
            .is_none()
            .then_some((subscription, arm_type))
    })
    .collect()
}

/// The second round: the resources in the groups with their child resources, as one list per type where the list is
/// complete, and the locks.
pub fn list_second_reads(scope: &Scene<'_>) -> Vec<Read> {
    let mut reads = Vec::new();
    let mut listed: BTreeMap<(ArmId, String), Vec<&ArmId>> = BTreeMap::new();
    for id in contents(scope.groups, scope.live) {
        let Some((kind, arm_type)) = resolve_type(scope, id) else {
            continue;
        };
        match id.parent() {
            Some(group) if kind.facts().listed => {
                let ids = listed.entry((group, arm_type.to_string()));
                ids.or_default().push(id);
            }
            _ => reads.push(resource(id, &arm_type)),
        }
        for part in kind.parts() {
            let path = format!("{id}/{}", part.path);
            let api_version = part.arm_type.api_version.to_string();
            let one = || ArmId::parse(&path);
            reads.extend(match part.is_list() {
                true => Some(Read::Collection { path, api_version }),
                false => one().map(|id| Read::Resource { id, api_version }),
            });
        }
    }
    for ((group, arm_type), ids) in listed {
        let Some(arm_type) = ArmType::parse(&arm_type) else {
            continue;
        };
        reads.push(match ids.as_slice() {
            [one] => resource(one, &arm_type),
            _ => Read::Collection {
                path: format!("{group}/providers/{}", arm_type.name),
                api_version: arm_type.api_version.to_string(),
            },
        });
    }
    let lock = scope.registry.of_type(&MANAGEMENT_LOCK.name);
    if let Some(arm_type) = lock.and_then(|kind| kind.facts().arm_type.as_ref()) {
        let locks = scope.live.locks().iter();
        let locks = locks.filter(|lock| scope.covers(&lock.scope));
        reads.extend(locks.map(|lock| resource(&lock.id, arm_type)));
    }
    reads
}

/// The third round: the role definitions of the grants in the groups, except for those that `is_known` knows by GUID.
pub fn list_third_reads(scope: &Scene<'_>, is_known: &dyn Fn(&str) -> bool) -> Vec<Read> {
    let role = scope.registry.of_type(&ROLE_DEFINITION.name);
    let Some(arm_type) = role.and_then(|kind| kind.facts().arm_type.as_ref()) else {
        return Vec::new();
    };
    let grants = scope.live.grants().iter();
    let open = grants.filter(|grant| scope.covers(&grant.scope) && !is_known(&grant.role));
    let ids: BTreeSet<ArmId> = open.filter_map(role_definition_id).collect();
    ids.iter().map(|id| resource(id, arm_type)).collect()
}

/// The id of the role definition of a grant.
pub(super) fn role_definition_id(grant: &LiveGrant) -> Option<ArmId> {
    ArmId::parse(grant.property("roleDefinitionId")?)
}

/// The kind of the entry of a resource, and its type with the API version.
pub(super) fn resolve_type(scope: &Scene<'_>, id: &ArmId) -> Option<(&'static dyn Kind, ArmType)> {
    let name = id.arm_type()?;
    let group = id.group()?;
    let inside = id.as_str().get(group.as_str().len()..)?;
    if !inside.to_ascii_lowercase().starts_with("/providers/") {
        return None;
    }
    if let Some(kind) = scope.registry.of_type(&name)
        && kind.facts().place == Place::ResourceGroup
        && let Some(arm_type) = &kind.facts().arm_type
    {
        return Some((kind, arm_type.clone()));
    }
    let known = scope.live.known_type(&name)?;
    let any = scope.any_type()?;
    let cased = scope
        .live
        .resource(id)
        .and_then(|body| body.get("type")?.as_str());
    let cased = cased.filter(|cased| cased.eq_ignore_ascii_case(&name));
    let arm_type = format!("{}@{}", cased.unwrap_or(&name), known.api_version);
    Some((any, ArmType::parse(&arm_type)?))
}

fn contents<'l>(groups: &'l [ArmId], live: &'l Live) -> impl Iterator<Item = &'l ArmId> {
    groups
        .iter()
        .filter_map(|group| live.contents(group))
        .flatten()
}

fn resource(id: &ArmId, arm_type: &ArmType) -> Read {
    Read::Resource {
        id: id.clone(),
        api_version: arm_type.api_version.to_string(),
    }
}
