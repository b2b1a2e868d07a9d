//! Decides whether a failed request is sent again, and when.

use crate::{
    backoff::Backoff,
    error::{ArmError, ErrorKind, TransientCause},
    options::ClientOptions,
    trace::RequestAttempt,
};
use azure_core::http::Method;
use std::time::Duration;
use tokio::time::Instant;

/// A pause before a request is sent again.
#[derive(Debug)]
pub(crate) struct RetryPause {
    pub(crate) reason: String,
    pub(crate) duration: Duration,
    /// Attempts so far.
    pub(crate) attempt: u32,
}

/// The attempts at one request.
pub(crate) struct RetrySchedule<'a> {
    options: &'a ClientOptions,
    backoff: Backoff<'a>,
    started: Instant,
}

impl<'a> RetrySchedule<'a> {
    pub(crate) fn new(options: &'a ClientOptions) -> Self {
        Self {
            options,
            backoff: Backoff::new(options.jitter.as_ref()),
            started: Instant::now(),
        }
    }

    /// The number of the next attempt.
    pub(crate) fn next_attempt(&self) -> RequestAttempt {
        RequestAttempt {
            number: self.backoff.attempts() + 1,
        }
    }

    /// Counts the attempt that failed with `error`. Returns the pause before the next one, or `None` if the error is
    /// final.
    pub(crate) fn pause_after(&mut self, method: Method, error: &ArmError) -> Option<RetryPause> {
        let limits = match error.transient_cause {
            Some(TransientCause::Busy) => &self.options.busy,
            Some(TransientCause::Blocked) => &self.options.blocked,
            Some(TransientCause::Interrupted) => &self.options.transient,
            None if error.kind == ErrorKind::Throttled => &self.options.throttled,
            None if may_retry(method, error) => &self.options.transient,
            None => return None,
        };
        let elapsed = self.started.elapsed();
        let duration = self
            .backoff
            .next_pause(limits, error.retry_after, elapsed)?;
        Some(RetryPause {
            reason: reason(error),
            duration,
            attempt: self.backoff.attempts(),
        })
    }
}

/// PUT, PATCH, DELETE and GET are idempotent in ARM; POST is repeated only if it had no effect.
fn may_retry(method: Method, error: &ArmError) -> bool {
    let had_no_effect = matches!(error.status, Some(429 | 503)) || error.is_unsent;
    let is_repeatable = method != Method::Post || had_no_effect;
    let is_transient = match error.status {
        Some(status) => matches!(status, 408 | 429 | 500 | 502 | 503 | 504),
        None => matches!(error.kind, ErrorKind::Network | ErrorKind::Timeout),
    };
    is_repeatable && is_transient
}

fn reason(error: &ArmError) -> String {
    match (&error.kind, &error.code, error.status) {
        (ErrorKind::Throttled, _, _) => "throttled".to_owned(),
        (_, Some(code), _) => code.clone(),
        (_, None, Some(status)) => format!("status {status}"),
        (_, None, None) => error.message.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backoff::NoJitter;
    use azure_core::http::headers::Headers;
    use std::sync::Arc;

    fn error(status: u16, code: &str, retry_after: Option<&'static str>) -> ArmError {
        error_to(Method::Put, status, code, retry_after)
    }

    fn error_to(
        method: Method,
        status: u16,
        code: &str,
        retry_after: Option<&'static str>,
    ) -> ArmError {
        let mut headers = Headers::new();
        if let Some(seconds) = retry_after {
            headers.insert("retry-after", seconds);
        }
        let body = format!(r#"{{"error":{{"code":"{code}","message":"m"}}}}"#);
        ArmError::from_response(method, "/x", status, &headers, body.as_bytes())
    }

    /// The pauses in seconds before a request that keeps failing is given up.
    async fn pauses(method: Method, error: &ArmError) -> Vec<u64> {
        let options = ClientOptions {
            jitter: Arc::new(NoJitter),
            ..ClientOptions::default()
        };
        let mut schedule = RetrySchedule::new(&options);
        let mut pauses = Vec::new();
        while let Some(pause) = schedule.pause_after(method, error) {
            pauses.push(pause.duration.as_secs());
            tokio::time::sleep(pause.duration).await;
        }
        pauses
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_double_up_to_the_limit_and_end() {
        for status in [408, 500, 502, 503, 504] {
            let pauses = pauses(Method::Put, &error(status, "X", None)).await;
            assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30], "{status}");
        }
        let throttled = pauses(Method::Put, &error(429, "X", None)).await;
        assert_eq!(throttled[..8], [1, 2, 4, 8, 16, 32, 60, 60]);
        assert!(throttled.iter().sum::<u64>() <= 60 * 60);
    }

    #[tokio::test(start_paused = true)]
    async fn retry_after_is_honored_exactly_within_the_total() {
        let throttled = error(429, "TooManyRequests", Some("300"));
        assert_eq!(pauses(Method::Get, &throttled).await, [300; 12]);
        assert!(
            pauses(Method::Get, &error(429, "X", Some("3601")))
                .await
                .is_empty()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn permanent_errors_are_not_retried() {
        for (status, code) in [
            (400, "Bad"),
            (403, "AuthorizationFailed"),
            (400, "PrincipalNotFound"),
            (409, "RoleAssignmentExists"),
            (412, "X"),
        ] {
            assert!(
                pauses(Method::Put, &error(status, code, None))
                    .await
                    .is_empty(),
                "{code}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn post_is_retried_only_where_it_had_no_effect() {
        for (status, is_retried) in [
            (500, false),
            (502, false),
            (504, false),
            (408, false),
            (429, true),
            (503, true),
        ] {
            assert_eq!(
                !pauses(Method::Post, &error(status, "X", None))
                    .await
                    .is_empty(),
                is_retried,
                "{status}"
            );
        }
        for (kind, is_retried) in [
            (azure_core::error::ErrorKind::Connection, true),
            (azure_core::error::ErrorKind::Io, false),
        ] {
            let broken = azure_core::Error::with_message(kind, "refused");
            let error = ArmError::from_transport(Method::Post, "/x", &broken);
            assert_eq!(!pauses(Method::Post, &error).await.is_empty(), is_retried);
        }
        assert!(
            !pauses(
                Method::Post,
                &error(409, "StorageAccountIsNotProvisioned", None)
            )
            .await
            .is_empty()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn busy_resources_are_retried_within_a_limit() {
        let total: u64 = pauses(Method::Put, &error(409, "AnotherOperationInProgress", None))
            .await
            .iter()
            .sum();
        assert!((600..=900).contains(&total), "{total}");
        let blocked = error_to(Method::Delete, 409, "CannotDeleteResource", None);
        let total: u64 = pauses(Method::Delete, &blocked).await.iter().sum();
        assert!((307..=360).contains(&total), "{total}");
    }
}
