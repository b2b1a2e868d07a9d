//! The delay after which lists of all types and Azure Resource Graph show a change.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::sim_time::SimTime;

/// When a change is made, and how late it is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LagClock {
    pub(crate) seed: u64,
    pub(crate) now: SimTime,
    /// The maximum delay of a resource, in milliseconds.
    pub(crate) longest: u64,
}

impl LagClock {
    /// The delay of the resource at `key`, between zero and the maximum.
    fn delay(self, key: &str) -> u64 {
        let name = format!("{}/lag/{key}", self.seed);
        let (hash, _) = Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).as_u64_pair();
        match self.longest.checked_add(1) {
            Some(count) => hash % count,
            None => hash,
        }
    }
}

/// A change that lists do not show yet.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct PendingChange<T> {
    shown: SimTime,
    /// What lists show until then; `None` if the change is a creation.
    before: Option<T>,
}

/// The pending changes of each resource, in order. All changes of a resource have the same delay.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct ListLag<T>(BTreeMap<String, Vec<PendingChange<T>>>);

impl<T> Default for ListLag<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T> ListLag<T> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Records a change of the resource at `key`, which was `before`.
    pub(crate) fn record(&mut self, clock: LagClock, key: &str, before: Option<T>) {
        let shown = clock.now.plus(clock.delay(key));
        if shown > clock.now {
            let change = PendingChange { shown, before };
            self.0.entry(key.to_owned()).or_default().push(change);
        }
    }

    /// Forgets the changes that lists show at this time.
    pub(crate) fn settle(&mut self, now: SimTime) {
        self.0.retain(|_, changes| {
            changes.retain(|change| change.shown > now);
            !changes.is_empty()
        });
    }

    /// What lists show of the resources with pending changes and keys from `first` on.
    pub(crate) fn shown_from(&self, first: &str) -> impl Iterator<Item = (&str, Option<&T>)> {
        self.0
            .range(first.to_owned()..)
            .filter_map(|(key, changes)| {
                let change = changes.first()?;
                Some((key.as_str(), change.before.as_ref()))
            })
    }
}
