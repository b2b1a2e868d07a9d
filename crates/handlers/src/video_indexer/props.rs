//! The properties of a Video Indexer account.

use lazuli_core::facts::Field;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::identity::Identities;

/// A Video Indexer account. Its name is unique in all of Azure.
///
/// The identity that accesses the storage needs `Storage Blob Data Contributor` on it. Without the role, Azure creates
/// the account but cannot index videos. Use a standard general-purpose v2 storage account in the same region; it can
/// be changed until the first video is indexed.
///
/// ```yaml
/// videos:
///   kind: videoIndexer
///   name: vi-cameras
///   identity: ${indexer}
///   storage: ${recordings}
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VideoIndexerProps {
    /// The managed identities: a reference, a list, or a mapping.
    pub identity: Identities,
    /// The storage account of videos: a reference or an id. The first user-assigned identity accesses it or, without
    /// one, the account's own. Excludes `storageServices`.
    pub storage: Option<String>,
    /// The storage account and its identity, in ARM's form. Excludes `storage`.
    pub storage_services: Option<StorageServices>,
    /// The Azure OpenAI account that writes summaries of videos.
    pub open_ai_services: Option<OpenAiServices>,
    /// Whether public networks can reach the account. Azure's default is `Enabled`.
    pub public_network_access: Option<Field<NetworkAccess>>,
}

words! {
    /// Access from public networks.
    NetworkAccess { Enabled, Disabled }
}

/// A storage account, and the identity that accesses it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StorageServices {
    /// A reference to a storageAccount, or its id.
    pub resource_id: String,
    /// A reference to one of the account's identities, or its id. The default is the account's own identity.
    pub user_assigned_identity: Option<String>,
}

/// An Azure OpenAI account, and the identity that accesses it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OpenAiServices {
    /// The id of the account (`Microsoft.CognitiveServices/accounts`).
    pub resource_id: String,
    /// A reference to one of the account's identities, or its id. The default is the account's own identity.
    pub user_assigned_identity: Option<String>,
}
