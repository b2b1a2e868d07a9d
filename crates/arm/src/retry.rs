//! Decides whether a failed request is sent again, and when.

use crate::{
    client::ClientOptions,
    error::{ArmError, ErrorKind, WaitFor},
    trace::Sending,
};
use azure_core::http::Method;
use ring::rand::{SecureRandom as _, SystemRandom};
use std::{fmt, time::Duration};
use tokio::time::Instant;

/// Bounds of sending one request again.
#[derive(Debug, Clone, Copy)]
pub struct RetryLimits {
    /// How often a request is sent at most.
    pub attempts: u32,
    /// Upper bound of the first wait; it doubles with every further one.
    pub first_wait: Duration,
    /// Where the doubling ends. A longer `Retry-After` is obeyed all the same.
    pub longest_wait: Duration,
    /// No wait begins that would end later than this after the first sending.
    pub total: Duration,
}

impl RetryLimits {
    /// For failing services and broken connections.
    pub const TRANSIENT: Self = Self {
        attempts: 8,
        first_wait: Duration::from_secs(1),
        longest_wait: Duration::from_secs(30),
        total: Duration::from_secs(15 * 60),
    };

    /// For throttling: the wait is shared with everything else that goes the same way, and passes.
    pub const THROTTLED: Self = Self {
        attempts: 1_000,
        first_wait: Duration::from_secs(1),
        longest_wait: Duration::from_secs(60),
        total: Duration::from_secs(60 * 60),
    };

    /// For resources that another operation keeps busy.
    pub const BUSY: Self = Self {
        attempts: 40,
        first_wait: Duration::from_secs(4),
        longest_wait: Duration::from_secs(30),
        total: Duration::from_secs(15 * 60),
    };

    /// For deletes that something nested or a user blocks: shorter, as it may well stay. ARM facts 4.2: recorded ones
    /// passed within 307 s.
    pub const BLOCKED: Self = Self {
        attempts: 24,
        first_wait: Duration::from_secs(4),
        longest_wait: Duration::from_secs(30),
        total: Duration::from_secs(6 * 60),
    };
}

/// Spreads the waits of many clients.
pub trait Jitter: Send + Sync + fmt::Debug {
    /// A time between zero and `longest`.
    fn up_to(&self, longest: Duration) -> Duration;
}

/// Jitter from the random source of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomJitter;

impl Jitter for RandomJitter {
    fn up_to(&self, longest: Duration) -> Duration {
        let mut bytes = [0; 4];
        match SystemRandom::new().fill(&mut bytes) {
            Ok(()) => longest.mul_f64(f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX)),
            Err(_) => longest,
        }
    }
}

/// A wait before the next sending.
#[derive(Debug)]
pub(crate) struct Pause {
    pub(crate) reason: String,
    pub(crate) wait: Duration,
    /// Sendings so far.
    pub(crate) attempt: u32,
}

/// The sendings of one request.
pub(crate) struct Attempts<'a> {
    transient: RetryLimits,
    throttled: RetryLimits,
    busy: RetryLimits,
    blocked: RetryLimits,
    jitter: &'a dyn Jitter,
    started: Instant,
    sent: u32,
}

impl<'a> Attempts<'a> {
    pub(crate) fn new(options: &'a ClientOptions) -> Self {
        Self {
            transient: options.transient,
            throttled: options.throttled,
            busy: options.busy,
            blocked: options.blocked,
            jitter: options.jitter.as_ref(),
            started: Instant::now(),
            sent: 0,
        }
    }

    /// The sending that comes next.
    pub(crate) fn sending(&self) -> Sending {
        Sending {
            attempt: self.sent + 1,
        }
    }

    /// Counts the sending that ended in `error`; the wait before the next one, or none if it is final.
    pub(crate) fn after(&mut self, method: Method, error: &ArmError) -> Option<Pause> {
        self.sent += 1;
        let limits = match error.wait_for {
            Some(WaitFor::Busy) => self.busy,
            Some(WaitFor::Blocked) => self.blocked,
            Some(WaitFor::Broken) => self.transient,
            None if error.kind == ErrorKind::Throttled => self.throttled,
            None if may_repeat(method, error) => self.transient,
            None => return None,
        };
        if self.sent >= limits.attempts {
            return None;
        }
        let wait = error.retry_after.unwrap_or_else(|| {
            let doubled = 2_u32.saturating_pow(self.sent - 1);
            self.jitter.up_to(
                limits
                    .first_wait
                    .saturating_mul(doubled)
                    .min(limits.longest_wait),
            )
        });
        (self.started.elapsed().saturating_add(wait) <= limits.total).then(|| Pause {
            reason: reason(error),
            wait,
            attempt: self.sent,
        })
    }
}

