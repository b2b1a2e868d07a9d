//! What all parts of loading share: the inputs, the mistakes found so far, and a bound on what a text may grow to.

use std::collections::HashSet;

use super::{Inputs, Spanned};
use crate::{
    diagnostic::{Code, Diagnostic, Diagnostics, did_you_mean},
    node::{Datum, Entry, Node},
    secret::Secret,
    source::{Sources, Span},
    template::{Expr, Segment, Template},
};

/// How many bytes, roughly, the filled-in values of one run may take.
const MAX_FILLED: usize = 256 << 20;
/// How often a nearest word is looked for; each search compares with every candidate.
const MAX_HINTS: usize = 50;

/// The state of one load.
pub(super) struct Author<'a> {
    pub(super) sources: &'a Sources,
    pub(super) inputs: &'a Inputs<'a>,
    diagnostics: Diagnostics,
    /// One mistake can be met many times: in every instance of a forEach, behind every alias.
    reported: HashSet<(Code, Option<Span>, String)>,
    hints_left: usize,
    /// How many bytes filled-in values may still take; nothing once they took more.
    room: Option<usize>,
    /// The values of parameters that are secrets.
    pub(super) secrets: Vec<Secret>,
}

impl<'a> Author<'a> {
    pub(super) fn new(sources: &'a Sources, inputs: &'a Inputs<'a>) -> Self {
        Self {
            sources,
            inputs,
            diagnostics: Diagnostics::default(),
            reported: HashSet::new(),
            hints_left: MAX_HINTS,
            room: Some(MAX_FILLED),
            secrets: Vec::new(),
        }
    }

    pub(super) fn into_diagnostics(self) -> Diagnostics {
        self.diagnostics
    }

    /// Reports a mistake, unless the same one was reported at the same place.
    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        if self
            .reported
            .insert((diagnostic.code, diagnostic.span, diagnostic.message.clone()))
        {
            self.diagnostics.push(diagnostic);
        }
    }

    pub(super) fn error(&mut self, code: Code, span: Span, message: impl Into<String>) {
        self.report(Diagnostic::error(code, span, message));
    }

    /// The nearest of many words, as a hint.
    pub(super) fn hint<'w>(
        &mut self,
        word: &str,
        words: impl IntoIterator<Item = &'w str>,
    ) -> Option<String> {
        self.hints_left = self.hints_left.checked_sub(1)?;
        did_you_mean(word, words)
    }

    /// Takes room for a value; false when a text has grown beyond what is accepted, which is said once.
    pub(super) fn take_room(&mut self, span: Span, bytes: usize) -> bool {
        const NODE: usize = 64;
        let Some(room) = self.room else { return false };
        self.room = room.checked_sub(NODE + bytes);
        if self.room.is_none() {
            let limit = MAX_FILLED >> 20;
            self.error(
                Code::Syntax,
                span,
                format!("the values filled in here grow beyond {limit} MiB"),
            );
        }
        self.room.is_some()
    }

    /// Reports keys that do not exist.
    pub(super) fn known_keys(&mut self, mapping: &Node, known: &[&str], whose: &str) {
        for entry in mapping
            .entries()
            .iter()
            .filter(|entry| !known.contains(&entry.key.as_str()))
        {
            let message = format!("{whose} has no key `{}`", entry.key);
            let help = self.hint(&entry.key, known.iter().copied());
            let help =
                help.unwrap_or_else(|| format!("the keys are {}", listing(known.iter().copied())));
            self.report(Diagnostic::error(Code::UnknownKey, entry.key_span, message).help(help));
        }
    }

    pub(super) fn wrong_type(&mut self, what: &str, expected: &str, found: &Node) {
        let message = format!("{what} must be {expected}, not {}", found.type_name());
        let help = matches!(found.datum, Datum::Number(_) | Datum::Bool(_))
            .then(|| "put it in quotes".to_owned());
        let help = help.filter(|_| expected.contains("string"));
        self.report(Diagnostic::error(Code::WrongType, found.span, message).maybe_help(help));
    }

    /// The entries of a value that must be a mapping; nothing counts as an empty one.
    pub(super) fn entries<'n>(&mut self, what: &str, node: &'n Node) -> &'n [Entry] {
        match &node.datum {
            Datum::Map(entries) => entries,
            Datum::Null => &[],
            _ => {
                self.unless_unresolved(node, |author| author.wrong_type(what, "a mapping", node));
                &[]
            }
        }
    }

    /// A value that must be a string known before the run.
    pub(super) fn string(&mut self, what: &str, node: &Node) -> Option<Spanned<String>> {
        match &node.datum {
            Datum::String(text) => Some(Spanned {
                value: text.clone(),
                span: node.span,
            }),
            _ => {
                self.not_known_or(what, "a string", node);
                None
            }
        }
    }

    /// A value that must be a boolean known before the run.
    pub(super) fn boolean(&mut self, what: &str, node: &Node) -> bool {
        match node.datum {
            Datum::Bool(value) => value,
            _ => {
                self.not_known_or(what, "true or false", node);
                false
            }
        }
    }

    /// A value that must be a string, and may refer to what is known only later.
    pub(super) fn text(&mut self, what: &str, node: Node) -> Option<Node> {
        match node.datum {
            Datum::String(_) | Datum::Template(_) => Some(node),
            _ => {
                self.wrong_type(what, "a string", &node);
                None
            }
        }
    }

    fn not_known_or(&mut self, what: &str, expected: &str, node: &Node) {
        self.unless_unresolved(node, |author| match &node.datum {
            Datum::Template(_) => {
                let message =
                    format!("{what} must be known before the run, and cannot refer to a resource");
                author.error(Code::UnknownBeforeRun, node.span, message);
            }
            _ => author.wrong_type(what, expected, node),
        });
    }

    /// Does nothing for a value that could not be filled in: that was reported already.
    pub(super) fn unless_unresolved(&mut self, node: &Node, report: impl FnOnce(&mut Self)) {
        if !matches!(&node.datum, Datum::Template(template) if unresolved(template)) {
            report(self);
        }
    }
}

/// Whether something other than a reference to a resource is left.
fn unresolved(template: &Template) -> bool {
    template
        .0
        .iter()
        .any(|segment| matches!(segment, Segment::Expr(expr) if !matches!(expr, Expr::Resource(_))))
}

/// Words in backticks, separated by commas; at most ten.
pub(super) fn listing<'w>(words: impl IntoIterator<Item = &'w str>) -> String {
    const SHOWN: usize = 10;
    let mut words = words.into_iter().map(|word| format!("`{word}`"));
    let mut text = words.by_ref().take(SHOWN).collect::<Vec<_>>().join(", ");
    if words.next().is_some() {
        text.push_str(", …");
    }
    text
}

/// The text of a string, a number or a boolean.
pub(super) fn scalar_text(node: &Node) -> Option<String> {
    match &node.datum {
        Datum::String(text) => Some(text.clone()),
        Datum::Number(number) => Some(number.to_string()),
        Datum::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}
