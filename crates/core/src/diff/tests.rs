//! Each rule of comparison, with a case that needs it and a similar one that differs.

use serde_json::json;

use super::*;

fn changes(wanted: Json, live: Json, rules: &[Rule]) -> Vec<String> {
    diff(&Value::from(wanted), &live, rules, &[])
        .into_iter()
        .map(|change| change.path.to_string())
        .collect()
}

fn assert_no_changes(wanted: Json, live: Json, rules: &[Rule]) {
    assert_eq!(
        changes(wanted.clone(), live.clone(), rules),
        Vec::<String>::new(),
        "{wanted} against {live}"
    );
}

#[test]
fn unnamed_members_are_not_compared() {
    assert_no_changes(json!({"a": 1}), json!({"a": 1, "b": 2}), &[]);
}

#[test]
fn missing_or_different_value_is_a_difference() {
    let found = diff(
        &Value::from(json!({"a": {"b": 1, "c": true}})),
        &json!({"a": {"c": false}}),
        &[],
        &[],
    );
    let shown: Vec<_> = found
        .iter()
        .map(|change| (change.path.to_string(), change.before.clone()))
        .collect();
    assert_eq!(
        shown,
        [
            ("a.b".to_owned(), None),
            ("a.c".to_owned(), Some(json!(false)))
        ]
    );
}

#[test]
fn ids_are_compared_without_case_as_values_and_as_keys() {
    let id = "/subscriptions/s/resourceGroups/g";
    assert_no_changes(
        json!({"id2": id}),
        json!({"id2": "/subscriptions/S/resourcegroups/G"}),
        &[],
    );
    assert_no_changes(
        json!({"map": {id: {"x": 1}}}),
        json!({"map": {"/subscriptions/s/resourcegroups/g": {"x": 1}}}),
        &[],
    );
    assert_eq!(
        changes(json!({"a": "/Other"}), json!({"a": "/other"}), &[]),
        ["a"]
    );
}

#[test]
fn text_is_compared_with_case_without_a_rule() {
    let rules = &[Rule::AnyCase("keySource")];
    assert_no_changes(
        json!({"keySource": "Microsoft.Keyvault"}),
        json!({"keySource": "Microsoft.KeyVault"}),
        rules,
    );
}

#[test]
fn lists_are_compared_in_order_without_a_rule() {
    assert_eq!(
        changes(json!({"a": [1, 2]}), json!({"a": [2, 1]}), &[]),
        ["a"]
    );
    assert_no_changes(
        json!({"a": [1, 2]}),
        json!({"a": [2, 1]}),
        &[Rule::Set("a")],
    );
    assert_eq!(
        changes(
            json!({"a": [1, 2]}),
            json!({"a": [2, 1, 3]}),
            &[Rule::Set("a")]
        ),
        ["a"]
    );
    assert_no_changes(
        json!({"a": [1, 2]}),
        json!({"a": [2, 1, 3]}),
        &[Rule::Open("a")],
    );
}

#[test]
fn keyed_lists_report_the_item_that_differs() {
    let rules = &[Rule::Keyed("a", "name")];
    let live = json!({"a": [{"name": "y", "v": 2, "more": 1}, {"name": "x", "v": 1}]});
    assert_no_changes(
        json!({"a": [{"name": "x", "v": 1}, {"name": "y", "v": 2}]}),
        live.clone(),
        rules,
    );
    assert_eq!(
        changes(
            json!({"a": [{"name": "x", "v": 3}, {"name": "z", "v": 2}]}),
            live,
            rules
        ),
        ["a[x].v", "a[z]", "a[y]"]
    );
}

#[test]
fn write_only_and_read_only_properties_are_not_compared() {
    assert_no_changes(
        json!({"p": {"key": "s"}}),
        json!({"p": {}}),
        &[Rule::WriteOnly("p.key")],
    );
    assert_no_changes(
        json!({"p": {"m": {"x": {"id": "1"}}}}),
        json!({"p": {"m": {"x": {"id": "2"}}}}),
        &[Rule::ReadOnly("p.m.*.id")],
    );
}

#[test]
fn ignored_path_matches_with_or_without_properties() {
    for path in ["properties.a", "a", "properties.*"] {
        let found = diff(
            &Value::from(json!({"properties": {"a": 1}})),
            &json!({"properties": {"a": 2}}),
            &[],
            &[IgnorePattern::property(path)],
        );
        assert!(found.is_empty(), "{path}");
    }
}

