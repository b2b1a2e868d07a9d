//! What holds for one type only, as data: properties that never come back, or that the service decides.
//!
//! A row belongs here when no general rule of `rules.rs` would do. All are from ARM facts 1.5 and 1.6.

use crate::facts::Rule::{self, Becomes, Decided, Open, When, Withheld};

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
        "permissions that name no keys get allkeys",
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

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::{diff::diff, value::Value};

    /// What differs, each property by its name.
    fn seen(arm_type: &str, wanted: Json, live: Json) -> Vec<String> {
        let bodies = [wanted, live].map(|properties| json!({ "properties": properties }));
        let [wanted, live] = bodies;
        let changes = diff(&Value::from(wanted), &live, of(arm_type), &[]);
        changes.into_iter().map(|change| change.path).collect()
    }

    #[test]
    fn a_type_is_found_without_case_and_has_one_row() {
        assert!(!of("microsoft.cache/REDIS").is_empty());
        assert_eq!(of("Microsoft.Cache/other"), []);
        for pair in all().windows(2) {
            let names = [&pair[0], &pair[1]].map(|row| row.arm_type.to_ascii_lowercase());
            assert!(names[0] < names[1], "{names:?}");
        }
    }

    #[test]
    fn what_is_withheld_is_compared_where_it_is() {
        let container = "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers";
        let wanted = json!({"options": {"throughput": 900}});
        assert_eq!(seen(container, wanted.clone(), json!({})), [""; 0]);
        let live = json!({"options": {"throughput": 800}});
        assert_eq!(
            seen(container, wanted, live),
            ["properties.options.throughput"]
        );
    }

    #[test]
    fn what_the_service_decides_is_not_compared() {
        let wanted = json!({"redisConfiguration": {"maxmemory-delta": "1", "other": "1"}});
        let live = json!({"redisConfiguration": {"maxmemory-delta": "2", "other": "2"}});
        let paths = ["properties.redisConfiguration.other"];
        assert_eq!(seen("Microsoft.Cache/redis", wanted, live), paths);
    }

    #[test]
    fn what_becomes_another_value_is_that_value_and_no_third() {
        let bus = "Microsoft.ServiceBus/namespaces";
        let zones = |on: bool| json!({ "zoneRedundant": on });
        assert_eq!(seen(bus, zones(false), zones(true)), [""; 0]);
        assert_eq!(
            seen(bus, zones(true), zones(false)),
            ["properties.zoneRedundant"]
        );
        let workspaces = "Microsoft.OperationalInsights/workspaces";
        let sku = |name: &str| json!({"sku": {"name": name}});
        assert_eq!(
            seen(workspaces, sku("Standalone"), sku("PerGB2018")),
            [""; 0]
        );
        assert_eq!(
            seen(workspaces, sku("Standalone"), sku("Free")),
            ["properties.sku.name"]
        );
    }

    #[test]
    fn what_the_service_adds_is_no_difference_but_what_is_missing_is() {
        let environment = "Microsoft.App/managedEnvironments";
        let profiles = |names: &[&str]| {
            let items = names
                .iter()
                .map(|name| json!({"name": name, "count": name.len()}));
            json!({"workloadProfiles": items.collect::<Json>()})
        };
        let wanted = profiles(&["mine"]);
        assert_eq!(
            seen(environment, wanted.clone(), profiles(&["theirs", "mine"])),
            [""; 0]
        );
        let paths = ["properties.workloadProfiles[mine]"];
        assert_eq!(seen(environment, wanted, profiles(&["theirs"])), paths);

        let policies = "Microsoft.Cache/redis/accessPolicies";
        let permissions = |text: &str| json!({ "permissions": text });
        let wanted = permissions("+get +set");
        assert_eq!(
            seen(policies, wanted.clone(), permissions("+get +set allkeys")),
            [""; 0]
        );
        assert_eq!(
            seen(policies, wanted, permissions("+get +setx")),
            ["properties.permissions"]
        );
    }

    #[test]
    fn access_policies_of_a_vault_are_compared_unless_it_is_recovered() {
        let vault = "Microsoft.KeyVault/vaults";
        let policy =
            |who: &str, keys: &[&str]| json!({"objectId": who, "permissions": {"keys": keys}});
        let wanted =
            |mode: &str| json!({"createMode": mode, "accessPolicies": [policy("a", &["get"])]});
        let live = |policies: Json| json!({ "accessPolicies": policies });
        let other = live(json!([
            policy("a", &["list"]),
            policy("service", &["get", "list"])
        ]));
        let paths = ["properties.accessPolicies[0].permissions.keys"];
        assert_eq!(seen(vault, wanted("default"), other.clone()), paths);
        assert_eq!(seen(vault, wanted("recover"), other), [""; 0]);
        let theirs = live(json!([policy("service", &["list"])]));
        assert_eq!(
            seen(vault, wanted("default"), theirs),
            ["properties.accessPolicies[0]"]
        );
        let added = live(json!([policy("service", &["list"]), policy("a", &["get"])]));
        assert_eq!(seen(vault, wanted("default"), added), [""; 0]);
    }
}
