//! Each general rule by answers that are no difference, and by answers beside them that are.

use serde_json::{Value as Json, json};

use crate::{diff::diff, value::Value};

/// Checks a property of this path, its values as text.
fn texts(path: &[&str], cases: &[(&str, &[&str], &[&str])]) {
    let body = |value: &str| {
        path.iter()
            .rev()
            .fold(json!(value), |inner, name| json!({ *name: inner }))
    };
    for (wanted, same, other) in cases {
        for live in *same {
            assert_eq!(seen(body(wanted), body(live)), [""; 0], "{wanted}, {live}");
        }
        for live in *other {
            assert_eq!(
                seen(body(wanted), body(live)),
                [path.join(".")],
                "{wanted}, {live}"
            );
        }
    }
}

fn seen(wanted: Json, live: Json) -> Vec<String> {
    let changes = diff(&Value::from(wanted), &live, &[], &[]);
    changes.into_iter().map(|change| change.path).collect()
}

#[test]
fn the_envelope_is_not_compared_but_names_within_are() {
    let wanted =
        json!({"id": "/a", "name": "child", "type": "A/b", "kind": "K", "p": {"name": "n"}});
    let live = json!({"id": "/b", "name": "parent/child", "type": "a/B/c", "kind": "L", "p": {"name": "m"}});
    assert_eq!(seen(wanted, live), ["kind", "p.name"]);
}

#[test]
fn empty_is_nothing_but_does_not_stand_for_a_value() {
    let wanted = json!({"a": null, "b": {}, "c": [], "d": "", "e": {"f": null, "g": []}});
    for live in [
        json!({}),
        json!({"a": 1, "b": null, "c": null, "d": null, "e": {}}),
    ] {
        assert_eq!(seen(wanted.clone(), live), [""; 0]);
    }
    assert_eq!(
        seen(json!({"c": [], "d": ""}), json!({"c": [1], "d": "x"})),
        ["c", "d"]
    );
    assert_eq!(seen(json!({"a": false, "n": 0}), json!({})), ["a", "n"]);
}

#[test]
fn secrets_may_stay_unsaid() {
    let wanted = json!({"p": {
        "adminPassword": "x", "clientSecret": "x", "sharedKey": "x", "accessToken": "x",
        "connectionString": "x", "secrets": [{"name": "s", "value": "x"}],
        "registryCredentials": [{"username": "u"}], "protectedSettings": {"script": "x"},
    }});
    let live = json!({"p": {
        "adminPassword": null, "clientSecret": "", "connectionString": "Endpoint=e;Key=****",
        "secrets": [{"name": "s"}],
    }});
    assert_eq!(seen(wanted, live), [""; 0]);
}

#[test]
fn secrets_that_are_said_are_compared() {
    texts(&["p", "adminPassword"], &[("x", &["x", ""], &["y", "X y"])]);
}

#[test]
fn what_only_sounds_like_a_secret_is_none() {
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
    assert_eq!(seen(wanted, json!({})), paths);
}

#[test]
fn a_mask_tells_nothing() {
    let masks = &["####", "********", "k=****;v=1", "{REDACTED}", "<redacted>"];
    let others = &["*", "#", "redacted by hand", "{x}", ""];
    texts(&["p", "value"], &[("x", masks, others)]);
}

#[test]
fn a_reference_to_where_a_secret_is_kept_tells_nothing() {
    let references: &[&str] = &["@Microsoft.KeyVault(SecretUri=u)", "{{kept-elsewhere}}"];
    texts(&["p", "clientSecret"], &[("x", references, &["{x}", "y"])]);
    texts(&["p", "value"], &[("x", &[], references)]);
}

#[test]
fn how_to_make_a_resource_need_not_come_back() {
    assert_eq!(
        seen(json!({"p": {"createMode": "Default"}}), json!({"p": {}})),
        [""; 0]
    );
    let live = json!({"p": {"createMode": "Default"}});
    assert_eq!(
        seen(json!({"p": {"createMode": "Copy"}}), live),
        ["p.createMode"]
    );
}

#[test]
fn parts_need_not_say_where_they_are() {
    let wanted = json!({"location": "westeurope"});
    assert_eq!(seen(wanted.clone(), json!({"type": "A.B/c/d"})), [""; 0]);
    assert_eq!(seen(wanted.clone(), json!({"type": "A.B/c"})), ["location"]);
    let with_tags = json!({"type": "A.B/c/d", "tags": {}});
    assert_eq!(seen(wanted.clone(), with_tags), ["location"]);
    let elsewhere = json!({"type": "A.B/c/d", "location": "North Europe"});
    assert_eq!(seen(wanted, elsewhere), ["location"]);
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
        let is_found = seen(json!({"n": wanted}), json!({"n": live})).is_empty();
        assert_eq!(is_found, is_same, "{wanted}, {live}");
    }
}

#[test]
fn words_have_no_case() {
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
fn what_people_write_is_theirs_to_the_letter() {
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
    assert_eq!(seen(setting("on"), setting("On")), ["appSettings[A].value"]);
}

#[test]
fn guids_have_no_case() {
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
fn ids_have_no_case_and_may_be_relative() {
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
fn slashes_around_a_path_say_nothing() {
    texts(
        &["p", "path"],
        &[
            ("/a/b", &["a/b", "/a/b/"], &["a", "ab", "/a//b"]),
            ("/", &["/"], &["x"]),
        ],
    );
}

#[test]
fn locations_have_a_normal_form() {
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
fn versions_may_be_completed() {
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
fn markup_may_be_indented_anew() {
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
fn items_with_names_have_no_order() {
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
        // Renamed, as all else is the same.
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
        assert_eq!(seen(wanted.clone(), live(items.clone())), *paths, "{items}");
    }
}

#[test]
fn other_items_have_an_order() {
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
        assert_eq!(seen(wanted.clone(), live), [path], "{other}");
    }
}

#[test]
fn a_resource_stays_in_its_region_and_a_property_called_location_is_its_own() {
    let moved = |live: Json| {
        let wanted =
            json!({ "location": "westeurope", "properties": { "location": "westeurope" } });
        let found = diff(&Value::from(wanted), &live, &[], &[]).into_iter();
        found
            .map(|change| (change.path, change.immutable))
            .collect::<Vec<_>>()
    };
    let fixed = |path: &str, fixed: bool| (path.to_owned(), fixed);
    let elsewhere = json!({ "location": "eastus", "properties": { "location": "eastus" } });
    let both = [fixed("location", true), fixed("properties.location", false)];
    assert_eq!(moved(elsewhere), both);
    let nowhere = json!({ "location": "", "properties": { "location": "westeurope" } });
    assert_eq!(moved(nowhere), [fixed("location", false)]);
}
