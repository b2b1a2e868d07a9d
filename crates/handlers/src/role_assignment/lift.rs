//! Entries for live role assignments.

use lazuli_core::{
    arm::ArmId,
    lift::{LiftSource, LiftedEntry},
    live::LiveGrant,
    value::{Object, Value},
};
use serde_json::Value as Json;

use super::USUAL_VERSION;
use crate::roles;

/// One entry for role assignments that differ only in the role.
pub(super) fn lift(found: &mut LiftSource<'_>) -> Option<LiftedEntry> {
    let others: Vec<&Json> = found.parts_of_type("roleAssignments").collect();
    let first = found.body();
    let roles = std::iter::once(first).chain(others);
    let mut roles: Vec<Value> = roles
        .map(|grant| role_lifted(found, grant))
        .collect::<Option<_>>()?;
    let principal = found.text("properties.principalId")?;
    let principal = found.principal(principal).or_else(|| {
        let kind = found.at("properties.principalType")?;
        Some(Value::object([
            ("objectId", Value::string(principal)),
            ("type", Value::from(kind.clone())),
        ]))
    })?;
    roles.sort_by_cached_key(|role| role.to_display_json().to_string());
    let scope = LiveGrant::parse(first.clone())?.scope;
    let mut props = Object::from([
        ("principal".to_owned(), principal),
        ("scope".to_owned(), Value::string(scope.as_str())),
    ]);
    match roles.len() {
        1 => props.insert("role".into(), roles.remove(0)),
        _ => props.insert("roles".into(), Value::Array(roles)),
    };
    let written = [
        "principal",
        "principalType",
        "scope",
        "role",
        "roles",
        "description",
    ];
    props.extend(found.properties_except(&written));
    // The default is sent with a condition.
    match (
        props.contains_key("condition"),
        found.text("properties.conditionVersion"),
    ) {
        (true, None) => return None,
        (_, Some(USUAL_VERSION)) => drop(props.shift_remove("conditionVersion")),
        _ => {}
    }
    let words = found.words("description").map(Value::string);
    props.extend(words.map(|words| ("description".to_owned(), words)));
    Some(found.to_entry(props))
}

/// The role of a live role assignment: a reference, a name, or the GUID.
fn role_lifted(found: &LiftSource<'_>, grant: &Json) -> Option<Value> {
    let id = grant.pointer("/properties/roleDefinitionId")?.as_str()?;
    let id = ArmId::parse(id)?;
    if let Some(role) = roles::by_guid(id.name()) {
        return Some(role.name.into());
    }
    if let Some(reference) = found.reference(&id) {
        return Some(reference);
    }
    let is_it = |definition: &&Json| {
        let own = definition["id"].as_str().and_then(ArmId::parse);
        own.is_some_and(|own| own.name().eq_ignore_ascii_case(id.name()))
    };
    let definition = found.parts_of_type("roleDefinitions").find(is_it);
    let name = definition.and_then(|definition| definition["properties"]["roleName"].as_str());
    Some(Value::string(name.unwrap_or(id.name())))
}
