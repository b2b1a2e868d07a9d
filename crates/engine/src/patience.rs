//! Refusals that pass by themselves: told from those that do not, and for how long they are waited out.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

use lazuli_arm::{ArmError, ErrorKind};
use lazuli_core::plan::{GrantTime, RetryCause, StepId};
use time::{OffsetDateTime, format_description::well_known::Iso8601};
use tokio::time::Instant;

/// How long refusals are waited out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// After an identity was made, until the directory knows it (ARM facts 3.1: 1 to 37 s).
    pub principal: Duration,
    /// After a custom role was made, until it can be given everywhere.
    pub role: Duration,
    /// After a grant was made, until Azure acts on it. Microsoft's documentation says up to 10 minutes.
    pub grant: Duration,
    /// The first wait; it doubles each time.
    pub first_wait: Duration,
    /// The longest wait.
    pub longest_wait: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            principal: Duration::from_secs(3 * 60),
            role: Duration::from_secs(3 * 60),
            grant: Duration::from_secs(10 * 60),
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(20),
        }
    }
}

/// A step's patience, with what the run knows by the time it begins.
#[derive(Debug)]
pub(crate) struct Waits {
    bounds: Bounds,
    /// Until when the directory may not know the principal.
    principal_until: Option<Instant>,
    /// Until when Azure may not know the custom role.
    role_until: Option<Instant>,
    /// Until when Azure may not act on the grants of these principals.
    grants: Vec<(Option<String>, Instant)>,
}

impl Waits {
    pub(crate) fn new(
        patience: &[RetryCause],
        bounds: Bounds,
        done: &HashMap<StepId, Instant>,
        now: SystemTime,
        principal_of: impl Fn(&lazuli_core::value::Value) -> Option<String>,
    ) -> Self {
        let mut waits = Self {
            bounds,
            principal_until: None,
            role_until: None,
            grants: Vec::new(),
        };
        for item in patience {
            match item {
                RetryCause::Principal(step) => {
                    waits.principal_until = done.get(step).map(|at| *at + bounds.principal);
                }
                RetryCause::Role(step) => {
                    waits.role_until = done.get(step).map(|at| *at + bounds.role);
                }
                RetryCause::Grant { principal, made } => {
                    let until = match made {
                        GrantTime::Step(step) => done.get(step).map(|at| *at + bounds.grant),
                        GrantTime::At(time) => age(time, now)
                            .and_then(|age| bounds.grant.checked_sub(age))
                            .map(|left| Instant::now() + left),
                    };
                    waits
                        .grants
                        .extend(until.map(|until| (principal_of(principal), until)));
                }
            }
        }
        waits
    }

    /// Until when a refusal may be waited out; `None` if waiting does not help.
    pub(crate) fn until(&self, error: &ArmError) -> Option<Instant> {
        if error.has_code("PrincipalNotFound") {
            return self.principal_until;
        }
        if error.has_code("RoleDefinitionDoesNotExist") {
            return self.role_until;
        }
        if !lacks_right(error) {
            return None;
        }
        let refused = match &error.kind {
            ErrorKind::Forbidden { object_id, .. } => object_id.as_deref(),
            _ => None,
        };
        // A refusal that names somebody else than the holder of a young grant will not pass.
        let concerns = |principal: &Option<String>| match (refused, principal) {
            (Some(refused), Some(principal)) => refused.eq_ignore_ascii_case(principal),
            _ => true,
        };
        self.grants
            .iter()
            .filter(|(principal, _)| concerns(principal))
            .map(|(_, until)| *until)
            .max()
    }

    /// How long to wait before the attempt after this one (counted from 1).
    pub(crate) fn pause(&self, attempt: u32) -> Duration {
        let factor = 2u32.saturating_pow(attempt.saturating_sub(1));
        self.bounds
            .first_wait
            .saturating_mul(factor)
            .min(self.bounds.longest_wait)
    }
}

/// Codes that speak of a missing right, in a refusal with another status than 403 or of an operation that had begun.
const WITHOUT_RIGHT: [&str; 3] = ["StorageAccessDenied", "AccessDenied", "Forbidden"];

fn lacks_right(error: &ArmError) -> bool {
    match error.kind {
        ErrorKind::Forbidden { .. } => true,
        ErrorKind::PolicyDenied { .. } => false,
        _ => {
            let says_so = |code: &&str| error.has_code(code);
            error.status == Some(403) || WITHOUT_RIGHT.iter().any(says_so)
        }
    }
}

/// How old something made at an ISO 8601 time is; something from the future is new.
fn age(made: &str, now: SystemTime) -> Option<Duration> {
    let made = OffsetDateTime::parse(made, &Iso8601::DEFAULT).ok()?;
    Some(
        now.duration_since(SystemTime::from(made))
            .unwrap_or_default(),
    )
}
