//! Compares a wanted body with a live one, by general rules and those of the type.
//!
//! Only wanted members are compared, because a response always has more (ARM facts 1.1). The rules for all types are in
//! `rules.rs`; rules for one type are data: the [`Rule`]s of a kind or, without a kind, of the type in the registry.

use serde_json::{Map, Value as Json};

use self::list_match::ListMatch;
use crate::{
    arm::ArmId,
    body_path::{BodyPath, Level, levels},
    facts::Rule,
    ignore::IgnorePattern,
    secret::HIDDEN,
    value::{Object, Value},
};

mod forms;
mod list_match;
mod masking;
mod overlay;
mod rules;

pub use masking::{MaskedSecret, bare, mask_secrets};
pub use overlay::{overlay, writable};
pub use rules::{holds_free_text, is_empty};

/// A property that differs from the spec.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The path in ARM's body.
    pub path: BodyPath,
    /// The live value; `None` if it is not set.
    pub before: Option<Json>,
    /// The wanted value; `None` if the property is removed.
    pub after: Option<Value>,
    /// Whether the property is fixed at creation.
    pub immutable: bool,
}

/// The result of a comparison.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ComparisonResult {
    /// The differences, in the order of the wanted body.
    pub changes: Vec<Change>,
    /// The secrets that could not be compared, because Azure does not return them.
    pub unverifiable: Vec<MaskedSecret>,
}

/// Compares a wanted body with a live one.
pub fn compare(
    wanted: &Value,
    live: &Json,
    rules: &[Rule],
    ignore: &[IgnorePattern],
) -> ComparisonResult {
    let rules = rules_for(wanted, rules);
    let mut comparison = Comparison::new(&rules, ignore, live);
    comparison.value(&BodyPath::root(), wanted, Some(live));
    ComparisonResult {
        changes: comparison.changes,
        unverifiable: comparison.unverifiable,
    }
}

/// The differences between a wanted body and a live one, in the order of the wanted body.
pub fn diff(wanted: &Value, live: &Json, rules: &[Rule], ignore: &[IgnorePattern]) -> Vec<Change> {
    compare(wanted, live, rules, ignore).changes
}

/// The changes of a creation: every wanted leaf.
pub fn creation(wanted: &Value) -> Vec<Change> {
    fn leaves(path: BodyPath, value: &Value, changes: &mut Vec<Change>) {
        match value {
            Value::Object(members) if !members.is_empty() => {
                for (key, value) in members {
                    leaves(path.member(key), value, changes);
                }
            }
            Value::Null => {}
            leaf => changes.push(Change {
                path,
                before: None,
                after: Some(leaf.clone()),
                immutable: false,
            }),
        }
    }
    let mut changes = Vec::new();
    leaves(BodyPath::root(), wanted, &mut changes);
    changes
}

/// The rules for a body, with conditional rules resolved.
fn rules_for(wanted: &Value, rules: &[Rule]) -> Vec<Rule> {
    let is_set_to = |path: &str, text: &str| {
        let value = levels(path).try_fold(wanted, |value, level| match level {
            Level::Member(name) => value.get(&name),
            Level::Item(_) => None,
        });
        value.is_some_and(|value| plain_text(&value.to_display_json()).eq_ignore_ascii_case(text))
    };
    let hold = |rule: &Rule| match rule {
        Rule::When(path, text, rule) => is_set_to(path, text).then_some(**rule),
        rule => Some(*rule),
    };
    rules.iter().filter_map(hold).collect()
}

/// A value in the notation of rules: text without quotes, other values as JSON.
fn plain_text(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

struct Comparison<'a> {
    rules: &'a [Rule],
    ignore: &'a [IgnorePattern],
    /// The whole live body.
    body: &'a Json,
    changes: Vec<Change>,
    unverifiable: Vec<MaskedSecret>,
}

impl<'a> Comparison<'a> {
    fn new(rules: &'a [Rule], ignore: &'a [IgnorePattern], body: &'a Json) -> Self {
        Self {
            rules,
            ignore,
            body,
            changes: Vec::new(),
            unverifiable: Vec::new(),
        }
    }

    /// Whether the value is fixed at creation. An absent boolean of this kind means false.
    fn is_fixed(&self, place: &BodyPath) -> bool {
        self.any_rule(|rule| matches!(rule, Rule::Immutable(path) if place.is_within(path)))
    }

    /// Whether the author excludes this place from the comparison.
    fn is_ignored(&self, place: &BodyPath) -> bool {
        self.ignore.iter().any(|ignored| ignored.matches(place))
    }

    fn any_rule(&self, holds: impl Fn(&Rule) -> bool) -> bool {
        self.rules.iter().any(holds)
    }

    fn report(&mut self, place: &BodyPath, before: Option<&Json>, after: Option<&Value>) {
        self.changes.push(Change {
            path: place.clone(),
            before: match after {
                Some(after) if after.has_secrets() => before.map(|_| Json::from(HIDDEN)),
                _ => before.map(|live| masking::mask_live(place, live)),
            },
            after: after.cloned(),
            immutable: self.is_fixed(place) || rules::is_where_it_is(place, before),
        });
    }

