//! The body of an update: what is wanted, laid over what is live.

use serde_json::Value as Json;

use super::{Comparison, place::Place, rules, rules_for, twins::Twins};
use crate::{
    facts::Rule,
    ignore::Ignored,
    value::{Object, Value},
};

/// The body of a PUT that changes `live` into what is wanted and leaves everything else as it is: members that the
/// service fills by itself are taken out, as are masks of secrets, and what is wanted is laid over the rest, but for
/// what the author ignores.
pub fn overlay(wanted: &Value, live: &Json, rules: &[Rule], ignore: &[Ignored]) -> Value {
    let rules = rules_for(wanted, rules);
    let base = writable(live, &rules);
    Overlay(Comparison::new(&rules, ignore, live)).lay_over(&Place::root(), base, wanted)
}

/// What is live without what nobody can write: members that the service fills by itself, and masks of secrets.
pub fn writable(live: &Json, rules: &[Rule]) -> Json {
    let mut left = live.clone();
    if let Json::Object(members) = &mut left {
        members.retain(|name, _| !ENVELOPE_READ_ONLY.contains(&name.as_str()));
    }
    strip_read_only(&Place::root(), &mut left, rules);
    left
}

/// Members that follow from the URL, or that ARM keeps for itself, in every type.
const ENVELOPE_READ_ONLY: &[&str] = &["id", "name", "type", "systemData", "etag"];

fn strip_read_only(place: &Place, live: &mut Json, rules: &[Rule]) {
    let is_sent = |place: &Place, value: &Json| {
        let is_read_only = rules
            .iter()
            .any(|rule| matches!(rule, Rule::ReadOnly(path) if place.is(path)));
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
            .for_each(|item| strip_read_only(&place.item(""), item, rules)),
        _ => {}
    }
}

struct Overlay<'a>(Comparison<'a>);

impl Overlay<'_> {
    fn lay_over(&self, place: &Place, base: Json, wanted: &Value) -> Value {
        if place.is_ignored(self.0.ignore) {
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
                        Some(before) => self.lay_over(&inner, before, wanted),
                        None if *wanted == Value::Bool(false) && inner.is_fixed(self.0.rules) => {
                            continue;
                        }
                        None => wanted.clone(),
                    };
                    result.insert(existing.unwrap_or_else(|| key.clone()), value);
                }
                Value::Object(result)
            }
            (Json::Array(base), Value::Array(items)) => self.lay_over_list(place, &base, items),
            (base, Value::Null) => Value::from(base),
            (_, wanted) => wanted.clone(),
        }
    }

    fn lay_over_list(&self, place: &Place, base: &[Json], items: &[Value]) -> Value {
        let inner = place.item("");
        let twins = Twins::of(&self.0, place, items, base);
        let is_same = |item: &Value, live: &Json| {
            twins.are_of_one_item() || self.0.is_as_wanted(&inner, item, live)
        };
        let lay_over = |(item, twin): (&Value, &Option<&Json>)| match *twin {
            Some(live) if is_same(item, live) => self.lay_over(&inner, live.clone(), item),
            _ => item.clone(),
        };
        let mut result: Vec<Value> = items.iter().zip(&twins.found).map(lay_over).collect();
        if self.0.is_open(place) {
            let left = twins.left.iter();
            result.extend(left.map(|(_, live)| Value::from((*live).clone())));
        }
        Value::Array(result)
    }
}
