//! The codes that lazuli knows, with what it does about each and what it advises: what the page about them is made of.

use azure_core::http::Method;

use super::{
    ErrorReport,
    body::Report,
    classify::{FORBIDDEN, LOCKED, NAME_TAKEN, NOT_LOGGED_IN, POLICY_DENIED},
    hint::{BY_CODE, ENTRA},
    passing::{BLOCKED, BROKEN, BUSY, WaitFor},
};

/// A code of Azure Resource Manager, or of Microsoft Entra (`AADSTS...`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownCode {
    /// As Azure writes it.
    pub code: &'static str,
    /// What lazuli does about it before it is an error.
    pub remedy: Option<Remedy>,
    /// What to do once it is one: the hint of such an error that says no more than its code.
    pub advice: String,
}

/// What lazuli does about a refusal that may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// It sends the request again until what is busy has become free.
    WaitsWhileBusy,
    /// It tries a deletion again until what blocks it is gone.
    WaitsToDelete,
    /// It begins an operation that broke off once more.
    BeginsAgain,
}

impl Remedy {
    /// What lazuli does, in words that go on from its name.
    pub fn says(self) -> &'static str {
        match self {
            Self::WaitsWhileBusy => "waits and sends again",
            Self::WaitsToDelete => "tries the deletion again, for up to six minutes",
            Self::BeginsAgain => "begins the operation again",
        }
    }
}

/// Every code that lazuli knows, in the order of the alphabet.
pub fn known_codes() -> Vec<KnownCode> {
    let refused = [POLICY_DENIED, LOCKED, FORBIDDEN, NOT_LOGGED_IN, NAME_TAKEN].concat();
    let advised = BY_CODE.iter().flat_map(|(codes, _)| codes.iter().copied());
    let mut known: Vec<KnownCode> = refused
        .into_iter()
        .chain(advised)
        .map(|code| known(code, Some(400)))
        .collect();
    let passing = [BUSY, BROKEN].concat();
    known.extend(passing.into_iter().map(|code| self::known(code, None)));
    known.extend(ENTRA.iter().map(|(code, advice)| KnownCode {
        code,
        remedy: None,
        advice: (*advice).to_owned(),
    }));
    known.retain(|known| !known.code.contains(' '));
    known.sort_by_key(|known| known.code);
    known
}

/// What there is to say of an answer with this status, or a failed operation, that has this code.
fn known(code: &'static str, status: Option<u16>) -> KnownCode {
    let method = match BLOCKED.contains(&code) {
        true => Method::Delete,
        false => Method::Put,
    };
    let report = Report {
        codes: vec![code.to_owned()],
        code: Some(code.to_owned()),
        ..Report::default()
    };
    let error = ErrorReport::new(method, "/", status, report);
    KnownCode {
        code,
        remedy: error.wait_for.map(|wait| match wait {
            WaitFor::Busy => Remedy::WaitsWhileBusy,
            WaitFor::Blocked => Remedy::WaitsToDelete,
            WaitFor::Broken => Remedy::BeginsAgain,
        }),
        advice: error.hint().unwrap_or_default(),
    }
}
