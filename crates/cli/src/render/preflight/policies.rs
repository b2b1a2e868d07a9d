//! Notices about policies that deny steps: the policy, the conditions that hold and what to do.

use lazuli_core::{
    arm::ArmId,
    preflight::{Denial, Expression, Uncertainty},
};
use serde_json::Value as Json;

use super::super::locks::describe_scope;

pub(super) fn summarize(denial: &Denial) -> String {
    let verb = match denial.uncertainty {
        None => "denies",
        Some(_) => "may deny",
    };
    let scope = ArmId::parse(&denial.assignment).and_then(|id| id.parent());
    let on = scope.map_or_else(String::new, |scope| {
        format!(" on {}", describe_assignment_scope(&scope))
    });
    format!("policy assignment `{}`{on} {verb} this", denial.assigned_as)
}

fn describe_assignment_scope(scope: &ArmId) -> String {
    match scope.subscription_id() {
        Some(_) => describe_scope(scope),
        None => format!("management group {}", scope.name()),
    }
}

/// The policy, its message, and the conditions that hold.
pub(super) fn list_details(denial: &Denial) -> Vec<String> {
    let policy = match &denial.defined_as {
        Some(name) => format!("policy: {name}"),
        None => format!("policy: {}", denial.definition),
    };
    let conditions = denial.because.iter().map(describe_condition);
    let uncertainty = denial.uncertainty.map(|uncertainty| {
        match uncertainty {
            Uncertainty::OmittedValue => {
                "uncertain: unresolved outputs and secrets were not sent to the check"
            }
            Uncertainty::Modification => {
                "uncertain: other policies modify the resource first, which was not evaluated"
            }
            Uncertainty::NewGroup => {
                "uncertain: the policy may depend on the resource group, which does not exist yet"
            }
            Uncertainty::Exemption => "uncertain: an exemption from the policy may apply",
            Uncertainty::NoEvaluation => "uncertain: Azure could not evaluate the policy",
        }
        .to_owned()
    });
    [policy]
        .into_iter()
        .chain(denial.message.clone())
        .chain(conditions)
        .chain(uncertainty)
        .collect()
}

/// `location is westus (notIn [westeurope, northeurope])`
fn describe_condition(expression: &Expression) -> String {
    let Expression {
        path,
        value,
        operator,
        target,
    } = expression;
    let value = match value {
        Json::Null => "not set".to_owned(),
        value => format_value(value),
    };
    match operator.as_str() {
        "exists" | "" => format!("{path} is {value}"),
        operator => format!("{path} is {value} ({operator} {})", format_value(target)),
    }
}

fn format_value(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Array(items) => {
            let items: Vec<String> = items.iter().map(format_value).collect();
            format!("[{}]", items.join(", "))
        }
        other => other.to_string(),
    }
}

pub(super) fn suggest_fix(denial: &Denial) -> &'static str {
    match denial.uncertainty {
        None => {
            "change the properties in the conditions, or ask the owner of the policy for an exemption"
        }
        Some(_) => {
            "ask the owner of the policy if you are not sure: a denied step fails with RequestDisallowedByPolicy"
        }
    }
}
