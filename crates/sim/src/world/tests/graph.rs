//! Principals in Graph, and access to them.

use serde_json::{Value, json};

use crate::http::{Method, Request, Response};
use crate::world::testing::{Bench, outcome};
use crate::world::{CALLER_SECRET, Caller, GROUP_OBJECT_IDS, TENANT, USER_OBJECT_ID};

const ABSENT: &str = "99999999-9999-4999-8999-999999999999";

/// A token for the Graph scope in the metadata.
fn token(bench: &mut Bench, caller: Caller) -> String {
    let metadata = Request::new(Method::Get, "/metadata/endpoints?api-version=2022-09-01");
    let graph = bench.send(&metadata).json()["microsoftGraphResourceId"].clone();
    let mut request = Request::new(Method::Post, &format!("/{TENANT}/oauth2/v2.0/token"));
    request.body = format!(
        "grant_type=client_credentials&scope={}/.default&client_id={}&client_secret={CALLER_SECRET}",
        graph.as_str().unwrap(),
        caller.client_id()
    )
    .into_bytes();
    bench.send(&request).json()["access_token"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn ask_with(bench: &mut Bench, token: &str, body: &Value) -> Response {
    let request = Request::new(Method::Post, "/graph/v1.0/directoryObjects/getByIds");
    bench.send(&request.with_bearer(token).with_json(body))
}

fn ask(bench: &mut Bench, caller: Caller, body: &Value) -> Response {
    let token = token(bench, caller);
    ask_with(bench, &token, body)
}

fn ids(response: &Response) -> Vec<String> {
    let body = response.json();
    let id = |object: &Value| object["id"].as_str().unwrap().to_owned();
    body["value"].as_array().unwrap().iter().map(id).collect()
}

#[test]
fn existing_principals_are_found_by_id_and_type() {
    let mut bench = Bench::with_group();
    let (identity, principal) = bench.identity("one");
    let all =
        json!({ "ids": [USER_OBJECT_ID, GROUP_OBJECT_IDS[0], ABSENT, principal.to_uppercase()] });
    let found = ask(&mut bench, Caller::Contributor, &all);
    assert_eq!(
        ids(&found),
        [USER_OBJECT_ID, GROUP_OBJECT_IDS[0], &principal]
    );
    assert_eq!(
        found.json()["value"][2]["@odata.type"],
        "#microsoft.graph.servicePrincipal"
    );

    let mut groups = all.clone();
    groups["types"] = json!(["group"]);
    assert_eq!(
        ids(&ask(&mut bench, Caller::Owner, &groups)),
        [GROUP_OBJECT_IDS[0]]
    );

    bench.delete(&identity);
    assert_eq!(
        ids(&ask(&mut bench, Caller::Owner, &all)),
        [USER_OBJECT_ID, GROUP_OBJECT_IDS[0]]
    );
}

#[test]
fn invalid_requests_fail_with_graph_error_codes() {
    let mut bench = Bench::new();
    let denied = ask(
        &mut bench,
        Caller::Reader,
        &json!({ "ids": [USER_OBJECT_ID] }),
    );
    assert_eq!(
        outcome(&denied),
        (403, "Authorization_RequestDenied".into())
    );
    for bad in [
        json!({ "ids": ["bob"] }),
        json!({ "ids": vec![ABSENT; 1001] }),
    ] {
        let rejected = ask(&mut bench, Caller::Owner, &bad);
        assert_eq!(outcome(&rejected), (400, "Request_BadRequest".into()));
    }
    let token = token(&mut bench, Caller::Owner);
    let mut malformed = Request::new(Method::Post, "/graph/v1.0/directoryObjects/getByIds");
    malformed.body = b"{".to_vec();
    let rejected = bench.send(&malformed.with_bearer(&token));
    assert_eq!(outcome(&rejected), (400, "BadRequest".into()));
    let elsewhere = Request::new(Method::Get, "/graph/v1.0/users").with_bearer(&token);
    assert_eq!(bench.send(&elsewhere).status, 400);
}

#[test]
fn token_is_valid_for_arm_or_graph_but_not_both() {
    let mut bench = Bench::new();
    let question = json!({ "ids": [USER_OBJECT_ID] });
    let arms = bench.world.token(Caller::Owner, bench.now);
    let rejected = ask_with(&mut bench, &arms, &question);
    assert_eq!(
        outcome(&rejected),
        (401, "InvalidAuthenticationToken".into())
    );
    let graphs = token(&mut bench, Caller::Owner);
    let request =
        Request::new(Method::Get, "/subscriptions?api-version=2022-12-01").with_bearer(&graphs);
    let rejected = bench.send(&request);
    assert_eq!(
        outcome(&rejected),
        (401, "InvalidAuthenticationTokenAudience".into())
    );
}
