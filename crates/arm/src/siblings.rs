//! Resources of one type that are being made beside each other are looked at together: one list instead of a request each.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::{client::Client, operation::provisioning_state, progress::Quiet};

/// A list that began so long ago still tells how things are.
const FRESH: Duration = Duration::from_secs(1);

/// All that a client is waiting for, by the list that would have it. Clones of a client share it.
#[derive(Debug, Default)]
pub(crate) struct Siblings(Mutex<HashMap<Collection, Arc<Shared>>>);

/// A list: its path in lower case, and the api-version.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Collection {
    path: String,
    api_version: String,
}

/// What those of one list share. Each of them holds one reference, and the map another.
#[derive(Debug, Default)]
struct Shared(tokio::sync::Mutex<Option<Look>>);

/// What a list told.
#[derive(Debug)]
struct Look {
    began: Instant,
    /// The state of each resource that has one, by its id in lower case; nothing where there is no such list.
    states: Option<HashMap<String, String>>,
}

/// One of those that are being made.
pub(crate) struct Sibling<'a> {
    all: &'a Siblings,
    collection: Collection,
    shared: Arc<Shared>,
    id: &'a str,
    /// What was listed before says nothing of it.
    accepted: Instant,
}

impl Siblings {
    /// Puts a resource that Azure has just accepted beside the others of its list.
    pub(crate) fn join<'a>(&'a self, id: &'a str, api_version: &str) -> Option<Sibling<'a>> {
        let (path, _) = id.rsplit_once('/')?;
        let collection = Collection {
            path: path.to_ascii_lowercase(),
            api_version: api_version.to_owned(),
        };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = all.entry(collection.clone()).or_default().clone();
        Some(Sibling {
            all: self,
            collection,
            shared,
            id,
            accepted: Instant::now(),
        })
    }
}

impl Sibling<'_> {
    /// Its provisioning state as a list tells it. Nothing where it is alone, where the list cannot be read, or says
    /// nothing of it: then it has to be asked for by itself.
    pub(crate) async fn state(&self, client: &Client) -> Option<String> {
        let due = Instant::now();
        let mut last = self.shared.0.lock().await;
        let tells = |look: &Look| {
            look.states.is_none() || look.began >= self.accepted && look.began + FRESH >= due
        };
        if !last.as_ref().is_some_and(tells) {
            if self.is_alone() {
                return None;
            }
            *last = Some(self.look(client).await);
        }
        let states = last.as_ref()?.states.as_ref()?;
        states.get(&self.id.to_ascii_lowercase()).cloned()
    }

    /// Whether nobody else is left but the map's reference.
    fn is_alone(&self) -> bool {
        Arc::strong_count(&self.shared) <= 2
    }

    async fn look(&self, client: &Client) -> Look {
        let began = Instant::now();
        let path = self.id.rsplit_once('/').map_or(self.id, |(path, _)| path);
        let api_version = &self.collection.api_version;
        let mut states = HashMap::new();
        let mut keep = |item: serde_json::Value| {
            let id = item.get("id").and_then(|id| id.as_str());
            if let (Some(id), Some(state)) = (id, provisioning_state(&item)) {
                states.insert(id.to_ascii_lowercase(), state.to_owned());
            }
        };
        let listed = client.list(path, api_version, &[], &mut keep, &Quiet).await;
        let can_be_read = listed.is_ok_and(|listing| listing.found);
        Look {
            began,
            states: can_be_read.then_some(states),
        }
    }
}

impl Drop for Sibling<'_> {
    fn drop(&mut self) {
        let mut all = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_alone() {
            all.remove(&self.collection);
        }
    }
}

#[cfg(test)]
#[path = "siblings_tests.rs"]
mod tests;
