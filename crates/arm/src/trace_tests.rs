//! What a trace records of requests, and what it masks or leaves out.

use super::*;
use crate::{
    Client,
    client::tests::client_with_transport,
    ignore_waits,
    testing::{FakeTransport, Reply, reply},
};
use azure_core::{error::ErrorKind as Core, http::Url};
use serde_json::json;
use std::{sync::Mutex, time::UNIX_EPOCH};

const ID: &str = "/subscriptions/s/resourceGroups/g/providers/P/t/n";

/// A trace, and the exchanges that it records.
fn recording_trace() -> (Arc<Trace>, Arc<Mutex<Vec<Value>>>) {
    let recorded = Arc::new(Mutex::new(Vec::new()));
    let sink = recorded.clone();
    let trace = Trace::new(
        || UNIX_EPOCH + Duration::from_millis(1_764_307_200_250),
        move |exchange| {
            sink.lock()
                .unwrap()
                .push(serde_json::to_value(exchange).unwrap())
        },
    );
    (trace, recorded)
}

/// A client with a trace over a fake transport, and the recorded exchanges.
fn traced_client(replies: Vec<Reply>) -> (Client, Arc<Trace>, Arc<Mutex<Vec<Value>>>) {
    let (trace, recorded) = recording_trace();
    let client = client_with_transport(trace.over(FakeTransport::new(replies).transport()));
    (client, trace, recorded)
}

#[tokio::test(start_paused = true)]
async fn each_attempt_is_recorded() {
    let throttled = reply(
        429,
        &[("retry-after", "7"), ("x-ms-request-id", "r-1")],
        json!({"error": {"code": "TooManyRequests", "message": "Later."}}),
    );
    let found = reply(
        200,
        &[("x-ms-request-id", "r-2"), ("set-cookie", "c=1")],
        json!({"id": ID, "tags": {}}),
    );
    let (client, _, recorded) = traced_client(vec![throttled, found]);
    client.get(ID, "2025-01-01", &ignore_waits).await.unwrap();
    let recorded = recorded.lock().unwrap();
    let sent = json!({ "headers": {
        "accept": "application/json",
        "user-agent": recorded[0]["request"]["headers"]["user-agent"],
        "x-ms-correlation-request-id": "00000000-0000-0000-0000-000000000000",
    }});
    let url = format!("https://management.azure.com{ID}?api-version=2025-01-01");
    assert_eq!(
        *recorded,
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
    let (client, trace, recorded) = traced_client(vec![accepted, reply(400, &[], echo)]);
    trace.conceal([&Secret::new("hunter2!")]);
    let body = json!({"properties": {"adminPassword": "another", "note": "it is hunter2!"}});
    client
        .put(ID, "2025-01-01", &body, &ignore_waits)
        .await
        .unwrap_err();
    let recorded = recorded.lock().unwrap();
    assert_eq!(
        recorded[0]["request"]["body"],
        json!({"properties": {"adminPassword": "(secret)", "note": "it is (secret)"}})
    );
    let text = Value::from(recorded.clone()).to_string();
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
async fn token_requests_are_recorded_without_bodies() {
    let (trace, recorded) = recording_trace();
    let body = json!({"access_token": "opaque", "refresh_token": "too"});
    let transport = trace.over(FakeTransport::new([reply(200, &[], body)]).transport());
    let url = Url::parse("https://login.microsoftonline.com/t/oauth2/v2.0/token").unwrap();
    let mut request = Request::new(url, azure_core::http::Method::Post);
    request.set_body("client_secret=hunter2&grant_type=client_credentials");
    let response = transport.send(&Context::new(), &mut request).await.unwrap();
    let response = response.try_into_raw_response().await.unwrap();
    assert!(
        response
            .deconstruct()
            .2
            .into_string()
            .unwrap()
            .contains("opaque"),
        "the caller gets the whole response"
    );
    let recorded = recorded.lock().unwrap();
    let [line] = recorded.as_slice() else {
        panic!("{recorded:?}")
    };
    assert_eq!(line["status"], 200);
    assert_eq!(
        line["request"]["omitted"],
        "51 bytes of a request for a token or cloud metadata"
    );
    let text = line.to_string();
    assert!(
        !text.contains("hunter2") && !text.contains("opaque") && !text.contains("body"),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn broken_connection_is_recorded_with_its_reason() {
    let (client, _, recorded) =
        traced_client(vec![Reply::Broken(Core::Io), reply(404, &[], Value::Null)]);
    assert_eq!(client.get(ID, "1", &ignore_waits).await.unwrap(), None);
    let recorded = recorded.lock().unwrap();
    assert_eq!(recorded[0]["error"], "broken");
    assert_eq!(
        (recorded[0].get("status"), recorded[0].get("response")),
        (None, None)
    );
    assert_eq!(recorded[1]["attempt"], 2);
}

#[tokio::test]
async fn large_and_non_json_bodies_are_recorded_by_size_only() {
    let html = Reply::Response(503, Headers::new(), b"<html>busy</html>".to_vec());
    let large = reply(200, &[], json!({ "value": "x".repeat(LARGEST_BODY) }));
    let (trace, recorded) = recording_trace();
    let transport = trace.over(FakeTransport::new([html, large]).transport());
    for _ in 0..2 {
        let mut request = Request::new(
            Url::parse("https://a/b").unwrap(),
            azure_core::http::Method::Get,
        );
        let context = Context::new().with_value(RequestAttempt { number: 1 });
        transport.send(&context, &mut request).await.unwrap();
    }
    let recorded = recorded.lock().unwrap();
    assert_eq!(
        recorded[0]["response"],
        json!({ "headers": {}, "omitted": "17 bytes that are not JSON" })
    );
    assert_eq!(recorded[1]["response"]["omitted"], "262156 bytes");
}
