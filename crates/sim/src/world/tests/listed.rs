//! Lists of resources of all types: what they contain and show, and their filters.

use serde_json::{Value, json};

use crate::world::testing::{Bench, RG, outcome};
use crate::world::{Pace, SUBSCRIPTION, WorldOptions};

const SQL: &str = "/subscriptions/00000000-0000-0000-0000-0000000a2c05/providers/Microsoft.Sql";

/// The names in all pages of a list.
fn names(bench: &mut Bench, path: &str) -> Vec<String> {
    let mut page = bench.get(path).json();
    let mut names = Vec::new();
    loop {
        let items = page["value"].as_array().unwrap();
        let name = |item: &Value| item["name"].as_str().unwrap().to_owned();
        names.extend(items.iter().map(name));
        match page["nextLink"].as_str() {
            Some(next) => page = bench.follow(next).json(),
            None => return names,
        }
    }
}

fn resources() -> String {
    format!("{RG}/resources")
}

fn with_sql(options: WorldOptions) -> Bench {
    let mut bench = Bench::with_options(options);
    bench.post(&format!("{SQL}/register"), &json!({}));
    bench.wait(10);
    bench.put(RG, &json!({ "location": "westeurope" }));
    bench
}

fn server(name: &str) -> String {
    format!("{RG}/providers/Microsoft.Sql/servers/{name}")
}

#[test]
fn tracked_children_are_listed_and_proxy_children_and_extensions_are_not() {
    let mut bench = with_sql(WorldOptions {
        page_size: 2,
        ..WorldOptions::default()
    });
    let located = json!({ "location": "westeurope" });
    let account = bench.storage("stlisted");
    bench.put(
        &format!("{account}/blobServices/default/containers/box"),
        &json!({}),
    );
    bench.put(&server("sql"), &located);
    let database = format!("{}/databases/orders", server("sql"));
    let body = json!({
        "location": "westeurope",
        "kind": "v12.0,user",
        "sku": { "name": "S0" },
        "managedBy": "/subscriptions/x",
        "tags": { "Team": "sales" },
        "plan": { "name": "p" },
        "properties": { "collation": "c" },
    });
    assert_eq!(bench.put(&database, &body).status, 201);
    bench.put(
        &format!("{}/firewallRules/all", server("sql")),
        &json!({ "properties": {} }),
    );
    bench.put(
        &format!("{database}/providers/Microsoft.Authorization/locks/l"),
        &json!({ "properties": { "level": "CanNotDelete" } }),
    );
    let site = format!("{RG}/providers/Microsoft.Web/sites/web");
    bench.put(&site, &located);
    bench.put(&format!("{site}/slots/staging"), &located);
    let net = format!("{RG}/providers/Microsoft.Network/virtualNetworks/net");
    bench.put(&net, &json!({}));
    bench.put(&format!("{net}/subnets/one"), &json!({ "properties": {} }));
    let expected = [
        "net",
        "sql",
        "sql/master",
        "sql/orders",
        "stlisted",
        "web",
        "web/staging",
    ];
    assert_eq!(names(&mut bench, &resources()), expected);
    let everywhere = format!("/subscriptions/{SUBSCRIPTION}/resources");
    assert_eq!(names(&mut bench, &everywhere), expected);

    let filter = "$filter=resourceType eq 'Microsoft.Sql/servers/databases'";
    let path = format!("{}?{filter}", resources());
    assert_eq!(names(&mut bench, &path), ["sql/master", "sql/orders"]);
    let item = bench.get(&path).json()["value"][1].clone();
    let mut shown = body.clone();
    shown.as_object_mut().unwrap().remove("properties");
    shown["id"] = Value::from(database.as_str());
    shown["name"] = Value::from("sql/orders");
    shown["type"] = Value::from("Microsoft.Sql/servers/databases");
    assert_eq!(item, shown);

    let filter = "$filter=tagName eq 'team' and tagValue eq 'sales'";
    let path = format!("{}?{filter}", resources());
    let found = bench.get(&path).json();
    assert_eq!(found["value"][0]["id"], database);
    assert!(found["value"][0].get("tags").is_none());
}

