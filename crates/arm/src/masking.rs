//! Masks the secrets of a run in errors: Azure may repeat values of a request that it rejects.

use crate::error::ArmError;
use lazuli_core::{redact::Redaction, secret::Secret};
use std::sync::{Arc, PoisonError, RwLock};

/// The secrets to mask. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct SecretMask(Arc<RwLock<Redaction>>);

impl SecretMask {
    pub(crate) fn add<'s>(&self, secrets: impl IntoIterator<Item = &'s Secret>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.add_secrets(secrets);
    }

    /// The error with all secrets masked.
    pub(crate) fn apply(&self, error: ArmError) -> ArmError {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        error.map_text(&|text| known.without_known(text))
    }
}
