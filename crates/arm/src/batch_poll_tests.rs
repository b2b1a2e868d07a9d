//! Resources that are created at the same time, over a scripted transport in simulated time.

use serde_json::{Value, json};

use crate::{
    client::tests::client,
    ignore_waits,
    testing::{FakeTransport, Reply, reply},
};

const LIST: &str = "/subscriptions/s/resourceGroups/g/providers/P/t";

fn accepted(name: &str) -> Reply {
    let location = format!("https://management.azure.com/subscriptions/s/providers/P/ops/{name}");
    let headers = [("location", &*location), ("retry-after", "17")];
    reply(202, &headers, Value::Null)
}

fn listed(states: [(&str, &str); 2]) -> Reply {
    let item = |(name, state): (&str, &str)| {
        // ARM facts 1.2: ids are returned in another case.
        json!({ "id": format!("{}/{name}", LIST.replace("resourceGroups", "resourcegroups")),
            "properties": { "provisioningState": state } })
    };
    reply(200, &[], json!({ "value": states.map(item) }))
}

/// Creates `a` and `b` at once; returns the result of each.
async fn create_both(fake: &FakeTransport) -> [Result<(), String>; 2] {
    let client = client(fake);
    let create = async |name: &str| {
        let (id, body) = (format!("{LIST}/{name}"), json!({}));
        let created = client.create(&id, "v1", &body, &ignore_waits).await;
        created.map(|_| ()).map_err(|error| error.message.clone())
    };
    futures::join!(create("a"), create("b")).into()
}

fn calls(fake: &FakeTransport) -> Vec<String> {
    fake.calls()
        .iter()
        .map(|call| {
            call.replace(LIST, "…")
                .replace("/subscriptions/s/providers/P", "")
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn one_list_polls_all_members() {
    let fake = FakeTransport::new([
        accepted("a"),
        accepted("b"),
        listed([("a", "Creating"), ("b", "ResolvingDns")]),
        listed([("a", "Succeeded"), ("b", "ResolvingDns")]),
        reply(200, &[], json!({ "id": "b" })),
    ]);
    assert_eq!(create_both(&fake).await, [Ok(()), Ok(())]);
    // The last member is polled individually.
    assert_eq!(
        calls(&fake),
        ["PUT …/a", "PUT …/b", "GET …", "GET …", "GET /ops/b"]
    );
}

#[tokio::test(start_paused = true)]
async fn failed_member_is_polled_for_its_reason() {
    let failed = json!({ "status": "Failed", "error": { "code": "Sold", "message": "out" } });
    let fake = FakeTransport::new([
        accepted("a"),
        accepted("b"),
        listed([("a", "Failed"), ("b", "Succeeded")]),
        reply(200, &[], failed),
    ]);
    assert_eq!(create_both(&fake).await, [Err("out".to_owned()), Ok(())]);
    assert_eq!(calls(&fake), ["PUT …/a", "PUT …/b", "GET …", "GET /ops/a"]);
}

#[tokio::test(start_paused = true)]
async fn members_of_an_unreadable_collection_are_polled_individually() {
    let fake = FakeTransport::new([
        accepted("a"),
        accepted("b"),
        reply(
            403,
            &[],
            json!({ "error": { "code": "AuthorizationFailed", "message": "m" } }),
        ),
        reply(202, &[("retry-after", "17")], Value::Null),
        reply(202, &[("retry-after", "17")], Value::Null),
        reply(200, &[], json!({})),
        reply(200, &[], json!({})),
    ]);
    assert_eq!(create_both(&fake).await, [Ok(()), Ok(())]);
    let (lists, polls): (Vec<_>, Vec<_>) = calls(&fake)[2..]
        .iter()
        .cloned()
        .partition(|call| call == "GET …");
    assert_eq!(
        (lists.len(), polls.len()),
        (1, 4),
        "the collection is listed once"
    );
}

#[tokio::test(start_paused = true)]
async fn operation_with_a_status_document_is_polled_there() {
    let accepted = |name: &str| {
        let status = format!("https://management.azure.com/subscriptions/s/providers/P/ops/{name}");
        reply(201, &[("azure-asyncoperation", &status)], json!({}))
    };
    let fake = FakeTransport::new([
        accepted("a"),
        accepted("b"),
        reply(200, &[], json!({ "status": "Succeeded" })),
        reply(200, &[], json!({ "status": "Succeeded" })),
    ]);
    assert_eq!(create_both(&fake).await, [Ok(()), Ok(())]);
    assert_eq!(
        calls(&fake),
        ["PUT …/a", "PUT …/b", "GET /ops/a", "GET /ops/b"]
    );
}
