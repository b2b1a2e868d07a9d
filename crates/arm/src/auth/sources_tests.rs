//! Which login methods the variables configure, and what these send.

use crate::{
    Endpoints, Url,
    auth::{AuthMethod, credential},
    testing::{FakeTransport, Reply, reply},
};
use azure_core::error::ErrorKind;
use serde_json::json;
use std::collections::HashMap;

const PRINCIPAL: &[(&str, &str)] = &[("AZURE_TENANT_ID", "tenant"), ("AZURE_CLIENT_ID", "client")];

fn endpoints(authority: &str) -> Endpoints {
    Endpoints {
        resource_manager: Url::parse("https://arm.local/").unwrap(),
        authority: Url::parse(authority).unwrap(),
        scope: "https://arm.local/.default".to_owned(),
        graph: None,
    }
}

fn token() -> Reply {
    reply(
        200,
        &[],
        json!({"token_type": "Bearer", "expires_in": 3600, "ext_expires_in": 3600, "access_token": "it"}),
    )
}

async fn log_in(
    choice: AuthMethod,
    vars: &[(&str, &str)],
    fake: &FakeTransport,
) -> Result<String, String> {
    let vars: HashMap<_, _> = PRINCIPAL.iter().chain(vars).copied().collect();
    let env = |name: &str| vars.get(name).map(|value| (*value).to_owned());
    let credential = credential(
        Some(choice),
        &env,
        &endpoints("https://login.local/"),
        &fake.transport(),
    );
    let debug = format!("{credential:?}");
    assert!(!debug.contains("hush"), "{debug}");
    match credential
        .get_token(&["https://arm.local/.default"], None)
        .await
    {
        Ok(token) => Ok(token.token.secret().to_owned()),
        Err(error) => {
            assert!(!format!("{error:?} {error}").contains("hush"));
            Err(error.to_string())
        }
    }
}

#[tokio::test(start_paused = true)]
async fn client_secret_is_sent_to_the_authority_of_the_cloud() {
    let fake = FakeTransport::new([token()]);
    let vars = [
        ("AZURE_CLIENT_SECRET", "hush"),
        ("AZURE_AUTHORITY_HOST", "https://login.elsewhere"),
    ];
    assert_eq!(
        log_in(AuthMethod::Environment, &vars, &fake).await,
        Ok("it".to_owned())
    );
    assert_eq!(
        fake.urls(),
        ["https://login.local/tenant/oauth2/v2.0/token"]
    );
    let body = &fake.received()[0].body;
    assert!(
        body.contains("client_id=client")
            && body.contains("scope=https%3A%2F%2Farm.local%2F.default"),
        "{body}"
    );
}

