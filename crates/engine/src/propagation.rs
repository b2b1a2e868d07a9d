//! Propagation delays: which errors they explain, and how long to retry.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

use lazuli_arm::{ArmError, ErrorKind};
use lazuli_core::plan::{GrantTime, RetryCause, StepId};
use time::{OffsetDateTime, format_description::well_known::Iso8601};
use tokio::time::Instant;

/// How long to retry while changes propagate through Azure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PropagationLimits {
    /// From the creation of an identity until the directory knows it (ARM facts 3.1: 1 to 37 s).
    pub principal: Duration,
    /// From the creation of a custom role until it can be assigned everywhere.
    pub role: Duration,
    /// From the creation of a role assignment until it takes effect. Microsoft's documentation says up to 10 minutes.
    pub grant: Duration,
    /// The first wait. Each further wait is twice as long.
    pub first_wait: Duration,
    /// The longest wait.
    pub longest_wait: Duration,
}

impl Default for PropagationLimits {
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

/// Until when one step is retried, by what its errors may be caused by.
#[derive(Debug)]
pub(crate) struct RetryDeadlines {
    limits: PropagationLimits,
    /// Until when the directory may not know the principal.
    principal: Option<Instant>,
    /// Until when Azure may not know the custom role.
    role: Option<Instant>,
    /// Until when the role assignments of these principals may not be in effect.
    grants: Vec<(Option<String>, Instant)>,
}

impl RetryDeadlines {
    pub(crate) fn new(
        causes: &[RetryCause],
        limits: PropagationLimits,
        done: &HashMap<StepId, Instant>,
        now: SystemTime,
        resolve_principal: impl Fn(&lazuli_core::value::Value) -> Option<String>,
    ) -> Self {
        let mut deadlines = Self {
            limits,
            principal: None,
            role: None,
            grants: Vec::new(),
        };
        for cause in causes {
            match cause {
                RetryCause::Principal(step) => {
                    deadlines.principal = done.get(step).map(|at| *at + limits.principal);
                }
                RetryCause::Role(step) => {
                    deadlines.role = done.get(step).map(|at| *at + limits.role);
                }
                RetryCause::Grant { principal, made } => {
                    let until = match made {
                        GrantTime::Step(step) => done.get(step).map(|at| *at + limits.grant),
                        GrantTime::Before(time) => age(time, now)
                            .and_then(|age| limits.grant.checked_sub(age))
                            .map(|left| Instant::now() + left),
                    };
                    deadlines
                        .grants
                        .extend(until.map(|until| (resolve_principal(principal), until)));
                }
            }
        }
        deadlines
    }

    /// Until when to retry after this error; `None` if no propagation delay explains it.
    pub(crate) fn deadline(&self, error: &ArmError) -> Option<Instant> {
        if error.has_code("PrincipalNotFound") {
            return self.principal;
        }
        if error.has_code("RoleDefinitionDoesNotExist") {
            return self.role;
        }
        if !is_denied(error) {
            return None;
        }
        let denied = match &error.kind {
            ErrorKind::Forbidden { object_id, .. } => object_id.as_deref(),
            _ => None,
        };
        // An error that names another principal than the holder of a recent role assignment is permanent.
        let concerns = |principal: &Option<String>| match (denied, principal) {
            (Some(denied), Some(principal)) => denied.eq_ignore_ascii_case(principal),
            _ => true,
        };
        self.grants
            .iter()
            .filter(|(principal, _)| concerns(principal))
            .map(|(_, until)| *until)
            .max()
    }

    /// How long to wait before the next attempt. `attempt` counts from 1.
    pub(crate) fn pause(&self, attempt: u32) -> Duration {
        let factor = 2u32.saturating_pow(attempt.saturating_sub(1));
        self.limits
            .first_wait
            .saturating_mul(factor)
            .min(self.limits.longest_wait)
    }
}

/// Codes of a missing permission in errors with another status than 403, or of an operation that had begun.
const DENIED_CODES: &[&str] = &[
    "AccessDenied",
    "Forbidden",
    "StorageAccessDenied",
    // Keys of a vault that an identity cannot read yet: Cognitive Services and AI Foundry,
    "AccessPolicyNotConfiguredForKeyVault",
    // SQL (Microsoft docs "Troubleshoot TDE with customer-managed key"),
    "AzureKeyVaultMissingPermissions",
    // Key Vault itself, inside the error of another service,
    "ForbiddenByRbac",
    // disks and disk encryption sets (Azure/ResourceModules#1421),
    "KeyVaultAccessForbidden",
    // storage accounts and Databricks (Azure/bicep#16601),
    "KeyVaultAuthenticationFailure",
    // Recovery Services (hashicorp/terraform-provider-azurerm#27817).
    "UserErrorCMKKeyVaultAuthFailure",
];

fn is_denied(error: &ArmError) -> bool {
    match error.kind {
        ErrorKind::Forbidden { .. } => true,
        ErrorKind::PolicyDenied { .. } => false,
        _ => {
            let has = |code: &&str| error.has_code(code);
            error.status == Some(403) || DENIED_CODES.iter().any(has)
        }
    }
}

/// The age of something that was created at an ISO 8601 time; zero if that time is in the future.
fn age(created: &str, now: SystemTime) -> Option<Duration> {
    let created = OffsetDateTime::parse(created, &Iso8601::DEFAULT).ok()?;
    let age = now.duration_since(SystemTime::from(created));
    Some(age.unwrap_or(Duration::ZERO))
}
