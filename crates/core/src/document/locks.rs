//! Documents of management locks that block steps, and of scopes whose locks could not be read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    live::UnreadLocks,
    plan::locks::{LockOwner, Obstacle},
};

/// A management lock that blocks steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LockDocument {
    /// Its id.
    pub id: String,
    /// The scope that it locks.
    pub scope: String,
    /// `CanNotDelete` or `ReadOnly`.
    pub level: String,
    /// Its notes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// Its owner.
    pub owner: LockOwnerDocument,
    /// The numbers of the steps that it blocks.
    pub blocks: Vec<usize>,
}

/// The owner of a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum LockOwnerDocument {
    /// A stack of this plan.
    Own,
    /// Another stack.
    Stack(String),
    /// None: it has no ownership marker.
    Unmarked,
}

/// A scope whose locks could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnreadLocksDocument {
    /// The subscription or resource group.
    pub scope: String,
    /// Azure's error code or message.
    pub reason: String,
}

impl LockDocument {
    pub(super) fn new(obstacle: &Obstacle) -> Self {
        let Obstacle {
            lock,
            owner,
            blocks,
        } = obstacle;
        Self {
            id: lock.id.to_string(),
            scope: lock.scope.to_string(),
            level: lock.level.name().to_owned(),
            notes: lock.notes.clone(),
            owner: match owner {
                LockOwner::Own => LockOwnerDocument::Own,
                LockOwner::Stack(stack) => LockOwnerDocument::Stack(stack.clone()),
                LockOwner::Unmarked => LockOwnerDocument::Unmarked,
            },
            blocks: blocks.iter().map(|step| step.0).collect(),
        }
    }
}

impl UnreadLocksDocument {
    pub(crate) fn new(unread: &UnreadLocks) -> Self {
        let UnreadLocks { scope, why } = unread;
        Self {
            scope: scope.to_string(),
            reason: why.clone(),
        }
    }
}
