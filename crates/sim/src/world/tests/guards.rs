//! Locks, policies and throttling, which reject requests that roles permit.

use serde_json::json;

use crate::world::testing::{Bench, RG, outcome};
use crate::world::{Caller, Pace, SUBSCRIPTION, WorldOptions};

fn lock(scope: &str) -> String {
    format!("{scope}/providers/Microsoft.Authorization/locks/l")
}

#[test]
fn delete_lock_protects_its_resource_and_the_parents() {
    let mut bench = Bench::with_group();
    let (identity, _) = bench.identity("id");
    let (free, _) = bench.identity("free");
    let level = json!({ "properties": { "level": "CanNotDelete", "notes": "keep" } });
    assert_eq!(bench.put(&lock(&identity), &level).status, 201);
    assert_eq!(bench.put(&lock(&identity), &level).status, 200);
    assert_eq!(
        bench.get(&lock(&identity)).json()["properties"],
        level["properties"]
    );
    for path in [identity.as_str(), RG] {
        let rejected = bench.delete(path);
        assert_eq!(outcome(&rejected), (409, "ScopeLocked".into()));
        let expected = format!(
            "The scope '{path}' cannot perform delete operation because following scope(s) are locked: '{identity}'. Please remove the lock and try again."
        );
        assert_eq!(rejected.json()["error"]["message"], expected);
    }
    assert_eq!(
        bench
            .put(&identity, &json!({ "location": "westeurope" }))
            .status,
        200
    );
    assert_eq!(bench.delete(&free).status, 200);
    assert_eq!(bench.delete(&lock(&identity)).status, 200);
    assert_eq!(bench.delete(&identity).status, 200);
}

#[test]
fn read_only_lock_prevents_all_writes_below_its_scope() {
    let mut bench = Bench::with_group();
    let account = bench.storage("stlocked");
    bench.put(&lock(RG), &json!({ "properties": { "level": "readOnly" } }));
    let locked = (409, "ScopeLocked".to_owned());
    assert_eq!(
        outcome(&bench.patch(&account, &json!({ "tags": {} }))),
        locked
    );
    assert_eq!(
        outcome(&bench.post(&format!("{account}/listKeys"), &json!({}))),
        locked
    );
    assert_eq!(outcome(&bench.delete(&account)), locked);
    assert_eq!(bench.get(&account).status, 200);
    let listed = bench.get(&format!(
        "/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/locks"
    ));
    assert_eq!(listed.json()["value"][0]["name"], "l");
    bench.delete(&lock(RG));
    assert_eq!(bench.delete(&account).status, 200);
    assert_eq!(
        outcome(&bench.put(&lock(RG), &json!({ "properties": { "level": "Strict" } }))).0,
        400
    );
}

#[test]
fn lock_list_includes_locks_at_above_and_below_its_scope() {
    let mut bench = Bench::with_options(WorldOptions {
        page_size: 2,
        ..WorldOptions::default()
    });
    let location = json!({ "location": "westeurope" });
    bench.put(RG, &location);
    bench.put(&format!("{RG}2"), &location);
    let (identity, _) = bench.identity("id");
    let subscription = format!("/subscriptions/{SUBSCRIPTION}");
    let scopes = [&subscription, RG, &identity, &format!("{RG}2")];
    for scope in scopes {
        let level = json!({ "properties": { "level": "CanNotDelete" } });
        assert_eq!(bench.put(&lock(scope), &level).status, 201);
    }
    let mut listed = |scope: &str, filter: &str| {
        let list = format!("{scope}/providers/Microsoft.Authorization/locks");
        let mut response = match filter {
            "" => bench.get(&list).json(),
            filter => bench.get(&format!("{list}?$filter={filter}")).json(),
        };
        let mut ids = Vec::new();
        loop {
            let page = response["value"].as_array().unwrap();
            assert!(page.len() <= 2);
            ids.extend(
                page.iter()
                    .map(|lock| lock["id"].as_str().unwrap().to_owned()),
            );
            match response["nextLink"].as_str() {
                Some(next) => response = bench.follow(next).json(),
                None => break,
            }
        }
        ids.sort_by_key(String::len);
        ids
    };
    let all = scopes.map(lock);
    let mut everything = all.to_vec();
    everything.sort_by_key(String::len);
    assert_eq!(listed(&subscription, ""), everything);
    assert_eq!(listed(RG, ""), all[..3]);
    assert_eq!(listed(&identity.to_uppercase(), ""), all[..3]);
    assert_eq!(listed(RG, "atScope()"), all[..2]);
}

