//! Records whether an observation had to wait.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use lazuli_core::graph::NodeKey;
use lazuli_engine::Settling;

/// Forwards events and records whether any resource was in transition.
pub(crate) struct WaitRecorder<'a> {
    inner: &'a dyn Settling,
    has_waited: AtomicBool,
}

impl<'a> WaitRecorder<'a> {
    pub(crate) fn new(inner: &'a dyn Settling) -> Self {
        Self {
            inner,
            has_waited: AtomicBool::new(false),
        }
    }

    /// Whether any resource was in transition.
    pub(crate) fn has_waited(&self) -> bool {
        self.has_waited.load(Ordering::Relaxed)
    }
}

impl Settling for WaitRecorder<'_> {
    fn waiting(&self, key: &NodeKey, state: &str, so_far: Duration) {
        self.has_waited.store(true, Ordering::Relaxed);
        self.inner.waiting(key, state, so_far);
    }

    fn settled(&self, key: &NodeKey, state: Option<&str>, took: Duration) {
        self.has_waited.store(true, Ordering::Relaxed);
        self.inner.settled(key, state, took);
    }
}

#[cfg(test)]
mod tests {
    use lazuli_core::plan::Action;
    use lazuli_engine::Silent;

    use super::*;
    use crate::render::testing::step;

    #[test]
    fn events_are_recorded_as_waits() {
        let key = step(Action::Create, "recordings", "storageAccount", "st")
            .subject
            .key;
        let recorder = WaitRecorder::new(&Silent);
        assert!(!recorder.has_waited());
        recorder.settled(&key, Some("Succeeded"), Duration::ZERO);
        assert!(recorder.has_waited());
    }
}
