//! The tables of Azure Resource Graph: the resources of a world that the caller can read, in the scope of a query.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::query::TableName;
use super::row::Row;
use crate::world::body::Body;
use crate::world::call::Call;
use crate::world::directory::{OTHER_SUBSCRIPTION, SUBSCRIPTION};
use crate::world::model::World;
use crate::world::path::Target;
use crate::world::state::Resource;
use crate::world::{authorization, definitions, kinds, lists, subscriptions};

/// The subscriptions and management groups that a query names; without any, the whole tenant.
#[derive(Clone, Debug, Default)]
pub(super) struct QueryScope {
    /// Ids of subscriptions in lowercase, including those in the management groups.
    subscriptions: BTreeSet<String>,
    /// Keys of management groups.
    groups: BTreeSet<String>,
    is_tenant: bool,
}

impl QueryScope {
    pub(super) fn new(
        world: &World,
        subscriptions: Option<Vec<String>>,
        groups: Option<Vec<String>>,
    ) -> Self {
        let is_tenant = subscriptions.is_none() && groups.is_none();
        let key = |name: String| format!("/providers/{}/{name}", kinds::MANAGEMENT_GROUP);
        let key = |name: String| key(name).to_ascii_lowercase();
        let mut scope = Self {
            subscriptions: BTreeSet::new(),
            groups: groups.into_iter().flatten().map(key).collect(),
            is_tenant,
        };
        let named = subscriptions.into_iter().flatten();
        scope.subscriptions = named.map(|id| id.to_ascii_lowercase()).collect();
        for id in [SUBSCRIPTION, OTHER_SUBSCRIPTION] {
            if scope.has_group_above(world, &subscription(id)) {
                scope.subscriptions.insert(id.to_owned());
            }
        }
        scope
    }

    fn contains(&self, world: &World, target: &Target) -> bool {
        self.is_tenant
            || match &target.subscription {
                Some(id) => self.subscriptions.contains(&id.to_ascii_lowercase()),
                None => self.has_group_above(world, target),
            }
    }

    fn has_group_above(&self, world: &World, target: &Target) -> bool {
        !self.groups.is_empty()
            && (world.scopes(target).iter()).any(|above| self.groups.contains(above))
    }
}

fn subscription(id: &str) -> Target {
    Target::parse(&format!("/subscriptions/{id}"))
}

/// Reads tables as the caller of a query.
pub(super) struct TableReader<'a> {
    world: &'a World,
    call: &'a Call<'a>,
    scope: QueryScope,
    /// Whether the caller can read all resources of a type in a subscription.
    permissions: BTreeMap<(String, String), bool>,
}

impl<'a> TableReader<'a> {
    pub(super) fn new(world: &'a World, call: &'a Call<'a>, scope: QueryScope) -> Self {
        Self {
            world,
            call,
            scope,
            permissions: BTreeMap::new(),
        }
    }

    pub(super) fn rows(&mut self, table: TableName) -> Vec<Row> {
        let listed = self.world.state.listed_after("", None);
        let in_table = |key: &str, resource: &Resource| match table {
            TableName::Resources => lists::is_tracked(key, resource),
            TableName::Containers => {
                [kinds::RESOURCE_GROUP, kinds::MANAGEMENT_GROUP].contains(&&*resource.kind)
            }
            TableName::Authorization => {
                [kinds::ROLE_ASSIGNMENT, kinds::ROLE_DEFINITION].contains(&&*resource.kind)
            }
        };
        let mut rows = match table {
            TableName::Resources => Vec::new(),
            TableName::Containers => self.subscriptions(),
            TableName::Authorization => built_in_roles(self.call),
        };
        for (key, resource) in listed.filter(|(key, resource)| in_table(key, resource)) {
            // The creation of a management group takes time.
            let exists =
                resource.kind != kinds::MANAGEMENT_GROUP || resource.ready <= self.call.now;
            if exists && self.is_visible(&Target::parse(key), &resource.kind) {
                rows.push(Row::Resource {
                    body: self.world.view(resource, self.call.now),
                    kind: resource.kind.clone(),
                });
            }
        }
        rows
    }

    /// Whether the resource is in the scope of the query, and the caller can read it.
    fn is_visible(&mut self, target: &Target, kind: &str) -> bool {
        if !self.scope.contains(self.world, target) {
            return false;
        }
        let Some(id) = &target.subscription else {
            return self.can_read(target, kind);
        };
        let cached = (id.to_ascii_lowercase(), kind.to_owned());
        let can_read_all = match self.permissions.get(&cached) {
            Some(permitted) => *permitted,
            None => {
                let permitted = self.can_read(&subscription(id), kind);
                self.permissions.insert(cached, permitted);
                permitted
            }
        };
        can_read_all || self.can_read(target, kind)
    }

    fn can_read(&self, target: &Target, kind: &str) -> bool {
        let (principal, now) = (&self.call.principal, self.call.now);
        let action = format!("{kind}/read");
        authorization::is_permitted(self.world, principal, &action, target, now)
    }

    fn subscriptions(&mut self) -> Vec<Row> {
        let mut rows = Vec::new();
        for id in [SUBSCRIPTION, OTHER_SUBSCRIPTION] {
            let kind = "microsoft.resources/subscriptions";
            if !self.is_visible(&subscription(id), kind) {
                continue;
            }
            let found = subscriptions::subscription(id);
            let body = json!({
                "id": found["id"],
                "name": found["displayName"],
                "properties": {
                    "state": found["state"],
                    "subscriptionPolicies": found["subscriptionPolicies"],
                },
            });
            rows.push(Row::Resource {
                body: Body::from(body),
                kind: kind.to_owned(),
            });
        }
        rows
    }
}

/// The built-in roles, which every principal of the tenant can read.
fn built_in_roles(call: &Call<'_>) -> Vec<Row> {
    let row = |body| Row::Resource {
        body: Body::from(body),
        kind: kinds::ROLE_DEFINITION.to_owned(),
    };
    definitions::built_in(call).map(row).collect()
}
