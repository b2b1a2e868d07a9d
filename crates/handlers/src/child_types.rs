//! The child types that a deletion of their parent looks for, and what Azure makes in each parent itself.

use lazuli_core::child_types::{ChildType, ChildTypes};

use crate::arm_types::STORAGE_VERSION;

const fn child(
    parent: &'static str,
    path: &'static str,
    api_version: &'static str,
    made_by_azure: &'static [&'static str],
) -> ChildType {
    ChildType {
        parent,
        path,
        api_version,
        made_by_azure,
    }
}

const ACCOUNTS: &str = "Microsoft.Storage/storageAccounts";
const SQL: &str = "Microsoft.Sql/servers";
const NETWORKS: &str = "Microsoft.Network/virtualNetworks";
const ZONES: &str = "Microsoft.Network/dnsZones";
const PRIVATE_ZONES: &str = "Microsoft.Network/privateDnsZones";
const COSMOS: &str = "Microsoft.DocumentDB/databaseAccounts";
const POSTGRES: &str = "Microsoft.DBforPostgreSQL/flexibleServers";
const MYSQL: &str = "Microsoft.DBforMySQL/flexibleServers";

/// The child types. Settings of a resource are none of them, as firewall rules and access policies, nor children that are
/// written in the body of their parent, as subnets and agent pools: Azure does not delete a subnet that is in use.
///
/// Made by Azure: `master` (Microsoft docs "System databases"); `$` containers of the blob service, and containers of
/// diagnostic settings (`insights-`) and Functions (`azure-webjobs-`); the records at the apex of a zone; the databases
/// that a flexible server has at creation (Microsoft docs of each service).
pub(crate) const CHILD_TYPES: ChildTypes = ChildTypes {
    types: &[
        child(SQL, "databases", "2023-08-01", &["master"]),
        child(SQL, "elasticPools", "2023-08-01", &[]),
        child(
            ACCOUNTS,
            "blobServices/default/containers",
            STORAGE_VERSION,
            &[
                "$*",
                "insights-logs-*",
                "insights-metrics-*",
                "azure-webjobs-*",
            ],
        ),
        child(
            ACCOUNTS,
            "fileServices/default/shares",
            STORAGE_VERSION,
            &[],
        ),
        child(
            ACCOUNTS,
            "queueServices/default/queues",
            STORAGE_VERSION,
            &["azure-webjobs-*"],
        ),
        child(
            ACCOUNTS,
            "tableServices/default/tables",
            STORAGE_VERSION,
            &["$*"],
        ),
        child(ZONES, "recordsets", "2018-05-01", &["@"]),
        child(PRIVATE_ZONES, "ALL", "2020-06-01", &["@"]),
        child(
            "Microsoft.ServiceBus/namespaces",
            "queues",
            "2021-11-01",
            &[],
        ),
        child(
            "Microsoft.ServiceBus/namespaces",
            "topics",
            "2021-11-01",
            &[],
        ),
        child(
            "Microsoft.EventHub/namespaces",
            "eventhubs",
            "2021-11-01",
            &[],
        ),
        child(COSMOS, "sqlDatabases", "2023-11-15", &[]),
        child(COSMOS, "mongodbDatabases", "2023-11-15", &[]),
        child(
            POSTGRES,
            "databases",
            "2022-12-01",
            &["azure_maintenance", "azure_sys", "postgres"],
        ),
        child(
            MYSQL,
            "databases",
            "2021-05-01",
            &["information_schema", "mysql", "performance_schema", "sys"],
        ),
        child(
            "Microsoft.CognitiveServices/accounts",
            "deployments",
            "2023-05-01",
            &[],
        ),
        child(
            "Microsoft.AppConfiguration/configurationStores",
            "replicas",
            "2023-03-01",
            &[],
        ),
    ],
    without_listed_children: &[
        ACCOUNTS,
        NETWORKS,
        ZONES,
        COSMOS,
        "Microsoft.Authorization/locks",
        "Microsoft.Authorization/roleAssignments",
        "Microsoft.Authorization/roleDefinitions",
        "Microsoft.KeyVault/vaults",
        "Microsoft.ManagedIdentity/userAssignedIdentities",
        "Microsoft.Media/videoAnalyzers",
        "Microsoft.Network/networkSecurityGroups",
        "Microsoft.Network/publicIPAddresses",
        "Microsoft.Network/networkInterfaces",
        "Microsoft.VideoIndexer/accounts",
    ],
};
