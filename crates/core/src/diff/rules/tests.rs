//! Each general rule, with responses that are equal and similar ones that differ.

use serde_json::{Value as Json, json};

use crate::{body_path::BodyPath, diff::diff, value::Value};

/// Checks a property of this path, its values as text.
fn texts(path: &[&str], cases: &[(&str, &[&str], &[&str])]) {
    let body = |value: &str| {
        path.iter()
            .rev()
            .fold(json!(value), |inner, name| json!({ *name: inner }))
    };
    for (wanted, same, other) in cases {
        for live in *same {
            assert_eq!(
                changed_paths(body(wanted), body(live)),
                [""; 0],
                "{wanted}, {live}"
            );
        }
        for live in *other {
            assert_eq!(
                changed_paths(body(wanted), body(live)),
                [BodyPath::from_names(path.iter().copied()).to_string()],
                "{wanted}, {live}"
            );
        }
    }
}

fn changed_paths(wanted: Json, live: Json) -> Vec<String> {
    let changes = diff(&Value::from(wanted), &live, &[], &[]);
    changes
        .into_iter()
        .map(|change| change.path.to_string())
        .collect()
}

#[test]
fn envelope_is_not_compared_but_nested_names_are() {
    let wanted =
        json!({"id": "/a", "name": "child", "type": "A/b", "kind": "K", "p": {"name": "n"}});
    let live = json!({"id": "/b", "name": "parent/child", "type": "a/B/c", "kind": "L", "p": {"name": "m"}});
    assert_eq!(changed_paths(wanted, live), ["kind", "p.name"]);
}

#[test]
fn empty_equals_absent_but_not_a_value() {
    let wanted = json!({"a": null, "b": {}, "c": [], "d": "", "e": {"f": null, "g": []}});
    for live in [
        json!({}),
        json!({"a": 1, "b": null, "c": null, "d": null, "e": {}}),
    ] {
        assert_eq!(changed_paths(wanted.clone(), live), [""; 0]);
    }
    assert_eq!(
        changed_paths(json!({"c": [], "d": ""}), json!({"c": [1], "d": "x"})),
        ["c", "d"]
    );
    assert_eq!(
        changed_paths(json!({"a": false, "n": 0}), json!({})),
        ["a", "n"]
    );
}

#[test]
fn secrets_can_be_absent_in_a_response() {
    let wanted = json!({"p": {
        "adminPassword": "x", "clientSecret": "x", "sharedKey": "x", "accessToken": "x",
        "connectionString": "x", "secrets": [{"name": "s", "value": "x"}],
        "registryCredentials": [{"username": "u"}], "protectedSettings": {"script": "x"},
    }});
    let live = json!({"p": {
        "adminPassword": null, "clientSecret": "", "connectionString": "Endpoint=e;Key=****",
        "secrets": [{"name": "s"}],
    }});
    assert_eq!(changed_paths(wanted, live), [""; 0]);
}

#[test]
fn returned_secrets_are_compared() {
    texts(&["p", "adminPassword"], &[("x", &["x", ""], &["y", "X y"])]);
}

#[test]
fn names_that_resemble_secrets_are_compared() {
    let wanted = json!({
        "disablePasswordAuthentication": true, "passwordAuth": "Enabled", "publicKey": "ssh-rsa x", "key": "k",
        "secret": true, "permissions": {"secrets": ["get"], "keys": ["list"]}, "keyName": "n",
    });
    let paths: Vec<&str> = vec![
        "disablePasswordAuthentication",
        "passwordAuth",
        "publicKey",
        "key",
        "secret",
        "permissions.secrets",
        "permissions.keys",
        "keyName",
    ];
    assert_eq!(changed_paths(wanted, json!({})), paths);
}

#[test]
fn mask_is_not_compared() {
    let masks = &["####", "********", "k=****;v=1", "{REDACTED}", "<redacted>"];
    let others = &["*", "#", "redacted by hand", "{x}", ""];
    texts(&["p", "value"], &[("x", masks, others)]);
}

#[test]
fn reference_to_a_secret_is_not_compared() {
    let references: &[&str] = &["@Microsoft.KeyVault(SecretUri=u)", "{{kept-elsewhere}}"];
    texts(&["p", "clientSecret"], &[("x", references, &["{x}", "y"])]);
    texts(&["p", "value"], &[("x", &[], references)]);
}

