//! The properties of a Video Analyzer account.

use std::collections::BTreeMap;

use lazuli_core::facts::Field;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::link::OneOrMany;

/// A Video Analyzer account. Azure retired the service on 2022-11-30; the simulator still runs it.
///
/// Azure accepts the account only if its identity has the roles `Storage Blob Data Contributor` and `Reader` on the
/// storage. Use a standard general-purpose storage account in the same region and subscription.
///
/// ```yaml
/// cameras:
///   kind: videoAnalyzer
///   name: vacameras
///   identity: ${analyzer}
///   storage: ${recordings}
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VideoAnalyzerProps {
    /// The managed identities: a reference or a list. The first one accesses the storage.
    pub identity: OneOrMany<String>,
    /// The storage accounts of videos: references, ids, or a list of them.
    pub storage: OneOrMany<Storage>,
    /// Whether public networks can reach the account. Azure's default is `Enabled`.
    pub public_network_access: Option<Field<NetworkAccess>>,
    /// The access from public networks, by use.
    pub network_access_control: Option<NetworkAccessControl>,
    /// The encryption of data. Azure's default is a system key (`SystemKey`).
    pub encryption: Option<AnalyzerEncryption>,
    /// IoT hubs that send messages to the account.
    pub iot_hubs: Option<Vec<IotHub>>,
    /// Access policies for videos, by name.
    pub access_policies: Option<BTreeMap<String, AccessPolicy>>,
    /// Edge modules: a list of names, or a mapping from names to nothing.
    pub edge_modules: Option<EdgeModules>,
}

words! {
    /// Access from public networks.
    NetworkAccess { Enabled, Disabled }
    /// The owner of the encryption key.
    EncryptionType { SystemKey, CustomerKey }
    /// The role of an access policy.
    Role { Reader }
}

/// A storage account.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Storage {
    /// A reference to a storageAccount, or its id.
    Account(String),
    /// A storage account that another identity than the first one accesses.
    With(StorageWith),
}

/// A storage account, and the identity that accesses it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StorageWith {
    /// A reference to a storageAccount, or its id.
    pub id: String,
    /// A reference to one of the account's identities.
    pub identity: Option<String>,
}

/// The access from public networks, by use.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NetworkAccessControl {
    /// The access for management by other services.
    pub integration: Option<GroupAccess>,
    /// The access for the upload of videos.
    pub ingestion: Option<GroupAccess>,
    /// The access for playback.
    pub consumption: Option<GroupAccess>,
}

/// The access from public networks for one use.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GroupAccess {
    /// Whether public networks have access.
    pub public_network_access: Option<Field<NetworkAccess>>,
}

/// The encryption of data.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AnalyzerEncryption {
    /// The type of the key: `SystemKey` or `CustomerKey`.
    #[serde(rename = "type")]
    pub kind: Field<EncryptionType>,
    /// The customer-managed key. Required with `CustomerKey`.
    pub key_vault_properties: Option<AnalyzerKeyVaultProperties>,
    /// The identity that reads the key. Required with `CustomerKey`.
    pub identity: Option<ResourceIdentity>,
}

/// A key in a key vault.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AnalyzerKeyVaultProperties {
    /// The URL of the key: `https://VAULT.vault.azure.net/keys/NAME[/VERSION]`.
    pub key_identifier: String,
}

/// An identity that accesses another resource.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResourceIdentity {
    /// A reference to one of the account's identities, or its id.
    pub user_assigned_identity: String,
}

/// An IoT hub that sends messages.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IotHub {
    /// The id of the IoT hub.
    pub id: String,
    /// The identity that accesses the IoT hub.
    pub identity: ResourceIdentity,
}

/// A policy for access to videos.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccessPolicy {
    /// The role of callers.
    pub role: Option<Field<Role>>,
    /// The authentication of callers.
    pub authentication: Option<Authentication>,
}

/// The authentication of callers by a token.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Authentication {
    /// The type: `#Microsoft.VideoAnalyzer.JwtAuthentication`.
    #[serde(rename = "@type")]
    pub kind: String,
    /// The accepted issuers of the token.
    pub issuers: Option<Vec<String>>,
    /// The accepted audiences of the token.
    pub audiences: Option<Vec<String>>,
    /// The required claims of the token.
    pub claims: Option<Vec<Claim>>,
    /// The accepted signing keys of the token.
    pub keys: Option<Vec<TokenKey>>,
}

/// A required claim.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Claim {
    /// The name of the claim.
    pub name: String,
    /// The value of the claim. Without it, any value matches.
    pub value: Option<String>,
}

/// A public key.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TokenKey {
    /// The type: `#Microsoft.VideoAnalyzer.RsaTokenKey` or `EccTokenKey`.
    #[serde(rename = "@type")]
    pub kind: String,
    /// The id of the key, as in the token.
    pub kid: String,
    /// The algorithm: `RS256`, `RS384`, `RS512`, `ES256`, `ES384` or `ES512`.
    pub alg: Option<String>,
    /// The modulus of an RSA key.
    pub n: Option<String>,
    /// The exponent of an RSA key.
    pub e: Option<String>,
    /// The x coordinate of an elliptic curve key.
    pub x: Option<String>,
    /// The y coordinate of an elliptic curve key.
    pub y: Option<String>,
}

/// Edge modules.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum EdgeModules {
    /// A list of names.
    List(Vec<String>),
    /// A mapping from names to nothing.
    ByName(BTreeMap<String, Option<BTreeMap<String, Json>>>),
}
