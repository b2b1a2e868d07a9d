//! Polls resources of one collection that are being created at the same time with one list instead of a GET each.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// A list that started within this time is not repeated.
const FRESH: Duration = Duration::from_secs(1);

/// The resources that a client waits for, by their collection. Clones of a client share it.
#[derive(Debug, Default)]
pub(crate) struct BatchPoller(Mutex<HashMap<CollectionKey, Arc<SharedSnapshot>>>);

/// A collection: its path in lowercase, and the api-version.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct CollectionKey {
    path: String,
    api_version: String,
}

/// The last list of a collection. Each member holds one reference, and the map another.
#[derive(Debug, Default)]
struct SharedSnapshot(tokio::sync::Mutex<Option<ListSnapshot>>);

/// The result of a list.
#[derive(Debug)]
struct ListSnapshot {
    started: Instant,
    /// The provisioning state of each resource that has one, by its id in lowercase; `None` if the collection cannot be
    /// listed.
    states: Option<HashMap<String, String>>,
}

/// A resource that is being created.
pub(crate) struct BatchMember<'a> {
    poller: &'a BatchPoller,
    key: CollectionKey,
    snapshot: Arc<SharedSnapshot>,
    id: &'a str,
    /// An older list does not contain the resource.
    accepted: Instant,
}

impl BatchPoller {
    /// Adds a resource whose creation Azure has just accepted. `None` if the id has no collection.
    pub(crate) fn join<'a>(&'a self, id: &'a str, api_version: &str) -> Option<BatchMember<'a>> {
        let (path, _) = id.rsplit_once('/')?;
        let key = CollectionKey {
            path: path.to_ascii_lowercase(),
            api_version: api_version.to_owned(),
        };
        let mut collections = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let snapshot = collections.entry(key.clone()).or_default().clone();
        Some(BatchMember {
            poller: self,
            key,
            snapshot,
            id,
            accepted: Instant::now(),
        })
    }
}

impl BatchMember<'_> {
    /// The provisioning state that a list shows. `None` if the resource is the only member, if the collection cannot be
    /// listed, or if the list does not show a state: the caller then polls the resource itself. `list` reads the states
    /// of a collection, given its path and api-version.
    pub(crate) async fn state(
        &self,
        list: impl AsyncFnOnce(&str, &str) -> Option<HashMap<String, String>>,
    ) -> Option<String> {
        let due = Instant::now();
        let mut last = self.snapshot.0.lock().await;
        let is_current = |snapshot: &ListSnapshot| {
            snapshot.states.is_none()
                || snapshot.started >= self.accepted && snapshot.started + FRESH >= due
        };
        if !last.as_ref().is_some_and(is_current) {
            if self.is_alone() {
                return None;
            }
            let started = Instant::now();
            let path = self.id.rsplit_once('/').map_or(self.id, |(path, _)| path);
            let states = list(path, &self.key.api_version).await;
            *last = Some(ListSnapshot { started, states });
        }
        let states = last.as_ref()?.states.as_ref()?;
        states.get(&self.id.to_ascii_lowercase()).cloned()
    }

    /// Whether only this member and the map refer to the snapshot.
    fn is_alone(&self) -> bool {
        Arc::strong_count(&self.snapshot) <= 2
    }
}

impl Drop for BatchMember<'_> {
    fn drop(&mut self) {
        let mut collections = self.poller.0.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_alone() {
            collections.remove(&self.key);
        }
    }
}

#[cfg(test)]
#[path = "batch_poll_tests.rs"]
mod tests;
