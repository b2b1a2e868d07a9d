//! Reports why a request is waiting, and for how long.

use std::time::Duration;

/// Observes every wait just before it starts.
pub trait Progress: Send + Sync {
    /// The request failed with a transient error and is sent again after `wait`. `attempt` counts the attempts so far.
    fn retrying(&self, reason: &str, wait: Duration, attempt: u32) {
        let _ = (reason, wait, attempt);
    }

    /// The request is sent after `wait`, when Azure's rate limit allows it.
    fn pacing(&self, wait: Duration) {
        let _ = wait;
    }

    /// A long-running operation has the status `status` and is polled again after `wait`.
    fn polling(&self, status: &str, wait: Duration) {
        let _ = (status, wait);
    }
}

/// Reports nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl Progress for Quiet {}
