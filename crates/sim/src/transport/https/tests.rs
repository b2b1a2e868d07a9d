//! A real client against a real server on the loopback interface.

use tokio::sync::oneshot;

use super::*;
use crate::clock::TokioClock;
use crate::faults::{Fault, Faults};
use crate::time::SimTime;
use crate::world::{Caller, SUBSCRIPTION, World, WorldOptions};

struct Served {
    simulator: Simulator,
    client: reqwest::Client,
    base: String,
    stop: oneshot::Sender<()>,
    ended: tokio::task::JoinHandle<io::Result<()>>,
}

async fn serve_for_test(folder: &std::path::Path) -> Served {
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
    Served {
        simulator,
        client,
        base,
        stop,
        ended,
    }
}

#[tokio::test]
async fn a_client_that_trusts_the_authority_is_served_until_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let served = serve_for_test(folder.path()).await;
    let url = format!("{}/metadata/endpoints?api-version=2022-09-01", served.base);
    let answer = served.client.get(url).send().await.unwrap();
    assert_eq!(answer.version(), reqwest::Version::HTTP_2);
    let cloud: serde_json::Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    assert_eq!(cloud["authentication"]["loginEndpoint"], served.base);
    let token = served.simulator.token(Caller::Owner);
    let group = format!(
        "{}/subscriptions/{SUBSCRIPTION}/resourceGroups/rg?api-version=2021-04-01",
        served.base
    );
    let made = served
        .client
        .put(group)
        .bearer_auth(token)
        .body(r#"{"location":"westeurope"}"#)
        .send()
        .await
        .unwrap();
    assert_eq!(made.status(), 201);
    served.stop.send(()).unwrap();
    served.ended.await.unwrap().unwrap();
    assert!(served.client.get(&served.base).send().await.is_err());
}

#[tokio::test]
async fn a_broken_connection_looks_like_one() {
    let folder = tempfile::tempdir().unwrap();
    let served = serve_for_test(folder.path()).await;
    served
        .simulator
        .set_faults(Faults::none().at(0, Fault::ResetBefore));
    let url = format!("{}/metadata/endpoints", served.base);
    let broken = served
        .client
        .get(&url)
        .version(reqwest::Version::HTTP_11)
        .send()
        .await;
    assert!(broken.is_err());
    assert_eq!(served.client.get(&url).send().await.unwrap().status(), 200);
}

#[test]
fn the_authority_is_made_once() {
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
