//! Which policy assignments apply to a resource, and what they deny.

use serde_json::{Value, json};

use super::definition::BuiltInPolicy;
use crate::world::kinds;
use crate::world::locations::region;
use crate::world::merge::{elements, members, text};
use crate::world::model::World;
use crate::world::path::{Target, is_within};
use crate::world::state::Resource;

/// The policy assignments at or above the target that apply to it.
pub(crate) fn applicable<'a>(world: &'a World, target: &Target) -> Vec<&'a Resource> {
    world
        .scopes(target)
        .iter()
        .flat_map(|scope| world.state.extensions(scope, kinds::POLICY_ASSIGNMENT))
        .filter(|assignment| applies(assignment, target))
        .filter(|assignment| !is_exempt(world, assignment, target))
        .collect()
}

/// Whether an exemption from the assignment applies to the target. The expiry of exemptions is ignored.
fn is_exempt(world: &World, assignment: &Resource, target: &Target) -> bool {
    world
        .scopes(target)
        .iter()
        .flat_map(|scope| world.state.extensions(scope, kinds::POLICY_EXEMPTION))
        .map(|exemption| exemption.text("/properties/policyAssignmentId"))
        .any(|id| id.eq_ignore_ascii_case(assignment.id()))
}

fn applies(assignment: &Resource, target: &Target) -> bool {
    let key = target.key();
    let is_excluded = elements(&assignment.body["properties"]["notScopes"])
        .filter_map(Value::as_str)
        .any(|scope| is_within(&key, &Target::parse(scope).key()));
    !is_excluded && assignment.text("/properties/enforcementMode") != "DoNotEnforce"
}

fn definition(assignment: &Resource) -> Option<BuiltInPolicy> {
    BuiltInPolicy::from_id(assignment.text("/properties/policyDefinitionId"))
}

/// Whether the assignment has the effect Modify.
pub(crate) fn modifies(assignment: &Resource) -> bool {
    definition(assignment) == Some(BuiltInPolicy::AddOrReplaceTag)
}

/// A condition of a policy that a resource fulfills.
pub(crate) struct Condition {
    pub(crate) field: String,
    pub(crate) value: Value,
    pub(crate) operator: &'static str,
    pub(crate) target: Value,
}

/// Why an assignment denies a resource.
pub(crate) struct Denial {
    pub(crate) definition: BuiltInPolicy,
    pub(crate) condition: Condition,
}

/// The denial of a resource with this type and content by the assignment, if any.
pub(crate) fn denial(assignment: &Resource, kind: &str, content: &Value) -> Option<Denial> {
    let lower = kind.to_ascii_lowercase();
    // These definitions do not apply to extension resources.
    if lower.starts_with("microsoft.authorization/") || lower == kinds::TAGS {
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
    // Definitions with the mode `Indexed` do not apply to resource groups.
    let is_group = lower == kinds::RESOURCE_GROUP;
    let definition = definition(assignment)?;
    let condition = match definition {
        BuiltInPolicy::AllowedLocations => {
            let allowed = parameter("listOfAllowedLocations");
            let location = region(text(content, "/location"));
            let is_denied = !location.is_empty()
                && location != "global"
                && !is_group
                && !is_listed(allowed, &|allowed| region(allowed) == location);
            let given = content["location"].clone();
            is_denied.then(|| condition("location", given, "notIn", allowed))
        }
        BuiltInPolicy::NotAllowedResourceTypes => {
            let list = parameter("listOfResourceTypesNotAllowed");
            let is_denied = is_listed(list, &|denied| denied.eq_ignore_ascii_case(kind));
            is_denied.then(|| condition("type", kind.into(), "in", list))
        }
        BuiltInPolicy::RequireTag => {
            let tag = parameter("tagName").as_str()?;
            let is_tracked = !text(content, "/location").is_empty() && !is_group;
            let has_tag = members(&content["tags"]).any(|(name, _)| name.eq_ignore_ascii_case(tag));
            let field = format!("tags[{tag}]");
            let missing = json!("false");
            (is_tracked && !has_tag).then(|| condition(&field, Value::Null, "exists", &missing))
        }
        BuiltInPolicy::AddOrReplaceTag => None,
    };
    condition.map(|condition| Denial {
        definition,
        condition,
    })
}
