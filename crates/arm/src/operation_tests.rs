//! Every format in which ARM reports a long-running operation.

use super::*;
use crate::testing::headers_of;
use serde_json::json;

const ARM: &str = "https://management.azure.com/";
const ID: &str = "/subscriptions/s/resourceGroups/g/providers/P/t/n";
const OP: &str =
    "https://management.azure.com/subscriptions/s/providers/P/locations/l/ops/1?t=1&c=sig";
const OP2: &str =
    "https://management.azure.com/subscriptions/s/providers/P/locations/l/ops/1?t=2&c=sig";

fn resource() -> Url {
    Url::parse(ARM)
        .unwrap()
        .join(&format!("{ID}?api-version=1"))
        .unwrap()
}

fn state(word: &str) -> Value {
    json!({"id": ID, "properties": {"provisioningState": word}})
}

type Reply<'a> = (u16, &'a [(&'static str, &'a str)], Value);

fn with_response<T>(reply: &Reply<'_>, then: impl FnOnce(PollResponse<'_>) -> T) -> T {
    let headers = headers_of(reply.1);
    let body = (!reply.2.is_null()).then_some(&reply.2);
    then(PollResponse {
        status: reply.0,
        headers: &headers,
        body,
    })
}

fn start(method: Method, reply: &Reply<'_>) -> (LongRunningOperation, PollDecision) {
    with_response(reply, |response| {
        LongRunningOperation::start(method, &Url::parse(ARM).unwrap(), &resource(), response)
    })
}

fn next(operation: &mut LongRunningOperation, reply: &Reply<'_>) -> PollDecision {
    with_response(reply, |response| operation.next(response))
}

/// `done`, `failed WORD`, `untrusted host`, or `poll WHERE [after]`.
fn short(decision: &PollDecision) -> String {
    match decision {
        PollDecision::Succeeded => "done".to_owned(),
        PollDecision::Failed(word) => format!("failed {word}"),
        PollDecision::UntrustedHost => "untrusted host".to_owned(),
        PollDecision::Poll { url, after, .. } => {
            let at = match url.as_str() {
                OP => "op",
                OP2 => "op2",
                other if *url == resource() => {
                    assert!(other.contains(ID));
                    "resource"
                }
                other => other,
            };
            after.map_or_else(
                || format!("poll {at}"),
                |after| format!("poll {at} {}", after.as_secs()),
            )
        }
    }
}

