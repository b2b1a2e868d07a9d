//! The properties of a storage account.

use std::collections::BTreeMap;

use lazuli_core::facts::Field;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    blobs::{BlobService, Container},
    lifecycle::LifecycleRules,
};
use crate::identity::Identities;

/// A storage account: blobs, files, queues and tables. Its name is unique in all of Azure.
///
/// ```yaml
/// recordings:
///   kind: storageAccount
///   name: stcameras
///   sku: Standard_LRS
///   minimumTlsVersion: TLS1_2
///   allowSharedKeyAccess: false
///   blobService:
///     deleteRetentionPolicy: { enabled: true, days: 7 }
///   containers:
///     video: {}
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StorageAccountProps {
    /// The replication and performance of the account.
    pub sku: Field<Sku>,
    /// The kind of account. The default that is sent is `StorageV2`.
    pub account_kind: Option<Field<AccountKind>>,
    /// The default tier of blobs. Required with `BlobStorage`. Azure's default is `Hot`.
    pub access_tier: Option<Field<AccessTier>>,
    /// Whether Azure rejects requests without TLS. Azure's default is true.
    pub supports_https_traffic_only: Option<Field<bool>>,
    /// The minimum TLS version of requests. Azure's default is `TLS1_2` for new accounts.
    pub minimum_tls_version: Option<Field<TlsVersion>>,
    /// Whether account keys can authorize requests. Azure's default is true.
    pub allow_shared_key_access: Option<Field<bool>>,
    /// Whether containers can allow anonymous access. Azure's default is false for new accounts.
    pub allow_blob_public_access: Option<Field<bool>>,
    /// Whether public networks can reach the account. Azure's default is `Enabled`.
    pub public_network_access: Option<Field<PublicNetworkAccess>>,
    /// Whether blobs have a hierarchical namespace (Data Lake Storage Gen2). Fixed at creation. Azure's default is
    /// false.
    pub is_hns_enabled: Option<Field<bool>>,
    /// Whether the Azure portal uses Microsoft Entra ID by default. Azure's default is false.
    #[serde(rename = "defaultToOAuthAuthentication")]
    pub default_to_oauth_authentication: Option<Field<bool>>,
    /// Whether objects can replicate to other tenants. Azure's default is false for new accounts.
    pub allow_cross_tenant_replication: Option<Field<bool>>,
    /// Whether users of other tenants can get delegation SAS. Azure's default is false.
    pub allow_cross_tenant_delegation_sas: Option<Field<bool>>,
    /// The allowed sources of copies: `AAD` (same tenant) or `PrivateLink`. Azure's default is any source.
    pub allowed_copy_scope: Option<Field<CopyScope>>,
    /// Whether file shares can exceed 5 TiB. Cannot be turned off again.
    pub large_file_shares_state: Option<Field<Switch>>,
    /// Whether SFTP is available. Requires `isHnsEnabled: true`. Azure's default is false.
    pub is_sftp_enabled: Option<Field<bool>>,
    /// Whether local users can sign in over SFTP. Azure's default is true.
    pub is_local_user_enabled: Option<Field<bool>>,
    /// Whether NFS 3.0 is available. Requires `isHnsEnabled: true`. Fixed at creation. Azure's default is false.
    pub is_nfs_v3_enabled: Option<Field<bool>>,
    /// Whether local users can be members of more than 16 groups.
    pub enable_extended_groups: Option<Field<bool>>,
    /// The DNS zone; `AzureDnsZone` allows more accounts. Fixed at creation. Azure's default is `Standard`.
    pub dns_endpoint_type: Option<Field<DnsEndpointType>>,
    /// The network rules for requests over public networks.
    pub network_acls: Option<NetworkAcls>,
    /// The encryption of data at rest. Azure's default is keys that Microsoft manages.
    pub encryption: Option<StorageEncryption>,
    /// The managed identities: a reference, a list, or a mapping.
    pub identity: Option<Identities>,
    /// The expiration policy of account keys.
    pub key_policy: Option<KeyPolicy>,
    /// The expiration policy of shared access signatures.
    pub sas_policy: Option<SasPolicy>,
    /// The network route of requests. Azure's default is Microsoft's network.
    pub routing_preference: Option<RoutingPreference>,
    /// The endpoints for IPv6.
    pub dual_stack_endpoint_preference: Option<DualStack>,
    /// Immutability of blob versions. Fixed at creation.
    pub immutable_storage_with_versioning: Option<ImmutableStorage>,
    /// Identity-based authentication for file shares.
    pub azure_files_identity_based_authentication: Option<FilesAuthentication>,
    /// A custom domain for the blob endpoint.
    pub custom_domain: Option<CustomDomain>,
    /// The priority of replication to the secondary region.
    pub geo_priority_replication_status: Option<GeoPriority>,
    /// The edge zone of the account. Fixed at creation.
    pub extended_location: Option<ExtendedLocation>,
    /// The availability zone of the data.
    pub zones: Option<Vec<String>>,
    /// The selection of the availability zone.
    pub placement: Option<StoragePlacement>,
    /// The settings of the blob service.
    pub blob_service: Option<BlobService>,
    /// Blob containers, by name.
    pub containers: Option<BTreeMap<String, Option<Container>>>,
    /// Lifecycle rules: a mapping by name, or a list of rules with names.
    pub lifecycle_rules: Option<LifecycleRules>,
}

