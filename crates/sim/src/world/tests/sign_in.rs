//! Cloud metadata, sign-in and validation of tokens.

use serde_json::Value;

use crate::http::{Method, Request, Response};
use crate::sim_time::SimTime;
use crate::world::testing::{Bench, RG, outcome};
use crate::world::{CALLER_SECRET, Caller, TENANT};

fn sign_in(bench: &mut Bench, tenant: &str, form: &str) -> Response {
    let mut request = Request::new(Method::Post, &format!("/{tenant}/oauth2/v2.0/token"));
    request.body = form.as_bytes().to_vec();
    bench.send(&request)
}

fn form(client: &str, secret: &str) -> String {
    format!(
        "grant_type=client_credentials&scope=https%3A%2F%2Fsim%2F.default&client_id={client}&client_secret={secret}"
    )
}

#[test]
fn metadata_contains_the_host_of_the_request() {
    let mut bench = Bench::new();
    let ask = |version: &str| {
        Request::new(
            Method::Get,
            &format!("/metadata/endpoints?api-version={version}"),
        )
        .with_header("Host", "localhost:8443")
    };
    let cloud = bench.send(&ask("2022-09-01")).json();
    assert_eq!(
        cloud["authentication"]["loginEndpoint"],
        "https://localhost:8443"
    );
    assert_eq!(cloud["resourceManager"], "https://localhost:8443/");
    assert_eq!(cloud["authentication"]["tenant"], TENANT);
    assert!(bench.send(&ask("2019-05-01")).json().is_array());
    let openid = Request::new(
        Method::Get,
        &format!("/{TENANT}/v2.0/.well-known/openid-configuration"),
    );
    assert_eq!(
        bench.send(&openid).json()["token_endpoint"],
        format!("https://management.azure.com/{TENANT}/oauth2/v2.0/token")
    );
}

#[test]
fn client_secret_or_assertion_yields_a_token() {
    let mut bench = Bench::new();
    let client = Caller::Reader.client_id();
    let response = sign_in(&mut bench, TENANT, &form(client, CALLER_SECRET)).json();
    assert_eq!(response["expires_in"], 3600);
    let token = response["access_token"].as_str().unwrap();
    let request =
        Request::new(Method::Get, "/subscriptions?api-version=2022-12-01").with_bearer(token);
    assert_eq!(bench.send(&request).status, 200);
    let assertion = format!(
        "grant_type=client_credentials&scope=x&client_id={client}&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=a.b.c"
    );
    assert_eq!(sign_in(&mut bench, TENANT, &assertion).status, 200);
    let empty = assertion.replace("a.b.c", "");
    assert_eq!(sign_in(&mut bench, TENANT, &empty).status, 401);
}

#[test]
fn invalid_credentials_fail_with_entra_error_codes() {
    let mut bench = Bench::new();
    let client = Caller::Owner.client_id();
    let numbered = |response: &Response| {
        let body: Value = response.json();
        (
            response.status,
            body["error"].as_str().unwrap().to_owned(),
            body["error_codes"][0].clone(),
        )
    };
    let mut rejected = |tenant: &str, form: &str| numbered(&sign_in(&mut bench, tenant, form));
    assert_eq!(
        rejected("nowhere", &form(client, CALLER_SECRET)),
        (400, "invalid_request".into(), 90002.into())
    );
    assert_eq!(
        rejected(TENANT, &form(client, "wrong")),
        (401, "invalid_client".into(), 7_000_215.into())
    );
    assert_eq!(
        rejected(TENANT, &form("unknown", CALLER_SECRET)),
        (400, "unauthorized_client".into(), 700_016.into())
    );
    assert_eq!(
        rejected(TENANT, "grant_type=password").1,
        "unsupported_grant_type"
    );
}

#[test]
fn missing_forged_and_expired_tokens_are_rejected() {
    let mut bench = Bench::with_group();
    let ask = |authorization: Option<&str>| {
        let request = Request::new(Method::Get, &format!("{RG}?api-version=2021-04-01"));
        match authorization {
            Some(value) => request.with_header("Authorization", value),
            None => request,
        }
    };
    let missing = bench.send(&ask(None));
    assert_eq!(outcome(&missing), (401, "AuthenticationFailed".into()));
    assert!(missing.header("WWW-Authenticate").unwrap().contains(TENANT));
    let token = bench.world.token(Caller::Owner, bench.now);
    let forged = format!("Bearer {}x", token);
    for bad in [
        "Bearer nonsense",
        "Bearer a.b.c",
        forged.as_str(),
        "Bearer ",
    ] {
        assert_eq!(
            outcome(&bench.send(&ask(Some(bad)))),
            (401, "InvalidAuthenticationToken".into())
        );
    }
    let good = ask(Some(&format!("bearer {token}")));
    bench.now = SimTime::from_secs(3599);
    assert_eq!(bench.send(&good).status, 200);
    bench.now = SimTime::from_secs(3600);
    assert_eq!(
        outcome(&bench.send(&good)),
        (401, "ExpiredAuthenticationToken".into())
    );
}
