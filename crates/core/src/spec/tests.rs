//! Tests of loading: the resulting spec, and the message and position of each mistake.

use proptest::prelude::*;
use serde_json::json;

mod mistakes;
mod secrets;

use super::*;
use crate::{
    diagnostic::{Diagnostic, Diagnostics},
    source::Sources,
};

const HEADER: &str = "apiVersion: lazuli/v1\nstack: s\n";

fn env(name: &str) -> Option<String> {
    match name {
        "REGION" => Some("westeurope".to_owned()),
        "SECRET" => Some("hunter2".to_owned()),
        "PORT" => Some("8080".to_owned()),
        _ => None,
    }
}

fn read_file(spec: &str, path: &str) -> Result<String, String> {
    match path {
        "key.txt" => Ok(format!("secret of {spec}\r\n")),
        _ => Err("file not found".to_owned()),
    }
}

fn load_with(text: &str, params: &[(&str, ParamInput)]) -> (Sources, Spec, Diagnostics) {
    let mut sources = Sources::default();
    let id = sources.add("spec.yaml", text);
    let value = |input: &ParamInput| ParamValue {
        input: input.clone(),
        origin: "--param".to_owned(),
    };
    let params = params
        .iter()
        .map(|(name, input)| ((*name).to_owned(), value(input)))
        .collect();
    let (spec, diagnostics) = load(
        &sources,
        &[id],
        &Inputs {
            params,
            env: &env,
            file: &read_file,
        },
    );
    (sources, spec, diagnostics)
}

fn text(value: &str) -> ParamInput {
    ParamInput::Text(value.to_owned())
}

/// Loads a body without mistakes.
fn stack_with(body: &str, params: &[(&str, ParamInput)]) -> Stack {
    let (_, mut spec, diagnostics) = load_with(&format!("{HEADER}{body}"), params);
    assert!(diagnostics.is_empty(), "{body}: {diagnostics:?}");
    spec.stacks.remove(0)
}

fn stack(body: &str) -> Stack {
    stack_with(body, &[])
}

fn describe(sources: &Sources, diagnostic: &Diagnostic) -> String {
    let place = diagnostic
        .span
        .map(|span| sources.position(span))
        .map(|at| format!(" {}:{}", at.line, at.column));
    let help = diagnostic.help.as_ref().map(|help| format!(" | {help}"));
    format!(
        "{}{} {}{}",
        diagnostic.code,
        place.unwrap_or_default(),
        diagnostic.message,
        help.unwrap_or_default()
    )
}

fn mistakes_with(text: &str, params: &[(&str, ParamInput)]) -> Vec<String> {
    let (sources, _, diagnostics) = load_with(text, params);
    diagnostics
        .sorted()
        .iter()
        .map(|diagnostic| describe(&sources, diagnostic))
        .collect()
}

/// The diagnostics of a body after the header, which takes lines 1 and 2.
fn mistakes(body: &str) -> Vec<String> {
    mistakes_with(&format!("{HEADER}{body}"), &[])
}

#[test]
fn complete_example_loads() {
    let stack = stack(
        "location: ${env.REGION}\nresourceGroup: rg-cameras\ntags: { team: vision, cost: 1.10, on: true }\n\
         parameters:\n  environment: { default: dev, allowed: [dev, prod] }\nresources:\n\
         \x20 group:      { kind: resourceGroup, name: rg-cameras }\n\
         \x20 analyzer:   { kind: userAssignedIdentity, name: id-cameras, dependsOn: group }\n\
         \x20 recordings: { kind: storageAccount, name: 'st${params.environment}', sku: Standard_LRS, protect: true }\n\
         \x20 access:\n    kind: roleAssignment\n    principal: ${analyzer}\n    scope: ${recordings}\n\
         \x20   roles: [Storage Blob Data Contributor, Reader]\n\
         \x20 cameras:    { kind: videoAnalyzer, name: vacameras, identity: ${analyzer}, storage: ${recordings} }\n",
    );
    assert_eq!(stack.location.unwrap().value.unwrap(), "westeurope");
    let tags: Vec<_> = stack
        .tags
        .iter()
        .map(|tag| (tag.key.as_str(), tag.value.as_str().unwrap()))
        .collect();
    assert_eq!(tags, [("team", "vision"), ("cost", "1.10"), ("on", "true")]);
    let names: Vec<_> = stack
        .resources
        .iter()
        .map(|resource| resource.address.to_string())
        .collect();
    assert_eq!(
        names,
        ["group", "analyzer", "recordings", "access", "cameras"]
    );
    assert_eq!(stack.resources[1].depends_on[0].value.to_string(), "group");
    assert_eq!(
        stack.resources[2].name.as_ref().unwrap().as_str(),
        Some("stdev")
    );
    assert!(stack.resources[2].protect);
    assert_eq!(
        stack.resources[2].props_json(),
        json!({"sku": "Standard_LRS"})
    );
    assert_eq!(
        stack.resources[3].props_json(),
        json!({"principal": "${analyzer}", "scope": "${recordings}", "roles": ["Storage Blob Data Contributor", "Reader"]})
    );
}

