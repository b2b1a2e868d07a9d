//! Lists: resources of one type, resources of all types at a scope, and pages.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use url::form_urlencoded;

use super::body::Body;
use super::call::Call;
use super::model::World;
use super::path::Target;
use super::reply::{ArmError, Reply, ReplyBody};
use super::state::Resource;
use crate::http::Method;

/// `GET {scope}/providers/{type}` or `GET {parent}/{type}`: the resources of the type at the scope and, for top-level
/// types, in the resource groups below it.
pub(crate) fn collection(world: &World, call: &Call<'_>) -> Result<Reply, ArmError> {
    if call.method() != Method::Get {
        return Err(call.not_allowed());
    }
    let target = &call.target;
    let is_nested = target.last().is_some_and(|block| !block.pairs.is_empty());
    let scope = if is_nested {
        target.id()
    } else {
        target.scope()
    }
    .to_ascii_lowercase();
    let kind = target.kind().to_ascii_lowercase();
    let depth = target.blocks.len();
    let items = world
        .state
        .tree_after(&scope, skip_token(call).as_deref())
        .filter(|(key, resource)| {
            resource.kind == kind && key.matches("/providers/").count() == depth
        })
        .map(|(_, resource)| resource);
    Ok(page(world, call, items, world.options.page_size))
}

/// The members that a list of resources of all types shows (REST reference, "Resources - List", 2021-04-01).
const SUMMARY: [&str; 12] = [
    "id",
    "name",
    "type",
    "kind",
    "managedBy",
    "sku",
    "plan",
    "identity",
    "location",
    "extendedLocation",
    "zones",
    "tags",
];

/// `GET {subscription or resource group}/resources`: the tracked resources without their properties.
pub(crate) fn list_resources(world: &World, call: &Call<'_>) -> Result<Reply, ArmError> {
    if call.method() != Method::Get {
        return Err(call.not_allowed());
    }
    let scope = call.target.base().to_ascii_lowercase();
    let filter = call.filter();
    let (kind, tag) = (filter.equals("resourceType"), filter.tag());
    let items = world
        .state
        .listed_after(&scope, skip_token(call).as_deref())
        .filter(|(key, resource)| is_tracked(key, resource))
        .map(|(_, resource)| resource)
        .filter(|resource| {
            kind.as_ref()
                .is_none_or(|kind| resource.kind.eq_ignore_ascii_case(kind))
                && tag.matches(&resource.body)
        });
    let summarize = |resource: &Resource| {
        let mut entry = world.view(resource, call.now);
        if let Some(entry) = entry.as_object_mut() {
            // A filter by tag value removes the tags from the result (REST reference, Resources - List, `$filter`).
            let is_shown =
                |name: &str| SUMMARY.contains(&name) && !(name == "tags" && tag.has_value());
            entry.retain(|name, _| is_shown(name));
        }
        let target = Target::parse(resource.id());
        if let Some([_, _, ..]) = target.last().map(|block| block.pairs.as_slice()) {
            entry["name"] = Value::from(target.full_name());
        }
        entry
    };
    Ok(page_with(call, items, world.options.page_size, summarize))
}

/// Whether the resource is a tracked one: in a resource group, not an extension of another resource, and at the top level or
/// with a location. Children without a location, such as subnets and containers, are proxy resources, which lists of all
/// types omit.
pub(crate) fn is_tracked(key: &str, resource: &Resource) -> bool {
    let mut segments = key.split('/').skip(3);
    let is_in_group =
        segments.next() == Some("resourcegroups") && segments.nth(1) == Some("providers");
    // Namespace, type and name.
    let is_top_level = segments.by_ref().take(3).count() == 3 && segments.clone().next().is_none();
    is_in_group
        && !resource.kind.starts_with("microsoft.authorization/")
        && (is_top_level
            || !resource.text("/location").is_empty()
                && !segments.any(|segment| segment == "providers"))
}

/// The last key of the previous page; `None` for the first page.
pub(crate) fn skip_token(call: &Call<'_>) -> Option<String> {
    call.request
        .query("$skiptoken")
        .and_then(|token| URL_SAFE_NO_PAD.decode(token).ok())
        .and_then(|token| String::from_utf8(token).ok())
}

/// One page of `items`, which must be sorted by lowercase id, with a `nextLink` to the next page.
pub(crate) fn page<'a>(
    world: &World,
    call: &Call<'_>,
    items: impl Iterator<Item = &'a Resource>,
    size: usize,
) -> Reply {
    page_with(call, items, size, |item| world.view(item, call.now))
}

fn page_with<'a>(
    call: &Call<'_>,
    items: impl Iterator<Item = &'a Resource>,
    size: usize,
    show: impl Fn(&Resource) -> Body,
) -> Reply {
    let after = skip_token(call);
    let size = call
        .request
        .query("$top")
        .and_then(|top| top.parse().ok())
        .filter(|top| *top > 0)
        .map_or(size, |top: usize| top.min(size));
    let mut items = items
        .skip_while(|item| {
            (after.as_ref()).is_some_and(|after| item.id().to_ascii_lowercase() <= *after)
        })
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
        body: Some(ReplyBody::Text(text)),
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
