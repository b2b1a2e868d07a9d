//! What a difference is: a wanted body against a live one, under general rules and those of the kind.
//!
//! Only what is wanted is compared, never the other way round: an answer always holds more (ARM facts 1.1).

use serde_json::{Map, Number, Value as Json};

use crate::{
    arm::{ArmId, same_location},
    kind::Rule,
    value::{Object, Value},
};

/// A property that is not as wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The path in ARM's body: `properties.networkAcls.ipRules[203.0.113.0/24]`.
    pub path: String,
    /// What is there; `None` where nothing is.
    pub before: Option<Json>,
    /// What is wanted; `None` where nothing shall be.
    pub after: Option<Value>,
    /// Whether the property is fixed at creation.
    pub immutable: bool,
}

/// The differences between what is wanted and what is live, in the order of what is wanted.
pub fn diff(wanted: &Value, live: &Json, rules: &[Rule], ignore: &[String]) -> Vec<Change> {
    let mut comparison = Comparison {
        rules,
        ignore,
        changes: Vec::new(),
    };
    comparison.value(&Place::root(), wanted, Some(live));
    comparison.changes
}

/// The body of a PUT that changes `live` into what is wanted and leaves everything else as it is: members that the
/// service fills by itself are taken out, and what is wanted is laid over the rest, but for what the author ignores.
pub fn overlay(wanted: &Value, live: &Json, rules: &[Rule], ignore: &[String]) -> Value {
    let mut base = live.clone();
    if let Json::Object(members) = &mut base {
        members.retain(|name, _| !ENVELOPE_READ_ONLY.contains(&name.as_str()));
    }
    strip_read_only(&Place::root(), &mut base, rules);
    Overlay { rules, ignore }.lay_over(&Place::root(), base, wanted)
}

/// Members that follow from the URL, or that ARM keeps for itself, in every type.
const ENVELOPE_READ_ONLY: &[&str] = &["id", "name", "type", "systemData", "etag"];

/// Where in a body we are: as shown, and as rules name it, a segment a level.
#[derive(Clone, Default)]
struct Place {
    shown: String,
    ruled: Vec<String>,
}

impl Place {
    fn root() -> Self {
        Self::default()
    }

    fn member(&self, key: &str) -> Self {
        let mut inner = self.clone();
        if !inner.shown.is_empty() {
            inner.shown.push('.');
        }
        inner.shown.push_str(key);
        inner.ruled.push(key.to_owned());
        inner
    }

    fn item(&self, label: &str) -> Self {
        let mut inner = self.clone();
        inner.shown.push_str(&format!("[{label}]"));
        if let Some(last) = inner.ruled.last_mut() {
            last.push_str("[]");
        }
        inner
    }

    /// Whether a rule's path names this place. `*` stands for one segment, whatever is in it.
    fn is(&self, path: &str) -> bool {
        names(path, &self.ruled)
    }

    /// Whether a rule's path names this place or one that it is in.
    fn is_within(&self, path: &str) -> bool {
        let depth = path.split('.').count();
        self.ruled
            .get(..depth)
            .is_some_and(|head| names(path, head))
    }

    /// Whether creation decides what is here. A switch of that sort which is not there was left off.
    fn is_fixed(&self, rules: &[Rule]) -> bool {
        rules
            .iter()
            .any(|rule| matches!(rule, Rule::Immutable(path) if self.is_within(path)))
    }

    /// Whether an author's path names this place, with or without the `properties.` that first-class kinds hide.
    fn is_ignored(&self, paths: &[String]) -> bool {
        let inner = self
            .ruled
            .split_first()
            .filter(|(head, _)| *head == "properties")
            .map(|(_, rest)| rest);
        paths
            .iter()
            .any(|path| self.is(path) || inner.is_some_and(|inner| names(path, inner)))
    }

    fn last(&self) -> &str {
        self.ruled.last().map(String::as_str).unwrap_or_default()
    }
}

fn names(path: &str, segments: &[String]) -> bool {
    let mut pattern = path.split('.');
    let named = segments.iter().all(|segment| {
        pattern
            .next()
            .is_some_and(|pattern| pattern == "*" || pattern.eq_ignore_ascii_case(segment))
    });
    named && pattern.next().is_none()
}

struct Comparison<'a> {
    rules: &'a [Rule],
    ignore: &'a [String],
    changes: Vec<Change>,
}

