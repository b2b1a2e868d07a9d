//! Tests of redaction.

use proptest::prelude::*;
use serde_json::json;

use super::*;

const SECRET: &str = "Tr0ub4dor&3 \"quoted\"";

fn redaction_with(secrets: &[&str]) -> Redaction {
    let mut redaction = Redaction::default();
    let secrets: Vec<Secret> = secrets.iter().map(|text| Secret::new(*text)).collect();
    redaction.add_secrets(&secrets);
    redaction
}

#[test]
fn every_pattern_compiles() {
    assert_eq!(PATTERNS.len(), PATTERN_SOURCES.len());
    assert!(QUERY_PARAMETER.is_some());
}

#[test]
fn values_with_sensitive_names_are_removed_and_the_rest_stays() {
    let body = json!({
        "id": "/subscriptions/1/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm",
        "name": "vm",
        "location": "westeurope",
        "tags": { "team": "vision", "lazuli-secrets": "a1b2c3" },
        "properties": {
            "osProfile": { "adminUsername": "ops", "adminPassword": "hunter2", "customData": "IyEvYmlu" },
            "allowSharedKeyAccess": true,
            "primaryKey": "k",
            "keys": [{ "keyName": "key1", "value": "abc", "permissions": "FULL" }],
            "connectionString": "Endpoint=sb://x/;SharedAccessKey=abc",
            "siteConfig": { "appSettings": [{ "name": "A", "value": "b" }] },
            "publicKey": "ssh-rsa AAAA",
            "pin": 1234,
            "accessToken": "",
            "count": 3,
        },
    });
    assert_eq!(
        redaction_with(&["1234"]).body("/subscriptions/1/resourceGroups/rg", &body),
        json!({
            "id": "/subscriptions/1/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm",
            "name": "vm",
            "location": "westeurope",
            "tags": { "team": "vision", "lazuli-secrets": "(secret)" },
            "properties": {
                "osProfile": { "adminUsername": "ops", "adminPassword": "(secret)", "customData": "(secret)" },
                "allowSharedKeyAccess": true,
                "primaryKey": "(secret)",
                "keys": [{ "keyName": "(secret)", "value": "(secret)", "permissions": "(secret)" }],
                "connectionString": "(secret)",
                "siteConfig": { "appSettings": [{ "name": "(secret)", "value": "(secret)" }] },
                "publicKey": "ssh-rsa AAAA",
                "pin": "(secret)",
                "accessToken": "",
                "count": 3,
            },
        })
    );
}

#[test]
fn bodies_of_secret_paths_are_removed() {
    let redaction = Redaction::default();
    let body =
        json!({ "id": "/x", "properties": { "value": "s", "on": true, "n": 1 }, "keys": ["k"] });
    let bare = json!({
        "id": "/x",
        "properties": { "value": "(secret)", "on": true, "n": "(secret)" },
        "keys": ["(secret)"],
    });
    for path in [
        "/subscriptions/1/providers/Microsoft.KeyVault/vaults/v/secrets/s",
        "/subscriptions/1/providers/Microsoft.Web/sites/s/config/appsettings",
        "/v1.0/directoryObjects/getByIds",
        "/subscriptions/1/providers/Microsoft.Storage/storageAccounts/s/listKeys",
        "/subscriptions/1/providers/Microsoft.Storage/storageAccounts/s/regenerateKey",
        "/subscriptions/1/providers/Microsoft.Storage/storageAccounts/s/ListAccountSas",
    ] {
        assert_eq!(redaction.body(path, &body), bare, "{path}");
    }
    assert_eq!(
        redaction.body("/x/listKeys", &json!("k")),
        json!("(secret)")
    );
}

