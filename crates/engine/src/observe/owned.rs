//! Finds the resources that stacks own: resources and groups by tag, custom roles by description. It takes a few lists
//! per subscription, whatever the number of resources.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use futures::{StreamExt, future::join_all, stream};
use lazuli_arm::{ArmError, Client, ignore_waits};
use lazuli_core::{
    arm::ArmId,
    arm::types::{PROVIDERS_VERSION, RESOURCE_GROUP, ROLE_DEFINITION},
    graph::StackScope,
    live::{KnownType, Live, OwnedResource, UnreadableScope},
    marker::{ON_REMOVE_TAG, RemovalPolicy, STACK_TAG, owner},
};
use serde_json::Value as Json;

use super::{ObserveError, READS_AT_ONCE, is_denied};

/// Up to this number of stacks in a subscription, the resources of each are listed by tag. With more stacks, all resources
/// are listed once.
const FEW_STACKS: usize = 4;

/// Finds the resources that the stacks own, except role assignments and locks, which [`observe`](super::observe) finds.
/// For resources where `is_known` is true, only the id is kept.
///
/// # Errors
/// Every failed list. If the caller may not list a subscription, the resource groups of the spec are listed instead, and
/// the subscription is recorded as unreadable. If other subscriptions cannot be searched, the reason is recorded.
pub async fn observe_owned(
    client: &Client,
    homes: &[StackScope],
    is_known: &(dyn Fn(&ArmId) -> bool + Sync),
) -> Result<Live, Vec<ObserveError>> {
    let mut stacks: BTreeMap<&ArmId, Vec<&StackScope>> = BTreeMap::new();
    for home in homes {
        for at in &home.subscriptions {
            stacks.entry(at).or_default().push(home);
        }
    }
    let searches = stacks.iter().flat_map(|(at, homes)| {
        let each = if homes.len() > FEW_STACKS {
            homes.len()
        } else {
            1
        };
        homes.chunks(each).map(move |homes| (*at, homes))
    });
    let tagged = stream::iter(searches)
        .map(|(at, homes)| async move { (at, tagged(client, homes, at, is_known).await) })
        .buffered(READS_AT_ONCE)
        .collect::<Vec<_>>();
    let worded = stream::iter(stacks.keys())
        .map(|at| async move { (*at, custom_roles(client, at).await) })
        .buffered(READS_AT_ONCE)
        .collect::<Vec<_>>();
    let elsewhere = search_elsewhere(client, homes);
    let (tagged, worded, elsewhere) = futures::join!(tagged, worded, elsewhere);
    let is_of_spec = |stack: &str| homes.iter().any(|home| home.stack.name == stack);
    let mut live = Live::default();
    let mut failures = Vec::new();
    for (at, answer) in tagged {
        match answer {
            Ok(TaggedResources { found, denied }) => {
                found.into_iter().for_each(|owned| live.insert_owned(owned));
                let denied = denied.iter().map(|error| unreadable(at, error));
                denied.for_each(|scope| live.insert_unreadable_scope(scope));
            }
            Err(error) => failures.push(ObserveError { error }),
        }
    }
    for (at, answer) in worded {
        match answer {
            Ok(roles) => {
                let marked = |role: Json| OwnedResource::from_marked_text(role, "description");
                let roles = roles.into_iter().filter_map(marked);
                let roles = roles.filter(|owned| is_of_spec(&owned.stack));
                roles.for_each(|owned| live.insert_owned(owned));
            }
            Err(error) if is_denied(&error) => live.insert_unreadable_scope(unreadable(at, &error)),
            Err(error) => failures.push(ObserveError { error }),
        }
    }
    match elsewhere {
        Ok(found) => found.into_iter().for_each(|owned| live.insert_owned(owned)),
        Err(error) => live.set_unsearched(reason(&error)),
    }
    if failures.is_empty() {
        Ok(live)
    } else {
        Err(failures)
    }
}