#[test]
fn first_response_decides_what_is_polled() {
    use Method::{Delete, Patch, Post, Put};
    let asynchronous: &[(&'static str, &str)] = &[("azure-asyncoperation", OP)];
    let both: &[(&'static str, &str)] = &[
        ("azure-asyncoperation", OP),
        ("location", OP2),
        ("retry-after", "15"),
    ];
    let location: &[(&'static str, &str)] = &[("location", OP), ("retry-after", "17")];
    let relative: &[(&'static str, &str)] = &[(
        "location",
        "/subscriptions/s/providers/P/locations/l/ops/1?t=1&c=sig",
    )];
    let itself: &[(&'static str, &str)] = &[("location", ID)];
    let foreign: &[(&'static str, &str)] = &[("location", "https://evil.example/ops/1")];
    let foreign_status: &[(&'static str, &str)] = &[
        ("azure-asyncoperation", "https://evil.example/ops/1"),
        ("location", OP),
    ];
    let table: &[(Method, Reply<'_>, &str)] = &[
        (Put, (200, &[], json!({"id": ID})), "done"),
        (Put, (201, &[], state("Succeeded")), "done"),
        (Put, (200, &[], state("RegisteringDns")), "poll resource"),
        (
            Put,
            (200, &[("retry-after", "3")], state("provisioning")),
            "poll resource 3",
        ),
        (Put, (200, &[], state("Failed")), "failed Failed"),
        (Put, (201, asynchronous, state("Creating")), "poll op"),
        (Put, (200, asynchronous, state("Succeeded")), "done"),
        (Put, (201, asynchronous, json!(null)), "poll op"),
        (Put, (202, asynchronous, state("Succeeded")), "poll op"),
        (Patch, (202, both, json!(null)), "poll op 15"),
        (Put, (202, location, json!(null)), "poll op 17"),
        (Put, (202, relative, json!(null)), "poll op"),
        (Put, (201, itself, state("Succeeded")), "done"),
        (Put, (201, itself, json!({"id": ID})), "done"),
        (Put, (201, location, json!({"id": ID})), "done"),
        (Put, (202, foreign, json!(null)), "poll resource"),
        (Put, (202, foreign_status, json!(null)), "poll op"),
        (Put, (202, &[], json!(null)), "poll resource"),
        (Delete, (200, &[], json!(null)), "done"),
        (Delete, (200, &[], state("Succeeded")), "done"),
        (Delete, (204, location, json!(null)), "done"),
        (Delete, (202, location, json!(null)), "poll op 17"),
        (Delete, (202, both, json!(null)), "poll op 15"),
        (Delete, (202, itself, json!(null)), "poll resource"),
        (Delete, (202, &[], json!(null)), "poll resource"),
        (Post, (200, &[], json!({"keys": []})), "done"),
        (Post, (202, location, json!(null)), "poll op 17"),
        (Post, (202, foreign, json!(null)), "untrusted host"),
        (Post, (202, &[], json!(null)), "done"),
    ];
    for (method, reply, expected) in table {
        let (_, decision) = start(*method, reply);
        assert_eq!(short(&decision), *expected, "{method} {reply:?}");
    }
}

#[test]
fn status_document_takes_precedence_over_http_status() {
    let accepted: Reply<'_> = (201, &[("azure-asyncoperation", OP)], state("Creating"));
    let table: &[(Reply<'_>, &str)] = &[
        ((200, &[], json!({"status": "InProgress"})), "poll op"),
        ((202, &[], json!({"status": "Inprogress"})), "poll op"),
        (
            (
                200,
                &[("retry-after", "20")],
                json!({"status": "CreatingAgentPools: 0/1 nodes completed"}),
            ),
            "poll op 20",
        ),
        ((202, &[], json!(null)), "poll op"),
        (
            (
                200,
                &[("azure-asyncoperation", OP2)],
                json!({"status": "Running"}),
            ),
            "poll op2",
        ),
        (
            (200, &[("location", OP2)], json!({"status": "Running"})),
            "poll op",
        ),
        (
            (200, &[], json!({"status": "Succeeded", "error": null})),
            "done",
        ),
        ((202, &[], json!({"status": "succeeded"})), "done"),
        (
            (
                200,
                &[],
                json!({"status": "Failed", "error": {"code": "X"}}),
            ),
            "failed Failed",
        ),
        ((200, &[], json!({"status": "Canceled"})), "failed Canceled"),
        (
            (200, &[], json!({"status": "Cancelled"})),
            "failed Cancelled",
        ),
        ((200, &[], json!(null)), "done"),
        ((404, &[], json!(null)), "poll resource"),
    ];
    for (reply, expected) in table {
        let (mut operation, _) = start(Method::Put, &accepted);
        assert_eq!(short(&next(&mut operation, reply)), *expected, "{reply:?}");
    }
}

#[test]
fn location_is_polled_at_its_newest_url() {
    let (mut operation, _) = start(Method::Delete, &(202, &[("location", OP)], json!(null)));
    let newer: &[(&'static str, &str)] = &[("location", OP2), ("retry-after", "15")];
    assert_eq!(
        short(&next(&mut operation, &(202, newer, json!(null)))),
        "poll op2 15"
    );
    assert_eq!(
        short(&next(&mut operation, &(202, &[], json!(null)))),
        "poll op2"
    );
    assert_eq!(
        short(&next(
            &mut operation,
            &(202, &[("location", "https://evil.example/1")], json!(null))
        )),
        "poll op2"
    );
    assert_eq!(
        short(&next(&mut operation, &(200, &[], json!(null)))),
        "done"
    );
}

#[test]
fn location_poll_ends_with_any_other_success() {
    let table: &[(Method, Reply<'_>, &str)] = &[
        (Method::Put, (200, &[], state("Succeeded")), "done"),
        (
            Method::Put,
            (200, &[], state("ResolvingDns")),
            "poll resource",
        ),
        (Method::Put, (200, &[], state("Failed")), "failed Failed"),
        (
            Method::Put,
            (
                200,
                &[],
                json!({"status": "Failed", "error": {"code": "X"}}),
            ),
            "failed Failed",
        ),
        (Method::Delete, (204, &[], json!(null)), "done"),
        (Method::Delete, (404, &[], json!(null)), "done"),
        (Method::Post, (200, &[], json!({"value": 1})), "done"),
        (Method::Post, (404, &[], json!(null)), "failed NotFound"),
    ];
    for (method, reply, expected) in table {
        let (mut operation, _) = start(*method, &(202, &[("location", OP)], json!(null)));
        assert_eq!(
            short(&next(&mut operation, reply)),
            *expected,
            "{method} {reply:?}"
        );
    }
}

#[test]
fn resource_is_polled_until_its_state_is_final() {
    let (mut operation, _) = start(Method::Put, &(200, &[], state("RegisteringDns")));
    assert_eq!(
        short(&next(&mut operation, &(200, &[], state("Updating")))),
        "poll resource"
    );
    assert_eq!(
        short(&next(&mut operation, &(404, &[], json!(null)))),
        "poll resource"
    );
    assert_eq!(
        short(&next(&mut operation, &(200, &[], state("succeeded")))),
        "done"
    );

    let (mut operation, _) = start(Method::Delete, &(202, &[], json!(null)));
    assert_eq!(
        short(&next(&mut operation, &(200, &[], state("Deleting")))),
        "poll resource"
    );
    assert_eq!(
        short(&next(&mut operation, &(200, &[], json!({"id": ID})))),
        "poll resource"
    );
    assert_eq!(
        short(&next(&mut operation, &(404, &[], json!(null)))),
        "done"
    );
}

#[test]
fn polling_ends_if_the_resource_never_appears() {
    let (mut operation, _) = start(Method::Put, &(202, &[], json!(null)));
    let polls = (0..1000)
        .take_while(|_| {
            matches!(
                next(&mut operation, &(404, &[], json!(null))),
                PollDecision::Poll { .. }
            )
        })
        .count();
    assert_eq!(polls, 30);
}

#[test]
fn every_state_except_final_ones_means_running() {
    for word in ["Succeeded", "succeeded", "FAILED", "Canceled", "Ready", ""] {
        assert!(is_settled(&state(word)), "{word}");
    }
    assert!(is_settled(&json!({"id": ID, "properties": {}})));
    // ARM facts 2.4: states recorded on GET.
    for word in [
        "Created",
        "RegisteringDns",
        "provisioning",
        "Updating",
        "Creating",
        "InProgress",
        "Deleting",
        "ResolvingDns",
        "anything else",
    ] {
        assert!(!is_settled(&state(word)), "{word}");
    }
}
