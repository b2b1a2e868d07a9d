//! Azure Policy: assignments of four built-in definitions, three that deny and one that modifies.

mod restrictions;

use serde_json::{Value, json};

use super::merge::{elements, members, patch, region, text};
use super::path::{Target, within};
use super::reply::{ArmError, Reply};
use super::state::Resource;
use super::{Call, World, generic, groups, lists, tags};
use crate::http::{Method, Request};

pub(crate) use restrictions::check;

const KIND: &str = "microsoft.authorization/policyassignments";
const EXEMPTIONS: &str = "microsoft.authorization/policyexemptions";
/// The built-in definition "Allowed locations".
const ALLOWED_LOCATIONS: &str = "e56962a6-4747-49cd-b67b-bf8b01975c4c";
/// The built-in definition "Not allowed resource types".
const NOT_ALLOWED_TYPES: &str = "6c112d4e-5bc7-47ae-a041-ea2d9dccd749";
/// The built-in definition "Require a tag on resources".
const REQUIRE_TAG: &str = "871b6d14-10aa-478d-b590-94f262ecfa99";
/// The built-in definition "Add or replace a tag on resources".
const ADD_OR_REPLACE_TAG: &str = "5ffd78d9-436d-4b41-a421-5baa819e3008";

pub(crate) fn handle(world: &mut World, call: &Call<'_>) -> Result<Reply, ArmError> {
    if call.target.is_open() {
        return list(world, call, KIND);
    }
    let key = call.target.key();
    match call.method() {
        Method::Put => {
            let mut body = call.json()?;
            let definition = text(&body, "/properties/policyDefinitionId").to_owned();
            if display_name(&definition).is_none() {
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

/// Exemptions, which are kept as they are written.
pub(crate) fn exemption(world: &mut World, call: &Call<'_>) -> Result<Reply, ArmError> {
    match call.target.is_open() {
        true => list(world, call, EXEMPTIONS),
        false => generic::handle(world, call),
    }
}

/// `GET {scope}/providers/Microsoft.Authorization/policyAssignments` (or `policyExemptions`): those at, above and below
/// the scope; with the filter `atScope()` only those at and above (REST reference, "Policy Assignments - List").
fn list(world: &World, call: &Call<'_>, kind: &str) -> Result<Reply, ArmError> {
    if call.method() != Method::Get {
        return Err(call.not_allowed());
    }
    let scope = Target::parse(&call.target.scope());
    let key = scope.key();
    let filter = call.request.query("$filter").unwrap_or_default();
    let mut found: Vec<&Resource> = world
        .scopes(&scope)
        .iter()
        .flat_map(|above| world.state.extensions(above, kind))
        .collect();
    if !filter.eq_ignore_ascii_case("atScope()") {
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
pub(crate) fn definition(call: &Call<'_>) -> Result<Reply, ArmError> {
    if call.method() != Method::Get || call.target.is_open() {
        return Err(call.not_allowed());
    }
    let name = call.target.name();
    let Some(display) = display_name(name) else {
        return Err(definition_not_found(name));
    };
    let body = json!({
        "properties": { "displayName": display, "policyType": "BuiltIn", "mode": "Indexed" },
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

fn display_name(definition: &str) -> Option<&'static str> {
    let definition = definition.to_ascii_lowercase();
    [
        (ALLOWED_LOCATIONS, "Allowed locations"),
        (NOT_ALLOWED_TYPES, "Not allowed resource types"),
        (REQUIRE_TAG, "Require a tag on resources"),
        (ADD_OR_REPLACE_TAG, "Add or replace a tag on resources"),
    ]
    .into_iter()
    .find(|(guid, _)| definition.ends_with(guid))
    .map(|(_, name)| name)
}

/// Refuses a write that an assignment at or above the resource denies.
pub(crate) fn refuse(world: &World, call: &Call<'_>) -> Result<(), ArmError> {
    if !matches!(call.method(), Method::Put | Method::Patch) {
        return Ok(());
    }
    let mut content: Value = serde_json::from_slice(&call.request.body).unwrap_or_default();
    if call.method() == Method::Patch
        && let Some(kept) = world.state.get(&call.target.key())
    {
        let mut whole = Value::clone(&kept.body);
        patch(&mut whole, &content);
        content = whole;
    }
    let kind = call.target.kind();
    let denied = applying(world, &call.target)
        .into_iter()
        .find(|assignment| denies(assignment, &kind, &content).is_some());
    match denied {
        Some(assignment) => Err(denial(assignment, call)),
        None => Ok(()),
    }
}

/// The assignments at a resource and above it that are in force for it.
fn applying<'a>(world: &'a World, target: &Target) -> Vec<&'a Resource> {
    world
        .scopes(target)
        .iter()
        .flat_map(|scope| world.state.extensions(scope, KIND))
        .filter(|assignment| applies(assignment, target))
        .filter(|assignment| !is_exempt(world, assignment, target))
        .collect()
}

/// Whether an exemption at the resource or above it is from the assignment. Their ends are not looked at.
fn is_exempt(world: &World, assignment: &Resource, target: &Target) -> bool {
    world
        .scopes(target)
        .iter()
        .flat_map(|scope| world.state.extensions(scope, EXEMPTIONS))
        .map(|exemption| exemption.text("/properties/policyAssignmentId"))
        .any(|id| id.eq_ignore_ascii_case(assignment.id()))
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
    let mut assignments = applying(world, &call.target);
    assignments.retain(|assignment| modifies(assignment));
    let tags = body.as_object_mut()?.entry("tags").or_insert(json!({}));
    if tags.is_null() {
        *tags = json!({});
    }
    // Tags that are none are refused with the rest of the body.
    let tags = tags.as_object_mut()?;
    for assignment in &assignments {
        let parameter =
            |name: &str| assignment.text(&format!("/properties/parameters/{name}/value"));
        let value = Value::from(parameter("tagValue"));
        tags.insert(parameter("tagName").to_owned(), value);
    }
    (!assignments.is_empty()).then(|| Request {
        body: body.to_string().into_bytes(),
        ..call.request.clone()
    })
}

fn applies(assignment: &Resource, target: &Target) -> bool {
    let key = target.key();
    let exempt = elements(&assignment.body["properties"]["notScopes"])
        .filter_map(Value::as_str)
        .any(|scope| within(&key, &Target::parse(scope).key()));
    !exempt && assignment.text("/properties/enforcementMode") != "DoNotEnforce"
}

fn modifies(assignment: &Resource) -> bool {
    let definition = assignment.text("/properties/policyDefinitionId");
    let definition = definition.to_ascii_lowercase();
    definition.ends_with(ADD_OR_REPLACE_TAG)
}

/// A condition of a policy that holds: what it looks at, what is there, and what that is compared with.
struct Condition {
    field: String,
    value: Value,
    operator: &'static str,
    target: Value,
}

/// The conditions by which an assignment denies a resource of that type, if it does.
fn denies(assignment: &Resource, kind: &str, content: &Value) -> Option<Vec<Condition>> {
    let lower = kind.to_ascii_lowercase();
    // These definitions leave what is on other resources to others.
    if lower.starts_with("microsoft.authorization/") || lower == tags::KIND {
        return None;
    }
    let parameter = |name: &str| &assignment.body["properties"]["parameters"][name]["value"];
    let is_listed = |list: &Value, matches: &dyn Fn(&str) -> bool| {
        elements(list).filter_map(Value::as_str).any(matches)
    };
    let condition = |field: &str, value: Value, operator, target: &Value| Condition {
        field: field.to_owned(),
        value,
        operator,
        target: target.clone(),
    };
    // Definitions of the mode `Indexed` leave resource groups to others.
    let is_group = lower == groups::KIND.to_ascii_lowercase();
    match display_name(assignment.text("/properties/policyDefinitionId"))? {
        "Allowed locations" => {
            let allowed = parameter("listOfAllowedLocations");
            let location = region(text(content, "/location"));
            let is_denied = !location.is_empty()
                && location != "global"
                && !is_group
                && !is_listed(allowed, &|allowed| region(allowed) == location);
            let given = content["location"].clone();
            is_denied.then(|| vec![condition("location", given, "notIn", allowed)])
        }
        "Not allowed resource types" => {
            let list = parameter("listOfResourceTypesNotAllowed");
            let is_denied = is_listed(list, &|denied| denied.eq_ignore_ascii_case(kind));
            is_denied.then(|| vec![condition("type", kind.into(), "in", list)])
        }
        "Require a tag on resources" => {
            let tag = parameter("tagName").as_str().unwrap_or_default();
            let is_tracked = !text(content, "/location").is_empty() && !is_group;
            let has_tag = members(&content["tags"]).any(|(name, _)| name.eq_ignore_ascii_case(tag));
            let field = format!("tags[{tag}]");
            let missing = json!("false");
            (is_tracked && !has_tag)
                .then(|| vec![condition(&field, Value::Null, "exists", &missing)])
        }
        _ => None,
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
