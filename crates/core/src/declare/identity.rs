//! What identifies a resource in Azure: its id, or scope, role and principal of a role assignment.

use crate::{arm::ArmId, key::NodeKey, value::Value};

/// What makes a live resource the one that a node stands for.
#[derive(Debug, Clone, PartialEq)]
pub enum Identity {
    /// Its id.
    Resource(ArmId),
    /// Scope, role and principal; never the name.
    Grant(Grant),
}

impl Identity {
    /// The id, or the scope of a role assignment.
    pub fn place(&self) -> &ArmId {
        match self {
            Self::Resource(id) => id,
            Self::Grant(grant) => &grant.scope,
        }
    }
}

/// A wanted role assignment.
#[derive(Debug, Clone, PartialEq)]
pub struct Grant {
    /// Where it is made.
    pub scope: ArmId,
    /// The role definition's GUID, lower case; of an open role (see [`RoleName`]) the name instead.
    pub role: String,
    /// The role's name, for people.
    pub role_name: String,
    /// The object id of the principal, or the hole where it will be.
    pub principal: Value,
}

impl Grant {
    /// The node whose principal gets the role, where the spec makes it.
    pub fn principal_key(&self) -> Option<&NodeKey> {
        self.principal.outputs().first().map(|output| &output.of)
    }
}

/// A role that is named and is neither built in nor in the spec: which definition that is, only Azure knows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RoleName {
    /// Where it shall be assignable: a resource group, a subscription or a management group.
    pub at: ArmId,
    /// The name, lower case.
    pub name: String,
}