    fn value(&mut self, place: &BodyPath, wanted: &Value, live: Option<&Json>) {
        if !self.is_compared(place, wanted, live) {
            if !self.is_ignored(place) {
                self.unverifiable
                    .extend(MaskedSecret::all_below(place, wanted));
            }
            return;
        }
        match (wanted, live) {
            (Value::Null, _) => {}
            (Value::Bool(false), None) if self.is_fixed(place) => {}
            (Value::Object(members), Some(Json::Object(found))) => {
                self.object(place, members, found)
            }
            // Rules apply to leaves, so each leaf is reported.
            (Value::Object(members), None | Some(Json::Null)) => {
                self.object(place, members, &Map::new())
            }
            (Value::Array(items), Some(Json::Array(found))) => self.array(place, items, found),
            (wanted, Some(found)) if self.is_scalar_same(place, wanted, found) => {}
            (wanted, found) => {
                self.report(place, found.filter(|found| !found.is_null()), Some(wanted))
            }
        }
    }

    fn is_compared(&self, place: &BodyPath, wanted: &Value, live: Option<&Json>) -> bool {
        let is_exempt = self.any_rule(|rule| match rule {
            Rule::WriteOnly(path) | Rule::ReadOnly(path) | Rule::Decided(path) => {
                place.matches(path)
            }
            _ => false,
        });
        let is_unreturned =
            |rule: &Rule| matches!(rule, Rule::Withheld(path) if place.is_within(path));
        !(is_exempt
            || self.is_ignored(place)
            || rules::is_envelope(place)
            || rules::both_empty(wanted, live)
            || rules::is_unreturned(place, wanted, live, self.body)
            || live.is_none_or(rules::is_empty) && self.any_rule(is_unreturned))
    }

    fn object(&mut self, place: &BodyPath, members: &Object, found: &Map<String, Json>) {
        for (key, wanted) in members {
            let live = found.get(key).or_else(|| {
                let same = |(other, _): &(&String, &Json)| other.eq_ignore_ascii_case(key);
                found.iter().find(same).map(|(_, value)| value)
            });
            let inner = place.member(key);
            // In a mapping of ids the keys are the wanted values.
            if live.is_none() && ArmId::resembles_id(key) && !self.is_ignored(&inner) {
                self.report(&inner, None, Some(wanted));
            } else {
                self.value(&inner, wanted, live);
            }
        }
    }

    fn array(&mut self, place: &BodyPath, items: &[Value], found: &[Json]) {
        let is_open = self.is_open(place);
        let mut matched = ListMatch::new(self, place, items, found);
        matched.match_changed_items(self, place, items);
        if matched.is_one_value {
            if matched.found.contains(&None) || !(is_open || matched.left.is_empty()) {
                let found = Json::Array(found.to_vec());
                self.report(place, Some(&found), Some(&Value::Array(items.to_vec())));
            }
            return;
        }
        for (at, (item, other)) in items.iter().zip(&matched.found).enumerate() {
            let inner = matched.place_of(place, &item.to_display_json(), at);
            match other {
                Some(live) => self.value(&inner, item, Some(live)),
                None => self.report(&inner, None, Some(item)),
            }
        }
        for (at, live) in matched.left.iter().filter(|_| !is_open) {
            self.report(&matched.place_of(place, live, *at), Some(live), None);
        }
    }

    fn is_open(&self, place: &BodyPath) -> bool {
        self.any_rule(|rule| matches!(rule, Rule::Open(path) if place.matches(path)))
    }

    /// The differences at and below a place, without reporting them.
    fn changes_in(&self, place: &BodyPath, wanted: &Value, live: &Json) -> Vec<Change> {
        let mut inner = Comparison::new(self.rules, self.ignore, self.body);
        inner.value(place, wanted, Some(live));
        inner.changes
    }

    fn is_as_wanted(&self, place: &BodyPath, wanted: &Value, live: &Json) -> bool {
        self.changes_in(place, wanted, live).is_empty()
    }

    fn has_same_key(&self, item: &BodyPath, key: &str, wanted: &Value, live: &Json) -> bool {
        let keys = wanted.get(key).zip(live.get(key));
        keys.is_some_and(|(wanted, live)| self.is_scalar_same(&item.member(key), wanted, live))
    }

    fn is_scalar_same(&self, place: &BodyPath, wanted: &Value, live: &Json) -> bool {
        let is_same = match (wanted, live) {
            (Value::Bool(wanted), Json::Bool(live)) => wanted == live,
            (Value::Secret(wanted), Json::String(live)) => wanted.expose() == live,
            (Value::Number(wanted), Json::Number(live)) => rules::same_number(wanted, live),
            (Value::String(wanted), Json::String(live)) => {
                rules::same_text(place, wanted, live) || self.is_text_same(place, wanted, live)
            }
            _ => false,
        };
        is_same || self.has_become(place, wanted, live)
    }

    /// Whether the rules of the type treat two texts as equal.
    fn is_text_same(&self, place: &BodyPath, wanted: &str, live: &str) -> bool {
        self.any_rule(|rule| match rule {
            Rule::AnyCase(path) => place.matches(path) && wanted.eq_ignore_ascii_case(live),
            Rule::Open(path) => {
                let added = live.strip_prefix(wanted);
                place.matches(path) && added.is_some_and(|added| added.starts_with(' '))
            }
            _ => false,
        })
    }

    fn has_become(&self, place: &BodyPath, wanted: &Value, live: &Json) -> bool {
        self.any_rule(|rule| match rule {
            Rule::Becomes(path, sent, answered) => {
                place.matches(path)
                    && plain_text(live) == *answered
                    && plain_text(&wanted.to_display_json()) == *sent
            }
            _ => false,
        })
    }
}

#[cfg(test)]
mod tests;