#[tokio::test(start_paused = true)]
async fn wrong_secret_is_explained_and_not_shown() {
    let failure = json!({"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided. Trace ID: 1", "error_codes": [7_000_215]});
    let fake = FakeTransport::new([reply(401, &[], failure)]);
    let error = log_in(
        AuthMethod::Environment,
        &[("AZURE_CLIENT_SECRET", "hush")],
        &fake,
    )
    .await
    .unwrap_err();
    assert!(
        error.starts_with(
            "Login failed: client secret: AADSTS7000215: Invalid client secret provided."
        ),
        "{error}"
    );
    assert!(
        error.contains("Set AZURE_CLIENT_SECRET to the value") && !error.contains("Trace ID"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn github_tokens_become_assertions() {
    let fake = FakeTransport::new([reply(200, &[], json!({"value": "job-token"})), token()]);
    let vars = [
        (
            "ACTIONS_ID_TOKEN_REQUEST_URL",
            "https://github.local/token?x=1",
        ),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "hush"),
    ];
    assert_eq!(
        log_in(AuthMethod::GitHub, &vars, &fake).await,
        Ok("it".to_owned())
    );
    let received = fake.received();
    assert_eq!(
        received[0].url.as_str(),
        "https://github.local/token?x=1&audience=api%3A%2F%2FAzureADTokenExchange"
    );
    assert_eq!(received[0].header("authorization"), Some("Bearer hush"));
    assert!(received[1].body.contains("client_assertion=job-token"));
    assert_eq!(received[1].header("authorization"), None);
}

#[tokio::test(start_paused = true)]
async fn silent_metadata_service_fails_within_two_seconds() {
    for silence in [
        Reply::Never,
        Reply::Broken(ErrorKind::Connection),
        reply(502, &[], json!(null)),
    ] {
        let fake = FakeTransport::new([silence]);
        let started = tokio::time::Instant::now();
        let error = log_in(AuthMethod::ManagedIdentity, &[], &fake)
            .await
            .unwrap_err();
        assert!(
            error.contains("the metadata service does not respond"),
            "{error}"
        );
        assert!(started.elapsed().as_secs() <= 2);
        assert_eq!(fake.received()[0].header("metadata"), None);
    }
}

#[tokio::test(start_paused = true)]
async fn managed_identity_yields_a_token() {
    let token = json!({"access_token": "it", "expires_on": "4102444800", "token_type": "Bearer", "resource": "https://arm.local"});
    let fake = FakeTransport::new([reply(400, &[], json!(null)), reply(200, &[], token)]);
    assert_eq!(
        log_in(AuthMethod::ManagedIdentity, &[], &fake).await,
        Ok("it".to_owned())
    );
    assert!(fake.urls()[1].contains("client_id=client"));
}

#[tokio::test(start_paused = true)]
async fn missing_variables_are_named() {
    let fake = FakeTransport::new([]);
    for (choice, words) in [
        (
            AuthMethod::Environment,
            "neither AZURE_CLIENT_SECRET nor AZURE_CLIENT_CERTIFICATE_PATH is set",
        ),
        (
            AuthMethod::WorkloadIdentity,
            "AZURE_FEDERATED_TOKEN_FILE is not set",
        ),
        (AuthMethod::GitHub, "id-token: write"),
        (
            AuthMethod::AzurePipelines,
            "SYSTEM_OIDCREQUESTURI is not set",
        ),
    ] {
        let error = log_in(choice, &[], &fake).await.unwrap_err();
        assert!(error.contains(words), "{error}");
    }
    let no_tenant = [("AZURE_TENANT_ID", " "), ("AZURE_CLIENT_SECRET", "hush")];
    let error = log_in(AuthMethod::Environment, &no_tenant, &fake)
        .await
        .unwrap_err();
    assert_eq!(
        error,
        "Login failed: client secret: AZURE_TENANT_ID is not set"
    );
    let no_file = [("AZURE_CLIENT_CERTIFICATE_PATH", "/no/such/file.pem")];
    let error = log_in(AuthMethod::Environment, &no_file, &fake)
        .await
        .unwrap_err();
    assert!(
        error.contains("client certificate: /no/such/file.pem"),
        "{error}"
    );
    assert!(fake.calls().is_empty());
}

#[test]
fn only_configured_methods_are_tried() {
    let order = |vars: &[(&str, &str)]| {
        let vars: HashMap<_, _> = vars.iter().copied().collect();
        let env = |name: &str| vars.get(name).map(|value| (*value).to_owned());
        let fake = FakeTransport::new([]);
        super::sources(
            None,
            &env,
            &endpoints("https://login.local/"),
            &fake.transport(),
        )
        .iter()
        .map(|source| source.label)
        .collect::<Vec<_>>()
    };
    let always = ["managed identity", "Azure CLI", "Azure Developer CLI"];
    assert_eq!(order(PRINCIPAL), always);
    let all = order(&[
        ("AZURE_CLIENT_SECRET", "x"),
        ("AZURE_CLIENT_CERTIFICATE_PATH", "x"),
        ("AZURE_FEDERATED_TOKEN_FILE", "x"),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", "x"),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "x"),
        ("SYSTEM_OIDCREQUESTURI", "x"),
    ]);
    assert_eq!(
        all[..5],
        [
            "client secret",
            "client certificate",
            "workload identity",
            "GitHub Actions",
            "Azure Pipelines"
        ]
    );
    assert_eq!(all[5..], always);
}

#[test]
fn each_cloud_has_its_exchange_audience() {
    for (authority, audience) in [
        (
            "https://login.microsoftonline.com/",
            "api://AzureADTokenExchange",
        ),
        (
            "https://login.microsoftonline.us/",
            "api://AzureADTokenExchangeUSGov",
        ),
        (
            "https://login.chinacloudapi.cn/",
            "api://AzureADTokenExchangeChina",
        ),
    ] {
        assert_eq!(super::github_audience(&endpoints(authority)), audience);
    }
}
