//! Tests of YAML parsing: nodes, messages and positions.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn read(text: &str) -> (Sources, Vec<Node>, Diagnostics) {
    let mut sources = Sources::default();
    let id = sources.add("spec.yaml", text);
    let mut diagnostics = Diagnostics::default();
    let nodes = parse(&sources, id, &mut diagnostics);
    (sources, nodes, diagnostics)
}

fn value(text: &str) -> serde_json::Value {
    let (_, nodes, diagnostics) = read(text);
    assert!(diagnostics.is_empty(), "{text}: {diagnostics:?}");
    nodes[0].to_json()
}

/// All diagnostics as `LZ0002 1:4 message`.
fn mistakes(text: &str) -> Vec<String> {
    let (sources, _, diagnostics) = read(text);
    let line = |diagnostic: &Diagnostic| {
        let at = sources.position(diagnostic.span.unwrap());
        format!(
            "{} {}:{} {}",
            diagnostic.code, at.line, at.column, diagnostic.message
        )
    };
    diagnostics.iter().map(line).collect()
}

#[test]
fn scalars_follow_the_yaml_1_2_core_schema() {
    let text = "[yes, on, n, true, FALSE, ~, null, '5', \"5\", 00123, 010, 1_000, +5, -5, 0x1F, 0o17, 1.10, 1e3, .5, 2001-01-01, !!str 5]";
    assert_eq!(
        value(text),
        json!([
            "yes",
            "on",
            "n",
            true,
            false,
            null,
            null,
            "5",
            "5",
            "00123",
            "010",
            "1_000",
            5,
            -5,
            31,
            15,
            1.1,
            1000.0,
            0.5,
            "2001-01-01",
            "5"
        ])
    );
}

#[test]
fn numbers_do_not_lose_digits() {
    assert_eq!(
        value(
            "[18446744073709551615, -9223372036854775808, 18446744073709551616, 123456789012345678901234, 1e999, .inf, -.inf, .nan]"
        ),
        json!([
            u64::MAX,
            i64::MIN,
            "18446744073709551616",
            "123456789012345678901234",
            "1e999",
            ".inf",
            "-.inf",
            ".nan"
        ])
    );
}

#[test]
fn keys_keep_their_text() {
    assert_eq!(
        value("{n: 1, 1: 2, true: 3, 0x10: 4, 'a b': 5, 'null': 6}"),
        json!({"n": 1, "1": 2, "true": 3, "0x10": 4, "a b": 5, "null": 6})
    );
}

#[test]
fn spans_are_bytes_of_the_source() {
    let (sources, nodes, _) = read("ü: [${a.b[c]}, ${x}]\nname: 'é' # ${c}\nlast: \"n-${x}\"\n");
    let items = nodes[0].get("ü").unwrap().items();
    assert_eq!(
        items
            .iter()
            .map(|item| sources.slice(item.span))
            .collect::<Vec<_>>(),
        ["${a.b[c]}", "${x}"]
    );
    let last = nodes[0].entry("last").unwrap();
    assert_eq!(
        (sources.slice(last.key_span), sources.slice(last.value.span)),
        ("last", "\"n-${x}\"")
    );
    let at = sources.position(last.key_span);
    assert_eq!((at.line, at.column), (3, 1));
}

#[test]
fn expressions_need_no_quotes_in_flow_collections() {
    assert_eq!(
        value("a: { b: ${x}, c: [${y.z}, p-${w}-s, $${lit}], d: ${r[each.key].p} }\ne: ${q}"),
        json!({"a": {"b": "${x}", "c": ["${y.z}", "p-${w}-s", "$${lit}"], "d": "${r[each.key].p}"}, "e": "${q}"})
    );
    let (_, nodes, _) = read("[$${lit}, '${x}']");
    assert_eq!(nodes[0].items()[0].as_str(), Some("${lit}"));
    assert!(matches!(nodes[0].items()[1].datum, Datum::Template(_)));
}

#[test]
fn mistakes_in_one_document_do_not_affect_others() {
    let (_, nodes, diagnostics) =
        read("%YAML 1.2\n---\na: 1\n---\n---\n# nothing\n---\nb: [\n---\nc: 3\n...\nd: 4\n");
    assert_eq!(
        nodes.iter().map(Node::to_json).collect::<Vec<_>>(),
        [json!({"a": 1}), json!({"c": 3}), json!({"d": 4})]
    );
    assert_eq!(diagnostics.iter().count(), 1);
}

#[test]
fn aliases_and_merge_keys_are_resolved() {
    assert_eq!(
        value("base: &base {sku: A, tier: 1}\nuse: {<<: *base, sku: B}\nsame: *base"),
        json!({"base": {"sku": "A", "tier": 1}, "use": {"sku": "B", "tier": 1}, "same": {"sku": "A", "tier": 1}})
    );
}

