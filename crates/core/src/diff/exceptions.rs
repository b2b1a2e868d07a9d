//! What holds for one type only, as data: properties that never come back, or that the service decides.
//!
//! A row belongs here when no general rule of [`rules`](super::rules) would do. All are from ARM facts 1.5 and 1.6.

use crate::kind::Rule::{self, Becomes, Decided, Open, When, Withheld};

/// How a type differs from the general rules.
#[derive(Debug)]
pub struct Exception {
    /// The type: `Microsoft.Cache/redis`.
    pub arm_type: &'static str,
    /// The rules that hold for it.
    pub rules: &'static [Rule],
    /// Why.
    pub why: &'static str,
}

/// The rules of a type, by its name without case. Types without exceptions have none.
pub fn of(arm_type: &str) -> &'static [Rule] {
    all()
        .iter()
        .find(|exception| exception.arm_type.eq_ignore_ascii_case(arm_type))
        .map_or(&[], |exception| exception.rules)
}

/// All exceptions, by type.
pub fn all() -> &'static [Exception] {
    ALL
}

const fn row(arm_type: &'static str, rules: &'static [Rule], why: &'static str) -> Exception {
    Exception {
        arm_type,
        rules,
        why,
    }
}

const ALL: &[Exception] = &[
    row(
        "Microsoft.ApiManagement/service/apis",
        &[
            Becomes("properties.apiRevision", "v1", "1"),
            Withheld("properties.type"),
        ],
        "revisions are numbers; the type of an HTTP API is not answered",
    ),
    row(
        "Microsoft.ApiManagement/service/namedValues",
        &[When(
            "properties.secret",
            "true",
            &Withheld("properties.value"),
        )],
        "the value is a secret when the property beside it says so",
    ),
    row(
        "Microsoft.App/managedEnvironments",
        &[Open("properties.workloadProfiles")],
        "the service adds the profile Consumption",
    ),
    row(
        "Microsoft.Cache/redis",
        &[Decided("properties.redisConfiguration.maxmemory-delta")],
        "the memory kept for other use follows from the size of the cache",
    ),
    row(
        "Microsoft.Cache/redis/accessPolicies",
        &[Open("properties.permissions")],
        "the service adds the keys that permissions without any are for",
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
        "MySQL calls utf8 by its present name",
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
        "the type of a role is answered as a number",
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
        "options are for creation; the service excludes its own path _etag",
    ),
    row(
        "Microsoft.Insights/workbooks",
        &[Withheld("properties.serializedData")],
        "the content is answered only to those who ask for it",
    ),
    row(
        "Microsoft.KeyVault/vaults",
        &[
            Becomes("properties.enableSoftDelete", "false", "true"),
            Open("properties.accessPolicies"),
            When(
                "properties.createMode",
                "recover",
                &Decided("properties.accessPolicies"),
            ),
        ],
        "soft delete is always on; other services add access policies for themselves; a vault that is recovered gets \
         its old ones back",
    ),
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
        "the service names what it makes, and does not answer all that was said of it",
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
        "workspaces are Basic; access is closed by publicNetworkAccess, the older switch is not followed",
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
        "Microsoft.Network/networkSecurityGroups",
        &[Open("properties.securityRules")],
        PARTS,
    ),
    row(
        "Microsoft.Network/routeTables",
        &[Open("properties.routes")],
        PARTS,
    ),
    row(
        "Microsoft.Network/virtualNetworks",
        &[
            Open("properties.subnets"),
            Open("properties.virtualNetworkPeerings"),
        ],
        PARTS,
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
        "the tier is no longer sold, its successor takes its place",
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
        "of two filters only the one that filterType names is kept",
    ),
    row(
        "Microsoft.SignalRService/signalR",
        &[Withheld("properties.networkACLs.privateEndpoints")],
        "rules for private endpoints that do not exist are dropped",
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
        "settings may hold secrets; they are answered only to those who ask for them",
    ),
];

const WRITE_ONLY: &str = "sent, and not answered";
const DOCUMENTS: &str = "options are for creation; throughput is a resource of its own";
const PARTS: &str = "the items are also resources of their own";
