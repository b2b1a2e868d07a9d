//! Worlds in files: durability, sharing, and files that are rejected.

use std::fs;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::http::{Method, Request};
use crate::sim_time::SimTime;
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
fn world_survives_its_process_and_is_shared() {
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
fn reads_do_not_write_the_file() {
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
fn next_process_continues_at_the_saved_time() {
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
fn reset_reaches_processes_that_have_the_world_open() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sim.json");
    let mut store = Store::open(&path, WorldOptions::default()).unwrap();
    send(&mut store, Method::Put, "a");
    reset(&path, WorldOptions::default()).unwrap();
    assert_eq!(send(&mut store, Method::Get, "a"), 404);
}

#[test]
fn error_for_another_file_names_it() {
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
fn crash_before_the_rename_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sim.json");
    let mut store = Store::open(&path, WorldOptions::default()).unwrap();
    send(&mut store, Method::Put, "a");
    // A process that is killed during a write leaves part of a file.
    fs::write(folder.path().join("sim.json.new"), "{\"form").unwrap();
    assert_eq!(send(&mut store, Method::Get, "a"), 200);
    assert_eq!(send(&mut store, Method::Put, "b"), 201);
    let mut other = Store::open(&path, WorldOptions::default()).unwrap();
    assert_eq!(send(&mut other, Method::Get, "b"), 200);
}

#[test]
fn failed_save_discards_the_change() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sim.json");
    let mut store = Store::open(&path, WorldOptions::default()).unwrap();
    assert_eq!(send(&mut store, Method::Put, "a"), 201);
    let before = fs::read(&path).unwrap();
    // A directory with the name of the temporary file makes writing fail.
    let obstacle = folder.path().join("sim.json.new");
    fs::create_dir(&obstacle).unwrap();
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
    fs::remove_dir(&obstacle).unwrap();
    assert_eq!(send(&mut store, Method::Get, "b"), 404);
    assert_eq!(send(&mut store, Method::Put, "b"), 201);
    assert_eq!(send(&mut store, Method::Get, "a"), 200);
}

/// `/dev/full` behaves like a full disk.
#[cfg(target_os = "linux")]
#[test]
fn full_disk_is_an_error_and_leaves_no_temporary_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sim.json");
    reset(&path, WorldOptions::default()).unwrap();
    let before = fs::read(&path).unwrap();
    let temporary = folder.path().join("sim.json.new");
    std::os::unix::fs::symlink("/dev/full", &temporary).unwrap();
    let error = reset(&path, WorldOptions::default()).unwrap_err();
    assert!(error.to_string().contains("No space left"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
    assert!(!fs::exists(&temporary).unwrap());
    reset(&path, WorldOptions::default()).unwrap();
}

#[test]
fn lock_that_is_never_released_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sim.json");
    let mut store = Store::open(&path, WorldOptions::default()).unwrap();
    store.timeout = LockTimeout {
        warn: Duration::ZERO,
        fail: Duration::ZERO,
    };
    let lock = Lock::acquire(&path, LockTimeout::default()).unwrap();
    let error = store.transact(|_| ()).unwrap_err();
    assert!(
        error.to_string().contains("locked by another process"),
        "{error}"
    );
    drop(lock);
    store.transact(|_| ()).unwrap();
}

#[test]
fn deleted_directory_is_an_empty_world_for_all_processes() {
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