/// Searches all other subscriptions that the caller can read, with one query. It finds resources and resource groups: role
/// assignments cannot be part of the same query (Microsoft docs "Understanding the Azure Resource Graph query language",
/// `union`).
async fn search_elsewhere(
    client: &Client,
    homes: &[StackScope],
) -> Result<Vec<OwnedResource>, ArmError> {
    let quoted = |texts: BTreeSet<&str>| {
        let texts: Vec<String> = texts.iter().map(|text| format!("'{text}'")).collect();
        texts.join(", ")
    };
    let stacks: BTreeSet<&str> = homes.iter().map(|home| &*home.stack.name).collect();
    let known = homes.iter().flat_map(|home| &home.subscriptions);
    let known: BTreeSet<&str> = known.filter_map(ArmId::subscription_id).collect();
    let query = format!(
        "resources | union (resourcecontainers | where type =~ 'microsoft.resources/subscriptions/resourcegroups') \
         | where tags['{STACK_TAG}'] in~ ({}) and not(subscriptionId in~ ({})) | project id, name, type, tags, managedBy",
        quoted(stacks.clone()),
        quoted(known),
    );
    let rows = client.query_resource_graph(&query).await?;
    let own = |row: Json| {
        let stack = owner(&row)
            .filter(|stack| stacks.contains(stack))?
            .to_owned();
        OwnedResource::from_tagged(row, &stack)
    };
    Ok(rows.into_iter().filter_map(own).collect())
}

/// Azure's code or message of an error.
pub(super) fn reason(error: &ArmError) -> String {
    error.code.clone().unwrap_or_else(|| error.message.clone())
}

pub(super) fn unreadable(scope: &ArmId, error: &ArmError) -> UnreadableScope {
    UnreadableScope {
        scope: scope.clone(),
        why: reason(error),
    }
}

/// The resources with the ownership tag of stacks.
struct TaggedResources {
    found: Vec<OwnedResource>,
    /// Why some may be missing.
    denied: Option<ArmError>,
}

async fn tagged(
    client: &Client,
    homes: &[&StackScope],
    at: &ArmId,
    is_known: &(dyn Fn(&ArmId) -> bool + Sync),
) -> Result<TaggedResources, ArmError> {
    // Known resources are read in full elsewhere.
    let slim = |owned: OwnedResource| match is_known(&owned.id) {
        true => OwnedResource {
            body: Json::Null,
            ..owned
        },
        false => owned,
    };
    let lists = vec![format!("{at}/resources"), format!("{at}/resourcegroups")];
    let (mut found, scopes, denied) = match by_stack(client, &lists, homes, &slim).await {
        Ok(found) => (found, lists, None),
        Err(error) if is_denied(&error) => {
            let groups: BTreeSet<&ArmId> = homes.iter().flat_map(|home| &home.groups).collect();
            let groups = groups.into_iter().filter(|group| at.covers(group));
            let lists: Vec<String> = groups.map(|group| format!("{group}/resources")).collect();
            match by_stack(client, &lists, homes, &slim).await {
                Ok(found) => (found, lists, Some(error)),
                Err(again) if is_denied(&again) => (Vec::new(), Vec::new(), Some(error)),
                Err(again) => return Err(again),
            }
        }
        Err(error) => return Err(error),
    };
    let is_open = |owned: &OwnedResource| owned.body.get("tags").is_none() && !is_known(&owned.id);
    if found.iter().any(is_open) {
        for removal_policy in RemovalPolicy::WRITTEN {
            let Some(word) = removal_policy.word() else {
                continue;
            };
            let tag = (ON_REMOVE_TAG, word);
            let id = |item: Json| ArmId::parse(item.get("id")?.as_str()?);
            let lived = list(client, &scopes, Some(tag), &id).await?;
            let lived: HashSet<ArmId> = lived.into_iter().collect();
            for owned in found.iter_mut().filter(|one| lived.contains(&one.id)) {
                owned.removal_policy = removal_policy;
            }
        }
    }
    Ok(TaggedResources { found, denied })
}

/// The resources of stacks in several lists. For one stack, Azure filters by tag.
async fn by_stack(
    client: &Client,
    lists: &[String],
    homes: &[&StackScope],
    slim: &(dyn Fn(OwnedResource) -> OwnedResource + Sync),
) -> Result<Vec<OwnedResource>, ArmError> {
    if let [home] = homes {
        let own = |item: Json| OwnedResource::from_tagged(item, &home.stack.name).map(slim);
        return list(client, lists, Some((STACK_TAG, &home.stack.name)), &own).await;
    }
    let stacks: HashSet<&str> = homes.iter().map(|home| &*home.stack.name).collect();
    let own = |item: Json| {
        let stack = owner(&item)
            .filter(|stack| stacks.contains(stack))?
            .to_owned();
        OwnedResource::from_tagged(item, &stack).map(slim)
    };
    list(client, lists, None, &own).await
}

