//! What the stacks own and no entry of the spec names, as a document.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::AddressDocument;
use crate::{
    live::UnreadableScope,
    mark::Afterlife,
    plan::{MassDeletion, Orphan},
};

/// What a stack owns and no entry of the spec names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrphanDocument {
    /// The stack, and the entry that it was made for, or its name where that is unknown.
    #[serde(flatten)]
    pub address: AddressDocument,
    /// Its id.
    pub id: String,
    /// The kind, or the type of Azure where there is no kind for it.
    pub kind: String,
    /// What it is called, for a person.
    pub subject: String,
    /// What `--prune` does with it.
    pub prune: AfterlifeDocument,
}

/// What pruning does with an orphan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum AfterlifeDocument {
    /// It is deleted.
    Delete,
    /// The mark of the stack is taken off it.
    Release,
    /// It stays.
    Protect,
}

/// A stack of which most, or all that may, is deleted because the spec does not name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MassDeletionDocument {
    /// The stack.
    pub stack: String,
    /// How many resources go.
    pub going: usize,
    /// How many it owns.
    pub owned: usize,
}

/// A subscription of which it is unknown what the stacks own there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnreadableScopeDocument {
    /// The subscription.
    pub scope: String,
    /// Azure's code for why, or its words.
    pub reason: String,
}

impl OrphanDocument {
    pub(super) fn of(orphan: &Orphan) -> Self {
        let Orphan {
            id,
            key,
            what,
            title,
            afterlife,
        } = orphan;
        Self {
            address: AddressDocument::of(key),
            id: id.to_string(),
            kind: what.clone(),
            subject: title.clone(),
            prune: AfterlifeDocument::of(*afterlife),
        }
    }
}

impl AfterlifeDocument {
    pub(crate) fn of(afterlife: Afterlife) -> Self {
        match afterlife {
            Afterlife::Delete => Self::Delete,
            Afterlife::Keep => Self::Release,
            Afterlife::Protect => Self::Protect,
        }
    }
}

impl MassDeletionDocument {
    pub(super) fn of(razed: &MassDeletion) -> Self {
        Self {
            stack: razed.stack.clone(),
            going: razed.going,
            owned: razed.owned,
        }
    }
}

impl UnreadableScopeDocument {
    pub(crate) fn of(unseen: &UnreadableScope) -> Self {
        Self {
            scope: unseen.scope.to_string(),
            reason: unseen.why.clone(),
        }
    }
}
