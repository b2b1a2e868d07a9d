//! What an author may write about a storage account itself.

use std::collections::BTreeMap;

use lazuli_core::facts::Field;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    blobs::{BlobService, Container},
    lifecycle::LifecycleRules,
};
use crate::identity::Identities;

/// A storage account: blobs, files, queues and tables under one name that is unique in all of Azure.
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
    /// How the data is replicated, and whether it lies on standard or premium storage.
    pub sku: Field<Sku>,
    /// The sort of account. `StorageV2`, the general-purpose one, is sent when it is left out.
    pub account_kind: Option<Field<AccountKind>>,
    /// The tier of blobs that have none of their own. Azure's default is `Hot`. Required with `BlobStorage`.
    pub access_tier: Option<Field<AccessTier>>,
    /// Whether requests without TLS are refused. Azure's default is true.
    pub supports_https_traffic_only: Option<Field<bool>>,
    /// The oldest version of TLS that requests may use. Azure's default is `TLS1_2` for new accounts.
    pub minimum_tls_version: Option<Field<TlsVersion>>,
    /// Whether requests may be signed with the account's keys. False leaves Microsoft Entra ID alone. Azure's default
    /// is true.
    pub allow_shared_key_access: Option<Field<bool>>,
    /// Whether containers may be opened to everyone. Azure's default is false for new accounts.
    pub allow_blob_public_access: Option<Field<bool>>,
    /// Whether the account can be reached over public networks at all. Azure's default is `Enabled`.
    pub public_network_access: Option<Field<PublicNetworkAccess>>,
    /// Whether blobs have a hierarchical namespace (Data Lake Storage Gen2). Fixed at creation. Azure's default is
    /// false.
    pub is_hns_enabled: Option<Field<bool>>,
    /// Whether the Azure portal uses Microsoft Entra ID by default. Azure's default is false.
    #[serde(rename = "defaultToOAuthAuthentication")]
    pub default_to_oauth_authentication: Option<Field<bool>>,
    /// Whether objects may be replicated to accounts of other tenants. Azure's default is false for new accounts.
    pub allow_cross_tenant_replication: Option<Field<bool>>,
    /// Whether shared access signatures may be made for users of other tenants. Azure's default is false.
    pub allow_cross_tenant_delegation_sas: Option<Field<bool>>,
    /// Where data may be copied from: accounts of the same tenant (`AAD`), or with a private link to the same
    /// network (`PrivateLink`). Azure's default is anywhere.
    pub allowed_copy_scope: Option<Field<CopyScope>>,
    /// Whether file shares may be larger than 5 TiB. It cannot be turned off again.
    pub large_file_shares_state: Option<Field<Switch>>,
    /// Whether SFTP is spoken. Needs `isHnsEnabled: true`. Azure's default is false.
    pub is_sftp_enabled: Option<Field<bool>>,
    /// Whether local users may sign in over SFTP. Azure's default is true.
    pub is_local_user_enabled: Option<Field<bool>>,
    /// Whether NFS 3.0 is spoken. Needs `isHnsEnabled: true`. Fixed at creation. Azure's default is false.
    pub is_nfs_v3_enabled: Option<Field<bool>>,
    /// Whether local users may be in more than 16 groups.
    pub enable_extended_groups: Option<Field<bool>>,
    /// Whether the endpoints are in the usual DNS zone or in one of many (`AzureDnsZone`), which allows for more
    /// accounts in a subscription. Fixed at creation. Azure's default is `Standard`.
    pub dns_endpoint_type: Option<Field<DnsEndpointType>>,
    /// Who may reach the account over public networks.
    pub network_acls: Option<NetworkAcls>,
    /// How the data is encrypted. Azure's default is with keys that Microsoft manages.
    pub encryption: Option<StorageEncryption>,
    /// The identities that the account acts as: a reference to a userAssignedIdentity, a list of them, or a mapping
    /// that also says `systemAssigned: true`.
    pub identity: Option<Identities>,
    /// How long the account's keys may be used before they are to be renewed.
    pub key_policy: Option<KeyPolicy>,
    /// How long shared access signatures may hold.
    pub sas_policy: Option<SasPolicy>,
    /// Which way requests take to the account. Azure's default is over Microsoft's network.
    pub routing_preference: Option<RoutingPreference>,
    /// Endpoints for IPv6.
    pub dual_stack_endpoint_preference: Option<DualStack>,
    /// Whether versions of blobs can be kept from being changed or deleted. Fixed at creation.
    pub immutable_storage_with_versioning: Option<ImmutableStorage>,
    /// How file shares know their users.
    pub azure_files_identity_based_authentication: Option<FilesAuthentication>,
    /// A domain name of one's own for the blob endpoint.
    pub custom_domain: Option<CustomDomain>,
    /// Whether replication to the other region has priority.
    pub geo_priority_replication_status: Option<GeoPriority>,
    /// The edge zone that the account is in, instead of the region itself. Fixed at creation.
    pub extended_location: Option<ExtendedLocation>,
    /// The availability zone that the data is pinned to.
    pub zones: Option<Vec<String>>,
    /// How Azure chooses the zone.
    pub placement: Option<StoragePlacement>,
    /// The settings of the blob service.
    pub blob_service: Option<BlobService>,
    /// Containers of blobs, by name.
    pub containers: Option<BTreeMap<String, Option<Container>>>,
    /// What happens to blobs as they grow old: rules by name, or a list of rules with names.
    pub lifecycle_rules: Option<LifecycleRules>,
}

