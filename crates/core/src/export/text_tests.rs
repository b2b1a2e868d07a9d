//! Tests of writing documents: any value round-trips through YAML.

use proptest::prelude::*;
use serde_json::{Map, json};

use super::*;
use crate::{diagnostic::Diagnostics, source::Sources, template::escape, yaml};

fn read(text: &str) -> Json {
    let mut sources = Sources::default();
    let id = sources.add("spec.yaml", text);
    let mut found = Diagnostics::default();
    let nodes = yaml::parse(&sources, id, &mut found);
    assert!(found.is_empty(), "{text}\n{found:?}");
    nodes[0].to_json()
}

fn document(resources: Vec<(String, Json)>) -> ExportDocument {
    ExportDocument {
        comments: vec!["one".into(), "two\u{7}\nthree".into()],
        head: vec![("stack", json!("cameras"))],
        resources,
    }
}

/// Text of every kind: words with a meaning in YAML, several lines, whitespace, control characters.
fn text() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "",
        "yes",
        "no",
        "on",
        "~",
        "null",
        "True",
        "1.10",
        "0x1F",
        "1e3",
        "2001-01-01",
        "<<",
        "- a",
        "a: b",
        "a #b",
        "? x",
        "*a",
        "&a",
        "!t",
        "|",
        ">",
        "'q'",
        "\"q\"",
        "%",
        "@a",
        "`",
        "{a}",
        "[a]",
        "a,b",
        "---",
        "...",
        "=",
        ".inf",
        "12:30:45",
        " a",
        "a ",
        "one\ntwo",
        "one\n\n two\n",
        "one\r\ntwo",
        "\n",
        "a\tb",
        "\u{85}",
        "\u{2028}",
        "\u{202e}b",
        "\u{feff}",
        "\u{1b}[2J",
        "\u{e0041}",
        "Größe 東京",
        "😀",
    ]);
    let words = words.prop_map(str::to_owned);
    prop_oneof![
        words,
        any::<String>(),
        "[ -~\n]{0,40}",
        "[a-z:#, \n]{0,120}"
    ]
    .prop_map(|text| escape(&text))
}

fn key() -> impl Strategy<Value = String> {
    text().prop_map(|text| text.chars().filter(|c| is_shown(*c) && *c != '$').collect())
}

fn value() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        (-1000i32..1000).prop_map(|number| json!(f64::from(number) / 8.0)),
        text().prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::btree_map(key(), inner, 0..4)
                .prop_map(|members| Json::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

proptest! {
    #[test]
    fn values_round_trip(value in value(), name in "[a-zA-Z_][a-zA-Z0-9_-]{0,8}") {
        let text = document(vec![(name.clone(), value.clone()), ("other".into(), json!({}))]).to_text();
        let is_invisible = |c: char| c != '\n' && !is_shown(c);
        prop_assert!(!text.contains(is_invisible), "{text:?}");
        let found = read(&text);
        if name != "other" {
            prop_assert_eq!(&found["resources"][&name], &value, "{}", text);
        }
        prop_assert_eq!(&found["stack"], &json!("cameras"));
    }
}

#[test]
fn document_layout_is_stable() {
    let entry = json!({
        "kind": "roleAssignment", "roles": ["Reader", "1.0"], "description": "one\ntwo", "body": {},
        "tags": { "bell": "a\u{7}" },
    });
    let text = document(vec![
        ("access".into(), entry),
        ("b".into(), json!({ "kind": "x" })),
    ])
    .to_text();
    assert_eq!(
        text,
        "\
# one
# twothree
stack: cameras
resources:
  access:
    kind: roleAssignment
    roles:
      - Reader
      - \"1.0\"
    description: |-
      one
      two
    body: {}
    tags:
      bell: \"a\\a\"

  b:
    kind: x
"
    );
}
