//! Ends a command whose plan Azure is known to reject.

use lazuli_core::preflight::Finding;
use lazuli_reconcile::{ProviderPolicy, RegistrationError, blocking};

use crate::{error::CommandError, render};

/// Fails if steps are certain to be rejected.
pub(crate) fn fail_on_blocking(
    findings: &[Finding],
    providers: ProviderPolicy,
) -> Result<(), CommandError> {
    let errors = match blocking(findings, providers).count() {
        0 => return Ok(()),
        1 => "error".to_owned(),
        number => render::pluralize(number, "error"),
    };
    Err(CommandError::with_hint(
        format!(
            "no changes were made: Azure would reject steps of this plan, see the {errors} above"
        ),
        "resolve them, or pass --skip-preflight to execute all other steps",
    ))
}

impl From<RegistrationError> for CommandError {
    fn from(error: RegistrationError) -> Self {
        match error {
            RegistrationError::Failed(error) => error.into(),
            slow @ RegistrationError::TooSlow { .. } => Self::with_hint(
                slow.to_string(),
                "run the command again: registered providers stay registered",
            ),
        }
    }
}
