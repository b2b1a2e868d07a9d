//! An export contains every leaf of every property of every kind.

use std::collections::BTreeMap;

use lazuli_core::{
    arm::ArmId,
    facts::Rule,
    graph::{Graph, Identity, Node},
    value::Value,
};
use lazuli_sim::{Method, SUBSCRIPTION};
use serde_json::Value as Json;

use super::{SPECS, applied::AppliedSpec};
use crate::harness::Azure;

#[tokio::test(start_paused = true)]
async fn every_property_of_every_kind_is_exported() {
    for (name, text) in SPECS {
        let applied = AppliedSpec::new(text).await;
        let azure = &applied.azure;
        let groups = groups(azure).await;
        let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
        let export = azure.export(&groups).await;
        let plan = azure.plan(&export.text).await;
        assert!(
            plan.is_empty(),
            "{name}: {:#?}\n{}",
            plan.steps,
            export.text
        );

        let (wanted, exported) = (azure.graph(text).await, azure.graph(&export.text).await);
        let live = azure.observe(&wanted).await;
        let filled = |graph: &Graph, node: &Node| live.fill(graph, &node.body).without_nulls();
        let mut bodies: BTreeMap<String, Value> = BTreeMap::new();
        for node in exported.nodes() {
            let live = azure.observe(&exported).await;
            let body = live.fill(&exported, &node.body).without_nulls();
            bodies.insert(identity(node, &body), body);
        }
        for node in wanted.nodes().filter(|node| is_listed(node)) {
            let body = filled(&wanted, node);
            let id = identity(node, &body);
            let Some(found) = bodies.get(&id) else {
                panic!(
                    "{name}: `{}` is not exported: {id}\n{}",
                    node.subject.key, export.text
                );
            };
            let mut missing = Vec::new();
            collect_missing(node, "", &body, Some(found), &mut missing);
            assert!(
                missing.is_empty(),
                "{name}: {}: {missing:#?}\n{}",
                node.subject.key,
                export.text
            );
        }
    }
}

pub async fn groups(azure: &Azure) -> Vec<String> {
    let url = format!("/subscriptions/{SUBSCRIPTION}/resourcegroups?api-version=2021-04-01");
    let listed = azure.send_directly(Method::Get, &url, None).await;
    let groups = listed["value"].as_array().unwrap().iter();
    groups
        .map(|group| group["name"].as_str().unwrap().to_owned())
        .collect()
}

/// Whether Azure lists a node in its group: it lists neither nested resources of types without a kind nor their extensions.
fn is_listed(node: &Node) -> bool {
    node.subject.kind != "resource" || node.id().is_some_and(ArmId::is_top_level)
}

fn identity(node: &Node, body: &Value) -> String {
    let identity = match &node.identity {
        Identity::Resource(id) => id.to_string(),
        Identity::Grant(grant) => {
            let principal = body.get("properties").and_then(|it| it.get("principalId"));
            let principal = principal.and_then(Value::as_str).unwrap_or_default();
            format!("{} {} {principal}", grant.scope, grant.role)
        }
    };
    identity.to_lowercase()
}

/// Collects the wanted leaves that an export does not contain.
fn collect_missing(
    node: &Node,
    path: &str,
    wanted: &Value,
    found: Option<&Value>,
    missing: &mut Vec<String>,
) {
    let is_write_only = |rule: &Rule| match rule {
        Rule::WriteOnly(rule) | Rule::Withheld(rule) | Rule::Decided(rule) => *rule == path,
        _ => false,
    };
    let is_exported = !path.ends_with("apiVersion") && path != "tags.lazuli-children";
    if node.rules.iter().any(is_write_only) || is_empty(wanted) || !is_exported {
        return;
    }
    match (wanted, found) {
        (Value::Object(members), _) => {
            for (name, wanted) in members {
                let inner = match path {
                    "" => name.clone(),
                    path => format!("{path}.{name}"),
                };
                let found = found.and_then(|found| match found {
                    Value::Object(members) => {
                        let mut same = members.iter();
                        let same = same.find(|(other, _)| other.eq_ignore_ascii_case(name));
                        same.map(|(_, value)| value)
                    }
                    _ => None,
                });
                collect_missing(node, &inner, wanted, found, missing);
            }
        }
        (Value::Array(items), Some(Value::Array(others))) => {
            for item in items {
                let is_equal_item = |other: &&Value| {
                    let mut inner = Vec::new();
                    collect_missing(node, &format!("{path}[]"), item, Some(other), &mut inner);
                    inner.is_empty()
                };
                if !others.iter().any(|other| is_equal_item(&other)) {
                    missing.push(format!("{path}[]: {item:?}"));
                }
            }
        }
        (wanted, Some(found)) if is_equal(wanted, found) => {}
        (wanted, found) => missing.push(format!("{path}: {wanted:?}, not {found:?}")),
    }
}

fn is_equal(wanted: &Value, found: &Value) -> bool {
    let text = |value: &Value| match value.to_display_json() {
        Json::String(text) => text.replace(' ', "").to_lowercase(),
        Json::Number(number) => number.as_f64().unwrap_or_default().to_string(),
        other => other.to_string(),
    };
    text(wanted) == text(found)
}

/// Values that Azure does not distinguish from absent ones.
fn is_empty(wanted: &Value) -> bool {
    match wanted {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}
