//! What a policy denies: which one, what of the resource it goes by, and what can be done.

use lazuli_core::{
    arm::ArmId,
    preflight::{Denial, Doubt, Expression},
};
use serde_json::Value as Json;

use super::super::locks::place;

pub(super) fn headline(denial: &Denial) -> String {
    let verb = match denial.doubt {
        None => "denies",
        Some(_) => "may deny",
    };
    let scope = ArmId::parse(&denial.assignment).and_then(|id| id.parent());
    let on = scope.map(|scope| format!(" on {}", assigned_at(&scope)));
    let on = on.unwrap_or_default();
    format!(
        "the policy assignment `{}`{on} {verb} this",
        denial.assigned_as
    )
}

fn assigned_at(scope: &ArmId) -> String {
    match scope.subscription_id() {
        Some(_) => place(scope),
        None => format!("the management group {}", scope.name()),
    }
}

/// The policy, what its owner says, and the conditions that hold.
pub(super) fn because(denial: &Denial) -> Vec<String> {
    let policy = match &denial.defined_as {
        Some(name) => format!("policy: {name}"),
        None => format!("policy: {}", denial.definition),
    };
    let conditions = denial.because.iter().map(condition);
    let doubt = denial.doubt.map(|doubt| {
        match doubt {
            Doubt::Withheld => {
                "it may go by what is not known before the run, or is secret: neither was sent"
            }
            Doubt::Altered => "other policies change the resource first, which was not looked at",
            Doubt::NewGroup => "it may go by the resource group, which is not there yet",
            Doubt::Exempt => "there is an exemption from it, which may count here",
            Doubt::Unevaluated => "Azure could not work the policy out",
        }
        .to_owned()
    });
    [policy]
        .into_iter()
        .chain(denial.message.clone())
        .chain(conditions)
        .chain(doubt)
        .collect()
}

/// `location is westus (notIn [westeurope, northeurope])`
fn condition(expression: &Expression) -> String {
    let Expression {
        path,
        value,
        operator,
        target,
    } = expression;
    let value = match value {
        Json::Null => "not set".to_owned(),
        value => shown(value),
    };
    match operator.as_str() {
        "exists" | "" => format!("{path} is {value}"),
        operator => format!("{path} is {value} ({operator} {})", shown(target)),
    }
}

fn shown(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Array(items) => {
            let items: Vec<String> = items.iter().map(shown).collect();
            format!("[{}]", items.join(", "))
        }
        other => other.to_string(),
    }
}

pub(super) fn help(denial: &Denial) -> &'static str {
    match denial.doubt {
        None => "change what it goes by, or ask its owner for an exemption",
        Some(_) => {
            "a policy that denies a step ends it with RequestDisallowedByPolicy; ask its owner if in doubt"
        }
    }
}
