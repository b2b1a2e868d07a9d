//! Ownership markers. There is no state file: the marker is on the Azure resource itself.

mod binding;
mod claim;
mod ledger;
mod text;

pub use binding::{Binding, FormatVersion, MarkerTarget};
pub use claim::{LiveMarker, MarkerClaim, MarkerPlace, claim, foreign_owner};
pub use ledger::{CHILDREN_TAG, ChildLedger, ChildRecord};
pub use text::TextMarker;

use serde_json::Value as Json;

use crate::spec::OnRemove;

/// The tag with the stack that owns a resource.
pub const STACK_TAG: &str = "lazuli-stack";

/// The tag that binds [`STACK_TAG`] to one resource: a [`Binding`].
pub const MARKER_TAG: &str = "lazuli-marker";

/// The tag that records server overrides as [digests](crate::secret::Digest).
pub const OVERRIDES_TAG: &str = "lazuli-overrides";

/// The tag that records secrets as [digests](crate::secret::Digest).
pub const SECRETS_TAG: &str = "lazuli-secrets";

/// The tag with the removal policy of a resource, if it is not deletion.
pub const ON_REMOVE_TAG: &str = "lazuli-on-remove";

/// The removal policy: what happens to a resource when its entry is removed from the spec. It is part of the ownership
/// marker, because the spec no longer has it then.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum RemovalPolicy {
    /// It becomes an orphan and is pruned.
    #[default]
    Delete,
    /// It is released: its ownership marker is removed (`onRemove: keep`).
    Keep,
    /// It is never deleted (`protect: true`).
    Protect,
}

impl RemovalPolicy {
    /// The word for [`Self::Keep`] in a marker.
    pub const KEEP_WORD: &str = "keep";

    /// The policies that a marker contains.
    pub const WRITTEN: [Self; 2] = [Self::Keep, Self::Protect];

    /// The policy of an entry.
    pub const fn new(protect: bool, on_remove: OnRemove) -> Self {
        match (protect, on_remove) {
            (true, _) => Self::Protect,
            (false, OnRemove::Keep) => Self::Keep,
            (false, OnRemove::Delete) => Self::Delete,
        }
    }

    /// Its word in a marker; `None` for deletion.
    pub const fn word(self) -> Option<&'static str> {
        match self {
            Self::Delete => None,
            Self::Keep => Some(Self::KEEP_WORD),
            Self::Protect => Some("protect"),
        }
    }

    /// Reads a word of a marker. An unknown word protects.
    pub fn from_word(word: Option<&str>) -> Self {
        match word {
            None | Some("delete") => Self::Delete,
            Some(Self::KEEP_WORD) => Self::Keep,
            Some(_) => Self::Protect,
        }
    }
}

/// Where the ownership marker of a resource is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marker {
    /// In the tags [`STACK_TAG`] and [`MARKER_TAG`].
    Tag,
    /// As a [`TextMarker`] in this member of `properties`.
    Text(&'static str),
    /// Nowhere: it is owned with its parent.
    Parent,
}

impl Marker {
    /// Where a live resource has its own marker; `None` if it has none.
    pub const fn place(self) -> Option<MarkerPlace> {
        match self {
            Self::Tag => Some(MarkerPlace::Tags),
            Self::Text(member) => Some(MarkerPlace::Text(member)),
            Self::Parent => None,
        }
    }
}

/// The stack in the ownership tag of a resource.
pub fn owner(body: &Json) -> Option<&str> {
    tag(body, STACK_TAG)
}

/// A tag of a live body. Azure compares the names of tags without case.
pub fn tag<'b>(body: &'b Json, name: &str) -> Option<&'b str> {
    let tags = body.get("tags")?.as_object()?;
    tags.iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .and_then(|(_, value)| value.as_str())
}
