//! What a plan is made for.

use lazuli_core::{graph::Names, plan::Consent};

/// What a plan is made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Intent {
    /// Make Azure match the specs.
    Converge {
        /// The deletions that the caller agrees to.
        consent: Consent,
        /// The entries to converge, with their dependencies. Empty for all entries.
        targets: Names,
    },
    /// Delete what the stacks own.
    Destroy {
        /// The entries to delete, with their dependents. Empty for all entries.
        targets: Names,
    },
}

impl Intent {
    /// Converges all entries, and deletes nothing that needs consent.
    pub fn converge() -> Self {
        Self::Converge {
            consent: Consent::default(),
            targets: Names::default(),
        }
    }

    /// Deletes all that the stacks own.
    pub fn destroy() -> Self {
        Self::Destroy {
            targets: Names::default(),
        }
    }
}
