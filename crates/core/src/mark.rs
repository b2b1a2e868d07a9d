//! How a stack marks what it owns. There is no state file: the mark is kept on the Azure resource itself.

use std::fmt;

use serde_json::Value as Json;

use crate::graph::NodeKey;

/// The tag that says which stack owns a resource.
pub const STACK_TAG: &str = "lazuli-stack";

/// How many characters Azure takes for a text that holds a mark: the notes of a lock have 512 ("Management Locks -
/// Create Or Update At Resource Group Level"), and a description more.
const LONGEST_TEXT: usize = 512;
/// The tag that remembers what Azure keeps although another value was sent, as [digests](crate::secret::Digest).
pub const OVERRULED_TAG: &str = "lazuli-kept";

/// The tag that remembers secrets, as [digests](crate::secret::Digest).
pub const SECRETS_TAG: &str = "lazuli-secrets";

/// Where the mark of the stack is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// In the tag [`STACK_TAG`].
    Tag,
    /// As a [`TextMark`] in this member of `properties`.
    Text(&'static str),
    /// Nowhere: it belongs to its parent.
    Parent,
}

/// The mark of resources that take no tags: `lazuli-stack: STACK; ENTRY`, alone, in brackets behind what the author wrote
/// in the spec, or as the last line of what somebody wrote in Azure. It names the entry as well, so that a grant whose principal was made anew is found again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextMark {
    /// The stack.
    pub stack: String,
    /// The address of the entry in the stack.
    pub entry: String,
}

impl TextMark {
    /// The mark of a node.
    pub fn of(key: &NodeKey) -> Self {
        Self {
            stack: key.stack.clone(),
            entry: key.address.to_string(),
        }
    }

    /// The author's own text with the mark behind it, or the mark alone.
    pub fn behind(&self, own: Option<&str>) -> String {
        own.map_or_else(|| self.to_string(), |own| format!("{own} ({self})"))
    }

    /// Text that somebody wrote in Azure with the mark as its last line. Text that carries a mark, whosever, stays as it
    /// is, as does text that would become longer than Azure takes: the mark can be done without, the words cannot.
    pub fn below(&self, live: &str) -> String {
        let text = format!("{live}\n{self}");
        if Self::find(live).is_some() || text.chars().count() > LONGEST_TEXT {
            live.to_owned()
        } else {
            text
        }
    }

    /// The mark that text carries.
    pub fn find(text: &str) -> Option<Self> {
        let start = format!("{STACK_TAG}: ");
        let (before, mark) = text.rsplit_once(&start)?;
        let mark = match before {
            "" => mark,
            _ if before.ends_with('\n') => mark,
            _ => before.ends_with(" (").then(|| mark.strip_suffix(')'))??,
        };
        let (stack, entry) = mark.split_once("; ").filter(|_| !mark.contains('\n'))?;
        Some(Self {
            stack: stack.to_owned(),
            entry: entry.to_owned(),
        })
    }

    /// The mark in a member of a live body's `properties`.
    pub fn on(body: &Json, member: &str) -> Option<Self> {
        let text = body.get("properties")?.get(member)?.as_str()?;
        Self::find(text)
    }
}

impl fmt::Display for TextMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{STACK_TAG}: {}; {}", self.stack, self.entry)
    }
}

/// The stack that a resource's tag names as its owner.
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
    fn a_mark_is_found_where_it_was_put() {
        let mark = TextMark {
            stack: "cameras".into(),
            entry: "access[a]".into(),
        };
        for own in [None, Some("Reads the cameras"), Some("Reads (a lot)")] {
            assert_eq!(
                TextMark::find(&mark.behind(own)),
                Some(mark.clone()),
                "{own:?}"
            );
        }
    }

    #[test]
    fn what_somebody_wrote_in_azure_is_kept_above_the_mark() {
        let mark = TextMark {
            stack: "cameras".into(),
            entry: "access".into(),
        };
        let marked = mark.below("Ask Ada (or Bo)");
        assert_eq!(marked, "Ask Ada (or Bo)\nlazuli-stack: cameras; access");
        assert_eq!(TextMark::find(&marked), Some(mark.clone()));
        let long = "x".repeat(LONGEST_TEXT);
        let others = "Reads (lazuli-stack: doors; access)".to_owned();
        for untouched in [marked, long, others] {
            assert_eq!(mark.below(&untouched), untouched);
        }
    }

    #[test]
    fn what_only_looks_like_a_mark_is_none() {
        for text in [
            "",
            "lazuli-stack: cameras",
            "about lazuli-stack: a; b",
            "x (lazuli-stack: a; b",
            "x (lazuli-stack: a; b) y",
            "lazuli-stack: a; b\nAsk Ada",
        ] {
            assert_eq!(TextMark::find(text), None, "{text}");
        }
    }
}
