//! Azure Policy: assignments of four built-in definitions, three with the effect Deny and one with the effect Modify.

mod definition;
mod evaluation;
mod restrictions;

use serde_json::{Value, json};

use super::call::Call;
use super::kinds;
use super::merge::{patch, text};
use super::model::World;
use super::path::{Target, last_segment};
use super::reply::{ArmError, Reply};
use super::state::Resource;
use super::{generic, lists};
use crate::http::{Method, Request};
use definition::BuiltInPolicy;
use evaluation::{Denial, applicable, denial, modifies};

pub(crate) use restrictions::check_restrictions;

pub(crate) fn handle(world: &mut World, call: &Call<'_>) -> Result<Reply, ArmError> {
    if call.target.is_open() {
        return list(world, call, kinds::POLICY_ASSIGNMENT);
    }
    let key = call.target.key();
    match call.method() {
        Method::Put => {
            let mut body = call.json()?;
            let definition = text(&body, "/properties/policyDefinitionId").to_owned();
            if BuiltInPolicy::from_id(&definition).is_none() {
                return Err(definition_not_found(&definition));
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

/// Handles exemptions, which are stored as written.
pub(crate) fn handle_exemption(world: &mut World, call: &Call<'_>) -> Result<Reply, ArmError> {
    if call.target.is_open() {
        list(world, call, kinds::POLICY_EXEMPTION)
    } else {
        generic::handle(world, call)
    }
}

/// `GET {scope}/providers/Microsoft.Authorization/policyAssignments` or `policyExemptions`: the resources at, above and
/// below the scope, or with the filter `atScope()` only at and above it (REST reference, "Policy Assignments - List").
fn list(world: &World, call: &Call<'_>, kind: &str) -> Result<Reply, ArmError> {
    if call.method() != Method::Get {
        return Err(call.not_allowed());
    }
    let scope = Target::parse(&call.target.scope());
    let key = scope.key();
    let mut found: Vec<&Resource> = world
        .scopes(&scope)
        .iter()
        .flat_map(|above| world.state.extensions(above, kind))
        .collect();
    if !call.filter().is_at_scope() {
        let below = world.state.tree(&key).map(|(_, resource)| resource);
        let own = format!("{key}/providers/{kind}/");
        let is_below =
            |it: &&Resource| it.kind == kind && !it.id().to_ascii_lowercase().starts_with(&own);
        found.extend(below.filter(is_below));
    }
    found.sort_by_key(|assignment| assignment.id().to_ascii_lowercase());
    let size = world.options.page_size;
    Ok(lists::page(world, call, found.into_iter(), size))
}

/// `GET /providers/Microsoft.Authorization/policyDefinitions/{name}`.
pub(crate) fn get_definition(call: &Call<'_>) -> Result<Reply, ArmError> {
    if call.method() != Method::Get || call.target.is_open() {
        return Err(call.not_allowed());
    }
    let name = call.target.name();
    let Some(definition) = BuiltInPolicy::from_id(name) else {
        return Err(definition_not_found(name));
    };
    let body = json!({
        "properties": { "displayName": definition.display_name(), "policyType": "BuiltIn", "mode": "Indexed" },
        "id": call.target.id(),
        "type": "Microsoft.Authorization/policyDefinitions",
        "name": name,
    });
    Ok(Reply::json(200, body))
}

fn definition_not_found(definition: &str) -> ArmError {
    ArmError::gateway(
        404,
        "PolicyDefinitionNotFound",
        format!("The policy definition '{definition}' could not be found."),
    )
}

/// Fails if a policy assignment at or above the resource denies the write.
pub(crate) fn check(world: &World, call: &Call<'_>) -> Result<(), ArmError> {
    if !matches!(call.method(), Method::Put | Method::Patch) {
        return Ok(());
    }
    // The resource provider rejects a body that is not JSON.
    let Ok(mut content) = serde_json::from_slice::<Value>(&call.request.body) else {
        return Ok(());
    };
    if call.method() == Method::Patch
        && let Some(stored) = world.state.get(&call.target.key())
    {
        let mut merged = Value::clone(&stored.body);
        patch(&mut merged, &content);
        content = merged;
    }
    let kind = call.target.kind();
    for assignment in applicable(world, &call.target) {
        if let Some(denial) = denial(assignment, &kind, &content) {
            return Err(disallowed(assignment, &denial, call));
        }
    }
    Ok(())
}

/// Applies policies to a write of the tags of a resource, which counts as an update of the resource: Modify changes the
/// tags, and Deny rejects the write.
pub(crate) fn check_tags(
    world: &World,
    call: &Call<'_>,
    on: &Target,
    content: &mut Value,
) -> Result<(), ArmError> {
    for assignment in modifying(world, on) {
        let (name, value) = replaced_tag(assignment);
        content["tags"][name] = value;
    }
    for assignment in applicable(world, on) {
        if let Some(denial) = denial(assignment, &on.kind(), content) {
            return Err(disallowed(assignment, &denial, call));
        }
    }
    Ok(())
}

/// The policy assignments with the effect Modify that apply to a resource.
fn modifying<'a>(world: &'a World, target: &Target) -> Vec<&'a Resource> {
    let is_top_level =
        target.blocks.len() == 1 && target.last().is_some_and(|block| block.pairs.len() == 1);
    let kind = target.kind().to_ascii_lowercase();
    if !is_top_level || kind.starts_with("microsoft.authorization/") {
        return Vec::new();
    }
    let mut assignments = applicable(world, target);
    assignments.retain(|assignment| modifies(assignment));
    assignments
}

/// The tag that an assignment with the effect Modify adds or replaces.
fn replaced_tag(assignment: &Resource) -> (&str, Value) {
    let parameter = |name: &str| assignment.text(&format!("/properties/parameters/{name}/value"));
    (parameter("tagName"), Value::from(parameter("tagValue")))
}

/// The request after policy assignments with the effect Modify; `None` if none applies.
pub(crate) fn modify(world: &World, call: &Call<'_>) -> Option<Request> {
    if call.method() != Method::Put {
        return None;
    }
    let assignments = modifying(world, &call.target);
    let mut body: Value = serde_json::from_slice(&call.request.body).ok()?;
    let tags = body.as_object_mut()?.entry("tags").or_insert(json!({}));
    if tags.is_null() {
        *tags = json!({});
    }
    // The resource provider rejects tags that are not an object.
    let tags = tags.as_object_mut()?;
    for assignment in &assignments {
        let (name, value) = replaced_tag(assignment);
        tags.insert(name.to_owned(), value);
    }
    (!assignments.is_empty()).then(|| Request {
        body: body.to_string().into_bytes(),
        ..call.request.clone()
    })
}

fn disallowed(assignment: &Resource, denial: &Denial, call: &Call<'_>) -> ArmError {
    let name = call.target.name();
    let definition = assignment.text("/properties/policyDefinitionId");
    let definition_name = last_segment(definition);
    let definition_display_name = denial.definition.display_name();
    let display_name = match assignment.text("/properties/displayName") {
        "" => assignment.text("/name"),
        given => given,
    };
    let identifiers = json!([{
        "policyAssignment": { "name": display_name, "id": assignment.id() },
        "policyDefinition": { "name": definition_display_name, "id": definition },
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
            "policyDefinitionDisplayName": definition_display_name,
            "policyDefinitionId": definition,
            "policyDefinitionName": definition_name,
            "policyDefinitionEffect": "deny",
            "policyAssignmentId": assignment.id(),
            "policyAssignmentName": assignment.text("/name"),
            "policyAssignmentDisplayName": display_name,
            "policyAssignmentScope": assignment.text("/properties/scope"),
            "policyAssignmentParameters": assignment.body["properties"]["parameters"],
        },
    }]))
}