#[test]
fn secrets_are_recognized_in_text() {
    let redaction = Redaction::default();
    let key = "q83vEjRWeJq83vEjRWeJq83vEjRWeJq83vEjRWeJq83vEjRWeJq83vEjRWeJq83vEjRWeJ==";
    for (text, shown) in [
        (key, "(secret)"),
        ("token eyJhbGciOi.eyJzdWIi.c2ln_-x.", "token (secret)"),
        (
            "Authorization: Bearer abcdefgh.12-34",
            "Authorization: Bearer (secret)",
        ),
        (
            "https://x.blob.core.windows.net/c?sv=2024&sig=a%2Fb%3D&api-version=1",
            "https://x.blob.core.windows.net/c?sv=(secret)&sig=(secret)&api-version=1",
        ),
        (
            "https://management.azure.com/a?api-version=1&t=638&c=MII&s=x_y&h=z",
            "https://management.azure.com/a?api-version=1&t=(secret)&c=(secret)&s=(secret)&h=(secret)",
        ),
        ("amqp://user:pass@host/x", "amqp://(secret)@host/x"),
        (
            "DefaultEndpointsProtocol=https;AccountName=st;AccountKey=abc/def==;EndpointSuffix=x",
            "DefaultEndpointsProtocol=https;AccountName=st;AccountKey=(secret);EndpointSuffix=x",
        ),
        (
            "Server=x;User=u;Password=hunter2;Encrypt=1",
            "Server=x;User=u;Password=(secret);Encrypt=1",
        ),
        (
            r#"{"adminPassword": "hunter2", "size": "small"}"#,
            r#"{"adminPassword": "(secret)", "size": "small"}"#,
        ),
        (
            r#"{\"clientSecret\":\"hunter2\",\"size\":\"small\"}"#,
            r#"{\"clientSecret\":\"(secret)\",\"size\":\"small\"}"#,
        ),
        (
            "a -----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY----- b",
            "a (secret) b",
        ),
    ] {
        assert_eq!(redaction.text(text), shown);
    }
}

#[test]
fn ordinary_text_is_not_changed() {
    let redaction = Redaction::default();
    for text in [
        "/subscriptions/00000000-0000-0000-0000-0000000a2c05/resourceGroups/rgA1/providers/Microsoft.Storage/storageAccounts/st",
        "https://management.azure.com/subscriptions/1?api-version=2025-04-01&$filter=atScope()",
        "The client '0000' with object id '0000' does not have authorization to perform action \
         'Microsoft.Storage/storageAccounts/write' over scope '/subscriptions/1'.",
        "Values for request parameters are invalid: keyPolicy.keyExpirationPeriodInDays.",
        "2025-04-01T10:00:00.1234567Z",
        "my-very-long-resource-name-for-the-production-environment-1",
        "Succeeded",
    ] {
        assert_eq!(redaction.text(text), text);
    }
}

#[test]
fn registered_secrets_are_removed_in_every_encoding() {
    let redaction = redaction_with(&[SECRET, "abc", "-----\nline number one\nline number two\n"]);
    for text in [
        format!("the value {SECRET} is too short"),
        json!({ "inner": SECRET }).to_string(),
        format!("https://x/{}?api-version=1", percent_encoded(SECRET)),
        "it has line number two\r\n in it".to_owned(),
    ] {
        let shown = redaction.text(&text);
        assert!(
            shown.contains(HIDDEN) && !shown.contains("dor") && !shown.contains("number"),
            "{shown}"
        );
    }
    let body = json!({ "a": "abc", "b": "abcd", SECRET: 1 });
    let shown = redaction.body("/x", &body);
    assert_eq!(
        shown,
        json!({ "a": "(secret)", "b": "abcd", "(secret)": 1 })
    );
}

/// JSON of any structure with a text at any position.
fn around(secret: String) -> impl Strategy<Value = Json> {
    let text = prop_oneof![
        Just(json!(secret.clone())),
        Just(json!(format!("once {secret}, twice {secret}"))),
        Just(json!(json!({ "error": { "message": secret } }).to_string())),
        any::<i64>().prop_map(Json::from),
        "[a-z]{0,8}".prop_map(Json::from),
    ];
    text.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::btree_map("[a-zA-Z]{1,8}", inner, 0..4)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn registered_secrets_are_removed_from_bodies(
        (secret, body) in "[ -~]{6,20}".prop_map(|text| format!("{text}Zq9")).prop_flat_map(|secret| {
            (Just(secret.clone()), around(secret))
        })
    ) {
        let shown = redaction_with(&[secret.as_str()]).body("/subscriptions/1", &body).to_string();
        let quoted = json!(secret).to_string();
        prop_assert!(!shown.contains(secret.trim()), "{shown}");
        prop_assert!(!shown.contains(quoted.trim_matches('"')), "{shown}");
    }

    #[test]
    fn redacted_bodies_keep_their_structure(body in around("none".to_owned())) {
        fn same(left: &Json, right: &Json) -> bool {
            match (left, right) {
                (Json::Object(left), Json::Object(right)) => {
                    left.len() == right.len() && left.values().zip(right.values()).all(|(l, r)| same(l, r))
                }
                (Json::Array(left), Json::Array(right)) => {
                    left.len() == right.len() && left.iter().zip(right).all(|(l, r)| same(l, r))
                }
                (left, right) => !left.is_object() && !right.is_object() && !left.is_array() && !right.is_array(),
            }
        }
        let shown = Redaction::default().body("/x", &body);
        prop_assert!(same(&body, &shown), "{shown}");
    }
}
