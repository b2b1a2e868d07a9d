//! Secret parameters: where they come from, and what they hide.

use super::*;

#[test]
fn a_secret_comes_from_anywhere_and_hides_what_it_is_part_of() {
    let text = "parameters:\n  a: { secret: true, file: key.txt }\n  b: { secret: true, default: \"${env.SECRET}\" }\n  \
                c: { file: key.txt }\nresources:\n  r: { kind: k, own: \"${params.a}\", part: \"x-${params.b}\", plain: \"${params.c}\" }\n";
    let stack = stack(text);
    let props = &stack.resources[0].props;
    assert_eq!(
        props.get("plain").unwrap().as_str(),
        Some("beside spec.yaml")
    );
    assert_eq!(props.get("own").unwrap().as_str(), None);
    let shown = format!("{stack:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    assert_eq!(shown.matches("beside spec.yaml").count(), 1, "{shown}");
    assert_eq!(props.to_json()["own"], json!("beside spec.yaml"));
}

#[test]
fn mistakes_in_secrets_are_told() {
    let said = |text: &str| {
        let (sources, _, found) = load_with(&format!("{HEADER}{text}"), &[]);
        found
            .iter()
            .map(|said| describe(&sources, said))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        said("parameters: { a: { secret: true, file: none.txt } }\n"),
        ["LZ0001 3:40 none.txt cannot be read: there is no such file"]
    );
    assert_eq!(
        said("parameters: { a: { secret: true } }\n"),
        [
            "LZ0011 3:15 the parameter `a` has no value | give it one: `--params-file FILE`, or `default: \"${env.NAME}\"` here"
        ]
    );
    assert_eq!(
        said("parameters: { a: { default: 1, secret: true } }\n"),
        ["LZ0006 3:29 a secret must be a string, not a number | put it in quotes"]
    );
    assert_eq!(
        said("parameters: { a: { default: x, file: key.txt } }\n").len(),
        1
    );
}

#[test]
fn secrets_of_the_environment_are_not_repeated() {
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
