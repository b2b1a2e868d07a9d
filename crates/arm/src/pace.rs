//! Rate limits: as many concurrent requests as Azure sustains, and no faster than its token buckets refill.

use std::{
    collections::HashMap,
    fmt,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use azure_core::http::{
    Method,
    headers::{HeaderName, Headers},
};
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use crate::{
    backoff::{Backoff, BackoffLimits, NoJitter},
    headers::{REMAINING_DELETES, REMAINING_READS, REMAINING_WRITES, retry_after},
};

/// Concurrent requests to a provider before its first response.
const FIRST_LIMIT: f64 = 128.0;
/// Maximum of concurrent requests to one provider.
const HIGHEST_LIMIT: f64 = 256.0;
/// Tokens that stay in a bucket: Azure's bucket may refill a little later than the local copy.
const RESERVE: f64 = 2.0;

/// The kind of token that a request consumes. Each kind has a bucket per subscription and principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum TokenKind {
    Reads,
    Writes,
    Deletes,
}

impl TokenKind {
    fn from_method(method: Method) -> Self {
        match method {
            Method::Get | Method::Head => Self::Reads,
            Method::Delete => Self::Deletes,
            _ => Self::Writes,
        }
    }

    /// Tokens per second that Azure adds to the bucket (Microsoft docs "Understand how Azure Resource Manager throttles requests").
    fn refill(self) -> f64 {
        match self {
            Self::Reads => 25.0,
            Self::Writes | Self::Deletes => 10.0,
        }
    }

    /// The response header with the number of tokens that remain.
    fn header(self) -> HeaderName {
        match self {
            Self::Reads => REMAINING_READS,
            Self::Writes => REMAINING_WRITES,
            Self::Deletes => REMAINING_DELETES,
        }
    }
}

/// A local copy of one of Azure's token buckets, from the headers of responses.
#[derive(Debug, Default)]
struct TokenBucket {
    /// How many tokens remained, and when; below zero while requests wait for tokens. `None` before the first response.
    level: Option<(f64, Instant)>,
    /// Requests that were sent and have no response yet.
    in_flight: f64,
    /// Requests that wait for a token.
    waiting: f64,
}

impl TokenBucket {
    /// Takes a token. Returns the time from which it is valid.
    fn take(&mut self, kind: TokenKind, now: Instant) -> Instant {
        let Some((level, at)) = &mut self.level else {
            return now;
        };
        *level += now.duration_since(*at).as_secs_f64() * kind.refill() - 1.0;
        *at = now;
        match *level < RESERVE {
            true => now + Duration::from_secs_f64((RESERVE - *level) / kind.refill()),
            false => now,
        }
    }

    fn learn(&mut self, remaining: f64, now: Instant) {
        self.level = Some((remaining - self.in_flight - self.waiting, now));
    }
}

/// The requests to one provider in one subscription.
#[derive(Debug)]
struct Lane {
    limit: f64,
    concurrent: usize,
    /// No request starts before this time.
    closed_until: Instant,
    /// When the limit last shrank: responses to older requests do not shrink it again.
    shrunk_at: Option<Instant>,
}

impl Lane {
    /// Doubles the limit with every round trip until Azure first throttles; adds one with every round trip afterwards.
    fn grow(&mut self) {
        let more = match self.shrunk_at {
            None => 1.0,
            Some(_) => 1.0 / self.limit,
        };
        self.limit = (self.limit + more).min(HIGHEST_LIMIT);
    }

    /// Halves the limit, and starts no request until the pause that Azure asks for is over.
    fn shrink(&mut self, started: Instant, requested: Option<Duration>) {
        let now = Instant::now();
        let limits = BackoffLimits::THROTTLED;
        let pause = Backoff::new(&NoJitter).next_pause(&limits, requested, Duration::ZERO);
        let pause = pause.unwrap_or(limits.total);
        self.closed_until = self.closed_until.max(now + pause);
        if self.shrunk_at.is_none_or(|at| at <= started) {
            self.limit = (self.limit / 2.0).max(1.0);
            self.shrunk_at = Some(now);
        }
    }
}

