//! Members that services fill in, in any type.

use serde_json::{Map, Value as Json};

use crate::{arm::ArmId, diff::is_empty};

/// Names that responses of at least three types have, and that no PUT of the recorded traffic contains.
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

/// Members next to `properties` that no author writes.
const ENVELOPE: &[&str] = &["id", "name", "type", "managedBy", "managedByExtended"];

/// Members of an identity that Azure fills in.
const OF_IDENTITIES: &[&str] = &["principalId", "clientId", "tenantId"];

/// Whether services fill in members with a name.
pub(super) fn fills(name: &str) -> bool {
    FILLED.iter().any(|it| it.eq_ignore_ascii_case(name))
}

/// A body without members that its service fills in, and without empty ones.
pub(super) fn without(live: &Json, own: &ArmId) -> Json {
    let Json::Object(members) = live else {
        return live.clone();
    };
    let is_left = |name: &str| !ENVELOPE.contains(&name);
    let left = members.iter().filter(|(name, _)| is_left(name));
    let left = left.map(|(name, value)| match name.as_str() {
        "identity" => (name.clone(), identity(value)),
        _ => (name.clone(), value.clone()),
    });
    let left: Map<String, Json> = left.collect();
    escape_control(&Json::Object(left), own).unwrap_or_else(|| Json::Object(Map::new()))
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

/// A value without members that are filled in; `None` if no member is left.
fn escape_control(live: &Json, own: &ArmId) -> Option<Json> {
    match live {
        Json::Object(members) => {
            let is_part = is_part_of(members, own);
            let mut left = Map::new();
            for (name, value) in members {
                let follows = is_part && ["id", "type"].contains(&name.as_str());
                if follows || fills(name) {
                    continue;
                }
                // In a mapping by ids, only the keys matter.
                let nothing = ArmId::resembles_id(name).then(|| Json::Object(Map::new()));
                left.extend(
                    escape_control(value, own)
                        .or(nothing)
                        .map(|value| (name.clone(), value)),
                );
            }
            (!left.is_empty()).then_some(Json::Object(left))
        }
        Json::Array(items) => {
            // Without the item, the list would differ.
            let nothing = || Json::Object(Map::new());
            let kept = |item: &Json| match item {
                Json::Object(_) => escape_control(item, own).unwrap_or_else(nothing),
                _ => item.clone(),
            };
            (!items.is_empty()).then(|| Json::Array(items.iter().map(kept).collect()))
        }
        leaf => (!is_empty(leaf)).then(|| leaf.clone()),
    }
}

/// Whether members describe a child resource inside of the body, whose id follows from its place. An id alone is a
/// reference.
fn is_part_of(members: &Map<String, Json>, own: &ArmId) -> bool {
    let id = members
        .get("id")
        .and_then(Json::as_str)
        .and_then(ArmId::parse);
    members.len() > 1 && id.is_some_and(|id| own.covers(&id))
}
