//! A node of the graph: one Azure resource that the spec declares.

use crate::{
    arm::ArmId,
    body_path::BodyPath,
    declare::Identity,
    facts::Rule,
    ignore::IgnorePattern,
    key::NodeKey,
    marker::{Marker, RemovalPolicy},
    spec::{GrantsPolicy, OnRemove},
    subject::Subject,
    value::Value,
};

/// How the author of the spec wants a resource to be managed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Lifecycle {
    /// It is read, never changed.
    pub existing: bool,
    /// It is never deleted or replaced.
    pub protect: bool,
    /// What happens when its entry is removed from the spec.
    pub on_remove: OnRemove,
    /// The properties and tags that are not compared.
    pub ignore: Vec<IgnorePattern>,
    /// What happens to undeclared role assignments on it.
    pub grants: GrantsPolicy,
}

impl Lifecycle {
    /// What happens to it when its entry is removed from the spec.
    pub fn removal_policy(&self) -> RemovalPolicy {
        RemovalPolicy::new(self.protect, self.on_remove)
    }

    /// Whether a member of `properties` is not compared.
    pub fn ignores(&self, member: &str) -> bool {
        let path = BodyPath::from_names(["properties", member]);
        self.ignore.iter().any(|ignored| ignored.matches(&path))
    }
}

/// One Azure resource that the spec declares.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Its names, its type and its position in the spec.
    pub subject: Subject,
    /// What identifies it in Azure.
    pub identity: Identity,
    /// The wanted body; null for an existing resource.
    pub body: Value,
    /// The rules of its comparison.
    pub rules: &'static [Rule],
    /// How it is managed.
    pub lifecycle: Lifecycle,
    /// Where its ownership marker is.
    pub marker: Marker,
    /// Whether it can be deleted by itself: the `default` services of a storage account cannot.
    pub deletable: bool,
    /// Whether a list of its type is as complete as a GET of each resource.
    pub listed: bool,
}

impl Node {
    /// The Azure id; `None` for role assignments.
    pub fn id(&self) -> Option<&ArmId> {
        match &self.identity {
            Identity::Resource(id) => Some(id),
            Identity::Grant(_) => None,
        }
    }

    /// The node whose identity is the principal of this role assignment, if it is declared.
    pub fn grant_principal(&self) -> Option<&NodeKey> {
        match &self.identity {
            Identity::Grant(grant) => grant.principal_key(),
            Identity::Resource(_) => None,
        }
    }

    /// The scope of a role assignment, or the parent of a resource.
    pub fn scope(&self) -> Option<ArmId> {
        match &self.identity {
            Identity::Resource(id) => id.parent(),
            Identity::Grant(grant) => Some(grant.scope.clone()),
        }
    }
}
