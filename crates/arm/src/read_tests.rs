//! Responses without a document, over a scripted transport.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    ArmError, ErrorKind,
    client::tests::client,
    ignore_waits,
    testing::{FakeTransport, Reply, proxy_reply, reply},
};

const ID: &str = "/subscriptions/s/resourceGroups/g/providers/P/t/n";
const OP: &str = "https://management.azure.com/subscriptions/s/providers/P/ops/1?t=1";

/// Successes that show neither that a resource exists nor that it does not.
fn without_document() -> Vec<fn() -> Reply> {
    vec![
        || reply(204, &[], Value::Null),
        || reply(200, &[], Value::Null),
        || proxy_reply(200, " \r\n"),
        || proxy_reply(200, "<html>Sign in</html>"),
        || proxy_reply(200, r#"{"value":[]}"#),
        || reply(200, &[], json!("x")),
    ]
}

async fn list(fake: &FakeTransport) -> Result<Vec<Value>, ArmError> {
    let client = client(fake);
    client.list_all(ID, "v1", &[], &ignore_waits).await
}

fn assert_explained(error: &ArmError, path: &str) {
    assert_eq!(error.kind, ErrorKind::Protocol, "{error}");
    assert_eq!(error.path, path);
    assert!(error.message.starts_with("The response "), "{error}");
    let hint = error.hint().unwrap();
    assert!(hint.starts_with("Run the command again"), "{hint}");
}

#[tokio::test(start_paused = true)]
async fn success_without_a_document_is_retried() {
    for lie in without_document() {
        let resource = || reply(200, &[], json!({ "id": ID }));
        let fake = FakeTransport::new([lie(), lie(), resource(), lie(), resource()]);
        let client = client(&fake);
        let found = client.get(ID, "v1", &ignore_waits).await;
        assert_eq!(found.unwrap(), Some(json!({ "id": ID })));
        let longest = Duration::from_secs(60);
        let settled = client
            .wait_for_resource(ID, "v1", longest, &ignore_waits)
            .await;
        assert_eq!(settled.unwrap(), Some(json!({ "id": ID })));

        let page =
            |item: u32, next: &str| reply(200, &[], json!({"value": [item], "nextLink": next}));
        let fake = FakeTransport::new([lie(), page(1, "/a"), lie(), page(2, "")]);
        assert_eq!(list(&fake).await.unwrap(), [json!(1), json!(2)]);
    }
}

#[tokio::test(start_paused = true)]
async fn success_without_a_document_never_means_absence() {
    for lie in without_document() {
        let fake = FakeTransport::new(std::iter::repeat_with(lie).take(50));
        let client = client(&fake);
        let error = client.get(ID, "v1", &ignore_waits).await.unwrap_err();
        assert_explained(&error, ID);
        let mut none = |_| panic!("a page without items");
        let listed = client
            .list(ID, "v1", &[], &mut none, &ignore_waits)
            .await
            .unwrap_err();
        assert_explained(&listed, ID);

        let page = reply(200, &[], json!({"value": [1], "nextLink": "/a"}));
        let lies = std::iter::repeat_with(lie).take(50);
        let fake = FakeTransport::new(std::iter::once(page).chain(lies));
        assert_explained(&list(&fake).await.unwrap_err(), ID);
    }
}

#[tokio::test(start_paused = true)]
async fn message_states_what_came() {
    let final_message = async |lie: fn() -> Reply| {
        let fake = FakeTransport::new(std::iter::repeat_with(lie).take(50));
        let read = client(&fake).get(ID, "v1", &ignore_waits).await;
        read.unwrap_err().message.clone()
    };
    let empty = final_message(|| reply(204, &[], Value::Null)).await;
    assert!(empty.contains("status 204 and an empty body"), "{empty}");
    let page = final_message(|| proxy_reply(200, "<html>Sign in</html>")).await;
    assert!(page.contains("a proxy or gateway"), "{page}");
}

/// The proxy's word about a deletion counts as little as its word about a resource.
#[tokio::test(start_paused = true)]
async fn success_of_a_proxy_does_not_complete_a_write() {
    let fake = FakeTransport::new([
        proxy_reply(200, "<html>Sign in</html>"),
        proxy_reply(204, ""),
        reply(200, &[], Value::Null),
        proxy_reply(200, "<html>Sign in</html>"),
        reply(201, &[], json!({ "id": ID })),
    ]);
    let client = client(&fake);
    client.delete(ID, "v1", &ignore_waits).await.unwrap();
    assert_eq!(fake.calls().len(), 3);
    let put = client.put(ID, "v1", &json!({}), &ignore_waits).await;
    assert_eq!(put.unwrap().status, 201);
    assert_eq!(fake.calls().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn not_found_of_a_proxy_does_not_complete_an_operation() {
    let accepted = reply(202, &[("location", OP)], Value::Null);
    let proxy = std::iter::repeat_with(|| proxy_reply(404, "<html>not found</html>")).take(50);
    let fake = FakeTransport::new(std::iter::once(accepted).chain(proxy));
    let deleted = client(&fake).delete(ID, "v1", &ignore_waits).await;
    assert_eq!(deleted.unwrap_err().kind, ErrorKind::Protocol);
}
