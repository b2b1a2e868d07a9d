//! Sources of simulated time.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::time::Instant;

use crate::sim_time::SimTime;

/// A source of simulated time that never goes back.
pub trait Clock: Debug + Send + Sync {
    /// The present time.
    fn now(&self) -> SimTime;
}

/// Follows tokio's clock, so that a paused runtime simulates all time.
#[derive(Debug)]
pub struct TokioClock {
    base: SimTime,
    start: Instant,
}

impl TokioClock {
    /// A clock whose present time is `base`.
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

/// A clock that changes only when a test advances it.
#[derive(Clone, Debug, Default)]
pub struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    /// Adds `millis` milliseconds to the present time.
    pub fn advance(&self, millis: u64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> SimTime {
        SimTime(self.0.load(Ordering::SeqCst))
    }
}
