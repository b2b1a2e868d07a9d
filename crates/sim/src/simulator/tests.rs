//! Requests at the same time, of a world in a file.

use std::fs;

use serde_json::json;
use tokio::join;

use super::*;
use crate::clock::ManualClock;
use crate::world::SUBSCRIPTION;

fn kept_in(folder: &Path) -> Simulator {
    Simulator::persistent(&folder.join("sim.json"), WorldOptions::default(), |_| {
        Box::new(ManualClock::default())
    })
    .unwrap()
    .answering_together()
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
async fn requests_at_the_same_time_are_kept_and_share_the_fate_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let simulator = kept_in(folder.path());
    // Nothing can be written beside the world while a directory has that name.
    let in_the_way = folder.path().join("sim.json.new");
    fs::create_dir(&in_the_way).unwrap();
    let both = join!(status(&simulator, "a"), status(&simulator, "b"));
    assert_eq!(both, (500, 500));
    fs::remove_dir(&in_the_way).unwrap();
    let all = join!(
        status(&simulator, "a"),
        status(&simulator, "b"),
        status(&simulator, "a")
    );
    assert_eq!(all, (201, 201, 200), "in the order in which they came");
    let next = kept_in(folder.path());
    assert_eq!(join!(status(&next, "a"), status(&next, "b")), (200, 200));
}

#[tokio::test]
async fn who_leaves_loses_the_answer_and_not_the_effect() {
    let folder = tempfile::tempdir().unwrap();
    let simulator = kept_in(folder.path());
    tokio::select! {
        biased;
        _ = simulator.send(put(&simulator, "a")) => unreachable!("the file comes later"),
        () = std::future::ready(()) => {}
    }
    assert_eq!(status(&kept_in(folder.path()), "a").await, 200);
}
