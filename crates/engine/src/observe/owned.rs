//! Finds what stacks own, wherever it is: by the tag on resources and groups, by the words in grants and custom roles.
//! A few lists a subscription, however much there is.

use std::collections::{BTreeSet, HashMap};

use futures::{StreamExt, future::join_all, stream};
use lazuli_arm::{ArmError, Client, ErrorKind, Quiet};
use lazuli_core::{
    arm::ArmId,
    graph::Home,
    live::{KnownType, Live, Owned, UnseenOwned},
    mark::{Afterlife, ON_REMOVE_TAG, STACK_TAG},
};
use serde_json::Value as Json;

use super::{CONTENTS_API, GRANTS_API, ObserveError, READS_AT_ONCE, assignments};

/// The api-version in which resource providers tell their types.
const PROVIDERS_API: &str = "2021-04-01";

/// Finds what the stacks own. `is_known` says of what it does not matter what becomes of it later.
///
/// # Errors
/// Every list that failed. Where the caller may not list a subscription, the resource groups of the spec are asked,
/// and the subscription is told as unseen.
pub async fn observe_owned(
    client: &Client,
    homes: &[Home],
    live: &mut Live,
    is_known: &(dyn Fn(&ArmId) -> bool + Sync),
) -> Result<(), Vec<ObserveError>> {
    let subscriptions: BTreeSet<&ArmId> = homes.iter().flat_map(|h| &h.subscriptions).collect();
    let pairs = homes
        .iter()
        .flat_map(|home| home.subscriptions.iter().map(move |at| (home, at)));
    let tagged: Vec<_> = stream::iter(pairs)
        .map(|(home, at)| async move { (at, tagged(client, home, at, is_known).await) })
        .buffered(READS_AT_ONCE)
        .collect()
        .await;
    let worded: Vec<_> = stream::iter(subscriptions)
        .map(|at| async move { (at, worded(client, at).await) })
        .buffered(READS_AT_ONCE)
        .collect()
        .await;
    let is_of_spec = |stack: &str| homes.iter().any(|home| home.stack == stack);
    let mut failures = Vec::new();
    for (at, answer) in tagged {
        match answer {
            Ok(Tagged { found, refused }) => {
                found.into_iter().for_each(|owned| live.insert_owned(owned));
                refused.iter().for_each(|error| unseen(live, at, error));
            }
            Err(error) => failures.push(ObserveError { error }),
        }
    }
    for (at, answer) in worded {
        match answer {
            Ok((grants, roles)) => {
                let marked = |body: &Json| Owned::worded(body.clone(), "description");
                for grant in grants {
                    if marked(&grant).is_some_and(|owned| is_of_spec(&owned.stack)) {
                        live.insert(grant);
                    }
                }
                let roles = roles.iter().filter_map(marked);
                let roles = roles.filter(|owned| is_of_spec(&owned.stack));
                roles.for_each(|owned| live.insert_owned(owned));
            }
            Err(error) if is_refusal(&error) => unseen(live, at, &error),
            Err(error) => failures.push(ObserveError { error }),
        }
    }
    if failures.is_empty() {
        Ok(())
    } else {
        Err(failures)
    }
}

fn unseen(live: &mut Live, scope: &ArmId, error: &ArmError) {
    if live.unseen_owned().iter().all(|one| one.scope != *scope) {
        live.insert_unseen_owned(UnseenOwned {
            scope: scope.clone(),
            why: error.code.clone().unwrap_or_else(|| error.message.clone()),
        });
    }
}

fn is_refusal(error: &ArmError) -> bool {
    matches!(error.kind, ErrorKind::Forbidden { .. })
}

/// What a stack was seen to own by its tag.
struct Tagged {
    found: Vec<Owned>,
    /// Why not all was seen.
    refused: Option<ArmError>,
}