/// The subscription and the innermost provider of a path, in lowercase.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct LaneKey {
    subscription: Option<String>,
    provider: Option<String>,
}

impl LaneKey {
    fn from_path(path: &str) -> Self {
        let after = |word: &str| {
            let mut segments = path.rsplit('/').peekable();
            let mut last = "";
            std::iter::from_fn(|| {
                let segment = segments.next()?;
                let found = segment.eq_ignore_ascii_case(word).then_some(last);
                last = segment;
                Some(found)
            })
            .flatten()
            .next()
            .map(str::to_ascii_lowercase)
        };
        Self {
            subscription: after("subscriptions"),
            provider: after("providers"),
        }
    }
}

#[derive(Default)]
struct PacerState {
    lanes: HashMap<LaneKey, Lane>,
    buckets: HashMap<(Option<String>, TokenKind), TokenBucket>,
}

/// Decides when requests may start. Clones of a client share it.
#[derive(Default)]
pub(crate) struct Pacer {
    state: Mutex<PacerState>,
    freed: Notify,
}

impl fmt::Debug for Pacer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pacer")
    }
}

impl Pacer {
    /// Waits until a request may start; it counts as concurrent until the permit is dropped. Calls `on_wait` before it waits
    /// for tokens or for the end of throttling.
    pub(crate) async fn admit(
        self: &Arc<Self>,
        method: Method,
        path: &str,
        on_wait: impl Fn(Duration),
    ) -> Permit {
        let key = LaneKey::from_path(path);
        let kind = TokenKind::from_method(method);
        loop {
            let mut freed = pin!(self.freed.notified());
            freed.as_mut().enable();
            let closed = match self.enter(&key) {
                Ok(()) => break,
                Err(closed) => closed,
            };
            match closed {
                Some(until) => {
                    on_wait(until.saturating_duration_since(Instant::now()));
                    sleep_until(until).await;
                }
                None => freed.await,
            }
        }
        let permit = Permit {
            pacer: self.clone(),
            key,
            kind,
            started: Instant::now(),
        };
        let ready = self.take_token(&permit);
        let wait = ready.saturating_duration_since(permit.started);
        if !wait.is_zero() {
            on_wait(wait);
            sleep_until(ready).await;
        }
        self.start(&permit);
        permit
    }

    /// Counts a request in its lane. If the lane is full, the error is the time until which it is closed, if it is closed.
    fn enter(&self, key: &LaneKey) -> Result<(), Option<Instant>> {
        let now = Instant::now();
        let mut state = self.lock();
        let lane = state.lane(key, now);
        if lane.closed_until > now {
            return Err(Some(lane.closed_until));
        }
        if lane.concurrent as f64 >= lane.limit {
            return Err(None);
        }
        lane.concurrent += 1;
        Ok(())
    }

    fn take_token(&self, permit: &Permit) -> Instant {
        let mut state = self.lock();
        let bucket = state.bucket(permit);
        bucket.waiting += 1.0;
        bucket.take(permit.kind, permit.started)
    }

    fn start(&self, permit: &Permit) {
        let mut state = self.lock();
        let bucket = state.bucket(permit);
        bucket.waiting -= 1.0;
        bucket.in_flight += 1.0;
    }

    fn lock(&self) -> MutexGuard<'_, PacerState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PacerState {
    fn lane(&mut self, key: &LaneKey, now: Instant) -> &mut Lane {
        self.lanes.entry(key.clone()).or_insert(Lane {
            limit: FIRST_LIMIT,
            concurrent: 0,
            closed_until: now,
            shrunk_at: None,
        })
    }

    fn bucket(&mut self, permit: &Permit) -> &mut TokenBucket {
        let key = (permit.key.subscription.clone(), permit.kind);
        self.buckets.entry(key).or_default()
    }
}

/// Allows one request.
pub(crate) struct Permit {
    pacer: Arc<Pacer>,
    key: LaneKey,
    kind: TokenKind,
    started: Instant,
}

