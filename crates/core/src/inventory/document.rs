//! What stacks own as a document for programs: `lazuli show --output json`. Its shape is a contract, see docs/json.md.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{Holdings, Inventory, Item, Naming, Right};
use crate::{
    document::{AfterlifeDocument, UnreadLocksDocument, UnreadableScopeDocument},
    graph::NodeKey,
};

/// What stacks own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "What stacks of lazuli own")]
pub struct ShowDocument {
    /// The form of this document.
    pub format: ShowFormat,
    /// The version of lazuli that made it.
    pub lazuli: String,
    /// The stacks that were asked for; those that own nothing too.
    pub stacks: Vec<StackDocument>,
    /// Subscriptions of which it is unknown what the stacks own there.
    pub unseen: Vec<UnreadableScopeDocument>,
    /// Scopes whose locks could not be read.
    pub unread_locks: Vec<UnreadLocksDocument>,
}

/// The form of a [`ShowDocument`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ShowFormat {
    /// The first.
    #[serde(rename = "lazuli/show/v1")]
    V1,
}

/// What one stack owns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StackDocument {
    /// The stack.
    pub stack: String,
    /// What it owns.
    pub resources: Vec<OwnedDocument>,
}

/// One thing that a stack owns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwnedDocument {
    /// Its id.
    pub id: String,
    /// The kind, or the type of Azure where there is no kind for it.
    pub kind: String,
    /// The type of Azure.
    #[serde(rename = "type")]
    pub arm_type: String,
    /// What it is called; of a grant, its role.
    pub name: String,
    /// The resource group that it is, or is in or on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_group: Option<String>,
    /// Where it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// The entry of the spec that names it. Left out where none does, or no spec was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Whether no entry of the spec names it. Left out where no spec was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orphan: Option<bool>,
    /// What `--prune` does with it once no entry names it.
    pub prune: AfterlifeDocument,
    /// What a grant gives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<GivenDocument>,
    /// What a lock locks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lock: Option<LockedDocument>,
}

/// What a role assignment gives to whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GivenDocument {
    /// Where.
    pub scope: String,
    /// The GUID of the role definition.
    pub role: String,
    /// The object id of the principal.
    pub principal: String,
    /// What Azure says the principal is: `User`, `Group`, `ServicePrincipal`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal_type: Option<String>,
    /// The entry of the spec that the principal is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal_address: Option<String>,
}

/// What a management lock locks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LockedDocument {
    /// Where.
    pub scope: String,
    /// `CanNotDelete` or `ReadOnly`.
    pub level: String,
}

impl ShowDocument {
    /// The document of an inventory.
    pub fn of(inventory: &Inventory) -> Self {
        let Inventory {
            stacks,
            unseen,
            unread_locks,
        } = inventory;
        Self {
            format: ShowFormat::V1,
            lazuli: env!("CARGO_PKG_VERSION").to_owned(),
            stacks: stacks.iter().map(StackDocument::of).collect(),
            unseen: unseen.iter().map(UnreadableScopeDocument::new).collect(),
            unread_locks: unread_locks.iter().map(UnreadLocksDocument::new).collect(),
        }
    }

    /// The JSON Schema of such documents.
    pub fn schema() -> Json {
        schemars::schema_for!(Self).to_value()
    }
}

impl StackDocument {
    fn of(holdings: &Holdings) -> Self {
        let Holdings { stack, items } = holdings;
        Self {
            stack: stack.clone(),
            resources: items.iter().map(OwnedDocument::of).collect(),
        }
    }
}

impl OwnedDocument {
    fn of(item: &Item) -> Self {
        let place = item.place().resource_group_name().map(str::to_owned);
        let Item {
            id,
            arm_type,
            what,
            name,
            location,
            naming,
            afterlife,
            right,
        } = item;
        let (mut grant, mut lock) = (None, None);
        match right {
            Some(Right::Grant {
                scope,
                role,
                principal,
                principal_type,
                principal_of,
            }) => {
                grant = Some(GivenDocument {
                    scope: scope.to_string(),
                    role: role.clone(),
                    principal: principal.clone(),
                    principal_type: principal_type.clone(),
                    principal_address: principal_of.as_ref().map(NodeKey::to_string),
                });
            }
            Some(Right::Lock { scope, level }) => {
                lock = Some(LockedDocument {
                    scope: scope.to_string(),
                    level: level.name().to_owned(),
                });
            }
            None => {}
        }
        Self {
            id: id.to_string(),
            kind: what.clone(),
            arm_type: arm_type.clone(),
            name: name.clone(),
            resource_group: place,
            location: location.clone(),
            address: match naming {
                Naming::Entry(key) => Some(key.to_string()),
                Naming::Orphan | Naming::Unasked => None,
            },
            orphan: match naming {
                Naming::Entry(_) => Some(false),
                Naming::Orphan => Some(true),
                Naming::Unasked => None,
            },
            prune: AfterlifeDocument::new(*afterlife),
            grant,
            lock,
        }
    }
}