words! {
    /// How the data is replicated, and on what it lies.
    #[expect(non_camel_case_types, reason = "the names are Azure's")]
    Sku {
        Standard_LRS, Standard_GRS, Standard_RAGRS, Standard_ZRS, Standard_GZRS, Standard_RAGZRS,
        Premium_LRS, Premium_ZRS,
        StandardV2_LRS, StandardV2_GRS, StandardV2_ZRS, StandardV2_GZRS, PremiumV2_LRS, PremiumV2_ZRS,
    }
    /// The sort of account.
    AccountKind { StorageV2, BlobStorage, BlockBlobStorage, FileStorage, Storage }
    /// The tier of blobs.
    AccessTier { Hot, Cool, Cold, Premium }
    /// A version of TLS.
    TlsVersion { Tls1_0 = "TLS1_0", Tls1_1 = "TLS1_1", Tls1_2 = "TLS1_2", Tls1_3 = "TLS1_3" }
    /// Whether public networks lead to the account.
    PublicNetworkAccess { Enabled, Disabled, SecuredByPerimeter }
    /// Where data may be copied from.
    CopyScope { Aad = "AAD", PrivateLink }
    /// On or off.
    Switch { Enabled, Disabled }
    /// The sort of DNS zone.
    DnsEndpointType { Standard, AzureDnsZone }
    /// What happens where no rule fits.
    DefaultAction { Allow, Deny }
    /// What a rule does.
    RuleAction { Allow }
    /// Who keeps the keys.
    KeySource { Storage = "Microsoft.Storage", KeyVault = "Microsoft.Keyvault" }
    /// Which key a service encrypts with.
    KeyType { Service, Account }
    /// What happens when a signature holds for too long.
    ExpirationAction { Log, Block }
    /// A way for requests.
    RoutingChoice { MicrosoftRouting, InternetRouting }
    /// Whether a policy can still be taken back.
    PolicyState { Unlocked, Locked, Disabled }
    /// A directory that knows users of file shares.
    DirectoryService { None, Aadds = "AADDS", Ad = "AD", Aadkerb = "AADKERB" }
    /// The sort of account in Active Directory.
    AdAccountType { User, Computer }
    /// What everyone may do with file shares.
    SharePermission {
        None, StorageFileDataSmbShareReader, StorageFileDataSmbShareContributor,
        StorageFileDataSmbShareElevatedContributor,
    }
    /// The sort of extended location.
    ExtendedLocationType { EdgeZone }
    /// How Azure chooses a zone.
    ZonePlacementPolicy { Any, None }
}

/// Who may reach the account over public networks.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NetworkAcls {
    /// Whether networks that no rule names are let in.
    pub default_action: Field<DefaultAction>,
    /// Which traffic is let in whatever the rules say: `None`, `AzureServices`, `Logging`, `Metrics`, or several,
    /// separated by `, `. Azure's default is `AzureServices`.
    pub bypass: Option<String>,
    /// IPv4 addresses and ranges that are let in.
    pub ip_rules: Option<Vec<IpRule>>,
    /// IPv6 addresses and ranges that are let in.
    pub ipv6_rules: Option<Vec<IpRule>>,
    /// Subnets that are let in.
    pub virtual_network_rules: Option<Vec<VirtualNetworkRule>>,
    /// Azure resources that are let in.
    pub resource_access_rules: Option<Vec<ResourceAccessRule>>,
}

/// An address that is let in.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IpRule {
    /// An address or a range: `203.0.113.0/24`.
    pub value: String,
    /// What the rule does. Azure's default, and the only action, is `Allow`.
    pub action: Option<Field<RuleAction>>,
}

/// A subnet that is let in.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VirtualNetworkRule {
    /// The id of the subnet.
    pub id: String,
    /// What the rule does. Azure's default, and the only action, is `Allow`.
    pub action: Option<Field<RuleAction>>,
}

/// An Azure resource that is let in.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResourceAccessRule {
    /// The id of the resource. `*` stands for any name.
    pub resource_id: String,
    /// The tenant that it is in.
    pub tenant_id: Option<String>,
}

/// How the data is encrypted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StorageEncryption {
    /// Who keeps the key: `Microsoft.Storage`, which is Azure's default, or `Microsoft.Keyvault` for a key of one's own.
    pub key_source: Option<Field<KeySource>>,
    /// The key of one's own. Required with `Microsoft.Keyvault`.
    pub keyvaultproperties: Option<StorageKeyVaultProperties>,
    /// The identity that the key is fetched with.
    pub identity: Option<EncryptionIdentity>,
    /// Whether the data is encrypted a second time below. Fixed at creation. Azure's default is false.
    pub require_infrastructure_encryption: Option<Field<bool>>,
    /// Which key each service encrypts with.
    pub services: Option<EncryptionServices>,
}

