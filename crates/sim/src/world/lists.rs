//! Lists: collections of one type, all resources of a scope, and their pages.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use url::form_urlencoded;

use super::body::Body;
use super::path::Target;
use super::reply::{Answer, Reply};
use super::state::Resource;
use super::{ArmError, Call, World};
use crate::http::Method;

/// `GET {scope}/providers/{type}` or `GET {parent}/{type}`: the resources of that type there and, for top-level types,
/// in the groups below.
pub(crate) fn collection(world: &World, call: &Call<'_>) -> Result<Reply, ArmError> {
    if call.method() != Method::Get {
        return Err(call.not_allowed());
    }
    let target = &call.target;
    let nested = target.last().is_some_and(|block| !block.pairs.is_empty());
    let scope = if nested { target.id() } else { target.scope() }.to_ascii_lowercase();
    let kind = target.kind().to_ascii_lowercase();
    let depth = target.blocks.len();
    let items = world
        .state
        .tree_after(&scope, &page_before(call))
        .filter(|(key, resource)| {
            resource.kind == kind && key.matches("/providers/").count() == depth
        })
        .map(|(_, resource)| resource);
    Ok(page(world, call, items, world.options.page_size))
}

/// `GET {subscription or group}/resources`: the top-level resources, in short form.
pub(crate) fn resources(world: &World, call: &Call<'_>) -> Result<Reply, ArmError> {
    if call.method() != Method::Get {
        return Err(call.not_allowed());
    }
    let scope = call.target.base().to_ascii_lowercase();
    let filter = call.request.query("$filter").unwrap_or_default();
    let (kind, tag, value) = (
        equals(filter, "resourceType"),
        equals(filter, "tagName"),
        equals(filter, "tagValue"),
    );
    let items = world
        .state
        .tree_after(&scope, &page_before(call))
        .filter(|(key, resource)| is_top_level(key, resource))
        .map(|(_, resource)| resource)
        .filter(|resource| {
            let tagged = |name: &str| resource.body["tags"].get(name).and_then(Value::as_str);
            kind.as_ref()
                .is_none_or(|kind| resource.kind.eq_ignore_ascii_case(kind))
                && tag.as_ref().is_none_or(|tag| {
                    tagged(tag)
                        .is_some_and(|found| value.as_ref().is_none_or(|value| value == found))
                })
        });
    let by_value = value.is_some();
    let in_short = |resource: &Resource| {
        let mut entry = world.view(resource, call.now);
        if let Some(entry) = entry.as_object_mut() {
            // Filtered by a tag and its value, they come without tags (REST reference, Resources - List, `$filter`).
            let hidden =
                |name: &str| ["properties", "etag"].contains(&name) || name == "tags" && by_value;
            entry.retain(|name, _| !hidden(name));
        }
        entry
    };
    Ok(pages(call, items, world.options.page_size, in_short))
}

/// Whether it is `{group}/providers/{namespace}/{type}/{name}`, and neither grant, lock nor policy.
fn is_top_level(key: &str, resource: &Resource) -> bool {
    key.bytes().filter(|byte| *byte == b'/').count() == 8
        && !resource.kind.starts_with("microsoft.authorization/")
        && Target::parse(key).group.is_some()
}

/// The value that an OData filter asks a property to equal. A quote in it is doubled.
pub(crate) fn equals(filter: &str, property: &str) -> Option<String> {
    let mut rest = filter;
    while let Some((before, after)) = rest.split_once(" eq '") {
        let (value, tail) = quoted(after)?;
        let asked = before.rsplit([' ', '(']).next().unwrap_or_default();
        if asked.eq_ignore_ascii_case(property) {
            return Some(value);
        }
        rest = tail;
    }
    None
}

/// The text up to the quote that ends it, and what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut rest = text;
    loop {
        let (part, tail) = rest.split_once('\'')?;
        value.push_str(part);
        let Some(more) = tail.strip_prefix('\'') else {
            return Some((value, tail));
        };
        value.push('\'');
        rest = more;
    }
}

/// The key with which the page before ended; empty for the first.
pub(crate) fn page_before(call: &Call<'_>) -> String {
    call.request
        .query("$skiptoken")
        .and_then(|token| URL_SAFE_NO_PAD.decode(token).ok())
        .and_then(|token| String::from_utf8(token).ok())
        .unwrap_or_default()
}

/// One page of `items`, which come in the order of their ids; `nextLink` names the rest.
pub(crate) fn page<'a>(
    world: &World,
    call: &Call<'_>,
    items: impl Iterator<Item = &'a Resource>,
    size: usize,
) -> Reply {
    pages(call, items, size, |item| world.view(item, call.now))
}

fn pages<'a>(
    call: &Call<'_>,
    items: impl Iterator<Item = &'a Resource>,
    size: usize,
    show: impl Fn(&Resource) -> Body,
) -> Reply {
    let after = page_before(call);
    let size = call
        .request
        .query("$top")
        .and_then(|top| top.parse().ok())
        .filter(|top| *top > 0)
        .map_or(size, |top: usize| top.min(size));
    let mut items = items
        .skip_while(|item| !after.is_empty() && item.id().to_ascii_lowercase() <= after)
        .peekable();
    let mut text = String::from("{\"value\":[");
    let mut last = None;
    for item in items.by_ref().take(size) {
        if last.is_some() {
            text.push(',');
        }
        text.push_str(show(item).text());
        last = Some(item);
    }
    text.push(']');
    if let Some(last) = last
        && items.peek().is_some()
    {
        let link = next_link(call, &last.id().to_ascii_lowercase());
        text.push_str(&format!(",\"nextLink\":{}", Value::from(link)));
    }
    text.push('}');
    Reply {
        status: 200,
        headers: Vec::new(),
        body: Some(Answer::Written(text)),
    }
}

fn next_link(call: &Call<'_>, last: &str) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(
            call.request
                .query
                .iter()
                .filter(|(name, _)| !name.eq_ignore_ascii_case("$skiptoken")),
        )
        .append_pair("$skiptoken", &URL_SAFE_NO_PAD.encode(last))
        .finish();
    format!(
        "https://{}{}?{query}",
        call.request.host(),
        call.request.path
    )
}
