//! The error codes that lazuli knows, with its remedy and its advice for each: the content of the page about them.

use azure_core::http::Method;

use super::{
    body::ErrorDetails,
    hint::{BY_CODE, ENTRA},
    kind::{FORBIDDEN, LOCKED, NAME_TAKEN, NOT_LOGGED_IN, POLICY_DENIED},
    report::ErrorReport,
    transient::{BLOCKED, BUSY, INTERRUPTED, TransientCause},
};

/// A code of Azure Resource Manager or Microsoft Entra (`AADSTS...`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownCode {
    /// The code as Azure writes it.
    pub code: &'static str,
    /// What lazuli does before it reports an error.
    pub remedy: Option<Remedy>,
    /// What the user can do: the hint for an error that has only this code.
    pub advice: String,
}

/// What lazuli does about a transient error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Retries the request while a resource is busy.
    RetryWhileBusy,
    /// Retries a delete while another resource blocks it.
    RetryDelete,
    /// Restarts an interrupted operation.
    RestartOperation,
}

impl Remedy {
    /// What lazuli does, as a predicate without a subject.
    pub fn describe(self) -> &'static str {
        match self {
            Self::RetryWhileBusy => "retries the request until the resource is free",
            Self::RetryDelete => "retries the delete for up to six minutes",
            Self::RestartOperation => "restarts the operation",
        }
    }
}

/// Every code that lazuli knows, in alphabetical order.
pub fn known_codes() -> Vec<KnownCode> {
    let classified = [POLICY_DENIED, LOCKED, FORBIDDEN, NOT_LOGGED_IN, NAME_TAKEN].concat();
    let advised = BY_CODE.iter().flat_map(|(codes, _)| codes.iter().copied());
    let mut known: Vec<KnownCode> = classified
        .into_iter()
        .chain(advised)
        .filter_map(|code| describe_code(code, Some(400)))
        .collect();
    let transient = [BUSY, INTERRUPTED].concat();
    let transient = transient.into_iter();
    known.extend(transient.filter_map(|code| describe_code(code, None)));
    known.extend(ENTRA.iter().map(|(code, advice)| KnownCode {
        code,
        remedy: None,
        advice: (*advice).to_owned(),
    }));
    known.retain(|known| !known.code.contains(' '));
    known.sort_by_key(|known| known.code);
    known
}

/// Describes the code in a response with this status, or without a status in a failed operation. `None` without advice
/// for it.
fn describe_code(code: &'static str, status: Option<u16>) -> Option<KnownCode> {
    let method = match BLOCKED.contains(&code) {
        true => Method::Delete,
        false => Method::Put,
    };
    let details = ErrorDetails {
        codes: vec![code.to_owned()],
        code: Some(code.to_owned()),
        ..ErrorDetails::default()
    };
    let error = ErrorReport::new(method, "/", status, details);
    Some(KnownCode {
        code,
        remedy: error.transient_cause.map(|cause| match cause {
            TransientCause::Busy => Remedy::RetryWhileBusy,
            TransientCause::Blocked => Remedy::RetryDelete,
            TransientCause::Interrupted => Remedy::RestartOperation,
        }),
        advice: error.hint()?,
    })
}
