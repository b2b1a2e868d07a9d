//! What an author did wrong, where, and how to mend it: collected, never thrown.

use std::fmt;

use crate::source::Span;

/// How bad a diagnostic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The run goes on.
    Warning,
    /// The run ends before any request.
    Error,
}

macro_rules! codes {
    ($($name:ident = $number:literal, $doc:literal;)*) => {
        /// The kind of mistake. The number never changes its meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code { $(#[doc = $doc] $name = $number,)* }

        impl Code {
            /// Every code, in the order of the numbers.
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];

            /// One sentence on what the code stands for.
            pub fn summary(self) -> &'static str {
                match self { $(Code::$name => $doc,)* }
            }
        }
    };
}

codes! {
    Unreadable = 1, "A file cannot be read, is too large, or is not UTF-8.";
    Syntax = 2, "The text is not YAML, or is more deeply nested or aliased than is accepted.";
    DuplicateKey = 3, "A mapping has the same key twice.";
    UnknownKey = 4, "A key that does not exist here.";
    MissingKey = 5, "A property that is required is missing.";
    WrongType = 6, "A value is of another type than expected.";
    ValueNotAllowed = 7, "A value is not among the allowed ones.";
    UnknownKind = 8, "A kind that lazuli does not know.";
    UnknownReference = 9, "A reference to a resource or property that does not exist.";
    ReferenceCycle = 10, "Resources wait for each other in a circle.";
    UndefinedParameter = 11, "A parameter that is not declared, or has no value.";
    UndefinedVariable = 12, "An environment variable that is not set.";
    BadExpression = 13, "A `${...}` expression that cannot be understood.";
    BadForEach = 14, "A forEach over something that cannot be repeated over.";
    DuplicateId = 15, "Two resources stand for the same Azure resource.";
    BadName = 16, "A name that Azure would refuse.";
    UnknownRole = 17, "A role that is neither built in, nor in the spec, nor in Azure.";
    Precondition = 18, "A combination that Azure would refuse or, as a warning, that works badly.";
    MissingGrant = 19, "An identity lacks a role that its user needs.";
    UnknownBeforeRun = 20, "A value is needed before the run but known only after it.";
    DuplicateStack = 21, "Two documents have the same stack name.";
    Retired = 22, "Azure has retired this type.";
    NotFound = 23, "A resource that is declared as existing does not exist.";
    ForeignOwner = 24, "A resource is owned by another stack.";
    Immutable = 25, "A property cannot be changed on an existing resource.";
    BadVersion = 26, "The document is written for another version of the spec language.";
    UnusedParameter = 27, "A parameter value that no document declares.";
    AmbiguousRole = 28, "A role name that several role definitions have.";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LZ{:04}", *self as u16)
    }
}

/// A second place that belongs to a diagnostic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What is there.
    pub text: String,
}

/// One mistake, at its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// The kind of mistake.
    pub code: Code,
    /// What is wrong, in one sentence without a final period.
    pub message: String,
    /// Where; none only for mistakes outside of any text (the command line).
    pub span: Option<Span>,
    /// What stands at the place, shown behind the caret.
    pub note: Option<String>,
    /// Other places that belong to it.
    pub related: Vec<Label>,
    /// What to do, in a sentence or a snippet.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error at a place.
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

    /// A warning at a place.
    pub fn warning(code: Code, span: impl Into<Option<Span>>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, span, message)
        }
    }

    /// Adds what stands behind the caret.
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.note = Some(text.into());
        self
    }

    /// Adds what to do about it.
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Adds what to do about it, if there is something to say.
    pub fn maybe_help(mut self, text: Option<String>) -> Self {
        self.help = text.or(self.help);
        self
    }

    /// Adds a second place.
    pub fn related(mut self, span: Span, text: impl Into<String>) -> Self {
        self.related.push(Label {
            span,
            text: text.into(),
        });
        self
    }
}

/// All mistakes of a run, in the order they were found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Adds all of another collection.
    pub fn extend(&mut self, other: Diagnostics) {
        self.0.extend(other.0);
    }

    /// Whether any of them ends the run.
    pub fn has_errors(&self) -> bool {
        self.0
            .iter()
            .any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Whether there are none at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, sorted by place, those without a place first; what was found more than once is told once.
    pub fn sorted(mut self) -> Vec<Diagnostic> {
        self.0.sort_by_key(|diagnostic| diagnostic.span);
        self.0.dedup();
        self.0
    }

    /// All of them, as found.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter()
    }
}

/// The candidate nearest to a misspelt word, worded as a hint, if one is near.
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
