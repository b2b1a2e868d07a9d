//! The body of an update: the wanted body merged onto the live one.

use serde_json::Value as Json;

use super::{Comparison, list_match::ListMatch, rules, rules_for};
use crate::{
    body_path::BodyPath,
    facts::Rule,
    ignore::IgnorePattern,
    value::{Object, Value},
};

/// The body of a PUT that changes only what differs from the spec: the live body without read-only members and masks of
/// secrets, with the wanted body merged onto it, except for ignored properties.
pub fn overlay(wanted: &Value, live: &Json, rules: &[Rule], ignore: &[IgnorePattern]) -> Value {
    let rules = rules_for(wanted, rules);
    let base = writable(live, &rules);
    Overlay(Comparison::new(&rules, ignore, live)).merge(&BodyPath::root(), base, wanted)
}

/// A live body without read-only members and masks of secrets.
pub fn writable(live: &Json, rules: &[Rule]) -> Json {
    let mut left = live.clone();
    if let Json::Object(members) = &mut left {
        members.retain(|name, _| !ENVELOPE_READ_ONLY.contains(&name.as_str()));
    }
    strip_read_only(&BodyPath::root(), &mut left, rules);
    left
}

/// The read-only members of all types: those that follow from the URL, and metadata of ARM.
const ENVELOPE_READ_ONLY: &[&str] = &["id", "name", "type", "systemData", "etag"];

fn strip_read_only(place: &BodyPath, live: &mut Json, rules: &[Rule]) {
    let is_sent = |place: &BodyPath, value: &Json| {
        let is_read_only = rules
            .iter()
            .any(|rule| matches!(rule, Rule::ReadOnly(path) if place.matches(path)));
        !is_read_only
            && place.name() != "provisioningState"
            && !value.as_str().is_some_and(rules::is_mask)
    };
    match live {
        Json::Object(members) => members.retain(|key, value| {
            let inner = place.member(key);
            let keep = is_sent(&inner, value);
            if keep {
                strip_read_only(&inner, value, rules);
            }
            keep
        }),
        Json::Array(items) => items
            .iter_mut()
            .for_each(|item| strip_read_only(&place.any_item(), item, rules)),
        _ => {}
    }
}

struct Overlay<'a>(Comparison<'a>);

impl Overlay<'_> {
    fn merge(&self, place: &BodyPath, base: Json, wanted: &Value) -> Value {
        if self.0.is_ignored(place) {
            return Value::from(base);
        }
        match (base, wanted) {
            (Json::Object(base), Value::Object(members)) => {
                let mut result: Object = base
                    .into_iter()
                    .map(|(key, value)| (key, Value::from(value)))
                    .collect();
                for (key, wanted) in members {
                    let existing = result
                        .keys()
                        .find(|other| other.eq_ignore_ascii_case(key))
                        .cloned();
                    let before = existing
                        .as_ref()
                        .and_then(|key| result.get(key)?.to_json().ok());
                    let inner = place.member(key);
                    let value = match before {
                        Some(before) => self.merge(&inner, before, wanted),
                        None if *wanted == Value::Bool(false) && self.0.is_fixed(&inner) => {
                            continue;
                        }
                        None => wanted.clone(),
                    };
                    result.insert(existing.unwrap_or_else(|| key.clone()), value);
                }
                Value::Object(result)
            }
            (Json::Array(base), Value::Array(items)) => self.merge_list(place, &base, items),
            (base, Value::Null) => Value::from(base),
            (_, wanted) => wanted.clone(),
        }
    }

    fn merge_list(&self, place: &BodyPath, base: &[Json], items: &[Value]) -> Value {
        let inner = place.any_item();
        let matched = ListMatch::new(&self.0, place, items, base);
        let is_same = |item: &Value, live: &Json| {
            matched.are_of_one_item() || self.0.is_as_wanted(&inner, item, live)
        };
        let merge = |(item, other): (&Value, &Option<&Json>)| match *other {
            Some(live) if is_same(item, live) => self.merge(&inner, live.clone(), item),
            _ => item.clone(),
        };
        let mut result: Vec<Value> = items.iter().zip(&matched.found).map(merge).collect();
        if self.0.is_open(place) {
            let left = matched.left.iter();
            result.extend(left.map(|(_, live)| Value::from((*live).clone())));
        }
        Value::Array(result)
    }
}
