//! What is to be read for an export, in three rounds: what there is; all of it, and what belongs to it; what else that
//! names.

use std::collections::{BTreeMap, BTreeSet};

use super::Scene;
use crate::{
    arm::{ArmId, ArmType},
    facts::Place,
    kind::{Kind, Registry},
    live::{Live, LiveGrant},
    reads::Read,
};

/// The groups themselves and what is in them, on them and on what is in them.
pub fn first(groups: &[ArmId], registry: Registry) -> Vec<Read> {
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

/// The types in the groups whose version nobody knows yet, each with its subscription.
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

/// The resources in the groups, one list a type where the list says all, and what belongs to their entries; the locks.
pub fn second(scene: &Scene<'_>) -> Vec<Read> {
    let mut reads = Vec::new();
    let mut listed: BTreeMap<(ArmId, String), Vec<&ArmId>> = BTreeMap::new();
    for id in contents(scene.groups, scene.live) {
        let Some((kind, arm_type)) = spoken(scene, id) else {
            continue;
        };
        match id.parent() {
            Some(group) if kind.facts().listed => {
                let of_type = listed.entry((group, arm_type.to_string())).or_default();
                of_type.push(id);
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
    let lock = scene.registry.of_type(super::LOCK);
    if let Some(arm_type) = lock.and_then(|kind| kind.facts().arm_type.as_ref()) {
        let locks = scene.live.locks().iter();
        let locks = locks.filter(|lock| scene.covers(&lock.scope));
        reads.extend(locks.map(|lock| resource(&lock.id, arm_type)));
    }
    reads
}

/// The definitions of the roles that grants in the groups are of, but for those that are known by `is_known`.
pub fn third(scene: &Scene<'_>, is_known: &dyn Fn(&str) -> bool) -> Vec<Read> {
    let role = scene.registry.of_type(super::ROLE);
    let Some(arm_type) = role.and_then(|kind| kind.facts().arm_type.as_ref()) else {
        return Vec::new();
    };
    let grants = scene.live.grants().iter();
    let open = grants.filter(|grant| scene.covers(&grant.scope) && !is_known(&grant.role));
    let ids: BTreeSet<ArmId> = open.filter_map(definition_of).collect();
    ids.iter().map(|id| resource(id, arm_type)).collect()
}

/// The role definition that a grant is of.
pub(super) fn definition_of(grant: &LiveGrant) -> Option<ArmId> {
    ArmId::parse(grant.property("roleDefinitionId")?)
}

/// The kind that an entry of a resource is of, and the type in the version that it is spoken to in.
pub(super) fn spoken(scene: &Scene<'_>, id: &ArmId) -> Option<(&'static dyn Kind, ArmType)> {
    let name = id.arm_type()?;
    let group = id.group()?;
    let inside = id.as_str().get(group.as_str().len()..)?;
    if !inside.to_ascii_lowercase().starts_with("/providers/") {
        return None;
    }
    if let Some(kind) = scene.registry.of_type(&name)
        && kind.facts().place == Place::ResourceGroup
        && let Some(arm_type) = &kind.facts().arm_type
    {
        return Some((kind, arm_type.clone()));
    }
    let known = scene.live.known_type(&name)?;
    let any = scene.any_type()?;
    let cased = scene
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
        .flat_map(|group| live.contents(group).unwrap_or_default())
}

fn resource(id: &ArmId, arm_type: &ArmType) -> Read {
    Read::Resource {
        id: id.clone(),
        api_version: arm_type.api_version.to_string(),
    }
}
