//! The resources of a world by their lowercase id, with a change counter and the previous state of each resource.

use std::collections::BTreeMap;
use std::ops::Bound;

use serde::{Deserialize, Serialize};

use super::body::Body;
use super::list_lag::{LagClock, ListLag};
use super::merge;
use super::path::{Target, is_within};
use crate::sim_time::SimTime;

/// The error of a failed operation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Failure {
    pub(crate) code: String,
    pub(crate) message: String,
}

/// A long-running operation, in progress or completed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Operation {
    /// The key of the resource that the operation changes.
    pub(crate) resource: String,
    pub(crate) started: SimTime,
    pub(crate) ends: SimTime,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<Failure>,
}

/// A resource, including resource groups, role assignments, locks and definitions.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Resource {
    /// `namespace/type/type` in lowercase.
    pub(crate) kind: String,
    /// The body that a GET returns, except for members that depend on the time.
    pub(crate) body: Body,
    pub(crate) created: SimTime,
    /// The end of the operation that creates the resource, or the time at which a role assignment takes effect.
    pub(crate) ready: SimTime,
    /// The end of the deletion in progress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) deleting: Option<SimTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<Failure>,
}

impl Resource {
    pub(crate) fn new(target: &Target, body: impl Into<Body>, now: SimTime) -> Self {
        Self {
            kind: target.kind().to_ascii_lowercase(),
            body: body.into(),
            created: now,
            ready: now,
            deleting: None,
            failure: None,
        }
    }

    /// The string at `/member/member` of the body; see [`merge::text`].
    pub(crate) fn text(&self, pointer: &str) -> &str {
        merge::text(&self.body, pointer)
    }

    pub(crate) fn id(&self) -> &str {
        self.text("/id")
    }
}

/// The resources of a world.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct State {
    resources: BTreeMap<String, Resource>,
    /// Increases with every change.
    revision: u64,
    /// The resource at a key before its last change, for stale reads.
    #[serde(skip)]
    previous: BTreeMap<String, Option<Resource>>,
    /// The changes that lists of all types do not show yet.
    #[serde(default, skip_serializing_if = "ListLag::is_empty")]
    lag: ListLag<Resource>,
    /// Set if changes are shown late.
    #[serde(skip)]
    lag_clock: Option<LagClock>,
}

impl State {
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// Counts a change outside of the resources.
    pub(crate) fn touch(&mut self) {
        self.revision += 1;
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Resource> {
        self.resources.get(key)
    }

    pub(crate) fn contains(&self, key: &str) -> bool {
        self.resources.contains_key(key)
    }

    /// Sets the time of the next changes, if lists of all types show changes late.
    pub(crate) fn set_lag_clock(&mut self, clock: Option<LagClock>) {
        self.lag_clock = clock;
        match clock {
            Some(clock) => self.lag.settle(clock.now),
            None if self.lag.is_empty() => {}
            None => self.lag = ListLag::default(),
        }
    }

    pub(crate) fn insert(&mut self, key: String, resource: Resource) {
        self.revision += 1;
        let old = self.resources.insert(key.clone(), resource);
        if let Some(clock) = self.lag_clock {
            self.lag.record(clock, &key, old.clone());
        }
        self.previous.insert(key, old);
    }

    pub(crate) fn remove(&mut self, key: &str) -> Option<Resource> {
        let old = self.resources.remove(key)?;
        self.revision += 1;
        if let Some(clock) = self.lag_clock {
            self.lag.record(clock, key, Some(old.clone()));
        }
        self.previous.insert(key.to_owned(), Some(old.clone()));
        Some(old)
    }

    /// Removes the resource at `scope` and all resources below it.
    pub(crate) fn remove_tree(&mut self, scope: &str) {
        let keys: Vec<String> = self.tree(scope).map(|(key, _)| key.to_owned()).collect();
        for key in keys {
            self.remove(&key);
        }
    }

    /// The resource at `scope` and all resources below it.
    pub(crate) fn tree<'a>(
        &'a self,
        scope: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a Resource)> {
        self.tree_after(scope, None)
    }

    /// The part of [`State::tree`] with keys after `key`; all of it without a `key`.
    pub(crate) fn tree_after<'a>(
        &'a self,
        scope: &'a str,
        key: Option<&str>,
    ) -> impl Iterator<Item = (&'a str, &'a Resource)> + use<'a> {
        let first = match key {
            Some(key) if key >= scope => Bound::Excluded(key.to_owned()),
            _ => Bound::Included(scope.to_owned()),
        };
        self.resources
            .range((first, Bound::Unbounded))
            .map(|(key, resource)| (key.as_str(), resource))
            .take_while(move |(key, _)| key.starts_with(scope))
            .filter(move |(key, _)| is_within(key, scope))
    }

    /// What lists of all types show of [`State::tree_after`]: changes are late by the lag of their resource.
    pub(crate) fn listed_after<'a>(
        &'a self,
        scope: &'a str,
        key: Option<&str>,
    ) -> Box<dyn Iterator<Item = (&'a str, &'a Resource)> + 'a> {
        let present = self.tree_after(scope, key);
        if self.lag.is_empty() {
            return Box::new(present);
        }
        let mut listed: BTreeMap<&str, &Resource> = present.collect();
        for (pending, before) in self.lag.shown_from(scope) {
            if !is_within(pending, scope) || key.is_some_and(|key| pending <= key) {
                continue;
            }
            match before {
                Some(before) => listed.insert(pending, before),
                None => listed.remove(pending),
            };
        }
        Box::new(listed.into_iter())
    }

    /// The resources whose key starts with `prefix`.
    pub(crate) fn with_prefix<'a>(
        &'a self,
        prefix: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a Resource)> {
        self.resources
            .range(prefix.to_owned()..)
            .map(|(key, resource)| (key.as_str(), resource))
            .take_while(move |(key, _)| key.starts_with(prefix))
    }

    /// The extension resources of one type directly at `scope`, such as its role assignments or locks.
    pub(crate) fn extensions<'a>(
        &'a self,
        scope: &str,
        kind: &str,
    ) -> impl Iterator<Item = &'a Resource> + use<'a> {
        let prefix = format!("{scope}/providers/{kind}/");
        self.resources
            .range(prefix.clone()..)
            .take_while(move |(key, _)| key.starts_with(&prefix))
            .map(|(_, resource)| resource)
    }

    /// Swaps the resources at and below `scope` with their previous state. A second call restores them.
    pub(crate) fn swap_previous(&mut self, scope: &str) {
        let keys: Vec<String> = self
            .previous
            .keys()
            .filter(|key| is_within(key, scope))
            .cloned()
            .collect();
        for key in keys {
            let now = self.resources.remove(&key);
            if let Some(Some(old)) = self.previous.insert(key.clone(), now) {
                self.resources.insert(key, old);
            }
        }
    }
}
