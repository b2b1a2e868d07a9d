//! Renewal of tokens that expire during a run, with assertions fetched again, on a paused clock.

use super::{AuthMethod, credential};
use crate::{
    Client, ClientOptions, Endpoints, Url, ignore_waits,
    testing::{FakeTransport, ReceivedRequest, Reply, reply},
};
use azure_core::error::ErrorKind;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::advance;

const ID: &str = "/subscriptions/s";
const MINUTE: Duration = Duration::from_secs(60);
const GITHUB: &[(&str, &str)] = &[
    (
        "ACTIONS_ID_TOKEN_REQUEST_URL",
        "https://github.local/token?x=1",
    ),
    ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "hush"),
];

fn client(fake: &FakeTransport, choice: AuthMethod, vars: &[(&str, &str)]) -> Client {
    let endpoints = Endpoints {
        resource_manager: Url::parse("https://arm.local/").unwrap(),
        authority: Url::parse("https://login.local/").unwrap(),
        scope: "https://arm.local/.default".to_owned(),
        graph: None,
    };
    let principal = [("AZURE_TENANT_ID", "tenant"), ("AZURE_CLIENT_ID", "client")];
    let env = |name: &str| {
        let mut all = principal.iter().chain(vars);
        all.find(|(key, _)| *key == name)
            .map(|(_, value)| (*value).to_owned())
    };
    let credential = credential(Some(choice), &env, &endpoints, &fake.transport());
    let options = ClientOptions::default();
    Client::new(&endpoints, credential, fake.transport(), options)
}

fn job_token(value: &str) -> Reply {
    reply(200, &[], json!({ "value": value }))
}

fn token(value: &str) -> Reply {
    let body = json!({
        "token_type": "Bearer", "expires_in": 3600, "ext_expires_in": 3600, "access_token": value,
    });
    reply(200, &[], body)
}

fn ok() -> Reply {
    reply(200, &[], json!({}))
}

async fn get(client: &Client) -> Option<Value> {
    client.get(ID, "v1", &ignore_waits).await.unwrap()
}

/// The host of each request with its token or assertion.
fn credentials_sent(fake: &FakeTransport) -> Vec<String> {
    let requests = fake.received();
    let describe = |received: &ReceivedRequest| match received.url.host_str() {
        Some("login.local") => {
            let fields = received.body.split('&');
            let mut assertions = fields.filter_map(|field| field.strip_prefix("client_assertion="));
            format!("login {}", assertions.next().unwrap_or("without"))
        }
        Some("arm.local") => format!("arm {}", received.header("authorization").unwrap()),
        host => host.unwrap().to_owned(),
    };
    requests.iter().map(describe).collect()
}

#[tokio::test(start_paused = true)]
async fn token_is_renewed_before_it_expires_with_a_new_assertion() {
    let fake = FakeTransport::new([
        job_token("job-1"),
        token("first"),
        ok(),
        ok(),
        job_token("job-2"),
        token("second"),
        ok(),
    ]);
    let client = client(&fake, AuthMethod::GitHub, GITHUB);
    get(&client).await;
    advance(54 * MINUTE).await;
    get(&client).await;
    advance(2 * MINUTE).await;
    get(&client).await;
    assert_eq!(
        credentials_sent(&fake),
        [
            "github.local",
            "login job-1",
            "arm Bearer first",
            "arm Bearer first",
            "github.local",
            "login job-2",
            "arm Bearer second",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn renewal_reads_the_federated_token_file_again() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("token");
    std::fs::write(&file, "pod-1").unwrap();
    let vars = [("AZURE_FEDERATED_TOKEN_FILE", file.to_str().unwrap())];
    let fake = FakeTransport::new([token("first"), ok(), token("second"), ok()]);
    let client = client(&fake, AuthMethod::WorkloadIdentity, &vars);
    get(&client).await;
    std::fs::write(&file, "pod-2").unwrap();
    advance(56 * MINUTE).await;
    get(&client).await;
    assert_eq!(
        credentials_sent(&fake),
        [
            "login pod-1",
            "arm Bearer first",
            "login pod-2",
            "arm Bearer second"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn expired_token_is_renewed_once_for_all_failed_requests() {
    let expired = || {
        let body =
            json!({"error": {"code": "ExpiredAuthenticationToken", "message": "It has expired."}});
        reply(401, &[], body)
    };
    let secret = [("AZURE_CLIENT_SECRET", "hush")];
    let fake = FakeTransport::new([
        token("first"),
        expired(),
        expired(),
        token("second"),
        ok(),
        ok(),
    ]);
    let client = client(&fake, AuthMethod::Environment, &secret);
    tokio::join!(get(&client), get(&client));
    assert_eq!(
        credentials_sent(&fake),
        [
            "login without",
            "arm Bearer first",
            "arm Bearer first",
            "login without",
            "arm Bearer second",
            "arm Bearer second",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn failed_renewal_is_not_an_error_while_the_old_token_is_valid() {
    let failure = || {
        reply(
            400,
            &[],
            json!({"error": "x", "error_description": "AADSTS90033: A transient error."}),
        )
    };
    let secret = [("AZURE_CLIENT_SECRET", "hush")];
    let fake = FakeTransport::new([
        token("first"),
        ok(),
        failure(),
        ok(),
        // The renewal is not retried immediately.
        ok(),
        token("second"),
        ok(),
    ]);
    let client = client(&fake, AuthMethod::Environment, &secret);
    get(&client).await;
    advance(56 * MINUTE).await;
    get(&client).await;
    get(&client).await;
    advance(MINUTE).await;
    get(&client).await;
    let tokens = credentials_sent(&fake);
    assert_eq!(tokens.len(), 7, "{tokens:?}");
    assert_eq!(
        tokens[4..],
        ["arm Bearer first", "login without", "arm Bearer second"]
    );

    let fake = FakeTransport::new([
        token("first"),
        ok(),
        failure(),
        Reply::Broken(ErrorKind::Io),
    ]);
    let client = self::client(&fake, AuthMethod::Environment, &secret);
    get(&client).await;
    advance(61 * MINUTE).await;
    let error = client.get(ID, "v1", &ignore_waits).await.unwrap_err();
    assert!(error.to_string().contains("AADSTS90033"), "{error}");
}
