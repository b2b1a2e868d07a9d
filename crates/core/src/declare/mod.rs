//! What a handler receives and returns when it declares Azure resources: entries with resolved references, drafts of
//! resources, and implied dependencies.

mod entry;
mod identity;
mod placement;
mod resolver;

use std::collections::{BTreeSet, HashMap};

pub use entry::{EntryContext, ReferenceTarget, TypedEntry};
pub use identity::{Grant, Identity, RoleName};
pub use placement::Placement;
pub(crate) use placement::{Index, Placements, address_of, index, root_id};
pub(crate) use resolver::{Resolver, templates};

use crate::{
    arm::{ArmId, ArmType},
    diagnostic::{Diagnostic, Diagnostics},
    facts::Rule,
    key::NodeKey,
    marker::Marker,
    value::Value,
};

/// A dependency that does not follow from a reference.
#[derive(Debug, Clone, PartialEq)]
pub enum ImpliedDependency {
    /// Every role assignment of a principal at a scope, above it, or possibly above it.
    RoleAssignmentsOf {
        /// The identity that needs the roles.
        principal: NodeKey,
        /// The resource on which it needs them.
        on: ArmId,
        /// The reason, for the graph.
        why: String,
    },
    /// A resource that a property names without a reference.
    Named {
        /// The resource.
        node: NodeKey,
        /// The property.
        property: &'static str,
    },
    /// Everything at or below a scope.
    EverythingWithin(ArmId),
    /// A part of the entry that depends on another part.
    FollowsPart {
        /// The dependent part.
        part: Option<String>,
        /// The part that it depends on.
        after: String,
        /// The reason, for the graph.
        why: &'static str,
    },
}

/// One Azure resource, as a handler declares it.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The part of the entry; `None` for the entry itself.
    pub part: Option<String>,
    /// Its type.
    pub arm_type: ArmType,
    /// What identifies the live resource.
    pub identity: Identity,
    /// The desired body.
    pub body: Value,
    /// How it is compared.
    pub rules: &'static [Rule],
    /// Where its ownership marker is kept.
    pub marker: Marker,
    /// Whether it can be deleted separately.
    pub deletable: bool,
    /// Whether a list of its type returns everything that a GET would.
    pub listed: bool,
    /// The parts of the entry that must be applied earlier, with reasons.
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

    /// Adds a role that must be looked up.
    pub fn ask(&mut self, role: RoleName) {
        self.open_roles.insert(role);
    }

    /// Adds a diagnostic.
    pub fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }
}

/// What the checks of a handler can see of the rest of the spec.
pub struct Surroundings<'a> {
    /// The role assignments of identities of the spec, by principal.
    pub(crate) grants: &'a HashMap<NodeKey, Vec<Grant>>,
}

impl Surroundings<'_> {
    /// Whether the spec assigns a role to a principal at a scope or above; a management group counts as above.
    pub fn grants(&self, principal: &NodeKey, role: &str, scope: &ArmId) -> bool {
        let grants = self.grants.get(principal).into_iter().flatten();
        grants
            .filter(|grant| grant.role.eq_ignore_ascii_case(role))
            .any(|grant| grant.scope.may_reach(scope))
    }
}
