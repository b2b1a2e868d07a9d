//! Azure Policy: assignments of three built-in definitions, two that deny and one that modifies.

use serde_json::{Value, json};

use super::merge::{elements, region, text};
use super::path::{Target, within};
use super::reply::{ArmError, Reply};
use super::state::Resource;
use super::{Call, World, generic, groups, lists};
use crate::http::{Method, Request};

const KIND: &str = "microsoft.authorization/policyassignments";
/// The built-in definition "Allowed locations".
const ALLOWED_LOCATIONS: &str = "e56962a6-4747-49cd-b67b-bf8b01975c4c";
/// The built-in definition "Not allowed resource types".
const NOT_ALLOWED_TYPES: &str = "6c112d4e-5bc7-47ae-a041-ea2d9dccd749";
/// The built-in definition "Add or replace a tag on resources".
const ADD_OR_REPLACE_TAG: &str = "5ffd78d9-436d-4b41-a421-5baa819e3008";

pub(crate) fn handle(world: &mut World, call: &Call<'_>) -> Result<Reply, ArmError> {
    if call.target.is_open() {
        return lists::collection(world, call);
    }
    let key = call.target.key();
    match call.method() {
        Method::Put => {
            let mut body = call.json()?;
            let definition = text(&body, "/properties/policyDefinitionId").to_owned();
            if display_name(&definition).is_none() {
                return Err(ArmError::gateway(
                    404,
                    "PolicyDefinitionNotFound",
                    format!("The policy definition '{definition}' could not be found."),
                ));
            }
            body["properties"]["scope"] = Value::from(call.target.scope());
            if body["properties"]["enforcementMode"].is_null() {
                body["properties"]["enforcementMode"] = Value::from("Default");
            }
            body["id"] = Value::from(call.target.id());
            body["type"] = Value::from("Microsoft.Authorization/policyAssignments");
            body["name"] = Value::from(call.target.name());
            let assignment = Resource::new(&call.target, body.clone(), call.now);
            world.state.insert(key, assignment);
            Ok(Reply::json(201, body))
        }
        Method::Get => match world.state.get(&key) {
            Some(assignment) => Ok(Reply::json(200, assignment.body.clone())),
            None => Err(ArmError::gateway(
                404,
                "PolicyAssignmentNotFound",
                format!(
                    "The policy assignment '{}' is not found.",
                    call.target.name()
                ),
            )),
        },
        Method::Delete => Ok(generic::remove(world, &key)),
        _ => Err(call.not_allowed()),
    }
}

fn display_name(definition: &str) -> Option<&'static str> {
    let definition = definition.to_ascii_lowercase();
    if definition.ends_with(ALLOWED_LOCATIONS) {
        Some("Allowed locations")
    } else if definition.ends_with(NOT_ALLOWED_TYPES) {
        Some("Not allowed resource types")
    } else if definition.ends_with(ADD_OR_REPLACE_TAG) {
        Some("Add or replace a tag on resources")
    } else {
        None
    }
}

/// Refuses a write that an assignment at or above the resource denies.
pub(crate) fn refuse(world: &World, call: &Call<'_>) -> Result<(), ArmError> {
    let kind = call.target.kind();
    if !matches!(call.method(), Method::Put | Method::Patch)
        || kind
            .to_ascii_lowercase()
            .starts_with("microsoft.authorization/")
    {
        return Ok(());
    }
    let body: Value = serde_json::from_slice(&call.request.body).unwrap_or_default();
    for assignment in world
        .scopes(&call.target)
        .iter()
        .flat_map(|scope| world.state.extensions(scope, KIND))
        .filter(|assignment| applies(assignment, call))
    {
        if denies(assignment, &kind, text(&body, "/location")) {
            return Err(denial(assignment, call));
        }
    }
    Ok(())
}