#[test]
fn mistakes_have_a_message_and_a_position() {
    for (text, expected) in [
        ("a: 1\nb: 2\na: 3\n", "LZ0003 3:1 duplicate key `a`"),
        ("x:\n  {k: 1, k: 2}", "LZ0003 2:10 duplicate key `k`"),
        ("a: [1, 2", "LZ0002 1:4 unclosed bracket '['"),
        ("é: \"x", "LZ0002 1:4 unclosed quote"),
        (
            "a: 1\nb: c: d",
            "LZ0002 2:5 mapping values are not allowed in this context",
        ),
        ("a: 1\n---\né: ${x}\nb: }", "LZ0002 4:4 misplaced bracket"),
        ("a: *x", "LZ0002 1:4 alias references unknown anchor"),
        (
            "a: &a [*a]",
            "LZ0002 1:8 an alias cannot refer to an anchor that contains it",
        ),
        ("a: !foo 3", "LZ0002 1:9 unsupported tag `!foo`"),
        (
            "? [a, b]\n: 1",
            "LZ0002 1:3 a key must be text, not a list or a mapping",
        ),
        (
            "a: 1\n~: 2",
            "LZ0002 2:1 a key cannot be empty: put a key named null in quotes",
        ),
        (
            "a: {<<: 3}",
            "LZ0002 1:9 the value of `<<` must be mapping or sequence of mappings",
        ),
        ("a: ${b", "LZ0013 1:4 `${` is not closed with `}`"),
        ("a: x-${}-y", "LZ0013 1:6 the expression is empty"),
        (
            "a: \"é ${f(x)}\"",
            "LZ0013 1:7 functions are not supported: `f(x)`",
        ),
        (
            "a: |\n  one\n  two ${a + b}\n",
            "LZ0013 3:7 operators are not supported: `a + b`",
        ),
        ("${x: 1", "LZ0013 1:1 `${` is not closed with `}`"),
    ] {
        assert_eq!(mistakes(text), [expected], "{text}");
    }
}

#[test]
fn all_mistakes_of_a_text_are_reported() {
    assert_eq!(mistakes("a: ${}\na: 1\n---\nb: [\n---\nc: ${\n").len(), 4);
}

#[test]
fn duplicate_key_refers_to_the_first_one() {
    let (sources, nodes, diagnostics) = read("a: 1\na: 2\n");
    let related = &diagnostics.iter().next().unwrap().related[0];
    assert_eq!(
        (sources.position(related.span).line, related.text.as_str()),
        (1, "first used here")
    );
    assert_eq!(nodes[0].to_json(), json!({"a": 1}));
}

#[test]
fn hostile_text_is_rejected() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        bomb += &format!(
            "a{level}: &a{level} [{}]\n",
            vec![format!("*a{}", level - 1); 10].join(", ")
        );
    }
    let found = mistakes(&bomb);
    assert_eq!(found.len(), 1);
    assert!(
        found[0].contains("the aliases of this document expand to more than 200000 values"),
        "{found:?}"
    );

    for deep in [
        "[".repeat(10_000),
        "{a: ".repeat(10_000),
        "- ".repeat(10_000),
    ] {
        let found = mistakes(&deep);
        assert!(
            found.len() == 1 && found[0].contains("more than 32 levels deep"),
            "{found:?}"
        );
    }

    assert!(mistakes(&format!("{}1{}", "[".repeat(31), "]".repeat(31))).is_empty());

    let long = format!(
        "a: &a {}\nb: [{}]",
        "x".repeat(1 << 20),
        vec!["*a"; 1000].join(", ")
    );
    assert!(mistakes(&long)[0].contains("the text is too large"));
    assert!(mistakes(&" ".repeat(MAX_BYTES + 1))[0].contains("is too large"));
}

#[test]
fn bytes_decode_to_text() {
    assert_eq!(decode("a", "\u{feff}é: 1".as_bytes()).unwrap(), "é: 1");
    let error = decode("spec.yaml", b"a: 1\nb: \xff\n").unwrap_err();
    assert_eq!(
        (error.code, error.message.as_str()),
        (
            Code::Unreadable,
            "`spec.yaml` is not valid UTF-8: line 2 contains an invalid byte"
        )
    );
    assert_eq!(
        decode("a", &vec![b' '; MAX_BYTES + 1]).unwrap_err().code,
        Code::Unreadable
    );
}

proptest! {
    #[test]
    fn loader_does_not_panic_on_arbitrary_text(text in r#"[ \n\-:\[\]{}$&*a-c'"|#%!<~0-9.é\u{e000}]{0,80}"#) {
        let (sources, nodes, diagnostics) = read(&text);
        for diagnostic in diagnostics.iter() {
            let span = diagnostic.span.unwrap();
            prop_assert!(text.get(span.range()).is_some(), "{span:?}");
            let _ = sources.position(span);
        }
        let _ = nodes.iter().map(Node::to_json).count();
    }
}
