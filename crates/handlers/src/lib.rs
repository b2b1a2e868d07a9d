//! The resource kinds as data: one file or folder per kind, and one line per kind in [`REGISTRY`].

#[macro_use]
mod words;

mod arm_types;
mod child_types;
mod identity;
mod link;
mod storage_access;
#[cfg(test)]
mod testing;
mod types;

pub mod management_lock;
pub mod properties;
pub mod reference;
pub mod resource;
pub mod resource_group;
pub mod role_assignment;
pub mod role_definition;
pub mod roles;
pub mod schema;
pub mod storage_account;
pub mod user_assigned_identity;
pub mod video_analyzer;
pub mod video_indexer;

use lazuli_core::{
    kind::{Registry, kind},
    live::KnownType,
};

pub use reference::reference;
pub use schema::schema;

/// Every kind, in the order in which they are documented.
pub const REGISTRY: Registry = Registry {
    kinds: &[
        kind::<resource_group::ResourceGroup>(),
        kind::<user_assigned_identity::UserAssignedIdentity>(),
        kind::<storage_account::StorageAccount>(),
        kind::<role_definition::RoleDefinition>(),
        kind::<role_assignment::RoleAssignment>(),
        kind::<management_lock::ManagementLock>(),
        kind::<video_analyzer::VideoAnalyzer>(),
        kind::<video_indexer::VideoIndexer>(),
        kind::<resource::AnyResource>(),
    ],
    types: types::TYPES,
    child_types: child_types::CHILD_TYPES,
};

/// The types of the kinds of a registry, each with its kind and api-version.
pub fn known_types(registry: Registry) -> impl Iterator<Item = (&'static str, KnownType)> {
    registry.facts().filter_map(|facts| {
        let arm_type = facts.arm_type.as_ref()?;
        let known = KnownType {
            kind: facts.kind,
            api_version: arm_type.api_version.to_string(),
        };
        Some((arm_type.name.as_ref(), known))
    })
}
