//! Lets a user interface show why a request is waiting, and for how long.

use std::time::Duration;

/// Told of every wait just before it begins.
pub trait Progress: Send + Sync {
    /// The request failed in a way that may pass, and is sent again after `wait`. `attempt` counts
    /// the sendings so far.
    fn retrying(&self, reason: &str, wait: Duration, attempt: u32) {
        let _ = (reason, wait, attempt);
    }

    /// The request is sent after `wait`: before, Azure would refuse it as one too many.
    fn pacing(&self, wait: Duration) {
        let _ = wait;
    }

    /// A long-running operation says `status`, and is asked again after `wait`.
    fn polling(&self, status: &str, wait: Duration) {
        let _ = (status, wait);
    }
}

/// Shows nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl Progress for Quiet {}