#[test]
fn tag_filters_compare_names_without_case_and_values_exactly() {
    let mut bench = Bench::with_group();
    let tagged = |value: &str| json!({ "location": "westeurope", "tags": { "CostCenter": value } });
    bench.put(&format!("{RG}2"), &tagged("42a"));
    bench.put(
        &format!("{RG}/providers/Microsoft.KeyVault/vaults/kv"),
        &tagged("42a"),
    );
    let groups = format!("/subscriptions/{SUBSCRIPTION}/resourcegroups");
    for (list, name) in [(groups, "rg2"), (resources(), "kv")] {
        for (filter, expected) in [
            ("tagName eq 'costcenter'", vec![name]),
            ("tagName eq 'COSTCENTER' and tagValue eq '42a'", vec![name]),
            ("tagName eq 'CostCenter' and tagValue eq '42A'", vec![]),
            ("tagName eq 'cost'", vec![]),
        ] {
            let path = format!("{list}?$filter={filter}");
            assert_eq!(names(&mut bench, &path), expected, "{path}");
        }
    }
}

#[test]
fn sql_server_has_a_master_database_that_no_request_writes() {
    let mut bench = with_sql(WorldOptions::default());
    let body = json!({ "location": "westeurope", "tags": { "team": "sales" } });
    assert_eq!(bench.put(&server("sql"), &body).status, 201);
    let master = format!("{}/databases/master", server("sql"));
    let shown = bench.get(&master).json();
    assert_eq!(shown["kind"], "v12.0,system");
    assert_eq!(shown["sku"]["name"], "System");
    assert_eq!(shown["location"], "westeurope");
    assert!(shown.get("tags").is_none());
    let databases = format!("{}/databases", server("sql"));
    assert_eq!(names(&mut bench, &databases), ["master"]);
    let reserved = (400, "CannotUseReservedDatabaseName".to_owned());
    let tags = format!("{master}/providers/Microsoft.Resources/tags/default");
    let change = json!({ "operation": "Merge", "properties": { "tags": { "a": "b" } } });
    assert_eq!(outcome(&bench.delete(&master)), reserved);
    assert_eq!(outcome(&bench.put(&master, &body)), reserved);
    assert_eq!(outcome(&bench.patch(&tags, &change)), reserved);
    assert_eq!(bench.put(&server("sql"), &body).status, 200);
    assert_eq!(bench.get(&master).json(), shown);
    assert_eq!(bench.delete(&server("sql")).status, 200);
    assert!(names(&mut bench, &resources()).is_empty());
}

#[test]
fn manager_of_a_group_or_resource_is_shown_and_fixed_for_groups() {
    let mut bench = Bench::with_group();
    let cluster = format!("{RG}/providers/Microsoft.ContainerService/managedClusters/aks");
    let nodes = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/MC_rg_aks_westeurope");
    let managed = json!({ "location": "westeurope", "managedBy": cluster });
    assert_eq!(bench.put(&nodes, &managed).status, 201);
    assert_eq!(bench.put(&nodes, &managed).status, 200);
    let mismatch = (400, "ResourceGroupManagedByMismatch".to_owned());
    let unmanaged = json!({ "location": "westeurope" });
    assert_eq!(outcome(&bench.put(&nodes, &unmanaged)), mismatch);
    assert_eq!(outcome(&bench.put(RG, &managed)), mismatch);
    let change = json!({ "managedBy": RG });
    assert_eq!(outcome(&bench.patch(&nodes, &change)), mismatch);
    let tags = json!({ "tags": { "a": "b" } });
    assert_eq!(bench.patch(&nodes, &tags).status, 200);
    assert_eq!(bench.get(&nodes).json()["managedBy"], cluster);
    let groups = bench.get(&format!("/subscriptions/{SUBSCRIPTION}/resourcegroups"));
    assert_eq!(groups.json()["value"][0]["managedBy"], cluster);

    let disk = format!("{nodes}/providers/Microsoft.Compute/disks/d");
    bench.put(&disk, &managed);
    assert_eq!(bench.get(&disk).json()["managedBy"], cluster);
    let listed = bench.get(&format!("{nodes}/resources")).json();
    assert_eq!(listed["value"][0]["managedBy"], cluster);
}