#[test]
fn change_of_a_property_fixed_at_creation_is_immutable() {
    let rules = &[Rule::Immutable("location")];
    let found = diff(
        &Value::from(json!({"location": "a", "x": 1})),
        &json!({"location": "b", "x": 2}),
        rules,
        &[],
    );
    assert_eq!(
        found
            .iter()
            .map(|change| change.immutable)
            .collect::<Vec<_>>(),
        [true, false]
    );
}

#[test]
fn update_keeps_unnamed_members_and_omits_read_only_ones() {
    let rules = &[
        Rule::ReadOnly("properties.endpoints"),
        Rule::Open("properties.open"),
    ];
    let live = json!({
        "id": "/x", "name": "x", "type": "T", "etag": "1", "systemData": {},
        "tags": {"foreign": "1", "mine": "old"},
        "properties": {"endpoints": {"a": 1}, "provisioningState": "Succeeded", "kept": true, "list": [1, 2], "open": [7]},
    });
    let wanted = json!({"tags": {"mine": "new"}, "properties": {"LIST": [3], "open": [8]}});
    let body = overlay(&Value::from(wanted), &live, rules, &[])
        .to_json()
        .unwrap();
    assert_eq!(
        body,
        json!({
            "tags": {"foreign": "1", "mine": "new"},
            "properties": {"kept": true, "list": [3], "open": [8, 7]},
        })
    );
}

#[test]
fn missing_identity_is_a_difference() {
    let live = json!({"ids": {"/subscriptions/s/resourcegroups/g": {"clientId": "1"}}});
    assert_no_changes(
        json!({"ids": {"/subscriptions/S/resourceGroups/g": {}}}),
        live.clone(),
        &[],
    );
    assert_eq!(
        changes(
            json!({"ids": {"/subscriptions/s/resourceGroups/other": {}}}),
            live,
            &[]
        ),
        ["ids./subscriptions/s/resourceGroups/other"]
    );
}

#[test]
fn wildcard_key_matches_keys_with_dots() {
    let rules = &[Rule::ReadOnly("identity.userAssignedIdentities.*.clientId")];
    let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i";
    let live = json!({"identity": {"userAssignedIdentities": {id: {"clientId": "1"}}}});
    let wanted = json!({"identity": {"userAssignedIdentities": {id: {"clientId": "2"}}}});
    assert_no_changes(wanted, live.clone(), rules);
    let body = overlay(&Value::from(json!({"x": 1})), &live, rules, &[])
        .to_json()
        .unwrap();
    assert_eq!(body["identity"]["userAssignedIdentities"][id], json!({}));
}

#[test]
fn update_keeps_ignored_properties() {
    let live = json!({"tags": {"owner": "you"}, "properties": {"tier": "Cool", "tls": "1"}});
    let wanted = json!({"tags": {"owner": "me"}, "properties": {"tier": "Hot", "tls": "2"}});
    let ignore = ["tags.owner", "tier"].map(IgnorePattern::property);
    let body = overlay(&Value::from(wanted), &live, &[], &ignore)
        .to_json()
        .unwrap();
    assert_eq!(
        body,
        json!({"tags": {"owner": "you"}, "properties": {"tier": "Cool", "tls": "2"}})
    );
}

#[test]
fn members_of_a_missing_mapping_are_reported_by_leaf() {
    let rules = &[Rule::Immutable("a.b.fixed"), Rule::WriteOnly("a.secret")];
    let wanted = json!({"a": {"b": {"fixed": true, "free": 1}, "secret": "s"}});
    let found = diff(&Value::from(wanted), &json!({}), rules, &[]);
    let found: Vec<_> = found
        .iter()
        .map(|change| (change.path.to_string(), change.immutable))
        .collect();
    assert_eq!(
        found,
        [
            ("a.b.fixed".to_owned(), true),
            ("a.b.free".to_owned(), false)
        ]
    );
}

#[test]
fn absent_boolean_fixed_at_creation_means_false() {
    let rules = &[Rule::Immutable("hns")];
    let wanted = json!({"hns": false, "other": false});
    assert_eq!(changes(wanted.clone(), json!({}), rules), ["other"]);
    assert_eq!(changes(json!({"hns": true}), json!({}), rules), ["hns"]);
    assert_eq!(
        changes(json!({"hns": false}), json!({"hns": true}), rules),
        ["hns"]
    );
    let body = overlay(&Value::from(wanted), &json!({}), rules, &[]);
    assert_eq!(body.to_json().unwrap(), json!({"other": false}));
}

