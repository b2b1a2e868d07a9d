//! What services fill in by themselves, in any type: nothing that an author would write.

use serde_json::{Map, Value as Json};

use crate::{arm::ArmId, diff::is_empty};

/// Names that answers of three types and more have, and that no PUT of the recorded traffic has sent.
const FILLED: &[&str] = &[
    "_etag",
    "_rid",
    "_self",
    "_ts",
    "accessedAt",
    "createdAt",
    "createdBy",
    "createdByType",
    "createdOn",
    "creationTime",
    "diskSizeBytes",
    "diskState",
    "etag",
    "fqdn",
    "lastModifiedAt",
    "lastModifiedBy",
    "lastModifiedByType",
    "lastModifiedTime",
    "powerState",
    "privateEndpointConnections",
    "provisioningState",
    "resourceGuid",
    "resourceState",
    "systemData",
    "timeCreated",
    "uniqueId",
    "updatedAt",
];

/// What stands beside `properties` and follows from elsewhere.
const BESIDE: &[&str] = &["id", "name", "type", "managedBy", "managedByExtended"];

/// What Azure says of an identity that was only asked for.
const OF_IDENTITIES: &[&str] = &["principalId", "clientId", "tenantId"];

/// Whether a member of this name is filled in by its service.
pub(super) fn fills(name: &str) -> bool {
    FILLED.iter().any(|it| it.eq_ignore_ascii_case(name))
}

/// A body without what its service fills in, and without what says nothing.
pub(super) fn without(live: &Json, own: &ArmId) -> Json {
    let Json::Object(members) = live else {
        return live.clone();
    };
    let is_left = |name: &str| !BESIDE.contains(&name);
    let left = members.iter().filter(|(name, _)| is_left(name));
    let left = left.map(|(name, value)| match name.as_str() {
        "identity" => (name.clone(), identity(value)),
        _ => (name.clone(), value.clone()),
    });
    let left: Map<String, Json> = left.collect();
    clean(&Json::Object(left), own).unwrap_or_else(|| Json::Object(Map::new()))
}

fn identity(live: &Json) -> Json {
    let Json::Object(members) = live else {
        return live.clone();
    };
    let own = |name: &str| OF_IDENTITIES.iter().any(|it| it.eq_ignore_ascii_case(name));
    let members = members.iter().filter(|(name, _)| !own(name));
    let members = members.map(|(name, value)| match value {
        Json::Object(_) => (name.clone(), identity(value)),
        _ => (name.clone(), value.clone()),
    });
    Json::Object(members.collect())
}

/// A value without what is filled in; nothing where nothing is left.
fn clean(live: &Json, own: &ArmId) -> Option<Json> {
    match live {
        Json::Object(members) => {
            let is_part = is_part_of(members, own);
            let mut left = Map::new();
            for (name, value) in members {
                let follows = is_part && ["id", "type"].contains(&name.as_str());
                if follows || fills(name) {
                    continue;
                }
                // Of a mapping of ids the keys are what is said, with nothing behind them.
                let nothing = ArmId::looks_like(name).then(|| Json::Object(Map::new()));
                left.extend(
                    clean(value, own)
                        .or(nothing)
                        .map(|value| (name.clone(), value)),
                );
            }
            (!left.is_empty()).then_some(Json::Object(left))
        }
        Json::Array(items) => {
            // An item that is left out would be a difference.
            let nothing = || Json::Object(Map::new());
            let kept = |item: &Json| match item {
                Json::Object(_) => clean(item, own).unwrap_or_else(nothing),
                _ => item.clone(),
            };
            (!items.is_empty()).then(|| Json::Array(items.iter().map(kept).collect()))
        }
        leaf => (!is_empty(leaf)).then(|| leaf.clone()),
    }
}

/// Whether it is a part of the resource that is written in its body: its id follows from there. An id alone is a
/// reference.
fn is_part_of(members: &Map<String, Json>, own: &ArmId) -> bool {
    let id = members
        .get("id")
        .and_then(Json::as_str)
        .and_then(ArmId::parse);
    members.len() > 1 && id.is_some_and(|id| own.covers(&id))
}
