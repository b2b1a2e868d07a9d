//! Every recorded error response to a write and every failed operation: the client retries exactly those that the
//! recordings show to be transient.

use std::{collections::BTreeMap, sync::Arc};

use lazuli_arm::ClientOptions;
use serde_json::Value as Json;

use crate::{
    client::{RecordedResult, is_write, recorded_result, send},
    recordings::{self, Interaction, Recording},
    transport::Replay,
};

/// How an error ended in the recordings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ErrorClass {
    /// The same request succeeded later.
    Transient,
    /// The request succeeded after another request created what it refers to.
    MissingDependency,
    /// The request succeeded after an identity or a role assignment had propagated: a run decides, not the client.
    PropagationDelay,
    /// The request never succeeded.
    Permanent,
}

/// ARM facts 2.3, 4.2 and 4.3.
fn class(method: &str, code: &str) -> ErrorClass {
    match (method, code) {
        ("DELETE", "BadRequest") => ErrorClass::Transient,
        ("PUT", "BadRequest" | "PrincipalNotFound") => ErrorClass::PropagationDelay,
        (
            _,
            "AnotherOperationInProgress"
            | "Conflict"
            | "InUseSubnetCannotBeDeleted"
            | "InternalServerError"
            | "ManagedEnvironmentNotProvisioned"
            | "PublicIPAddressCannotBeDeleted"
            | "RetryableError"
            | "ServerIsBusy"
            | "StorageAccountIsNotProvisioned"
            | "StorageProvisioningStateNotSucceeded"
            | "VmssGatewayDeploymentFailed",
        ) => ErrorClass::Transient,
        (
            _,
            "Endpoint validation"
            | "FailedIdentityOperation"
            | "InvalidResourceReference"
            | "ManagedEnvironmentNotFound"
            | "NotFound",
        ) => ErrorClass::MissingDependency,
        _ => ErrorClass::Permanent,
    }
}

#[tokio::test(start_paused = true)]
async fn only_transient_errors_are_retried() {
    let Some(recordings) = recordings::load_all() else {
        return;
    };
    let options = ClientOptions::default();
    let mut classes: BTreeMap<(String, String), (ErrorClass, u32, u64)> = BTreeMap::new();
    for recording in recordings {
        let recording = Arc::new(recording);
        for (at, write) in recording.interactions.iter().enumerate() {
            let Some(document) = failure(&recording, at) else {
                continue;
            };
            let code = outer_code(document);
            let what = format!("{} #{at} {code} {}", recording.name, write.path);
            let class = class(&write.method, code);
            let retry = successful_retry(&recording, at);
            assert_eq!(retry.is_none(), class == ErrorClass::Permanent, "{what}");
            let replay = Replay::new(&recording, at);
            let result = send(&replay, write).await;
            assert_eq!(
                replay.writes() > 1,
                class == ErrorClass::Transient,
                "{what}: retried"
            );
            let mut took = 0;
            if let (ErrorClass::Transient, Some(retry), None) = (class, retry, replay.unrecorded())
            {
                assert!(result.is_ok(), "{what}: {:?}", result.err());
                took = retry.at_s.zip(write.at_s).map_or(0, |(to, from)| to - from);
                let limits = match write.method.as_str() {
                    "DELETE" if write.status >= 400 => options.blocked,
                    _ => options.busy,
                };
                assert!(
                    took < limits.total.as_secs(),
                    "{what}: succeeded after {took} s"
                );
            }
            let kind = (write.method.clone(), code.to_owned());
            let (_, n, longest) = classes.entry(kind).or_insert((class, 0, 0));
            *n += 1;
            *longest = took.max(*longest);
        }
    }
    for ((method, code), (class, n, longest)) in &classes {
        println!("{n:4} {method:6} {code:40} {class:?}, longest {longest} s");
    }
    assert!(
        classes
            .values()
            .any(|(class, ..)| *class == ErrorClass::Transient)
    );
}

/// The error document of a write or of its operation.
fn failure(recording: &Recording, at: usize) -> Option<&Json> {
    let write = &recording.interactions[at];
    match recorded_result(recording, at) {
        RecordedResult::Failure(document) if is_write(write) => Some(document),
        _ => None,
    }
}

fn outer_code(document: &Json) -> &str {
    let error = document.get("error").unwrap_or(document);
    let code = error.get("code").or_else(|| error.get("Code"));
    code.and_then(Json::as_str).unwrap_or_default()
}

/// The next successful attempt at the same request.
fn successful_retry(recording: &Recording, at: usize) -> Option<&Interaction> {
    let write = &recording.interactions[at];
    let same = |later: &Interaction| {
        later.method == write.method
            && later.path == write.path
            && later.request_body == write.request_body
    };
    (at + 1..recording.interactions.len())
        .filter(|&later| same(&recording.interactions[later]))
        .find(|&later| matches!(recorded_result(recording, later), RecordedResult::Success))
        .map(|later| &recording.interactions[later])
}
