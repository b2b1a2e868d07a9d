//! Tests of loading: the resulting spec, and the message and position of each mistake.

use proptest::prelude::*;
use serde_json::json;

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
fn document_mistakes_have_a_message_and_a_position() {
    for (body, expected) in [
        (
            "color: red",
            "LZ0004 3:1 a document has no key `color` | use one of `apiVersion`, `stack`, `subscription`, `location`, `resourceGroup`, `tags`, `ignoreTags`, `parameters`, `resources`",
        ),
        (
            "locaton: x",
            "LZ0004 3:1 a document has no key `locaton` | did you mean `location`?",
        ),
        (
            "location: 5",
            "LZ0006 3:11 `location` must be a string, not a number | put it in quotes",
        ),
        (
            "location: ${r.location}\nresources: { r: { kind: k } }",
            "LZ0020 3:11 `location` must be known before the run and cannot refer to a resource",
        ),
        (
            "subscription: prod",
            "LZ0007 3:15 `subscription` is not a valid subscription id | use a GUID, such as 00000000-0000-0000-0000-000000000000",
        ),
        (
            "subscription: ${env.SUB}",
            "LZ0012 3:15 the environment variable `SUB` is not set | set `SUB` before you run lazuli, or use a parameter with a default",
        ),
        (
            "tags: [a]",
            "LZ0006 3:7 `tags` must be a mapping, not a list",
        ),
        (
            "tags: { a: [b] }",
            "LZ0006 3:12 the tag `a` must be a string, a number or a boolean, not a list",
        ),
        (
            "resources: []",
            "LZ0006 3:12 `resources` must be a mapping, not a list",
        ),
        (
            "parameters: 5",
            "LZ0006 3:13 `parameters` must be a mapping, not a number",
        ),
        (
            "parameters:\n  1a: x",
            "LZ0007 4:3 `1a` is not a valid parameter name | use letters, digits, `_` and `-`, and start with a letter or `_`",
        ),
        (
            "parameters:\n  a: { defualt: x }",
            "LZ0011 4:3 the parameter `a` has no value | pass `--param a=VALUE`, or set `default`",
        ),
        (
            "parameters:\n  a: { default: x, alowed: [x] }",
            "LZ0004 4:20 a parameter has no key `alowed` | did you mean `allowed`?",
        ),
        (
            "parameters:\n  a: { default: x, type: text }",
            "LZ0007 4:26 the type of a parameter must be one of `string`, `number`, `boolean`, `list`, `map`",
        ),
        (
            "parameters:\n  a: { default: x, type: number }",
            "LZ0006 4:17 the default must be a number, not a string",
        ),
        (
            "parameters:\n  a: { default: 5, type: string }",
            "LZ0006 4:17 the default must be a string, not a number | put it in quotes",
        ),
        (
            "parameters:\n  a: { default: x, allowed: y }",
            "LZ0006 4:29 `allowed` must be a list, not a string",
        ),
        (
            "parameters:\n  a: { default: deb, allowed: [dev, prod] }",
            "LZ0007 4:17 the default must be one of `dev`, `prod` | did you mean `dev`?",
        ),
        (
            "parameters:\n  a:\n    type: string",
            "LZ0011 4:3 the parameter `a` has no value | pass `--param a=VALUE`, or set `default`",
        ),
        (
            "parameters:\n  a: b\n  c: ${params.a}",
            "LZ0013 5:6 the default of a parameter can only use `env.NAME`",
        ),
        (
            "parameters:\n  c: ${r.id}\nresources: { r: { kind: k } }",
            "LZ0013 4:6 `r.id` refers to a resource, which is not allowed here",
        ),
        (
            "parameters: { region: x }\nlocation: a-${params.regoin}",
            "LZ0011 4:13 the parameter `regoin` is not declared | did you mean `region`?",
        ),
        (
            "location: ${params.x}",
            "LZ0011 3:11 the parameter `x` is not declared | declare it: `parameters: { x: { type: string } }`",
        ),
        (
            "parameters: { l: [a] }\nlocation: x-${params.l}",
            "LZ0006 4:13 `params.l` is a list: only strings, numbers and booleans can be part of longer text",
        ),
        (
            "location: ${each.key}",
            "LZ0013 3:11 `each.key` is only valid in a resource with `forEach`",
        ),
    ] {
        let found = mistakes(body);
        assert!(found.contains(&expected.to_owned()), "{body}: {found:#?}");
        assert!(
            found.len() == 1 || body.contains("defualt"),
            "{body}: {found:#?}"
        );
    }
}

