//! The live state of Azure, as far as it was read for one graph.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use serde_json::Value as Json;

use super::{
    Existence, KnownType, LiveGrant, LiveLock, OwnedResource, UnreadLocks, UnreadableScope,
    grants::{GrantIdentity, GrantStore},
    locks::LockStore,
    owned::OwnedStore,
    principals::PrincipalStore,
};
use crate::{
    arm::ArmId,
    arm::types::ROLE_ASSIGNMENT,
    child_types::ChildTypes,
    declare::Grant,
    graph::{Graph, Node},
    marker::{ChildLedger, RemovalPolicy},
    value::{Output, Value},
};

/// The live state of Azure that was read for a graph.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Live {
    resources: HashMap<ArmId, Json>,
    grants: GrantStore,
    callers: HashSet<ArmId>,
    contents: HashMap<ArmId, Vec<ArmId>>,
    contents_owners: HashMap<ArmId, String>,
    children: HashMap<ArmId, Vec<ArmId>>,
    unread_children: HashMap<ArmId, String>,
    child_types: ChildTypes,
    locks: LockStore,
    owned: OwnedStore,
    principals: PrincipalStore,
}

impl Live {
    /// Adds a resource or a role assignment.
    pub fn insert(&mut self, body: Json) {
        let name = body.get("type").and_then(Json::as_str);
        let is_grant = name.is_some_and(|name| ROLE_ASSIGNMENT.is(name));
        if is_grant {
            if let Some(grant) = LiveGrant::parse(body) {
                self.grants.insert(grant);
            }
        } else if let Some(id) = body.get("id").and_then(Json::as_str).and_then(ArmId::parse) {
            self.resources.insert(id, body);
        }
    }

    /// Adds a resource under the id of the request, which can differ from the id in the response.
    pub fn insert_as(&mut self, id: ArmId, body: Json) {
        self.resources.insert(id, body);
    }

    /// Removes a resource that no longer exists.
    pub fn remove(&mut self, id: &ArmId) {
        self.resources.remove(id);
    }

    /// Adds a role assignment that gives the caller its permissions, directly or through a group.
    pub fn insert_caller_grant(&mut self, id: ArmId) {
        self.callers.insert(id);
    }

    /// Whether a role assignment gives the caller its permissions.
    pub fn is_held_by_caller(&self, grant: &LiveGrant) -> bool {
        self.callers.contains(&grant.id)
    }

    /// The state without these resources or role assignments and everything in and on them.
    pub fn without(&self, gone: &[&ArmId]) -> Self {
        let stays = |id: &ArmId| !gone.iter().any(|gone| gone.covers(id));
        let mut left = self.clone();
        left.resources.retain(|id, _| stays(id));
        left.grants = self
            .grants
            .filter(|grant| stays(&grant.scope) && stays(&grant.id));
        left
    }

    /// Removes what lists showed as owned and a GET of each of these ids did not find.
    pub fn drop_unconfirmed(&mut self, asked: &[ArmId]) {
        let gone = asked.iter().filter(|id| !self.resources.contains_key(id));
        let gone: HashSet<&ArmId> = gone.collect();
        if gone.is_empty() {
            return;
        }
        self.owned.found.retain(|owned| !gone.contains(&owned.id));
        self.locks.found.retain(|lock| !gone.contains(&lock.id));
        self.grants = self.grants.filter(|grant| !gone.contains(&grant.id));
    }

    /// Adds the resources, the contents of groups and the owned resources of another read.
    pub fn merge(&mut self, other: Self) {
        self.resources.extend(other.resources);
        self.contents.extend(other.contents);
        self.contents_owners.extend(other.contents_owners);
        for (parent, children) in other.children {
            self.children.entry(parent).or_default().extend(children);
        }
        self.unread_children.extend(other.unread_children);
        self.owned.merge(other.owned);
    }

    /// Adds the contents of a resource group.
    pub fn insert_contents(&mut self, group: ArmId, ids: Vec<ArmId>) {
        self.contents.insert(group, ids);
    }

    /// Adds the stack whose marker an item in the contents of a resource group has.
    pub fn insert_content_owner(&mut self, id: ArmId, stack: String) {
        self.contents_owners.insert(id, stack);
    }

