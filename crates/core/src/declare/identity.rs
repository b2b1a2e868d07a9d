//! What identifies a resource in Azure: its id, or scope, role and principal of a role assignment.

use crate::{arm::ArmId, key::NodeKey, value::Value};

/// What identifies the live resource of a node.
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
    /// Its scope.
    pub scope: ArmId,
    /// The GUID of the role definition, in lowercase; of a role that must be looked up ([`RoleName`]), its name.
    pub role: String,
    /// The display name of the role.
    pub role_name: String,
    /// The object id of the principal, which may be an unresolved output.
    pub principal: Value,
}

impl Grant {
    /// The node of the principal, if the spec declares it.
    pub fn principal_key(&self) -> Option<&NodeKey> {
        self.principal.outputs().first().map(|output| &output.of)
    }
}

/// The name of a role that is neither built in nor in the spec, and must be looked up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RoleName {
    /// The scope where it must be assignable: a resource group, a subscription or a management group.
    pub at: ArmId,
    /// The name, in lowercase.
    pub name: String,
}