impl Permit {
    /// Adapts the limits to a response.
    pub(crate) fn learn(&self, status: u16, headers: &Headers) {
        let mut state = self.pacer.lock();
        let lane = state.lane(&self.key, self.started);
        if status == 429 {
            lane.shrink(self.started, retry_after(headers));
        } else if status < 500 {
            lane.grow();
        }
        let remaining = headers
            .get_optional_str(&self.kind.header())
            .and_then(|tokens| tokens.parse::<u32>().ok());
        if let Some(remaining) = remaining {
            let bucket = state.bucket(self);
            // The response belongs to a request that still counts as in flight.
            bucket.learn(f64::from(remaining) + 1.0, Instant::now());
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.pacer.lock();
        let lane = state.lane(&self.key, self.started);
        lane.concurrent = lane.concurrent.saturating_sub(1);
        let bucket = state.bucket(self);
        bucket.in_flight = (bucket.in_flight - 1.0).max(0.0);
        drop(state);
        self.pacer.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: &str =
        "/subscriptions/S/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a";

    fn headers(pairs: &[(&'static str, &'static str)]) -> Headers {
        let mut headers = Headers::new();
        for (name, value) in pairs {
            headers.insert(*name, *value);
        }
        headers
    }

    async fn admit(pacer: &Arc<Pacer>) -> Permit {
        pacer.admit(Method::Put, ACCOUNT, |_| {}).await
    }

    #[test]
    fn lane_is_a_subscription_and_its_innermost_provider() {
        let key = |path| {
            let LaneKey {
                subscription,
                provider,
            } = LaneKey::from_path(path);
            (subscription, provider)
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(key(ACCOUNT), (some("s"), some("microsoft.storage")));
        let grant = format!("{ACCOUNT}/providers/Microsoft.Authorization/roleAssignments/x");
        assert_eq!(key(&grant), (some("s"), some("microsoft.authorization")));
        assert_eq!(key("/subscriptions/S"), (some("s"), None));
        assert_eq!(key("/metadata"), (None, None));
    }

    #[tokio::test(start_paused = true)]
    async fn requests_wait_for_an_empty_bucket_to_refill() {
        let pacer = Arc::new(Pacer::default());
        let permit = admit(&pacer).await;
        let left = [("x-ms-ratelimit-remaining-subscription-writes", "4")];
        permit.learn(200, &headers(&left));
        drop(permit);
        let started = Instant::now();
        let mut permits = Vec::new();
        for _ in 0..22 {
            permits.push(admit(&pacer).await);
        }
        let waited = started.elapsed();
        // Two of the four tokens are available at once, the others at ten per second.
        assert!((1.9..=2.1).contains(&waited.as_secs_f64()), "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn throttling_pauses_the_lane_and_halves_its_limit() {
        let pacer = Arc::new(Pacer::default());
        let throttled = admit(&pacer).await;
        throttled.learn(429, &headers(&[("retry-after", "7")]));
        drop(throttled);
        let started = Instant::now();
        let permits = futures::future::join_all((0..64).map(|_| admit(&pacer))).await;
        assert_eq!(started.elapsed().as_secs(), 7);
        let one_more = tokio::time::timeout(Duration::from_secs(60), admit(&pacer));
        assert!(
            one_more.await.is_err(),
            "the limit is half of the first one"
        );
        let elsewhere = pacer.admit(Method::Put, "/subscriptions/S/resourceGroups/g", |_| {});
        drop(elsewhere.await);
        drop(permits);
        drop(admit(&pacer).await);
    }

    #[tokio::test(start_paused = true)]
    async fn limit_grows_while_azure_sustains_it() {
        let pacer = Arc::new(Pacer::default());
        for _ in 0..300 {
            admit(&pacer).await.learn(200, &Headers::new());
        }
        let all = futures::future::join_all((0..256).map(|_| admit(&pacer)));
        let all = tokio::time::timeout(Duration::from_secs(1), all).await;
        assert_eq!(all.unwrap().len(), 256);
    }
}
