//! Lists over a scripted transport.

use super::*;
use crate::{
    Quiet,
    client::tests::client,
    testing::{Fake, Reply, reply},
};
use serde_json::json;

const PATH: &str = "/subscriptions/s/resourceGroups";

fn page_of(item: u32, next: &str) -> Reply {
    reply(200, &[], json!({"value": [{"n": item}], "nextLink": next}))
}

async fn list(fake: &Fake) -> Result<Vec<Value>, ArmError> {
    client(fake)
        .list_all(PATH, "v1", &[("$filter", "x")], &Quiet)
        .await
}

#[tokio::test(start_paused = true)]
async fn pages_follow_each_other() {
    let fake = Fake::new([
        page_of(
            1,
            "https://management.azure.com/subscriptions/s/resourceGroups?api-version=v1&$skiptoken=a",
        ),
        page_of(
            2,
            "/subscriptions/s/resourceGroups?api-version=v1&$skiptoken=b",
        ),
        page_of(3, ""),
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
async fn an_absent_scope_has_no_items() {
    let fake = Fake::new([reply(
        404,
        &[],
        json!({"error": {"code": "ResourceGroupNotFound", "message": "m"}}),
    )]);
    let mut items = 0;
    let listing = client(&fake)
        .list(PATH, "v1", &[], &mut |_| items += 1, &Quiet)
        .await
        .unwrap();
    assert_eq!(
        (listing, items),
        (
            Listing {
                pages: 0,
                items: 0,
                found: false
            },
            0
        )
    );
}

#[tokio::test(start_paused = true)]
async fn odd_pages() {
    for (body, items) in [
        (json!([1, 2]), 2),
        (json!({"value": []}), 0),
        (json!({"value": null, "nextLink": null}), 0),
    ] {
        let fake = Fake::new([reply(200, &[], body)]);
        assert_eq!(list(&fake).await.unwrap().len(), items);
    }
    for body in [json!({"items": []}), json!("x"), json!(null)] {
        let fake = Fake::new([reply(200, &[], body)]);
        assert_eq!(list(&fake).await.unwrap_err().kind, ErrorKind::Protocol);
    }
}

#[tokio::test(start_paused = true)]
async fn links_that_lead_away_or_in_a_circle_end_the_list() {
    let first =
        "https://management.azure.com/subscriptions/s/resourceGroups?api-version=v1&%24filter=x";
    for link in [
        "https://evil.example/next",
        "http://management.azure.com/next",
        "https://",
        first,
    ] {
        let fake = Fake::new([page_of(1, link)]);
        assert_eq!(
            list(&fake).await.unwrap_err().kind,
            ErrorKind::Protocol,
            "{link}"
        );
        assert_eq!(fake.calls().len(), 1);
    }
    let fake = Fake::new([page_of(1, "/a"), page_of(2, "/b"), page_of(3, "/a")]);
    assert_eq!(list(&fake).await.unwrap_err().kind, ErrorKind::Protocol);
}

#[tokio::test(start_paused = true)]
async fn a_later_page_that_is_gone_is_an_error() {
    let fake = Fake::new([page_of(1, "/a"), reply(404, &[], json!(null))]);
    assert_eq!(list(&fake).await.unwrap_err().kind, ErrorKind::NotFound);
}
