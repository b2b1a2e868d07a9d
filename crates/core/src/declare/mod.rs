//! What a handler receives and returns when it declares Azure resources: entries with resolved references, drafts of
//! resources, and implied dependencies.

mod entry;
mod identity;
mod placed;
mod resolver;

use std::collections::{BTreeSet, HashMap};

pub use entry::{EntryContext, ReferenceTarget, TypedEntry};
pub use identity::{Grant, Identity, RoleName};
pub use placed::Placed;
pub(crate) use placed::{Index, Places, address_of, index, root_id};
pub(crate) use resolver::{Resolver, templates};

use crate::{
    arm::{ArmId, ArmType},
    diagnostic::{Diagnostic, Diagnostics},
    facts::Rule,
    key::NodeKey,
    mark::Mark,
    value::Value,
};

/// What a node must wait for beside what it refers to.
#[derive(Debug, Clone, PartialEq)]
pub enum Implied {
    /// Every grant of this principal at this scope or above it, or that may be above it.
    GrantsOf {
        /// The identity that must hold the grants.
        principal: NodeKey,
        /// The resource on which it must hold them.
        on: ArmId,
        /// Why, for the shown graph.
        why: String,
    },
    /// A resource that a property names without a reference.
    Named {
        /// What is named.
        node: NodeKey,
        /// The property.
        property: &'static str,
    },
    /// Everything at or below a scope.
    EverythingWithin(ArmId),
    /// One part of the entry follows another.
    FollowsPart {
        /// The part that waits.
        part: Option<String>,
        /// The part that it waits for.
        after: String,
        /// Why, for the shown graph.
        why: &'static str,
    },
}

/// One Azure resource, as a handler declares it.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Which part of the entry it is; `None` for the entry itself.
    pub part: Option<String>,
    /// Its type.
    pub arm_type: ArmType,
    /// What makes a live resource this one.
    pub identity: Identity,
    /// The wanted body.
    pub body: Value,
    /// How it is compared.
    pub rules: &'static [Rule],
    /// Where its mark is kept.
    pub mark: Mark,
    /// Whether it can be deleted by itself.
    pub deletable: bool,
    /// Whether a list of its type says all that a GET of it would.
    pub listed: bool,
    /// The parts of the same entry that must be done before, and why.
    pub after: Vec<(String, &'static str)>,
}

/// The Azure resources that one entry stands for.
#[derive(Debug, Default)]
pub struct Nodes {
    pub(crate) drafts: Vec<Draft>,
    pub(crate) open_roles: BTreeSet<RoleName>,
    pub(crate) diagnostics: Diagnostics,
}

impl Nodes {
    /// Adds a resource.
    pub fn push(&mut self, draft: Draft) {
        self.drafts.push(draft);
    }

    /// Adds a role that Azure must be asked for.
    pub fn ask(&mut self, role: RoleName) {
        self.open_roles.insert(role);
    }

    /// Adds a mistake of the author.
    pub fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }
}

/// What a handler's checks may look at: the whole spec.
pub struct Surroundings<'a> {
    /// The grants of identities of the spec, by whom they are for.
    pub(crate) grants: &'a HashMap<NodeKey, Vec<Grant>>,
}

impl Surroundings<'_> {
    /// Whether the spec gives a role to a principal at a scope or above it, or may do so at a management group.
    pub fn grants(&self, principal: &NodeKey, role: &str, scope: &ArmId) -> bool {
        let grants = self.grants.get(principal).into_iter().flatten();
        grants
            .filter(|grant| grant.role.eq_ignore_ascii_case(role))
            .any(|grant| grant.scope.may_reach(scope))
    }
}
