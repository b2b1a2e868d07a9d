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
            members.retain(|name, value| {
                let name = name.to_ascii_lowercase();
                !(value.is_string() && ENDINGS.iter().any(|ending| name.ends_with(ending)))
            });
            let inner = members.iter_mut().filter(|(name, _)| *name != "tags");
            inner.for_each(|(_, value)| conceal(value));
        }
        Value::Array(items) => items.iter_mut().for_each(conceal),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::conceal;

    #[test]
    fn secrets_are_left_out_wherever_they_are() {
        let mut body = json!({ "a": { "adminPassword": "x", "adminUsername": "y", "disablePassword": true },
                               "b": [{ "clientSecret": "z", "name": "n" }] });
        conceal(&mut body);
        assert_eq!(
            body,
            json!({ "a": { "adminUsername": "y", "disablePassword": true }, "b": [{ "name": "n" }] })
        );
    }
}
