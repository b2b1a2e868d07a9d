//! Customer-managed keys of storage accounts: the account reads its key with one of its identities.

use serde_json::Value;

use super::invalid;
use crate::sim_time::SimTime;
use crate::world::call::Call;
use crate::world::merge::{members, text};
use crate::world::model::World;
use crate::world::path::Target;
use crate::world::reply::ArmError;
use crate::world::{authorization, vaults};

/// What reading a key takes (built-in role "Key Vault Crypto Service Encryption User").
const KEY_ACTIONS: [&str; 3] = [
    "Microsoft.KeyVault/vaults/keys/read",
    "Microsoft.KeyVault/vaults/keys/wrap/action",
    "Microsoft.KeyVault/vaults/keys/unwrap/action",
];

/// Checks that a customer-managed key is read with an identity of the account, and that this identity has access to it.
/// `old` is the account before the request: an unchanged key is not checked again.
pub(super) fn check(
    world: &World,
    call: &Call<'_>,
    account: &Value,
    old: Option<&Value>,
) -> Result<(), ArmError> {
    let encryption = &account["properties"]["encryption"];
    if !text(encryption, "/keySource").eq_ignore_ascii_case("Microsoft.Keyvault") {
        return Ok(());
    }
    let user = Target::parse(text(encryption, "/identity/userAssignedIdentity")).key();
    let mut assigned = members(&account["identity"]["userAssignedIdentities"]);
    let assigned = assigned.find(|(id, _)| Target::parse(id).key() == user);
    let has_system_identity =
        text(account, "/identity/type").contains("SystemAssigned") && user.is_empty();
    let principal = match assigned {
        Some((_, identity)) => text(identity, "/principalId"),
        None if has_system_identity => text(account, "/identity/principalId"),
        None => return Err(invalid("encryption.identity.userAssignedIdentity")),
    };
    let is_same = |old: &Value| {
        let old = &old["properties"]["encryption"];
        ["keySource", "keyvaultproperties", "identity"]
            .iter()
            .all(|member| old[member] == encryption[member])
    };
    match old.is_some_and(is_same) {
        true => Ok(()),
        false => check_access(world, call, encryption, principal),
    }
}

/// Checks the role assignments of the principal on the key, the vault or above. A vault outside of the world, or with
/// access policies, is not checked.
fn check_access(
    world: &World,
    call: &Call<'_>,
    encryption: &Value,
    principal: &str,
) -> Result<(), ArmError> {
    let key = &encryption["keyvaultproperties"];
    let Some(vault) = vaults::find_by_uri(world, text(key, "/keyvaulturi")) else {
        return Ok(());
    };
    if vault.body["properties"]["enableRbacAuthorization"] != Value::Bool(true) {
        return Ok(());
    }
    let key = Target::parse(&format!("{}/keys/{}", vault.id(), text(key, "/keyname")));
    let propagation = world.delay(world.options.data_grant_propagation);
    let since = call.now.0.checked_sub(propagation).map(SimTime);
    let has_access = since.is_some_and(|since| {
        authorization::are_data_actions_permitted(world, principal, &KEY_ACTIONS, &key, since)
    });
    if has_access {
        return Ok(());
    }
    Err(ArmError::new(
        403,
        "KeyVaultAuthenticationFailure",
        "The operation failed because of authentication issue on the keyvault. For more information, see - https://aka.ms/storagekeyvaultaccesspolicy",
    ))
}
