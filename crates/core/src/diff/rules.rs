//! The rules of comparison for all types, each with its evidence from recorded traffic.
//!
//! A rule for one type only belongs to its kind or, without a kind, to the type in the registry.

use serde_json::{Number, Value as Json};

use super::forms::{instant, is_guid, is_word, unindented, version};
use crate::{
    arm::{ArmId, same_location},
    body_path::BodyPath,
    value::Value,
};

// Values that are not compared.

/// Whether a path is that of a member of the body itself.
fn is_top(place: &BodyPath) -> bool {
    place.levels().len() == 1
}

/// The name, type and id of a body follow from its URL and are returned differently: `account/project`,
/// `DefaultManagementPolicy`, ids in other case (ARM facts 1.1 L9: 77 pairs).
pub(super) fn is_envelope(place: &BodyPath) -> bool {
    is_top(place) && is_one_of(place.name(), &["id", "name", "type"])
}

/// Absent and empty are equal (ARM facts 1.1 L5 and L6, 1.4: 150 pairs).
pub(super) fn both_empty(wanted: &Value, live: Option<&Json>) -> bool {
    let nothing_wanted = match wanted {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    };
    nothing_wanted && live.is_none_or(is_empty)
}

/// Whether a response leaves the live value open, because types are free not to return it.
pub(super) fn is_unreturned(
    place: &BodyPath,
    wanted: &Value,
    live: Option<&Json>,
    body: &Json,
) -> bool {
    let is_secret = || {
        matches!(wanted, Value::Secret(_))
            || is_among_secrets(place)
            || is_place_of_secrets(place)
                && matches!(wanted, Value::String(_) | Value::Unresolved(_))
    };
    match live.and_then(Json::as_str).filter(|text| !text.is_empty()) {
        Some(text) => is_mask(text) || is_reference(text) && is_secret(),
        None => {
            live.is_none_or(is_empty)
                && (is_secret() || is_creation_mode(place) || is_place_of_a_part(place, body))
        }
    }
}

/// Secrets are returned absent, empty, null, masked or as a reference (ARM facts 1.1 L11: 112 pairs). They are recognized
/// by the last word of their name or of the name of a container.
pub(super) fn is_place_of_secrets(place: &BodyPath) -> bool {
    const WORDS: &[&str] = &[
        "connectionstring",
        "passphrase",
        "password",
        "sasuri",
        "sasurl",
        "secret",
        "securevalue",
        "signature",
        "token",
    ];
    /// Keys that are no secrets. All others are: `sharedKey`, `primaryMasterKey`, `instrumentationKey`.
    const OPEN_KEYS: &[&str] = &["key", "partitionkey", "publickey", "shardkey"];
    let name = place.name().to_ascii_lowercase();
    let is_named_so = WORDS.iter().any(|word| name.ends_with(word))
        || name.ends_with("key") && !OPEN_KEYS.iter().any(|key| name == *key)
        || name == "value" && place.names().any(|around| is_one_of(around, &["secrets"]));
    let is_tag = place
        .names()
        .next()
        .is_some_and(|top| top.eq_ignore_ascii_case("tags"));
    (is_named_so || is_among_secrets(place)) && !is_tag
}

/// A container of secrets can be absent as a whole, and everything in it is a secret.
fn is_among_secrets(place: &BodyPath) -> bool {
    const HOLDERS: &[&str] = &["credential", "credentials", "protectedsettings"];
    place.names().any(|around| {
        let around = around.to_ascii_lowercase();
        HOLDERS.iter().any(|holder| around.ends_with(holder))
    })
}

/// `createMode` says how to create a resource, not what it is (ARM facts 1.6: absent in all 37 responses of three
/// providers).
fn is_creation_mode(place: &BodyPath) -> bool {
    place.name().eq_ignore_ascii_case("createMode")
}

/// A child resource has the location of its parent and can omit it, unless it is a tracked resource with a location and
/// tags of its own (ARM facts 1.3: 47 pairs of two providers).
fn is_place_of_a_part(place: &BodyPath, body: &Json) -> bool {
    let is_part = |arm_type: &str| arm_type.matches('/').count() > 1;
    is_top(place)
        && place.name().eq_ignore_ascii_case("location")
        && body.get("type").and_then(Json::as_str).is_some_and(is_part)
        && body.get("tags").is_none()
}

/// A resource stays in the region of its creation: Azure Resource Manager rejects another region for all types
/// (`InvalidResourceLocation`), and no recording contradicts that. A resource without a live region is exempt.
pub(super) fn is_where_it_is(place: &BodyPath, live: Option<&Json>) -> bool {
    let is_somewhere = live
        .and_then(Json::as_str)
        .is_some_and(|location| !location.is_empty());
    is_somewhere && is_top(place) && place.name().eq_ignore_ascii_case("location")
}

/// A mask does not reveal the secret: `####`, `…;SharedAccessKey=****`, `<redacted>` (ARM facts 1.1,
/// consequence 7).
pub(super) fn is_mask(text: &str) -> bool {
    let bare = text.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    text.contains("****") || text.contains("####") || bare.eq_ignore_ascii_case("redacted")
}

/// A reference says where a secret is kept, not what it is: `{{named-value}}`, `@Microsoft.KeyVault(…)` (ARM facts
/// 1.1, consequence 7).
fn is_reference(text: &str) -> bool {
    text.starts_with("{{") && text.ends_with("}}") || text.starts_with("@Microsoft.KeyVault(")
}

