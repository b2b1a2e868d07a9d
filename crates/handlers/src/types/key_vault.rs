//! Key vaults: a soft-deleted vault holds its name until it is purged.

use lazuli_core::facts::{
    CreationCheck, CreationFinding, CreationObstacle, CreationQuestion, CreationRequest,
    NewResource,
};
use serde_json::Value as Json;

use crate::arm_types;

pub(super) const VAULT: &str = "Microsoft.KeyVault/vaults";

pub(super) const CREATION: CreationCheck = CreationCheck {
    question,
    detail: |_, _| None,
    finding,
    deletion_frees_name: false,
};

/// Nothing is asked about a vault that is recovered (REST reference, "Vaults - Create Or Update": `createMode`).
fn question(vault: &NewResource<'_>) -> Option<CreationQuestion> {
    let mode = vault.body.get("properties");
    let mode = mode.and_then(|properties| properties.get("createMode")?.as_str());
    if mode.is_some_and(|mode| mode.eq_ignore_ascii_case("recover")) {
        return None;
    }
    let subscription = vault.subscription()?;
    Some(CreationQuestion {
        path: format!("{subscription}/providers/Microsoft.KeyVault/deletedVaults"),
        api_version: arm_types::KEY_VAULT_VERSION,
        request: CreationRequest::List,
        topic: "whether a soft-deleted key vault holds the name".to_owned(),
        permission: "Microsoft.KeyVault/deletedVaults/read",
    })
}

fn finding(vault: &NewResource<'_>, deleted: &Json, _: Option<&Json>) -> Option<CreationFinding> {
    let name = vault.id.name();
    let text = |vault: &Json, pointer: &str| Some(vault.pointer(pointer)?.as_str()?.to_owned());
    let has_name =
        |vault: &&Json| text(vault, "/name").is_some_and(|other| other.eq_ignore_ascii_case(name));
    let found = deleted.as_array()?.iter().find(has_name)?;
    let until = text(found, "/properties/scheduledPurgeDate");
    let is_protected = found.pointer("/properties/purgeProtectionEnabled");
    let can_purge = is_protected.and_then(Json::as_bool) != Some(true);
    let purge = match can_purge {
        true => format!("; `az keyvault purge --name {name}` destroys it and its content"),
        false => "; purge protection prevents an earlier purge".to_owned(),
    };
    Some(CreationFinding {
        summary: match &until {
            Some(date) => format!("a soft-deleted key vault holds the name {name} until {date}"),
            None => format!("a soft-deleted key vault holds the name {name}"),
        },
        help: format!(
            "recover it with `az keyvault recover --name {name}`, or choose another name{purge}"
        ),
        obstacle: CreationObstacle::SoftDeleted { until, can_purge },
    })
}
