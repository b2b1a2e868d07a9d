//! ARM resource types with special behavior, in lowercase, as [`super::state::Resource`] stores them.

pub(crate) const RESOURCE_GROUP: &str = "microsoft.resources/subscriptions/resourcegroups";
pub(crate) const TAGS: &str = "microsoft.resources/tags";

pub(crate) const ROLE_ASSIGNMENT: &str = "microsoft.authorization/roleassignments";
pub(crate) const ROLE_DEFINITION: &str = "microsoft.authorization/roledefinitions";
pub(crate) const PERMISSIONS: &str = "microsoft.authorization/permissions";
pub(crate) const LOCK: &str = "microsoft.authorization/locks";
pub(crate) const POLICY_ASSIGNMENT: &str = "microsoft.authorization/policyassignments";
pub(crate) const POLICY_EXEMPTION: &str = "microsoft.authorization/policyexemptions";
pub(crate) const POLICY_DEFINITION: &str = "microsoft.authorization/policydefinitions";
pub(crate) const POLICY_RESTRICTIONS: &str = "microsoft.policyinsights/checkpolicyrestrictions";

pub(crate) const MANAGEMENT_GROUP: &str = "microsoft.management/managementgroups";
pub(crate) const MANAGEMENT_GROUP_MEMBER: &str =
    "microsoft.management/managementgroups/subscriptions";
pub(crate) const MANAGEMENT_GROUP_DESCENDANTS: &str =
    "microsoft.management/managementgroups/descendants";

pub(crate) const IDENTITY: &str = "microsoft.managedidentity/userassignedidentities";
pub(crate) const FEDERATED_CREDENTIAL: &str =
    "microsoft.managedidentity/userassignedidentities/federatedidentitycredentials";

pub(crate) const STORAGE_ACCOUNT: &str = "microsoft.storage/storageaccounts";
pub(crate) const STORAGE_KEYS: &str = "microsoft.storage/storageaccounts/listkeys";
pub(crate) const STORAGE_NAME_CHECK: &str = "microsoft.storage/checknameavailability";

pub(crate) const RESOURCE_GRAPH: &str = "microsoft.resourcegraph/resources";

pub(crate) const SQL_SERVER: &str = "microsoft.sql/servers";
pub(crate) const SQL_DATABASE: &str = "microsoft.sql/servers/databases";

pub(crate) const KEY_VAULT: &str = "microsoft.keyvault/vaults";

pub(crate) const VIDEO_ANALYZER: &str = "microsoft.media/videoanalyzers";
pub(crate) const VIDEO_INDEXER: &str = "microsoft.videoindexer/accounts";