impl Comparison<'_> {
    fn ruled(&self, place: &Place, rule: impl Fn(&Rule) -> Option<&'static str>) -> bool {
        self.rules
            .iter()
            .filter_map(rule)
            .any(|path| place.is(path))
    }

    fn report(&mut self, place: &Place, before: Option<&Json>, after: Option<&Value>) {
        self.changes.push(Change {
            path: place.shown.clone(),
            before: before.cloned(),
            after: after.cloned(),
            immutable: place.is_fixed(self.rules),
        });
    }

    fn value(&mut self, place: &Place, wanted: &Value, live: Option<&Json>) {
        let not_compared = self.ruled(place, |rule| match rule {
            Rule::WriteOnly(path) | Rule::ReadOnly(path) => Some(path),
            _ => None,
        });
        if not_compared
            || place.is_ignored(self.ignore)
            || (is_empty(wanted) && live.is_none_or(is_empty_json))
        {
            return;
        }
        match (wanted, live) {
            (Value::Null, _) => {}
            (Value::Bool(false), None) if place.is_fixed(self.rules) => {}
            (Value::Object(members), Some(Json::Object(found))) => {
                self.object(place, members, found)
            }
            // What is below is named leaf by leaf: rules hold for leaves.
            (Value::Object(members), None | Some(Json::Null)) => {
                self.object(place, members, &Map::new())
            }
            (Value::Array(items), Some(Json::Array(found))) => self.array(place, items, found),
            (wanted, Some(found)) if same_scalar(self.rules, place, wanted, found) => {}
            (wanted, found) => {
                self.report(place, found.filter(|found| !found.is_null()), Some(wanted))
            }
        }
    }

    fn object(&mut self, place: &Place, members: &Object, found: &Map<String, Json>) {
        for (key, wanted) in members {
            let live = found.get(key).or_else(|| {
                let same = |(other, _): &(&String, &Json)| other.eq_ignore_ascii_case(key);
                found.iter().find(same).map(|(_, value)| value)
            });
            let inner = place.member(key);
            // Of a mapping of ids the keys are what is wanted, with nothing behind them.
            if live.is_none() && ArmId::looks_like(key) && !inner.is_ignored(self.ignore) {
                self.report(&inner, None, Some(wanted));
            } else {
                self.value(&inner, wanted, live);
            }
        }
    }

    fn array(&mut self, place: &Place, items: &[Value], found: &[Json]) {
        let open = self.ruled(place, |rule| {
            if let Rule::Open(path) = rule {
                Some(path)
            } else {
                None
            }
        });
        let mut left: Vec<&Json> = found.iter().collect();
        let key = key_of(self.rules, place)
            .filter(|key| items.iter().all(|item| item.get(key).is_some()));
        if let Some(key) = key {
            for item in items {
                let label = item
                    .get(key)
                    .map(|value| value.to_display_json())
                    .unwrap_or_default();
                let at = left.iter().position(|live| {
                    live.get(key)
                        .zip(item.get(key))
                        .is_some_and(|(live, item)| {
                            same_scalar(self.rules, &place.item("").member(key), item, live)
                        })
                });
                let inner = place.item(label.as_str().unwrap_or(&label.to_string()));
                match at {
                    Some(at) => {
                        let live = left.remove(at);
                        self.value(&inner, item, Some(live));
                    }
                    None => self.report(&inner, None, Some(item)),
                }
            }
            if !open {
                for live in left {
                    let label = live.get(key).cloned().unwrap_or_default();
                    let inner = place.item(label.as_str().unwrap_or(&label.to_string()));
                    self.report(&inner, Some(live), None);
                }
            }
            return;
        }
        let set = open
            || self.ruled(place, |rule| {
                if let Rule::Set(path) = rule {
                    Some(path)
                } else {
                    None
                }
            });
        let same = if set {
            let all_found = items.iter().all(|item| {
                let at = left
                    .iter()
                    .position(|live| self.equal(&place.item(""), item, live));
                at.map(|at| left.remove(at)).is_some()
            });
            all_found && (open || left.is_empty())
        } else {
            items.len() == found.len()
                && items
                    .iter()
                    .zip(found)
                    .all(|(item, live)| self.equal(&place.item(""), item, live))
        };
        if !same {
            self.report(
                place,
                Some(&Json::Array(found.to_vec())),
                Some(&Value::Array(items.to_vec())),
            );
        }
    }

    fn equal(&self, place: &Place, wanted: &Value, live: &Json) -> bool {
        let mut inner = Comparison {
            rules: self.rules,
            ignore: self.ignore,
            changes: Vec::new(),
        };
        inner.value(place, wanted, Some(live));
        inner.changes.is_empty()
    }
}

