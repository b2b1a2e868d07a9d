//! The state of a storage account during its creation.

use crate::sim_time::SimTime;
use crate::world::kinds;
use crate::world::reply::ArmError;
use crate::world::state::Resource;

/// The `provisioningState` of a resource that is being created. Storage accounts resolve their DNS names after a third of
/// the time.
pub(crate) fn state_during_creation(resource: &Resource, now: SimTime) -> &'static str {
    let duration = resource.ready.since(resource.created);
    if resource.kind == kinds::STORAGE_ACCOUNT && now.since(resource.created) * 3 > duration {
        "ResolvingDns"
    } else {
        "Creating"
    }
}

/// Checks that the storage account has been created.
pub(crate) fn check_provisioned(account: &Resource, now: SimTime) -> Result<(), ArmError> {
    if now >= account.ready {
        return Ok(());
    }
    Err(ArmError::new(
        409,
        "StorageAccountIsNotProvisioned",
        "The storage account provisioning state must be 'Succeeded' before executing the operation.",
    ))
}
