//! Token buckets that limit the request rate, and the headers of every ARM response.
//!
//! Bucket sizes and refill rates are those of Azure's page "Understand how Azure Resource Manager throttles requests".

use std::collections::BTreeMap;

use uuid::Uuid;

use super::call::Call;
use super::reply::ArmError;
use crate::http::{Method, Request, Response};
use crate::sim_time::SimTime;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Budget {
    Reads,
    Writes,
    Deletes,
}

impl Budget {
    fn from_method(method: Method) -> Self {
        match method {
            Method::Get | Method::Head => Self::Reads,
            Method::Put | Method::Patch | Method::Post => Self::Writes,
            Method::Delete => Self::Deletes,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Reads => "reads",
            Self::Writes => "writes",
            Self::Deletes => "deletes",
        }
    }

    /// The tokens in a full bucket of one principal, and the tokens added per second.
    fn size(self) -> (u64, u64) {
        match self {
            Self::Reads => (250, 25),
            Self::Writes | Self::Deletes => (200, 10),
        }
    }

    /// The header for all principals of a subscription, which together have 15 times as many tokens.
    fn global_header(self) -> &'static str {
        match self {
            Self::Reads => "x-ms-ratelimit-remaining-subscription-global-reads",
            Self::Writes => "x-ms-ratelimit-remaining-subscription-global-writes",
            Self::Deletes => "x-ms-ratelimit-remaining-subscription-global-deletes",
        }
    }
}

/// A bucket; its level is in thousandths of a token.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    level: u64,
    at: SimTime,
}

impl Bucket {
    fn refill(&mut self, (size, rate): (u64, u64), now: SimTime) {
        let more = now.since(self.at).saturating_mul(rate);
        self.level = self.level.saturating_add(more).min(size * 1000);
        self.at = now;
    }
}

/// The buckets of a world, one per subscription, principal and kind of request. They are not stored in files: a new process
/// starts with full buckets.
#[derive(Clone, Debug, Default)]
pub(crate) struct Limits {
    buckets: BTreeMap<(String, String, Budget), Bucket>,
    /// The tokens that the current request leaves in its bucket.
    remaining: Option<(Budget, u64)>,
}

impl Limits {
    /// Takes one token; fails if the bucket is empty.
    pub(crate) fn take(&mut self, call: &Call<'_>) -> Result<(), ArmError> {
        let Some(subscription) = &call.target.subscription else {
            return Ok(());
        };
        let budget = Budget::from_method(call.method());
        let (size, rate) = budget.size();
        let key = (
            subscription.to_ascii_lowercase(),
            call.principal.clone(),
            budget,
        );
        let bucket = self.buckets.entry(key).or_insert(Bucket {
            level: size * 1000,
            at: call.now,
        });
        bucket.refill((size, rate), call.now);
        let is_empty = bucket.level < 1000;
        if !is_empty {
            bucket.level -= 1000;
        }
        self.remaining = Some((budget, bucket.level / 1000));
        if !is_empty {
            return Ok(());
        }
        let wait = (1000 - bucket.level).div_ceil(rate * 1000).max(1);
        Err(ArmError::gateway(
            429,
            "SubscriptionRequestsThrottled",
            format!(
                "Number of '{}' requests for subscription '{subscription}' actor '{}' exceeded. Please try again after '{wait}' seconds after additional tokens are available. Refer to https://aka.ms/arm-throttling for additional information.",
                budget.name(),
                call.principal
            ),
        )
        .header("Retry-After", wait))
    }

    /// Adds the headers of every ARM response.
    pub(crate) fn annotate(
        &mut self,
        served: u64,
        request: &Request,
        now: SimTime,
        response: &mut Response,
    ) {
        let id = Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("request {served}").as_bytes());
        let correlation = request
            .header("x-ms-correlation-request-id")
            .map_or_else(|| id.to_string(), str::to_owned);
        let mut add = |name: &str, value: String| response.headers.push((name.to_owned(), value));
        add("Cache-Control", "no-cache".to_owned());
        add("Pragma", "no-cache".to_owned());
        add("Expires", "-1".to_owned());
        add(
            "Strict-Transport-Security",
            "max-age=31536000; includeSubDomains".to_owned(),
        );
        add("X-Content-Type-Options", "nosniff".to_owned());
        add("x-ms-request-id", id.to_string());
        add("x-ms-routing-request-id", format!("SIM:{}:{id}", now.iso()));
        add("x-ms-correlation-request-id", correlation);
        if let Some(client) = request.header("x-ms-client-request-id") {
            add("x-ms-client-request-id", client.to_owned());
        }
        if let Some((budget, remaining)) = self.remaining.take() {
            let (size, _) = budget.size();
            add(
                &format!("x-ms-ratelimit-remaining-subscription-{}", budget.name()),
                remaining.to_string(),
            );
            add(budget.global_header(), (size * 14 + remaining).to_string());
        }
    }
}
