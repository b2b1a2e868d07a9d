//! Documents of orphans and mass deletions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::AddressDocument;
use crate::{
    live::UnreadableScope,
    marker::RemovalPolicy,
    plan::{MassDeletion, Orphan, PruneEffect},
};

/// A resource that a stack owns and no entry declares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrphanDocument {
    /// The stack, and the entry that it was created for or, if that is unknown, its name.
    #[serde(flatten)]
    pub address: AddressDocument,
    /// Its id.
    pub id: String,
    /// The kind, or the type if it has no kind.
    pub kind: String,
    /// The name for people.
    pub subject: String,
    /// What `--prune` does with it.
    pub prune: PruneAction,
}

/// What pruning does with an orphan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum PruneAction {
    /// It is deleted.
    Delete,
    /// Its ownership marker is removed.
    Release,
    /// It stays: it was protected.
    Protect,
    /// It stays: its ownership marker is not proven.
    Keep,
}

/// A stack of which so much is deleted that only its name confirms it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MassDeletionDocument {
    /// The stack.
    pub stack: String,
    /// The number of resources that are deleted.
    pub going: usize,
    /// The number of resources that it owns.
    pub owned: usize,
    /// The resource groups that the spec does not name and in which orphans are deleted.
    pub unnamed_groups: Vec<String>,
}

/// A subscription in which owned resources could not be listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnreadableScopeDocument {
    /// The subscription.
    pub scope: String,
    /// Azure's error code or message.
    pub reason: String,
}

impl OrphanDocument {
    pub(super) fn new(orphan: &Orphan) -> Self {
        let Orphan {
            id,
            key,
            what,
            title,
            prune,
        } = orphan;
        Self {
            address: AddressDocument::new(key),
            id: id.to_string(),
            kind: what.clone(),
            subject: title.clone(),
            prune: match prune {
                PruneEffect::Delete => PruneAction::Delete,
                PruneEffect::Release => PruneAction::Release,
                PruneEffect::Protect => PruneAction::Protect,
                PruneEffect::KeepOutdated | PruneEffect::KeepUnconfirmed => PruneAction::Keep,
            },
        }
    }
}

impl PruneAction {
    pub(crate) fn new(removal_policy: RemovalPolicy) -> Self {
        match removal_policy {
            RemovalPolicy::Delete => Self::Delete,
            RemovalPolicy::Keep => Self::Release,
            RemovalPolicy::Protect => Self::Protect,
        }
    }
}

impl MassDeletionDocument {
    pub(super) fn new(deletion: &MassDeletion) -> Self {
        Self {
            stack: deletion.stack.clone(),
            going: deletion.going,
            owned: deletion.owned,
            unnamed_groups: deletion.unnamed_groups.clone(),
        }
    }
}

impl UnreadableScopeDocument {
    pub(crate) fn new(unseen: &UnreadableScope) -> Self {
        Self {
            scope: unseen.scope.to_string(),
            reason: unseen.why.clone(),
        }
    }
}
