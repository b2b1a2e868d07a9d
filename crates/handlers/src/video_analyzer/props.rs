//! What an author may write about a Video Analyzer account.

use std::collections::BTreeMap;

use lazuli_core::facts::Field;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::link::OneOrMany;

/// A Video Analyzer account. Azure retired the service on 2022-11-30; the simulator still runs it.
///
/// Azure accepts the account only when its identity holds `Storage Blob Data Contributor` and `Reader` on the storage,
/// which is a standard general-purpose account in the same region and subscription.
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
    /// The identity that the account acts as: a reference to a userAssignedIdentity, or a list of them, of which the
    /// first one reaches the storage.
    pub identity: OneOrMany<String>,
    /// Where videos are kept: a reference to a storageAccount, or its id, or a list of them.
    pub storage: OneOrMany<Storage>,
    /// Whether the account can be reached over public networks. Azure's default is `Enabled`.
    pub public_network_access: Option<Field<NetworkAccess>>,
    /// The same for each of its uses.
    pub network_access_control: Option<NetworkAccessControl>,
    /// How the account's data is encrypted. Azure's default is with a key of its own (`SystemKey`).
    pub encryption: Option<AnalyzerEncryption>,
    /// IoT hubs that the account takes messages from.
    pub iot_hubs: Option<Vec<IotHub>>,
    /// Who may watch videos, by name of the policy.
    pub access_policies: Option<BTreeMap<String, AccessPolicy>>,
    /// Edge modules: a list of names, or a mapping from names to nothing.
    pub edge_modules: Option<EdgeModules>,
}

words! {
    /// Whether public networks lead to something.
    NetworkAccess { Enabled, Disabled }
    /// Who keeps the key.
    EncryptionType { SystemKey, CustomerKey }
    /// What someone may do.
    Role { Reader }
}

/// A storage account that is used.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Storage {
    /// A reference to a storageAccount, or its id.
    Account(String),
    /// A storage account that is reached with an identity other than the first.
    With(StorageWith),
}

/// A storage account, and the identity that it is reached with.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StorageWith {
    /// A reference to a storageAccount, or its id.
    pub id: String,
    /// A reference to one of the identities of the account.
    pub identity: Option<String>,
}

/// Whether the account can be reached over public networks, for each of its uses.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NetworkAccessControl {
    /// For its management by other services.
    pub integration: Option<GroupAccess>,
    /// For videos on their way in.
    pub ingestion: Option<GroupAccess>,
    /// For watching.
    pub consumption: Option<GroupAccess>,
}

/// Whether one use is open to public networks.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GroupAccess {
    /// Whether it is.
    pub public_network_access: Option<Field<NetworkAccess>>,
}

/// How the account's data is encrypted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AnalyzerEncryption {
    /// Who keeps the key: Azure, or a key vault of one's own.
    #[serde(rename = "type")]
    pub kind: Field<EncryptionType>,
    /// The key of one's own. Required with `CustomerKey`.
    pub key_vault_properties: Option<AnalyzerKeyVaultProperties>,
    /// The identity that the key is fetched with. Required with `CustomerKey`.
    pub identity: Option<ResourceIdentity>,
}

/// A key in a key vault.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AnalyzerKeyVaultProperties {
    /// The URL of the key: `https://VAULT.vault.azure.net/keys/NAME`, with a version or without.
    pub key_identifier: String,
}

/// An identity that something is reached with.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResourceIdentity {
    /// A reference to one of the identities of the account, or its id.
    pub user_assigned_identity: String,
}

/// An IoT hub that messages are taken from.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IotHub {
    /// The id of the IoT hub.
    pub id: String,
    /// The identity that it is reached with.
    pub identity: ResourceIdentity,
}

/// Who may watch videos.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccessPolicy {
    /// What they may do.
    pub role: Option<Field<Role>>,
    /// How they prove who they are.
    pub authentication: Option<Authentication>,
}

/// How someone proves who they are: by a token, of which this says what it must hold.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Authentication {
    /// The sort of proof: `#Microsoft.VideoAnalyzer.JwtAuthentication`.
    #[serde(rename = "@type")]
    pub kind: String,
    /// Who may have issued the token.
    pub issuers: Option<Vec<String>>,
    /// Whom the token may be meant for.
    pub audiences: Option<Vec<String>>,
    /// What the token must claim besides.
    pub claims: Option<Vec<Claim>>,
    /// The keys that the token may be signed with.
    pub keys: Option<Vec<TokenKey>>,
}

/// What a token must claim.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Claim {
    /// The name of the claim.
    pub name: String,
    /// Its value. Without one, any will do.
    pub value: Option<String>,
}

/// A public key.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TokenKey {
    /// The sort of key: `#Microsoft.VideoAnalyzer.RsaTokenKey` or `#Microsoft.VideoAnalyzer.EccTokenKey`.
    #[serde(rename = "@type")]
    pub kind: String,
    /// The id of the key, as the token names it.
    pub kid: String,
    /// The algorithm: `RS256`, `RS384`, `RS512`, `ES256`, `ES384`, `ES512`.
    pub alg: Option<String>,
    /// The modulus, of an RSA key.
    pub n: Option<String>,
    /// The exponent, of an RSA key.
    pub e: Option<String>,
    /// The first coordinate, of an elliptic curve key.
    pub x: Option<String>,
    /// The second coordinate, of an elliptic curve key.
    pub y: Option<String>,
}

/// Edge modules.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum EdgeModules {
    /// Names.
    List(Vec<String>),
    /// Names; there is nothing to say about a module.
    ByName(BTreeMap<String, Option<BTreeMap<String, Json>>>),
}
