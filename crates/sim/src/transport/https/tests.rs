//! An HTTP client against a server on the loopback interface.

use tokio::sync::oneshot;

use super::*;
use crate::clock::TokioClock;
use crate::faults::{Fault, Faults};
use crate::sim_time::SimTime;
use crate::world::{Caller, SUBSCRIPTION, World, WorldOptions};

struct TestServer {
    simulator: Simulator,
    client: reqwest::Client,
    base: String,
    stop: oneshot::Sender<()>,
    ended: tokio::task::JoinHandle<io::Result<()>>,
}

async fn start_server(folder: &std::path::Path) -> TestServer {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let ca = folder.join("ca.pem");
    let tls = Tls::with_authority(&ca, &[]).unwrap();
    let clock = TokioClock::starting_at(SimTime::EPOCH);
    let simulator = Simulator::new(World::new(WorldOptions::default()), clock);
    let listener = bind(None, 0).await.unwrap();
    let base = format!(
        "https://localhost:{}",
        listener.local_addr().unwrap().port()
    );
    let (stop, stopped) = oneshot::channel::<()>();
    let ended = tokio::spawn(serve(listener, tls, simulator.clone(), async {
        let _ = stopped.await;
    }));
    let trusted = reqwest::Certificate::from_pem(&std::fs::read(&ca).unwrap()).unwrap();
    let client = reqwest::Client::builder()
        .tls_certs_only([trusted])
        .no_proxy()
        .build()
        .unwrap();
    TestServer {
        simulator,
        client,
        base,
        stop,
        ended,
    }
}

#[tokio::test]
async fn client_that_trusts_the_authority_is_served_until_shutdown() {
    let folder = tempfile::tempdir().unwrap();
    let server = start_server(folder.path()).await;
    let url = format!("{}/metadata/endpoints?api-version=2022-09-01", server.base);
    let response = server.client.get(url).send().await.unwrap();
    assert_eq!(response.version(), reqwest::Version::HTTP_2);
    let cloud: serde_json::Value =
        serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    assert_eq!(cloud["authentication"]["loginEndpoint"], server.base);
    let token = server.simulator.token(Caller::Owner);
    let group = format!(
        "{}/subscriptions/{SUBSCRIPTION}/resourceGroups/rg?api-version=2021-04-01",
        server.base
    );
    let created = server
        .client
        .put(group)
        .bearer_auth(token)
        .body(r#"{"location":"westeurope"}"#)
        .send()
        .await
        .unwrap();
    assert_eq!(created.status(), 201);
    server.stop.send(()).unwrap();
    server.ended.await.unwrap().unwrap();
    assert!(server.client.get(&server.base).send().await.is_err());
}

#[tokio::test]
async fn disconnect_fault_breaks_the_connection() {
    let folder = tempfile::tempdir().unwrap();
    let server = start_server(folder.path()).await;
    server
        .simulator
        .set_faults(Faults::none().at(0, Fault::ResetBefore));
    let url = format!("{}/metadata/endpoints", server.base);
    let broken = server
        .client
        .get(&url)
        .version(reqwest::Version::HTTP_11)
        .send()
        .await;
    assert!(broken.is_err());
    assert_eq!(server.client.get(&url).send().await.unwrap().status(), 200);
}

#[test]
fn authority_is_created_once() {
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("new/ca.pem");
    Tls::with_authority(&ca, &[]).unwrap();
    let first = std::fs::read(&ca).unwrap();
    Tls::with_authority(&ca, &["sim.example".to_owned()]).unwrap();
    assert_eq!(std::fs::read(&ca).unwrap(), first);
    assert!(Tls::with_authority(&ca, &["not a host\u{e9}".to_owned()]).is_err());
    std::fs::write(folder.path().join("new/ca.pem.key"), "nonsense").unwrap();
    assert!(Tls::with_authority(&ca, &[]).is_err());
}
