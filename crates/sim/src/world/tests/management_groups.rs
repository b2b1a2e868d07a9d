//! Management groups: creation, content, and inheritance.

use serde_json::{Value, json};

use crate::catalogue::READER;
use crate::http::Method;
use crate::world::testing::{Bench, RG, outcome};
use crate::world::{Caller, OTHER_SUBSCRIPTION, SUBSCRIPTION, TENANT};

const GROUPS: &str = "/providers/Microsoft.Management/managementGroups";

fn group(name: &str) -> String {
    format!("{GROUPS}/{name}")
}

/// Creates a group below another one and waits for it.
fn create(bench: &mut Bench, name: &str, parent: &str) {
    let body = json!({ "properties": { "details": { "parent": { "id": group(parent) } } } });
    assert_eq!(bench.put(&group(name), &body).status, 202);
    bench.wait(5);
}

fn join(bench: &mut Bench, name: &str, subscription: &str) -> u16 {
    let path = format!("{}/subscriptions/{subscription}", group(name));
    bench.put(&path, &json!({})).status
}

fn names(bench: &mut Bench, path: &str) -> Vec<String> {
    let found = bench.get(path).json();
    let all = found["value"].as_array().unwrap().iter();
    all.map(|entry| entry["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn group_creation_takes_time_and_makes_the_creator_owner() {
    let mut bench = Bench::new();
    let request = bench.request(Method::Put, &group("platform"));
    let accepted = bench.send(&request);
    assert_eq!(accepted.status, 202);
    assert_eq!(accepted.json()["status"], "NotStarted");
    let status = accepted.header("Azure-AsyncOperation").unwrap().to_owned();
    let result = accepted.header("Location").unwrap().to_owned();
    assert_eq!(bench.follow(&status).json()["status"], "InProgress");
    assert_eq!(bench.follow(&result).status, 202);
    assert_eq!(
        outcome(&bench.get(&group("platform"))),
        (404, "NotFound".into())
    );
    bench.wait(5);
    assert_eq!(bench.follow(&status).json()["status"], "Succeeded");
    assert_eq!(bench.follow(&result).status, 200);

    let shown = bench.get(&group("PLATFORM")).json();
    assert_eq!(shown["properties"]["displayName"], "platform");
    assert_eq!(
        shown["properties"]["details"]["parent"]["id"],
        group(TENANT)
    );
    let renamed = json!({ "properties": { "displayName": "The platform" } });
    let renamed = bench.put(&group("platform"), &renamed);
    assert_eq!(renamed.status, 200);
    assert_eq!(renamed.json()["properties"]["details"]["version"], 2);

    bench.caller = Caller::Contributor;
    let denied = (403, "AuthorizationFailed".to_owned());
    assert_eq!(outcome(&bench.get(&group("platform"))), denied);
    assert_eq!(outcome(&bench.get(&group(TENANT))), denied);
    let below = json!({ "properties": { "details": { "parent": { "id": group("platform") } } } });
    assert_eq!(outcome(&bench.put(&group("mine"), &below)), denied);
    assert_eq!(bench.put(&group("mine"), &json!({})).status, 202);
}

#[test]
fn group_with_children_is_not_deleted() {
    let mut bench = Bench::new();
    create(&mut bench, "platform", TENANT);
    create(&mut bench, "landing", "platform");
    let rejected = (400, "BadRequest".to_owned());
    assert_eq!(outcome(&bench.delete(&group("platform"))), rejected);
    let cycle = json!({ "properties": { "details": { "parent": { "id": group("landing") } } } });
    assert_eq!(outcome(&bench.put(&group("platform"), &cycle)), rejected);
    assert_eq!(join(&mut bench, "landing", SUBSCRIPTION), 200);
    assert_eq!(outcome(&bench.delete(&group("landing"))), rejected);
    let member = format!("{}/subscriptions/{SUBSCRIPTION}", group("landing"));
    assert_eq!(bench.delete(&member).status, 200);
    for name in ["landing", "platform"] {
        assert_eq!(bench.delete(&group(name)).status, 202);
    }
}

#[test]
fn subscription_is_in_exactly_one_group() {
    let mut bench = Bench::new();
    create(&mut bench, "a", TENANT);
    create(&mut bench, "b", "a");
    for name in ["a", "b"] {
        assert_eq!(join(&mut bench, name, SUBSCRIPTION), 200);
    }
    let member = format!("{}/subscriptions/{SUBSCRIPTION}", group("a"));
    assert_eq!(bench.get(&member).status, 404);
    let below = names(&mut bench, &format!("{}/descendants", group("a")));
    assert_eq!(below, ["b", SUBSCRIPTION]);
    assert_eq!(join(&mut bench, "a", OTHER_SUBSCRIPTION), 200);
    let below = names(&mut bench, &format!("{}/descendants", group("b")));
    assert_eq!(below, [SUBSCRIPTION]);
    assert_eq!(join(&mut bench, "missing", SUBSCRIPTION), 403);
}

#[test]
fn role_assignments_are_inherited_and_listed_with_filters() {
    let mut bench = Bench::with_group();
    create(&mut bench, "platform", TENANT);
    create(&mut bench, "landing", "platform");
    join(&mut bench, "landing", SUBSCRIPTION);
    let (identity, principal) = bench.identity("id");
    assert_eq!(
        bench
            .grant(&group("platform"), READER, &principal, 1)
            .status,
        201
    );
    assert_eq!(bench.grant(&identity, READER, &principal, 2).status, 201);
    assert_eq!(
        bench.grant(&group("missing"), READER, &principal, 3).status,
        403
    );

    let mut listed = |scope: &str, filter: &str| {
        let list = "providers/Microsoft.Authorization/roleAssignments";
        let found = bench.get(&format!("{scope}/{list}{filter}")).json();
        let grants = found["value"].as_array().unwrap().iter();
        let of_identity = |grant: &&Value| grant["properties"]["principalId"] == *principal;
        let mut scopes: Vec<String> = grants
            .filter(of_identity)
            .map(|grant| grant["properties"]["scope"].as_str().unwrap().to_owned())
            .collect();
        scopes.sort();
        scopes
    };
    let (upper, lower) = (group("platform"), identity.clone());
    let both = [upper.clone(), lower];
    let upper = std::slice::from_ref(&upper);
    let subscription = format!("/subscriptions/{SUBSCRIPTION}");
    assert_eq!(listed(&group("platform"), ""), both);
    assert_eq!(listed(&group("landing"), ""), both);
    assert_eq!(listed(&group("landing"), "?$filter=atScope()"), upper);
    assert_eq!(listed(&subscription, "?$filter=atScope()"), upper);
    assert_eq!(listed(RG, "?$filter=atScope()"), upper);
    let assigned = format!("?$filter=assignedTo('{principal}')");
    assert_eq!(listed(&identity, &assigned), both);
}

#[test]
fn custom_role_of_a_group_can_be_assigned_only_below_it() {
    let mut bench = Bench::with_group();
    create(&mut bench, "platform", TENANT);
    let guid = "6d3f0c1a-0000-4000-8000-000000000001";
    let path = |at: &str| format!("{at}/providers/Microsoft.Authorization/roleDefinitions/{guid}");
    let body = json!({ "properties": {
        "roleName": "Auditor", "permissions": [{ "actions": ["*/read"] }],
        "assignableScopes": [group("platform")],
    }});
    let created = bench.put(&path(&group("platform")), &body);
    assert_eq!(created.status, 201);
    assert_eq!(created.json()["id"], path(""));
    assert_eq!(bench.get(&path(&group("platform"))).status, 200);
    let (_, principal) = bench.identity("id");
    let unknown = (400, "RoleDefinitionDoesNotExist".to_owned());
    assert_eq!(outcome(&bench.grant(RG, guid, &principal, 1)), unknown);
    join(&mut bench, "platform", SUBSCRIPTION);
    assert_eq!(bench.grant(RG, guid, &principal, 1).status, 201);
    let used = bench.delete(&path(&group("platform")));
    assert_eq!(outcome(&used).1, "RoleDefinitionHasAssignments");
}
