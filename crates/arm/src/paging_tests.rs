//! Lists over a scripted transport.

use super::*;
use crate::{
    client::tests::client,
    ignore_waits,
    testing::{FakeTransport, Reply, reply},
};
use serde_json::json;

const PATH: &str = "/subscriptions/s/resourceGroups";

fn page(item: u32, next: &str) -> Reply {
    reply(200, &[], json!({"value": [{"n": item}], "nextLink": next}))
}

async fn list(fake: &FakeTransport) -> Result<Vec<Value>, ArmError> {
    client(fake)
        .list_all(PATH, "v1", &[("$filter", "x")], &ignore_waits)
        .await
}

#[tokio::test(start_paused = true)]
async fn every_page_is_read() {
    let fake = FakeTransport::new([
        page(
            1,
            "https://management.azure.com/subscriptions/s/resourceGroups?api-version=v1&$skiptoken=a",
        ),
        page(
            2,
            "/subscriptions/s/resourceGroups?api-version=v1&$skiptoken=b",
        ),
        page(3, ""),
    ]);
    assert_eq!(
        list(&fake).await.unwrap(),
        [json!({"n": 1}), json!({"n": 2}), json!({"n": 3})]
    );
    let urls = fake.urls();
    assert!(urls[0].ends_with("?api-version=v1&%24filter=x"), "{urls:?}");
    assert!(urls[2].ends_with("$skiptoken=b"), "{urls:?}");
}

#[tokio::test(start_paused = true)]
async fn scope_that_does_not_exist_has_no_items() {
    let fake = FakeTransport::new([reply(
        404,
        &[],
        json!({"error": {"code": "ResourceGroupNotFound", "message": "m"}}),
    )]);
    let mut items = 0;
    let summary = client(&fake)
        .list(PATH, "v1", &[], &mut |_| items += 1, &ignore_waits)
        .await
        .unwrap();
    assert_eq!(
        (summary, items),
        (
            ListSummary {
                pages: 0,
                items: 0,
                found: false
            },
            0
        )
    );
}

#[tokio::test(start_paused = true)]
async fn unusual_pages_are_read_and_invalid_ones_are_errors() {
    for (body, items) in [
        (json!([1, 2]), 2),
        (json!({"value": []}), 0),
        (json!({"value": null, "nextLink": null}), 0),
    ] {
        let fake = FakeTransport::new([reply(200, &[], body)]);
        assert_eq!(list(&fake).await.unwrap().len(), items);
    }
    let fake = FakeTransport::new([reply(200, &[], json!({"items": []}))]);
    assert_eq!(list(&fake).await.unwrap_err().kind, ErrorKind::Protocol);
}

#[tokio::test(start_paused = true)]
async fn links_to_other_hosts_or_earlier_pages_are_errors() {
    let first =
        "https://management.azure.com/subscriptions/s/resourceGroups?api-version=v1&%24filter=x";
    for link in [
        "https://evil.example/next",
        "http://management.azure.com/next",
        "https://",
        first,
    ] {
        let fake = FakeTransport::new([page(1, link)]);
        assert_eq!(
            list(&fake).await.unwrap_err().kind,
            ErrorKind::Protocol,
            "{link}"
        );
        assert_eq!(fake.calls().len(), 1);
    }
    let fake = FakeTransport::new([page(1, "/a"), page(2, "/b"), page(3, "/a")]);
    assert_eq!(list(&fake).await.unwrap_err().kind, ErrorKind::Protocol);
}

#[tokio::test(start_paused = true)]
async fn missing_later_page_is_an_error() {
    let fake = FakeTransport::new([page(1, "/a"), reply(404, &[], json!(null))]);
    assert_eq!(list(&fake).await.unwrap_err().kind, ErrorKind::NotFound);
}
