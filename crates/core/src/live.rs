//! What was found in Azure.

mod locks;
mod owned;
mod principals;

use std::collections::{HashMap, HashSet};

use serde_json::Value as Json;

pub use locks::{LiveLock, LockLevel, UnreadLocks};
pub use owned::{KnownType, Owned, UnseenOwned};
pub use principals::Existence;

use crate::{
    arm::ArmId,
    graph::{Grant, Graph, Node},
    value::{Output, Value},
};

/// What was found in Azure, for the graph that was asked about.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Live {
    resources: HashMap<ArmId, Json>,
    grants: Vec<LiveGrant>,
    callers: HashSet<ArmId>,
    contents: HashMap<ArmId, Vec<ArmId>>,
    locks: locks::Known,
    owned: owned::Known,
    principals: principals::Known,
}

/// A role assignment that exists.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveGrant {
    /// Its id; the name in it says nothing.
    pub id: ArmId,
    /// Where it is made.
    pub scope: ArmId,
    /// The role definition's GUID.
    pub role: String,
    /// The role's name, where somebody knows it; see [`Live::name_roles`].
    pub role_name: Option<String>,
    /// The principal's object id.
    pub principal: String,
    /// The whole answer.
    pub body: Json,
}

impl LiveGrant {
    /// Reads a role assignment as ARM answers it.
    pub fn parse(body: Json) -> Option<Self> {
        let text = |path: &str| body.pointer(path).and_then(Json::as_str);
        let id = ArmId::parse(text("/id")?)?;
        Some(Self {
            scope: text("/properties/scope")
                .and_then(ArmId::parse)
                .or_else(|| id.parent())?,
            role: text("/properties/roleDefinitionId")?
                .rsplit('/')
                .next()?
                .to_owned(),
            principal: text("/properties/principalId")?.to_owned(),
            role_name: None,
            id,
            body,
        })
    }

    /// The role for a person: its name, or its GUID where nobody knows the name.
    pub fn role_shown(&self) -> &str {
        self.role_name.as_deref().unwrap_or(&self.role)
    }

    /// A text of the assignment's properties: `principalType`, `createdOn`.
    pub fn property(&self, name: &str) -> Option<&str> {
        self.body.get("properties")?.get(name)?.as_str()
    }

    /// Whether it is what is wanted, for a principal that is known.
    pub fn is(&self, wanted: &Grant, principal: &str) -> bool {
        self.is_of(wanted) && self.principal.eq_ignore_ascii_case(principal)
    }

    /// Whether it has the scope and the role that are wanted, whoever the principal is.
    pub fn is_of(&self, wanted: &Grant) -> bool {
        self.scope == wanted.scope && self.role.eq_ignore_ascii_case(&wanted.role)
    }
}

impl Live {
    /// Takes in a resource. Role assignments are kept apart.
    pub fn insert(&mut self, body: Json) {
        let is_grant = body.get("type").and_then(Json::as_str).is_some_and(|name| {
            name.eq_ignore_ascii_case("Microsoft.Authorization/roleAssignments")
        });
        if is_grant {
            let known = |grant: &LiveGrant| self.grants.iter().any(|other| other.id == grant.id);
            self.grants
                .extend(LiveGrant::parse(body).filter(|grant| !known(grant)));
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

    /// Gives the roles of role assignments their names, for people to read.
    pub fn name_roles<'n>(&mut self, name_of: impl Fn(&str) -> Option<&'n str>) {
        for grant in &mut self.grants {
            grant.role_name = name_of(&grant.role).map(str::to_owned);
        }
    }

    /// The same without what is in or on these resources, themselves included, and without these grants.
    pub fn without(&self, gone: &[&ArmId]) -> Self {
        let stays = |id: &ArmId| !gone.iter().any(|gone| gone.covers(id));
        let mut left = self.clone();
        left.resources.retain(|id, _| stays(id));
        left.grants
            .retain(|grant| stays(&grant.scope) && stays(&grant.id));
        left
    }

    /// Takes in the resources, and the contents of groups, of another look.
    pub fn absorb(&mut self, other: Self) {
        self.resources.extend(other.resources);
        self.contents.extend(other.contents);
    }

    /// Takes in what is in a resource group.
    pub fn insert_contents(&mut self, group: ArmId, ids: Vec<ArmId>) {
        self.contents.insert(group, ids);
    }

    /// The resource of an id, if it exists.
    pub fn resource(&self, id: &ArmId) -> Option<&Json> {
        self.resources.get(id)
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

    /// The role assignment that is the wanted one, if it exists.
    pub fn grant(&self, graph: &Graph, wanted: &Grant) -> Option<&LiveGrant> {
        let principal = self.fill(graph, &wanted.principal);
        let principal = principal.as_str()?;
        self.grants.iter().find(|grant| grant.is(wanted, principal))
    }

    /// All role assignments that were seen.
    pub fn grants(&self) -> &[LiveGrant] {
        &self.grants
    }

    /// What is in a resource group, if that was asked.
    pub fn contents(&self, group: &ArmId) -> Option<&[ArmId]> {
        self.contents.get(group).map(Vec::as_slice)
    }
}
