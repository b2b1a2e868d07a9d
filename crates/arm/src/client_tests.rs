//! The client over a scripted transport, in simulated time.

use super::*;
use crate::{
    backoff::NoJitter,
    testing::{FakeTransport, NumberedTokens, Reply, proxy_reply, reply},
};
use azure_core::error::ErrorKind as Core;
use serde_json::json;
use std::{sync::Mutex, time::Duration};

const ID: &str = "/subscriptions/s/resourceGroups/g/providers/P/t/n";
const OP: &str = "https://management.azure.com/subscriptions/s/providers/P/ops/1?t=1";

/// Records every wait.
#[derive(Default)]
struct WaitLog(Mutex<Vec<String>>);

impl WaitLog {
    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    fn record(&self, wait: Wait<'_>) {
        let line = match wait {
            Wait::Retry {
                reason,
                pause,
                attempt,
            } => format!("retry {attempt} in {}s: {reason}", pause.as_secs()),
            Wait::Poll { status, pause } => format!("{status} {}s", pause.as_secs()),
            Wait::Pace { .. } => return,
        };
        self.0.lock().unwrap().push(line);
    }
}

pub(crate) fn client(fake: &FakeTransport) -> Client {
    client_with_transport(fake.transport())
}

pub(crate) fn client_with_transport(transport: Transport) -> Client {
    let endpoints = Endpoints {
        resource_manager: Url::parse("https://management.azure.com/").unwrap(),
        authority: Url::parse("https://login.microsoftonline.com/").unwrap(),
        scope: "https://management.azure.com/.default".to_owned(),
        graph: None,
    };
    let options = ClientOptions {
        user_agent_suffix: Some("tests\r\nX: y".to_owned()),
        correlation_id: Uuid::nil(),
        jitter: Arc::new(NoJitter),
        ..ClientOptions::default()
    };
    Client::new(
        &endpoints,
        Arc::new(NumberedTokens::default()),
        transport,
        options,
    )
}

fn error(status: u16, code: &str) -> Reply {
    reply(
        status,
        &[],
        json!({"error": {"code": code, "message": "m"}}),
    )
}

#[tokio::test(start_paused = true)]
async fn no_error_repeats_a_secret_of_the_run() {
    let message = "The value 'hunter2!' of adminPassword is too short.";
    let rejection =
        json!({"error": {"code": "InvalidParameter", "message": message, "target": "hunter2!"}});
    let accepted = reply(202, &[("azure-asyncoperation", OP)], Value::Null);
    let failed = json!({"status": "Failed", "error": {"code": "BadPassword", "message": message}});
    let fake = FakeTransport::new([
        reply(400, &[], rejection),
        accepted,
        reply(200, &[], failed),
    ]);
    let client = client(&fake);
    client.conceal([&Secret::new("hunter2!")]);
    let hidden = "The value '(secret)' of adminPassword is too short.";
    let body = json!({"adminPassword": "hunter2!"});
    let error = client
        .put(ID, "1", &body, &crate::ignore_waits)
        .await
        .unwrap_err();
    assert_eq!(error.message, hidden);
    assert_eq!(error.target.as_deref(), Some("(secret)"));
    let failed = client
        .put(ID, "1", &body, &crate::ignore_waits)
        .await
        .unwrap_err();
    assert_eq!(failed.message, hidden);
    assert!(
        fake.received()[0].body.contains("hunter2!"),
        "the request contains the secret"
    );
}

