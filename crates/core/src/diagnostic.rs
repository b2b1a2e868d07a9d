//! Diagnostics: mistakes in specs with their positions and fixes. They are collected, so that a run reports all of them.

mod code;
pub mod explanation;
mod gap;

pub use code::Code;
pub use gap::{Gap, SplitDiagnostics};

use crate::source::Span;

/// Whether a diagnostic stops the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The run continues.
    Warning,
    /// The run stops before it sends a request.
    Error,
}

/// A secondary position of a diagnostic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The position.
    pub span: Span,
    /// The text of the label.
    pub text: String,
}

/// A mistake and its position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether it stops the run.
    pub severity: Severity,
    /// The error code.
    pub code: Code,
    /// The message: one sentence without a final period.
    pub message: String,
    /// The position; `None` for mistakes outside of the specs, such as on the command line.
    pub span: Option<Span>,
    /// The label after the caret.
    pub note: Option<String>,
    /// Secondary positions.
    pub related: Vec<Label>,
    /// How to fix it: an imperative sentence or a snippet.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error at a position.
    pub fn error(code: Code, span: impl Into<Option<Span>>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            span: span.into(),
            note: None,
            related: Vec::new(),
            help: None,
        }
    }

    /// A warning at a position.
    pub fn warning(code: Code, span: impl Into<Option<Span>>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, span, message)
        }
    }

    /// Sets the label after the caret.
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.note = Some(text.into());
        self
    }

    /// Sets the help.
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Sets the help if `text` is some.
    pub fn maybe_help(mut self, text: Option<String>) -> Self {
        self.help = text.or(self.help);
        self
    }

    /// Adds a secondary position.
    pub fn related(mut self, span: Span, text: impl Into<String>) -> Self {
        self.related.push(Label {
            span,
            text: text.into(),
        });
        self
    }
}

/// The diagnostics of a run, in the order in which they were reported.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// Adds a diagnostic.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Adds all diagnostics of another collection.
    pub fn extend(&mut self, other: Diagnostics) {
        self.0.extend(other.0);
    }

    /// Whether any diagnostic is an error.
    pub fn has_errors(&self) -> bool {
        self.0
            .iter()
            .any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Whether the collection is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The diagnostics without duplicates, sorted by position; those without a position come first.
    pub fn sorted(mut self) -> Vec<Diagnostic> {
        self.0.sort_by_key(|diagnostic| diagnostic.span);
        self.0.dedup();
        self.0
    }

    /// The diagnostics in the order in which they were reported.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter()
    }
}

/// A hint that suggests the most similar candidate, if one is similar enough.
pub fn did_you_mean<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    let lower = word.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(distance, candidate)| {
            *distance <= 1 + candidate.chars().count().min(lower.chars().count()) / 4
        })
        .min()
        .map(|(_, candidate)| format!("did you mean `{candidate}`?"))
}