async fn tagged(
    client: &Client,
    home: &Home,
    at: &ArmId,
    is_known: &(dyn Fn(&ArmId) -> bool + Sync),
) -> Result<Tagged, ArmError> {
    let lists = [format!("{at}/resources"), format!("{at}/resourcegroups")];
    let (mut found, scopes, refused) =
        match by_tag(client, &lists, home, STACK_TAG, &home.stack).await {
            Ok(items) => (items, lists.to_vec(), None),
            Err(error) if is_refusal(&error) => {
                let groups = home.groups.iter().filter(|group| at.covers(group));
                let lists: Vec<String> = groups.map(|group| format!("{group}/resources")).collect();
                match by_tag(client, &lists, home, STACK_TAG, &home.stack).await {
                    Ok(items) => (items, lists, Some(error)),
                    Err(again) if is_refusal(&again) => (Vec::new(), Vec::new(), Some(error)),
                    Err(again) => return Err(again),
                }
            }
            Err(error) => return Err(error),
        };
    let is_open = |owned: &Owned| owned.body.get("tags").is_none() && !is_known(&owned.id);
    if found.iter().any(is_open) {
        for afterlife in Afterlife::WRITTEN {
            let word = afterlife.word().unwrap_or_default();
            let lived = by_tag(client, &scopes, home, ON_REMOVE_TAG, word).await?;
            let lived: HashMap<ArmId, ()> = lived.into_iter().map(|one| (one.id, ())).collect();
            for owned in found.iter_mut().filter(|one| lived.contains_key(&one.id)) {
                owned.afterlife = afterlife;
            }
        }
    }
    Ok(Tagged { found, refused })
}

/// What several lists have with a value of a tag.
async fn by_tag(
    client: &Client,
    lists: &[String],
    home: &Home,
    tag: &str,
    value: &str,
) -> Result<Vec<Owned>, ArmError> {
    let filter = format!("tagName eq '{tag}' and tagValue eq '{value}'");
    let query = [("$filter", filter.as_str())];
    let asked = lists
        .iter()
        .map(|list| client.list_all(list, CONTENTS_API, &query, &Quiet));
    let mut found = Vec::new();
    for items in join_all(asked).await {
        let items = items?.into_iter();
        found.extend(items.filter_map(|item| Owned::tagged(item, &home.stack)));
    }
    Ok(found)
}

/// The role assignments and the custom roles of a subscription.
async fn worded(client: &Client, at: &ArmId) -> Result<(Vec<Json>, Vec<Json>), ArmError> {
    let grants = assignments(at);
    let roles = format!("{at}/providers/Microsoft.Authorization/roleDefinitions");
    let custom = [("$filter", "type eq 'CustomRole'")];
    let (grants, roles) = futures::join!(
        client.list_all(&grants, GRANTS_API, &[], &Quiet),
        client.list_all(&roles, GRANTS_API, &custom, &Quiet),
    );
    Ok((grants?, roles?))
}

/// Asks the resource providers for the versions of types that no kind knows, one request a provider. A type that stays
/// unknown is none that can be deleted.
///
/// # Errors
/// Every request that failed.
pub async fn find_versions(
    client: &Client,
    unknown: &BTreeSet<(ArmId, String)>,
    live: &mut Live,
) -> Result<(), Vec<ObserveError>> {
    let namespace = |(at, arm_type): &(ArmId, String)| {
        let namespace = arm_type
            .split('/')
            .next()
            .unwrap_or_default()
            .to_lowercase();
        format!("{at}/providers/{namespace}")
    };
    let providers: BTreeSet<String> = unknown.iter().map(namespace).collect();
    let mut failures = Vec::new();
    for path in providers {
        match client.get(&path, PROVIDERS_API, &Quiet).await {
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

/// The types of a provider with the newest version of each that is no preview, or the newest of all.
fn versions(provider: &Json) -> Vec<(String, String)> {
    let text = |value: &Json, name: &str| value.get(name).and_then(Json::as_str).map(str::to_owned);
    let namespace = text(provider, "namespace").unwrap_or_default();
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
    fn the_version_of_a_type_is_its_default_or_the_newest_that_is_no_preview() {
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