#[test]
fn create_mode_can_be_absent_in_a_response() {
    assert_eq!(
        changed_paths(json!({"p": {"createMode": "Default"}}), json!({"p": {}})),
        [""; 0]
    );
    let live = json!({"p": {"createMode": "Default"}});
    assert_eq!(
        changed_paths(json!({"p": {"createMode": "Copy"}}), live),
        ["p.createMode"]
    );
}

#[test]
fn child_resources_can_omit_their_location() {
    let wanted = json!({"location": "westeurope"});
    assert_eq!(
        changed_paths(wanted.clone(), json!({"type": "A.B/c/d"})),
        [""; 0]
    );
    assert_eq!(
        changed_paths(wanted.clone(), json!({"type": "A.B/c"})),
        ["location"]
    );
    let with_tags = json!({"type": "A.B/c/d", "tags": {}});
    assert_eq!(changed_paths(wanted.clone(), with_tags), ["location"]);
    let elsewhere = json!({"type": "A.B/c/d", "location": "North Europe"});
    assert_eq!(changed_paths(wanted, elsewhere), ["location"]);
}

#[test]
fn numbers_are_compared_by_value() {
    for (wanted, live, is_same) in [
        (json!(30), json!(30.0), true),
        (json!(30), json!(30.5), false),
        (
            json!(9_007_199_254_740_993_i64),
            json!(9_007_199_254_740_992_i64),
            false,
        ),
        (json!(u64::MAX), json!(u64::MAX), true),
        (json!(1), json!("1"), false),
        (json!(1), json!(true), false),
    ] {
        let is_found = changed_paths(json!({"n": wanted}), json!({"n": live})).is_empty();
        assert_eq!(is_found, is_same, "{wanted}, {live}");
    }
}

#[test]
fn enumeration_words_are_compared_without_case() {
    texts(
        &["p", "mode"],
        &[
            (
                "enabled",
                &["Enabled", "ENABLED"],
                &["disabled", "enable", ""],
            ),
            ("Standard_LRS", &["standard_lrs"], &["Standard_ZRS"]),
            ("two words", &[], &["Two words"]),
            ("https://a/B", &[], &["https://a/b"]),
        ],
    );
}

#[test]
fn free_text_is_compared_exactly() {
    for path in [
        &["tags", "team"][..],
        &["properties", "description"],
        &["properties", "metadata", "floor"],
        &["properties", "configurationSettings", "a.b"],
    ] {
        texts(
            path,
            &[("vision", &["vision"], &["Vision"]), ("/a", &[], &["a"])],
        );
    }
    let setting = |value: &str| json!({"appSettings": [{"name": "A", "value": value}]});
    assert_eq!(
        changed_paths(setting("on"), setting("On")),
        ["appSettings[A].value"]
    );
}

#[test]
fn guids_are_compared_without_case() {
    let guid = "8F0C6a1e-5b0D-4c1e-9a55-2f6f0a1b3c4d";
    texts(
        &["p", "owner"],
        &[(
            guid,
            &["8f0c6a1e-5b0d-4c1e-9a55-2f6f0a1b3c4d"],
            &["8f0c6a1e-5b0d-4c1e-9a55-2f6f0a1b3c4e"],
        )],
    );
}

#[test]
fn ids_are_compared_without_case_and_can_be_relative() {
    texts(
        &["p", "scope"],
        &[
            (
                "/subscriptions/s/resourceGroups/g",
                &["/subscriptions/S/resourcegroups/G/"],
                &["/subscriptions/s/resourceGroups/g2", "/resourceGroups/g"],
            ),
            (
                "/apis",
                &[
                    "/subscriptions/s/resourceGroups/g/providers/A.B/c/x/APIS",
                    "apis/",
                ],
                &[
                    "/subscriptions/s/resourceGroups/g/providers/A.B/c/x/myapis",
                    "/other/apis",
                ],
            ),
        ],
    );
}

#[test]
fn slashes_around_a_path_are_ignored() {
    texts(
        &["p", "path"],
        &[
            ("/a/b", &["a/b", "/a/b/"], &["a", "ab", "/a//b"]),
            ("/", &["/"], &["x"]),
        ],
    );
}

