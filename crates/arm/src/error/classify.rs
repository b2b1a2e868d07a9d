//! Decides what kind of failure a status and the codes of an error document are.

use super::{ErrorKind, body::Report};

pub(super) const POLICY_DENIED: &[&str] = &["RequestDisallowedByPolicy"];
pub(super) const LOCKED: &[&str] = &["ScopeLocked"];
pub(super) const FORBIDDEN: &[&str] = &["AuthorizationFailed", "LinkedAuthorizationFailed"];
pub(super) const NOT_LOGGED_IN: &[&str] = &[
    "ExpiredAuthenticationToken",
    "InvalidAuthenticationToken",
    "InvalidAuthenticationTokenTenant",
];
pub(super) const NAME_TAKEN: &[&str] = &[
    "AccountNameTaken",
    "CustomDomainInUse",
    "NameNotAvailable",
    "NameUnavailable",
    "StorageAccountAlreadyExists",
    "StorageAccountAlreadyTaken",
    "VaultAlreadyExists",
];

/// The kind of an error; `status` is absent for an operation that failed after it was accepted.
pub(super) fn kind(status: Option<u16>, report: &Report) -> ErrorKind {
    let has = |code: &str| {
        report
            .codes
            .iter()
            .any(|have| have.eq_ignore_ascii_case(code))
    };
    let any = |codes: &[&str]| codes.iter().any(|code| has(code));

    if any(POLICY_DENIED) {
        return ErrorKind::PolicyDenied {
            policies: report.policies.clone(),
        };
    }
    if any(LOCKED) {
        return ErrorKind::Locked;
    }
    if any(FORBIDDEN) {
        return forbidden(report);
    }
    if any(NOT_LOGGED_IN) {
        return ErrorKind::NotLoggedIn;
    }
    if any(NAME_TAKEN) {
        return ErrorKind::NameTaken;
    }
    // Insights refuses with 400 what an identity may not read yet (ARM facts 4.3, BadRequest).
    let message = report.message.as_deref().unwrap_or_default();
    if status == Some(400) && message.contains("credentials have insufficient access") {
        return forbidden(report);
    }
    match status {
        None => ErrorKind::OperationFailed,
        Some(401) => ErrorKind::NotLoggedIn,
        Some(403) => forbidden(report),
        Some(404) => ErrorKind::NotFound,
        Some(408 | 504) => ErrorKind::Timeout,
        Some(429) if !has("RetryableError") => ErrorKind::Throttled,
        Some(409 | 412 | 429) => ErrorKind::Conflict,
        Some(500..) => ErrorKind::Unavailable,
        Some(400..) => ErrorKind::Refused,
        Some(_) => ErrorKind::Protocol,
    }
}

/// The parts of "The client 'c' with object id 'o' does not have authorization to perform action
/// 'a' over scope 's' …", and of the linked form, which names the missing right last.
fn forbidden(report: &Report) -> ErrorKind {
    let message = report.message.as_deref().unwrap_or_default();
    let linked = message
        .split_once("it does not have permission to perform")
        .map(|(_, rest)| rest);
    let rights = linked.unwrap_or(message);
    ErrorKind::Forbidden {
        action: quoted_after(rights, &["perform action", "action(s)", "actions"]),
        scope: quoted_after(rights, &["over scope", "linked scope(s)", "on scope"]),
        object_id: quoted_after(message, &["object id"]),
    }
}

fn quoted_after(text: &str, leads: &[&str]) -> Option<String> {
    leads.iter().find_map(|lead| {
        let (_, rest) = text.split_once(lead)?;
        let (value, _) = rest.trim_start().strip_prefix('\'')?.split_once('\'')?;
        (!value.is_empty()).then(|| value.to_owned())
    })
}
