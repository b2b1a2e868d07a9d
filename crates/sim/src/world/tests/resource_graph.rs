//! Azure Resource Graph: queries, permissions, pages and errors.

use serde_json::{Value, json};

use crate::http::{Method, Request, Response};
use crate::world::testing::{Bench, RG, outcome};
use crate::world::{Caller, OTHER_SUBSCRIPTION, Pace, SUBSCRIPTION, WorldOptions};

const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";

fn send(bench: &mut Bench, body: &Value) -> Response {
    let path = "/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01";
    let request = Request::new(Method::Post, path)
        .with_bearer(&bench.world.token(bench.caller, bench.now))
        .with_json(body);
    bench.send(&request)
}

fn query(bench: &mut Bench, text: &str) -> Value {
    let response = send(bench, &json!({ "query": text }));
    let body = response.json();
    assert_eq!(response.status, 200, "{text}: {body}");
    body
}

/// The values of a column of the result.
fn column(bench: &mut Bench, text: &str, name: &str) -> Vec<String> {
    let found = query(bench, text);
    let rows = found["data"].as_array().unwrap().iter();
    let cell = |row: &Value| row[name].as_str().unwrap().to_owned();
    rows.map(cell).collect()
}

fn vault(name: &str) -> String {
    format!("{RG}/providers/Microsoft.KeyVault/vaults/{name}")
}

fn tagged(stack: &str) -> Value {
    json!({ "location": "West Europe", "tags": { "lazuli-stack": stack } })
}

/// A group with vaults of three stacks, a virtual network with a child, and marked role assignments and roles.
fn stacks() -> Bench {
    let mut bench = Bench::new();
    bench.put(RG, &tagged("A"));
    for (name, stack) in [("kv-a", "a"), ("kv-b", "b"), ("kv-c", "c")] {
        bench.put(&vault(name), &tagged(stack));
    }
    bench.put(&format!("{RG}2"), &json!({ "location": "westeurope" }));
    let net = format!("{RG}/providers/Microsoft.Network/virtualNetworks/net");
    bench.put(
        &net,
        &json!({ "location": "westeurope", "managedBy": vault("kv-a") }),
    );
    bench.put(&format!("{net}/subnets/one"), &json!({}));
    bench
}

fn grant(bench: &mut Bench, description: &str) {
    let (_, principal) = bench.identity("id");
    let name = "00000000-0000-0000-0001-000000000001";
    let body = json!({ "properties": {
        "principalId": principal,
        "principalType": "ServicePrincipal",
        "roleDefinitionId": format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{READER}"),
        "description": description,
    }});
    let path = format!("{RG}/providers/Microsoft.Authorization/roleAssignments/{name}");
    assert_eq!(bench.put(&path, &body).status, 201);
}

fn custom_role(bench: &mut Bench, description: &str) {
    let name = "00000000-0000-0000-0002-000000000001";
    let subscription = format!("/subscriptions/{SUBSCRIPTION}");
    let body = json!({ "properties": {
        "roleName": "Own role",
        "description": description,
        "assignableScopes": [subscription],
        "permissions": [],
    }});
    let path = format!("{subscription}/providers/Microsoft.Authorization/roleDefinitions/{name}");
    assert_eq!(bench.put(&path, &body).status, 201);
}

