//! Tests of expressions: parsing, messages and round trips.

use proptest::prelude::*;

use super::*;

fn expr(text: &str) -> Expr {
    Template::parse(&format!("${{{text}}}"))
        .unwrap()
        .single()
        .unwrap()
        .clone()
}

#[test]
fn expressions_are_references() {
    let reference = |resource: &str, instance, path: &[&str]| {
        Expr::Resource(Reference {
            resource: resource.into(),
            instance,
            path: path.iter().map(|part| part.to_string()).collect(),
        })
    };
    assert_eq!(expr("params.env-name"), Expr::Param("env-name".into()));
    assert_eq!(expr("env.HOME_1"), Expr::Env("HOME_1".into()));
    assert_eq!(expr("each.key"), Expr::EachKey);
    assert_eq!(expr("each.value"), Expr::EachValue(vec![]));
    assert_eq!(
        expr("each.value.a.0"),
        Expr::EachValue(vec!["a".into(), "0".into()])
    );
    assert_eq!(expr(" web "), reference("web", None, &[]));
    assert_eq!(
        expr("web_1.properties.endpoints.blob"),
        reference("web_1", None, &["properties", "endpoints", "blob"])
    );
    assert_eq!(
        expr("web[10.0.0.0/16].id"),
        reference("web", Some(Instance::Key("10.0.0.0/16".into())), &["id"])
    );
    assert_eq!(
        expr("web[each.key]"),
        reference("web", Some(Instance::EachKey), &[])
    );
}

#[test]
fn doubled_dollar_escapes_an_expression() {
    for (text, literal) in [
        ("$${x}", "${x}"),
        ("a $${ b", "a ${ b"),
        ("$$${x}", "$${x}"),
        ("$5 {x}", "$5 {x}"),
        ("", ""),
    ] {
        assert_eq!(
            Template::parse(text).unwrap().literal(),
            Some(literal),
            "{text}"
        );
    }
}

#[test]
fn invalid_expressions_have_a_message_and_a_range() {
    for (text, range, message) in [
        ("a ${b", 2..5, "`${` is not closed with `}`"),
        ("${b\nc}", 0..3, "`${` is not closed with `}`"),
        ("${ }", 0..4, "the expression is empty"),
        (
            "x${upper(a)}",
            1..12,
            "functions are not supported: `upper(a)`",
        ),
        (
            "${a ? b : c}",
            0..12,
            "operators are not supported: `a ? b : c`",
        ),
        ("${a.${b}.c}", 0..11, "expressions cannot be nested"),
        ("${.a}", 0..5, "`.a` is not a reference"),
        ("${a..b}", 0..7, "`a..b` is not a reference"),
        ("${1a}", 0..5, "`1a` is not a reference"),
        ("${a[b}", 0..6, "`[` is not closed in `a[b`"),
        (
            "${a[\"b\"]}",
            0..9,
            "`\"b\"` is not a valid instance key: use the key without quotes, or `each.key`",
        ),
        (
            "${a[]}",
            0..6,
            "`` is not a valid instance key: use the key without quotes, or `each.key`",
        ),
        ("${params}", 0..9, "`params` must be followed by a name"),
        (
            "${env.A.b}",
            0..10,
            "an expression cannot refer to a property of `env.A`",
        ),
        ("${each.name}", 0..12, "`each` has only `key` and `value`"),
    ] {
        let errors = Template::parse(text).unwrap_err();
        assert_eq!(
            (errors.len(), &errors[0].range, errors[0].message.as_str()),
            (1, &range, message),
            "{text}"
        );
    }
}

#[test]
fn all_invalid_expressions_are_reported() {
    let ranges: Vec<_> = Template::parse("${} ok ${a} ${f()} ${")
        .unwrap_err()
        .into_iter()
        .map(|error| error.range)
        .collect();
    assert_eq!(ranges, [0..3, 12..18, 19..21]);
}

fn expressions() -> impl Strategy<Value = Expr> {
    let name = "[A-Za-z_][A-Za-z0-9_-]{0,5}";
    let resource = name.prop_filter("reserved", |name| {
        !["params", "env", "each"].contains(&name.as_str())
    });
    let path = proptest::collection::vec("[A-Za-z0-9_-]{1,4}", 0..3);
    let instance = prop_oneof![
        Just(None),
        Just(Some(Instance::EachKey)),
        "[a-z0-9./ é-]{1,6}"
            .prop_filter("a key", |key| is_key(key))
            .prop_map(|key| Some(Instance::Key(key))),
    ];
    prop_oneof![
        name.prop_map(Expr::Param),
        name.prop_map(Expr::Env),
        Just(Expr::EachKey),
        path.clone().prop_map(Expr::EachValue),
        (resource, instance, path).prop_map(|(resource, instance, path)| Expr::Resource(
            Reference {
                resource,
                instance,
                path
            }
        )),
    ]
}

proptest! {
    #[test]
    fn templates_round_trip(parts in proptest::collection::vec((r"[a-z {}\n\$]{0,5}[a-z]", expressions()), 0..4), tail in r"[a-z\${}]{0,4}") {
        let mut segments: Vec<_> = parts.into_iter().flat_map(|(text, expr)| [Segment::Text(text), Segment::Expr(expr)]).collect();
        if !tail.is_empty() {
            segments.push(Segment::Text(tail));
        }
        let template = Template(segments);
        prop_assert_eq!(Template::parse(&template.to_string()), Ok(template));
    }

    #[test]
    fn literal_text_survives(text in r"[a-z\${}é\n]{0,20}") {
        let template = Template::parse(&escape(&text)).unwrap();
        prop_assert_eq!(template.literal(), Some(text.as_str()));
    }

    #[test]
    fn loader_does_not_panic_on_arbitrary_text(text in r#"[a-c.\[\]\${}()"é \n]{0,30}"#) {
        if let Err(errors) = Template::parse(&text) {
            prop_assert!(errors.iter().all(|error| text.get(error.range.clone()).is_some()));
        }
    }
}