    /// The stack whose marker something in a resource group has.
    pub fn content_owner(&self, id: &ArmId) -> Option<&str> {
        self.contents_owners.get(id).map(String::as_str)
    }

    /// Adds resources in another one.
    pub fn insert_children(&mut self, parent: ArmId, ids: impl IntoIterator<Item = ArmId>) {
        self.children.entry(parent).or_default().extend(ids);
    }

    /// The resources in another one, as far as lists of child types were read.
    pub fn children(&self, parent: &ArmId) -> impl Iterator<Item = &ArmId> {
        self.children.get(parent).into_iter().flatten()
    }

    /// Sets why the resources in another one are unknown.
    pub fn insert_unread_children(&mut self, parent: ArmId, why: String) {
        self.unread_children.insert(parent, why);
    }

    /// Why the resources in another one are unknown.
    pub fn unread_children(&self, parent: &ArmId) -> Option<&str> {
        self.unread_children.get(parent).map(String::as_str)
    }

    /// Sets the known child types.
    pub fn set_child_types(&mut self, types: ChildTypes) {
        self.child_types = types;
    }

    /// The known child types.
    pub fn child_types(&self) -> ChildTypes {
        self.child_types
    }

    /// The resource of an id, if it exists.
    pub fn resource(&self, id: &ArmId) -> Option<&Json> {
        self.resources.get(id)
    }

    /// All resources, in no order.
    pub fn resources(&self) -> impl Iterator<Item = (&ArmId, &Json)> {
        self.resources.iter()
    }

    /// The value of an output, if its resource exists.
    pub fn output(&self, graph: &Graph, output: &Output) -> Option<&Json> {
        let id = graph.node(&output.of).and_then(Node::id)?;
        output.find(self.resource(id)?)
    }

    /// A value with the outputs of existing resources filled in.
    pub fn fill(&self, graph: &Graph, value: &Value) -> Value {
        value.fill(&|output| self.output(graph, output).cloned())
    }

    /// The contents of a resource group, if they were read.
    pub fn contents(&self, group: &ArmId) -> Option<&[ArmId]> {
        self.contents.get(group).map(Vec::as_slice)
    }

    /// All role assignments.
    pub fn grants(&self) -> &[LiveGrant] {
        &self.grants.all
    }

    /// The role assignment of an id, if it exists.
    pub fn grant_by_id(&self, id: &ArmId) -> Option<&LiveGrant> {
        Some(&self.grants.all[*self.grants.by_id.get(id)?])
    }

    /// The role assignments on a resource itself.
    pub fn grants_on(&self, scope: &ArmId) -> impl Iterator<Item = &LiveGrant> {
        let at = self.grants.by_scope.get(scope).into_iter().flatten();
        at.map(|at| &self.grants.all[*at])
    }

    /// The live role assignment of a wanted one, if it exists.
    pub fn grant(&self, graph: &Graph, wanted: &Grant) -> Option<&LiveGrant> {
        let principal = self.fill(graph, &wanted.principal);
        let identity = GrantIdentity::new(&wanted.scope, &wanted.role, principal.as_str()?);
        Some(&self.grants.all[*self.grants.by_identity.get(&identity)?])
    }

