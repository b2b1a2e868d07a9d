//! What was found in Azure.

mod grants;
mod locks;
mod owned;
mod principals;

use std::collections::{HashMap, HashSet};

use serde_json::Value as Json;

pub use grants::LiveGrant;
pub use locks::{LiveLock, LockLevel, UnreadLocks};
pub use owned::{KnownType, Owned, UnseenOwned};
pub use principals::Existence;

use crate::{
    arm::ArmId,
    graph::{Graph, Node},
    value::{Output, Value},
};

/// What was found in Azure, for the graph that was asked about.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Live {
    resources: HashMap<ArmId, Json>,
    grants: grants::Known,
    callers: HashSet<ArmId>,
    contents: HashMap<ArmId, Vec<ArmId>>,
    locks: locks::Known,
    owned: owned::Known,
    principals: principals::Known,
}

impl Live {
    /// Takes in a resource. Role assignments are kept apart.
    pub fn insert(&mut self, body: Json) {
        let is_grant = body.get("type").and_then(Json::as_str).is_some_and(|name| {
            name.eq_ignore_ascii_case("Microsoft.Authorization/roleAssignments")
        });
        if is_grant {
            if let Some(grant) = LiveGrant::parse(body) {
                self.grants.insert(grant);
            }
        } else if let Some(id) = body.get("id").and_then(Json::as_str).and_then(ArmId::parse) {
            self.resources.insert(id, body);
        }
    }

    /// Takes in a resource under the id that it was asked by, whatever id the answer has.
    pub fn insert_as(&mut self, id: ArmId, body: Json) {
        self.resources.insert(id, body);
    }

    /// Takes a resource out that is there no longer.
    pub fn remove(&mut self, id: &ArmId) {
        self.resources.remove(id);
    }

    /// Takes in that a role assignment is one by which the caller has its own rights, directly or through a group.
    pub fn insert_grant_of_caller(&mut self, id: ArmId) {
        self.callers.insert(id);
    }

    /// Whether the caller has rights of its own by a role assignment.
    pub fn is_of_caller(&self, grant: &LiveGrant) -> bool {
        self.callers.contains(&grant.id)
    }

    /// The same without what is in or on these resources, themselves included, and without these grants.
    pub fn without(&self, gone: &[&ArmId]) -> Self {
        let stays = |id: &ArmId| !gone.iter().any(|gone| gone.covers(id));
        let mut left = self.clone();
        left.resources.retain(|id, _| stays(id));
        left.grants = self
            .grants
            .retained(|grant| stays(&grant.scope) && stays(&grant.id));
        left
    }

    /// Takes in the resources, the contents of groups, and what stacks own, of another look.
    pub fn absorb(&mut self, other: Self) {
        self.resources.extend(other.resources);
        self.contents.extend(other.contents);
        self.owned.absorb(other.owned);
    }

    /// Takes in what is in a resource group.
    pub fn insert_contents(&mut self, group: ArmId, ids: Vec<ArmId>) {
        self.contents.insert(group, ids);
    }

    /// The resource of an id, if it exists.
    pub fn resource(&self, id: &ArmId) -> Option<&Json> {
        self.resources.get(id)
    }

    /// All resources that were seen, in no order.
    pub fn resources(&self) -> impl Iterator<Item = (&ArmId, &Json)> {
        self.resources.iter()
    }

    /// What Azure filled into a resource of the graph, if it exists.
    pub fn output(&self, graph: &Graph, output: &Output) -> Option<&Json> {
        let id = graph.node(&output.of).and_then(Node::id)?;
        output.find(self.resource(id)?)
    }

    /// A value with what is known before the run filled in.
    pub fn fill(&self, graph: &Graph, value: &Value) -> Value {
        value.fill(&|output| self.output(graph, output).cloned())
    }

    /// What is in a resource group, if that was asked.
    pub fn contents(&self, group: &ArmId) -> Option<&[ArmId]> {
        self.contents.get(group).map(Vec::as_slice)
    }
}
