//! The state of loading: inputs, diagnostics, and a limit on the size of resolved values.

use std::collections::HashSet;

use super::{Spanned, inputs::Inputs};
use crate::{
    diagnostic::{Code, Diagnostic, Diagnostics, did_you_mean},
    node::{Datum, Entry, Node},
    secret::Secret,
    source::{Sources, Span},
    template::{Expr, Segment, Template},
};

/// The approximate limit in bytes of the resolved values of a run.
const MAX_RESOLVED: usize = 256 << 20;
/// The limit of searches for similar words: each search compares with every candidate.
const MAX_HINTS: usize = 50;

/// The state of one load.
pub(super) struct Loader<'a> {
    pub(super) sources: &'a Sources,
    pub(super) inputs: &'a Inputs<'a>,
    diagnostics: Diagnostics,
    /// The same mistake can occur in every instance of a `forEach` and behind every alias.
    reported: HashSet<(Code, Option<Span>, String)>,
    hints_left: usize,
    /// How many bytes resolved values may still take; `None` after the limit was exceeded.
    room: Option<usize>,
    /// The values of secret parameters.
    pub(super) secrets: Vec<Secret>,
}

impl<'a> Loader<'a> {
    pub(super) fn new(sources: &'a Sources, inputs: &'a Inputs<'a>) -> Self {
        Self {
            sources,
            inputs,
            diagnostics: Diagnostics::default(),
            reported: HashSet::new(),
            hints_left: MAX_HINTS,
            room: Some(MAX_RESOLVED),
            secrets: Vec::new(),
        }
    }

    pub(super) fn into_diagnostics(self) -> Diagnostics {
        self.diagnostics
    }

    /// Reports a diagnostic unless the same one was reported at the same position.
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

    /// A hint that suggests the most similar of many words.
    pub(super) fn hint<'w>(
        &mut self,
        word: &str,
        words: impl IntoIterator<Item = &'w str>,
    ) -> Option<String> {
        self.hints_left = self.hints_left.checked_sub(1)?;
        did_you_mean(word, words)
    }

    /// Reserves room for a value. Returns `false` if the resolved values exceed the limit, which is reported once.
    pub(super) fn take_room(&mut self, span: Span, bytes: usize) -> bool {
        const NODE: usize = 64;
        let Some(room) = self.room else { return false };
        self.room = room.checked_sub(NODE + bytes);
        if self.room.is_none() {
            let limit = MAX_RESOLVED >> 20;
            self.error(
                Code::Syntax,
                span,
                format!("the resolved values exceed the limit of {limit} MiB"),
            );
        }
        self.room.is_some()
    }

    /// Reports unknown keys of a mapping.
    pub(super) fn check_keys(&mut self, mapping: &Node, known: &[&str], owner: &str) {
        for entry in mapping
            .entries()
            .iter()
            .filter(|entry| !known.contains(&entry.key.as_str()))
        {
            let message = format!("{owner} has no key `{}`", entry.key);
            let help = self.hint(&entry.key, known.iter().copied());
            let help =
                help.unwrap_or_else(|| format!("use one of {}", listing(known.iter().copied())));
            self.report(Diagnostic::error(Code::UnknownKey, entry.key_span, message).help(help));
        }
    }

    pub(super) fn wrong_type(&mut self, what: &str, expected: &str, node: &Node) {
        let message = format!("{what} must be {expected}, not {}", node.type_name());
        let help = matches!(node.datum, Datum::Number(_) | Datum::Bool(_))
            .then(|| "put it in quotes".to_owned());
        let help = help.filter(|_| expected.contains("string"));
        self.report(Diagnostic::error(Code::WrongType, node.span, message).maybe_help(help));
    }

    /// The entries of a value that must be a mapping; `null` counts as an empty mapping.
    pub(super) fn entries<'n>(&mut self, what: &str, node: &'n Node) -> &'n [Entry] {
        match &node.datum {
            Datum::Map(entries) => entries,
            Datum::Null => &[],
            _ => {
                self.unless_unresolved(node, |loader| loader.wrong_type(what, "a mapping", node));
                &[]
            }
        }
    }

    /// A value that must be a string known before apply.
    pub(super) fn string(&mut self, what: &str, node: &Node) -> Option<Spanned<String>> {
        match &node.datum {
            Datum::String(text) => Some(Spanned {
                value: text.clone(),
                span: node.span,
            }),
            _ => {
                self.report_unknown_or_wrong_type(what, "a string", node);
                None
            }
        }
    }

    /// A value that must be a boolean known before apply.
    pub(super) fn boolean(&mut self, what: &str, node: &Node) -> bool {
        match node.datum {
            Datum::Bool(value) => value,
            _ => {
                self.report_unknown_or_wrong_type(what, "true or false", node);
                false
            }
        }
    }

    /// A value that must be a string, possibly with references that are resolved during the run.
    pub(super) fn text(&mut self, what: &str, node: Node) -> Option<Node> {
        match node.datum {
            Datum::String(_) | Datum::Template(_) => Some(node),
            _ => {
                self.wrong_type(what, "a string", &node);
                None
            }
        }
    }

    fn report_unknown_or_wrong_type(&mut self, what: &str, expected: &str, node: &Node) {
        self.unless_unresolved(node, |loader| match &node.datum {
            Datum::Template(_) => {
                let message =
                    format!("{what} must be known before apply and cannot refer to a resource");
                loader.error(Code::UnknownBeforeApply, node.span, message);
            }
            _ => loader.wrong_type(what, expected, node),
        });
    }

    /// Calls `report` unless the value contains an expression that could not be resolved: that was reported already.
    pub(super) fn unless_unresolved(&mut self, node: &Node, report: impl FnOnce(&mut Self)) {
        if !matches!(&node.datum, Datum::Template(template) if has_unresolved(template)) {
            report(self);
        }
    }
}

/// Whether the template contains an expression other than a reference to a resource.
fn has_unresolved(template: &Template) -> bool {
    template
        .0
        .iter()
        .any(|segment| matches!(segment, Segment::Expr(expr) if !matches!(expr, Expr::Resource(_))))
}

/// Words in backticks, separated by commas. Of more than twenty words, the rest is counted.
pub(super) fn listing<'w>(words: impl IntoIterator<Item = &'w str>) -> String {
    const SHOWN: usize = 20;
    let mut words = words.into_iter().map(|word| format!("`{word}`"));
    let mut text = words.by_ref().take(SHOWN).collect::<Vec<_>>().join(", ");
    let rest = words.count();
    if rest > 0 {
        text.push_str(&format!(" and {rest} more"));
    }
    text
}

/// The text of a string, number or boolean.
pub(super) fn scalar_text(node: &Node) -> Option<String> {
    match &node.datum {
        Datum::String(text) => Some(text.clone()),
        Datum::Number(number) => Some(number.to_string()),
        Datum::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}