#[tokio::test(start_paused = true)]
async fn requests_have_token_user_agent_and_correlation_id() {
    let fake = FakeTransport::new([
        reply(200, &[], json!({"id": ID})),
        reply(200, &[], json!({"id": ID})),
    ]);
    let client = client(&fake);
    assert_eq!(
        client.get(ID, "v1", &crate::ignore_waits).await.unwrap(),
        Some(json!({"id": ID}))
    );
    client
        .put(ID, "v1", &json!({"a": 1}), &crate::ignore_waits)
        .await
        .unwrap();
    let received = fake.received();
    let [get, put] = received.as_slice() else {
        panic!()
    };
    assert_eq!(
        get.url.as_str(),
        format!("https://management.azure.com{ID}?api-version=v1")
    );
    assert_eq!(get.header("authorization"), Some("Bearer token-1"));
    assert_eq!(
        get.header("x-ms-correlation-request-id"),
        Some(Uuid::nil().to_string().as_str())
    );
    assert_eq!(
        get.header("user-agent"),
        Some(concat!("lazuli/", env!("CARGO_PKG_VERSION"), " testsX: y"))
    );
    assert_eq!(
        (get.header("accept-language"), get.header("accept-encoding")),
        (None, None)
    );
    assert_ne!(
        get.header("x-ms-client-request-id"),
        put.header("x-ms-client-request-id")
    );
    assert_eq!(
        (put.body.as_str(), put.header("content-type")),
        (r#"{"a":1}"#, Some("application/json"))
    );
    assert_eq!(put.header("authorization"), Some("Bearer token-1"));
}

#[tokio::test(start_paused = true)]
async fn every_404_means_that_the_resource_does_not_exist() {
    for code in [
        "ResourceNotFound",
        "ResourceGroupNotFound",
        "ParentResourceNotFound",
        "RoleAssignmentNotFound",
    ] {
        let fake = FakeTransport::new([error(404, code), error(404, code)]);
        let client = client(&fake);
        assert_eq!(
            client.get(ID, "v1", &crate::ignore_waits).await.unwrap(),
            None
        );
        let deleted = client.delete(ID, "v1", &crate::ignore_waits).await.unwrap();
        assert_eq!(
            (deleted.outcome, deleted.status),
            (WriteOutcome::Absent, 404)
        );
    }
    let fake = FakeTransport::new([error(404, "ResourceGroupNotFound")]);
    let error = client(&fake)
        .put(ID, "v1", &json!({}), &crate::ignore_waits)
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
}

#[tokio::test(start_paused = true)]
async fn not_found_of_a_proxy_is_retried_and_never_means_that_the_resource_does_not_exist() {
    let html = || proxy_reply(404, "<html>not found</html>");
    let fake = FakeTransport::new([html(), reply(200, &[], json!({ "id": ID }))]);
    let found = client(&fake).get(ID, "v1", &crate::ignore_waits).await;
    assert_eq!(found.unwrap(), Some(json!({ "id": ID })));

    for mistrusted in [html, || proxy_reply(404, "")] {
        let fake = FakeTransport::new(std::iter::repeat_with(mistrusted).take(50));
        let client = client(&fake);
        let error = client
            .get(ID, "v1", &crate::ignore_waits)
            .await
            .unwrap_err();
        assert_eq!(error.kind, ErrorKind::Protocol);
        let error = client
            .delete(ID, "v1", &crate::ignore_waits)
            .await
            .unwrap_err();
        assert_eq!(error.kind, ErrorKind::Protocol);
        let mut none = |_| panic!("a page without items");
        let listed = client
            .list(ID, "v1", &[], &mut none, &crate::ignore_waits)
            .await;
        assert_eq!(listed.unwrap_err().kind, ErrorKind::Protocol);
    }
}

#[tokio::test(start_paused = true)]
async fn conditional_deletion_sends_the_etag_and_fails_if_the_resource_has_changed() {
    let fake = FakeTransport::new([
        reply(204, &[], json!(null)),
        reply(204, &[], json!(null)),
        error(412, "PreconditionFailed"),
    ]);
    let client = client(&fake);
    let delete = async |etag| {
        let deleted = client.delete_if_match(ID, "v1", etag, &crate::ignore_waits);
        deleted.await
    };
    delete(None).await.unwrap();
    delete(Some("W/\"1\"")).await.unwrap();
    let changed = delete(Some("W/\"1\"")).await.unwrap_err();
    assert_eq!(changed.kind, ErrorKind::Conflict);
    let requests = fake.received();
    let etags: Vec<_> = requests.iter().map(|it| it.header("if-match")).collect();
    assert_eq!(etags, [None, Some("W/\"1\""), Some("W/\"1\"")]);
}

#[tokio::test(start_paused = true)]
async fn failing_polls_do_not_end_an_operation() {
    let running = || {
        reply(
            200,
            &[("retry-after", "10")],
            json!({"status": "InProgress"}),
        )
    };
    let fake = FakeTransport::new([
        reply(
            201,
            &[("azure-asyncoperation", OP), ("retry-after", "3")],
            json!({"id": ID, "properties": {"provisioningState": "Creating"}}),
        ),
        running(),
        reply(500, &[], json!(null)),
        error(503, "ServiceUnavailable"),
        reply(429, &[("retry-after", "2")], json!(null)),
        Reply::Broken(Core::Io),
        reply(200, &[], json!({"status": "Updating"})),
        reply(200, &[], json!({"status": "Succeeded"})),
    ]);
    let log = WaitLog::default();
    let started = Instant::now();
    let done = client(&fake)
        .put(ID, "v1", &json!({}), &|wait: Wait<'_>| log.record(wait))
        .await
        .unwrap();
    assert_eq!(
        done,
        WriteResult {
            outcome: WriteOutcome::Created,
            status: 201,
            result: None
        }
    );
    assert_eq!(
        log.lines(),
        [
            "Creating 3s",
            "InProgress 10s",
            "retry 1 in 1s: status 500",
            "retry 2 in 2s: ServiceUnavailable",
            "retry 3 in 2s: throttled",
            "retry 4 in 8s: No connection: broken",
            "Updating 2s",
        ]
    );
    assert_eq!(
        started.elapsed().as_millis(),
        3000 + 10_000 + 1000 + 2000 + 2000 + 8000 + 2250
    );
    assert!(fake.urls().iter().skip(1).all(|url| url == OP));
}

#[tokio::test(start_paused = true)]
async fn failed_operation_names_the_request_that_started_it() {
    let fake = FakeTransport::new([
        reply(202, &[("azure-asyncoperation", OP)], json!(null)),
        reply(
            200,
            &[],
            json!({"status": "Failed", "error": {"code": "Outer", "message": "o", "details": [{"code": "OperationCancelled", "message": "why"}]}}),
        ),
    ]);
    let failed = client(&fake)
        .put(ID, "v1", &json!({}), &crate::ignore_waits)
        .await
        .unwrap_err();
    assert_eq!(failed.kind, ErrorKind::OperationFailed);
    assert_eq!(
        failed.to_string(),
        format!("why (OperationCancelled)\nPUT {ID}")
    );
    assert_eq!(failed.outer_code.as_deref(), Some("Outer"));
}

#[tokio::test(start_paused = true)]
async fn operation_that_does_not_finish_times_out() {
    let running =
        (0..2000).map(|_| reply(200, &[("retry-after", "60")], json!({"status": "Running"})));
    let first = reply(202, &[("azure-asyncoperation", OP)], json!(null));
    let fake = FakeTransport::new(std::iter::once(first).chain(running));
    let failed = client(&fake)
        .put(ID, "v1", &json!({}), &crate::ignore_waits)
        .await
        .unwrap_err();
    assert_eq!(failed.kind, ErrorKind::Timeout);
    assert!(
        failed
            .message
            .contains("within 120 minutes: its status is still Running"),
        "{failed}"
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_to_another_host() {
    let fake = FakeTransport::new([
        reply(202, &[("location", "https://evil.example/op")], json!(null)),
        reply(200, &[], json!({"id": ID})),
        reply(202, &[("location", "https://evil.example/op")], json!(null)),
    ]);
    let client = client(&fake);
    client
        .put(ID, "v1", &json!({}), &crate::ignore_waits)
        .await
        .unwrap();
    let error = client
        .post(ID, "v1", None, &crate::ignore_waits)
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Protocol);
    assert!(
        fake.urls()
            .iter()
            .all(|url| url.starts_with("https://management.azure.com/"))
    );
}

#[tokio::test(start_paused = true)]
async fn status_determines_the_outcome() {
    for (status, outcome) in [(200, WriteOutcome::Updated), (201, WriteOutcome::Created)] {
        let fake = FakeTransport::new([reply(status, &[], json!({"id": ID}))]);
        assert_eq!(
            client(&fake)
                .put(ID, "v1", &json!({}), &crate::ignore_waits)
                .await
                .unwrap()
                .outcome,
            outcome
        );
    }
    let location = [("location", OP)];
    let fake = FakeTransport::new([
        reply(202, &location, json!(null)),
        reply(200, &[], json!({"id": ID})),
    ]);
    let written = client(&fake)
        .put(ID, "v1", &json!({}), &crate::ignore_waits)
        .await
        .unwrap();
    assert_eq!(
        (written.outcome, written.status, written.result),
        (WriteOutcome::Accepted, 202, None)
    );
    let fake = FakeTransport::new([
        reply(202, &location, json!(null)),
        reply(200, &[], json!({"keys": [1]})),
    ]);
    let posted = client(&fake)
        .post(ID, "v1", None, &crate::ignore_waits)
        .await
        .unwrap();
    assert_eq!(
        (posted.outcome, posted.result),
        (WriteOutcome::ActionDone, Some(json!({"keys": [1]})))
    );
    let fake = FakeTransport::new([reply(204, &[], json!(null))]);
    assert_eq!(
        client(&fake)
            .delete(ID, "v1", &crate::ignore_waits)
            .await
            .unwrap()
            .outcome,
        WriteOutcome::Absent
    );
    let fake = FakeTransport::new([
        reply(202, &location, json!(null)),
        reply(204, &[], json!(null)),
    ]);
    assert_eq!(
        client(&fake)
            .delete(ID, "v1", &crate::ignore_waits)
            .await
            .unwrap()
            .outcome,
        WriteOutcome::Deleted
    );
}

#[tokio::test(start_paused = true)]
async fn status_401_is_retried_once_with_a_new_token() {
    let fake = FakeTransport::new([
        error(401, "ExpiredAuthenticationToken"),
        reply(200, &[], json!({})),
    ]);
    let client_ok = client(&fake);
    assert!(client_ok.get(ID, "v1", &crate::ignore_waits).await.is_ok());
    let tokens: Vec<_> = fake
        .received()
        .iter()
        .map(|r| r.header("authorization").unwrap().to_owned())
        .collect();
    assert_eq!(tokens, ["Bearer token-1", "Bearer token-2"]);

    let fake = FakeTransport::new([
        error(401, "InvalidAuthenticationTokenTenant"),
        error(401, "InvalidAuthenticationTokenTenant"),
    ]);
    let error = client(&fake)
        .get(ID, "v1", &crate::ignore_waits)
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotLoggedIn);
    assert!(error.hint().unwrap().contains("az login --tenant"));
    assert_eq!(fake.calls().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn request_without_a_token_is_not_retried() {
    #[derive(Debug)]
    struct NoToken;
    #[async_trait::async_trait]
    impl TokenCredential for NoToken {
        async fn get_token(
            &self,
            _: &[&str],
            _: Option<azure_core::credentials::TokenRequestOptions<'_>>,
        ) -> azure_core::Result<azure_core::credentials::AccessToken> {
            let text = "Login failed:\n- Azure CLI: az not found on PATH";
            Err(azure_core::Error::with_message(Core::Credential, text))
        }
    }
    let fake = FakeTransport::new([]);
    let endpoints = crate::Cloud::Public
        .endpoints(&fake.transport())
        .await
        .unwrap();
    let client = Client::new(
        &endpoints,
        Arc::new(NoToken),
        fake.transport(),
        ClientOptions::default(),
    );
    let log = WaitLog::default();
    let error = client
        .get(ID, "v1", &|wait: Wait<'_>| log.record(wait))
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotLoggedIn);
    assert_eq!(
        error.message,
        "Login failed:\n- Azure CLI: az not found on PATH"
    );
    assert!(log.lines().is_empty() && fake.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_resource_resumes_operations_of_others() {
    let state = |word: &str| reply(200, &[], json!({"properties": {"provisioningState": word}}));
    let fake = FakeTransport::new([
        state("Creating"),
        state("Updating"),
        state("Failed"),
        state("Deleting"),
        error(404, "X"),
    ]);
    let client = client(&fake);
    let settled = client
        .wait_for_resource(ID, "v1", Duration::from_secs(3600), &crate::ignore_waits)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(settled["properties"]["provisioningState"], "Failed");
    assert_eq!(
        client
            .wait_for_resource(ID, "v1", Duration::from_secs(3600), &crate::ignore_waits)
            .await
            .unwrap(),
        None
    );
}

#[tokio::test(start_paused = true)]
async fn invalid_path_is_rejected_before_it_is_sent() {
    let fake = FakeTransport::new([]);
    let error = client(&fake)
        .delete("/subscriptions/s/../t", "v1", &crate::ignore_waits)
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidRequest);
    assert!(fake.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn poll_that_keeps_failing_is_reported_as_the_write() {
    let first = reply(202, &[("azure-asyncoperation", OP)], json!(null));
    let failures = (0..8).map(|_| error(503, "ServiceUnavailable"));
    let fake = FakeTransport::new(std::iter::once(first).chain(failures));
    let failed = client(&fake)
        .put(ID, "v1", &json!({}), &crate::ignore_waits)
        .await
        .unwrap_err();
    assert_eq!(failed.kind, ErrorKind::Unavailable);
    assert!(
        failed
            .to_string()
            .contains(&format!("\nPUT {ID} returned 503")),
        "{failed}"
    );
}

#[tokio::test(start_paused = true)]
async fn operation_with_a_transient_failure_is_restarted() {
    let accepted = || reply(202, &[("azure-asyncoperation", OP)], json!(null));
    let failed = |code: &str| {
        let error = json!({"code": code, "message": "Try again later."});
        reply(200, &[], json!({"status": "Failed", "error": error}))
    };
    for (code, expected) in [
        ("ServerIsBusy", "retry 1 in 4s: ServerIsBusy"),
        ("InternalServerError", "retry 1 in 1s: InternalServerError"),
    ] {
        let fake = FakeTransport::new([
            accepted(),
            failed(code),
            accepted(),
            reply(200, &[], json!({"status": "Succeeded"})),
        ]);
        let log = WaitLog::default();
        let done = client(&fake)
            .put(ID, "v1", &json!({}), &|wait: Wait<'_>| log.record(wait))
            .await;
        assert_eq!(done.unwrap().outcome, WriteOutcome::Accepted);
        assert_eq!(log.lines(), ["Accepted 1s", expected, "Accepted 1s"]);
    }
    for code in ["Endpoint validation", "OperationCancelled"] {
        let fake = FakeTransport::new([accepted(), failed(code)]);
        let log = WaitLog::default();
        let error = client(&fake)
            .put(ID, "v1", &json!({}), &|wait: Wait<'_>| log.record(wait))
            .await;
        assert_eq!(error.unwrap_err().code.as_deref(), Some(code));
        assert_eq!(fake.calls().len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn write_is_not_repeated_if_its_polls_fail() {
    let busy = (0..100).map(|_| error(409, "AnotherOperationInProgress"));
    let accepted = reply(202, &[("azure-asyncoperation", OP)], json!(null));
    let fake = FakeTransport::new(std::iter::once(accepted).chain(busy));
    let error = client(&fake)
        .put(ID, "v1", &json!({}), &crate::ignore_waits)
        .await
        .unwrap_err();
    assert_eq!(error.status, Some(409));
    let puts = fake
        .calls()
        .iter()
        .filter(|call| call.starts_with("PUT"))
        .count();
    assert_eq!(puts, 1);
}
