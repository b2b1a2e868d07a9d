//! Every recorded refusal of a write, and every operation that failed: sent again where the recordings show that it
//! passes by itself, and nowhere else.

use std::{collections::BTreeMap, sync::Arc};

use lazuli_arm::ClientOptions;
use serde_json::Value as Json;

use crate::{
    client::{Ending, ending, is_write, send},
    recordings::{self, Interaction, Recording},
    transport::Replay,
};

/// What became of a kind of refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// The same request succeeded a while later.
    Passes,
    /// It succeeded once another request had made what it refers to.
    Lacks,
    /// It succeeded once the directory or a grant was known everywhere: for a run to judge, not for a client.
    Young,
    /// It never succeeded.
    Stays,
}

/// ARM facts 2.3, 4.2 and 4.3.
fn fate(method: &str, code: &str) -> Fate {
    match (method, code) {
        ("DELETE", "BadRequest") => Fate::Passes,
        ("PUT", "BadRequest" | "PrincipalNotFound") => Fate::Young,
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
        ) => Fate::Passes,
        (
            _,
            "Endpoint validation"
            | "FailedIdentityOperation"
            | "InvalidResourceReference"
            | "ManagedEnvironmentNotFound"
            | "NotFound",
        ) => Fate::Lacks,
        _ => Fate::Stays,
    }
}

#[tokio::test(start_paused = true)]
async fn refusals_are_sent_again_only_where_they_pass() {
    let Some(recordings) = recordings::all() else {
        return;
    };
    let options = ClientOptions::default();
    let mut fates: BTreeMap<(String, String), (Fate, u32, u64)> = BTreeMap::new();
    for recording in recordings {
        let recording = Arc::new(recording);
        for (at, write) in recording.interactions.iter().enumerate() {
            let Some(document) = refusal(&recording, at) else {
                continue;
            };
            let code = outer_code(document);
            let what = format!("{} #{at} {code} {}", recording.name, write.path);
            let fate = fate(&write.method, code);
            let passed = passed(&recording, at);
            assert_eq!(passed.is_none(), fate == Fate::Stays, "{what}");
            let replay = Replay::from(&recording, at);
            let ended = send(&replay, write).await;
            assert_eq!(
                replay.writes() > 1,
                fate == Fate::Passes,
                "{what}: sent again"
            );
            let mut took = 0;
            if let (Fate::Passes, Some(passed), None) = (fate, passed, replay.unrecorded()) {
                assert!(ended.is_ok(), "{what}: {:?}", ended.err());
                took = passed
                    .at_s
                    .zip(write.at_s)
                    .map_or(0, |(to, from)| to - from);
                let bound = match write.method.as_str() {
                    "DELETE" if write.status >= 400 => options.blocked,
                    _ => options.busy,
                };
                assert!(
                    took < bound.total.as_secs(),
                    "{what}: passed after {took} s"
                );
            }
            let kind = (write.method.clone(), code.to_owned());
            let (_, n, longest) = fates.entry(kind).or_insert((fate, 0, 0));
            *n += 1;
            *longest = took.max(*longest);
        }
    }
    for ((method, code), (fate, n, longest)) in &fates {
        println!("{n:4} {method:6} {code:40} {fate:?}, longest {longest} s");
    }
    assert!(fates.values().any(|(fate, ..)| *fate == Fate::Passes));
}

/// The document by which a write was refused or its operation failed.
fn refusal(recording: &Recording, at: usize) -> Option<&Json> {
    let write = &recording.interactions[at];
    match ending(recording, at) {
        Ending::Badly(document) if is_write(write) => Some(document),
        _ => None,
    }
}

fn outer_code(document: &Json) -> &str {
    let error = document.get("error").unwrap_or(document);
    let code = error.get("code").or_else(|| error.get("Code"));
    code.and_then(Json::as_str).unwrap_or_default()
}

/// The next sending of the same request that went well.
fn passed(recording: &Recording, at: usize) -> Option<&Interaction> {
    let write = &recording.interactions[at];
    let same = |later: &Interaction| {
        later.method == write.method
            && later.path == write.path
            && later.request_body == write.request_body
    };
    (at + 1..recording.interactions.len())
        .filter(|&later| same(&recording.interactions[later]))
        .find(|&later| matches!(ending(recording, later), Ending::Well))
        .map(|later| &recording.interactions[later])
}
