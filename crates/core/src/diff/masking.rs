//! Masks secrets by their place in a body before anything else reads the body.

use serde_json::Value as Json;

use super::{place::Place, rules};
use crate::{
    secret::{HIDDEN, Secret},
    value::Value,
};

/// A secret and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaskedSecret {
    /// The path for people: `properties.rules[main].password`.
    pub shown: String,
    /// The path without the keys of items: `properties.rules[].password`.
    pub place: String,
    /// The secret.
    pub secret: Secret,
}

impl MaskedSecret {
    /// The secrets of a body, in order.
    pub fn all_in(body: &Value) -> Vec<Self> {
        Self::all_below(&Place::root(), body)
    }

    /// The secrets at and below a place.
    pub(super) fn all_below(place: &Place, value: &Value) -> Vec<Self> {
        match value {
            Value::Secret(secret) => vec![Self {
                shown: place.shown.clone(),
                place: place.to_string(),
                secret: secret.clone(),
            }],
            Value::Object(members) => members
                .iter()
                .flat_map(|(key, value)| Self::all_below(&place.member(key), value))
                .collect(),
            Value::Array(items) => items
                .iter()
                .enumerate()
                .flat_map(|(at, value)| Self::all_below(&place.item(&at.to_string()), value))
                .collect(),
            _ => Vec::new(),
        }
    }
}

/// The body with all text masked in places of secrets.
pub fn mask_secrets(body: Value) -> Value {
    fn hide(place: &Place, value: Value) -> Value {
        match value {
            Value::String(text) if rules::is_place_of_secrets(place) && !text.is_empty() => {
                Value::Secret(Secret::new(text))
            }
            Value::Object(members) => Value::Object(
                members
                    .into_iter()
                    .map(|(key, value)| {
                        let value = hide(&place.member(&key), value);
                        (key, value)
                    })
                    .collect(),
            ),
            Value::Array(items) => {
                let inner = place.item("");
                Value::Array(items.into_iter().map(|item| hide(&inner, item)).collect())
            }
            other => other,
        }
    }
    hide(&Place::root(), body)
}

/// A live body without its secrets and masks, and their paths: `properties.rules[].password`.
pub fn bare(live: &Json) -> (Json, Vec<String>) {
    fn strip(place: &Place, live: &Json, found: &mut Vec<String>) -> Option<Json> {
        match live {
            Json::String(text) if !text.is_empty() => {
                let is_secret = rules::is_place_of_secrets(place) || rules::is_mask(text);
                if is_secret {
                    found.push(place.to_string());
                }
                (!is_secret).then(|| live.clone())
            }
            Json::Object(members) => Some(Json::Object(
                members
                    .iter()
                    .filter_map(|(key, value)| {
                        Some((key.clone(), strip(&place.member(key), value, found)?))
                    })
                    .collect(),
            )),
            Json::Array(items) => {
                let inner = place.item("");
                let items = items.iter().filter_map(|item| strip(&inner, item, found));
                Some(Json::Array(items.collect()))
            }
            other => Some(other.clone()),
        }
    }
    let mut found = Vec::new();
    let left = strip(&Place::root(), live, &mut found).unwrap_or(Json::Null);
    found.dedup();
    (left, found)
}

/// A live value for display, with its secrets masked.
pub(super) fn mask_live(place: &Place, live: &Json) -> Json {
    match live {
        Json::String(_) if rules::is_place_of_secrets(place) => Json::from(HIDDEN),
        Json::Object(members) => members
            .iter()
            .map(|(key, value)| (key.clone(), mask_live(&place.member(key), value)))
            .collect(),
        Json::Array(items) => {
            let inner = place.item("");
            items.iter().map(|item| mask_live(&inner, item)).collect()
        }
        other => other.clone(),
    }
}
