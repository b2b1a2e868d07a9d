//! Secrets go in and never come out: answers leave them out (ARM facts 1.1, consequence 7).

use serde_json::Value;

/// What the names of secrets end in.
const ENDINGS: &[&str] = &[
    "password",
    "passphrase",
    "secret",
    "connectionstring",
    "securevalue",
];

/// The body without secrets.
pub(crate) fn conceal(body: &mut Value) {
    match body {
        Value::Object(members) => {
            members.retain(|name, value| !is_secret(name, value));
            let inner = members.iter_mut().filter(|(name, _)| *name != "tags");
            inner.for_each(|(_, value)| conceal(value));
        }
        Value::Array(items) => items.iter_mut().for_each(conceal),
        _ => {}
    }
}

/// Whether there is anything to leave out.
pub(crate) fn are_in(body: &Value) -> bool {
    match body {
        Value::Object(members) => members
            .iter()
            .any(|(name, value)| is_secret(name, value) || name != "tags" && are_in(value)),
        Value::Array(items) => items.iter().any(are_in),
        _ => false,
    }
}

fn is_secret(name: &str, value: &Value) -> bool {
    let name = name.to_ascii_lowercase();
    value.is_string() && ENDINGS.iter().any(|ending| name.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{are_in, conceal};

    #[test]
    fn secrets_are_left_out_wherever_they_are() {
        let mut body = json!({ "a": { "adminPassword": "x", "adminUsername": "y", "disablePassword": true },
                               "b": [{ "clientSecret": "z", "name": "n" }] });
        assert!(are_in(&body));
        conceal(&mut body);
        assert!(!are_in(&body));
        assert_eq!(
            body,
            json!({ "a": { "adminUsername": "y", "disablePassword": true }, "b": [{ "name": "n" }] })
        );
    }
}
