//! Resource providers that a plan needs, and findings that block it.

use lazuli_core::preflight::Finding;
use lazuli_engine::{Event, RegistrationError, register};

use crate::reconciler::Reconciler;

/// What to do about resource providers that a plan needs and that are not registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProviderPolicy {
    /// Report them as findings that block the plan.
    #[default]
    Report,
    /// Register them before the first step.
    Register,
}

/// The findings that make steps certain to fail.
pub fn blocking(findings: &[Finding], providers: ProviderPolicy) -> impl Iterator<Item = &Finding> {
    let is_solved =
        move |finding: &Finding| providers == ProviderPolicy::Register && is_registrable(finding);
    let certain = findings.iter().filter(|finding| finding.is_certain());
    certain.filter(move |finding| !is_solved(finding))
}

fn is_registrable(finding: &Finding) -> bool {
    matches!(finding, Finding::NotRegistered { state: Some(_), .. })
}

impl Reconciler<'_> {
    /// Registers the resource providers that findings report as not registered, one after the other.
    ///
    /// # Errors
    /// The first provider that cannot be registered.
    pub async fn register_providers(&self, findings: &[Finding]) -> Result<(), RegistrationError> {
        for finding in findings {
            let Finding::NotRegistered {
                subscription,
                namespace,
                state: Some(_),
                ..
            } = finding
            else {
                continue;
            };
            self.observer.event(&Event::RegistrationStarted {
                subscription,
                namespace,
            });
            register(self.client, subscription, namespace).await?;
            self.observer.event(&Event::RegistrationFinished {
                subscription,
                namespace,
            });
        }
        Ok(())
    }
}
