//! Tests of validation messages and positions, and of the schema for editors.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::json;

use super::*;
use crate::{source::Sources, yaml};

/// Properties of a kind for tests.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code)]
struct Props {
    /// The number of copies.
    /// The rest of the description.
    sku: Sku,
    enabled: Option<bool>,
    #[schemars(range(min = 1, max = 365))]
    days: Option<u32>,
    #[schemars(length(min = 3, max = 5), extend("errorMessage" = "have 3 to 5 characters"))]
    short: Option<String>,
    /// Lowercase letters only.
    #[schemars(regex(pattern = "^[a-z]+$"))]
    word: Option<String>,
    rules: Option<Vec<Rules>>,
    network: Option<Network>,
    key: Option<KeySource>,
    place: Option<OneOrMany>,
    labels: Option<std::collections::BTreeMap<String, String>>,
}

#[derive(JsonSchema)]
#[allow(dead_code, non_camel_case_types)]
enum Sku {
    /// Local.
    Standard_LRS,
    /// In zones.
    Standard_ZRS,
}

#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code)]
struct Rules {
    name: String,
    action: Action,
}

#[derive(JsonSchema)]
#[allow(dead_code)]
enum Action {
    Allow,
    Deny,
}

#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code)]
struct Network {
    default_action: Option<Action>,
    ip_rules: Option<Vec<String>>,
}

#[derive(JsonSchema)]
#[serde(tag = "type", rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code)]
enum KeySource {
    #[serde(rename_all = "camelCase")]
    Vault { key_name: String },
    #[serde(rename_all = "camelCase")]
    Service { encrypted: bool },
}

#[derive(JsonSchema)]
#[serde(untagged)]
#[allow(dead_code)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

fn schema() -> Json {
    SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<Props>()
        .to_value()
}

fn mistakes(text: &str) -> Vec<String> {
    let mut sources = Sources::default();
    let id = sources.add("props.yaml", text);
    let mut diagnostics = Diagnostics::default();
    let nodes = yaml::parse(&sources, id, &mut diagnostics);
    Shape::new("a thing", schema()).check(&nodes[0], Span::new(id, 0..1), &mut diagnostics);
    let line = |diagnostic: &Diagnostic| {
        let at = sources.position(diagnostic.span.unwrap());
        let help = diagnostic
            .help
            .as_ref()
            .map_or_else(String::new, |help| format!(" | {help}"));
        format!(
            "{} {}:{} {}{help}",
            diagnostic.code, at.line, at.column, diagnostic.message
        )
    };
    diagnostics.sorted().iter().map(line).collect()
}

#[test]
fn mistakes_have_a_message_and_the_position_of_the_value() {
    for (text, expected) in [
        (
            "days: 5",
            "LZ0005 1:1 a thing requires `sku` | The number of copies",
        ),
        (
            "enabld: true",
            "LZ0004 1:1 a thing has no property `enabld` | did you mean `enabled`?",
        ),
        (
            "dependson: x",
            "LZ0004 1:1 a thing has no property `dependson` | did you mean `dependsOn`?",
        ),
        (
            "network: { defaultaction: Deny }",
            "LZ0004 1:12 `network` has no property `defaultaction` | did you mean `defaultAction`?",
        ),
        (
            "network: { color: red }",
            "LZ0004 1:12 `network` has no property `color` | use one of `defaultAction`, `ipRules`",
        ),
        (
            "enabled: yes",
            "LZ0006 1:10 `enabled` must be true or false, not a string | write `true` or `false`",
        ),
        (
            "enabled: 'true'",
            "LZ0006 1:10 `enabled` must be true or false, not a string | write it without quotes",
        ),
        (
            "days: 1.5",
            "LZ0006 1:7 `days` must be a whole number, not a number",
        ),
        ("days: 0", "LZ0007 1:7 `days` must be at least 1"),
        ("days: 400", "LZ0007 1:7 `days` must be at most 365"),
        (
            "short: ab",
            "LZ0007 1:8 `short` must have 3 to 5 characters",
        ),
        (
            "word: ABC",
            "LZ0007 1:7 `word` must match `^[a-z]+$` | Lowercase letters only",
        ),
        (
            "word: 12",
            "LZ0006 1:7 `word` must be a string, not a number | put it in quotes",
        ),
        (
            "sku: Standard_LSR",
            "LZ0007 1:6 `sku` must be one of `Standard_LRS`, `Standard_ZRS` | did you mean `Standard_LRS`?",
        ),
        (
            "network:\n  defaultAction: deny",
            "LZ0007 2:18 `network.defaultAction` must be one of `Allow`, `Deny` | did you mean `Deny`?",
        ),
        (
            "network: [x]",
            "LZ0006 1:10 `network` must be a mapping, not a list",
        ),
        (
            "rules:\n  - { name: a, action: Allow }\n  - { action: Deny }",
            "LZ0005 3:5 `rules[1]` requires `name`",
        ),
        (
            "rules:\n  - { name: 5, action: Deny }",
            "LZ0006 2:13 `rules[0].name` must be a string, not a number | put it in quotes",
        ),
        (
            "place: 5",
            "LZ0006 1:8 `place` must be a string or a list, not a number | put it in quotes",
        ),
        (
            "place: [5]",
            "LZ0006 1:9 `place[0]` must be a string, not a number | put it in quotes",
        ),
        (
            "key: { type: vault }",
            "LZ0005 1:6 `key` requires `keyName`",
        ),
        (
            "key: { type: service, encrypted: 1 }",
            "LZ0006 1:34 `key.encrypted` must be true or false, not a number",
        ),
        (
            "key: { type: volt }",
            "LZ0007 1:14 `key.type` must be one of `vault`, `service` | did you mean `vault`?",
        ),
        (
            "labels: { a/b: 1 }",
            "LZ0006 1:16 `labels.a/b` must be a string, not a number | put it in quotes",
        ),
    ] {
        let text = if text.contains("sku") || expected.contains("requires `sku`") {
            text.to_owned()
        } else {
            format!("{text}\nsku: Standard_LRS")
        };
        assert_eq!(mistakes(&text), [expected], "{text}");
    }
}

