//! Tests of secret parameters: their sources, and that they are masked.

use super::*;

#[test]
fn secrets_from_any_source_are_masked_in_the_values_that_contain_them() {
    let text = "parameters:\n  a: { secret: true, file: key.txt }\n  b: { secret: true, default: \"${env.SECRET}\" }\n  \
                c: { file: key.txt }\nresources:\n  r: { kind: k, own: \"${params.a}\", part: \"x-${params.b}\", plain: \"${params.c}\" }\n";
    let stack = stack(text);
    let props = &stack.resources[0].props;
    assert_eq!(
        props.get("plain").unwrap().as_str(),
        Some("secret of spec.yaml")
    );
    assert_eq!(props.get("own").unwrap().as_str(), None);
    let shown = format!("{stack:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    assert_eq!(shown.matches("secret of spec.yaml").count(), 1, "{shown}");
    assert_eq!(props.to_json()["own"], json!("secret of spec.yaml"));
}

#[test]
fn mistakes_in_secrets_are_reported() {
    let messages = |text: &str| {
        let (sources, _, diagnostics) = load_with(&format!("{HEADER}{text}"), &[]);
        diagnostics
            .iter()
            .map(|diagnostic| describe(&sources, diagnostic))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        messages("parameters: { a: { secret: true, file: none.txt } }\n"),
        ["LZ0001 3:40 `none.txt` cannot be read: file not found"]
    );
    assert_eq!(
        messages("parameters: { a: { secret: true } }\n"),
        [
            "LZ0011 3:15 the parameter `a` has no value | pass `--params-file FILE`, or set `default: \"${env.NAME}\"` here"
        ]
    );
    assert_eq!(
        messages("parameters: { a: { default: 1, secret: true } }\n"),
        ["LZ0006 3:29 a secret must be a string, not a number | put it in quotes"]
    );
    assert_eq!(
        messages("parameters: { a: { default: x, file: key.txt } }\n").len(),
        1
    );
}

#[test]
fn messages_do_not_repeat_environment_variables() {
    for body in [
        "stack: ${env.SECRET} x",
        "subscription: ${env.SECRET}",
        "parameters: { a: { default: '${env.SECRET}', type: number } }",
        "parameters: { a: { default: '${env.SECRET}', allowed: [x] } }",
        "resources: { a: { kind: k, onRemove: '${env.SECRET}', protect: '${env.SECRET}', tags: '${env.SECRET}' } }",
    ] {
        let found = mistakes_with(&format!("apiVersion: lazuli/v1\n{body}\n"), &[]);
        assert!(
            !found.is_empty() && found.iter().all(|line| !line.contains("hunter2")),
            "{found:?}"
        );
    }
}
