//! Options of a world and the pace of a process.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::directory::Caller;

/// The behavior of a world. Times are milliseconds of simulated time.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WorldOptions {
    /// The seed of every GUID that the world generates.
    pub seed: u64,
    /// The application that an in-process client signs in as.
    pub caller: Caller,
    /// How long the directory takes to replicate a new identity. Until then, a role assignment without `principalType`
    /// fails with `PrincipalNotFound` (recorded: 1 to 37 s).
    pub principal_replication: u64,
    /// The same for a role assignment with `principalType` (recorded: no delay).
    pub typed_principal_replication: u64,
    /// How long the name of a new custom role can be used again for another role.
    pub role_name_replication: u64,
    /// How long a new custom role cannot be assigned: a role assignment fails with `RoleDefinitionDoesNotExist`.
    pub role_replication: u64,
    /// The propagation delay after which ARM honors a new role assignment.
    pub grant_propagation: u64,
    /// The propagation delay after which Video Analyzer and key vaults honor a new role assignment of a managed identity.
    pub data_grant_propagation: u64,
    /// How long the creation of a storage account takes (recorded: 21 to 52 s).
    pub storage_creation: u64,
    /// How long the deletion of a resource group takes (recorded with core types: median 22 s).
    pub group_deletion: u64,
    /// How long the creation of a Video Analyzer account takes.
    pub media_creation: u64,
    /// The maximum delay after which lists of all types (`/resources`) and Azure Resource Graph show a change. The delay of
    /// each resource depends on its id and the seed. Lists of one type and GETs are never late.
    pub list_lag: u64,
    /// The maximum number of entries on a page of a list.
    pub page_size: usize,
    /// Whether ARM's token buckets limit the request rate; further requests fail with 429.
    pub throttling: bool,
    /// Storage account names that are in use outside of the tenant.
    pub taken_names: BTreeSet<String>,
}

impl Default for WorldOptions {
    fn default() -> Self {
        Self {
            seed: 0,
            caller: Caller::Owner,
            principal_replication: 8_000,
            typed_principal_replication: 0,
            role_name_replication: 0,
            role_replication: 0,
            grant_propagation: 0,
            data_grant_propagation: 20_000,
            storage_creation: 25_000,
            group_deletion: 20_000,
            media_creation: 10_000,
            list_lag: 0,
            page_size: 100,
            throttling: false,
            taken_names: BTreeSet::from(["stlazulitaken".to_owned()]),
        }
    }
}

/// Settings of the process that runs a world, in addition to the options of the world. They are not stored in files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// Whether ARM's token buckets limit the request rate; further requests fail with 429.
    pub throttling: bool,
    /// The maximum of all simulated delays, in milliseconds. `None` means no limit.
    pub longest_delay: Option<u64>,
}
