//! How fast requests follow each other: as many at once as Azure keeps up with, and no faster than its token buckets fill.

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

use crate::retry::RetryLimits;

/// How many requests are under way at once to a provider of which nothing is known yet.
const FIRST_LIMIT: f64 = 128.0;
/// How many are under way at once at most.
const HIGHEST_LIMIT: f64 = 256.0;
/// So many tokens are left in a bucket: Azure's may fill a moment later than it seems from here.
const RESERVE: f64 = 2.0;
/// Throttled by a provider that does not say for how long.
const UNSAID: Duration = Duration::from_secs(1);
/// What is throttled for longer holds nothing else back: it is given up.
const LONGEST: Duration = RetryLimits::THROTTLED.total;

/// The tokens that one request takes of Azure's: each of these has a bucket for every subscription and principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Budget {
    Reads,
    Writes,
    Deletes,
}

impl Budget {
    fn of(method: Method) -> Self {
        match method {
            Method::Get | Method::Head => Self::Reads,
            Method::Delete => Self::Deletes,
            _ => Self::Writes,
        }
    }

    /// Tokens a second that come back (Microsoft docs "Understand how Azure Resource Manager throttles requests").
    fn refill(self) -> f64 {
        match self {
            Self::Reads => 25.0,
            Self::Writes | Self::Deletes => 10.0,
        }
    }

    /// Where an answer says how many tokens are left (ARM facts 5).
    fn header(self) -> HeaderName {
        HeaderName::from_static(match self {
            Self::Reads => "x-ms-ratelimit-remaining-subscription-reads",
            Self::Writes => "x-ms-ratelimit-remaining-subscription-writes",
            Self::Deletes => "x-ms-ratelimit-remaining-subscription-deletes",
        })
    }
}

/// One bucket of tokens, as far as answers have told of it.
#[derive(Debug, Default)]
struct Bucket {
    /// How many tokens are left, and when that was so; below zero where requests wait for tokens to come. Nothing
    /// before the first answer.
    level: Option<(f64, Instant)>,
    /// Requests that were sent and not answered.
    unanswered: f64,
    /// Requests that wait for their tokens.
    waiting: f64,
}

impl Bucket {
    /// Takes a token. The time from which it may be used.
    fn take(&mut self, budget: Budget, now: Instant) -> Instant {
        let Some((level, at)) = &mut self.level else {
            return now;
        };
        *level += now.duration_since(*at).as_secs_f64() * budget.refill() - 1.0;
        *at = now;
        match *level < RESERVE {
            true => now + Duration::from_secs_f64((RESERVE - *level) / budget.refill()),
            false => now,
        }
    }

    fn learn(&mut self, remaining: f64, now: Instant) {
        self.level = Some((remaining - self.unanswered - self.waiting, now));
    }
}

/// The requests to one provider in one subscription.
#[derive(Debug)]
struct Lane {
    limit: f64,
    under_way: usize,
    /// No request begins before.
    closed_until: Instant,
    /// When the limit shrank last: answers to older requests do not shrink it again.
    shrunk_at: Option<Instant>,
}

impl Lane {
    /// Twice as many with every round trip until Azure first throttles, one more with every round trip since.
    fn grow(&mut self) {
        let more = match self.shrunk_at {
            None => 1.0,
            Some(_) => 1.0 / self.limit,
        };
        self.limit = (self.limit + more).min(HIGHEST_LIMIT);
    }

    fn shrink(&mut self, began: Instant, pause: Duration) {
        let now = Instant::now();
        self.closed_until = self.closed_until.max(now + pause.min(LONGEST));
        if self.shrunk_at.is_none_or(|at| at <= began) {
            self.limit = (self.limit / 2.0).max(1.0);
            self.shrunk_at = Some(now);
        }
    }
}

/// The subscription and the provider that a path leads to, both in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Destination {
    subscription: String,
    provider: String,
}

impl Destination {
    fn of(path: &str) -> Self {
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
            .unwrap_or_default()
            .to_ascii_lowercase()
        };
        Self {
            subscription: after("subscriptions"),
            provider: after("providers"),
        }
    }
}

#[derive(Default)]
struct State {
    lanes: HashMap<Destination, Lane>,
    buckets: HashMap<(String, Budget), Bucket>,
}

/// Lets requests begin. Clones of a client share it.
#[derive(Default)]
pub(crate) struct Pacer {
    state: Mutex<State>,
    freed: Notify,
}

impl fmt::Debug for Pacer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pacer")
    }
}

