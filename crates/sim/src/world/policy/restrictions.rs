//! What Azure Policy would say to a resource: `POST {scope}/providers/Microsoft.PolicyInsights/checkPolicyRestrictions`
//! (REST reference, "Policy Restrictions", 2023-03-01).

use serde_json::{Value, json};

use super::super::merge::{elements, text};
use super::super::path::Target;
use super::super::reply::{ArmError, Reply};
use super::super::state::Resource;
use super::super::{Call, World, groups};
use super::{Condition, applying, denies, modifies};
use crate::http::Method;

pub(crate) fn check(world: &World, call: &Call<'_>) -> Result<Reply, ArmError> {
    if call.method() != Method::Post || call.target.blocks.len() != 1 {
        return Err(call.not_allowed());
    }
    let body = call.json()?;
    let content = &body["resourceDetails"]["resourceContent"];
    let pending: Vec<Pending<'_>> = elements(&body["pendingFields"]).map(Pending::of).collect();
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
    let target = resource(&scope, kind, text(content, "/name"));
    let mut evaluations = Vec::new();
    let mut fields = Vec::new();
    for assignment in applying(world, &target) {
        if modifies(assignment) {
            fields.extend(set_tag(assignment, content));
            continue;
        }
        if let Some(conditions) = denies(assignment, kind, content) {
            let open = conditions
                .iter()
                .find(|condition| pending.iter().any(|it| it.is(&condition.field)));
            match open {
                None => evaluations.push(evaluation(assignment, &conditions)),
                Some(condition) => fields.push(required(assignment, condition)),
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

/// A field whose value is not in the content, and what it may become.
struct Pending<'a> {
    name: &'a str,
    values: Vec<&'a str>,
}

impl<'a> Pending<'a> {
    fn of(item: &'a Value) -> Self {
        Self {
            name: text(item, "/field"),
            values: elements(&item["values"])
                .filter_map(Value::as_str)
                .collect(),
        }
    }

    /// Whether it is that field, or has it in it: `tags` has `tags[team]`.
    fn is(&self, field: &str) -> bool {
        let field = field.to_ascii_lowercase();
        let name = self.name.to_ascii_lowercase();
        let rest = field.strip_prefix(&name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    }
}

/// The resource that is asked about.
fn resource(scope: &str, kind: &str, name: &str) -> Target {
    if name.is_empty() {
        return Target::parse(scope);
    }
    Target::parse(&if kind.eq_ignore_ascii_case(groups::KIND) {
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

/// The words that whoever assigned the policy has for those whom it denies something.
fn reason(assignment: &Resource) -> Option<&str> {
    let messages = elements(&assignment.body["properties"]["nonComplianceMessages"]);
    messages.map(|message| text(message, "/message")).next()
}

fn evaluation(assignment: &Resource, conditions: &[Condition]) -> Value {
    let expressions: Vec<Value> = conditions
        .iter()
        .map(|condition| {
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
            expression
        })
        .collect();
    json!({
        "policyInfo": reference(assignment),
        "evaluationResult": "NonCompliant",
        "evaluationDetails": { "evaluatedExpressions": expressions },
        "effectDetails": { "policyEffect": "Deny" },
    })
}

fn restriction(assignment: &Resource, field: &str, effect: &str, what: Value) -> Value {
    let mut restriction = what;
    restriction["policy"] = reference(assignment);
    restriction["policyEffect"] = effect.into();
    if let Some(reason) = reason(assignment) {
        restriction["reason"] = reason.into();
    }
    json!({ "field": field, "restrictions": [restriction] })
}

fn required(assignment: &Resource, condition: &Condition) -> Value {
    let what = json!({ "result": "Required" });
    restriction(assignment, &condition.field, "Deny", what)
}

fn denied_locations(
    assignment: &Resource,
    kind: &str,
    content: &Value,
    field: &Pending<'_>,
) -> Option<Value> {
    let is_denied = |location: &&&str| {
        let mut there = content.clone();
        there["location"] = Value::from(**location);
        denies(assignment, kind, &there)
            .is_some_and(|conditions| conditions.iter().any(|it| field.is(&it.field)))
    };
    let values: Vec<&&str> = field.values.iter().filter(is_denied).collect();
    let what = json!({ "result": "Deny", "values": values });
    (!values.is_empty()).then(|| restriction(assignment, field.name, "Deny", what))
}

fn set_tag(assignment: &Resource, content: &Value) -> Option<Value> {
    let parameter = |name: &str| assignment.text(&format!("/properties/parameters/{name}/value"));
    let (name, value) = (parameter("tagName"), parameter("tagValue"));
    let is_set = content["tags"][name] == value;
    let what = json!({ "result": "Required", "defaultValue": value, "values": [value] });
    (!is_set).then(|| restriction(assignment, &format!("tags.{name}"), "Modify", what))
}
