//! azure_core and azure_identity against the simulator, with and without faults, in simulated time.

use std::sync::Arc;

use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::{Secret, TokenCredential};
use azure_core::http::{ClientOptions, Method as HttpMethod, Request, Transport, Url};
use azure_identity::{ClientSecretCredential, ClientSecretCredentialOptions};
use tokio::time::Instant;

use super::*;
use crate::clock::TokioClock;
use crate::faults::{Fault, Faults, Occurrence};
use crate::http::Method as SimMethod;
use crate::sim_time::SimTime;
use crate::simulator::Latency;
use crate::world::{CALLER_SECRET, Caller, SUBSCRIPTION, TENANT, World, WorldOptions};

fn simulator() -> Simulator {
    let clock = TokioClock::starting_at(SimTime::EPOCH);
    Simulator::new(World::new(WorldOptions::default()), clock)
}

fn request(simulator: &Simulator, method: HttpMethod, body: &str) -> Request {
    let url = format!(
        "https://sim.local/subscriptions/{SUBSCRIPTION}/resourceGroups/rg?api-version=2021-04-01"
    );
    let mut request = Request::new(Url::parse(&url).unwrap(), method);
    let token = simulator.token(simulator.caller());
    request.insert_header("authorization", format!("Bearer {token}"));
    request.set_body(body.to_owned());
    request
}

async fn status(
    simulator: &Simulator,
    method: HttpMethod,
    body: &str,
) -> Result<u16, io::ErrorKind> {
    let client = InProcess::new(simulator.clone());
    match client
        .execute_request(&request(simulator, method, body))
        .await
    {
        Ok(response) => Ok(u16::from(response.status())),
        Err(error) => {
            assert_eq!(error.kind(), &ErrorKind::Io);
            Err(error.downcast_ref::<io::Error>().unwrap().kind())
        }
    }
}

const GROUP: &str = r#"{"location":"westeurope"}"#;

#[tokio::test(start_paused = true)]
async fn azure_identity_credential_signs_in() {
    let simulator = simulator();
    let mut custom = CustomConfiguration::default();
    custom.authority_host = "https://sim.local".to_owned();
    let client_options = ClientOptions {
        transport: Some(Transport::new(Arc::new(InProcess::new(simulator.clone())))),
        cloud: Some(Arc::new(CloudConfiguration::Custom(custom))),
        ..ClientOptions::default()
    };
    let credential = ClientSecretCredential::new(
        TENANT,
        Caller::Reader.client_id().to_owned(),
        Secret::new(CALLER_SECRET),
        Some(ClientSecretCredentialOptions { client_options }),
    )
    .unwrap();
    let token = credential
        .get_token(&["https://sim.local/.default"], None)
        .await
        .unwrap();
    let mut request = request(&simulator, HttpMethod::Get, "");
    request.insert_header("authorization", format!("Bearer {}", token.token.secret()));
    let client = InProcess::new(simulator);
    let response = client.execute_request(&request).await.unwrap();
    assert_eq!(u16::from(response.status()), 404);
}

#[tokio::test(start_paused = true)]
async fn broken_connection_is_an_io_error() {
    let faults = Faults::none()
        .at(0, Fault::ConnectionRefused)
        .at(1, Fault::ResetBefore)
        .at(3, Fault::ResetAfter);
    let simulator = simulator().with_faults(faults);
    let put = HttpMethod::Put;
    assert_eq!(
        status(&simulator, put, GROUP).await,
        Err(io::ErrorKind::ConnectionRefused)
    );
    assert_eq!(
        status(&simulator, put, GROUP).await,
        Err(io::ErrorKind::ConnectionReset)
    );
    assert_eq!(
        status(&simulator, HttpMethod::Get, "").await,
        Ok(404),
        "the requests were lost"
    );
    assert_eq!(
        status(&simulator, put, GROUP).await,
        Err(io::ErrorKind::ConnectionReset)
    );
    assert_eq!(
        status(&simulator, HttpMethod::Get, "").await,
        Ok(200),
        "only the response was lost"
    );
    let statuses: Vec<_> = simulator.log().iter().map(|entry| entry.status).collect();
    assert_eq!(statuses, [None, None, Some(404), None, Some(200)]);
}