#[test]
fn contributor_cannot_create_locks() {
    let mut bench = Bench::with_group();
    bench.caller = Caller::Contributor;
    assert_eq!(
        bench
            .put(&lock(RG), &json!({ "properties": { "level": "ReadOnly" } }))
            .status,
        403
    );
}

#[test]
fn policy_denies_regions_and_types() {
    let mut bench = Bench::with_group();
    let assign = |name: &str| {
        format!(
            "/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/policyAssignments/{name}"
        )
    };
    let definition =
        |guid: &str| format!("/providers/Microsoft.Authorization/policyDefinitions/{guid}");
    let regions = json!({ "properties": {
        "policyDefinitionId": definition("e56962a6-4747-49cd-b67b-bf8b01975c4c"),
        "parameters": { "listOfAllowedLocations": { "value": ["North Europe"] } } } });
    assert_eq!(bench.put(&assign("regions"), &regions).status, 201);
    let id = format!("{RG}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id");
    let rejected = bench.put(&id, &json!({ "location": "westeurope" }));
    assert_eq!(
        outcome(&rejected),
        (403, "RequestDisallowedByPolicy".into())
    );
    let error = &rejected.json()["error"];
    assert_eq!(error["target"], "id");
    assert!(error["message"].as_str().unwrap().starts_with("Resource 'id' was disallowed by policy. Policy identifiers: '[{\"policyAssignment\":{\"name\":\"regions\","));
    assert_eq!(error["additionalInfo"][0]["type"], "PolicyViolation");
    assert_eq!(
        error["additionalInfo"][0]["info"]["policyAssignmentId"],
        assign("regions")
    );
    assert_eq!(
        bench.put(&id, &json!({ "location": "northeurope" })).status,
        201
    );
    assert_eq!(
        bench
            .put(&format!("{RG}2"), &json!({ "location": "eastus" }))
            .status,
        201,
        "the policy does not apply to resource groups"
    );
    let types = json!({ "properties": {
        "policyDefinitionId": definition("6c112d4e-5bc7-47ae-a041-ea2d9dccd749"),
        "parameters": { "listOfResourceTypesNotAllowed": { "value": ["microsoft.managedidentity/userassignedidentities"] } } } });
    bench.put(&assign("types"), &types);
    assert_eq!(
        bench.put(&id, &json!({ "location": "northeurope" })).status,
        403
    );
    bench.delete(&assign("types"));
    assert_eq!(
        bench.put(&id, &json!({ "location": "northeurope" })).status,
        200
    );
}

#[test]
fn throttled_requests_succeed_after_the_bucket_refills() {
    let mut bench = Bench::with_options(WorldOptions {
        throttling: true,
        ..WorldOptions::default()
    });
    let mut left = Vec::new();
    for _ in 0..250 {
        let response = bench.get(RG);
        let remaining = response
            .header("x-ms-ratelimit-remaining-subscription-reads")
            .unwrap();
        left.push(remaining.parse::<u64>().unwrap());
    }
    assert_eq!((left[0], left[249]), (249, 0));
    let rejected = bench.get(RG);
    assert_eq!(
        rejected.header("x-ms-ratelimit-remaining-subscription-global-reads"),
        Some("3500")
    );
    assert_eq!(
        outcome(&rejected),
        (429, "SubscriptionRequestsThrottled".into())
    );
    assert_eq!(rejected.header("Retry-After"), Some("1"));
    assert_eq!(
        bench.put(RG, &json!({ "location": "westeurope" })).status,
        201,
        "writes have a separate bucket"
    );
    bench.wait(1);
    assert_eq!(bench.get(RG).status, 200);
}

#[test]
fn request_rate_is_unlimited_without_throttling() {
    let mut bench = Bench::with_group();
    assert!((0..400).all(|_| bench.get(RG).status == 200));
}

#[test]
fn each_principal_has_its_own_bucket() {
    let mut bench = Bench::with_group();
    bench.world.set_pace(Pace {
        throttling: true,
        ..Pace::default()
    });
    while bench.get(RG).status != 429 {}
    bench.caller = Caller::Reader;
    assert_eq!(bench.get(RG).status, 200);
}

#[test]
fn pace_limits_all_delays() {
    let mut bench = Bench::with_group();
    bench.world.set_pace(Pace {
        longest_delay: Some(2_000),
        ..Pace::default()
    });
    let deletion = bench.delete(RG);
    assert_eq!(deletion.header("Retry-After"), Some("2"));
    bench.wait(1);
    assert_eq!(bench.get(RG).status, 200);
    bench.wait(1);
    assert_eq!(bench.get(RG).status, 404);
}
