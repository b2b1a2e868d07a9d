//! The live state of Azure, as far as it was read for one graph.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use serde_json::Value as Json;

use super::{
    Existence, KnownType, LiveGrant, LiveLock, Owned, UnreadLocks, UnreadableScope,
    grants::{GrantStore, Meaning},
    locks::LockStore,
    owned::OwnedStore,
    principals::PrincipalStore,
};
use crate::{
    arm::ArmId,
    declare::Grant,
    graph::{Graph, Node},
    mark::Afterlife,
    value::{Output, Value},
};

/// What was found in Azure, for the graph that was asked about.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Live {
    resources: HashMap<ArmId, Json>,
    grants: GrantStore,
    callers: HashSet<ArmId>,
    contents: HashMap<ArmId, Vec<ArmId>>,
    locks: LockStore,
    owned: OwnedStore,
    principals: PrincipalStore,
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

    /// All role assignments that were seen.
    pub fn grants(&self) -> &[LiveGrant] {
        &self.grants.all
    }

    /// The role assignment of an id, if it exists.
    pub fn grant_of_id(&self, id: &ArmId) -> Option<&LiveGrant> {
        Some(&self.grants.all[*self.grants.by_id.get(id)?])
    }

    /// The role assignments made on a resource itself.
    pub fn grants_on(&self, scope: &ArmId) -> impl Iterator<Item = &LiveGrant> {
        let at = self.grants.by_scope.get(scope).into_iter().flatten();
        at.map(|at| &self.grants.all[*at])
    }

    /// The role assignment that is the wanted one, if it exists.
    pub fn grant(&self, graph: &Graph, wanted: &Grant) -> Option<&LiveGrant> {
        let principal = self.fill(graph, &wanted.principal);
        let meaning = Meaning::new(&wanted.scope, &wanted.role, principal.as_str()?);
        Some(&self.grants.all[*self.grants.by_meaning.get(&meaning)?])
    }

    /// Gives the roles of role assignments their names, for people to read.
    pub fn name_roles<'n>(&mut self, name_of: impl Fn(&str) -> Option<&'n str>) {
        for grant in &mut self.grants.all {
            grant.role_name = name_of(&grant.role).map(str::to_owned);
        }
    }

    /// Takes in a lock. Lists of several scopes can name the same one.
    pub fn insert_lock(&mut self, body: &Json) {
        let found = &mut self.locks.found;
        found.extend(
            LiveLock::parse(body).filter(|lock| !found.iter().any(|one| one.id == lock.id)),
        );
    }

    /// Takes in that the locks of a scope could not be read.
    pub fn insert_unread_locks(&mut self, unread: UnreadLocks) {
        self.locks.unread.push(unread);
    }

    /// All locks that were seen.
    pub fn locks(&self) -> &[LiveLock] {
        &self.locks.found
    }

    /// The scopes whose locks are not known.
    pub fn unread_locks(&self) -> &[UnreadLocks] {
        &self.locks.unread
    }

    /// Takes in something that a stack owns. Grants and locks are found in their own lists.
    pub fn insert_owned(&mut self, owned: Owned) {
        self.owned.found.push(owned);
    }

    /// Takes in what becomes of a resource later, as its tag says it.
    pub fn insert_afterlife(&mut self, id: &ArmId, afterlife: Afterlife) {
        let found = self.owned.found.iter_mut();
        for owned in found.filter(|owned| owned.id == *id) {
            owned.afterlife = afterlife;
        }
    }

    /// Takes in that it is unknown what the stacks own at a scope. The first reason counts.
    pub fn insert_unreadable_scope(&mut self, scope: UnreadableScope) {
        self.owned.insert_unreadable(scope);
    }

    /// Where it is unknown what the stacks own.
    pub fn unreadable_scopes(&self) -> &[UnreadableScope] {
        &self.owned.unreadable
    }

    /// Takes in how a type is spoken to.
    pub fn insert_type(&mut self, arm_type: &str, known: KnownType) {
        self.owned.types.insert(arm_type.to_lowercase(), known);
    }

    /// How a type is spoken to.
    pub fn known_type(&self, arm_type: &str) -> Option<&KnownType> {
        self.owned.types.get(&arm_type.to_lowercase())
    }

    /// Everything that was seen to carry the mark of a stack, each once. It can be much: nothing is copied but what is
    /// kept of it.
    pub fn owned(&self) -> impl Iterator<Item = Cow<'_, Owned>> {
        let grants = self.grants().iter().map(|grant| &grant.body);
        let grants = grants.filter_map(|body| Owned::worded(body.clone(), "description"));
        let locks = self.locks.found.iter();
        let locks = locks.filter_map(|lock| Owned::worded(lock.to_json(), "notes"));
        let mut known = HashSet::new();
        let found = self.owned.found.iter().map(Cow::Borrowed);
        found
            .chain(grants.chain(locks).map(Cow::Owned))
            .filter(move |owned| known.insert(owned.id.clone()))
    }

    /// Takes in which of the principals that the directory was asked about exist.
    pub fn insert_principals(&mut self, asked: &[String], existing: &HashSet<String>) {
        let existing: HashSet<_> = existing.iter().map(|id| id.to_lowercase()).collect();
        let told = asked.iter().map(|id| {
            let id = id.to_lowercase();
            let exists = existing.contains(&id);
            (id, exists)
        });
        self.principals.exist.extend(told);
    }

    /// Takes in why the directory could not be asked.
    pub fn insert_unread_directory(&mut self, why: String) {
        self.principals.unread = Some(why);
    }

    /// Why the directory could not be asked, if that was tried.
    pub fn unread_directory(&self) -> Option<&str> {
        self.principals.unread.as_deref()
    }

    /// Whether the principal of a grant exists.
    pub fn existence(&self, grant: &LiveGrant) -> Existence {
        let exists = self.principals.exist.get(&grant.principal.to_lowercase());
        match exists.filter(|_| !grant.is_foreign()) {
            Some(true) => Existence::Exists,
            Some(false) => Existence::Gone,
            None => Existence::Unknown,
        }
    }
}