    /// Sets the role names of the role assignments, for display.
    pub fn name_roles<'n>(&mut self, name_of: impl Fn(&str) -> Option<&'n str>) {
        for grant in &mut self.grants.all {
            grant.role_name = name_of(&grant.role).map(str::to_owned);
        }
    }

    /// Adds a lock. Lists of several scopes can contain the same lock.
    pub fn insert_lock(&mut self, body: &Json) {
        let found = &mut self.locks.found;
        found.extend(
            LiveLock::parse(body).filter(|lock| !found.iter().any(|one| one.id == lock.id)),
        );
    }

    /// Adds a scope whose locks could not be read.
    pub fn insert_unread_locks(&mut self, unread: UnreadLocks) {
        self.locks.unread.push(unread);
    }

    /// All locks.
    pub fn locks(&self) -> &[LiveLock] {
        &self.locks.found
    }

    /// The scopes whose locks could not be read.
    pub fn unread_locks(&self) -> &[UnreadLocks] {
        &self.locks.unread
    }

    /// Adds a resource that a stack owns. OwnedResource role assignments and locks come from their own lists.
    pub fn insert_owned(&mut self, owned: OwnedResource) {
        self.owned.found.push(owned);
    }

    /// Sets the removal policy of an owned resource, from its tag.
    pub fn set_removal_policy(&mut self, id: &ArmId, removal_policy: RemovalPolicy) {
        let found = self.owned.found.iter_mut();
        for owned in found.filter(|owned| owned.id == *id) {
            owned.removal_policy = removal_policy;
        }
    }

    /// Adds a scope in which owned resources could not be listed. The first reason is kept.
    pub fn insert_unreadable_scope(&mut self, scope: UnreadableScope) {
        self.owned.insert_unreadable(scope);
    }

    /// The scopes in which owned resources could not be listed.
    pub fn unreadable_scopes(&self) -> &[UnreadableScope] {
        &self.owned.unreadable
    }

    /// Sets why the subscriptions that the spec does not name could not be searched for owned resources.
    pub fn set_unsearched(&mut self, why: String) {
        self.owned.unsearched = Some(why);
    }

    /// Why the subscriptions that the spec does not name could not be searched for owned resources.
    pub fn unsearched(&self) -> Option<&str> {
        self.owned.unsearched.as_deref()
    }

    /// Adds the records of resources that a search did not find.
    pub fn insert_gone_children(&mut self, holder: ArmId, gone: ChildLedger) {
        self.owned.gone.insert(holder, gone);
    }

    /// The records of resources that a search did not find; `None` without a search.
    pub fn gone_children(&self, holder: &ArmId) -> Option<&ChildLedger> {
        self.owned.gone.get(holder)
    }

    /// Adds the kind and api-version of a type.
    pub fn insert_type(&mut self, arm_type: &str, known: KnownType) {
        self.owned.types.insert(arm_type.to_lowercase(), known);
    }

    /// The kind and api-version of a type.
    pub fn known_type(&self, arm_type: &str) -> Option<&KnownType> {
        self.owned.types.get(&arm_type.to_lowercase())
    }

    /// Everything with an ownership marker, each resource once. Borrows where it can, because there can be many.
    pub fn owned(&self) -> impl Iterator<Item = Cow<'_, OwnedResource>> {
        let grants = self.grants().iter().map(|grant| &grant.body);
        let grants =
            grants.filter_map(|body| OwnedResource::from_marked_text(body.clone(), "description"));
        let locks = self.locks.found.iter();
        let locks =
            locks.filter_map(|lock| OwnedResource::from_marked_text(lock.to_json(), "notes"));
        let mut known = HashSet::new();
        let found = self.owned.found.iter().map(Cow::Borrowed);
        found
            .chain(grants.chain(locks).map(Cow::Owned))
            .filter(move |owned| known.insert(owned.id.clone()))
    }

    /// Adds which of the requested principals exist in the directory.
    pub fn insert_principals(&mut self, asked: &[String], existing: &HashSet<String>) {
        let existing: HashSet<_> = existing.iter().map(|id| id.to_lowercase()).collect();
        let known = asked.iter().map(|id| {
            let id = id.to_lowercase();
            let exists = existing.contains(&id);
            (id, exists)
        });
        self.principals.exist.extend(known);
    }

    /// Sets why the directory could not be read.
    pub fn insert_unread_directory(&mut self, why: String) {
        self.principals.unread = Some(why);
    }

    /// Why the directory could not be read, if it was tried.
    pub fn unread_directory(&self) -> Option<&str> {
        self.principals.unread.as_deref()
    }

    /// Whether the principal of a role assignment exists.
    pub fn existence(&self, grant: &LiveGrant) -> Existence {
        let exists = self.principals.exist.get(&grant.principal.to_lowercase());
        match exists.filter(|_| !grant.is_foreign()) {
            Some(true) => Existence::Exists,
            Some(false) => Existence::Deleted,
            None => Existence::Unknown,
        }
    }
}