#[test]
fn resource_mistakes_have_a_message_and_a_position() {
    for (body, expected) in [
        (
            "a: 5",
            "LZ0006 4:6 the resource `a` must be a mapping, not a number",
        ),
        (
            "a:",
            "LZ0005 4:3 the resource `a` has no `kind` | add a kind, for example `kind: storageAccount`",
        ),
        (
            "a: { kind: 5 }",
            "LZ0006 4:14 `kind` must be a string, not a number | put it in quotes",
        ),
        (
            "a b: { kind: k }",
            "LZ0007 4:3 `a b` is not a valid resource name | use letters, digits, `_` and `-`, and start with a letter or `_`",
        ),
        (
            "env: { kind: k }",
            "LZ0007 4:3 `env` is not a valid resource name: the word is reserved for expressions",
        ),
        (
            "a: { kind: k, name: 12 }",
            "LZ0006 4:23 `name` must be a string, not a number | put it in quotes",
        ),
        (
            "a: { kind: k, existing: yes }",
            "LZ0006 4:27 `existing` must be true or false, not a string",
        ),
        (
            "a: { kind: k, protect: '${a.x}' }",
            "LZ0020 4:26 `protect` must be known before the run and cannot refer to a resource",
        ),
        (
            "a: { kind: k, ignore: [1] }",
            "LZ0006 4:26 an item of `ignore` must be a string, not a number | put it in quotes",
        ),
        (
            "a: { kind: k, onRemove: kep }",
            "LZ0007 4:27 `onRemove` must be one of `delete`, `keep` | did you mean `keep`?",
        ),
        (
            "a: { kind: k, dependsOn: [{}] }",
            "LZ0009 4:29 `dependsOn` must name resources of this stack",
        ),
        (
            "a: { kind: k, dependsOn: '${a.id}' }",
            "LZ0009 4:28 `dependsOn` must name resources of this stack",
        ),
        (
            "a: { kind: k, dependsOn: ab }\n  abc: { kind: k }",
            "LZ0009 4:28 the resource `ab` does not exist in this stack | did you mean `a`?",
        ),
        (
            "a: { kind: k, p: { q: ['x-${recrdings.id}'] } }\n  recordings: { kind: k }",
            "LZ0009 4:29 the resource `recrdings` does not exist in this stack | did you mean `recordings`?",
        ),
        (
            "a: { kind: k, p: '${var.region}' }",
            "LZ0009 4:21 the resource `var` does not exist in this stack | use `params.NAME` for a parameter and `env.NAME` for an environment variable",
        ),
        (
            "a: { kind: k, p: '${each.value}' }",
            "LZ0013 4:21 `each.value` is only valid in a resource with `forEach`",
        ),
        (
            "a: { kind: k, p: '${b[each.key]}' }\n  b: { kind: k, forEach: [x] }",
            "LZ0013 4:21 `each.key` is only valid in a resource with `forEach`",
        ),
        (
            "a: { kind: k, p: '${b}' }\n  b: { kind: k, forEach: [x, y] }",
            "LZ0009 4:21 a reference to `b` must name an instance because the resource has a `forEach` | write `b[x]`, or use one of `x`, `y`",
        ),
        (
            "a: { kind: k, p: '${b[yy]}' }\n  b: { kind: k, forEach: [xx, yz] }",
            "LZ0009 4:21 the resource `b` has no instance `yy` | did you mean `yz`?",
        ),
        (
            "a: { kind: k, p: '${b[x]}' }\n  b: { kind: k }",
            "LZ0009 4:21 the resource `b` has no instances because it has no `forEach` | write `b`",
        ),
        (
            "a: { kind: k, forEach: [x, x] }",
            "LZ0014 4:30 the key `x` occurs twice in this `forEach`",
        ),
        (
            "a: { kind: k, forEach: 5 }",
            "LZ0014 4:26 `forEach` must be a list or a mapping, not a number",
        ),
        (
            "a: { kind: k, forEach: [[1]] }",
            "LZ0014 4:27 an item of a `forEach` list must be a string, a number or a boolean, not a list | use a mapping: its keys name the instances, and its values can have any type",
        ),
        (
            "a: { kind: k, forEach: ['${b.id}'] }\n  b: { kind: k }",
            "LZ0014 4:27 an instance key must be known before the run | use a mapping: its keys name the instances, and its values can have any type",
        ),
        (
            "a: { kind: k, forEach: ['a]b'] }",
            "LZ0014 4:27 this value is not a valid instance key | use text without brackets, braces, quotes and `$`",
        ),
        (
            "a: { kind: k, forEach: ['${each.key}'] }",
            "LZ0013 4:28 `each.key` is only valid in a resource with `forEach`",
        ),
        (
            "a: { kind: k, forEach: { x: { size: 1 } }, p: '${each.value.siz}' }",
            "LZ0009 4:50 `each.value` has no property `siz` | did you mean `size`?",
        ),
        (
            "a: { kind: k, forEach: { x: '${nothing}' } }",
            "LZ0009 4:32 the resource `nothing` does not exist in this stack",
        ),
    ] {
        let found = mistakes(&format!("resources:\n  {body}"));
        assert_eq!(found, [expected], "{body}");
    }
}