/// The items that `take` accepts in several lists, filtered by the value of a tag if one is given.
async fn list<T: Send>(
    client: &Client,
    lists: &[String],
    tag: Option<(&str, &str)>,
    take: &(dyn Fn(Json) -> Option<T> + Sync),
) -> Result<Vec<T>, ArmError> {
    let filter = tag.map(|(tag, value)| format!("tagName eq '{tag}' and tagValue eq '{value}'"));
    let query: Vec<(&str, &str)> = filter.iter().map(|filter| ("$filter", &**filter)).collect();
    let api_version = RESOURCE_GROUP.api_version;
    let asked = lists.iter().map(async |path| {
        let mut taken = Vec::new();
        let mut keep = |item| taken.extend(take(item));
        let listing = client.list(path, &api_version, &query, &mut keep, &ignore_waits);
        listing.await.map(|_| taken)
    });
    let mut found = Vec::new();
    for taken in join_all(asked).await {
        found.extend(taken?);
    }
    Ok(found)
}

/// The custom roles of a subscription.
async fn custom_roles(client: &Client, at: &ArmId) -> Result<Vec<Json>, ArmError> {
    let path = at.collection(&ROLE_DEFINITION);
    let custom = [("$filter", "type eq 'CustomRole'")];
    client
        .list_all(&path, &ROLE_DEFINITION.api_version, &custom, &ignore_waits)
        .await
}

/// Asks resource providers for the api-versions of types that no kind knows, with one request per provider. A resource
/// whose type stays unknown cannot be deleted.
///
/// # Errors
/// Every failed request.
pub async fn find_versions(
    client: &Client,
    unknown: &BTreeSet<(ArmId, String)>,
    live: &mut Live,
) -> Result<(), Vec<ObserveError>> {
    let namespace = |(at, arm_type): &(ArmId, String)| {
        let namespace = arm_type
            .split_once('/')
            .map_or(&**arm_type, |(first, _)| first);
        let namespace = namespace.to_lowercase();
        format!("{at}/providers/{namespace}")
    };
    let providers: BTreeSet<String> = unknown.iter().map(namespace).collect();
    let mut failures = Vec::new();
    for path in providers {
        match client.get(&path, PROVIDERS_VERSION, &ignore_waits).await {
            Ok(provider) => {
                for (arm_type, api_version) in provider.iter().flat_map(versions) {
                    let kind = "resource";
                    live.insert_type(&arm_type, KnownType { kind, api_version });
                }
            }
            Err(error) => failures.push(ObserveError { error }),
        }
    }
    if failures.is_empty() {
        Ok(())
    } else {
        Err(failures)
    }
}

/// The types of the provider of a type, each with an api-version.
pub(crate) async fn provider_types(
    client: &Client,
    subscription: &ArmId,
    arm_type: &str,
) -> Result<Vec<(String, String)>, ArmError> {
    let (namespace, _) = arm_type.split_once('/').unwrap_or((arm_type, ""));
    let path = format!("{subscription}/providers/{namespace}");
    let provider = client.get(&path, PROVIDERS_VERSION, &ignore_waits).await?;
    Ok(provider.iter().flat_map(versions).collect())
}

/// The types of a provider, each with its newest stable api-version, or its newest preview if there is no stable one.
fn versions(provider: &Json) -> Vec<(String, String)> {
    let text = |value: &Json, name: &str| value.get(name).and_then(Json::as_str).map(str::to_owned);
    let Some(namespace) = text(provider, "namespace") else {
        return Vec::new();
    };
    let types = provider.get("resourceTypes").and_then(Json::as_array);
    let version = |kind: &Json| {
        let all = kind.get("apiVersions").and_then(Json::as_array);
        let all = all.into_iter().flatten().filter_map(Json::as_str);
        let newest = all.max_by_key(|version| (!version.contains("preview"), version.to_owned()));
        let version = text(kind, "defaultApiVersion").or(newest.map(str::to_owned))?;
        Some((
            format!("{namespace}/{}", text(kind, "resourceType")?),
            version,
        ))
    };
    types.into_iter().flatten().filter_map(version).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn api_version_of_a_type_is_its_default_or_the_newest_stable_one() {
        let provider = json!({ "namespace": "Microsoft.Sql", "resourceTypes": [
            { "resourceType": "servers", "apiVersions": ["2024-01-01-preview", "2023-08-01", "2021-11-01"] },
            { "resourceType": "servers/databases", "apiVersions": ["2023-08-01"], "defaultApiVersion": "2021-11-01" },
            { "resourceType": "locations", "apiVersions": [] },
        ]});
        let found = versions(&provider);
        let found: Vec<_> = found.iter().map(|(name, at)| (&**name, &**at)).collect();
        assert_eq!(
            found,
            [
                ("Microsoft.Sql/servers", "2023-08-01"),
                ("Microsoft.Sql/servers/databases", "2021-11-01")
            ]
        );
    }
}