/// PUT, PATCH, DELETE and GET are idempotent in ARM; POST is repeated only when it had no effect.
fn may_repeat(method: Method, error: &ArmError) -> bool {
    let refused_unseen = matches!(error.status, Some(429 | 503)) || error.unsent;
    let repeatable = method != Method::Post || refused_unseen;
    let passing = match error.status {
        Some(status) => matches!(status, 408 | 429 | 500 | 502 | 503 | 504),
        None => matches!(error.kind, ErrorKind::Network | ErrorKind::Timeout),
    };
    repeatable && passing
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
    use azure_core::http::headers::Headers;
    use std::sync::Arc;

    #[derive(Debug)]
    struct Longest;

    impl Jitter for Longest {
        fn up_to(&self, longest: Duration) -> Duration {
            longest
        }
    }

    fn error(status: u16, code: &str, retry_after: Option<&'static str>) -> ArmError {
        error_of(Method::Put, status, code, retry_after)
    }

    fn error_of(
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

    /// Waits in seconds until an error that stays is given up.
    async fn waits(method: Method, error: &ArmError) -> Vec<u64> {
        let options = ClientOptions {
            jitter: Arc::new(Longest),
            ..ClientOptions::default()
        };
        let mut attempts = Attempts::new(&options);
        let mut waits = Vec::new();
        while let Some(pause) = attempts.after(method, error) {
            waits.push(pause.wait.as_secs());
            tokio::time::sleep(pause.wait).await;
        }
        waits
    }

    #[tokio::test(start_paused = true)]
    async fn waits_double_up_to_the_cap_and_end() {
        for status in [408, 500, 502, 503, 504] {
            let waits = waits(Method::Put, &error(status, "X", None)).await;
            assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30], "{status}");
        }
        let throttled = waits(Method::Put, &error(429, "X", None)).await;
        assert_eq!(throttled[..8], [1, 2, 4, 8, 16, 32, 60, 60]);
        assert!(throttled.iter().sum::<u64>() <= 60 * 60);
    }

    #[tokio::test(start_paused = true)]
    async fn retry_after_is_obeyed_exactly_within_the_total() {
        let throttled = error(429, "TooManyRequests", Some("300"));
        assert_eq!(waits(Method::Get, &throttled).await, [300; 12]);
        assert!(
            waits(Method::Get, &error(429, "X", Some("3601")))
                .await
                .is_empty()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_will_not_pass_is_not_repeated() {
        for (status, code) in [
            (400, "Bad"),
            (403, "AuthorizationFailed"),
            (400, "PrincipalNotFound"),
            (409, "RoleAssignmentExists"),
            (412, "X"),
        ] {
            assert!(
                waits(Method::Put, &error(status, code, None))
                    .await
                    .is_empty(),
                "{code}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn post_is_repeated_only_where_it_had_no_effect() {
        for (status, repeats) in [
            (500, false),
            (502, false),
            (504, false),
            (408, false),
            (429, true),
            (503, true),
        ] {
            assert_eq!(
                !waits(Method::Post, &error(status, "X", None))
                    .await
                    .is_empty(),
                repeats,
                "{status}"
            );
        }
        for (kind, repeats) in [
            (azure_core::error::ErrorKind::Connection, true),
            (azure_core::error::ErrorKind::Io, false),
        ] {
            let broken = azure_core::Error::with_message(kind, "refused");
            let error = ArmError::from_transport(Method::Post, "/x", &broken);
            assert_eq!(!waits(Method::Post, &error).await.is_empty(), repeats);
        }
        assert!(
            !waits(
                Method::Post,
                &error(409, "StorageAccountIsNotProvisioned", None)
            )
            .await
            .is_empty()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn busy_resources_are_waited_for_within_a_bound() {
        let total: u64 = waits(Method::Put, &error(409, "AnotherOperationInProgress", None))
            .await
            .iter()
            .sum();
        assert!((600..=900).contains(&total), "{total}");
        let blocked = error_of(Method::Delete, 409, "CannotDeleteResource", None);
        let total: u64 = waits(Method::Delete, &blocked).await.iter().sum();
        assert!((307..=360).contains(&total), "{total}");
    }

    #[test]
    fn random_jitter_stays_in_range() {
        let longest = Duration::from_secs(8);
        for _ in 0..100 {
            assert!(RandomJitter.up_to(longest) <= longest);
        }
    }
}
