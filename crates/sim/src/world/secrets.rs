//! Secrets, which ARM accepts in requests but leaves out of responses.

use serde_json::Value;

/// Suffixes of the names of secret members.
const SUFFIXES: &[&str] = &[
    "password",
    "passphrase",
    "secret",
    "connectionstring",
    "securevalue",
];

/// Removes all secrets from the body.
pub(crate) fn remove(body: &mut Value) {
    match body {
        Value::Object(members) => {
            members.retain(|name, value| !is_secret(name, value));
            let inner = members.iter_mut().filter(|(name, _)| *name != "tags");
            inner.for_each(|(_, value)| remove(value));
        }
        Value::Array(items) => items.iter_mut().for_each(remove),
        _ => {}
    }
}

/// Whether the body contains secrets.
pub(crate) fn contains(body: &Value) -> bool {
    match body {
        Value::Object(members) => members
            .iter()
            .any(|(name, value)| is_secret(name, value) || name != "tags" && contains(value)),
        Value::Array(items) => items.iter().any(contains),
        _ => false,
    }
}

fn is_secret(name: &str, value: &Value) -> bool {
    let name = name.to_ascii_lowercase();
    value.is_string() && SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{contains, remove};

    #[test]
    fn nested_secrets_are_removed() {
        let mut body = json!({ "a": { "adminPassword": "x", "adminUsername": "y", "disablePassword": true },
                               "b": [{ "clientSecret": "z", "name": "n" }] });
        assert!(contains(&body));
        remove(&mut body);
        assert!(!contains(&body));
        assert_eq!(
            body,
            json!({ "a": { "adminUsername": "y", "disablePassword": true }, "b": [{ "name": "n" }] })
        );
    }
}
