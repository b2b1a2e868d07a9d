//! Resource groups, subscriptions and providers.

use serde_json::json;

use crate::http::Method;
use crate::world::testing::{Bench, RG, outcome};
use crate::world::{OTHER_SUBSCRIPTION, SUBSCRIPTION, WorldOptions};

#[test]
fn group_is_created_read_updated_and_listed() {
    let mut bench = Bench::new();
    let created = bench.put(
        RG,
        &json!({ "location": "West Europe", "tags": { "a": "b" } }),
    );
    assert_eq!(created.status, 201);
    assert_eq!(
        created.json(),
        json!({
            "id": RG, "name": "rg", "type": "Microsoft.Resources/resourceGroups", "location": "westeurope",
            "tags": { "a": "b" }, "properties": { "provisioningState": "Succeeded" },
        })
    );
    assert_eq!(bench.get(&RG.to_uppercase()).json(), created.json());
    assert_eq!(
        bench.put(RG, &json!({ "location": "westeurope" })).status,
        200
    );
    assert!(
        bench.get(RG).json().get("tags").is_none(),
        "a PUT without tags removes them"
    );
    assert_eq!(
        bench.patch(RG, &json!({ "tags": { "c": "d" } })).json()["tags"],
        json!({ "c": "d" })
    );
    let head = bench.request(Method::Head, RG);
    assert_eq!(bench.send(&head).status, 204);
    let list = format!("/subscriptions/{SUBSCRIPTION}/resourcegroups");
    assert_eq!(bench.get(&list).json()["value"][0]["name"], "rg");
    let tagged = |tag: &str| format!("{list}?$filter=tagName%20eq%20'{tag}'");
    assert_eq!(
        bench.get(&tagged("c")).json()["value"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    assert_eq!(bench.get(&tagged("x")).json()["value"], json!([]));
}

#[test]
fn group_requires_a_valid_region_and_cannot_move() {
    let mut bench = Bench::with_group();
    let elsewhere = bench.put(RG, &json!({ "location": "eastus" }));
    assert_eq!(
        outcome(&elsewhere),
        (409, "InvalidResourceGroupLocation".into())
    );
    let missing_place = bench.put(&format!("{RG}2"), &json!({ "location": "BadLocation" }));
    assert_eq!(
        outcome(&missing_place),
        (400, "LocationNotAvailableForResourceGroup".into())
    );
    assert_eq!(missing_place.header("x-ms-failure-cause"), Some("gateway"));
    let message = missing_place.json()["error"]["message"].to_string();
    assert!(message.contains("'BadLocation' is not available for resource group. List of available regions is 'centralus,eastasia,"));
}

#[test]
fn group_deletion_takes_time_and_deletes_its_content() {
    let mut bench = Bench::with_group();
    let (identity, principal) = bench.identity("id");
    bench.grant(&identity, crate::catalogue::READER, &principal, 1);
    let account = bench.storage("stgone");
    let deleted = bench.delete(RG);
    assert_eq!(
        (deleted.status, deleted.header("Retry-After")),
        (202, Some("15"))
    );
    let poll = deleted.header("Location").unwrap().to_owned();
    assert!(poll.contains(&format!(
        "/subscriptions/{SUBSCRIPTION}/operationresults/eyJqb2JJZCI6"
    )));
    assert_eq!(bench.follow(&poll).status, 202);
    assert_eq!(
        bench.get(RG).json()["properties"]["provisioningState"],
        "Deleting"
    );
    let write = bench.put(&account, &json!({}));
    assert_eq!(outcome(&write), (409, "ResourceGroupBeingDeleted".into()));
    bench.wait(20);
    assert_eq!(bench.follow(&poll).status, 200);
    assert_eq!(
        outcome(&bench.get(RG)),
        (404, "ResourceGroupNotFound".into())
    );
    assert_eq!(
        outcome(&bench.get(&account)),
        (404, "ResourceGroupNotFound".into())
    );
    bench.put(RG, &json!({ "location": "westeurope" }));
    assert_eq!(
        outcome(&bench.get(&identity)),
        (404, "ResourceNotFound".into())
    );
    let grants = bench.get(&format!(
        "{RG}/providers/Microsoft.Authorization/roleAssignments"
    ));
    assert!(
        !grants.json().to_string().contains(&principal),
        "role assignments in the group are deleted too"
    );
    bench.storage("stgone");
}

#[test]
fn pages_of_a_list_contain_every_entry() {
    let mut bench = Bench::with_options(WorldOptions {
        page_size: 3,
        ..WorldOptions::default()
    });
    for n in 0..7 {
        bench.put(&format!("{RG}{n}"), &json!({ "location": "westeurope" }));
    }
    let mut names = Vec::new();
    let mut page = bench
        .get(&format!("/subscriptions/{SUBSCRIPTION}/resourcegroups"))
        .json();
    loop {
        let value = page["value"].as_array().unwrap();
        assert!(value.len() <= 3);
        names.extend(
            value
                .iter()
                .map(|group| group["name"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["nextLink"].as_str() else {
            break;
        };
        page = bench.follow(next).json();
    }
    assert_eq!(names, (0..7).map(|n| format!("rg{n}")).collect::<Vec<_>>());
    let top = bench
        .get(&format!(
            "/subscriptions/{SUBSCRIPTION}/resourcegroups?$top=2"
        ))
        .json();
    assert_eq!(top["value"].as_array().map(Vec::len), Some(2));
    assert!(top["nextLink"].is_string());
}

#[test]
fn subscriptions_regions_and_tenants_are_listed() {
    let mut bench = Bench::new();
    let all = bench.get("/subscriptions").json();
    assert_eq!(all["value"][0]["subscriptionId"], SUBSCRIPTION);
    assert_eq!(all["value"][1]["subscriptionId"], OTHER_SUBSCRIPTION);
    let one = bench.get(&format!("/subscriptions/{SUBSCRIPTION}")).json();
    assert_eq!(one["state"], "Enabled");
    let unknown = bench.get("/subscriptions/00000000-0000-0000-0000-00000000dead");
    assert_eq!(outcome(&unknown), (404, "SubscriptionNotFound".into()));
    let regions = bench
        .get(&format!("/subscriptions/{SUBSCRIPTION}/locations"))
        .json();
    assert!(
        regions
            .to_string()
            .contains("\"displayName\":\"West Europe\"")
    );
    assert_eq!(
        bench.get("/tenants").json()["value"][0]["tenantId"],
        crate::TENANT
    );
}

#[test]
fn writes_require_a_registered_provider() {
    let mut bench = Bench::with_group();
    let id = format!("{RG}/providers/Microsoft.Search/searchServices/s");
    let body = json!({ "location": "westeurope" });
    assert_eq!(
        outcome(&bench.put(&id, &body)),
        (409, "MissingSubscriptionRegistration".into())
    );
    let provider = format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Search");
    assert_eq!(
        bench.get(&provider).json()["registrationState"],
        "NotRegistered"
    );
    assert_eq!(
        bench
            .post(&format!("{provider}/register"), &json!({}))
            .json()["registrationState"],
        "Registering"
    );
    assert_eq!(bench.put(&id, &body).status, 409);
    bench.wait(10);
    assert_eq!(
        bench.get(&provider).json()["registrationState"],
        "Registered"
    );
    assert_eq!(bench.put(&id, &body).status, 201);
    let media = format!("/subscriptions/{SUBSCRIPTION}/providers/microsoft.media");
    assert_eq!(bench.get(&media).json()["registrationState"], "Registered");
    let invented = bench.put(&format!("{RG}/providers/Contoso.Things/t/x"), &body);
    assert_eq!(outcome(&invented), (404, "InvalidResourceNamespace".into()));
}
