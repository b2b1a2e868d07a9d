//! Which refusals pass by themselves: those that recorded traffic shows to pass, and no others.
//!
//! Each entry names how often it was recorded and how it went on (ARM facts 2.3, 4.2 and 4.3). Left out on purpose are
//! refusals that went away only because somebody else made what was missing (`InvalidResourceReference`,
//! `ManagedEnvironmentNotFound`, `FailedIdentityOperation`, `NotFound`, `Endpoint validation`: what a step needs is
//! there before it begins, so here they are mistakes), those that never went away (`InvalidPrincipalId`,
//! `AccountNameInvalid`, ...), and those that only a run knows to be young: `PrincipalNotFound` and missing rights.

use super::body::Report;
use azure_core::http::Method;

/// Why the same request may succeed later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WaitFor {
    /// Another operation on the resource or on what it refers to.
    Busy,
    /// What is nested in a resource to delete, or uses it, is on its way out.
    Blocked,
    /// An operation that broke off inside Azure.
    Broken,
}

/// Codes of a resource, or something it depends on, that is busy.
pub(super) const BUSY: &[&str] = &[
    // 20 times on PUT; passed within seconds.
    "AnotherOperationInProgress",
    // Microsoft docs "Workload identity federation": concurrent writes of one identity's credentials.
    "ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity",
    // Failed operations, once each: "wait a few minutes", "try your operation later".
    "ConflictingDatabaseOperation",
    "ConflictingServerOperation",
    // 37 times, always while the environment was being made; passed within 302 s.
    "ManagedEnvironmentNotProvisioned",
    // Inside all 20 of RetryableError, and once alone; passed within 28 s.
    "ReferencedResourceNotProvisioned",
    "RetryableError",
    // Failed operations, 6 times; passed.
    "ServerIsBusy",
    // 3 times; passed within 21 s.
    "StorageAccountIsNotProvisioned",
    // 5 times; passed within 38 s.
    "StorageProvisioningStateNotSucceeded",
    // Failed operations, 73 times of 78 in four recordings: passed in each once the server was ready.
    "VirtualEndpointOwnerServerNotInReadyState",
];

/// Codes of a delete that something nested, or a user, blocks: passed within 307 s, when the delete of that had ended.
pub(super) const BLOCKED: &[&str] = &[
    "CannotDeleteResource",
    "InUseSubnetCannotBeDeleted",
    "PublicIPAddressCannotBeDeleted",
];

/// Codes of operations that failed and passed when begun again: 8 times and twice.
pub(super) const BROKEN: &[&str] = &["InternalServerError", "VmssGatewayDeploymentFailed"];

/// What an answer to `method` waits for; without a status, an operation that failed after it was accepted.
pub(super) fn wait_for(method: Method, status: Option<u16>, report: &Report) -> Option<WaitFor> {
    let is_delete = method == Method::Delete;
    if is_busy(report) {
        Some(WaitFor::Busy)
    } else if is_delete && is_blocked(report) {
        Some(WaitFor::Blocked)
    } else if status.is_none() && method != Method::Post && has_any(report, BROKEN) {
        Some(WaitFor::Broken)
    } else {
        None
    }
}

fn is_busy(report: &Report) -> bool {
    has_any(report, BUSY)
        || report.codes.iter().any(|code| {
            // Sql: `ServerSecurityAlertPolicyInProgress` and the like; each passed.
            code.ends_with("InProgress")
                // Web, Redis, the DNS resolver; the other recorded `Conflict` is a failed resource.
                || code.eq_ignore_ascii_case("Conflict")
                    && says_any(report, &["another operation is", "is busy", "in progress"])
        })
}

/// Redis writes no code but `BadRequest` for a cache that is linked to another; passed within 64 s.
fn is_blocked(report: &Report) -> bool {
    has_any(report, BLOCKED) || says_any(report, &["has linked servers associated with it"])
}

fn has_any(report: &Report, codes: &[&str]) -> bool {
    report
        .codes
        .iter()
        .any(|have| codes.iter().any(|code| code.eq_ignore_ascii_case(have)))
}

fn says_any(report: &Report, words: &[&str]) -> bool {
    let message = report.message.as_deref().unwrap_or_default();
    let message = message.to_ascii_lowercase();
    words.iter().any(|words| message.contains(words))
}