impl Pacer {
    /// Waits until a request may begin; it is under way until the permit is dropped. `on_wait` is told of waits for tokens.
    pub(crate) async fn admit(
        self: &Arc<Self>,
        method: Method,
        path: &str,
        on_wait: impl Fn(Duration),
    ) -> Permit {
        let destination = Destination::of(path);
        let budget = Budget::of(method);
        loop {
            let mut freed = pin!(self.freed.notified());
            freed.as_mut().enable();
            let closed = match self.enter(&destination) {
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
            destination,
            budget,
            began: Instant::now(),
        };
        let ready = self.take_token(&permit);
        let wait = ready.saturating_duration_since(permit.began);
        if !wait.is_zero() {
            on_wait(wait);
            sleep_until(ready).await;
        }
        self.begin(&permit);
        permit
    }

    /// Whether the lane takes one more; where it does not, until when it is closed, if it is.
    fn enter(&self, destination: &Destination) -> Result<(), Option<Instant>> {
        let now = Instant::now();
        let mut state = self.lock();
        let lane = state.lane(destination, now);
        if lane.closed_until > now {
            return Err(Some(lane.closed_until));
        }
        if lane.under_way as f64 >= lane.limit {
            return Err(None);
        }
        lane.under_way += 1;
        Ok(())
    }

    fn take_token(&self, permit: &Permit) -> Instant {
        let mut state = self.lock();
        let bucket = state.bucket(permit);
        bucket.waiting += 1.0;
        bucket.take(permit.budget, permit.began)
    }

    fn begin(&self, permit: &Permit) {
        let mut state = self.lock();
        let bucket = state.bucket(permit);
        bucket.waiting -= 1.0;
        bucket.unanswered += 1.0;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn lane(&mut self, destination: &Destination, now: Instant) -> &mut Lane {
        self.lanes.entry(destination.clone()).or_insert(Lane {
            limit: FIRST_LIMIT,
            under_way: 0,
            closed_until: now,
            shrunk_at: None,
        })
    }

    fn bucket(&mut self, permit: &Permit) -> &mut Bucket {
        let key = (permit.destination.subscription.clone(), permit.budget);
        self.buckets.entry(key).or_default()
    }
}

/// A request that is under way.
pub(crate) struct Permit {
    pacer: Arc<Pacer>,
    destination: Destination,
    budget: Budget,
    began: Instant,
}

impl Permit {
    /// Takes in what an answer says of Azure's load.
    pub(crate) fn learn(&self, status: u16, headers: &Headers) {
        let mut state = self.pacer.lock();
        let lane = state.lane(&self.destination, self.began);
        if status == 429 {
            let pause = headers
                .get_optional_str(&HeaderName::from_static("retry-after"))
                .and_then(|seconds| seconds.parse().ok())
                .map_or(UNSAID, Duration::from_secs);
            lane.shrink(self.began, pause);
        } else if status < 500 {
            lane.grow();
        }
        let remaining = headers
            .get_optional_str(&self.budget.header())
            .and_then(|tokens| tokens.parse::<u32>().ok());
        if let Some(remaining) = remaining {
            let bucket = state.bucket(self);
            // The answer is to one of those that count as unanswered.
            bucket.learn(f64::from(remaining) + 1.0, Instant::now());
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.pacer.lock();
        let lane = state.lane(&self.destination, self.began);
        lane.under_way = lane.under_way.saturating_sub(1);
        let bucket = state.bucket(self);
        bucket.unanswered = (bucket.unanswered - 1.0).max(0.0);
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
    fn a_destination_is_the_subscription_and_the_innermost_provider() {
        let of = |path| {
            let Destination {
                subscription,
                provider,
            } = Destination::of(path);
            (subscription, provider)
        };
        assert_eq!(of(ACCOUNT), ("s".into(), "microsoft.storage".into()));
        let grant = format!("{ACCOUNT}/providers/Microsoft.Authorization/roleAssignments/x");
        assert_eq!(of(&grant), ("s".into(), "microsoft.authorization".into()));
        assert_eq!(of("/subscriptions/S"), ("s".into(), String::new()));
        assert_eq!(of("/metadata"), (String::new(), String::new()));
    }

    #[tokio::test(start_paused = true)]
    async fn an_empty_bucket_is_waited_for_at_the_pace_at_which_it_fills() {
        let pacer = Arc::new(Pacer::default());
        let permit = admit(&pacer).await;
        let left = [("x-ms-ratelimit-remaining-subscription-writes", "4")];
        permit.learn(200, &headers(&left));
        drop(permit);
        let began = Instant::now();
        let mut permits = Vec::new();
        for _ in 0..22 {
            permits.push(admit(&pacer).await);
        }
        let waited = began.elapsed();
        // Two of the four at once, the others as tokens come: ten a second.
        assert!((1.9..=2.1).contains(&waited.as_secs_f64()), "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn throttling_closes_the_way_for_all_and_halves_what_goes_at_once() {
        let pacer = Arc::new(Pacer::default());
        let throttled = admit(&pacer).await;
        throttled.learn(429, &headers(&[("retry-after", "7")]));
        drop(throttled);
        let began = Instant::now();
        let permits = futures::future::join_all((0..64).map(|_| admit(&pacer))).await;
        assert_eq!(began.elapsed().as_secs(), 7);
        let one_more = tokio::time::timeout(Duration::from_secs(60), admit(&pacer));
        assert!(one_more.await.is_err(), "half of them are let through");
        let elsewhere = pacer.admit(Method::Put, "/subscriptions/S/resourceGroups/g", |_| {});
        drop(elsewhere.await);
        drop(permits);
        drop(admit(&pacer).await);
    }

    #[tokio::test(start_paused = true)]
    async fn as_long_as_azure_keeps_up_more_go_at_once() {
        let pacer = Arc::new(Pacer::default());
        for _ in 0..300 {
            admit(&pacer).await.learn(200, &Headers::new());
        }
        let all = futures::future::join_all((0..256).map(|_| admit(&pacer)));
        let all = tokio::time::timeout(Duration::from_secs(1), all).await;
        assert_eq!(all.unwrap().len(), 256);
    }
}
