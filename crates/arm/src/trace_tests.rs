//! What a trace records of the client's requests, and what it leaves out.

use super::*;
use crate::{
    Client, Quiet,
    client::tests::client_over,
    testing::{Fake, Reply, reply},
};
use azure_core::{error::ErrorKind as Core, http::Url};
use serde_json::json;
use std::{sync::Mutex, time::UNIX_EPOCH};

const ID: &str = "/subscriptions/s/resourceGroups/g/providers/P/t/n";

/// A trace that keeps its exchanges, as they are written.
fn traced() -> (Arc<Trace>, Arc<Mutex<Vec<Value>>>) {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let keep = kept.clone();
    let trace = Trace::new(
        || UNIX_EPOCH + Duration::from_millis(1_764_307_200_250),
        move |exchange| {
            keep.lock()
                .unwrap()
                .push(serde_json::to_value(exchange).unwrap())
        },
    );
    (trace, kept)
}

/// A client over a fake that is watched, and what was recorded.
fn watched(replies: Vec<Reply>) -> (Client, Arc<Trace>, Arc<Mutex<Vec<Value>>>) {
    let (trace, kept) = traced();
    let client = client_over(trace.over(Fake::new(replies).transport()));
    (client, trace, kept)
}

#[tokio::test(start_paused = true)]
async fn each_sending_is_a_line() {
    let busy = reply(
        429,
        &[("retry-after", "7"), ("x-ms-request-id", "r-1")],
        json!({"error": {"code": "TooManyRequests", "message": "Later."}}),
    );
    let found = reply(
        200,
        &[("x-ms-request-id", "r-2"), ("set-cookie", "c=1")],
        json!({"id": ID, "tags": {}}),
    );
    let (client, _, kept) = watched(vec![busy, found]);
    client.get(ID, "2025-01-01", &Quiet).await.unwrap();
    let kept = kept.lock().unwrap();
    let sent = json!({ "headers": {
        "accept": "application/json",
        "user-agent": kept[0]["request"]["headers"]["user-agent"],
        "x-ms-correlation-request-id": "00000000-0000-0000-0000-000000000000",
    }});
    let url = format!("https://management.azure.com{ID}?api-version=2025-01-01");
    assert_eq!(
        *kept,
        [
            json!({
                "at": "2025-11-28T05:20:00.25Z", "method": "GET", "url": url, "attempt": 1, "status": 429, "tookMs": 0,
                "request": sent,
                "response": {
                    "headers": { "retry-after": "7", "x-ms-request-id": "r-1" },
                    "body": {"error": {"code": "TooManyRequests", "message": "Later."}},
                },
            }),
            json!({
                "at": "2025-11-28T05:20:00.25Z", "method": "GET", "url": url, "attempt": 2, "status": 200, "tookMs": 0,
                "request": sent,
                "response": { "headers": { "x-ms-request-id": "r-2" }, "body": {"id": ID, "tags": {}} },
            }),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn no_token_and_no_secret_is_recorded() {
    let echo = json!({"error": {"code": "BadRequest", "message": "The value 'hunter2!' of adminPassword is too short."}});
    let location = "https://management.azure.com/ops/1?api-version=1&t=1&c=MIIc&s=sIgN&h=hAsH";
    let accepted = reply(
        202,
        &[("location", location), ("retry-after", "1")],
        Value::Null,
    );
    let (client, trace, kept) = watched(vec![accepted, reply(400, &[], echo)]);
    trace.conceal([&Secret::new("hunter2!")]);
    let body = json!({"properties": {"adminPassword": "another", "note": "it is hunter2!"}});
    client
        .put(ID, "2025-01-01", &body, &Quiet)
        .await
        .unwrap_err();
    let kept = kept.lock().unwrap();
    assert_eq!(
        kept[0]["request"]["body"],
        json!({"properties": {"adminPassword": "(secret)", "note": "it is (secret)"}})
    );
    let text = Value::from(kept.clone()).to_string();
    for hidden in [
        "hunter2",
        "another",
        "token-1",
        "authorization",
        "sIgN",
        "hAsH",
        "MIIc",
    ] {
        assert!(!text.contains(hidden), "{hidden} in {text}");
    }
    assert!(text.contains("of adminPassword is too short"), "{text}");
}

#[tokio::test]
async fn what_logs_in_is_recorded_without_bodies() {
    let (trace, kept) = traced();
    let answer = json!({"access_token": "opaque", "refresh_token": "too"});
    let transport = trace.over(Fake::new([reply(200, &[], answer)]).transport());
    let url = Url::parse("https://login.microsoftonline.com/t/oauth2/v2.0/token").unwrap();
    let mut request = Request::new(url, azure_core::http::Method::Post);
    request.set_body("client_secret=hunter2&grant_type=client_credentials");
    let answer = transport.send(&Context::new(), &mut request).await.unwrap();
    let answer = answer.try_into_raw_response().await.unwrap();
    assert!(
        answer
            .deconstruct()
            .2
            .into_string()
            .unwrap()
            .contains("opaque"),
        "the caller gets all"
    );
    let kept = kept.lock().unwrap();
    let [line] = kept.as_slice() else {
        panic!("{kept:?}")
    };
    assert_eq!(line["status"], 200);
    assert_eq!(
        line["request"]["omitted"],
        "51 bytes of logging in or looking around"
    );
    let text = line.to_string();
    assert!(
        !text.contains("hunter2") && !text.contains("opaque") && !text.contains("body"),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_broken_connection_says_why() {
    let (client, _, kept) = watched(vec![Reply::Broken(Core::Io), reply(404, &[], Value::Null)]);
    assert_eq!(client.get(ID, "1", &Quiet).await.unwrap(), None);
    let kept = kept.lock().unwrap();
    assert_eq!(kept[0]["error"], "broken");
    assert_eq!(
        (kept[0].get("status"), kept[0].get("response")),
        (None, None)
    );
    assert_eq!(kept[1]["attempt"], 2);
}

#[tokio::test]
async fn what_is_large_or_no_json_is_counted_only() {
    let html = Reply::Answer(503, Headers::new(), b"<html>busy</html>".to_vec());
    let large = reply(200, &[], json!({ "value": "x".repeat(LARGEST_BODY) }));
    let (trace, kept) = traced();
    let transport = trace.over(Fake::new([html, large]).transport());
    for _ in 0..2 {
        let mut request = Request::new(
            Url::parse("https://a/b").unwrap(),
            azure_core::http::Method::Get,
        );
        let context = Context::new().with_value(Sending { attempt: 1 });
        transport.send(&context, &mut request).await.unwrap();
    }
    let kept = kept.lock().unwrap();
    assert_eq!(
        kept[0]["response"],
        json!({ "headers": {}, "omitted": "17 bytes that are not JSON" })
    );
    assert_eq!(
        kept[1]["response"],
        json!({ "headers": {}, "omitted": "262156 bytes" })
    );
}