#[tokio::test(start_paused = true)]
async fn scheduled_error_replaces_the_response() {
    let faults = Faults::none()
        .on(
            SimMethod::Put,
            "*/resourcegroups/*",
            Occurrence::Nth(1),
            Fault::status(429, Some(7)),
        )
        .on(SimMethod::Put, "*", Occurrence::Nth(2), Fault::Unauthorized)
        .on(SimMethod::Get, "*", Occurrence::Nth(1), Fault::StaleRead);
    let simulator = simulator().with_faults(faults);
    let client = InProcess::new(simulator.clone());
    let throttled = client
        .execute_request(&request(&simulator, HttpMethod::Put, GROUP))
        .await
        .unwrap();
    assert_eq!(u16::from(throttled.status()), 429);
    let retry = throttled.headers().get_str(&"retry-after".into()).unwrap();
    assert_eq!(retry, "7");
    assert_eq!(status(&simulator, HttpMethod::Put, GROUP).await, Ok(401));
    assert_eq!(status(&simulator, HttpMethod::Put, GROUP).await, Ok(201));
    assert_eq!(
        status(&simulator, HttpMethod::Get, "").await,
        Ok(404),
        "the read is stale"
    );
    assert_eq!(status(&simulator, HttpMethod::Get, "").await, Ok(200));
}

#[tokio::test(start_paused = true)]
async fn latency_takes_simulated_time() {
    let latency = Latency {
        read: 100,
        write: 2_000,
    };
    let faults = Faults::none().at(1, Fault::Delay(60_000));
    let simulator = simulator().with_latency(latency).with_faults(faults);
    let start = Instant::now();
    assert_eq!(status(&simulator, HttpMethod::Put, GROUP).await, Ok(201));
    assert_eq!(start.elapsed().as_millis(), 2_000);
    assert_eq!(status(&simulator, HttpMethod::Get, "").await, Ok(200));
    assert_eq!(start.elapsed().as_millis(), 62_100);
    assert_eq!(simulator.now(), SimTime(62_100));
}

#[tokio::test(start_paused = true)]
async fn overlapping_writes_of_federated_credentials_conflict() {
    let simulator = simulator().with_latency(Latency {
        read: 0,
        write: 1_000,
    });
    let path = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg");
    let identity = format!("{path}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id");
    let put = async |path: String, body: serde_json::Value| {
        let token = simulator.token(Caller::Owner);
        let request = crate::Request::new(Method::Put, &format!("{path}?api-version=2024-11-30"))
            .with_bearer(&token)
            .with_json(&body);
        simulator.send(request).await.unwrap().status
    };
    let place = serde_json::json!({ "location": "westeurope" });
    put(path, place.clone()).await;
    put(identity.clone(), place).await;
    let credential = |name: &str| {
        put(
            format!("{identity}/federatedIdentityCredentials/{name}"),
            serde_json::json!({ "properties": { "issuer": "https://i", "subject": name, "audiences": ["a"] } }),
        )
    };
    assert_eq!(
        tokio::join!(credential("one"), credential("two")),
        (201, 409)
    );
    assert_eq!(
        credential("two").await,
        201,
        "writes one after the other succeed"
    );
}

#[tokio::test(start_paused = true)]
async fn world_in_a_file_is_shared_by_simulators() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sim.json");
    let open = || {
        Simulator::open(&path, WorldOptions::default(), |latest| {
            Box::new(TokioClock::starting_at(latest))
        })
        .unwrap()
    };
    assert_eq!(status(&open(), HttpMethod::Put, GROUP).await, Ok(201));
    assert_eq!(status(&open(), HttpMethod::Get, "").await, Ok(200));
}
