//! Ownership markers. There is no state file: the marker is on the Azure resource itself.

use std::fmt;

use serde_json::Value as Json;

use crate::{key::NodeKey, spec::OnRemove};

/// The tag with the stack that owns a resource.
pub const STACK_TAG: &str = "lazuli-stack";

/// The maximum length of a text with an ownership marker: 512 characters for the notes of a lock ("Management Locks -
/// Create Or Update At Resource Group Level"), more for descriptions.
const LONGEST_TEXT: usize = 512;
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
    /// In the tag [`STACK_TAG`].
    Tag,
    /// As a [`TextMarker`] in this member of `properties`.
    Text(&'static str),
    /// Nowhere: it is owned with its parent.
    Parent,
}

/// The ownership marker of resources without tags: `lazuli-stack: STACK; ENTRY`, alone, in parentheses after text from the
/// spec, or as the last line after text that was written in Azure. It contains the entry, to find the role assignments of a
/// recreated principal, and can end with the removal policy: `; keep` or `; protect`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextMarker {
    /// The stack.
    pub stack: String,
    /// The address of the entry in the stack.
    pub entry: String,
    /// The removal policy.
    pub removal_policy: RemovalPolicy,
}

impl TextMarker {
    /// The marker of a node.
    pub fn new(key: &NodeKey, removal_policy: RemovalPolicy) -> Self {
        Self {
            stack: key.stack.clone(),
            entry: key.address.to_string(),
            removal_policy,
        }
    }

    /// Whether it is the marker of an entry, with any removal policy.
    pub fn is_for(&self, key: &NodeKey) -> bool {
        self.stack == key.stack && self.entry == key.address.to_string()
    }

    /// The text of the spec followed by the marker, or the marker alone.
    pub fn append_to(&self, own: Option<&str>) -> String {
        own.map_or_else(|| self.to_string(), |own| format!("{own} ({self})"))
    }

    /// Text that was written in Azure, with the marker as its last line. Text with the marker of another owner and text that
    /// would become too long stay unchanged: losing the marker is better than losing text.
    pub fn append_line_to(&self, live: &str) -> String {
        let text = match Self::find(live) {
            Some(found) if found.stack == self.stack && found.entry == self.entry => {
                live.replace(&found.to_string(), &self.to_string())
            }
            Some(_) => return live.to_owned(),
            None => format!("{live}\n{self}"),
        };
        if text.chars().count() > LONGEST_TEXT {
            live.to_owned()
        } else {
            text
        }
    }

    /// Text without its marker.
    pub fn remove_from(text: &str) -> String {
        let Some(marker) = Self::find(text) else {
            return text.to_owned();
        };
        let marker = marker.to_string();
        [format!(" ({marker})"), format!("\n{marker}"), marker]
            .iter()
            .find_map(|end| text.strip_suffix(end.as_str()))
            .unwrap_or(text)
            .to_owned()
    }

    /// The marker in a text.
    pub fn find(text: &str) -> Option<Self> {
        let start = format!("{STACK_TAG}: ");
        let (before, marker) = text.rsplit_once(&start)?;
        let marker = match before {
            "" => marker,
            _ if before.ends_with('\n') => marker,
            _ => before.ends_with(" (").then(|| marker.strip_suffix(')'))??,
        };
        let (stack, rest) = marker.split_once("; ").filter(|_| !marker.contains('\n'))?;
        let written = RemovalPolicy::WRITTEN
            .into_iter()
            .find_map(|removal_policy| {
                let entry = rest
                    .strip_suffix(removal_policy.word()?)?
                    .strip_suffix("; ")?;
                Some((entry, removal_policy))
            });
        let (entry, removal_policy) = written.unwrap_or((rest, RemovalPolicy::Delete));
        Some(Self {
            stack: stack.to_owned(),
            entry: entry.to_owned(),
            removal_policy,
        })
    }

    /// The marker in a member of a live body's `properties`.
    pub fn on(body: &Json, member: &str) -> Option<Self> {
        let text = body.get("properties")?.get(member)?.as_str()?;
        Self::find(text)
    }
}

impl fmt::Display for TextMarker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{STACK_TAG}: {}; {}", self.stack, self.entry)?;
        match self.removal_policy.word() {
            Some(word) => write!(f, "; {word}"),
            None => Ok(()),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marker_round_trips_through_text() {
        let marker = TextMarker {
            stack: "cameras".into(),
            entry: "access[a]".into(),
            removal_policy: RemovalPolicy::Keep,
        };
        assert_eq!(marker.to_string(), "lazuli-stack: cameras; access[a]; keep");
        for own in [None, Some("Reads the cameras"), Some("Reads (a lot)")] {
            assert_eq!(
                TextMarker::find(&marker.append_to(own)),
                Some(marker.clone()),
                "{own:?}"
            );
            assert_eq!(
                TextMarker::remove_from(&marker.append_to(own)),
                own.unwrap_or("")
            );
        }
    }

    #[test]
    fn text_written_in_azure_is_kept_above_the_marker() {
        let marker = TextMarker {
            stack: "cameras".into(),
            entry: "access".into(),
            removal_policy: RemovalPolicy::Delete,
        };
        let marked = marker.append_line_to("Ask Ada (or Bo)");
        assert_eq!(marked, "Ask Ada (or Bo)\nlazuli-stack: cameras; access");
        assert_eq!(TextMarker::find(&marked), Some(marker.clone()));
        assert_eq!(TextMarker::remove_from(&marked), "Ask Ada (or Bo)");
        let protected = TextMarker {
            removal_policy: RemovalPolicy::Protect,
            ..marker.clone()
        };
        assert_eq!(
            protected.append_line_to(&marked),
            format!("{marked}; protect")
        );
        assert_eq!(
            marker.append_line_to(&protected.append_line_to(&marked)),
            marked
        );
        let long = "x".repeat(LONGEST_TEXT);
        let others = "Reads (lazuli-stack: doors; access)".to_owned();
        for untouched in [marked, long, others] {
            assert_eq!(marker.append_line_to(&untouched), untouched);
        }
    }

    #[test]
    fn text_that_resembles_a_marker_is_not_one() {
        for text in [
            "",
            "lazuli-stack: cameras",
            "about lazuli-stack: a; b",
            "x (lazuli-stack: a; b",
            "x (lazuli-stack: a; b) y",
            "lazuli-stack: a; b\nAsk Ada",
        ] {
            assert_eq!(TextMarker::find(text), None, "{text}");
        }
    }
}
