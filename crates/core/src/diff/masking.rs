//! Masks secrets by their place in a body before anything else reads the body.

use serde_json::Value as Json;

use super::rules;
use crate::{
    body_path::BodyPath,
    secret::{HIDDEN, Secret},
    value::Value,
};

/// A secret and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaskedSecret {
    /// The path: `properties.rules[0].password`.
    pub path: BodyPath,
    /// The secret.
    pub secret: Secret,
}

impl MaskedSecret {
    /// The secrets of a body, in order.
    pub fn all_in(body: &Value) -> Vec<Self> {
        Self::all_below(&BodyPath::root(), body)
    }

    /// The secrets at and below a place.
    pub(super) fn all_below(place: &BodyPath, value: &Value) -> Vec<Self> {
        match value {
            Value::Secret(secret) => vec![Self {
                path: place.clone(),
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
    fn hide(place: &BodyPath, value: Value) -> Value {
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
                let inner = place.any_item();
                Value::Array(items.into_iter().map(|item| hide(&inner, item)).collect())
            }
            other => other,
        }
    }
    hide(&BodyPath::root(), body)
}

/// A live body without its secrets and masks, and their paths: `properties.rules[].password`.
pub fn bare(live: &Json) -> (Json, Vec<BodyPath>) {
    fn strip(place: &BodyPath, live: &Json, found: &mut Vec<BodyPath>) -> Option<Json> {
        match live {
            Json::String(text) if !text.is_empty() => {
                let is_secret = rules::is_place_of_secrets(place) || rules::is_mask(text);
                if is_secret {
                    found.push(place.clone());
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
                let inner = place.any_item();
                let items = items.iter().filter_map(|item| strip(&inner, item, found));
                Some(Json::Array(items.collect()))
            }
            other => Some(other.clone()),
        }
    }
    let mut found = Vec::new();
    let left = strip(&BodyPath::root(), live, &mut found).unwrap_or(Json::Null);
    found.dedup();
    (left, found)
}

/// A live value for display, with its secrets masked.
pub(super) fn mask_live(place: &BodyPath, live: &Json) -> Json {
    match live {
        Json::String(_) if rules::is_place_of_secrets(place) => Json::from(HIDDEN),
        Json::Object(members) => members
            .iter()
            .map(|(key, value)| (key.clone(), mask_live(&place.member(key), value)))
            .collect(),
        Json::Array(items) => {
            let inner = place.any_item();
            items.iter().map(|item| mask_live(&inner, item)).collect()
        }
        other => other.clone(),
    }
}