/// Whether a value is empty.
pub fn is_empty(live: &Json) -> bool {
    match live {
        Json::Null => true,
        Json::String(text) => text.is_empty(),
        Json::Array(items) => items.is_empty(),
        Json::Object(members) => members.is_empty(),
        _ => false,
    }
}

// Values that are equal.

/// Numbers by value: integers are returned as `30.0` (ARM facts 1.1, consequence 2: 35 pairs).
pub(super) fn same_number(left: &Number, right: &Number) -> bool {
    left == right
        || match (left.as_i128(), right.as_i128()) {
            (Some(left), Some(right)) => left == right,
            _ => left.as_f64() == right.as_f64(),
        }
}

/// Texts that are equal.
pub(super) fn same_text(place: &BodyPath, wanted: &str, live: &str) -> bool {
    /// The rules for text, in the order in which they are tried.
    const RULES: &[fn(&BodyPath, &str, &str) -> bool] = &[
        same_word,
        same_guid,
        same_id,
        same_path,
        same_place,
        same_version,
        same_time,
        same_markup,
    ];
    wanted == live || !is_free_text(place) && RULES.iter().any(|same| same(place, wanted, live))
}

/// Free text is compared exactly; no service is known to change it.
fn is_free_text(place: &BodyPath) -> bool {
    const NAMES: &[&str] = &["description", "displayName"];
    is_one_of(place.name(), NAMES) || place.names().any(holds_free_text)
}

/// Whether a member of this name contains free text, which is compared exactly.
pub fn holds_free_text(name: &str) -> bool {
    const HOLDERS: &[&str] = &[
        "annotations",
        "appSettings",
        "configurationSettings",
        "env",
        "environmentVariables",
        "labels",
        "metadata",
        "nodeLabels",
        "tags",
    ];
    is_one_of(name, HOLDERS)
}

/// Words of an enumeration without case: `enabled` is `Enabled`, `utf8` is `UTF8` (ARM facts 1.2: 37 pairs).
fn same_word(_: &BodyPath, wanted: &str, live: &str) -> bool {
    is_word(wanted) && wanted.eq_ignore_ascii_case(live)
}

/// GUIDs without case (ARM facts 1.2: `applicationId` of access policies).
fn same_guid(_: &BodyPath, wanted: &str, live: &str) -> bool {
    is_guid(wanted) && wanted.eq_ignore_ascii_case(live)
}

/// Ids without case; one that is relative is the end of the full one (ARM facts 1.2: 820 of 4,772 answers, 1.1 L1 and
/// L12).
fn same_id(_: &BodyPath, wanted: &str, live: &str) -> bool {
    let (wanted, live) = (wanted.trim_matches('/'), live.trim_matches('/'));
    let is_id = |text: &str| ArmId::resembles_id(&format!("/{text}"));
    if is_id(wanted) {
        return wanted.eq_ignore_ascii_case(live);
    }
    let head = live.len().checked_sub(wanted.len());
    let (Some(head), true) = (head, is_id(live) && !wanted.is_empty()) else {
        return false;
    };
    live.get(head..)
        .is_some_and(|tail| tail.eq_ignore_ascii_case(wanted))
        && live.get(..head).is_some_and(|head| head.ends_with('/'))
}

/// Slashes around a path are ignored (ARM facts 1.1 L12: `/account-api` is returned as `account-api`).
fn same_path(_: &BodyPath, wanted: &str, live: &str) -> bool {
    let bare = wanted.trim_matches('/');
    !bare.is_empty() && bare == live.trim_matches('/')
}

/// Locations in normal form, in every property whose name ends in that word (ARM facts 1.3: 192 leaves, 178 pairs).
fn same_place(place: &BodyPath, wanted: &str, live: &str) -> bool {
    let name = place.name();
    let is_location = is_one_of(name, &["location", "locationName"])
        || ["Location", "LocationName"]
            .iter()
            .any(|word| name.ends_with(word));
    is_location && same_location(wanted, live)
}

/// A version that the service completes: `6` is `6.0` (ARM facts 1.6: `redisVersion`).
fn same_version(place: &BodyPath, wanted: &str, live: &str) -> bool {
    place.name().to_ascii_lowercase().ends_with("version")
        && version(wanted).is_some_and(|wanted| version(live) == Some(wanted))
}

/// Times by the instant: services return their own number of digits and their own notation of UTC. The recordings have the
/// same time everywhere (ARM facts, "Read with care"), so they do not show which.
fn same_time(_: &BodyPath, wanted: &str, live: &str) -> bool {
    instant(wanted).is_some_and(|wanted| instant(live) == Some(wanted))
}

/// Markup without white space around its tags: policies are returned with other indentation (ARM facts 1.6: 17 pairs).
fn same_markup(_: &BodyPath, wanted: &str, live: &str) -> bool {
    let is_markup = |text: &str| text.trim_start().starts_with('<');
    is_markup(wanted) && is_markup(live) && unindented(wanted) == unindented(live)
}

// How the items of a list are matched.

/// Items are matched by a naming member if all items have it: their order changes, and items are
/// added (ARM facts 1.1, consequence 8, and 1.5). All other lists are compared in their order.
pub(super) const KEYS: &[&str] = &["name", "id"];

fn is_one_of(name: &str, names: &[&str]) -> bool {
    names.iter().any(|other| other.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests;