#[test]
fn documents_require_a_supported_version_and_a_stack_name() {
    for (text, expected) in [
        (
            "stack: s",
            "LZ0005 1:1 the document has no `apiVersion` | write `apiVersion: lazuli/v1`",
        ),
        (
            "apiVersion: v1\nkind: Pod\nspec: {}",
            "LZ0026 2:1 this document is a Kubernetes manifest, not a lazuli spec | add `apiVersion: lazuli/v1`, or run `lazuli init` to create a spec",
        ),
        (
            "apiVersion: lazuli/v2\nother: x",
            "LZ0026 1:13 the `apiVersion` is not supported: use `lazuli/v1` | write `apiVersion: lazuli/v1`",
        ),
        (
            "apiVersion: lazuli/v1",
            "LZ0005 1:1 the document has no `stack` | add a name for the stack, for example `stack: cameras`",
        ),
        (
            "apiVersion: lazuli/v1\nstack: My App",
            "LZ0007 2:8 the stack name is not valid: use 1 to 63 lowercase letters, digits and hyphens",
        ),
        ("- a", "LZ0006 1:1 a document must be a mapping, not a list"),
        (
            "apiVersion: lazuli/v1\nstack: s\n---\napiVersion: lazuli/v1\nstack: s",
            "LZ0021 5:8 two documents have the stack name `s`",
        ),
    ] {
        assert_eq!(mistakes_with(text, &[]), [expected], "{text}");
    }
    let (sources, _, diagnostics) = load_with(&format!("{HEADER}---\n{HEADER}"), &[]);
    let related = &diagnostics.iter().next().unwrap().related[0];
    assert_eq!(sources.position(related.span).line, 2);
}

#[test]
fn parameter_values_are_validated() {
    let spec = format!(
        "{HEADER}parameters:\n  region: {{ default: eu, allowed: [eu, us] }}\n  count: 1\n"
    );
    for (name, value, expected) in [
        (
            "region",
            text("uss"),
            "LZ0007 4:3 the value of `region` from --param must be one of `eu`, `us` | did you mean `us`?",
        ),
        (
            "count",
            text("many"),
            "LZ0006 5:3 the value of `count` from --param must be a number",
        ),
        (
            "regoin",
            text("eu"),
            "LZ0027 the parameter `regoin` from --param is not declared in any document | did you mean `region`?",
        ),
    ] {
        assert_eq!(mistakes_with(&spec, &[(name, value)]), [expected]);
    }
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
    fn no_document_panics(first in lines(), second in lines(), header in "[a-z:{}\\[\\]$. \n]{0,40}") {
        let text = format!("{HEADER}parameters: {{ p: [1, 2] }}\nresources:\n  r:\n{first}  s:\n{second}{header}");
        let (sources, _, diagnostics) = load_with(&text, &[]);
        for diagnostic in diagnostics.iter() {
            describe(&sources, diagnostic);
        }
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,60}") {
        load_with(&text, &[]);
    }
}
