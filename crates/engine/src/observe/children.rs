//! Looks for resources that the marker of a resource around them records and that no entry declares any more.

use std::collections::BTreeMap;

use futures::{StreamExt, stream};
use lazuli_arm::{ArmError, Client, ignore_waits};
use lazuli_core::{
    arm::{ArmId, types::EXTENSION_TYPES},
    live::{KnownType, Live, OwnedResource, UnreadableScope},
    marker::{ChildLedger, ChildRecord},
    plan::LedgerSearch,
};
use serde_json::Value as Json;

use super::{
    READS_AT_ONCE,
    owned::{provider_types, reason},
};

/// Looks for the recorded resources. Those that exist become owned resources, and the records of the others are noted as
/// gone. A record stays unknown if its type is not known or cannot be listed: the holder is noted as unreadable.
pub async fn find_recorded(client: &Client, searches: &[LedgerSearch], live: &mut Live) {
    let found: Vec<_> = stream::iter(searches)
        .map(|search| async move { (search, look(client, search).await) })
        .buffered(READS_AT_ONCE)
        .collect()
        .await;
    for (search, found) in found {
        let holder = &search.holder;
        for (arm_type, api_version) in found.types {
            if live.known_type(&arm_type).is_none() {
                let kind = "resource";
                live.insert_type(&arm_type, KnownType { kind, api_version });
            }
        }
        let items = found.items.into_iter();
        let owned = items.filter_map(|it| OwnedResource::from_record(it, &search.stack, holder));
        owned.for_each(|owned| live.insert_owned(owned));
        live.insert_gone_children(holder.clone(), found.gone);
        if let Some(why) = found.unknown {
            live.insert_unreadable_scope(UnreadableScope {
                scope: holder.clone(),
                why,
            });
        }
    }
}

/// The result of a search.
struct FoundChildren {
    /// The recorded resources that exist.
    items: Vec<Json>,
    /// Their types, and the api-version of each.
    types: BTreeMap<String, String>,
    /// The records of resources that do not exist.
    gone: ChildLedger,
    /// Why the other records are unknown.
    unknown: Option<String>,
}

async fn look(client: &Client, search: &LedgerSearch) -> FoundChildren {
    let holder = &search.holder;
    let mut found = FoundChildren {
        items: Vec::new(),
        types: BTreeMap::new(),
        gone: ChildLedger::default(),
        unknown: None,
    };
    let types = match types_below(client, holder).await {
        Ok(types) => types,
        Err(error) => {
            found.unknown = Some(reason(&error));
            return found;
        }
    };
    for record in search.records.records() {
        match look_for(client, holder, record, &types).await {
            Ok(Some((item, arm_type))) => {
                found.items.push(item);
                let version = types.get(&arm_type).cloned();
                found
                    .types
                    .extend(version.map(|version| (arm_type, version)));
            }
            Ok(None) => {
                found.gone.insert(record.clone());
            }
            Err(why) => found.unknown = Some(why),
        }
    }
    found
}

/// The types in and on a resource, each with an api-version.
async fn types_below(
    client: &Client,
    holder: &ArmId,
) -> Result<BTreeMap<String, String>, ArmError> {
    let mut types: BTreeMap<String, String> = EXTENSION_TYPES
        .iter()
        .map(|known| (known.name.to_string(), known.api_version.to_string()))
        .collect();
    let (Some(above), Some(subscription)) = (holder.arm_type(), holder.subscription_id()) else {
        return Ok(types);
    };
    let above = format!("{}/", above.to_lowercase());
    if holder.group().as_ref() != Some(holder) {
        let found = provider_types(client, &ArmId::subscription(subscription), &above).await?;
        let below = found
            .into_iter()
            .filter(|(name, _)| name.to_lowercase().starts_with(&above));
        types.extend(below);
    }
    Ok(types)
}

/// The resource of a record, with its type. The error is why it is unknown whether it exists.
async fn look_for(
    client: &Client,
    holder: &ArmId,
    record: &ChildRecord,
    types: &BTreeMap<String, String>,
) -> Result<Option<(Json, String)>, String> {
    let candidates: Vec<_> = types
        .iter()
        .filter(|(name, _)| record.may_be(name))
        .collect();
    if candidates.is_empty() {
        return Err("a recorded type is not known".to_owned());
    }
    for (arm_type, api_version) in candidates {
        let listed = list(client, holder, arm_type, types, api_version).await;
        let items = listed.map_err(|error| reason(&error))?;
        let is_it = |item: &Json| {
            let id = item.get("id").and_then(Json::as_str).and_then(ArmId::parse);
            id.and_then(|id| ChildRecord::new(&id)).as_ref() == Some(record)
        };
        if let Some(item) = items.into_iter().find(is_it) {
            return Ok(Some((item, arm_type.clone())));
        }
    }
    Ok(None)
}

/// The resources of a type in or on a resource, level by level.
async fn list(
    client: &Client,
    holder: &ArmId,
    arm_type: &str,
    types: &BTreeMap<String, String>,
    api_version: &str,
) -> Result<Vec<Json>, ArmError> {
    let own_type = holder.arm_type().unwrap_or_else(|| arm_type.to_owned());
    let inside = arm_type.get(own_type.len() + 1..).filter(|_| {
        let start = arm_type.get(..=own_type.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(&format!("{own_type}/")))
    });
    let Some(inside) = inside else {
        let path = format!("{holder}/providers/{arm_type}");
        return client
            .list_all(&path, api_version, &[], &ignore_waits)
            .await;
    };
    let mut parents = vec![holder.to_string()];
    let mut items = Vec::new();
    let mut level = own_type;
    for segment in inside.split('/') {
        level = format!("{level}/{segment}");
        let version = types.get(&level).map_or(api_version, String::as_str);
        items.clear();
        for parent in &parents {
            let path = format!("{parent}/{segment}");
            items.extend(client.list_all(&path, version, &[], &ignore_waits).await?);
        }
        let ids = items.iter().filter_map(|item| item.get("id")?.as_str());
        parents = ids.map(str::to_owned).collect();
    }
    Ok(items)
}
