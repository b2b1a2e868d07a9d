//! Merging of JSON bodies, and access to their members.

use serde_json::{Map, Value};

/// Merges `change` into `base`: objects by member, all other values as a whole. A null changes nothing.
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

/// Applies a JSON merge patch (RFC 7396): a null removes the member.
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

/// The tags of a body; empty if they are absent or null.
pub(crate) fn tags(body: &Value) -> Value {
    match &body["tags"] {
        tags @ Value::Object(_) => tags.clone(),
        _ => Value::Object(Map::new()),
    }
}

/// The value of a tag. Names of tags are case-insensitive (Microsoft docs "Use tags to organize your Azure resources").
pub(crate) fn tag<'a>(body: &'a Value, name: &str) -> Option<&'a str> {
    members(body.get("tags")?)
        .find(|(other, _)| other.eq_ignore_ascii_case(name))
        .and_then(|(_, value)| value.as_str())
}

/// The members of an object; empty for any other value.
pub(crate) fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

/// The elements of an array; empty for any other value.
pub(crate) fn elements(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The string at `/member/member`. ARM treats an absent string like an empty one, and so does this function. Not for
/// member names with `/` or `~`.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    pointer
        .split('/')
        .skip(1)
        .try_fold(value, |value, member| value.get(member))
        .and_then(Value::as_str)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn overlay_ignores_nulls_and_patch_removes_them() {
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
