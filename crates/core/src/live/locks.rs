//! Live management locks.

use serde_json::{Value as Json, json};

use crate::arm::ArmId;

/// A management lock.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveLock {
    /// Its id.
    pub id: ArmId,
    /// The scope that it locks, with everything below.
    pub scope: ArmId,
    /// What it blocks.
    pub level: LockLevel,
    /// Its notes, which can contain an ownership marker.
    pub notes: Option<String>,
}

/// What a lock blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockLevel {
    /// Deletions.
    CanNotDelete,
    /// Deletions and all other writes.
    ReadOnly,
}

impl LockLevel {
    /// The level in ARM.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CanNotDelete => "CanNotDelete",
            Self::ReadOnly => "ReadOnly",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::CanNotDelete, Self::ReadOnly]
            .into_iter()
            .find(|level| level.name().eq_ignore_ascii_case(name))
    }
}

impl LiveLock {
    /// Parses the body of a lock; `None` for the level `NotSpecified`, which blocks nothing.
    pub fn parse(body: &Json) -> Option<Self> {
        let text = |path: &str| body.pointer(path).and_then(Json::as_str);
        let id = ArmId::parse(text("/id")?)?;
        Some(Self {
            scope: id.parent()?,
            level: LockLevel::parse(text("/properties/level")?)?,
            notes: text("/properties/notes").map(str::to_owned),
            id,
        })
    }
}

impl LiveLock {
    /// The body of the lock.
    pub fn to_json(&self) -> Json {
        json!({
            "id": self.id.as_str(),
            "name": self.id.name(),
            "type": "Microsoft.Authorization/locks",
            "properties": { "level": self.level.name(), "notes": self.notes },
        })
    }
}

/// A scope whose locks could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadLocks {
    /// The subscription or resource group.
    pub scope: ArmId,
    /// Azure's error code or message.
    pub why: String,
}

/// The locks.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct LockStore {
    pub(super) found: Vec<LiveLock>,
    pub(super) unread: Vec<UnreadLocks>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::Live;

    #[test]
    fn scope_of_a_lock_is_the_parent_of_its_id() {
        let lock = |id: &str, level: &str| {
            LiveLock::parse(&json!({ "id": id, "properties": { "level": level, "notes": "why" } }))
        };
        let account =
            "/subscriptions/S/resourcegroups/G/providers/microsoft.storage/storageAccounts/a";
        for scope in [
            "/subscriptions/S",
            "/subscriptions/S/resourceGroups/g",
            account,
        ] {
            let id = format!("{scope}/providers/Microsoft.Authorization/locks/keep");
            let lock = lock(&id, "readOnly").unwrap();
            assert_eq!(lock.scope.as_str(), scope);
            assert_eq!(lock.level, LockLevel::ReadOnly);
            assert_eq!(lock.notes.as_deref(), Some("why"));
        }
        let id = format!("{account}/providers/Microsoft.Authorization/locks/keep");
        assert_eq!(lock(&id, "NotSpecified"), None);
        assert_eq!(lock("/providers", "ReadOnly"), None);
    }

    #[test]
    fn lock_in_two_lists_counts_once() {
        let mut live = Live::default();
        for id in [
            "/subscriptions/s/providers/A.B/locks/k",
            "/SUBSCRIPTIONS/S/providers/a.b/locks/K",
        ] {
            live.insert_lock(&json!({ "id": id, "properties": { "level": "CanNotDelete" } }));
        }
        assert_eq!(live.locks().len(), 1);
    }
}
