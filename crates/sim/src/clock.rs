//! Where simulated time comes from.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::time::Instant;

use crate::time::SimTime;

/// A source of simulated time. It must not run backwards.
pub trait Clock: Debug + Send + Sync {
    /// The present moment.
    fn now(&self) -> SimTime;
}

/// Runs with tokio's clock from a given moment on: a paused runtime makes all time simulated.
#[derive(Debug)]
pub struct TokioClock {
    base: SimTime,
    start: Instant,
}

impl TokioClock {
    /// A clock that shows `base` now.
    pub fn starting_at(base: SimTime) -> Self {
        Self {
            base,
            start: Instant::now(),
        }
    }
}

impl Clock for TokioClock {
    fn now(&self) -> SimTime {
        let elapsed = self.start.elapsed().as_millis();
        self.base.plus(u64::try_from(elapsed).unwrap_or(u64::MAX))
    }
}

/// Stands still until it is moved.
#[derive(Clone, Debug, Default)]
pub struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    /// Moves on by so many milliseconds.
    pub fn advance(&self, millis: u64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> SimTime {
        SimTime(self.0.load(Ordering::SeqCst))
    }
}
