//! What an author may write about a Video Indexer account.

use lazuli_core::facts::Field;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::identity::Identities;

/// A Video Indexer account. Its name is unique in all of Azure.
///
/// The identity that reaches the storage needs `Storage Blob Data Contributor` on it. Without that Azure makes the
/// account all the same, and no video can be indexed. The storage is a standard general-purpose v2 account, best in
/// the same region; Azure lets it be changed until the first video has been indexed.
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
    /// The identities that the account acts as: a reference to a userAssignedIdentity, a list of them, or a mapping
    /// that also says `systemAssigned: true`.
    pub identity: Identities,
    /// Where videos are kept: a reference to a storageAccount, or its id. The first of the user-assigned identities
    /// reaches it or, where there is none, the account's own. Either this or `storageServices`.
    pub storage: Option<String>,
    /// Where videos are kept, and what reaches it, in Azure's words. Either this or `storage`.
    pub storage_services: Option<StorageServices>,
    /// The Azure OpenAI account that writes textual summaries of videos.
    pub open_ai_services: Option<OpenAiServices>,
    /// Whether the account can be reached over public networks. Azure's default is `Enabled`.
    pub public_network_access: Option<Field<NetworkAccess>>,
}

words! {
    /// Whether public networks lead to something.
    NetworkAccess { Enabled, Disabled }
}

/// A storage account, and the identity that it is reached with.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StorageServices {
    /// A reference to a storageAccount, or its id.
    pub resource_id: String,
    /// A reference to one of the identities of the account, or its id. Without it, the account's own is meant.
    pub user_assigned_identity: Option<String>,
}

/// An Azure OpenAI account, and the identity that it is reached with.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OpenAiServices {
    /// The id of the Azure OpenAI account (`Microsoft.CognitiveServices/accounts`).
    pub resource_id: String,
    /// A reference to one of the identities of the account, or its id. Without it, the account's own is meant.
    pub user_assigned_identity: Option<String>,
}
