//! Asks Azure which role definitions have a name.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, stream};
use lazuli_arm::{ArmError, Client, Quiet};
use lazuli_core::{arm::ArmId, graph::RoleName};
use serde_json::Value as Json;

use crate::ObserveError;

/// How many names are asked for at once.
const NAMES_AT_ONCE: usize = 16;
/// The api-version in which role definitions are listed.
const DEFINITIONS_API: &str = "2022-04-01";

/// Finds the role definitions of each name that may be assigned where the name is used.
///
/// # Errors
/// Every read that failed, in the order of the names.
pub async fn find_roles(
    client: &Client,
    names: &BTreeSet<RoleName>,
) -> Result<BTreeMap<RoleName, Vec<ArmId>>, Vec<ObserveError>> {
    let answers: Vec<_> = stream::iter(names)
        .map(|role| async move { (role, definitions(client, role).await) })
        .buffered(NAMES_AT_ONCE)
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

/// The ids of a name's definitions. Of a group that is yet to be made, its subscription knows as much.
async fn definitions(client: &Client, role: &RoleName) -> Result<Vec<ArmId>, ArmError> {
    let filter = format!("roleName eq '{}'", role.name.replace('\'', "''"));
    let query = [("$filter", filter.as_str())];
    let mut at = Some(role.at.clone());
    while let Some(scope) = at {
        let path = format!("{scope}/providers/Microsoft.Authorization/roleDefinitions");
        let mut found = BTreeMap::new();
        let mut take_in = |definition: Json| {
            if has_name(&definition, &role.name)
                && let Some(id) = id_of(&definition)
            {
                found.insert(id.name().to_lowercase(), id);
            }
        };
        let listing = client
            .list(&path, DEFINITIONS_API, &query, &mut take_in, &Quiet)
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

fn id_of(definition: &Json) -> Option<ArmId> {
    ArmId::parse(definition.get("id")?.as_str()?)
}
