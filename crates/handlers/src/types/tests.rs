//! Exceptions of comparison, each with a pair of bodies.

use lazuli_core::{diff::diff, value::Value};
use serde_json::{Value as Json, json};

use super::TYPES;
use crate::REGISTRY;

/// The paths of the differences.
fn changed_paths(arm_type: &str, wanted: Json, live: Json) -> Vec<String> {
    let bodies = [wanted, live].map(|properties| json!({ "properties": properties }));
    let [wanted, live] = bodies;
    let changes = diff(
        &Value::from(wanted),
        &live,
        REGISTRY.type_rules(arm_type),
        &[],
    );
    changes
        .into_iter()
        .map(|change| change.path.to_string())
        .collect()
}

#[test]
fn types_are_sorted_and_found_in_any_case() {
    assert!(!REGISTRY.type_rules("microsoft.cache/REDIS").is_empty());
    assert_eq!(REGISTRY.type_rules("Microsoft.Cache/other"), []);
    for pair in TYPES.windows(2) {
        let names = [&pair[0], &pair[1]].map(|row| row.name.to_ascii_lowercase());
        assert!(names[0] < names[1], "{names:?}");
    }
}

#[test]
fn withheld_property_is_compared_where_it_is_returned() {
    let container = "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers";
    let wanted = json!({"options": {"throughput": 900}});
    assert_eq!(changed_paths(container, wanted.clone(), json!({})), [""; 0]);
    let live = json!({"options": {"throughput": 800}});
    assert_eq!(
        changed_paths(container, wanted, live),
        ["properties.options.throughput"]
    );
}

#[test]
fn property_that_the_service_decides_is_not_compared() {
    let wanted = json!({"redisConfiguration": {"maxmemory-delta": "1", "other": "1"}});
    let live = json!({"redisConfiguration": {"maxmemory-delta": "2", "other": "2"}});
    let paths = ["properties.redisConfiguration.other"];
    assert_eq!(changed_paths("Microsoft.Cache/redis", wanted, live), paths);
}

#[test]
fn converted_value_equals_only_its_conversion() {
    let bus = "Microsoft.ServiceBus/namespaces";
    let zones = |on: bool| json!({ "zoneRedundant": on });
    assert_eq!(changed_paths(bus, zones(false), zones(true)), [""; 0]);
    assert_eq!(
        changed_paths(bus, zones(true), zones(false)),
        ["properties.zoneRedundant"]
    );
    let workspaces = "Microsoft.OperationalInsights/workspaces";
    let sku = |name: &str| json!({"sku": {"name": name}});
    assert_eq!(
        changed_paths(workspaces, sku("Standalone"), sku("PerGB2018")),
        [""; 0]
    );
    assert_eq!(
        changed_paths(workspaces, sku("Standalone"), sku("Free")),
        ["properties.sku.name"]
    );
}

#[test]
fn items_added_by_the_service_are_equal_but_missing_items_differ() {
    let environment = "Microsoft.App/managedEnvironments";
    let profiles = |names: &[&str]| {
        let items = names
            .iter()
            .map(|name| json!({"name": name, "count": name.len()}));
        json!({"workloadProfiles": items.collect::<Json>()})
    };
    let wanted = profiles(&["mine"]);
    assert_eq!(
        changed_paths(environment, wanted.clone(), profiles(&["theirs", "mine"])),
        [""; 0]
    );
    let paths = ["properties.workloadProfiles[mine]"];
    assert_eq!(
        changed_paths(environment, wanted, profiles(&["theirs"])),
        paths
    );

    let policies = "Microsoft.Cache/redis/accessPolicies";
    let permissions = |text: &str| json!({ "permissions": text });
    let wanted = permissions("+get +set");
    assert_eq!(
        changed_paths(policies, wanted.clone(), permissions("+get +set allkeys")),
        [""; 0]
    );
    assert_eq!(
        changed_paths(policies, wanted, permissions("+get +setx")),
        ["properties.permissions"]
    );
}

#[test]
fn access_policies_of_a_vault_are_compared_unless_it_is_recovered() {
    let vault = "Microsoft.KeyVault/vaults";
    let policy = |who: &str, keys: &[&str]| json!({"objectId": who, "permissions": {"keys": keys}});
    let wanted =
        |mode: &str| json!({"createMode": mode, "accessPolicies": [policy("a", &["get"])]});
    let live = |policies: Json| json!({ "accessPolicies": policies });
    let other = live(json!([
        policy("a", &["list"]),
        policy("service", &["get", "list"])
    ]));
    let paths = ["properties.accessPolicies[0].permissions.keys"];
    assert_eq!(
        changed_paths(vault, wanted("default"), other.clone()),
        paths
    );
    assert_eq!(changed_paths(vault, wanted("recover"), other), [""; 0]);
    let theirs = live(json!([policy("service", &["list"])]));
    assert_eq!(
        changed_paths(vault, wanted("default"), theirs),
        ["properties.accessPolicies[0]"]
    );
    let added = live(json!([policy("service", &["list"]), policy("a", &["get"])]));
    assert_eq!(changed_paths(vault, wanted("default"), added), [""; 0]);
}
