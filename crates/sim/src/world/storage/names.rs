//! Names of storage accounts: their form, and who has them.

use serde_json::json;

use super::super::merge::text;
use super::super::reply::{ArmError, Reply};
use super::super::{Call, World};
use crate::http::Method;

fn is_valid(name: &str) -> bool {
    (3..=24).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

fn form(name: &str) -> String {
    format!(
        "{name} is not a valid storage account name. Storage account name must be between 3 and 24 characters in length and use numbers and lower-case letters only."
    )
}

fn taken(name: &str) -> String {
    format!("The storage account named {name} is already taken.")
}

/// Refuses a name that has not the right form or belongs to another account.
pub(super) fn check(world: &World, call: &Call<'_>, name: &str) -> Result<(), ArmError> {
    if !is_valid(name) {
        return Err(ArmError::new(400, "AccountNameInvalid", form(name)));
    }
    if world.options.taken_names.contains(name) {
        return Err(ArmError::new(
            409,
            "StorageAccountAlreadyTaken",
            taken(name),
        ));
    }
    let Some(key) = world.account_names.get(name) else {
        return Ok(());
    };
    let subscription = call.target.subscription.as_deref().unwrap_or_default();
    let own = format!("/subscriptions/{}/", subscription.to_ascii_lowercase());
    Err(if key.starts_with(&own) {
        ArmError::new(
            409,
            "StorageAccountInAnotherResourceGroup",
            format!(
                "The account {name} is already in another resource group in this subscription."
            ),
        )
    } else {
        ArmError::new(409, "StorageAccountAlreadyTaken", taken(name))
    })
}

/// `POST /subscriptions/{s}/providers/Microsoft.Storage/checkNameAvailability`.
pub(crate) fn check_name(world: &World, call: &Call<'_>) -> Result<Reply, ArmError> {
    if call.method() != Method::Post {
        return Err(call.not_allowed());
    }
    let body = call.json()?;
    let name = text(&body, "/name");
    let refusal = if !is_valid(name) {
        Some(("AccountNameInvalid", form(name)))
    } else if world.options.taken_names.contains(name) || world.account_names.contains_key(name) {
        Some(("AlreadyExists", taken(name)))
    } else {
        None
    };
    Ok(Reply::json(
        200,
        match refusal {
            None => json!({ "nameAvailable": true }),
            Some((reason, message)) => {
                json!({ "nameAvailable": false, "reason": reason, "message": message })
            }
        },
    ))
}
