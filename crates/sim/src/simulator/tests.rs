//! Faults of reads, and concurrent requests to a world in a file.

use std::fs;

use serde_json::json;
use tokio::join;

use super::*;
use crate::clock::ManualClock;
use crate::faults::Occurrence;
use crate::world::SUBSCRIPTION;

fn open_in(folder: &Path) -> Simulator {
    Simulator::open(&folder.join("sim.json"), WorldOptions::default(), |_| {
        Box::new(ManualClock::default())
    })
    .unwrap()
    .with_batches()
}

fn put(simulator: &Simulator, name: &str) -> Request {
    let group =
        format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/{name}?api-version=2021-04-01");
    Request::new(Method::Put, &group)
        .with_bearer(&simulator.token(Caller::Owner))
        .with_json(&json!({ "location": "westeurope" }))
}

async fn status(simulator: &Simulator, name: &str) -> u16 {
    simulator.send(put(simulator, name)).await.unwrap().status
}

#[tokio::test]
async fn concurrent_requests_fail_or_succeed_with_the_write_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let simulator = open_in(folder.path());
    // A directory with the name of the temporary file makes writing fail.
    let obstacle = folder.path().join("sim.json.new");
    fs::create_dir(&obstacle).unwrap();
    let both = join!(status(&simulator, "a"), status(&simulator, "b"));
    assert_eq!(both, (500, 500));
    fs::remove_dir(&obstacle).unwrap();
    let all = join!(
        status(&simulator, "a"),
        status(&simulator, "b"),
        status(&simulator, "a")
    );
    assert_eq!(
        all,
        (201, 201, 200),
        "requests are handled in order of arrival"
    );
    let next = open_in(folder.path());
    assert_eq!(join!(status(&next, "a"), status(&next, "b")), (200, 200));
}

#[tokio::test]
async fn disconnected_client_loses_the_response_but_not_the_effect() {
    let folder = tempfile::tempdir().unwrap();
    let simulator = open_in(folder.path());
    tokio::select! {
        biased;
        _ = simulator.send(put(&simulator, "a")) => unreachable!("the request is still pending"),
        () = std::future::ready(()) => {}
    }
    assert_eq!(status(&open_in(folder.path()), "a").await, 200);
}

#[tokio::test]
async fn empty_lists_replace_lists_only() {
    let faults = Faults::none().on(None, "*", Occurrence::Every, Fault::EmptyList);
    let world = World::new(WorldOptions::default());
    let simulator = Simulator::new(world, ManualClock::default()).with_faults(faults);
    simulator.send(put(&simulator, "a")).await.unwrap();
    assert_eq!(status(&simulator, "a").await, 200);
    let mut list = put(&simulator, "a");
    list.method = Method::Get;
    list.path = list.path.replace("/a", "");
    let listed = simulator.send(list).await.unwrap();
    assert_eq!(
        (listed.status, &*listed.body),
        (200, &br#"{"value":[]}"#[..])
    );
}

#[tokio::test]
async fn empty_responses_replace_those_to_reads_only() {
    for (fault, empty) in [(Fault::NoContent, 204), (Fault::EmptyBody, 200)] {
        let faults = Faults::none().on(None, "*", Occurrence::Every, fault);
        let world = World::new(WorldOptions::default());
        let simulator = Simulator::new(world, ManualClock::default()).with_faults(faults);
        let created = simulator.send(put(&simulator, "a")).await.unwrap();
        assert_eq!((created.status, created.body.is_empty()), (201, false));
        let mut read = put(&simulator, "a");
        read.method = Method::Get;
        let shown = simulator.send(read).await.unwrap();
        assert_eq!((shown.status, shown.body.len()), (empty, 0));
        assert_eq!(shown.header("Content-Type"), None);
        assert!(
            shown.header("x-ms-request-id").is_some(),
            "Azure itself responds"
        );
    }
}
