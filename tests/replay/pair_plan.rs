//! Plans a written body, as a spec of a `resource`, against the body that was read.

use lazuli_core::{
    arm::ArmId,
    diagnostic::Diagnostics,
    diff::{Change, diff},
    graph::{Graph, Names, Settings, build},
    live::Live,
    plan::{Consent, Plan, converge_with},
    source::Sources,
    spec::{Inputs, load, reject_files},
    template,
    value::Value,
};
use lazuli_handlers::REGISTRY;
use serde_json::{Value as Json, json};

use crate::pairs::Pair;

/// The changes of the plan, or the reason why there is no plan. A grant is identified by its principal, so it cannot be a
/// `resource`: only its body is compared.
pub fn changes(pair: &Pair<'_>) -> Result<Vec<Change>, String> {
    if pair
        .arm_type
        .eq_ignore_ascii_case("Microsoft.Authorization/roleAssignments")
    {
        let wanted = Value::from(pair.written.clone());
        return Ok(diff(
            &wanted,
            pair.read,
            REGISTRY.type_rules(&pair.arm_type),
            &[],
        ));
    }
    let graph = graph(pair)?;
    let created = plan(&graph, &Live::default())?;
    let mut live = Live::default();
    live.set_child_types(REGISTRY.child_types);
    let id = ArmId::parse(pair.path).ok_or("its path is not an id")?;
    live.insert_as(id, with_markers(pair.read, &created));
    let plan = plan(&graph, &live)?;
    Ok(plan
        .steps
        .into_iter()
        .flat_map(|step| step.changes)
        .collect())
}

fn graph(pair: &Pair<'_>) -> Result<Graph, String> {
    let (scope, name) = split_path(pair.path);
    let spec = json!({
        "apiVersion": "lazuli/v1",
        "stack": "replay",
        "subscription": "00000000-0000-0000-0000-000000000000",
        "resources": { "it": {
            "kind": "resource",
            "type": format!("{}@{}", pair.arm_type, pair.api_version),
            "scope": scope,
            "name": name,
            "body": pair.written,
        } },
    });
    let mut sources = Sources::default();
    let id = sources.add(pair.recording, template::escape(&spec.to_string()));
    let inputs = Inputs {
        params: Vec::new(),
        env: &|_| None,
        file: &reject_files,
    };
    let (spec, mut found) = load(&sources, &[id], &inputs);
    let (graph, more) = build(&spec, REGISTRY, &Settings::default());
    found.extend(more);
    fail_on_errors(graph, &found)
}

/// A plan with consent to replace: a difference in an immutable property is then a change, not an error.
fn plan(graph: &Graph, live: &Live) -> Result<Plan, String> {
    let consent = Consent {
        replace: Names(["it".to_owned()].into()),
        ..Consent::default()
    };
    let (plan, found) = converge_with(graph, live, &consent);
    fail_on_errors(plan, &found)
}

fn fail_on_errors<T>(value: T, found: &Diagnostics) -> Result<T, String> {
    match found.has_errors() {
        false => Ok(value),
        true => Err(found
            .iter()
            .map(|diagnostic| diagnostic.message.as_str())
            .collect::<Vec<_>>()
            .join("; ")),
    }
}

/// The body that was read, with the tags that lazuli sets.
fn with_markers(read: &Json, created: &Plan) -> Json {
    let mut read = read.clone();
    let sent = created.steps[0].call.body.to_json().unwrap();
    for name in [
        "lazuli-stack",
        "lazuli-marker",
        "lazuli-children",
        "lazuli-secrets",
    ] {
        if let Some(tag) = sent["tags"].get(name) {
            if !read["tags"].is_object() {
                read["tags"] = json!({});
            }
            read["tags"][name] = tag.clone();
        }
    }
    read
}

/// The scope of the last provider in a path, and the names after it.
fn split_path(path: &str) -> (String, String) {
    let lower = path.to_ascii_lowercase();
    let Some(at) = lower.rfind("/providers/") else {
        let (group, name) = path.rsplit_once('/').unwrap();
        let (subscription, _) = group.rsplit_once('/').unwrap();
        return (subscription.to_owned(), name.to_owned());
    };
    let scope = match &path[..at] {
        "" => "/",
        scope => scope,
    };
    let names: Vec<&str> = path[at..].split('/').skip(4).step_by(2).collect();
    (scope.to_owned(), names.join("/"))
}
