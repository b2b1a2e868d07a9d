//! Keeps whether a comparison had to wait for anything.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use lazuli_core::graph::NodeKey;
use lazuli_engine::Settling;

/// Hands on what is waited for, and keeps that it was.
pub(crate) struct Noting<'a> {
    told: &'a dyn Settling,
    has_waited: AtomicBool,
}

impl<'a> Noting<'a> {
    /// Hands it on to `told`.
    pub(crate) fn to(told: &'a dyn Settling) -> Self {
        Self {
            told,
            has_waited: AtomicBool::new(false),
        }
    }

    /// Whether anything was waited for.
    pub(crate) fn has_waited(&self) -> bool {
        self.has_waited.load(Ordering::Relaxed)
    }
}

impl Settling for Noting<'_> {
    fn waiting(&self, key: &NodeKey, state: &str, so_far: Duration) {
        self.has_waited.store(true, Ordering::Relaxed);
        self.told.waiting(key, state, so_far);
    }

    fn settled(&self, key: &NodeKey, state: Option<&str>, took: Duration) {
        self.has_waited.store(true, Ordering::Relaxed);
        self.told.settled(key, state, took);
    }
}

#[cfg(test)]
mod tests {
    use lazuli_core::plan::Action;
    use lazuli_engine::Silent;

    use super::*;
    use crate::render::testing::step;

    #[test]
    fn what_is_there_at_once_was_not_waited_for() {
        let key = step(Action::Create, "recordings", "storageAccount", "st")
            .subject
            .key;
        let noting = Noting::to(&Silent);
        assert!(!noting.has_waited());
        noting.settled(&key, Some("Succeeded"), Duration::ZERO);
        assert!(noting.has_waited());
    }
}
