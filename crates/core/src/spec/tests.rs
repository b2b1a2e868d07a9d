//! Loading: what a spec becomes, and what each mistake says and where.

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

fn file_named(spec: &str, path: &str) -> Result<String, String> {
    match path {
        "key.txt" => Ok(format!("beside {spec}\r\n")),
        _ => Err("there is no such file".to_owned()),
    }
}

fn load_with(text: &str, params: &[(&str, Given)]) -> (Sources, Spec, Diagnostics) {
    let mut sources = Sources::default();
    let id = sources.add("spec.yaml", text);
    let value = |given: &Given| ParamValue {
        given: given.clone(),
        origin: "--param".to_owned(),
    };
    let params = params
        .iter()
        .map(|(name, given)| ((*name).to_owned(), value(given)))
        .collect();
    let (spec, diagnostics) = load(
        &sources,
        &[id],
        &Inputs {
            params,
            env: &env,
            file: &file_named,
        },
    );
    (sources, spec, diagnostics)
}

fn text(value: &str) -> Given {
    Given::Text(value.to_owned())
}

/// The stack of a text without mistakes.
fn stack_with(body: &str, params: &[(&str, Given)]) -> Stack {
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

fn mistakes_with(text: &str, params: &[(&str, Given)]) -> Vec<String> {
    let (sources, _, diagnostics) = load_with(text, params);
    diagnostics
        .sorted()
        .iter()
        .map(|diagnostic| describe(&sources, diagnostic))
        .collect()
}

/// The mistakes of a document that begins with the header, which takes lines 1 and 2.
fn mistakes(body: &str) -> Vec<String> {
    mistakes_with(&format!("{HEADER}{body}"), &[])
}

#[test]
fn the_example_of_the_design_loads() {
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
fn a_value_keeps_its_type_and_longer_text_takes_scalars() {
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
fn given_parameters_become_their_declared_type() {
    let body = "parameters:\n  n: { type: number }\n  b: { default: false }\n  l: { type: list }\n  m: { type: map }\n  s: { type: string }\n  p: { type: number, default: '${env.PORT}' }\n  j: { default: {} }\n  e: { default: '${env.NONE}' }\n\
                resources:\n  r: { kind: k, v: ['${params.n}', '${params.b}', '${params.l}', '${params.m}', '${params.s}', '${params.p}', '${params.j}', '${params.e}'] }\n";
    let params = [
        ("n", text("first")),
        ("n", text("12")),
        ("b", text("true")),
        ("l", text("[1]")),
        ("m", text("{\"a\": 1}")),
        ("s", text("12")),
        ("j", Given::Json(json!({"x": "${y}"}))),
        ("e", text("given")),
    ];
    assert_eq!(
        stack_with(body, &params).resources[0].props_json(),
        json!({"v": [12, true, [1], {"a": 1}, "12", 8080, {"x": "$${y}"}, "given"]})
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
fn every_mistake_in_a_document_has_its_place() {
    for (body, expected) in [
        (
            "colour: red",
            "LZ0004 3:1 a document has no key `colour` | the keys are `apiVersion`, `stack`, `subscription`, `location`, `resourceGroup`, `tags`, `ignoreTags`, `parameters`, `resources`",
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
            "LZ0020 3:11 `location` must be known before the run, and cannot refer to a resource",
        ),
        (
            "subscription: prod",
            "LZ0007 3:15 `subscription` is not a subscription id | a subscription id looks like 00000000-0000-0000-0000-000000000000",
        ),
        (
            "subscription: ${env.SUB}",
            "LZ0012 3:15 the environment variable `SUB` is not set | set `SUB` before running lazuli, or use a parameter with a default",
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
            "LZ0007 4:3 `1a` cannot name a parameter | a name is letters, digits, `_` and `-`, and begins with a letter or `_`",
        ),
        (
            "parameters:\n  a: { defualt: x }",
            "LZ0011 4:3 the parameter `a` has no value | give it one: `--param a=VALUE`",
        ),
        (
            "parameters:\n  a: { default: x, alowed: [x] }",
            "LZ0004 4:20 a parameter has no key `alowed` | did you mean `allowed`?",
        ),
        (
            "parameters:\n  a: { default: x, type: text }",
            "LZ0007 4:26 the type of a parameter is one of `string`, `number`, `boolean`, `list`, `map`",
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
            "LZ0011 4:3 the parameter `a` has no value | give it one: `--param a=VALUE`",
        ),
        (
            "parameters:\n  a: b\n  c: ${params.a}",
            "LZ0013 5:6 the default of a parameter can use `env.NAME` only",
        ),
        (
            "parameters:\n  c: ${r.id}\nresources: { r: { kind: k } }",
            "LZ0013 4:6 `r.id`: a resource cannot be referred to here",
        ),
        (
            "parameters: { region: x }\nlocation: a-${params.regoin}",
            "LZ0011 4:13 the parameter `regoin` is not declared | did you mean `region`?",
        ),
        (
            "location: ${params.x}",
            "LZ0011 3:11 the parameter `x` is not declared | declare it: `parameters: { x: { default: … } }`",
        ),
        (
            "parameters: { l: [a] }\nlocation: x-${params.l}",
            "LZ0006 4:13 `params.l` is a list, and only text, numbers and booleans can stand inside of longer text",
        ),
        (
            "location: ${each.key}",
            "LZ0013 3:11 `each.key` has a meaning only in a resource with `forEach`",
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
fn every_mistake_in_a_resource_has_its_place() {
    for (body, expected) in [
        (
            "a: 5",
            "LZ0006 4:6 the resource `a` must be a mapping, not a number",
        ),
        (
            "a:",
            "LZ0005 4:3 the resource `a` has no `kind` | say what it is, for example `kind: storageAccount`",
        ),
        (
            "a: { kind: 5 }",
            "LZ0006 4:14 `kind` must be a string, not a number | put it in quotes",
        ),
        (
            "a b: { kind: k }",
            "LZ0007 4:3 `a b` cannot name a resource | a name is letters, digits, `_` and `-`, and begins with a letter or `_`",
        ),
        (
            "env: { kind: k }",
            "LZ0007 4:3 `env` cannot name a resource: it has a meaning of its own in expressions",
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
            "LZ0020 4:26 `protect` must be known before the run, and cannot refer to a resource",
        ),
        (
            "a: { kind: k, ignore: [1] }",
            "LZ0006 4:26 an item of `ignore` must be a string, not a number | put it in quotes",
        ),
        (
            "a: { kind: k, onRemove: kep }",
            "LZ0007 4:27 `onRemove` is one of `delete`, `keep` | did you mean `keep`?",
        ),
        (
            "a: { kind: k, dependsOn: [{}] }",
            "LZ0009 4:29 `dependsOn` takes names of resources of this stack",
        ),
        (
            "a: { kind: k, dependsOn: '${a.id}' }",
            "LZ0009 4:28 `dependsOn` takes names of resources of this stack",
        ),
        (
            "a: { kind: k, dependsOn: ab }\n  abc: { kind: k }",
            "LZ0009 4:28 there is no resource `ab` in this stack | did you mean `a`?",
        ),
        (
            "a: { kind: k, p: { q: ['x-${recrdings.id}'] } }\n  recordings: { kind: k }",
            "LZ0009 4:29 there is no resource `recrdings` in this stack | did you mean `recordings`?",
        ),
        (
            "a: { kind: k, p: '${var.region}' }",
            "LZ0009 4:21 there is no resource `var` in this stack | a parameter is `params.NAME`, a variable of the environment `env.NAME`",
        ),
        (
            "a: { kind: k, p: '${each.value}' }",
            "LZ0013 4:21 `each.value` has a meaning only in a resource with `forEach`",
        ),
        (
            "a: { kind: k, p: '${b[each.key]}' }\n  b: { kind: k, forEach: [x] }",
            "LZ0013 4:21 `each.key` has a meaning only in a resource with `forEach`",
        ),
        (
            "a: { kind: k, p: '${b}' }\n  b: { kind: k, forEach: [x, y] }",
            "LZ0009 4:21 the resource `b` has a `forEach`: say which instance | write `b[x]`; the keys are `x`, `y`",
        ),
        (
            "a: { kind: k, p: '${b[yy]}' }\n  b: { kind: k, forEach: [xx, yz] }",
            "LZ0009 4:21 the resource `b` has no instance `yy` | did you mean `yz`?",
        ),
        (
            "a: { kind: k, p: '${b[x]}' }\n  b: { kind: k }",
            "LZ0009 4:21 the resource `b` has no `forEach`, and so no instances | write `b`",
        ),
        (
            "a: { kind: k, forEach: [x, x] }",
            "LZ0014 4:30 the key `x` stands twice in this forEach",
        ),
        (
            "a: { kind: k, forEach: 5 }",
            "LZ0014 4:26 `forEach` takes a list or a mapping, not a number",
        ),
        (
            "a: { kind: k, forEach: [[1]] }",
            "LZ0014 4:27 an item of a forEach list is text, a number or a boolean, not a list | write a mapping: its keys name the instances, and its values can be anything",
        ),
        (
            "a: { kind: k, forEach: ['${b.id}'] }\n  b: { kind: k }",
            "LZ0014 4:27 the key of an instance must be known before the run | write a mapping: its keys name the instances, and its values can be anything",
        ),
        (
            "a: { kind: k, forEach: ['a]b'] }",
            "LZ0014 4:27 this cannot be the key of an instance, because no reference could name it | a key is not empty, and has no brackets, braces, quotes or `$`",
        ),
        (
            "a: { kind: k, forEach: ['${each.key}'] }",
            "LZ0013 4:28 `each.key` has a meaning only in a resource with `forEach`",
        ),
        (
            "a: { kind: k, forEach: { x: { size: 1 } }, p: '${each.value.siz}' }",
            "LZ0009 4:50 `each.value` is a mapping without `siz` | did you mean `size`?",
        ),
        (
            "a: { kind: k, forEach: { x: '${nothing}' } }",
            "LZ0009 4:32 there is no resource `nothing` in this stack",
        ),
    ] {
        let found = mistakes(&format!("resources:\n  {body}"));
        assert_eq!(found, [expected], "{body}");
    }
}

#[test]
fn a_document_says_its_version_and_a_name() {
    for (text, expected) in [
        (
            "stack: s",
            "LZ0005 1:1 the document does not say its `apiVersion` | write `apiVersion: lazuli/v1`",
        ),
        (
            "apiVersion: v1\nkind: Pod\nspec: {}",
            "LZ0026 2:1 this is a Kubernetes manifest, not a spec of lazuli | a spec begins with `apiVersion: lazuli/v1`; `lazuli init` writes one",
        ),
        (
            "apiVersion: lazuli/v2\nwhatever: x",
            "LZ0026 1:13 this version of the spec language is not known; lazuli reads `lazuli/v1` | write `apiVersion: lazuli/v1`",
        ),
        (
            "apiVersion: lazuli/v1",
            "LZ0005 1:1 the document has no `stack` | name the unit that it describes, for example `stack: cameras`",
        ),
        (
            "apiVersion: lazuli/v1\nstack: My App",
            "LZ0007 2:8 the name of a stack is 1 to 63 lower-case letters, digits and `-`",
        ),
        ("- a", "LZ0006 1:1 a document must be a mapping, not a list"),
        (
            "apiVersion: lazuli/v1\nstack: s\n---\napiVersion: lazuli/v1\nstack: s",
            "LZ0021 5:8 two documents are named `s`",
        ),
    ] {
        assert_eq!(mistakes_with(text, &[]), [expected], "{text}");
    }
    let (sources, _, diagnostics) = load_with(&format!("{HEADER}---\n{HEADER}"), &[]);
    let related = &diagnostics.iter().next().unwrap().related[0];
    assert_eq!(sources.position(related.span).line, 2);
}

#[test]
fn given_parameters_are_checked() {
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
            "LZ0027 no document declares the parameter `regoin`, given by --param | did you mean `region`?",
        ),
    ] {
        assert_eq!(mistakes_with(&spec, &[(name, value)]), [expected]);
    }
}

#[test]
fn a_mistake_in_a_repeated_resource_is_said_once() {
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
fn all_mistakes_of_all_documents_are_reported_at_once() {
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
fn growth_is_bounded() {
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
        ["LZ0014 4:26 a stack can have at most 10000 instances by `forEach`"]
    );

    let (large, uses) = ("x".repeat(1 << 20), vec!["'${params.p}'"; 1000].join(", "));
    let found = mistakes(&format!(
        "parameters: {{ p: {large} }}\nresources:\n  a: {{ kind: k, p: [{uses}] }}\n"
    ));
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("grow beyond 256 MiB"), "{found:?}");
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
fn the_position_of_a_resource_is_that_of_its_name() {
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