#[test]
fn single_expressions_keep_their_type_and_scalars_join_text() {
    let stack = stack(
        "parameters: { n: 5, b: true, l: [1, x], m: { default: { k: v } }, s: a }\n\
         resources:\n  r: { kind: k, n: '${params.n}', b: '${params.b}', l: '${params.l}', m: '${params.m}', t: '${params.s}-${params.n}-${params.b}-$${x}', mix: '${r.id}/${params.s}' }\n",
    );
    assert_eq!(
        stack.resources[0].props_json(),
        json!({"n": 5, "b": true, "l": [1, "x"], "m": {"k": "v"}, "t": "a-5-true-$${x}", "mix": "${r.id}/a"})
    );
}

#[test]
fn parameter_values_are_converted_to_their_declared_type() {
    let body = "parameters:\n  n: { type: number }\n  b: { default: false }\n  l: { type: list }\n  m: { type: map }\n  s: { type: string }\n  p: { type: number, default: '${env.PORT}' }\n  j: { default: {} }\n  e: { default: '${env.NONE}' }\n\
                resources:\n  r: { kind: k, v: ['${params.n}', '${params.b}', '${params.l}', '${params.m}', '${params.s}', '${params.p}', '${params.j}', '${params.e}'] }\n";
    let params = [
        ("n", text("first")),
        ("n", text("12")),
        ("b", text("true")),
        ("l", text("[1]")),
        ("m", text("{\"a\": 1}")),
        ("s", text("12")),
        ("j", ParamInput::Json(json!({"x": "${y}"}))),
        ("e", text("input")),
    ];
    assert_eq!(
        stack_with(body, &params).resources[0].props_json(),
        json!({"v": [12, true, [1], {"a": 1}, "12", 8080, {"x": "$${y}"}, "input"]})
    );
}

#[test]
fn for_each_repeats_a_resource() {
    let stack = stack(
        "parameters: { regions: [eu, us] }\nresources:\n\
         \x20 hub: { kind: k, forEach: '${params.regions}', name: 'hub-${each.key}', at: '${each.value}' }\n\
         \x20 site:\n    kind: k\n    forEach: { eu: { size: 1, hub: '${hub[each.key]}' }, us: { size: 2, hub: '${hub[eu]}' } }\n\
         \x20   size: ${each.value.size}\n    hub: ${each.value.hub.id}\n    peer: ${hub[each.key].name}\n    dependsOn: ['hub[each.key]']\n\
         \x20 end: { kind: k, dependsOn: [hub, '${site[us]}'] }\n",
    );
    let shown: Vec<_> = stack
        .resources
        .iter()
        .map(|resource| (resource.address.to_string(), resource.props_json()))
        .collect();
    assert_eq!(
        shown,
        [
            ("hub[eu]".to_owned(), json!({"at": "eu"})),
            ("hub[us]".to_owned(), json!({"at": "us"})),
            (
                "site[eu]".to_owned(),
                json!({"size": 1, "hub": "${hub[eu].id}", "peer": "${hub[eu].name}"})
            ),
            (
                "site[us]".to_owned(),
                json!({"size": 2, "hub": "${hub[eu].id}", "peer": "${hub[us].name}"})
            ),
            ("end".to_owned(), json!({})),
        ]
    );
    let depends = |at: usize| {
        stack.resources[at]
            .depends_on
            .iter()
            .map(|address| address.value.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (depends(2), depends(4)),
        (
            vec!["hub[eu]".to_owned()],
            vec!["hub[eu]".into(), "hub[us]".into(), "site[us]".into()]
        )
    );
    assert_eq!(
        stack.resources[1].name.as_ref().unwrap().as_str(),
        Some("hub-us")
    );
}

#[test]
fn mistakes_in_repeated_resources_are_reported_once() {
    assert_eq!(
        mistakes("resources:\n  a: { kind: k, forEach: [x, y, z], p: '${nope}' }\n").len(),
        1
    );
    assert_eq!(
        mistakes("resources:\n  a: { kind: k, forEach: [x, y], protect: 1 }\n").len(),
        1
    );
}

#[test]
fn mistakes_of_all_documents_are_reported_together() {
    let found = mistakes_with(
        "apiVersion: lazuli/v1\nstack: A\nlocation: ${env.NO}\nparameters: { p: }\nresources:\n  a: { kind: k, kind: k }\n  b: { nam: x, ref: '${c}' }\n\
         ---\nb: [\n---\napiVersion: lazuli/v1\nstack: b\nresources: { a: { kind: 1, x: '${f()}' } }\n",
        &[("q", text("1"))],
    );
    let codes: Vec<_> = found
        .iter()
        .map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        codes,
        [
            "LZ0007 2:8",
            "LZ0012 3:11",
            "LZ0011 4:15",
            "LZ0003 6:17",
            "LZ0005 7:3",
            "LZ0009 7:22",
            "LZ0002 9:4",
            "LZ0006 13:25",
            "LZ0013 13:32"
        ]
    );
}

