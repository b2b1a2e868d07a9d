//! Names of storage accounts: validation and availability.

use serde_json::json;

use crate::http::Method;
use crate::world::call::Call;
use crate::world::merge::text;
use crate::world::model::World;
use crate::world::path::is_within;
use crate::world::reply::{ArmError, Reply};

fn is_valid(name: &str) -> bool {
    (3..=24).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

fn invalid_message(name: &str) -> String {
    format!(
        "{name} is not a valid storage account name. Storage account name must be between 3 and 24 characters in length and use numbers and lower-case letters only."
    )
}

fn taken_message(name: &str) -> String {
    format!("The storage account named {name} is already taken.")
}

/// Checks that a name is valid and not in use.
pub(super) fn check(world: &World, call: &Call<'_>, name: &str) -> Result<(), ArmError> {
    if !is_valid(name) {
        return Err(ArmError::new(
            400,
            "AccountNameInvalid",
            invalid_message(name),
        ));
    }
    if world.options.taken_names.contains(name) {
        return Err(ArmError::new(
            409,
            "StorageAccountAlreadyTaken",
            taken_message(name),
        ));
    }
    let Some(key) = world.account_names.get(name) else {
        return Ok(());
    };
    let subscription = call.target.subscription_id().to_ascii_lowercase();
    Err(if is_within(key, &subscription) {
        ArmError::new(
            409,
            "StorageAccountInAnotherResourceGroup",
            format!(
                "The account {name} is already in another resource group in this subscription."
            ),
        )
    } else {
        ArmError::new(409, "StorageAccountAlreadyTaken", taken_message(name))
    })
}

/// `POST /subscriptions/{subscription}/providers/Microsoft.Storage/checkNameAvailability`.
pub(crate) fn check_name(world: &World, call: &Call<'_>) -> Result<Reply, ArmError> {
    if call.method() != Method::Post {
        return Err(call.not_allowed());
    }
    let body = call.json()?;
    let name = text(&body, "/name");
    let reason = if !is_valid(name) {
        Some(("AccountNameInvalid", invalid_message(name)))
    } else if world.options.taken_names.contains(name) || world.account_names.contains_key(name) {
        Some(("AlreadyExists", taken_message(name)))
    } else {
        None
    };
    Ok(Reply::json(
        200,
        match reason {
            None => json!({ "nameAvailable": true }),
            Some((reason, message)) => {
                json!({ "nameAvailable": false, "reason": reason, "message": message })
            }
        },
    ))
}
