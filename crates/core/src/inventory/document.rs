//! The JSON document of `lazuli show --output json`. Its schema is stable, see docs/json.md.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{ExtensionResource, Holdings, Inventory, Item, SpecMatch};
use crate::{
    document::{PruneAction, UnreadLocksDocument, UnreadableScopeDocument},
    graph::NodeKey,
};

/// The resources that stacks own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "Resources that lazuli stacks own")]
pub struct ShowDocument {
    /// The format of this document.
    pub format: ShowFormat,
    /// The version of lazuli that created the document.
    pub lazuli: String,
    /// The requested stacks, including those that own no resources.
    pub stacks: Vec<StackDocument>,
    /// Subscriptions in which owned resources could not be read.
    pub unreadable: Vec<UnreadableScopeDocument>,
    /// Scopes whose locks could not be read.
    pub unread_locks: Vec<UnreadLocksDocument>,
}

/// The format of a [`ShowDocument`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ShowFormat {
    /// The first version.
    #[serde(rename = "lazuli/show/v1")]
    V1,
}

/// The resources that a stack owns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StackDocument {
    /// The name of the stack.
    pub stack: String,
    /// The resources.
    pub resources: Vec<OwnedDocument>,
}

/// A resource that a stack owns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwnedDocument {
    /// The id.
    pub id: String,
    /// The kind, or the ARM type if no kind supports it.
    pub kind: String,
    /// The ARM type.
    #[serde(rename = "type")]
    pub arm_type: String,
    /// The name; for a grant, the name of its role.
    pub name: String,
    /// The resource group that contains the resource, or the resource group itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_group: Option<String>,
    /// The location.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// The entry of the spec that declares it. Omitted if no entry does or no spec was loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Whether no entry of the spec declares it. Omitted if no spec was loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orphan: Option<bool>,
    /// What `--prune` does with it once no entry declares it.
    pub prune: PruneAction,
    /// The role assignment, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<OwnedGrantDocument>,
    /// The management lock, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lock: Option<OwnedLockDocument>,
}

/// A role assignment that a stack owns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwnedGrantDocument {
    /// The scope.
    pub scope: String,
    /// The GUID of the role definition.
    pub role: String,
    /// The object id of the principal.
    pub principal: String,
    /// The type of the principal: `User`, `Group`, `ServicePrincipal`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal_type: Option<String>,
    /// The entry of the spec that declares the principal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal_address: Option<String>,
}

/// A management lock that a stack owns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwnedLockDocument {
    /// The scope.
    pub scope: String,
    /// `CanNotDelete` or `ReadOnly`.
    pub level: String,
}

impl ShowDocument {
    /// Converts an inventory.
    pub fn from_inventory(inventory: &Inventory) -> Self {
        let Inventory {
            stacks,
            unreadable,
            unread_locks,
        } = inventory;
        Self {
            format: ShowFormat::V1,
            lazuli: env!("CARGO_PKG_VERSION").to_owned(),
            stacks: stacks.iter().map(StackDocument::from_holdings).collect(),
            unreadable: unreadable
                .iter()
                .map(UnreadableScopeDocument::new)
                .collect(),
            unread_locks: unread_locks.iter().map(UnreadLocksDocument::new).collect(),
        }
    }

    /// The JSON Schema of the document.
    pub fn schema() -> Json {
        schemars::schema_for!(Self).to_value()
    }
}

impl StackDocument {
    fn from_holdings(holdings: &Holdings) -> Self {
        let Holdings { stack, items } = holdings;
        Self {
            stack: stack.clone(),
            resources: items.iter().map(OwnedDocument::from_item).collect(),
        }
    }
}

impl OwnedDocument {
    fn from_item(item: &Item) -> Self {
        let place = item.place().resource_group_name().map(str::to_owned);
        let Item {
            id,
            arm_type,
            kind,
            name,
            location,
            spec_match,
            removal_policy,
            extension,
        } = item;
        let (mut grant, mut lock) = (None, None);
        match extension {
            Some(ExtensionResource::Grant {
                scope,
                role,
                principal,
                principal_type,
                principal_entry,
            }) => {
                grant = Some(OwnedGrantDocument {
                    scope: scope.to_string(),
                    role: role.clone(),
                    principal: principal.clone(),
                    principal_type: principal_type.clone(),
                    principal_address: principal_entry.as_ref().map(NodeKey::to_string),
                });
            }
            Some(ExtensionResource::Lock { scope, level }) => {
                lock = Some(OwnedLockDocument {
                    scope: scope.to_string(),
                    level: level.name().to_owned(),
                });
            }
            None => {}
        }
        Self {
            id: id.to_string(),
            kind: kind.clone(),
            arm_type: arm_type.clone(),
            name: name.clone(),
            resource_group: place,
            location: location.clone(),
            address: match spec_match {
                SpecMatch::Entry(key) => Some(key.to_string()),
                SpecMatch::Orphan | SpecMatch::NoSpec => None,
            },
            orphan: match spec_match {
                SpecMatch::Entry(_) => Some(false),
                SpecMatch::Orphan => Some(true),
                SpecMatch::NoSpec => None,
            },
            prune: PruneAction::new(*removal_policy),
            grant,
            lock,
        }
    }
}