words! {
    /// The replication and performance of a storage account.
    #[expect(non_camel_case_types, reason = "the names are Azure's")]
    Sku {
        Standard_LRS, Standard_GRS, Standard_RAGRS, Standard_ZRS, Standard_GZRS, Standard_RAGZRS,
        Premium_LRS, Premium_ZRS,
        StandardV2_LRS, StandardV2_GRS, StandardV2_ZRS, StandardV2_GZRS, PremiumV2_LRS, PremiumV2_ZRS,
    }
    /// A kind of storage account.
    AccountKind { StorageV2, BlobStorage, BlockBlobStorage, FileStorage, Storage }
    /// An access tier of blobs.
    AccessTier { Hot, Cool, Cold, Premium }
    /// A TLS version.
    TlsVersion { Tls1_0 = "TLS1_0", Tls1_1 = "TLS1_1", Tls1_2 = "TLS1_2", Tls1_3 = "TLS1_3" }
    /// Access from public networks.
    PublicNetworkAccess { Enabled, Disabled, SecuredByPerimeter }
    /// An allowed source of copies.
    CopyScope { Aad = "AAD", PrivateLink }
    /// A switch.
    Switch { Enabled, Disabled }
    /// A kind of DNS zone.
    DnsEndpointType { Standard, AzureDnsZone }
    /// The action for requests that no rule matches.
    DefaultAction { Allow, Deny }
    /// The action of a network rule.
    RuleAction { Allow }
    /// The owner of encryption keys.
    KeySource { Storage = "Microsoft.Storage", KeyVault = "Microsoft.Keyvault" }
    /// The scope of an encryption key.
    KeyType { Service, Account }
    /// The action for a signature that is valid for too long.
    ExpirationAction { Log, Block }
    /// A network route.
    RoutingChoice { MicrosoftRouting, InternetRouting }
    /// The state of an immutability policy.
    PolicyState { Unlocked, Locked, Disabled }
    /// A directory service for file shares.
    DirectoryService { None, Aadds = "AADDS", Ad = "AD", Aadkerb = "AADKERB" }
    /// A type of Active Directory account.
    AdAccountType { User, Computer }
    /// A default permission on file shares.
    SharePermission {
        None, StorageFileDataSmbShareReader, StorageFileDataSmbShareContributor,
        StorageFileDataSmbShareElevatedContributor,
    }
    /// A type of extended location.
    ExtendedLocationType { EdgeZone }
    /// A policy for the selection of a zone.
    ZonePlacementPolicy { Any, None }
}

/// The network rules of a storage account.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NetworkAcls {
    /// The action for networks that no rule names.
    pub default_action: Field<DefaultAction>,
    /// Traffic that bypasses the rules, such as `Logging, Metrics`. Azure's default is `AzureServices`.
    pub bypass: Option<String>,
    /// Allowed IPv4 addresses and ranges.
    pub ip_rules: Option<Vec<IpRule>>,
    /// Allowed IPv6 addresses and ranges.
    pub ipv6_rules: Option<Vec<IpRule>>,
    /// Allowed subnets.
    pub virtual_network_rules: Option<Vec<VirtualNetworkRule>>,
    /// Allowed Azure resources.
    pub resource_access_rules: Option<Vec<ResourceAccessRule>>,
}

/// An allowed address or range.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IpRule {
    /// The address or range: `203.0.113.0/24`.
    pub value: String,
    /// The action. Azure's default, and the only value, is `Allow`.
    pub action: Option<Field<RuleAction>>,
}

/// An allowed subnet.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VirtualNetworkRule {
    /// The id of the subnet.
    pub id: String,
    /// The action. Azure's default, and the only value, is `Allow`.
    pub action: Option<Field<RuleAction>>,
}

/// An allowed Azure resource.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResourceAccessRule {
    /// The id of the resource; `*` matches any name.
    pub resource_id: String,
    /// The tenant of the resource.
    pub tenant_id: Option<String>,
}

/// The encryption of data at rest.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StorageEncryption {
    /// The key store: `Microsoft.Storage` or `Microsoft.Keyvault`. Azure's default is `Microsoft.Storage`.
    pub key_source: Option<Field<KeySource>>,
    /// The customer-managed key. Required with `Microsoft.Keyvault`.
    pub keyvaultproperties: Option<StorageKeyVaultProperties>,
    /// The identity that reads the key.
    pub identity: Option<EncryptionIdentity>,
    /// Whether the infrastructure encrypts data again. Fixed at creation. Azure's default is false.
    pub require_infrastructure_encryption: Option<Field<bool>>,
    /// The encryption of each service.
    pub services: Option<EncryptionServices>,
}

/// A key in a key vault.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StorageKeyVaultProperties {
    /// The name of the key.
    pub keyname: Option<String>,
    /// The version of the key. Without a version, Azure follows the newest one.
    pub keyversion: Option<String>,
    /// The URI of the vault: `https://NAME.vault.azure.net`.
    pub keyvaulturi: Option<String>,
}