/// A world whose lists show changes up to a minute late, and the ids of vaults in it.
fn lagging(seed: u64) -> (Bench, Vec<String>) {
    let mut bench = Bench::with_options(WorldOptions {
        seed,
        list_lag: 60_000,
        page_size: 3,
        ..WorldOptions::default()
    });
    bench.put(RG, &json!({ "location": "westeurope" }));
    let vault = |n| format!("{RG}/providers/Microsoft.KeyVault/vaults/kv{n}");
    let vaults: Vec<String> = (0..8).map(vault).collect();
    (bench, vaults)
}

/// For each second of a minute and a bit, what a list shows.
fn watch(bench: &mut Bench, path: &str) -> Vec<Vec<String>> {
    let mut seen = Vec::new();
    for _ in 0..=61 {
        seen.push(names(bench, path));
        bench.wait(1);
    }
    seen
}

#[test]
fn lists_of_all_types_show_changes_late_and_other_reads_at_once() {
    let (mut bench, vaults) = lagging(7);
    let tagged = |tag: &str| json!({ "location": "westeurope", "tags": { "v": tag } });
    for vault in &vaults {
        bench.put(vault, &tagged("1"));
        assert_eq!(bench.get(vault).status, 200);
    }
    let of_type = format!("{RG}/providers/Microsoft.KeyVault/vaults");
    assert_eq!(names(&mut bench, &of_type).len(), vaults.len());
    let counts = |seen: &[Vec<String>]| seen.iter().map(Vec::len).collect::<Vec<_>>();
    let created = counts(&watch(&mut bench, &resources()));
    assert!(created.is_sorted() && created[0] < 2 && created.last() == Some(&8));
    assert!(created.iter().any(|count| (2..7).contains(count)));

    let path = format!("{}?$filter=tagName eq 'v' and tagValue eq '1'", resources());
    for vault in &vaults {
        bench.put(vault, &tagged("2"));
        bench.put(vault, &tagged("3"));
        assert_eq!(bench.get(vault).json()["tags"]["v"], "3");
    }
    let old: Vec<usize> = counts(&watch(&mut bench, &path));
    assert!(old[0] > 6 && old.last() == Some(&0) && old.iter().rev().is_sorted());
    let path = path.replace("'1'", "'3'");
    assert_eq!(names(&mut bench, &path).len(), vaults.len());

    for vault in &vaults {
        bench.delete(vault);
        assert_eq!(bench.get(vault).status, 404);
    }
    assert!(names(&mut bench, &of_type).is_empty());
    let deleted = watch(&mut bench, &path);
    let late: Vec<usize> = counts(&deleted);
    assert!(late[0] > 6 && late.last() == Some(&0) && late.iter().rev().is_sorted());
}

#[test]
fn lag_depends_on_seed_and_time_alone() {
    let run = |seed, reads: bool| {
        let (mut bench, vaults) = lagging(seed);
        for vault in &vaults {
            bench.put(vault, &json!({ "location": "westeurope" }));
        }
        bench.wait(70);
        bench.delete(RG);
        bench.wait(20);
        if reads {
            bench.get(RG);
        }
        bench.wait(10);
        // The world is the same after it is stored.
        let stored = serde_json::to_string(&bench.world).unwrap();
        bench.world = serde_json::from_str(&stored).unwrap();
        watch(
            &mut bench,
            &format!("/subscriptions/{SUBSCRIPTION}/resources"),
        )
    };
    let first = run(1, true);
    assert!(first[0].len() > 1 && first.last().unwrap().is_empty());
    assert_eq!(first, run(1, true));
    assert_eq!(first, run(1, false), "reads change nothing");
    assert_ne!(first, run(2, true));
}

#[test]
fn max_delay_limits_the_lag() {
    let (mut bench, vaults) = lagging(7);
    bench.world.set_pace(Pace {
        longest_delay: Some(0),
        ..Pace::default()
    });
    for vault in &vaults {
        bench.put(vault, &json!({ "location": "westeurope" }));
    }
    assert_eq!(names(&mut bench, &resources()).len(), vaults.len());
}
