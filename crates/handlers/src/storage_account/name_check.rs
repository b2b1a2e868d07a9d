//! The name of a storage account is unique in all of Azure: preflight asks whether it is available.

use lazuli_core::{
    arm::ArmId,
    facts::{
        CreationCheck, CreationFinding, CreationObstacle, CreationQuestion, CreationRequest,
        NewResource,
    },
};
use serde_json::{Value as Json, json};

use crate::arm_types::{STORAGE_ACCOUNT, STORAGE_VERSION};

pub(super) const CREATION: CreationCheck = CreationCheck {
    question: availability,
    detail: accounts,
    finding,
    deletion_frees_name: true,
};

fn availability(account: &NewResource<'_>) -> Option<CreationQuestion> {
    let (subscription, name) = (account.subscription()?, account.id.name());
    Some(CreationQuestion {
        path: format!("{subscription}/providers/Microsoft.Storage/checkNameAvailability"),
        api_version: STORAGE_VERSION,
        request: CreationRequest::Post(json!({ "name": name, "type": STORAGE_ACCOUNT.name })),
        topic: format!("whether the name {name} is available"),
        permission: "Microsoft.Storage/checkNameAvailability/read",
    })
}

/// The accounts of the subscription, to find the one that has the name.
fn accounts(account: &NewResource<'_>, availability: &Json) -> Option<CreationQuestion> {
    rejection(availability)?;
    let subscription = account.subscription()?;
    Some(CreationQuestion {
        path: format!("{subscription}/providers/Microsoft.Storage/storageAccounts"),
        api_version: STORAGE_VERSION,
        request: CreationRequest::List,
        topic: "which storage accounts the subscription has".to_owned(),
        permission: "Microsoft.Storage/storageAccounts/read",
    })
}

fn finding(
    account: &NewResource<'_>,
    availability: &Json,
    accounts: Option<&Json>,
) -> Option<CreationFinding> {
    let name = account.id.name();
    let message = rejection(availability)?;
    let held_by = accounts
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
        .filter_map(|account| ArmId::parse(account.get("id")?.as_str()?))
        .find(|id| id.name().eq_ignore_ascii_case(name));
    let (summary, help) = match &held_by {
        Some(id) => (
            format!("the name {name} is taken by another storage account, {id}"),
            "choose another name, or declare the resource group of that account",
        ),
        None => (
            format!("the storage account name {name} is not available"),
            "choose another valid name: it must be unique in all of Azure",
        ),
    };
    Some(CreationFinding {
        obstacle: CreationObstacle::NameUnavailable { held_by, message },
        summary,
        help: help.to_owned(),
    })
}

/// Azure's reason against a name (REST reference, "Storage Accounts - Check Name Availability").
fn rejection(availability: &Json) -> Option<String> {
    if availability.get("nameAvailable").and_then(Json::as_bool) != Some(false) {
        return None;
    }
    let text = |member: &str| availability.get(member).and_then(Json::as_str);
    let words = text("message").or_else(|| text("reason"));
    Some(words.unwrap_or("Azure gives no reason").to_owned())
}