/// The member by which the items of a list are matched.
fn key_of(rules: &[Rule], place: &Place) -> Option<&'static str> {
    rules.iter().find_map(|rule| match rule {
        Rule::Keyed(path, key) if place.is(path) => Some(*key),
        _ => None,
    })
}

fn same_scalar(rules: &[Rule], place: &Place, wanted: &Value, live: &Json) -> bool {
    match (wanted, live) {
        (Value::Bool(wanted), Json::Bool(live)) => wanted == live,
        (Value::Number(wanted), Json::Number(live)) => same_number(wanted, live),
        (Value::String(wanted), Json::String(live)) => {
            let any_case = |rule: &Rule| matches!(rule, Rule::AnyCase(path) if place.is(path));
            let any_case = rules.iter().any(any_case);
            wanted == live
                || (ArmId::looks_like(wanted) || any_case) && wanted.eq_ignore_ascii_case(live)
                || is_location(place.last()) && same_location(wanted, live)
        }
        _ => false,
    }
}

/// ARM facts 1.1: integers come back as `30.0`.
fn same_number(left: &Number, right: &Number) -> bool {
    left == right
        || match (left.as_i128(), right.as_i128()) {
            (Some(left), Some(right)) => left == right,
            _ => left.as_f64() == right.as_f64(),
        }
}

/// ARM facts 1.3: every property that ends in this word comes back in display form somewhere.
fn is_location(member: &str) -> bool {
    ["location", "locationName"]
        .iter()
        .any(|word| member.eq_ignore_ascii_case(word))
        || ["Location", "LocationName"]
            .iter()
            .any(|word| member.ends_with(word))
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

fn is_empty_json(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::String(text) => text.is_empty(),
        Json::Array(items) => items.is_empty(),
        Json::Object(members) => members.is_empty(),
        _ => false,
    }
}

fn strip_read_only(place: &Place, live: &mut Json, rules: &[Rule]) {
    let read_only = |place: &Place| {
        rules
            .iter()
            .any(|rule| matches!(rule, Rule::ReadOnly(path) if place.is(path)))
            || place.last() == "provisioningState"
    };
    match live {
        Json::Object(members) => members.retain(|key, value| {
            let inner = place.member(key);
            let keep = !read_only(&inner);
            if keep {
                strip_read_only(&inner, value, rules);
            }
            keep
        }),
        Json::Array(items) => {
            items
                .iter_mut()
                .for_each(|item| strip_read_only(&place.item(""), item, rules));
        }
        _ => {}
    }
}

struct Overlay<'a> {
    rules: &'a [Rule],
    ignore: &'a [String],
}

impl Overlay<'_> {
    fn lay_over(&self, place: &Place, base: Json, wanted: &Value) -> Value {
        if place.is_ignored(self.ignore) {
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
                        None if *wanted == Value::Bool(false) && inner.is_fixed(self.rules) => {
                            continue;
                        }
                        None => wanted.clone(),
                    };
                    result.insert(existing.unwrap_or_else(|| key.clone()), value);
                }
                Value::Object(result)
            }
            (Json::Array(base), Value::Array(items)) => {
                let open = |rule: &Rule| matches!(rule, Rule::Open(path) if place.is(path));
                let mut result: Vec<Value> = items
                    .iter()
                    .map(|item| match self.twin(place, item, &base) {
                        Some(live) => self.lay_over(&place.item(""), live.clone(), item),
                        None => item.clone(),
                    })
                    .collect();
                if self.rules.iter().any(open) {
                    result.extend(
                        base.into_iter()
                            .map(Value::from)
                            .filter(|item| !items.contains(item)),
                    );
                }
                Value::Array(result)
            }
            (base, Value::Null) => Value::from(base),
            (_, wanted) => wanted.clone(),
        }
    }

    /// The live item that a wanted one is matched with, in a list whose items have a key.
    fn twin<'l>(&self, place: &Place, item: &Value, live: &'l [Json]) -> Option<&'l Json> {
        let key = key_of(self.rules, place)?;
        let wanted = item.get(key)?;
        let at = place.item("").member(key);
        live.iter().find(|live| {
            live.get(key)
                .is_some_and(|live| same_scalar(self.rules, &at, wanted, live))
        })
    }
}

#[cfg(test)]
mod tests;