#[test]
fn locations_are_normalized() {
    for name in [
        "location",
        "locationName",
        "failoverLocation",
        "linkedLocationName",
    ] {
        texts(
            &["p", name],
            &[(
                "westus2",
                &["West US 2", "WestUS2"],
                &["West US", "westus3"],
            )],
        );
    }
    texts(&["allocation"], &[("a b", &[], &["A B", "ab"])]);
}

#[test]
fn versions_can_be_completed() {
    texts(
        &["p", "serverVersion"],
        &[("6", &["6.0", "6.0.0"], &["6.2", "60", "7"])],
    );
    texts(&["p", "prefix"], &[("10", &[], &["10.0"])]);
}

#[test]
fn times_are_compared_by_the_instant() {
    texts(
        &["p", "startTime"],
        &[(
            "2031-05-06T07:08:09Z",
            &["2031-05-06T07:08:09.0000000Z", "2031-05-06T09:08:09+02:00"],
            &["2031-05-06T07:08:10Z", "2031-05-06T07:08:09+02:00"],
        )],
    );
}

#[test]
fn markup_is_compared_without_indentation() {
    texts(
        &["p", "value"],
        &[(
            "<a><b c=\"1\" /></a>",
            &["<a>\r\n\t<b c=\"1\"/>\r\n</a>"],
            &["<a><b c=\"2\" /></a>", "<a></a>"],
        )],
    );
}

#[test]
fn named_items_are_compared_without_order() {
    let wanted = json!({"a": [{"name": "x", "v": 1}, {"name": "y", "v": 2}]});
    let live = |items: Json| json!({ "a": items });
    let cases: &[(Json, &[&str])] = &[
        (
            json!([{"name": "Y", "v": 2}, {"name": "x", "v": 1, "more": 0}]),
            &[],
        ),
        (
            json!([{"name": "y", "v": 2}, {"name": "x", "v": 3}]),
            &["a[x].v"],
        ),
        (json!([{"name": "y", "v": 2}]), &["a[x]"]),
        (
            json!([{"name": "x", "v": 1}, {"name": "z", "v": 9}, {"name": "y", "v": 2}]),
            &["a[z]"],
        ),
        // Only the name differs.
        (
            json!([{"name": "x", "v": 1}, {"name": "z", "v": 2}]),
            &["a[y].name"],
        ),
        (
            json!([{"name": "x", "v": 1}, {"name": "z", "v": 9}]),
            &["a[y]", "a[z]"],
        ),
    ];
    for (items, paths) in cases {
        assert_eq!(
            changed_paths(wanted.clone(), live(items.clone())),
            *paths,
            "{items}"
        );
    }
}

#[test]
fn unnamed_items_are_compared_in_order() {
    let wanted =
        json!({"plain": ["x", "y"], "pairs": [{"from": 1, "to": 2}, {"from": 3, "to": 4}]});
    let cases = [
        (json!({"plain": ["y", "x"]}), "plain"),
        (json!({"plain": ["x"]}), "plain"),
        (
            json!({"pairs": [{"from": 1, "to": 2}, {"from": 3, "to": 5}]}),
            "pairs[1].to",
        ),
        (json!({"pairs": [{"from": 3, "to": 4}]}), "pairs"),
        (
            json!({"pairs": [{"from": 1, "to": 2}, {"from": 3, "to": 4}, {"from": 5}]}),
            "pairs",
        ),
    ];
    for (other, path) in cases {
        let mut live = wanted.clone();
        for (name, value) in other.as_object().unwrap() {
            live[name] = value.clone();
        }
        assert_eq!(changed_paths(wanted.clone(), live), [path], "{other}");
    }
}

#[test]
fn location_of_a_resource_is_immutable_but_nested_locations_are_not() {
    let moved = |live: Json| {
        let wanted =
            json!({ "location": "westeurope", "properties": { "location": "westeurope" } });
        let found = diff(&Value::from(wanted), &live, &[], &[]).into_iter();
        found
            .map(|change| (change.path, change.immutable))
            .collect::<Vec<_>>()
    };
    let fixed = |path: &str, fixed: bool| (BodyPath::parse(path), fixed);
    let elsewhere = json!({ "location": "eastus", "properties": { "location": "eastus" } });
    let both = [fixed("location", true), fixed("properties.location", false)];
    assert_eq!(moved(elsewhere), both);
    let nowhere = json!({ "location": "", "properties": { "location": "westeurope" } });
    assert_eq!(moved(nowhere), [fixed("location", false)]);
}
