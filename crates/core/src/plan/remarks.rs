//! What a plan says in addition to its steps: resources without a step, role assignments and orphans that stay, and what
//! could not be read or compared.

use crate::{
    arm::ArmId,
    body_path::BodyPath,
    diff::Change,
    graph::SelectionSummary,
    key::NodeKey,
    live::{Existence, LiveGrant, UnreadableScope},
};

/// What a plan says in addition to its steps.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Remarks {
    /// Resources that already match the spec.
    pub unchanged: Vec<NodeKey>,
    /// Resources that stay although a step could be expected.
    pub kept: Vec<KeptResource>,
    /// Known values that Azure keeps although the spec sets others.
    pub server_overrides: Vec<ServerOverride>,
    /// Resources with secrets that cannot be compared.
    pub unverifiable_secrets: Vec<UnverifiableSecret>,
    /// Undeclared role assignments on resources of the stacks.
    pub undeclared: Vec<ReportedGrant>,
    /// Declared role assignments whose principal no longer exists.
    pub orphaned: Vec<ReportedGrant>,
    /// Resources that the stacks own and no entry declares, where they stay.
    pub orphans: Vec<Orphan>,
    /// Stacks that lose most of their resources.
    pub mass_deletions: Vec<MassDeletion>,
    /// Scopes in which owned resources could not be listed.
    pub unreadable: Vec<UnreadableScope>,
    /// Resources without an ownership marker that the marker of no other resource has room for.
    pub unrecorded: Vec<NodeKey>,
    /// Why the subscriptions that the spec does not name could not be searched for owned resources.
    pub unsearched: Option<String>,
    /// Why the directory could not be asked which principals exist.
    pub unread_directory: Option<String>,
    /// The selection of the spec that the plan is limited to.
    pub selection: Option<SelectionSummary>,
}

/// A resource that stays although a step could be expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptResource {
    /// The node.
    pub key: NodeKey,
    /// Why, continuing "kept: ".
    pub why: String,
}

/// A resource with secrets that Azure does not return and that cannot carry the tag with their digests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnverifiableSecret {
    /// The node.
    pub key: NodeKey,
    /// The paths of the secrets in ARM's body.
    pub paths: Vec<BodyPath>,
}

/// A resource of which Azure keeps other values than those that were sent.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerOverride {
    /// The node.
    pub key: NodeKey,
    /// The values: those that Azure keeps (`before`) and those of the spec (`after`).
    pub changes: Vec<Change>,
}

/// A role assignment and the node that it concerns.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportedGrant {
    /// The resource that it is on, or the entry that declares it.
    pub key: NodeKey,
    /// The role assignment.
    pub grant: LiveGrant,
    /// Whether its principal exists.
    pub principal: Existence,
}

impl ReportedGrant {
    /// The principal and the time of the assignment:
    /// `User 00000000-…, which no longer exists, granted 2026-01-01T00:00:34Z`.
    pub fn holder(&self) -> String {
        let kind = self.grant.property("principalType").unwrap_or("principal");
        let mut text = format!("{kind} {}", self.grant.principal);
        if self.principal == Existence::Deleted {
            text.push_str(", which no longer exists");
        }
        if let Some(created) = self.grant.property("createdOn") {
            text.push_str(&format!(", granted {}", to_seconds(created)));
        }
        text
    }
}

/// A time of ARM without its fraction: `2026-01-01T00:00:34.1234567Z`.
fn to_seconds(time: &str) -> String {
    match time.split_once('.') {
        Some((seconds, fraction)) if fraction.ends_with('Z') => format!("{seconds}Z"),
        _ => time.to_owned(),
    }
}

/// A resource that a stack owns and no entry declares.
#[derive(Debug, Clone, PartialEq)]
pub struct Orphan {
    /// Its id.
    pub id: ArmId,
    /// The stack, and the entry that it was created for or the resource's name.
    pub key: NodeKey,
    /// The kind, or the type if no kind is known.
    pub what: String,
    /// The name for people: a name, or role and scope.
    pub title: String,
    /// What pruning does with it.
    pub prune: PruneEffect,
}

/// What pruning does with an orphan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PruneEffect {
    /// It is deleted.
    Delete,
    /// Its ownership marker is removed.
    Release,
    /// It stays: it was protected.
    Protect,
    /// It stays: its marker is from an older version, and could have been copied from another resource.
    KeepOutdated,
    /// It stays: no GET could confirm what a list shows.
    KeepUnconfirmed,
}

/// A stack of which a plan deletes so much that only its name confirms it: more than half of its resources, any although
/// the spec has no entry of the stack, or orphans in resource groups that the spec does not name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MassDeletion {
    /// The stack.
    pub stack: String,
    /// How many resources with the marker of the stack the plan deletes, recreated ones included.
    pub going: usize,
    /// How many resources the stack owns.
    pub owned: usize,
    /// The resource groups that the spec does not name and in which the plan deletes orphans.
    pub unnamed_groups: Vec<String>,
}
