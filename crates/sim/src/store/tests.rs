//! Worlds in files: what survives, what is shared, what is refused.

use std::fs;

use serde_json::json;

use super::*;
use crate::http::{Method, Request};
use crate::time::SimTime;
use crate::world::{Caller, SUBSCRIPTION};

fn group(name: &str) -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/{name}?api-version=2021-04-01")
}

fn send(store: &mut Store, method: Method, name: &str) -> u16 {
    store
        .transact(|world| {
            let request = Request::new(method, &group(name))
                .with_bearer(&world.token(Caller::Owner, SimTime::EPOCH))
                .with_json(&json!({ "location": "westeurope" }));
            world.handle(&request, SimTime::EPOCH).status
        })
        .unwrap()
}

#[test]
fn a_world_outlives_its_process_and_is_shared() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/sim.json");
    let mut first = Store::open(&path, WorldOptions::default()).unwrap();
    let mut second = Store::open(&path, WorldOptions::default()).unwrap();
    assert_eq!(send(&mut first, Method::Put, "a"), 201);
    assert_eq!(send(&mut second, Method::Get, "a"), 200);
    assert_eq!(send(&mut second, Method::Put, "b"), 201);
    assert_eq!(send(&mut first, Method::Put, "c"), 201);
    let mut third = Store::open(&path, WorldOptions::default()).unwrap();
    for name in ["a", "b", "c"] {
        assert_eq!(send(&mut third, Method::Get, name), 200, "{name}");
    }
}

#[test]
fn reads_write_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sim.json");
    let mut store = Store::open(&path, WorldOptions::default()).unwrap();
    let lock = folder.path().join("sim.json.lock");
    let before = fs::read_to_string(&lock).unwrap();
    assert_eq!(send(&mut store, Method::Get, "a"), 404);
    assert_eq!(fs::read_to_string(&lock).unwrap(), before);
    assert_eq!(send(&mut store, Method::Put, "a"), 201);
    assert_ne!(fs::read_to_string(&lock).unwrap(), before);
}

#[test]
fn time_that_passed_has_passed_for_the_next_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sim.json");
    let mut store = Store::open(&path, WorldOptions::default()).unwrap();
    let later = SimTime::from_secs(34);
    store
        .transact(|world| {
            let request = Request::new(Method::Get, &group("a"))
                .with_bearer(&world.token(Caller::Owner, later));
            world.handle(&request, later).status
        })
        .unwrap();
    let next = Store::open(&path, WorldOptions::default()).unwrap();
    assert_eq!(next.world().latest(), later);
}

#[test]
fn a_reset_reaches_those_who_have_the_world_open() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sim.json");
    let mut store = Store::open(&path, WorldOptions::default()).unwrap();
    send(&mut store, Method::Put, "a");
    reset(&path, WorldOptions::default()).unwrap();
    assert_eq!(send(&mut store, Method::Get, "a"), 404);
}

#[test]
fn other_files_are_refused_with_their_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sim.json");
    for text in [
        "",
        "{",
        "[]",
        "{\"format\":1}",
        "{\"format\":1,\"world\":3}",
    ] {
        fs::write(&path, text).unwrap();
        let error = Store::open(&path, WorldOptions::default()).unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{text}");
        assert!(error.to_string().contains("sim.json"));
    }
    fs::write(&path, "{\"format\":99}").unwrap();
    let error = Store::open(&path, WorldOptions::default()).unwrap_err();
    assert!(matches!(error, StoreError::Format { found: 99, .. }));
}

#[test]
fn a_crash_before_the_rename_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sim.json");
    let mut store = Store::open(&path, WorldOptions::default()).unwrap();
    send(&mut store, Method::Put, "a");
    // What a process leaves behind that dies while it writes: a higher generation and half a file.
    fs::write(folder.path().join("sim.json.lock"), "77").unwrap();
    fs::write(folder.path().join("sim.json.new"), "{\"form").unwrap();
    assert_eq!(send(&mut store, Method::Get, "a"), 200);
    assert_eq!(send(&mut store, Method::Put, "b"), 201);
    let mut other = Store::open(&path, WorldOptions::default()).unwrap();
    assert_eq!(send(&mut other, Method::Get, "b"), 200);
}
