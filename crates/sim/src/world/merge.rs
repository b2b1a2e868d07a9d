//! How a new body meets what is stored, and the forms that ARM gives to values.

use serde_json::{Map, Value};

/// Writes what `change` names over `base`: objects member by member, all else whole. A null names nothing.
pub(crate) fn overlay(base: &mut Value, change: &Value) {
    match (base, change) {
        (_, Value::Null) => {}
        (Value::Object(base), Value::Object(change)) => {
            for (name, value) in change.iter().filter(|(_, value)| !value.is_null()) {
                overlay(base.entry(name).or_insert(Value::Null), value);
            }
        }
        (base @ Value::Null, Value::Object(_)) => {
            *base = Value::Object(Map::new());
            overlay(base, change);
        }
        (base, change) => *base = change.clone(),
    }
}

/// A JSON merge patch (RFC 7396): a null takes the member away.
pub(crate) fn patch(base: &mut Value, change: &Value) {
    let Value::Object(change) = change else {
        *base = change.clone();
        return;
    };
    if !base.is_object() {
        *base = Value::Object(Map::new());
    }
    let Some(base) = base.as_object_mut() else {
        return;
    };
    for (name, value) in change {
        if value.is_null() {
            base.remove(name);
        } else {
            patch(base.entry(name).or_insert(Value::Null), value);
        }
    }
}

/// The tags of a body; absent and null are none at all.
pub(crate) fn tags(body: &Value) -> Value {
    match &body["tags"] {
        tags @ Value::Object(_) => tags.clone(),
        _ => Value::Object(Map::new()),
    }
}

/// A region in its short form: `West Europe` is `westeurope`.
pub(crate) fn region(name: &str) -> String {
    name.chars()
        .filter(|c| !c.is_whitespace())
        .collect::<String>()
        .to_ascii_lowercase()
}

/// The members of an object; none for anything else.
pub(crate) fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

/// The elements of an array; none for anything else.
pub(crate) fn elements(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The text at a JSON pointer, empty when there is none.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn overlay_keeps_what_is_not_named_and_patch_removes_nulls() {
        let mut base = json!({ "a": { "x": 1, "y": 2 }, "l": [1, 2] });
        overlay(
            &mut base,
            &json!({ "a": { "x": null, "y": 3 }, "l": [9], "n": { "m": null } }),
        );
        assert_eq!(base, json!({ "a": { "x": 1, "y": 3 }, "l": [9], "n": {} }));
        patch(&mut base, &json!({ "a": { "x": null }, "t": "new" }));
        assert_eq!(
            base,
            json!({ "a": { "y": 3 }, "l": [9], "n": {}, "t": "new" })
        );
    }
}
