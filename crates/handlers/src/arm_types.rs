//! The ARM types of the kinds, each with the api-version that lazuli uses.

use lazuli_core::arm::ArmType;
pub(crate) use lazuli_core::arm::types::{
    MANAGEMENT_LOCK, RESOURCE_GROUP, ROLE_ASSIGNMENT, ROLE_DEFINITION,
};

/// The api-version of all types of Microsoft.Storage.
pub(crate) const STORAGE_VERSION: &str = "2025-06-01";

pub(crate) const USER_ASSIGNED_IDENTITY: ArmType = ArmType::new(
    "Microsoft.ManagedIdentity/userAssignedIdentities",
    "2024-11-30",
);
/// A federated credential of a user-assigned identity.
pub(crate) const FEDERATED_CREDENTIAL: ArmType = ArmType::new(
    "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials",
    "2024-11-30",
);
pub(crate) const STORAGE_ACCOUNT: ArmType =
    ArmType::new("Microsoft.Storage/storageAccounts", STORAGE_VERSION);
/// The blob service of a storage account.
pub(crate) const BLOB_SERVICE: ArmType = ArmType::new(
    "Microsoft.Storage/storageAccounts/blobServices",
    STORAGE_VERSION,
);
/// A blob container of a storage account.
pub(crate) const BLOB_CONTAINER: ArmType = ArmType::new(
    "Microsoft.Storage/storageAccounts/blobServices/containers",
    STORAGE_VERSION,
);
/// The lifecycle rules of a storage account.
pub(crate) const STORAGE_MANAGEMENT_POLICY: ArmType = ArmType::new(
    "Microsoft.Storage/storageAccounts/managementPolicies",
    STORAGE_VERSION,
);
pub(crate) const VIDEO_ANALYZER: ArmType =
    ArmType::new("Microsoft.Media/videoAnalyzers", VIDEO_ANALYZER_VERSION);
/// An access policy of a Video Analyzer account.
pub(crate) const ACCESS_POLICY: ArmType = ArmType::new(
    "Microsoft.Media/videoAnalyzers/accessPolicies",
    VIDEO_ANALYZER_VERSION,
);
/// An edge module of a Video Analyzer account.
pub(crate) const EDGE_MODULE: ArmType = ArmType::new(
    "Microsoft.Media/videoAnalyzers/edgeModules",
    VIDEO_ANALYZER_VERSION,
);
pub(crate) const VIDEO_INDEXER: ArmType =
    ArmType::new("Microsoft.VideoIndexer/accounts", "2025-04-01");

/// The only api-version of Video Analyzer.
const VIDEO_ANALYZER_VERSION: &str = "2021-11-01-preview";

/// The api-version of the preflight question about soft-deleted key vaults.
pub(crate) const KEY_VAULT_VERSION: &str = "2022-07-01";
