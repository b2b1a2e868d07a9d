//! Transient errors: the ones after which recorded traffic shows the same request to succeed, and no others.
//!
//! Each entry states how often it was recorded and when it ended (ARM facts 2.3, 4.2 and 4.3). Three groups are left out
//! on purpose:
//!
//! - Errors that ended because another request created what was missing (`InvalidResourceReference`,
//!   `ManagedEnvironmentNotFound`, `FailedIdentityOperation`, `NotFound`, `Endpoint validation`). Steps run after their
//!   dependencies, so here these are mistakes.
//! - Errors that never ended (`InvalidPrincipalId`, `AccountNameInvalid`, ...).
//! - Propagation delays, which only a run can recognize: `PrincipalNotFound` and missing permissions.

use super::body::ErrorDetails;
use azure_core::http::Method;

/// Why the same request may succeed later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TransientCause {
    /// Another operation on the resource or on what it refers to.
    Busy,
    /// A nested resource or a dependent of the resource to delete is itself being deleted.
    Blocked,
    /// An operation was interrupted inside Azure.
    Interrupted,
}

/// Codes for a busy resource, or a busy dependency of it.
pub(super) const BUSY: &[&str] = &[
    // 20 times on PUT; ended within seconds.
    "AnotherOperationInProgress",
    // Microsoft docs "Workload identity federation": concurrent writes of one identity's credentials.
    "ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity",
    // Failed operations, once each: "wait a few minutes", "try your operation later".
    "ConflictingDatabaseOperation",
    "ConflictingServerOperation",
    // 37 times, always while the environment was being created; ended within 302 s.
    "ManagedEnvironmentNotProvisioned",
    // Inside all 20 of RetryableError, and once alone; ended within 28 s.
    "ReferencedResourceNotProvisioned",
    "RetryableError",
    // Failed operations, 6 times; ended each time.
    "ServerIsBusy",
    // 3 times; ended within 21 s.
    "StorageAccountIsNotProvisioned",
    // 5 times; ended within 38 s.
    "StorageProvisioningStateNotSucceeded",
    // Failed operations, 73 of 78 in four recordings: ended in each when the server was ready.
    "VirtualEndpointOwnerServerNotInReadyState",
];

/// Codes for a delete that a nested resource or a dependent blocks: ended within 307 s, after the delete of that one.
pub(super) const BLOCKED: &[&str] = &[
    "CannotDeleteResource",
    "InUseSubnetCannotBeDeleted",
    "PublicIPAddressCannotBeDeleted",
];

/// Codes of operations that failed and succeeded when restarted: 8 times and twice.
pub(super) const INTERRUPTED: &[&str] = &["InternalServerError", "VmssGatewayDeploymentFailed"];

/// Why the same request to `method` may succeed later. Without a status, an operation failed after it was accepted.
pub(super) fn transient_cause(
    method: Method,
    status: Option<u16>,
    details: &ErrorDetails,
) -> Option<TransientCause> {
    let is_delete = method == Method::Delete;
    if is_busy(details) {
        Some(TransientCause::Busy)
    } else if is_delete && is_blocked(details) {
        Some(TransientCause::Blocked)
    } else if status.is_none() && method != Method::Post && has_any(details, INTERRUPTED) {
        Some(TransientCause::Interrupted)
    } else {
        None
    }
}

fn is_busy(details: &ErrorDetails) -> bool {
    has_any(details, BUSY)
        || details.codes.iter().any(|code| {
            // Sql: `ServerSecurityAlertPolicyInProgress` and the like; each ended.
            code.ends_with("InProgress")
                // Web, Redis, the DNS resolver; the other recorded `Conflict` belongs to a failed resource.
                || code.eq_ignore_ascii_case("Conflict")
                    && message_has_any(details, &["another operation is", "is busy", "in progress"])
        })
}

/// Redis uses the code `BadRequest` for a cache that is linked to another; ended within 64 s.
fn is_blocked(details: &ErrorDetails) -> bool {
    has_any(details, BLOCKED)
        || message_has_any(details, &["has linked servers associated with it"])
}

fn has_any(details: &ErrorDetails, codes: &[&str]) -> bool {
    details
        .codes
        .iter()
        .any(|have| codes.iter().any(|code| code.eq_ignore_ascii_case(have)))
}

fn message_has_any(details: &ErrorDetails, words: &[&str]) -> bool {
    details.message.as_deref().is_some_and(|message| {
        let message = message.to_ascii_lowercase();
        words.iter().any(|words| message.contains(words))
    })
}
