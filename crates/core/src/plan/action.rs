//! What a step does to its resource.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What happens to a resource.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// It does not exist and is created.
    Create,
    /// It exists without an ownership marker. The stack takes it over, and what differs is changed in place.
    Adopt,
    /// It exists and is changed in place.
    Update,
    /// It exists and cannot be changed in place: it is deleted and recreated.
    Replace,
    /// It exists and is deleted.
    Delete,
    /// It exists and loses the ownership marker of the stack.
    Release,
}

impl Action {
    /// All actions, in the order of the summary of a plan.
    pub const ALL: [Self; 6] = [
        Self::Create,
        Self::Adopt,
        Self::Update,
        Self::Replace,
        Self::Delete,
        Self::Release,
    ];

    /// The past participle of the action: `created`.
    pub fn done(self) -> &'static str {
        match self {
            Self::Create => "created",
            Self::Adopt => "adopted",
            Self::Update => "updated",
            Self::Replace => "replaced",
            Self::Delete => "deleted",
            Self::Release => "released",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "create",
            Self::Adopt => "adopt",
            Self::Update => "update",
            Self::Replace => "replace",
            Self::Delete => "delete",
            Self::Release => "release",
        })
    }
}