#[test]
fn update_keeps_unnamed_members_of_keyed_items() {
    let rules = &[Rule::Keyed("a", "name"), Rule::ReadOnly("a[].state")];
    let live = json!({"a": [{"name": "x", "on": false, "state": "ok", "v": 1}, {"name": "y"}]});
    let wanted = json!({"a": [{"name": "z"}, {"name": "x", "v": 2}]});
    let body = overlay(&Value::from(wanted), &live, rules, &[]);
    assert_eq!(
        body.to_json().unwrap(),
        json!({"a": [{"name": "z"}, {"name": "x", "on": false, "v": 2}]})
    );
}

#[test]
fn update_never_sends_a_mask() {
    let live =
        json!({"p": {"key": "********", "kept": "k", "list": [{"name": "x", "secret": "####"}]}});
    let wanted = json!({"p": {"kept": "l", "list": [{"name": "x"}]}});
    let body = overlay(&Value::from(wanted), &live, &[], &[]);
    assert_eq!(
        body.to_json().unwrap(),
        json!({"p": {"kept": "l", "list": [{"name": "x"}]}})
    );
}

#[test]
fn update_keeps_unnamed_members_of_named_items() {
    let live =
        json!({"a": [{"name": "x", "on": true, "v": 1}, {"name": "y"}, {"name": "z", "v": 3}]});
    let wanted = json!({"a": [{"name": "z", "v": 4}, {"name": "X", "v": 1}, {"name": "new"}]});
    let updated = |rules: &[Rule]| {
        let body = overlay(&Value::from(wanted.clone()), &live, rules, &[]);
        body.to_json().unwrap()["a"].clone()
    };
    let items = json!([{"name": "z", "v": 4}, {"name": "X", "on": true, "v": 1}, {"name": "new"}]);
    assert_eq!(updated(&[]), items);
    let open = [
        items.as_array().unwrap().as_slice(),
        &[json!({"name": "y"})],
    ]
    .concat();
    assert_eq!(updated(&[Rule::Open("a")]), Json::Array(open));
}

#[test]
fn update_keeps_unnamed_members_of_unnamed_items_only_if_they_match() {
    let live = json!({"a": [{"from": 1, "more": true}, {"from": 2, "more": true}]});
    let wanted = json!({"a": [{"from": 1}, {"from": 3}]});
    let body = overlay(&Value::from(wanted), &live, &[], &[]);
    assert_eq!(
        body.to_json().unwrap(),
        json!({"a": [{"from": 1, "more": true}, {"from": 3}]})
    );
}

#[test]
fn update_leaves_no_difference() {
    let rules = &[
        Rule::Open("open"),
        Rule::Set("set"),
        Rule::Keyed("keyed", "id"),
    ];
    let live = json!({
        "open": [{"v": 1}], "set": ["b", "a"], "keyed": [{"id": 2, "on": true}],
        "named": [{"name": "b"}, {"name": "a", "v": 1.0}],
    });
    let wanted = Value::from(json!({
        "open": [{"v": 2}], "set": ["a", "c"], "keyed": [{"id": 1}, {"id": 2}],
        "named": [{"name": "A", "v": 2}],
    }));
    let body = overlay(&wanted, &live, rules, &[]).to_json().unwrap();
    assert_eq!(diff(&wanted, &body, rules, &[]), []);
}

#[test]
fn live_values_of_secrets_are_masked() {
    let secret = Value::Secret(crate::secret::Secret::new("new"));
    let item = Value::object([("name", Value::string("a")), ("text", secret)]);
    let wanted = Value::object([("list", Value::Array(vec![item]))]);
    for live in [json!([{"name": "a", "text": "old"}]), json!(["old"])] {
        let found = diff(&wanted, &json!({ "list": live }), &[], &[]);
        assert!(!found.is_empty());
        assert!(!format!("{found:?}").contains("old"), "{found:?}");
    }
}

#[test]
fn stripping_a_body_returns_the_paths_of_its_secrets() {
    let live = json!({
        "tags": { "password": "no secret" },
        "properties": {
            "sharedKey": "hunter2", "key": "open", "rules": [{ "name": "a", "token": "x" }, { "name": "b" }],
            "connection": "Key=****", "credentials": { "user": "ada" }, "empty": { "password": "" },
        },
    });
    let (left, found) = bare(&live);
    assert_eq!(
        found,
        [
            "properties.sharedKey",
            "properties.rules[].token",
            "properties.connection",
            "properties.credentials.user"
        ]
        .map(BodyPath::parse)
    );
    assert_eq!(
        left,
        json!({
            "tags": { "password": "no secret" },
            "properties": {
                "key": "open", "rules": [{ "name": "a" }, { "name": "b" }], "credentials": {},
                "empty": { "password": "" },
            },
        })
    );
}