#[test]
fn instances_and_resolved_values_are_limited() {
    let many = vec!["x"; 10_001]
        .iter()
        .enumerate()
        .map(|(at, x)| format!("{x}{at}"))
        .collect::<Vec<_>>()
        .join(", ");
    let found = mistakes(&format!(
        "resources:\n  a: {{ kind: k, forEach: [{many}] }}\n"
    ));
    assert_eq!(
        found,
        ["LZ0014 4:26 `forEach` creates too many instances: a stack can have at most 10000"]
    );

    let (large, uses) = ("x".repeat(1 << 20), vec!["'${params.p}'"; 1000].join(", "));
    let found = mistakes(&format!(
        "parameters: {{ p: {large} }}\nresources:\n  a: {{ kind: k, p: [{uses}] }}\n"
    ));
    assert_eq!(found.len(), 1);
    assert!(
        found[0].contains("exceed the limit of 256 MiB"),
        "{found:?}"
    );
}

#[test]
fn ten_thousand_resources_load() {
    let mut body = "resources:\n".to_owned();
    for at in 0..10_000 {
        body += &format!(
            "  r{at}: {{ kind: k, name: 'n{at}', dependsOn: [r{}], p: '${{r{}.id}}' }}\n",
            at / 2,
            at / 3
        );
    }
    assert_eq!(stack(&body).resources.len(), 10_000);
}

#[test]
fn position_of_a_resource_is_the_position_of_its_name() {
    let (sources, spec, _) = load_with(
        &format!("{HEADER}resources:\n  web: {{ kind: k, x: 1 }}\n"),
        &[],
    );
    let resource = &spec.stacks[0].resources[0];
    assert_eq!(
        (
            sources.slice(resource.span),
            sources.slice(resource.span_of("x")),
            sources.slice(resource.kind.span)
        ),
        ("web", "1", "k")
    );
}

fn lines() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("kind: k".to_owned()),
        Just("forEach: [a, b]".to_owned()),
        Just("forEach: ${params.p}".to_owned()),
        Just("dependsOn: [r, 'r[a]', '${r}']".to_owned()),
        Just("x: ${r[each.key].id}-${each.value.y}".to_owned()),
        Just("tags: { a: ${env.REGION}, b: 1 }".to_owned()),
        Just("ignore: x".to_owned()),
        "[a-z]{1,4}: [\\[\\]{}$a-z.()'\" ]{0,12}",
    ];
    proptest::collection::vec(word, 0..8).prop_map(|lines| {
        lines
            .into_iter()
            .map(|line| format!("    {line}\n"))
            .collect()
    })
}

proptest! {
    #[test]
    fn loader_does_not_panic_on_arbitrary_documents(first in lines(), second in lines(), header in "[a-z:{}\\[\\]$. \n]{0,40}") {
        let text = format!("{HEADER}parameters: {{ p: [1, 2] }}\nresources:\n  r:\n{first}  s:\n{second}{header}");
        let (sources, _, diagnostics) = load_with(&text, &[]);
        for diagnostic in diagnostics.iter() {
            describe(&sources, diagnostic);
        }
    }

    #[test]
    fn loader_does_not_panic_on_arbitrary_text(text in "\\PC{0,60}") {
        load_with(&text, &[]);
    }
}
