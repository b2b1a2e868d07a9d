//! Ownership markers in a text, for resources without tags.

use std::fmt;

use serde_json::Value as Json;

use super::{Binding, MarkerTarget, RemovalPolicy, STACK_TAG};
use crate::{key::NodeKey, spec::Address, stack::StackIdentity};

/// The maximum length of a text with an ownership marker: 512 characters for the notes of a lock ("Management Locks -
/// Create Or Update At Resource Group Level"), more for descriptions.
const LONGEST_TEXT: usize = 512;

/// The ownership marker of resources without tags: `lazuli-stack: STACK; ENTRY; BINDING`, alone, in parentheses after text
/// from the spec, or as the last line after text that was written in Azure. It contains the entry, to find the role
/// assignments of a recreated principal. Before the [`Binding`], which markers of older versions lack, it can have the
/// removal policy: `keep` or `protect`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextMarker {
    /// The stack.
    pub stack: String,
    /// The address of the entry in the stack.
    pub entry: String,
    /// The removal policy.
    pub removal_policy: RemovalPolicy,
    /// The binding to the resource; `None` in markers of older versions.
    pub binding: Option<Binding>,
}

impl TextMarker {
    /// The marker of an entry.
    pub fn new(
        stack: &StackIdentity,
        entry: &Address,
        removal_policy: RemovalPolicy,
        target: &MarkerTarget,
    ) -> Self {
        Self {
            stack: stack.name.clone(),
            entry: entry.to_string(),
            removal_policy,
            binding: Some(Binding::new(stack, target)),
        }
    }

    /// Whether it names an entry, with any removal policy and binding.
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
        let bound = rest
            .rsplit_once("; ")
            .map(|(rest, text)| (rest, Binding::read(text)))
            .filter(|(_, binding)| *binding != Binding::Unreadable);
        let (rest, binding) = match bound {
            Some((rest, binding)) => (rest, Some(binding)),
            None => (rest, None),
        };
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
            binding,
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
        if let Some(word) = self.removal_policy.word() {
            write!(f, "; {word}")?;
        }
        match &self.binding {
            Some(binding) => write!(f, "; {binding}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arm::ArmId;

    fn binding() -> Option<Binding> {
        let id = ArmId::parse("/subscriptions/s/resourceGroups/g").unwrap();
        let stack = StackIdentity::from_name("cameras");
        Some(Binding::new(&stack, &MarkerTarget::from_id(&id)))
    }

    #[test]
    fn marker_round_trips_through_text() {
        let marker = TextMarker {
            stack: "cameras".into(),
            entry: "access[a]".into(),
            removal_policy: RemovalPolicy::Keep,
            binding: None,
        };
        assert_eq!(marker.to_string(), "lazuli-stack: cameras; access[a]; keep");
        let bound = TextMarker {
            binding: binding(),
            ..marker.clone()
        };
        let owns = [None, Some("Reads the cameras"), Some("Reads (a lot)")];
        for (own, marker) in owns
            .iter()
            .flat_map(|own| [(*own, &marker), (*own, &bound)])
        {
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
            binding: None,
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
