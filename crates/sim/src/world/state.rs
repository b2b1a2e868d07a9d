//! The store of a world: every resource by its lower-case id, a counter of changes, and what each change replaced.

use std::collections::BTreeMap;
use std::ops::Bound;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::body::Body;
use super::path::{Target, within};
use crate::sim_time::SimTime;

/// The code and message with which an operation ended badly.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Failure {
    pub(crate) code: String,
    pub(crate) message: String,
}

/// One resource, group, grant, lock or definition.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Resource {
    /// `namespace/type/type` in lower case.
    pub(crate) kind: String,
    /// What a GET shows, but for what depends on the time.
    pub(crate) body: Body,
    pub(crate) created: SimTime,
    /// When the operation that made it ends, or when a grant takes effect.
    pub(crate) ready: SimTime,
    /// Set while it goes away.
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

    /// The text at `/member/member`; empty if there is none. Names with `/` or `~` in them cannot be asked for.
    pub(crate) fn text(&self, pointer: &str) -> &str {
        pointer
            .split('/')
            .skip(1)
            .try_fold(&*self.body, |value, member| value.get(member))
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    pub(crate) fn id(&self) -> &str {
        self.text("/id")
    }
}

/// All resources.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct State {
    resources: BTreeMap<String, Resource>,
    /// Grows with every change, and with nothing else.
    revision: u64,
    /// What was at a key before its last change, for reads that lag behind.
    #[serde(skip)]
    before: BTreeMap<String, Option<Resource>>,
}

impl State {
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// Counts a change made outside the store.
    pub(crate) fn touch(&mut self) {
        self.revision += 1;
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Resource> {
        self.resources.get(key)
    }

    pub(crate) fn contains(&self, key: &str) -> bool {
        self.resources.contains_key(key)
    }

    pub(crate) fn insert(&mut self, key: String, resource: Resource) {
        self.revision += 1;
        let old = self.resources.insert(key.clone(), resource);
        self.before.insert(key, old);
    }

    pub(crate) fn remove(&mut self, key: &str) -> Option<Resource> {
        let old = self.resources.remove(key)?;
        self.revision += 1;
        self.before.insert(key.to_owned(), Some(old.clone()));
        Some(old)
    }

    /// Removes the resource and all that lies below it.
    pub(crate) fn remove_tree(&mut self, scope: &str) {
        let keys: Vec<String> = self.tree(scope).map(|(key, _)| key.to_owned()).collect();
        for key in keys {
            self.remove(&key);
        }
    }

    /// The resource at `scope` and all that lies below it.
    pub(crate) fn tree<'a>(
        &'a self,
        scope: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a Resource)> {
        self.tree_after(scope, "")
    }

    /// The part of [`State::tree`] whose keys come after `key`; all of it where `key` is empty.
    pub(crate) fn tree_after<'a>(
        &'a self,
        scope: &'a str,
        key: &str,
    ) -> impl Iterator<Item = (&'a str, &'a Resource)> + use<'a> {
        let first = if key < scope {
            Bound::Included(scope.to_owned())
        } else {
            Bound::Excluded(key.to_owned())
        };
        self.resources
            .range((first, Bound::Unbounded))
            .map(|(key, resource)| (key.as_str(), resource))
            .take_while(move |(key, _)| key.starts_with(scope))
            .filter(move |(key, _)| within(key, scope))
    }

    /// Everything whose key starts with `prefix`.
    pub(crate) fn starting<'a>(
        &'a self,
        prefix: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a Resource)> {
        self.resources
            .range(prefix.to_owned()..)
            .map(|(key, resource)| (key.as_str(), resource))
            .take_while(move |(key, _)| key.starts_with(prefix))
    }

    /// The extension resources of one kind directly at `scope`: its grants, locks, policy assignments.
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

    /// Swaps everything at and below `scope` with what was there before; a second call swaps it back.
    pub(crate) fn swap_with_before(&mut self, scope: &str) {
        let keys: Vec<String> = self
            .before
            .keys()
            .filter(|key| within(key, scope))
            .cloned()
            .collect();
        for key in keys {
            let now = self.resources.remove(&key);
            if let Some(Some(old)) = self.before.insert(key.clone(), now) {
                self.resources.insert(key, old);
            }
        }
    }
}
