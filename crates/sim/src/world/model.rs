//! The data of a world, and the operations on it that all resource types share.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::body::Body;
use super::directory::Principal;
use super::kinds;
use super::limits::Limits;
use super::list_lag::LagClock;
use super::options::{Pace, WorldOptions};
use super::path::is_within;
use super::resource_graph::quota::QueryQuota;
use super::secrets;
use super::state::{Operation, Resource, State};
use super::storage::provisioning;
use super::tokens::TokenCache;
use crate::sim_time::SimTime;

/// A tenant with its subscriptions, resources, role assignments and long-running operations.
///
/// # Guarantees
///
/// The same options, requests and times give the same responses, byte for byte. The world uses no clock, randomness or
/// I/O. Time never goes back: a time before the latest one is replaced by the latest one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct World {
    pub(super) options: WorldOptions,
    counter: u64,
    pub(super) latest: SimTime,
    pub(super) state: State,
    pub(super) principals: BTreeMap<String, Principal>,
    pub(super) operations: BTreeMap<String, Operation>,
    /// Storage account names in use, with the key of the account.
    pub(super) account_names: BTreeMap<String, String>,
    /// `{subscription}/{namespace}` of providers registered since the start, with the time at which registration ends.
    pub(super) registrations: BTreeMap<String, SimTime>,
    /// The end of each resource group deletion in progress, with the key of the group.
    pub(super) deadlines: BTreeSet<(SimTime, String)>,
    /// Identities whose federated credentials are being written, with the end of the write.
    pub(super) credential_writes: BTreeMap<String, SimTime>,
    #[serde(skip)]
    pub(super) pace: Pace,
    #[serde(skip)]
    pub(super) tokens: TokenCache,
    #[serde(skip)]
    pub(super) limits: Limits,
    #[serde(skip)]
    pub(super) quota: QueryQuota,
    #[serde(skip)]
    pub(super) served: u64,
    /// The operation that the last request started.
    #[serde(skip)]
    pub(super) last_operation: Option<String>,
}

impl World {
    /// A world without any resources or principals.
    pub(super) fn empty(options: WorldOptions) -> Self {
        Self {
            options,
            counter: 0,
            latest: SimTime::EPOCH,
            state: State::default(),
            principals: BTreeMap::new(),
            operations: BTreeMap::new(),
            account_names: BTreeMap::new(),
            registrations: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            credential_writes: BTreeMap::new(),
            pace: Pace::default(),
            tokens: TokenCache::default(),
            limits: Limits::default(),
            quota: QueryQuota::default(),
            served: 0,
            last_operation: None,
        }
    }

    /// Replaces the pace.
    pub fn set_pace(&mut self, pace: Pace) {
        self.pace = pace;
    }

    /// The options with which the world was created.
    pub fn options(&self) -> &WorldOptions {
        &self.options
    }

    /// The latest time of a request.
    pub fn latest(&self) -> SimTime {
        self.latest
    }

    /// A counter that increases with every change to persistent state.
    pub fn revision(&self) -> u64 {
        self.state.revision()
    }

    /// A simulated delay in milliseconds: `usual`, limited by the pace.
    pub(super) fn delay(&self, usual: u64) -> u64 {
        self.pace
            .longest_delay
            .map_or(usual, |longest| usual.min(longest))
    }

    /// The `Retry-After` in seconds: `usual`, limited by the pace.
    pub(super) fn retry_after(&self, usual: u64) -> u64 {
        self.delay(usual * 1000).div_ceil(1000)
    }

    /// Sets the time of the next changes for the lag of lists.
    pub(super) fn set_lag_time(&mut self, now: SimTime) {
        let longest = self.delay(self.options.list_lag);
        let seed = self.options.seed;
        let clock = LagClock { seed, now, longest };
        self.state.set_lag_clock((longest > 0).then_some(clock));
    }

    /// Generates the next GUID.
    pub(super) fn guid(&mut self) -> String {
        self.counter += 1;
        self.state.touch();
        let name = format!("{}/{}", self.options.seed, self.counter);
        Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).to_string()
    }

    /// The body that a GET at time `now` returns.
    pub(super) fn view(&self, resource: &Resource, now: SimTime) -> Body {
        let state = if resource.deleting.is_some() {
            Some("Deleting")
        } else if now < resource.ready {
            Some(provisioning::state_during_creation(resource, now))
        } else {
            resource.failure.as_ref().map(|_| "Failed")
        };
        let mut body = resource.body.clone();
        if let Some(state) = state
            && let Some(member) = body.pointer_mut("/properties/provisioningState")
        {
            *member = Value::from(state);
        }
        if body.has_secrets() {
            secrets::remove(&mut body);
        }
        body
    }

    /// Removes a resource and everything below it, and releases their principals and storage account names.
    pub(super) fn remove_tree(&mut self, scope: &str) {
        let principals: Vec<String> = self
            .state
            .tree(scope)
            .filter(|(_, resource)| resource.kind != kinds::ROLE_ASSIGNMENT)
            .flat_map(|(_, resource)| {
                ["/properties/principalId", "/identity/principalId"]
                    .map(|pointer| resource.text(pointer).to_owned())
            })
            .collect();
        for principal in principals {
            self.principals.remove(&principal);
        }
        self.account_names
            .retain(|_, account| !is_within(account, scope));
        self.state.remove_tree(scope);
    }
}
