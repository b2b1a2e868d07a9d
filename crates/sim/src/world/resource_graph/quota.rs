//! The quota of queries of Azure Resource Graph (Microsoft docs "Guidance for throttled requests in Azure Resource Graph").

use std::collections::BTreeMap;

use crate::sim_time::SimTime;

/// The number of queries of a principal in a window.
const QUERIES: u64 = 15;
/// The length of a window, in milliseconds.
const WINDOW: u64 = 5_000;

/// The current window of each principal.
#[derive(Clone, Debug, Default)]
pub(crate) struct QueryQuota(BTreeMap<String, Window>);

#[derive(Clone, Copy, Debug)]
struct Window {
    start: SimTime,
    used: u64,
}

/// What is left of a quota after a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Allowance {
    /// Whether the query is within the quota.
    pub(super) is_granted: bool,
    pub(super) remaining: u64,
    /// The seconds until the next window.
    pub(super) resets_after: u64,
}

impl QueryQuota {
    /// Counts a query. Without a limit, every query is the first one of a window.
    pub(super) fn take(&mut self, principal: &str, now: SimTime, is_limited: bool) -> Allowance {
        let fresh = Window {
            start: now,
            used: 0,
        };
        let window = self.0.entry(principal.to_owned()).or_insert(fresh);
        if !is_limited || now.since(window.start) >= WINDOW {
            *window = fresh;
        }
        let is_granted = window.used < QUERIES;
        window.used += u64::from(is_granted);
        Allowance {
            is_granted,
            remaining: QUERIES - window.used,
            resets_after: (WINDOW - now.since(window.start)).div_ceil(1000),
        }
    }
}