#[test]
fn all_mistakes_are_reported_together() {
    assert_eq!(
        mistakes("sku: x\nenabled: 1\nnetwork: { a: 1, b: 2 }\nrules: [{}]\n").len(),
        6
    );
}

#[test]
fn unresolved_values_are_not_validated() {
    for text in [
        "{ sku: '${a.sku}', enabled: '${a.on}', days: '${a.n}', short: 'x-${a.name}', word: '${A.B}-X', rules: '${a.rules}' }",
        "{ sku: 'Standard_${a.sku}', network: '${a}', place: '${a.x}', labels: '${a}' }",
        "{ sku: Standard_LRS, rules: [{ name: '${a}', action: '${b}' }], key: { type: service, encrypted: '${a.on}' } }",
    ] {
        assert!(mistakes(text).is_empty(), "{text}: {:?}", mistakes(text));
    }
    assert_eq!(mistakes("{ sku: Standard_LRS, word: 'a$${b}' }").len(), 1);
}

#[test]
fn invalid_schema_is_reported() {
    let mut diagnostics = Diagnostics::default();
    let mut sources = Sources::default();
    let id = sources.add("a", "x: 1");
    let nodes = yaml::parse(&sources, id, &mut diagnostics);
    Shape::new("a thing", json!({"type": "nonsense"})).check(
        &nodes[0],
        nodes[0].span,
        &mut diagnostics,
    );
    assert!(diagnostics.has_errors());
}

#[test]
fn editor_schema_allows_expressions_everywhere_but_as_tags() {
    let schema = expressions_allowed(schema());
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    for valid in [
        json!({"sku": "${a.sku}", "enabled": "${params.on}", "days": "${a.n}", "short": "${a.name}", "rules": "${a}", "network": "${a}"}),
        json!({"sku": "Standard_LRS", "rules": [{"name": "a", "action": "${params.x}"}, "${a}"], "labels": {"a": "${b}"}}),
        json!({"sku": "Standard_LRS", "key": {"type": "service", "encrypted": "${a.on}"}, "place": ["${a}"]}),
    ] {
        assert!(validator.is_valid(&valid), "{valid}");
    }
    for invalid in [
        json!({"sku": "x"}),
        json!({"sku": "Standard_LRS", "enabled": "yes"}),
        json!({"sku": "Standard_LRS", "key": {"type": "service", "encrypted": "x"}}),
        json!({"sku": "Standard_LRS", "other": "${a}"}),
        json!("${a}"),
    ] {
        assert!(!validator.is_valid(&invalid), "{invalid}");
    }
    let enabled = &schema["properties"]["enabled"];
    assert_eq!(enabled["anyOf"][1], json!({"$ref": "#/$defs/Expression"}));
    assert_eq!(
        schema["properties"]["sku"]["description"]
            .as_str()
            .unwrap()
            .lines()
            .next(),
        Some("The number of copies.")
    );
    assert_eq!(
        schema["properties"]["labels"]["anyOf"][0]["additionalProperties"],
        json!({"type": "string"})
    );
}
