//! Looks up role definitions by name.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, stream};
use lazuli_arm::{ArmError, Client, ignore_waits};
use lazuli_core::{arm::ArmId, arm::types::ROLE_DEFINITION, graph::RoleName};
use serde_json::Value as Json;

use crate::ObserveError;

/// The number of names that are looked up at once.
const CONCURRENCY: usize = 16;

/// Finds the role definitions of each name that can be assigned at the scope where the name is used.
///
/// # Errors
/// Every failed read, in the order of the names.
pub async fn resolve_roles(
    client: &Client,
    names: &BTreeSet<RoleName>,
) -> Result<BTreeMap<RoleName, Vec<ArmId>>, Vec<ObserveError>> {
    let answers: Vec<_> = stream::iter(names)
        .map(|role| async move { (role, definitions(client, role).await) })
        .buffered(CONCURRENCY)
        .collect()
        .await;
    let mut found = BTreeMap::new();
    let mut failures = Vec::new();
    for (role, answer) in answers {
        match answer {
            Ok(ids) => {
                found.insert(role.clone(), ids);
            }
            Err(error) => failures.push(ObserveError { error }),
        }
    }
    if failures.is_empty() {
        Ok(found)
    } else {
        Err(failures)
    }
}

/// The ids of the definitions with a name. For a scope that does not exist yet, its parent is asked.
async fn definitions(client: &Client, role: &RoleName) -> Result<Vec<ArmId>, ArmError> {
    let filter = format!("roleName eq '{}'", role.name.replace('\'', "''"));
    let query = [("$filter", filter.as_str())];
    let mut at = Some(role.at.clone());
    while let Some(scope) = at {
        let path = scope.collection(&ROLE_DEFINITION);
        let mut found = BTreeMap::new();
        let mut collect = |definition: Json| {
            if has_name(&definition, &role.name)
                && let Some(id) = parse_id(&definition)
            {
                found.insert(id.name().to_lowercase(), id);
            }
        };
        let listing = client
            .list(
                &path,
                &ROLE_DEFINITION.api_version,
                &query,
                &mut collect,
                &ignore_waits,
            )
            .await?;
        if listing.found {
            return Ok(found.into_values().collect());
        }
        at = scope.parent();
    }
    Ok(Vec::new())
}

fn has_name(definition: &Json, name: &str) -> bool {
    definition
        .pointer("/properties/roleName")
        .and_then(Json::as_str)
        .is_some_and(|other| other.to_lowercase() == name)
}

fn parse_id(definition: &Json) -> Option<ArmId> {
    ArmId::parse(definition.get("id")?.as_str()?)
}
