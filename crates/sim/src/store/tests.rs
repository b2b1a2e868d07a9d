//! Worlds in files: what survives, what is shared, what is refused.

use std::fs;
use std::time::Duration;

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
    let before = fs::read_to_string(&path).unwrap();
    assert_eq!(send(&mut store, Method::Get, "a"), 404);
    assert_eq!(fs::read_to_string(&path).unwrap(), before);
    assert_eq!(send(&mut store, Method::Put, "a"), 201);
    assert_ne!(fs::read_to_string(&path).unwrap(), before);
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
    // What a process leaves behind that dies while it writes: half a file.
    fs::write(folder.path().join("sim.json.new"), "{\"form").unwrap();
    assert_eq!(send(&mut store, Method::Get, "a"), 200);
    assert_eq!(send(&mut store, Method::Put, "b"), 201);
    let mut other = Store::open(&path, WorldOptions::default()).unwrap();
    assert_eq!(send(&mut other, Method::Get, "b"), 200);
}

#[test]
fn what_cannot_be_saved_has_not_happened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sim.json");
    let mut store = Store::open(&path, WorldOptions::default()).unwrap();
    assert_eq!(send(&mut store, Method::Put, "a"), 201);
    let before = fs::read(&path).unwrap();
    // Nothing can be written beside the world while a directory has that name.
    let in_the_way = folder.path().join("sim.json.new");
    fs::create_dir(&in_the_way).unwrap();
    let error = store
        .transact(|world| {
            let request = Request::new(Method::Put, &group("b"))
                .with_bearer(&world.token(Caller::Owner, SimTime::EPOCH))
                .with_json(&json!({ "location": "westeurope" }));
            world.handle(&request, SimTime::EPOCH).status
        })
        .unwrap_err();
    assert!(error.to_string().contains("sim.json.new"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
    fs::remove_dir(&in_the_way).unwrap();
    assert_eq!(send(&mut store, Method::Get, "b"), 404);
    assert_eq!(send(&mut store, Method::Put, "b"), 201);
    assert_eq!(send(&mut store, Method::Get, "a"), 200);
}

/// `/dev/full` is a disk that is always full.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_and_cleaned_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sim.json");
    reset(&path, WorldOptions::default()).unwrap();
    let before = fs::read(&path).unwrap();
    let beside = folder.path().join("sim.json.new");
    std::os::unix::fs::symlink("/dev/full", &beside).unwrap();
    let error = reset(&path, WorldOptions::default()).unwrap_err();
    assert!(error.to_string().contains("No space left"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
    assert!(!fs::exists(&beside).unwrap());
    reset(&path, WorldOptions::default()).unwrap();
}

#[test]
fn a_world_that_is_held_too_long_is_an_error_that_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sim.json");
    let mut store = Store::open(&path, WorldOptions::default()).unwrap();
    store.patience = Patience {
        tell: Duration::ZERO,
        give_up: Duration::ZERO,
    };
    let held = Lock::acquire(&path, Patience::USUAL).unwrap();
    let error = store.transact(|_| ()).unwrap_err();
    assert!(
        error.to_string().contains("another process has held"),
        "{error}"
    );
    drop(held);
    store.transact(|_| ()).unwrap();
}

#[test]
fn a_deleted_directory_is_an_empty_world_for_everybody() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/sim.json");
    let mut first = Store::open(&path, WorldOptions::default()).unwrap();
    assert_eq!(send(&mut first, Method::Put, "a"), 201);
    fs::remove_dir_all(folder.path().join("deep")).unwrap();
    let mut second = Store::open(&path, WorldOptions::default()).unwrap();
    assert_eq!(send(&mut first, Method::Get, "a"), 404);
    assert_eq!(send(&mut first, Method::Put, "b"), 201);
    assert_eq!(send(&mut second, Method::Get, "b"), 200);
}
