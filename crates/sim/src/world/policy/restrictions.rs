//! Policy restrictions of a resource before it is written: `POST
//! {scope}/providers/Microsoft.PolicyInsights/checkPolicyRestrictions` (REST reference, "Policy Restrictions", 2023-03-01).

use serde_json::{Value, json};

use super::evaluation::{Condition, applicable, denial, modifies};
use crate::http::Method;
use crate::world::call::Call;
use crate::world::kinds;
use crate::world::merge::{elements, text};
use crate::world::model::World;
use crate::world::path::Target;
use crate::world::reply::{ArmError, Reply};
use crate::world::state::Resource;

pub(crate) fn check_restrictions(world: &World, call: &Call<'_>) -> Result<Reply, ArmError> {
    if call.method() != Method::Post || call.target.blocks.len() != 1 {
        return Err(call.not_allowed());
    }
    let body = call.json()?;
    let content = &body["resourceDetails"]["resourceContent"];
    let pending: Vec<PendingField<'_>> = elements(&body["pendingFields"])
        .map(PendingField::from_json)
        .collect();
    let kind = text(content, "/type");
    if kind.is_empty() {
        return Err(ArmError::new(
            400,
            "InvalidRequestContent",
            "The request content was invalid: 'resourceDetails.resourceContent.type' is required.",
        ));
    }
    let scope = match text(&body, "/resourceDetails/scope") {
        "" => call.target.scope(),
        given => given.to_owned(),
    };
    let target = resource_target(&scope, kind, text(content, "/name"));
    let mut evaluations = Vec::new();
    let mut fields = Vec::new();
    for assignment in applicable(world, &target) {
        if modifies(assignment) {
            fields.extend(set_tag(assignment, content));
            continue;
        }
        if let Some(denial) = denial(assignment, kind, content) {
            let condition = denial.condition;
            if pending.iter().any(|field| field.contains(&condition.field)) {
                fields.push(required(assignment, &condition));
            } else {
                evaluations.push(evaluation(assignment, &condition));
            }
        }
        for field in pending.iter().filter(|field| field.name == "location") {
            fields.extend(denied_locations(assignment, kind, content, field));
        }
    }
    Ok(Reply::json(
        200,
        json!({
            "fieldRestrictions": fields,
            "contentEvaluationResult": { "policyEvaluations": evaluations },
        }),
    ))
}

/// A field whose value is not known yet, with its possible values.
struct PendingField<'a> {
    name: &'a str,
    values: Vec<&'a str>,
}

impl<'a> PendingField<'a> {
    fn from_json(item: &'a Value) -> Self {
        Self {
            name: text(item, "/field"),
            values: elements(&item["values"])
                .filter_map(Value::as_str)
                .collect(),
        }
    }

    /// Whether this is the field or contains it: `tags` contains `tags[team]`.
    fn contains(&self, field: &str) -> bool {
        let field = field.to_ascii_lowercase();
        let name = self.name.to_ascii_lowercase();
        let rest = field.strip_prefix(&name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    }
}

/// The target of a resource with this type and name at the scope.
fn resource_target(scope: &str, kind: &str, name: &str) -> Target {
    if name.is_empty() {
        return Target::parse(scope);
    }
    Target::parse(&if kind.eq_ignore_ascii_case(kinds::RESOURCE_GROUP) {
        format!("{scope}/resourceGroups/{name}")
    } else if kind.matches('/').count() == 1 {
        format!("{scope}/providers/{kind}/{name}")
    } else {
        scope.to_owned()
    })
}

fn reference(assignment: &Resource) -> Value {
    json!({
        "policyDefinitionId": assignment.text("/properties/policyDefinitionId"),
        "policyAssignmentId": assignment.id(),
    })
}

/// The non-compliance message of the assignment.
fn reason(assignment: &Resource) -> Option<&str> {
    let messages = elements(&assignment.body["properties"]["nonComplianceMessages"]);
    messages.map(|message| text(message, "/message")).next()
}

fn evaluation(assignment: &Resource, condition: &Condition) -> Value {
    let mut expression = json!({
        "result": "True",
        "expressionKind": "Field",
        "expression": condition.field,
        "path": condition.field,
        "operator": condition.operator,
        "targetValue": condition.target,
    });
    if !condition.value.is_null() {
        expression["expressionValue"] = condition.value.clone();
    }
    json!({
        "policyInfo": reference(assignment),
        "evaluationResult": "NonCompliant",
        "evaluationDetails": { "evaluatedExpressions": [expression] },
        "effectDetails": { "policyEffect": "Deny" },
    })
}

fn restriction(assignment: &Resource, field: &str, effect: &str, mut restriction: Value) -> Value {
    restriction["policy"] = reference(assignment);
    restriction["policyEffect"] = effect.into();
    if let Some(reason) = reason(assignment) {
        restriction["reason"] = reason.into();
    }
    json!({ "field": field, "restrictions": [restriction] })
}

fn required(assignment: &Resource, condition: &Condition) -> Value {
    let body = json!({ "result": "Required" });
    restriction(assignment, &condition.field, "Deny", body)
}

fn denied_locations(
    assignment: &Resource,
    kind: &str,
    content: &Value,
    field: &PendingField<'_>,
) -> Option<Value> {
    let is_denied = |location: &&&str| {
        let mut candidate = content.clone();
        candidate["location"] = Value::from(**location);
        denial(assignment, kind, &candidate)
            .is_some_and(|denial| field.contains(&denial.condition.field))
    };
    let values: Vec<&&str> = field.values.iter().filter(is_denied).collect();
    let body = json!({ "result": "Deny", "values": values });
    (!values.is_empty()).then(|| restriction(assignment, field.name, "Deny", body))
}

fn set_tag(assignment: &Resource, content: &Value) -> Option<Value> {
    let parameter = |name: &str| assignment.text(&format!("/properties/parameters/{name}/value"));
    let (name, value) = (parameter("tagName"), parameter("tagValue"));
    let is_set = content["tags"][name] == value;
    let body = json!({ "result": "Required", "defaultValue": value, "values": [value] });
    (!is_set).then(|| restriction(assignment, &format!("tags.{name}"), "Modify", body))
}
