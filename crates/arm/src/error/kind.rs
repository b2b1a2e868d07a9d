//! The kinds of failure, and how a status and the codes of an error document determine one.

use super::body::ErrorDetails;

/// Kinds of failure, by what the user can do about them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The token is missing, or ARM does not accept it.
    NotLoggedIn,
    /// The caller lacks a permission; the parts are read from the message.
    Forbidden {
        /// `Microsoft.Storage/storageAccounts/write`
        action: Option<String>,
        /// Id of the scope at which the permission is missing.
        scope: Option<String>,
        /// Object id of the caller.
        object_id: Option<String>,
    },
    /// Azure Policy denied the request.
    PolicyDenied {
        /// Display names of the policies, if the response contains them.
        policies: Vec<String>,
    },
    /// A management lock blocks the request.
    Locked,
    /// Another resource uses the globally unique name.
    NameTaken,
    /// Too many requests.
    Throttled,
    /// Status 404.
    NotFound,
    /// Status 409 or 412, or a busy resource.
    Conflict,
    /// The request is not valid: another 4xx status, or a path that is not sent at all.
    InvalidRequest,
    /// Azure accepted the request, and its operation failed or was canceled.
    OperationFailed,
    /// Status 500 or above.
    Unavailable,
    /// The connection cannot be established, or broke.
    Network,
    /// The certificate of the server is not trusted, or TLS failed otherwise.
    Tls,
    /// The response, or the end of the operation, did not arrive in time.
    Timeout,
    /// The response does not follow the protocol of ARM.
    Protocol,
}

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

/// The kind of an error. `status` is absent for an operation that failed after it was accepted.
pub(super) fn classify(status: Option<u16>, details: &ErrorDetails) -> ErrorKind {
    let has = |code: &str| {
        details
            .codes
            .iter()
            .any(|have| have.eq_ignore_ascii_case(code))
    };
    let any = |codes: &[&str]| codes.iter().any(|code| has(code));

    if any(POLICY_DENIED) {
        return ErrorKind::PolicyDenied {
            policies: details.policies.clone(),
        };
    }
    if any(LOCKED) {
        return ErrorKind::Locked;
    }
    if any(FORBIDDEN) {
        return forbidden(details);
    }
    if any(NOT_LOGGED_IN) {
        return ErrorKind::NotLoggedIn;
    }
    if any(NAME_TAKEN) {
        return ErrorKind::NameTaken;
    }
    // Microsoft.Insights returns 400 if an identity lacks a read permission (ARM facts 4.3, BadRequest).
    let message = details.message.as_deref();
    let lacks_permission =
        message.is_some_and(|text| text.contains("credentials have insufficient access"));
    if status == Some(400) && lacks_permission {
        return forbidden(details);
    }
    match status {
        None => ErrorKind::OperationFailed,
        Some(401) => ErrorKind::NotLoggedIn,
        Some(403) => forbidden(details),
        Some(404) => ErrorKind::NotFound,
        Some(408 | 504) => ErrorKind::Timeout,
        Some(429) if !has("RetryableError") => ErrorKind::Throttled,
        Some(409 | 412 | 429) => ErrorKind::Conflict,
        Some(500..) => ErrorKind::Unavailable,
        Some(400..) => ErrorKind::InvalidRequest,
        Some(_) => ErrorKind::Protocol,
    }
}

/// The parts of "The client 'c' with object id 'o' does not have authorization to perform action
/// 'a' over scope 's' …", and of the linked form, which names the missing permission last.
fn forbidden(details: &ErrorDetails) -> ErrorKind {
    let message = details.message.as_deref();
    let quoted =
        |text: Option<&str>, leads: &[&str]| text.and_then(|text| quoted_after(text, leads));
    let missing = message.map(|text| {
        let linked = text.split_once("it does not have permission to perform");
        linked.map_or(text, |(_, rest)| rest)
    });
    ErrorKind::Forbidden {
        action: quoted(missing, &["perform action", "action(s)", "actions"]),
        scope: quoted(missing, &["over scope", "linked scope(s)", "on scope"]),
        object_id: quoted(message, &["object id"]),
    }
}

/// The quoted text after the first of these leads.
fn quoted_after(text: &str, leads: &[&str]) -> Option<String> {
    leads.iter().find_map(|lead| {
        let (_, rest) = text.split_once(lead)?;
        let (value, _) = rest.trim_start().strip_prefix('\'')?.split_once('\'')?;
        (!value.is_empty()).then(|| value.to_owned())
    })
}
