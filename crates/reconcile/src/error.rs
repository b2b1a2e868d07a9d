//! Why an operation ends without a result.

use lazuli_core::{diagnostic::Diagnostics, source::Sources};
use lazuli_engine::ObserveError;

/// Mistakes of the author, with the texts that they refer to.
#[derive(Debug, Clone)]
pub struct Rejection {
    /// The texts.
    pub sources: Sources,
    /// The mistakes. At least one of them is an error.
    pub diagnostics: Diagnostics,
}

/// Why texts cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The specs have mistakes.
    #[error("the specs have mistakes")]
    Rejected(Box<Rejection>),
    /// The texts contain no stack.
    #[error("no stack found: the spec is empty")]
    NoStacks,
}

/// Why an operation on Azure ends without a result.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// The specs or the intent have mistakes.
    #[error("the specs have mistakes")]
    Rejected(Box<Rejection>),
    /// Live state cannot be read.
    #[error("live state cannot be read: {} of the reads failed", .0.len())]
    Unreadable(Vec<ObserveError>),
}

impl From<Vec<ObserveError>> for ReconcileError {
    fn from(errors: Vec<ObserveError>) -> Self {
        Self::Unreadable(errors)
    }
}

/// Fails if there are errors. Otherwise, the diagnostics are warnings.
pub(crate) fn fail_on_errors(
    sources: &Sources,
    diagnostics: Diagnostics,
) -> Result<Diagnostics, Box<Rejection>> {
    if diagnostics.has_errors() {
        return Err(Box::new(Rejection {
            sources: sources.clone(),
            diagnostics,
        }));
    }
    Ok(diagnostics)
}

impl From<Box<Rejection>> for LoadError {
    fn from(rejection: Box<Rejection>) -> Self {
        Self::Rejected(rejection)
    }
}

impl From<Box<Rejection>> for ReconcileError {
    fn from(rejection: Box<Rejection>) -> Self {
        Self::Rejected(rejection)
    }
}
