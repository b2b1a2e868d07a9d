//! Before the first write: what Azure is known to refuse is told all at once, and providers are registered where
//! that was asked for.

use lazuli_arm::Client;
use lazuli_core::preflight::Finding;
use lazuli_engine::RegistrationError;

use crate::{
    error::CommandError,
    render,
    terminal::{Terminal, Tone},
};

/// Ends the command where steps are certain to be refused.
pub(crate) fn refuse(found: &[Finding], registers: bool) -> Result<(), CommandError> {
    let stands = |finding: &&Finding| finding.is_certain() && !(registers && can_register(finding));
    let above = match found.iter().filter(stands).count() {
        0 => return Ok(()),
        1 => "error".to_owned(),
        number => render::count(number, "error"),
    };
    Err(CommandError::with_hint(
        format!(
            "nothing was changed: Azure would refuse steps of this plan, see the {above} above"
        ),
        "--skip-preflight begins all the same and does what can be done",
    ))
}

/// Registers what is missing, one provider after the other.
pub(crate) async fn register(
    found: &[Finding],
    client: &Client,
    terminal: &Terminal,
) -> Result<(), CommandError> {
    for finding in found {
        let Finding::NotRegistered {
            subscription,
            namespace,
            state: Some(_),
            ..
        } = finding
        else {
            continue;
        };
        let told = format!("{namespace}: registering in {} ...\n", subscription.name());
        terminal.tell(&told, Tone::Note);
        lazuli_engine::register(client, subscription, namespace)
            .await
            .map_err(|error| match error {
                RegistrationError::Refused(error) => error.into(),
                slow @ RegistrationError::TooSlow { .. } => CommandError::with_hint(
                    slow.to_string(),
                    "run again: what is registered stays registered",
                ),
            })?;
        terminal.tell(&format!("{namespace}: registered\n"), Tone::Note);
    }
    Ok(())
}

fn can_register(finding: &Finding) -> bool {
    matches!(finding, Finding::NotRegistered { state: Some(_), .. })
}