/// A key in a key vault.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StorageKeyVaultProperties {
    /// The name of the key.
    pub keyname: Option<String>,
    /// The version of the key. Without one, the newest is used and changes are followed.
    pub keyversion: Option<String>,
    /// The URI of the vault: `https://NAME.vault.azure.net`.
    pub keyvaulturi: Option<String>,
}

/// The identity that a key is fetched with.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EncryptionIdentity {
    /// A reference to a userAssignedIdentity, or its id. It must be among the `identity` of the account.
    pub user_assigned_identity: Option<String>,
    /// The client id of an application of another tenant, for a vault there.
    pub federated_identity_client_id: Option<String>,
}

/// Which key each service encrypts with.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EncryptionServices {
    /// Blobs.
    pub blob: Option<EncryptionService>,
    /// Files.
    pub file: Option<EncryptionService>,
    /// Queues.
    pub queue: Option<EncryptionService>,
    /// Tables.
    pub table: Option<EncryptionService>,
}

/// Which key a service encrypts with.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EncryptionService {
    /// Whether the service encrypts. It always does.
    pub enabled: Option<Field<bool>>,
    /// `Account` is the key of the account, `Service` one of the service's own. Fixed at creation. Azure's default is
    /// `Account` for blobs and files, `Service` for queues and tables.
    pub key_type: Option<Field<KeyType>>,
}

/// How long the account's keys may be used.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyPolicy {
    /// Days after which a key is to be renewed.
    pub key_expiration_period_in_days: Field<u32>,
}

/// How long shared access signatures may hold.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SasPolicy {
    /// The longest time, as `DD.HH:MM:SS`.
    pub sas_expiration_period: String,
    /// Whether a longer one is written to the log or refused.
    pub expiration_action: Field<ExpirationAction>,
}

/// Which way requests take.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoutingPreference {
    /// The way of the usual endpoints.
    pub routing_choice: Option<Field<RoutingChoice>>,
    /// Whether there are endpoints of their own over Microsoft's network.
    pub publish_microsoft_endpoints: Option<Field<bool>>,
    /// Whether there are endpoints of their own over the internet.
    pub publish_internet_endpoints: Option<Field<bool>>,
}

/// Endpoints for IPv6.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DualStack {
    /// Whether there are endpoints for IPv6.
    pub publish_ipv6_endpoint: Option<Field<bool>>,
}

/// Whether versions of blobs can be kept from being changed or deleted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImmutableStorage {
    /// Whether it is possible at all.
    pub enabled: Option<Field<bool>>,
    /// The policy of versions that have none of their own.
    pub immutability_policy: Option<ImmutabilityPolicy>,
}

/// How long versions of blobs stay as they are.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImmutabilityPolicy {
    /// Days from creation: 1 to 146000.
    pub immutability_period_since_creation_in_days: Option<Field<u32>>,
    /// `Locked` cannot be taken back.
    pub state: Option<Field<PolicyState>>,
    /// Whether blocks may still be appended.
    pub allow_protected_append_writes: Option<Field<bool>>,
}

/// How file shares know their users.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FilesAuthentication {
    /// The directory: Entra Domain Services (`AADDS`), Active Directory (`AD`), Entra Kerberos (`AADKERB`) or none.
    pub directory_service_options: Field<DirectoryService>,
    /// The domain, with `AD` and, if wanted, with `AADKERB`.
    pub active_directory_properties: Option<ActiveDirectory>,
    /// What everyone who is known may do with the shares. Azure's default is `None`.
    pub default_share_permission: Option<Field<SharePermission>>,
    /// Whether managed identities may use SMB.
    #[serde(rename = "smbOAuthSettings")]
    pub smb_oauth_settings: Option<SmbOAuth>,
}

/// A domain of Active Directory.
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
    /// What the storage account is in the domain.
    pub account_type: Option<Field<AdAccountType>>,
}

/// Whether managed identities may use SMB.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SmbOAuth {
    /// Whether they may.
    #[serde(rename = "isSmbOAuthEnabled")]
    pub is_smb_oauth_enabled: Option<Field<bool>>,
}

/// A domain name of one's own.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CustomDomain {
    /// The domain name, which must lead to the account by a CNAME record.
    pub name: String,
    /// Whether the CNAME record is one below `asverify`. Sent, and never returned.
    pub use_sub_domain_name: Option<Field<bool>>,
}

/// Whether replication to the other region has priority.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GeoPriority {
    /// Whether that of blobs has.
    pub is_blob_enabled: Option<Field<bool>>,
}

/// An edge zone.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExtendedLocation {
    /// The name of the zone.
    pub name: String,
    /// The sort of location.
    #[serde(rename = "type")]
    pub kind: Field<ExtendedLocationType>,
}

/// How Azure chooses a zone.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StoragePlacement {
    /// `Any` leaves the zone to Azure.
    pub zone_placement_policy: Option<Field<ZonePlacementPolicy>>,
}
