//! Conditional writes of the types that have etags.

use serde_json::{Value, json};

use crate::http::{Method, Response};
use crate::world::testing::{Bench, RG, outcome};

/// A virtual network and a container, each with a body that a PUT accepts.
fn resources(bench: &mut Bench) -> [(String, Value); 2] {
    let account = bench.storage("stcondition");
    [
        (
            format!("{RG}/providers/Microsoft.Network/virtualNetworks/net"),
            json!({ "location": "westeurope" }),
        ),
        (
            format!("{account}/blobServices/default/containers/box"),
            json!({ "properties": {} }),
        ),
    ]
}

fn send(
    bench: &mut Bench,
    (method, path): (Method, &str),
    body: &Value,
    (name, value): (&str, &str),
) -> Response {
    let request = bench.request(method, path).with_json(body);
    bench.send(&request.with_header(name, value))
}

fn failed() -> (u16, String) {
    (412, "PreconditionFailed".to_owned())
}

#[test]
fn etag_changes_with_every_write_and_a_condition_on_an_old_one_fails() {
    let mut bench = Bench::with_group();
    for (id, body) in resources(&mut bench) {
        let etag = |bench: &mut Bench| {
            assert!(bench.put(&id, &body).status < 300);
            let shown = bench.get(&id);
            let etag = shown.json()["etag"].as_str().unwrap().to_owned();
            assert_eq!(shown.header("ETag"), Some(&*etag));
            etag
        };
        let (first, second) = (etag(&mut bench), etag(&mut bench));
        assert_ne!(first, second);
        for method in [Method::Put, Method::Patch, Method::Delete] {
            let sent = send(&mut bench, (method, &id), &body, ("If-Match", &first));
            assert_eq!(outcome(&sent), failed(), "{method:?} {id}");
        }
        assert_eq!(bench.get(&id).json()["etag"], second);
        let mut put_if =
            |etag: &str| send(&mut bench, (Method::Put, &id), &body, ("If-Match", etag));
        assert_eq!(put_if(&second).status, 200);
        assert_eq!(outcome(&put_if(&second)), failed());
        assert_eq!(put_if("*").status, 200);
        let present = bench.get(&id).json()["etag"].as_str().unwrap().to_owned();
        let either = format!("{first}, {present}");
        let mut delete_if =
            |etag: &str| send(&mut bench, (Method::Delete, &id), &body, ("If-Match", etag));
        assert_eq!(delete_if(&either).status, 200);
        assert_eq!(
            outcome(&delete_if("*")),
            failed(),
            "nothing is left that could match"
        );
    }
}

#[test]
fn put_with_if_none_match_only_creates() {
    let mut bench = Bench::with_group();
    for (id, body) in resources(&mut bench) {
        let mut create = || {
            send(
                &mut bench,
                (Method::Put, &id),
                &body,
                ("If-None-Match", "*"),
            )
        };
        assert_eq!(create().status, 201);
        assert_eq!(outcome(&create()), failed());
    }
}

#[test]
fn types_without_etags_ignore_conditions() {
    let mut bench = Bench::with_group();
    let (id, _) = bench.identity("id");
    let body = json!({ "location": "westeurope" });
    for condition in [("If-None-Match", "*"), ("If-Match", "\"x\"")] {
        let sent = send(&mut bench, (Method::Put, &id), &body, condition);
        assert_eq!(sent.status, 200);
        assert_eq!(sent.header("ETag"), None);
    }
    let deleted = send(
        &mut bench,
        (Method::Delete, &id),
        &body,
        ("If-Match", "\"x\""),
    );
    assert_eq!(deleted.status, 200);
}
