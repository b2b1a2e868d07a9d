//! A node of the graph: one Azure resource that the spec declares.

use crate::{
    arm::ArmId,
    declare::Identity,
    facts::Rule,
    ignore::Ignored,
    key::NodeKey,
    mark::{Afterlife, Mark},
    spec::{GrantsPolicy, OnRemove},
    subject::Subject,
    value::Value,
};

/// What the author said about the life of a resource.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Lifecycle {
    /// Looked up, never changed.
    pub existing: bool,
    /// Never deleted nor replaced.
    pub protect: bool,
    /// What happens when the entry leaves the spec.
    pub on_remove: OnRemove,
    /// What is not compared.
    pub ignore: Vec<Ignored>,
    /// What happens to grants on it that the spec does not name.
    pub grants: GrantsPolicy,
}

impl Lifecycle {
    /// What becomes of it once its entry has left the spec.
    pub fn afterlife(&self) -> Afterlife {
        Afterlife::wished(self.protect, self.on_remove)
    }

    /// Whether a member of `properties` is not compared.
    pub fn ignores(&self, member: &str) -> bool {
        let place = ["properties".to_owned(), member.to_owned()];
        self.ignore.iter().any(|ignored| ignored.is(&place))
    }
}

/// One Azure resource that the spec speaks of.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Its names, its type and its position in the spec.
    pub subject: Subject,
    /// What makes a live resource this one.
    pub identity: Identity,
    /// The wanted body; of an existing resource, nothing.
    pub body: Value,
    /// How it is compared.
    pub rules: &'static [Rule],
    /// What the author said about its life.
    pub lifecycle: Lifecycle,
    /// Where its mark is kept.
    pub mark: Mark,
    /// Whether it can be deleted by itself: the `default` services of a storage account cannot.
    pub deletable: bool,
    /// Whether a list of its type says all that a GET of it would.
    pub listed: bool,
}

impl Node {
    /// The Azure id, where it is known before the run.
    pub fn id(&self) -> Option<&ArmId> {
        match &self.identity {
            Identity::Resource(id) => Some(id),
            Identity::Grant(_) => None,
        }
    }

    /// The node whose principal a grant is for, where the spec makes it.
    pub fn grant_principal(&self) -> Option<&NodeKey> {
        match &self.identity {
            Identity::Grant(grant) => grant.principal_key(),
            Identity::Resource(_) => None,
        }
    }

    /// The scope that the resource is on or in.
    pub fn scope(&self) -> Option<ArmId> {
        match &self.identity {
            Identity::Resource(id) => id.parent(),
            Identity::Grant(grant) => Some(grant.scope.clone()),
        }
    }
}