#[test]
fn resources_and_groups_of_stacks_are_found_in_one_query() {
    let mut bench = stacks();
    let text = "resources | union (resourcecontainers | where type =~ 'microsoft.resources/subscriptions/resourcegroups') \
        | where tags['lazuli-stack'] in~ ('a', 'b') | project id, name, type, tags, managedBy";
    let found = query(&mut bench, text);
    let rows = found["data"].as_array().unwrap();
    let names: Vec<&str> = rows
        .iter()
        .map(|row| row["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["kv-a", "kv-b", "rg"]);
    let expected = json!({
        "id": vault("kv-a"),
        "name": "kv-a",
        "type": "microsoft.keyvault/vaults",
        "tags": { "lazuli-stack": "a" },
        "managedBy": "",
    });
    assert_eq!(rows[0], expected);
    assert_eq!(
        rows[2]["type"],
        "microsoft.resources/subscriptions/resourcegroups"
    );
    let summary = json!([
        found["totalRecords"],
        found["count"],
        found["facets"],
        found["resultTruncated"]
    ]);
    assert_eq!(summary, json!([3, 3, [], "false"]));
    assert!(found.get("$skipToken").is_none());
}

#[test]
fn marked_role_assignments_and_roles_are_found_and_can_be_united_with_resources() {
    let mut bench = stacks();
    grant(&mut bench, "lazuli-stack: a");
    custom_role(&mut bench, "For tests; lazuli-stack: b");
    let authorization = "authorizationresources | where properties.description contains 'lazuli-stack: ' \
        | project id, type, properties";
    let found = query(&mut bench, authorization);
    let types: Vec<&Value> = found["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["type"])
        .collect();
    assert_eq!(
        types,
        [
            "microsoft.authorization/roledefinitions",
            "microsoft.authorization/roleassignments"
        ]
    );
    assert_eq!(
        found["data"][1]["properties"]["description"],
        "lazuli-stack: a"
    );
    let all = format!(
        "resources | union (resourcecontainers) | where tags['lazuli-stack'] in~ ('a', 'b') \
        | project id, name, type, tags, managedBy | union ({authorization})"
    );
    let found = query(&mut bench, &all);
    assert_eq!(found["count"], 5);
    assert_eq!(found["data"][0]["properties"], Value::Null);
    assert_eq!(found["data"][3]["name"], "");
    assert_eq!(found["data"][3]["tags"], Value::Null);
    let built_in = column(
        &mut bench,
        "authorizationresources | where properties.roleName == 'Reader' | project name",
        "name",
    );
    assert_eq!(built_in, [READER]);
}

#[test]
fn conditions_compare_as_in_the_query_language() {
    let mut bench = stacks();
    for (condition, expected) in [
        ("name == 'kv-a'", vec!["kv-a"]),
        ("name == 'KV-A'", vec![]),
        ("name =~ 'KV-A'", vec!["kv-a"]),
        (
            "name != \"kv-a\" and type == 'microsoft.keyvault/vaults'",
            vec!["kv-b", "kv-c"],
        ),
        (
            "name !~ 'KV-A' and name startswith 'KV'",
            vec!["kv-b", "kv-c"],
        ),
        ("name in ('kv-a', 'KV-B')", vec!["kv-a"]),
        ("name in~ ('kv-a', 'KV-B')", vec!["kv-a", "kv-b"]),
        ("id contains 'VIRTUALnetworks'", vec!["net"]),
        ("name has 'kv'", vec!["kv-a", "kv-b", "kv-c"]),
        ("name has 'k'", vec![]),
        (
            "tags.team == 'x' or (name == 'net' and location == 'westeurope')",
            vec!["net"],
        ),
        ("not(type startswith 'microsoft.keyvault')", vec!["net"]),
        ("isnotempty(managedBy)", vec!["net"]),
        (
            "isnotempty(tags['lazuli-stack']) and name != 'kv-a'",
            vec!["kv-b", "kv-c"],
        ),
        ("isnotempty(tags['Lazuli-Stack'])", vec![]),
        (
            "tolower(tostring(tags['lazuli-stack'])) == 'c'",
            vec!["kv-c"],
        ),
        (
            "properties.provisioningState == 'Succeeded' and resourceGroup == 'RG'",
            vec![],
        ),
        (
            "subscriptionId != '' and resourceGroup == 'rg' and name == 'net'",
            vec!["net"],
        ),
        ("name == 'kv\\'a\\\\' or name == 'net'", vec!["net"]),
        ("name == 'subnet' or type contains 'subnets'", vec![]),
    ] {
        let text = format!("Resources | where {condition} | project name");
        assert_eq!(column(&mut bench, &text, "name"), expected, "{condition}");
    }
}

#[test]
fn stages_order_limit_count_and_name_columns() {
    let mut bench = stacks();
    let by_name =
        "resources | order by type asc, name | project label = tolower(name), tags['lazuli-stack']";
    assert_eq!(
        column(&mut bench, by_name, "label"),
        ["kv-c", "kv-b", "kv-a", "net"]
    );
    let found = query(&mut bench, by_name);
    assert_eq!(
        found["data"][0],
        json!({ "label": "kv-c", "tags_lazuli-stack": "c" })
    );
    let names = "resources | sort by name asc | take 2 | project name";
    assert_eq!(column(&mut bench, names, "name"), ["kv-a", "kv-b"]);
    let found = query(
        &mut bench,
        "resources | union resourcecontainers | where isnotempty(location) | count",
    );
    assert_eq!(found["data"], json!([{ "Count": 6 }]));
    let all = query(&mut bench, "resources | where name == 'net'")["data"][0].clone();
    for (name, expected) in [
        ("tenantId", json!(crate::TENANT)),
        ("resourceGroup", json!("rg")),
        ("subscriptionId", json!(SUBSCRIPTION)),
        ("kind", json!("")),
        ("managedBy", json!(vault("kv-a"))),
        ("sku", Value::Null),
        ("properties", json!({ "provisioningState": "Succeeded" })),
    ] {
        assert_eq!(all[name], expected, "{name}");
    }
    let subscriptions = "resourcecontainers | where type == 'microsoft.resources/subscriptions' | project subscriptionId";
    let ids = column(&mut bench, subscriptions, "subscriptionId");
    assert_eq!(ids, [SUBSCRIPTION, OTHER_SUBSCRIPTION]);
}

#[test]
fn pages_contain_every_row_and_limits_have_no_further_pages() {
    let mut bench = stacks();
    let page = |bench: &mut Bench, text: &str, options: Value| {
        send(bench, &json!({ "query": text, "options": options })).json()
    };
    let all = "resources | project name";
    let mut names = Vec::new();
    let mut options = json!({ "$top": 3, "resultFormat": "objectArray" });
    loop {
        let found = page(&mut bench, all, options.clone());
        assert_eq!(
            (&found["totalRecords"], &found["resultTruncated"]),
            (&json!(4), &json!("false"))
        );
        let rows = found["data"].as_array().unwrap().clone();
        assert_eq!(found["count"], rows.len());
        names.extend(rows.into_iter().map(|row| row["name"].clone()));
        match found.get("$skipToken") {
            Some(token) => options["$skipToken"] = token.clone(),
            None => break,
        }
    }
    assert_eq!(names, ["kv-a", "kv-b", "kv-c", "net"]);
    let skipped = page(&mut bench, all, json!({ "$skip": 3 }));
    assert_eq!(skipped["data"], json!([{ "name": "net" }]));
    for text in [
        "resources | project name | limit 4",
        "resources | project tags",
    ] {
        let found = page(&mut bench, text, json!({ "$top": 3 }));
        assert_eq!(found["count"], 3, "{text}");
        assert_eq!(found["resultTruncated"], "true", "{text}");
        assert!(found.get("$skipToken").is_none(), "{text}");
    }
    let none = page(&mut bench, all, json!({ "$skip": u64::MAX }));
    assert_eq!(none["data"], json!([]));
}

#[test]
fn short_pages_of_a_world_are_short_here_too() {
    let mut bench = Bench::with_options(WorldOptions {
        page_size: 1,
        ..WorldOptions::default()
    });
    bench.put(RG, &json!({ "location": "westeurope" }));
    bench.put(&vault("a"), &json!({ "location": "westeurope" }));
    let found = query(&mut bench, "resources | union resourcecontainers");
    assert_eq!(found["count"], 1);
    assert!(found["$skipToken"].is_string());
}

#[test]
fn rows_are_limited_to_the_named_subscriptions_and_what_the_caller_can_read() {
    let mut bench = stacks();
    let other = RG.replace(SUBSCRIPTION, OTHER_SUBSCRIPTION);
    bench.put(&other, &json!({ "location": "westeurope" }));
    let groups = "resourcecontainers | where type =~ 'Microsoft.Resources/subscriptions/resourceGroups' | project id";
    let ids = |bench: &mut Bench, scope: Value| {
        let mut body = json!({ "query": groups });
        body.as_object_mut()
            .unwrap()
            .extend(scope.as_object().unwrap().clone());
        let found = send(bench, &body).json();
        let rows = found["data"].as_array().unwrap().iter();
        rows.map(|row| row["id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let (first, second) = (RG.to_owned(), format!("{RG}2"));
    let unknown = "00000000-0000-0000-0000-00000000dead";
    let everything = vec![first.clone(), second.clone(), other.clone()];
    assert_eq!(ids(&mut bench, json!({})), everything);
    assert_eq!(
        ids(
            &mut bench,
            json!({ "subscriptions": [unknown, OTHER_SUBSCRIPTION] })
        ),
        std::slice::from_ref(&other)
    );
    assert_eq!(
        ids(&mut bench, json!({ "managementGroups": [crate::TENANT] })),
        everything
    );
    assert!(ids(&mut bench, json!({ "managementGroups": ["none"] })).is_empty());
    assert!(ids(&mut bench, json!({ "subscriptions": [] })).is_empty());

    // The reader loses its roles, and gets one on a group.
    let reader = Caller::Reader.object_id();
    for subscription in [SUBSCRIPTION, OTHER_SUBSCRIPTION] {
        let grants = format!(
            "/subscriptions/{subscription}/providers/Microsoft.Authorization/roleAssignments"
        );
        let own = format!("{grants}?$filter=principalId eq '{reader}'");
        for found in bench.get(&own).json()["value"].as_array().unwrap() {
            bench.delete(found["id"].as_str().unwrap());
        }
    }
    bench.caller = Caller::Reader;
    assert!(ids(&mut bench, json!({})).is_empty());
    bench.caller = Caller::Owner;
    bench.grant(&second, READER, reader, 9);
    bench.caller = Caller::Reader;
    assert_eq!(ids(&mut bench, json!({})), [second]);
    assert!(column(&mut bench, "resources | project name", "name").is_empty());
    bench.caller = Caller::Owner;
    assert_eq!(ids(&mut bench, json!({})), everything);
}

#[test]
fn results_show_changes_late() {
    let mut bench = Bench::with_options(WorldOptions {
        list_lag: 60_000,
        ..WorldOptions::default()
    });
    let all = "resourcecontainers | union resources | where isnotempty(location) | project name";
    bench.put(RG, &json!({ "location": "westeurope" }));
    bench.put(&vault("kv"), &json!({ "location": "westeurope" }));
    assert!(column(&mut bench, all, "name").is_empty());
    bench.wait(61);
    assert_eq!(column(&mut bench, all, "name"), ["rg", "kv"]);
    bench.delete(&vault("kv"));
    assert_eq!(column(&mut bench, all, "name"), ["rg", "kv"]);
    bench.wait(61);
    assert_eq!(column(&mut bench, all, "name"), ["rg"]);
}

#[test]
fn what_is_not_simulated_is_rejected_and_named() {
    let mut bench = Bench::new();
    for (text, named) in [
        ("resources | extend a = name", "'extend'"),
        ("resources | summarize count()", "'summarize'"),
        ("networkresources", "'networkresources'"),
        ("resources | where name endswith 'x'", "'endswith'"),
        ("resources | where name !contains 'x'", "'!contains'"),
        ("resources | where strlen(name) == '1'", "'strlen'"),
        ("resources | where Name == 'x'", "'Name'"),
        ("resources | project name | where id == 'x'", "'id'"),
        ("resources | where name == 'x", "string that does not end"),
        ("resources | where name == 'x' & 'y'", "'&'"),
        ("resources | where name", "the end of the query"),
        ("resources | where name == 'x' name", "'name'"),
        ("resources | order by tags asc", "'tags'"),
        ("resources | limit x", "'x'"),
        ("resources | project tolower(name)", "without a name"),
        (
            "resources | union (resources), (resources), (resources), (resources)",
            "3 unions",
        ),
        ("resources | where name in ()", "')'"),
        ("", "the end of the query"),
    ] {
        let rejected = send(&mut bench, &json!({ "query": text }));
        assert_eq!(outcome(&rejected), (400, "BadRequest".into()), "{text}");
        let error = rejected.json()["error"].clone();
        assert_eq!(error["details"][0]["code"], "InvalidQuery", "{text}");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(named), "{text}: {message}");
    }
    for body in [
        json!({}),
        json!({ "query": "resources", "facets": [] }),
        json!({ "query": "resources", "options": { "resultFormat": "table" } }),
        json!({ "query": "resources", "options": { "$top": 1001 } }),
        json!({ "query": "resources", "options": { "$top": 0 } }),
        json!({ "query": "resources", "options": { "$skipToken": "x" } }),
    ] {
        let rejected = send(&mut bench, &body);
        assert_eq!(outcome(&rejected), (400, "BadRequest".into()), "{body}");
    }
    let path = "/providers/Microsoft.ResourceGraph/resources";
    let old = bench.post(path, &json!({ "query": "resources" }));
    assert_eq!(outcome(&old), (400, "InvalidApiVersionParameter".into()));
    assert_eq!(bench.get(path).status, 405);
}

#[test]
fn no_query_makes_the_parser_panic() {
    let mut bench = Bench::new();
    let deep = format!("resources | where {}name == 'x'", "(".repeat(100_000));
    let words = "resources | where not ( name . tags [ ] , ' \" == in~ project union é 99999999999999999999 ! ~ \\";
    let mut texts = vec![deep];
    for start in 0..words.len() {
        for end in start..words.len() {
            texts.extend(words.get(start..end).map(str::to_owned));
        }
    }
    for text in texts {
        let status = send(&mut bench, &json!({ "query": text })).status;
        assert!(matches!(status, 200 | 400), "{text}");
    }
}

#[test]
fn quota_headers_are_sent_and_the_quota_is_limited_with_throttling() {
    let mut bench = Bench::new();
    let body = json!({ "query": "resources | where name == 'x'" });
    let headers = |response: &Response| {
        let header = |name| response.header(name).unwrap().to_owned();
        (
            header("x-ms-user-quota-remaining"),
            header("x-ms-user-quota-resets-after"),
        )
    };
    let full = ("14".to_owned(), "00:00:05".to_owned());
    for _ in 0..20 {
        assert_eq!(headers(&send(&mut bench, &body)), full);
    }
    bench.world.set_pace(Pace {
        throttling: true,
        ..Pace::default()
    });
    bench.wait(5);
    for _ in 0..14 {
        assert_eq!(send(&mut bench, &body).status, 200);
    }
    bench.wait(2);
    let last = send(&mut bench, &body);
    assert_eq!(headers(&last), ("0".to_owned(), "00:00:03".to_owned()));
    let throttled = send(&mut bench, &body);
    assert_eq!(outcome(&throttled), (429, "RateLimiting".into()));
    assert_eq!(throttled.header("Retry-After"), Some("3"));
    assert_eq!(headers(&throttled).0, "0");
    bench.wait(3);
    assert_eq!(headers(&send(&mut bench, &body)), full);
}
