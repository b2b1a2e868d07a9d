//! How a stack marks what it owns. There is no state file: the mark is kept on the Azure resource itself.

use std::fmt;

use serde_json::Value as Json;

use crate::{key::NodeKey, spec::OnRemove};

/// The tag that says which stack owns a resource.
pub const STACK_TAG: &str = "lazuli-stack";

/// How many characters Azure takes for a text that holds a mark: the notes of a lock have 512 ("Management Locks -
/// Create Or Update At Resource Group Level"), and a description more.
const LONGEST_TEXT: usize = 512;
/// The tag that remembers what Azure keeps although another value was sent, as [digests](crate::secret::Digest).
pub const OVERRULED_TAG: &str = "lazuli-kept";

/// The tag that remembers secrets, as [digests](crate::secret::Digest).
pub const SECRETS_TAG: &str = "lazuli-secrets";

/// The tag that says what becomes of a resource once its entry has left the spec, where that is not deletion.
pub const ON_REMOVE_TAG: &str = "lazuli-on-remove";

/// What becomes of a resource once its entry has left the spec. It is kept with the mark, for by then nothing else can
/// tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Afterlife {
    /// It is an orphan, and pruned.
    #[default]
    Delete,
    /// It is let go: the mark is taken off (`onRemove: keep`).
    Keep,
    /// It is never deleted (`protect: true`).
    Protect,
}

impl Afterlife {
    /// The word for [`Self::Keep`] in a marker.
    pub const KEEP_WORD: &str = "keep";

    /// Those that are written down.
    pub const WRITTEN: [Self; 2] = [Self::Keep, Self::Protect];

    /// What the author of an entry wishes.
    pub const fn wished(protect: bool, on_remove: OnRemove) -> Self {
        match (protect, on_remove) {
            (true, _) => Self::Protect,
            (false, OnRemove::Keep) => Self::Keep,
            (false, OnRemove::Delete) => Self::Delete,
        }
    }

    /// How it is written into a mark; nothing for deletion.
    pub const fn word(self) -> Option<&'static str> {
        match self {
            Self::Delete => None,
            Self::Keep => Some(Self::KEEP_WORD),
            Self::Protect => Some("protect"),
        }
    }

    /// What a word stands for. One that nobody knows protects.
    pub fn of(word: Option<&str>) -> Self {
        match word {
            None | Some("delete") => Self::Delete,
            Some(Self::KEEP_WORD) => Self::Keep,
            Some(_) => Self::Protect,
        }
    }
}

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
/// in the spec, or as the last line of what somebody wrote in Azure. It names the entry as well, so that a grant whose
/// principal was made anew is found again; `; keep` or `; protect` at its end says what becomes of it later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextMark {
    /// The stack.
    pub stack: String,
    /// The address of the entry in the stack.
    pub entry: String,
    /// What becomes of it once the entry has left the spec.
    pub afterlife: Afterlife,
}

impl TextMark {
    /// The mark of a node.
    pub fn of(key: &NodeKey, afterlife: Afterlife) -> Self {
        Self {
            stack: key.stack.clone(),
            entry: key.address.to_string(),
            afterlife,
        }
    }

    /// Whether it is that of an entry, whatever becomes of it.
    pub fn is_of(&self, key: &NodeKey) -> bool {
        self.stack == key.stack && self.entry == key.address.to_string()
    }

    /// The author's own text with the mark behind it, or the mark alone.
    pub fn behind(&self, own: Option<&str>) -> String {
        own.map_or_else(|| self.to_string(), |own| format!("{own} ({self})"))
    }

    /// Text that somebody wrote in Azure with the mark as its last line. Text that carries the mark of somebody else
    /// stays as it is, as does text that would become longer than Azure takes: the mark can be done without, the words
    /// cannot.
    pub fn below(&self, live: &str) -> String {
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

    /// Text without the mark in it.
    pub fn taken_off(text: &str) -> String {
        let Some(mark) = Self::find(text) else {
            return text.to_owned();
        };
        let mark = mark.to_string();
        [format!(" ({mark})"), format!("\n{mark}"), mark]
            .iter()
            .find_map(|end| text.strip_suffix(end.as_str()))
            .unwrap_or(text)
            .to_owned()
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
        let (stack, rest) = mark.split_once("; ").filter(|_| !mark.contains('\n'))?;
        let written = Afterlife::WRITTEN.into_iter().find_map(|afterlife| {
            let entry = rest.strip_suffix(afterlife.word()?)?.strip_suffix("; ")?;
            Some((entry, afterlife))
        });
        let (entry, afterlife) = written.unwrap_or((rest, Afterlife::Delete));
        Some(Self {
            stack: stack.to_owned(),
            entry: entry.to_owned(),
            afterlife,
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
        write!(f, "{STACK_TAG}: {}; {}", self.stack, self.entry)?;
        match self.afterlife.word() {
            Some(word) => write!(f, "; {word}"),
            None => Ok(()),
        }
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
            afterlife: Afterlife::Keep,
        };
        assert_eq!(mark.to_string(), "lazuli-stack: cameras; access[a]; keep");
        for own in [None, Some("Reads the cameras"), Some("Reads (a lot)")] {
            assert_eq!(
                TextMark::find(&mark.behind(own)),
                Some(mark.clone()),
                "{own:?}"
            );
            assert_eq!(TextMark::taken_off(&mark.behind(own)), own.unwrap_or(""));
        }
    }

    #[test]
    fn what_somebody_wrote_in_azure_is_kept_above_the_mark() {
        let mark = TextMark {
            stack: "cameras".into(),
            entry: "access".into(),
            afterlife: Afterlife::Delete,
        };
        let marked = mark.below("Ask Ada (or Bo)");
        assert_eq!(marked, "Ask Ada (or Bo)\nlazuli-stack: cameras; access");
        assert_eq!(TextMark::find(&marked), Some(mark.clone()));
        assert_eq!(TextMark::taken_off(&marked), "Ask Ada (or Bo)");
        let protected = TextMark {
            afterlife: Afterlife::Protect,
            ..mark.clone()
        };
        assert_eq!(protected.below(&marked), format!("{marked}; protect"));
        assert_eq!(mark.below(&protected.below(&marked)), marked);
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
