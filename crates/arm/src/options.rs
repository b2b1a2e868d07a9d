//! The options of a client.

use std::{sync::Arc, time::Duration};

use uuid::Uuid;

use crate::backoff::{BackoffLimits, Jitter, RandomJitter};

/// How a [`Client`](crate::Client) behaves.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// Follows `lazuli/VERSION` in the user agent.
    pub user_agent_suffix: Option<String>,
    /// Sent as `x-ms-correlation-request-id` with every request: finds a run in the activity log.
    pub correlation_id: Uuid,
    /// Limits of retries after failing services and broken connections.
    pub transient: BackoffLimits,
    /// Limits of retries after throttling.
    pub throttled: BackoffLimits,
    /// Limits of retries while a resource is busy.
    pub busy: BackoffLimits,
    /// Limits of retries of a delete that a nested resource or a dependent blocks.
    pub blocked: BackoffLimits,
    /// Time after which polling an operation fails with a timeout.
    pub operation_timeout: Duration,
    /// Spreads the pauses that Azure does not prescribe.
    pub jitter: Arc<dyn Jitter>,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            user_agent_suffix: None,
            correlation_id: Uuid::new_v4(),
            transient: BackoffLimits::TRANSIENT,
            throttled: BackoffLimits::THROTTLED,
            busy: BackoffLimits::BUSY,
            blocked: BackoffLimits::BLOCKED,
            operation_timeout: BackoffLimits::POLLING.total,
            jitter: Arc::new(RandomJitter),
        }
    }
}