/// The identity that reads a key.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EncryptionIdentity {
    /// A reference to one of the account's identities, or its id.
    pub user_assigned_identity: Option<String>,
    /// The client id of an application in the tenant of the vault.
    pub federated_identity_client_id: Option<String>,
}

/// The encryption of each service.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EncryptionServices {
    /// The blob service.
    pub blob: Option<EncryptionService>,
    /// The file service.
    pub file: Option<EncryptionService>,
    /// The queue service.
    pub queue: Option<EncryptionService>,
    /// The table service.
    pub table: Option<EncryptionService>,
}

/// The encryption of a service.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EncryptionService {
    /// Whether the service encrypts data. Always true.
    pub enabled: Option<Field<bool>>,
    /// The scope of the key: `Account` or `Service`. Fixed at creation. Azure's default is `Account` for blobs and
    /// files, `Service` for queues and tables.
    pub key_type: Option<Field<KeyType>>,
}

/// The expiration policy of account keys.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyPolicy {
    /// The days after which a key expires.
    pub key_expiration_period_in_days: Field<u32>,
}

/// The expiration policy of shared access signatures.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SasPolicy {
    /// The maximum validity, as `DD.HH:MM:SS`.
    pub sas_expiration_period: String,
    /// The action for longer validity: log or block.
    pub expiration_action: Field<ExpirationAction>,
}

/// The network route of requests.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoutingPreference {
    /// The route of the default endpoints.
    pub routing_choice: Option<Field<RoutingChoice>>,
    /// Whether separate endpoints use Microsoft's network.
    pub publish_microsoft_endpoints: Option<Field<bool>>,
    /// Whether separate endpoints use the internet.
    pub publish_internet_endpoints: Option<Field<bool>>,
}

/// The endpoints for IPv6.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DualStack {
    /// Whether endpoints for IPv6 exist.
    pub publish_ipv6_endpoint: Option<Field<bool>>,
}

/// Immutability of blob versions.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImmutableStorage {
    /// Whether immutability is available.
    pub enabled: Option<Field<bool>>,
    /// The default policy of blob versions.
    pub immutability_policy: Option<ImmutabilityPolicy>,
}

/// An immutability policy.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImmutabilityPolicy {
    /// The days of immutability from creation: 1 to 146000.
    pub immutability_period_since_creation_in_days: Option<Field<u32>>,
    /// The state; `Locked` cannot be undone.
    pub state: Option<Field<PolicyState>>,
    /// Whether blocks can still be appended.
    pub allow_protected_append_writes: Option<Field<bool>>,
}

/// Identity-based authentication for file shares.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FilesAuthentication {
    /// The directory service: `AADDS`, `AD`, `AADKERB` or `None`.
    pub directory_service_options: Field<DirectoryService>,
    /// The domain. Required with `AD`, optional with `AADKERB`.
    pub active_directory_properties: Option<ActiveDirectory>,
    /// The share permission of all authenticated users. Azure's default is `None`.
    pub default_share_permission: Option<Field<SharePermission>>,
    /// SMB access for managed identities.
    #[serde(rename = "smbOAuthSettings")]
    pub smb_oauth_settings: Option<SmbOAuth>,
}

/// An Active Directory domain.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ActiveDirectory {
    /// The DNS name of the domain.
    pub domain_name: Option<String>,
    /// The GUID of the domain.
    pub domain_guid: Option<String>,
    /// The security identifier of the domain.
    pub domain_sid: Option<String>,
    /// The NetBIOS name of the domain.
    pub net_bios_domain_name: Option<String>,
    /// The forest of the domain.
    pub forest_name: Option<String>,
    /// The security identifier of the storage account in the domain.
    pub azure_storage_sid: Option<String>,
    /// The name of the storage account in the domain.
    pub sam_account_name: Option<String>,
    /// The type of the storage account's object in the domain.
    pub account_type: Option<Field<AdAccountType>>,
}

/// SMB access for managed identities.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SmbOAuth {
    /// Whether managed identities can use SMB.
    #[serde(rename = "isSmbOAuthEnabled")]
    pub is_smb_oauth_enabled: Option<Field<bool>>,
}

/// A custom domain.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CustomDomain {
    /// The domain name; a CNAME record must point it to the account.
    pub name: String,
    /// Whether Azure validates the name with an `asverify` record. Never returned.
    pub use_sub_domain_name: Option<Field<bool>>,
}

/// The priority of replication to the secondary region.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GeoPriority {
    /// Whether blob replication has priority.
    pub is_blob_enabled: Option<Field<bool>>,
}

/// An edge zone.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExtendedLocation {
    /// The name of the zone.
    pub name: String,
    /// The type of the location.
    #[serde(rename = "type")]
    pub kind: Field<ExtendedLocationType>,
}

/// The selection of an availability zone.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StoragePlacement {
    /// The policy; `Any` leaves the zone to Azure.
    pub zone_placement_policy: Option<Field<ZonePlacementPolicy>>,
}