/// The write as assignments at or above the resource change it, if any does.
pub(crate) fn modified(world: &World, call: &Call<'_>) -> Option<Request> {
    let is_top_level = call.target.blocks.len() == 1
        && call
            .target
            .last()
            .is_some_and(|block| block.pairs.len() == 1);
    let kind = call.target.kind().to_ascii_lowercase();
    if call.method() != Method::Put || !is_top_level || kind.starts_with("microsoft.authorization/")
    {
        return None;
    }
    let mut body: Value = serde_json::from_slice(&call.request.body).ok()?;
    let assignments: Vec<&Resource> = call
        .target
        .scopes()
        .iter()
        .flat_map(|scope| world.state.extensions(scope, KIND))
        .filter(|assignment| applies(assignment, call))
        .filter(|assignment| {
            let definition = assignment.text("/properties/policyDefinitionId");
            definition
                .to_ascii_lowercase()
                .ends_with(ADD_OR_REPLACE_TAG)
        })
        .collect();
    let tags = body.as_object_mut()?.entry("tags").or_insert(json!({}));
    for assignment in &assignments {
        let parameter =
            |name: &str| assignment.text(&format!("/properties/parameters/{name}/value"));
        tags[parameter("tagName")] = Value::from(parameter("tagValue"));
    }
    (!assignments.is_empty()).then(|| Request {
        body: body.to_string().into_bytes(),
        ..call.request.clone()
    })
}

fn applies(assignment: &Resource, call: &Call<'_>) -> bool {
    let key = call.target.key();
    let exempt = elements(&assignment.body["properties"]["notScopes"])
        .filter_map(Value::as_str)
        .any(|scope| within(&key, &Target::parse(scope).key()));
    !exempt && assignment.text("/properties/enforcementMode") != "DoNotEnforce"
}

fn denies(assignment: &Resource, kind: &str, location: &str) -> bool {
    let listed = |parameter: &str, matches: &dyn Fn(&str) -> bool| {
        elements(&assignment.body["properties"]["parameters"][parameter]["value"])
            .filter_map(Value::as_str)
            .any(matches)
    };
    let definition = assignment.text("/properties/policyDefinitionId");
    match display_name(definition) {
        Some("Allowed locations") => {
            let location = region(location);
            !location.is_empty()
                && location != "global"
                // The definition leaves resource groups to another one.
                && !kind.eq_ignore_ascii_case(groups::KIND)
                && !listed("listOfAllowedLocations", &|allowed| region(allowed) == location)
        }
        Some("Not allowed resource types") => listed("listOfResourceTypesNotAllowed", &|denied| {
            denied.eq_ignore_ascii_case(kind)
        }),
        _ => false,
    }
}

fn denial(assignment: &Resource, call: &Call<'_>) -> ArmError {
    let name = call.target.name();
    let definition = assignment.text("/properties/policyDefinitionId");
    let definition_name = definition.rsplit('/').next().unwrap_or_default();
    let display = display_name(definition).unwrap_or_default();
    let assigned_as = match assignment.text("/properties/displayName") {
        "" => assignment.text("/name"),
        given => given,
    };
    let identifiers = json!([{
        "policyAssignment": { "name": assigned_as, "id": assignment.id() },
        "policyDefinition": { "name": display, "id": definition },
    }]);
    ArmError::gateway(
        403,
        "RequestDisallowedByPolicy",
        format!("Resource '{name}' was disallowed by policy. Policy identifiers: '{identifiers}'."),
    )
    .target(name)
    .additional_info(json!([{
        "type": "PolicyViolation",
        "info": {
            "policyDefinitionDisplayName": display,
            "policyDefinitionId": definition,
            "policyDefinitionName": definition_name,
            "policyDefinitionEffect": "deny",
            "policyAssignmentId": assignment.id(),
            "policyAssignmentName": assignment.text("/name"),
            "policyAssignmentDisplayName": assigned_as,
            "policyAssignmentScope": assignment.text("/properties/scope"),
            "policyAssignmentParameters": assignment.body["properties"]["parameters"],
        },
    }]))
}
