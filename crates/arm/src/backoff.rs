//! How long to pause between attempts: one computation for retries, polls and throttled requests.
//!
//! Pure: callers pass the elapsed time, and the source of jitter is injected.

use std::{fmt, time::Duration};

use ring::rand::{SecureRandom as _, SystemRandom};

/// How pauses grow, and when attempts end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BackoffLimits {
    /// Maximum number of attempts, including the first one.
    pub attempts: u32,
    /// Upper bound of the first pause.
    pub first_pause: Duration,
    /// Factor by which the upper bound grows with each further attempt.
    pub growth: f64,
    /// Maximum of the upper bound. A longer `Retry-After` is honored nevertheless.
    pub longest_pause: Duration,
    /// Minimum of every pause but the first, even if the service asks for a shorter one.
    pub shortest_pause: Duration,
    /// Time since the first attempt by which the last pause must end.
    pub total: Duration,
}

impl BackoffLimits {
    /// For failing services and broken connections.
    pub const TRANSIENT: Self = Self {
        attempts: 8,
        first_pause: Duration::from_secs(1),
        growth: 2.0,
        longest_pause: Duration::from_secs(30),
        shortest_pause: Duration::ZERO,
        total: Duration::from_secs(15 * 60),
    };

    /// For throttling: all requests to one provider share the pause, and it ends.
    pub const THROTTLED: Self = Self {
        attempts: 1_000,
        longest_pause: Duration::from_secs(60),
        total: Duration::from_secs(60 * 60),
        ..Self::TRANSIENT
    };

    /// For resources that another operation keeps busy.
    pub const BUSY: Self = Self {
        attempts: 40,
        first_pause: Duration::from_secs(4),
        ..Self::TRANSIENT
    };

    /// For deletes that a nested resource or a dependent blocks: shorter, since the block may be permanent.
    /// ARM facts 4.2: recorded blocks ended within 307 s.
    pub const BLOCKED: Self = Self {
        attempts: 24,
        first_pause: Duration::from_secs(4),
        total: Duration::from_secs(6 * 60),
        ..Self::TRANSIENT
    };

    /// For polls of an operation whose service does not say when to poll next. A service that asks for no pause at all
    /// is polled once without one. ARM facts: the slowest recorded operation took 51 minutes.
    pub const POLLING: Self = Self {
        attempts: u32::MAX,
        first_pause: Duration::from_secs(1),
        growth: 1.5,
        longest_pause: Duration::from_secs(15),
        shortest_pause: Duration::from_millis(100),
        total: Duration::from_secs(2 * 60 * 60),
    };

    /// Upper bound of the pause after this many attempts.
    fn ceiling(&self, attempts: u32) -> Duration {
        let exponent = i32::try_from(attempts.saturating_sub(1)).unwrap_or(i32::MAX);
        let grown = self.first_pause.as_secs_f64() * self.growth.powi(exponent);
        let seconds = grown.min(self.longest_pause.as_secs_f64());
        Duration::try_from_secs_f64(seconds).unwrap_or(self.longest_pause)
    }
}

/// Spreads the pauses of many clients.
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

/// No jitter: every pause has its full length.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoJitter;

impl Jitter for NoJitter {
    fn up_to(&self, longest: Duration) -> Duration {
        longest
    }
}

/// The pauses between the attempts at one request or operation.
#[derive(Debug, Clone, Copy)]
pub struct Backoff<'a> {
    jitter: &'a dyn Jitter,
    attempts: u32,
}

impl<'a> Backoff<'a> {
    /// Starts before the first attempt.
    pub fn new(jitter: &'a dyn Jitter) -> Self {
        Self {
            jitter,
            attempts: 0,
        }
    }

    /// The number of attempts that were counted.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Counts an attempt and returns the pause before the next one: as `requested` by the service, otherwise
    /// exponential with jitter. `None` when no attempt is left, or when the pause would end after the total.
    /// `elapsed` is the time since the first attempt. The limits may differ from call to call.
    pub fn next_pause(
        &mut self,
        limits: &BackoffLimits,
        requested: Option<Duration>,
        elapsed: Duration,
    ) -> Option<Duration> {
        let shortest = match self.attempts {
            0 => Duration::ZERO,
            _ => limits.shortest_pause,
        };
        self.attempts = self.attempts.saturating_add(1);
        if self.attempts >= limits.attempts {
            return None;
        }
        let pause = requested
            .unwrap_or_else(|| self.jitter.up_to(limits.ceiling(self.attempts)))
            .max(shortest);
        (elapsed.saturating_add(pause) <= limits.total).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// The pauses in milliseconds until the limits end them, at most `most` of them.
    fn pauses(limits: &BackoffLimits, requested: Option<Duration>, most: usize) -> Vec<u128> {
        let mut backoff = Backoff::new(&NoJitter);
        let mut elapsed = Duration::ZERO;
        std::iter::from_fn(|| {
            let pause = backoff.next_pause(limits, requested, elapsed)?;
            elapsed += pause;
            Some(pause.as_millis())
        })
        .take(most)
        .collect()
    }

    #[test]
    fn pauses_grow_to_the_maximum() {
        let doubled = pauses(&BackoffLimits::TRANSIENT, None, 100);
        assert_eq!(doubled, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
        let polls = pauses(&BackoffLimits::POLLING, None, 8);
        assert_eq!(polls, [1000, 1500, 2250, 3375, 5062, 7593, 11_390, 15_000]);
    }

    #[test]
    fn requested_pause_replaces_the_computed_one_within_the_total() {
        let polls = pauses(&BackoffLimits::POLLING, Some(Duration::ZERO), 3);
        assert_eq!(polls, [0, 100, 100]);
        let hour = Some(BackoffLimits::THROTTLED.total);
        assert_eq!(pauses(&BackoffLimits::THROTTLED, hour, 9).len(), 1);
        let longer = hour.map(|hour| hour + SECOND);
        assert!(pauses(&BackoffLimits::THROTTLED, longer, 9).is_empty());
    }

    #[test]
    fn many_attempts_do_not_overflow() {
        let limits = BackoffLimits {
            attempts: u32::MAX,
            total: Duration::MAX,
            ..BackoffLimits::TRANSIENT
        };
        let mut backoff = Backoff {
            jitter: &NoJitter,
            attempts: u32::MAX - 2,
        };
        let pause = backoff.next_pause(&limits, None, SECOND);
        assert_eq!(pause, Some(limits.longest_pause));
        assert_eq!(backoff.next_pause(&limits, None, SECOND), None);
    }

    #[test]
    fn random_jitter_stays_in_range() {
        let longest = Duration::from_secs(8);
        for _ in 0..100 {
            assert!(RandomJitter.up_to(longest) <= longest);
        }
    }
}
