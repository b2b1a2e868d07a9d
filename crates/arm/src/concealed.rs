//! Secrets of the run that Azure may repeat in what it refuses: no error tells them.

use crate::error::ArmError;
use lazuli_core::{redact::Redaction, secret::Secret};
use std::sync::{Arc, PoisonError, RwLock};

/// The secrets that are known. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Concealed(Arc<RwLock<Redaction>>);

impl Concealed {
    pub(crate) fn add<'s>(&self, secrets: impl IntoIterator<Item = &'s Secret>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.learn(secrets);
    }

    /// The error without them.
    pub(crate) fn strip(&self, error: ArmError) -> ArmError {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        error.retold(&|text| known.without_known(text))
    }
}
