//! The waits of a request: why it waits, and for how long.

use std::time::Duration;

/// A wait of a request, just before it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait<'a> {
    /// The request failed with a transient error and is sent again.
    Retry {
        /// The error.
        reason: &'a str,
        /// The length of the wait.
        pause: Duration,
        /// The number of attempts so far.
        attempt: u32,
    },
    /// Azure's rate limit does not allow the request yet.
    Pace {
        /// The length of the wait.
        pause: Duration,
    },
    /// A long-running operation is polled again.
    Poll {
        /// The status of the operation.
        status: &'a str,
        /// The length of the wait.
        pause: Duration,
    },
}

/// Is called for every wait of a request.
pub type OnWait<'a> = dyn Fn(Wait<'_>) + Send + Sync + 'a;

/// Reports no waits.
pub fn ignore_waits(_: Wait<'_>) {}
