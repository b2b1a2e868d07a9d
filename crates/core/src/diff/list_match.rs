//! Matches the items of a wanted list with those of a live one.

use std::collections::HashSet;

use serde_json::Value as Json;

use super::{Comparison, rules::KEYS};
use crate::{body_path::BodyPath, facts::Rule, value::Value};

/// The items of a list, matched.
pub(super) struct ListMatch<'l> {
    /// The live item of each wanted item.
    pub(super) found: Vec<Option<&'l Json>>,
    /// Live items without a wanted item, each with its position in the list.
    pub(super) left: Vec<(usize, &'l Json)>,
    /// Whether the list is compared as one value, as lists of scalars are.
    pub(super) is_one_value: bool,
    matching: Matching,
}

/// How items are matched.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Matching {
    /// By a member that a rule names. Items with different keys are different items.
    DeclaredKey(&'static str),
    /// By a naming member that all items have.
    Key(&'static str),
    /// By equality, at any position.
    Sameness,
    /// By position, in lists of the same length.
    Order,
}

impl Matching {
    fn new(comparison: &Comparison<'_>, place: &BodyPath, items: &[Value], live: &[Json]) -> Self {
        let declared = comparison.rules.iter().find_map(|rule| match rule {
            Rule::Keyed(path, key) if place.matches(path) => Some(*key),
            _ => None,
        });
        if let Some(key) = declared.filter(|key| items.iter().all(|item| item.get(key).is_some())) {
            return Self::DeclaredKey(key);
        }
        if comparison.any_rule(|rule| matches!(rule, Rule::Set(path) if place.matches(path))) {
            return Self::Sameness;
        }
        let calls_all = |key: &&str| {
            let wanted = items.iter().map(|item| item.get(key)?.as_str());
            let found = live.iter().map(|item| item.get(key)?.as_str());
            !items.is_empty() && are_distinct(wanted) && are_distinct(found)
        };
        match KEYS.iter().find(|key| calls_all(key)) {
            Some(key) => Self::Key(key),
            None if comparison.is_open(place) => Self::Sameness,
            None => Self::Order,
        }
    }

    fn key(self) -> Option<&'static str> {
        match self {
            Self::DeclaredKey(key) | Self::Key(key) => Some(key),
            Self::Sameness | Self::Order => None,
        }
    }
}

impl<'l> ListMatch<'l> {
    pub(super) fn new(
        comparison: &Comparison<'_>,
        place: &BodyPath,
        items: &[Value],
        live: &'l [Json],
    ) -> Self {
        let matching = Matching::new(comparison, place, items, live);
        let is_plain = !items.iter().any(is_compound);
        let is_even = items.len() == live.len();
        let mut matched = Self {
            found: Vec::new(),
            left: live.iter().enumerate().collect(),
            is_one_value: match matching {
                Matching::DeclaredKey(_) | Matching::Key(_) => false,
                Matching::Sameness => is_plain || !comparison.is_open(place),
                Matching::Order => is_plain || !is_even,
            },
            matching,
        };
        let inner = place.any_item();
        for (at, item) in items.iter().enumerate() {
            let is_match = |live: &Json| match matching.key() {
                Some(key) => comparison.has_same_key(&inner, key, item, live),
                None => comparison.is_as_wanted(&inner, item, live),
            };
            let other = match matching {
                Matching::Order => Some(at)
                    .filter(|_| is_even)
                    .filter(|at| !is_plain || live.get(*at).is_some_and(is_match)),
                _ => {
                    let at = matched.left.iter().position(|(_, live)| is_match(live));
                    at.map(|at| matched.left.remove(at).0)
                }
            };
            matched.found.push(other.and_then(|at| live.get(at)));
        }
        if matching == Matching::Order && is_even {
            matched.left.clear();
        }
        matched
    }

    /// Matches a wanted item with a remaining live item that differs in one property only: it was renamed or has no key.
    /// Does nothing where a rule names the key.
    pub(super) fn match_changed_items(
        &mut self,
        comparison: &Comparison<'_>,
        place: &BodyPath,
        items: &[Value],
    ) {
        if self.is_one_value || matches!(self.matching, Matching::DeclaredKey(_)) {
            return;
        }
        let inner = place.any_item();
        for (item, other) in items.iter().zip(&mut self.found) {
            if other.is_some() {
                continue;
            }
            let is_changed = |live: &Json| comparison.changes_in(&inner, item, live).len() == 1;
            let at = self.left.iter().position(|(_, live)| is_changed(live));
            *other = at.map(|at| self.left.remove(at).1);
        }
    }

    /// The place of an item: by its key, or by its position in the list.
    pub(super) fn place_of(&self, list: &BodyPath, item: &Json, at: usize) -> BodyPath {
        let key = self.matching.key().and_then(|key| item.get(key));
        match key {
            Some(Json::String(key)) => list.item(key),
            Some(key) => list.item(&key.to_string()),
            None => list.item(&at.to_string()),
        }
    }

    /// Whether matched items are the same item, not only items at the same position.
    pub(super) fn are_of_one_item(&self) -> bool {
        self.matching != Matching::Order
    }
}

fn is_compound(value: &Value) -> bool {
    matches!(value, Value::Object(_) | Value::Array(_))
}

fn are_distinct<'t>(mut keys: impl Iterator<Item = Option<&'t str>>) -> bool {
    let mut seen = HashSet::new();
    keys.all(|key| key.is_some_and(|key| seen.insert(key.to_ascii_lowercase())))
}
