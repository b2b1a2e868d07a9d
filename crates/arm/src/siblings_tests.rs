//! Resources that are made beside each other, over a scripted transport in simulated time.

use serde_json::{Value, json};

use crate::{
    Quiet,
    client::tests::client,
    testing::{Fake, Reply, reply},
};

const LIST: &str = "/subscriptions/s/resourceGroups/g/providers/P/t";

fn accepted(name: &str) -> Reply {
    let location = format!("https://management.azure.com/subscriptions/s/providers/P/ops/{name}");
    let headers = [("location", &*location), ("retry-after", "17")];
    reply(202, &headers, Value::Null)
}

fn listed(states: [(&str, &str); 2]) -> Reply {
    let item = |(name, state): (&str, &str)| {
        // ARM facts 1.2: ids come back in another case.
        json!({ "id": format!("{}/{name}", LIST.replace("resourceGroups", "resourcegroups")),
            "properties": { "provisioningState": state } })
    };
    reply(200, &[], json!({ "value": states.map(item) }))
}

/// Makes `a` and `b` at once; how each ended.
async fn make_both(fake: &Fake) -> [Result<(), String>; 2] {
    let client = client(fake);
    let make = async |name: &str| {
        let (id, body) = (format!("{LIST}/{name}"), json!({}));
        let made = client.create(&id, "v1", &body, &Quiet).await;
        made.map(|_| ()).map_err(|error| error.message.clone())
    };
    futures::join!(make("a"), make("b")).into()
}

fn calls(fake: &Fake) -> Vec<String> {
    fake.calls()
        .iter()
        .map(|call| {
            call.replace(LIST, "…")
                .replace("/subscriptions/s/providers/P", "")
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn one_list_is_enough_for_all() {
    let fake = Fake::new([
        accepted("a"),
        accepted("b"),
        listed([("a", "Creating"), ("b", "ResolvingDns")]),
        listed([("a", "Succeeded"), ("b", "ResolvingDns")]),
        reply(200, &[], json!({ "id": "b" })),
    ]);
    assert_eq!(make_both(&fake).await, [Ok(()), Ok(())]);
    // Once it is alone, the second is asked for by itself.
    assert_eq!(
        calls(&fake),
        ["PUT …/a", "PUT …/b", "GET …", "GET …", "GET /ops/b"]
    );
}

#[tokio::test(start_paused = true)]
async fn why_one_failed_only_its_operation_knows() {
    let refused = json!({ "status": "Failed", "error": { "code": "Sold", "message": "out" } });
    let fake = Fake::new([
        accepted("a"),
        accepted("b"),
        listed([("a", "Failed"), ("b", "Succeeded")]),
        reply(200, &[], refused),
    ]);
    assert_eq!(make_both(&fake).await, [Err("out".to_owned()), Ok(())]);
    assert_eq!(calls(&fake), ["PUT …/a", "PUT …/b", "GET …", "GET /ops/a"]);
}

#[tokio::test(start_paused = true)]
async fn where_there_is_no_list_each_is_asked_for_by_itself() {
    let fake = Fake::new([
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
    assert_eq!(make_both(&fake).await, [Ok(()), Ok(())]);
    let (lists, polls): (Vec<_>, Vec<_>) = calls(&fake)[2..]
        .iter()
        .cloned()
        .partition(|call| call == "GET …");
    assert_eq!((lists.len(), polls.len()), (1, 4), "the list is tried once");
}

#[tokio::test(start_paused = true)]
async fn whoever_has_a_status_document_is_asked_it() {
    let begun = |name: &str| {
        let status = format!("https://management.azure.com/subscriptions/s/providers/P/ops/{name}");
        reply(201, &[("azure-asyncoperation", &status)], json!({}))
    };
    let fake = Fake::new([
        begun("a"),
        begun("b"),
        reply(200, &[], json!({ "status": "Succeeded" })),
        reply(200, &[], json!({ "status": "Succeeded" })),
    ]);
    assert_eq!(make_both(&fake).await, [Ok(()), Ok(())]);
    assert_eq!(
        calls(&fake),
        ["PUT …/a", "PUT …/b", "GET /ops/a", "GET /ops/b"]
    );
}
