//! Data about ARM types that entries of kind `resource` use: exceptions of comparison and preflight checks.
//!
//! A row belongs here if no general rule of comparison covers the type. The rules come from recorded traffic.

mod key_vault;
#[cfg(test)]
mod tests;

use lazuli_core::facts::{
    Rule::{self, Becomes, Decided, Open, ReadOnly, When, Withheld},
    TypeFacts,
};

/// The types, sorted by name.
pub(crate) const TYPES: &[TypeFacts] = &[
    row(
        "Microsoft.ApiManagement/service/apis",
        &[
            Becomes("properties.apiRevision", "v1", "1"),
            Withheld("properties.type"),
        ],
        "revisions are numbers; the type of an HTTP API is not returned",
    ),
    row(
        "Microsoft.ApiManagement/service/namedValues",
        &[When(
            "properties.secret",
            "true",
            &Withheld("properties.value"),
        )],
        "the value is a secret if `secret` is true",
    ),
    row(
        "Microsoft.App/managedEnvironments",
        &[Open("properties.workloadProfiles")],
        "the service adds the profile Consumption",
    ),
    row(
        "Microsoft.Cache/redis",
        &[Decided("properties.redisConfiguration.maxmemory-delta")],
        "the reserved memory follows from the size of the cache",
    ),
    row(
        "Microsoft.Cache/redis/accessPolicies",
        &[Open("properties.permissions")],
        "permissions without keys get `allkeys`",
    ),
    row(
        "Microsoft.ContainerService/managedClusters",
        &[Open("properties.agentPoolProfiles")],
        "agent pools are also resources of their own",
    ),
    row(
        "Microsoft.DataProtection/backupVaults/backupInstances",
        &[Decided("properties.dataSourceInfo.resourceName")],
        "the name of the source follows from its id",
    ),
    row(
        "Microsoft.DBforMySQL/flexibleServers/databases",
        &[
            Becomes("properties.charset", "utf8", "utf8mb3"),
            Becomes(
                "properties.collation",
                "utf8_unicode_ci",
                "utf8mb3_unicode_ci",
            ),
            Becomes(
                "properties.collation",
                "utf8_general_ci",
                "utf8mb3_general_ci",
            ),
        ],
        "MySQL returns the current name of `utf8`",
    ),
    row(
        "Microsoft.DocumentDB/databaseAccounts/mongodbDatabases",
        &[Withheld("properties.options")],
        DOCUMENTS,
    ),
    row(
        "Microsoft.DocumentDB/databaseAccounts/mongodbDatabases/collections",
        &[
            Withheld("properties.options"),
            Withheld("properties.resource.indexes[].options"),
        ],
        DOCUMENTS,
    ),
    row(
        "Microsoft.DocumentDB/databaseAccounts/mongodbRoleDefinitions",
        &[Becomes("properties.type", "CustomRole", "1")],
        "the type of a role is returned as a number",
    ),
    row(
        "Microsoft.DocumentDB/databaseAccounts/sqlDatabases",
        &[Withheld("properties.options")],
        DOCUMENTS,
    ),
    row(
        "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers",
        &[
            Withheld("properties.options"),
            Open("properties.resource.indexingPolicy.excludedPaths"),
        ],
        "options apply to creation; the service excludes its own path `_etag`",
    ),
    row(
        "Microsoft.Insights/workbooks",
        &[Withheld("properties.serializedData")],
        "the content is returned only on request",
    ),
    TypeFacts {
        name: key_vault::VAULT,
        rules: &[
            Becomes("properties.enableSoftDelete", "false", "true"),
            Open("properties.accessPolicies"),
            ReadOnly("properties.vaultUri"),
            When(
                "properties.createMode",
                "recover",
                &Decided("properties.accessPolicies"),
            ),
        ],
        why: "soft delete is always on; other services add access policies for themselves; a recovered vault keeps its old \
         ones; the URI follows from the name",
        creation: Some(key_vault::CREATION),
    },
    row(
        "Microsoft.KubernetesConfiguration/extensions",
        &[Withheld("identity")],
        WRITE_ONLY,
    ),
    row(
        "Microsoft.MachineLearningServices/registries",
        &[
            Withheld("sku"),
            Decided(
                "properties.regionDetails[].acrDetails[].systemCreatedAcrAccount.acrAccountName",
            ),
            Decided(
                "properties.regionDetails[].storageAccountDetails[].systemCreatedStorageAccount.storageAccountName",
            ),
            Withheld(
                "properties.regionDetails[].storageAccountDetails[].systemCreatedStorageAccount.allowBlobPublicAccess",
            ),
        ],
        "the service names the resources that it creates, and does not return all of their properties",
    ),
    row(
        "Microsoft.MachineLearningServices/workspaces",
        &[
            Decided("sku"),
            Becomes(
                "properties.allowPublicAccessWhenBehindVnet",
                "false",
                "true",
            ),
            Withheld("properties.allowPublicAccessWhenBehindVnet"),
        ],
        "workspaces are Basic; `publicNetworkAccess` replaces the older switch",
    ),
    row(
        "Microsoft.MachineLearningServices/workspaces/computes",
        &[
            Withheld("sku"),
            Withheld("properties.properties.administratorAccount"),
        ],
        WRITE_ONLY,
    ),
    row(
        "Microsoft.MachineLearningServices/workspaces/connections",
        &[
            Withheld("properties.value"),
            Withheld("properties.valueFormat"),
        ],
        "the value holds credentials",
    ),
    row(
        "Microsoft.NotificationHubs/namespaces",
        &[Withheld("sku.capacity")],
        WRITE_ONLY,
    ),
    row(
        "Microsoft.NotificationHubs/namespaces/notificationHubs",
        &[Withheld("sku")],
        WRITE_ONLY,
    ),
    row(
        "Microsoft.OperationalInsights/workspaces",
        &[Becomes("properties.sku.name", "Standalone", "PerGB2018")],
        "the tier is no longer sold; its successor replaces it",
    ),
    row(
        "Microsoft.ServiceBus/namespaces",
        &[Becomes("properties.zoneRedundant", "false", "true")],
        "the region decides",
    ),
    row(
        "Microsoft.ServiceBus/namespaces/topics/subscriptions/rules",
        &[
            Withheld("properties.action.requiresPreprocessing"),
            Withheld("properties.correlationFilter"),
        ],
        "of two filters, the service keeps the one that `filterType` names",
    ),
    row(
        "Microsoft.SignalRService/signalR",
        &[Withheld("properties.networkACLs.privateEndpoints")],
        "the service drops rules for private endpoints that do not exist",
    ),
    row(
        "Microsoft.Subscription/aliases",
        &[
            Withheld("properties.billingScope"),
            Withheld("properties.displayName"),
            Withheld("properties.workload"),
        ],
        WRITE_ONLY,
    ),
    row(
        "Microsoft.Web/sites",
        &[Withheld("properties.siteConfig.appSettings")],
        "settings may hold secrets; they are returned only on request",
    ),
];

const WRITE_ONLY: &str = "sent and not returned";
const DOCUMENTS: &str = "options apply to creation; throughput is a resource of its own";

const fn row(name: &'static str, rules: &'static [Rule], why: &'static str) -> TypeFacts {
    TypeFacts {
        name,
        rules,
        why,
        creation: None,
    }
}
