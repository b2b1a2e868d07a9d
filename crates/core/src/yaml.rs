//! Parses YAML into nodes with the position of every value and key, for all documents of a text, and limits hostile input.
//!
//! Scalars follow the YAML 1.2 core schema: only `true` and `false` are booleans, `010` and `1_000` are text, and an
//! integer that does not fit into 64 bits stays text so that no digit is lost. As an extension of YAML, `${...}` needs no
//! quotes inside of `[...]` and `{...}`, where its braces would otherwise start a mapping.

mod events;
mod placeholders;
mod raw;

use std::{collections::HashMap, ops::Range};

use serde_json::Number;
use serde_saphyr::{
    DefaultMessageFormatter, DuplicateKeyPolicy, Error, MessageFormatter, NonFiniteFloatPolicy,
    Options, budget,
};

use placeholders::PlaceholderText;
use raw::{Extent, RawKey, RawValue, WithExtent};

use crate::{
    diagnostic::{Code, Diagnostic, Diagnostics},
    node::{Datum, Entry, Node},
    source::{SourceId, Sources, Span},
    template::{self, Template},
};

/// The size limit of a text in bytes: 8 MiB, about 10,000 resources of 20 lines each.
pub const MAX_BYTES: usize = 8 << 20;

/// The nesting limit of lists and mappings.
const MAX_DEPTH: usize = 32;
/// The limit of values and keys in a text, including those that aliases repeat.
const MAX_NODES: usize = 2_000_000;
/// The limit of the bytes of all values and keys in a text, including those that aliases repeat.
const MAX_SCALAR_BYTES: usize = 4 * MAX_BYTES;
/// The limit of values and keys that the aliases of a document repeat.
const MAX_REPEATED: usize = 200_000;

/// Decodes UTF-8 of at most [`MAX_BYTES`] and removes a byte order mark.
///
/// # Errors
/// A diagnostic [`Code::Unreadable`] without a position, with `name` and the line of the first invalid byte.
pub fn decode(name: &str, bytes: &[u8]) -> Result<String, Diagnostic> {
    if bytes.len() > MAX_BYTES {
        return Err(Diagnostic::error(
            Code::Unreadable,
            None,
            format!("`{name}` {}", too_large(bytes.len())),
        ));
    }
    match str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text).to_owned()),
        Err(error) => {
            let line = 1 + bytes
                .iter()
                .take(error.valid_up_to())
                .filter(|byte| **byte == b'\n')
                .count();
            Err(Diagnostic::error(
                Code::Unreadable,
                None,
                format!("`{name}` is not valid UTF-8: line {line} contains an invalid byte"),
            )
            .help("save the file as UTF-8"))
        }
    }
}

fn too_large(bytes: usize) -> String {
    format!("is too large: {bytes} bytes exceed the limit of {MAX_BYTES}")
}

/// Parses a text into one node per document. Empty documents are skipped.
///
/// An invalid document is reported and skipped; the others are still parsed. A string that contains an expression becomes
/// [`Datum::Template`]; in all other strings, `$${` becomes `${`.
pub fn parse(sources: &Sources, id: SourceId, diagnostics: &mut Diagnostics) -> Vec<Node> {
    let Some(source) = sources.get(id) else {
        return Vec::new();
    };
    if source.text.len() > MAX_BYTES {
        let message = format!("this text {}", too_large(source.text.len()));
        diagnostics.push(Diagnostic::error(
            Code::Unreadable,
            Span::new(id, 0..0),
            message,
        ));
        return Vec::new();
    }
    let replaced = PlaceholderText::new(&source.text);
    let left = Allowance {
        nodes: MAX_NODES,
        bytes: MAX_SCALAR_BYTES,
    };
    let mut reader = NodeReader {
        sources,
        id,
        replaced: &replaced,
        base: 0,
        left,
        diagnostics,
    };
    document_ranges(&replaced.text)
        .into_iter()
        .flat_map(|range| reader.document(range))
        .collect()
}

/// Splits a text at each document marker (`---`), so that a mistake in one document does not hide those in others.
fn document_ranges(text: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let (mut start, mut at, mut content) = (0, 0, false);
    for line in text.split_inclusive('\n') {
        let marker = line
            .strip_prefix("---")
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']));
        if marker && content {
            ranges.push(start..at);
            start = at;
        }
        // Directives and comments before the first marker belong to the document after it.
        content |= marker || !(line.trim().is_empty() || line.starts_with(['%', '#']));
        at += line.len();
    }
    ranges.push(start..text.len());
    ranges
}

/// The remaining limits of a text, across all of its documents.
#[derive(Clone, Copy)]
struct Allowance {
    nodes: usize,
    bytes: usize,
}

impl Allowance {
    fn spend(&mut self, bytes: usize) {
        self.nodes = self.nodes.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}

/// Converts the values that serde-saphyr returns to nodes.
struct NodeReader<'a> {
    sources: &'a Sources,
    id: SourceId,
    replaced: &'a PlaceholderText<'a>,
    /// The offset of the document in the replaced text.
    base: usize,
    left: Allowance,
    diagnostics: &'a mut Diagnostics,
}

impl NodeReader<'_> {
    fn document(&mut self, range: Range<usize>) -> Vec<Node> {
        if self.left.nodes == 0 {
            return Vec::new();
        }
        self.base = range.start;
        let text = self.replaced.text.get(range).unwrap_or("");
        let documents = match events::read(text, self.left) {
            Some(documents) => Ok(documents),
            None => serde_saphyr::from_str_multiple_with_options(text, options(self.left)),
        };
        match documents {
            Ok(documents) => documents.into_iter().map(|raw| self.node(raw)).collect(),
            Err(error) => {
                let diagnostic = self.syntax(&error, text);
                if matches!(error, Error::Budget { .. }) {
                    self.left.nodes = 0;
                }
                self.diagnostics.push(diagnostic);
                Vec::new()
            }
        }
    }

    fn node(&mut self, raw: WithExtent<RawValue<'_>>) -> Node {
        let span = self.span(&raw.at);
        self.left.spend(if let RawValue::Text(text) = &raw.value {
            text.len()
        } else {
            0
        });
        let datum = match raw.value {
            RawValue::Null => Datum::Null,
            RawValue::Bool(value) => Datum::Bool(value),
            RawValue::Number => number(self.sources.slice(span)),
            RawValue::Text(text) => self.text(self.replaced.restore(text), span),
            RawValue::Seq(items) => {
                Datum::Seq(items.into_iter().map(|item| self.node(item)).collect())
            }
            RawValue::Map(entries) => self.mapping(entries),
        };
        Node { span, datum }
    }

    fn text(&mut self, text: String, span: Span) -> Datum {
        if !text.contains("${") {
            return Datum::String(text);
        }
        match Template::parse(&text) {
            Ok(template) => template.into(),
            Err(errors) => {
                for error in errors {
                    let fragment = text.get(error.range).unwrap_or("");
                    let place = template::locate(self.sources, span, fragment);
                    self.diagnostics.push(
                        Diagnostic::error(Code::BadExpression, place, error.message)
                            .maybe_help(error.help),
                    );
                }
                Datum::String(text)
            }
        }
    }

    fn mapping(&mut self, raw: Vec<(WithExtent<RawKey<'_>>, WithExtent<RawValue<'_>>)>) -> Datum {
        let mut seen: HashMap<String, Span> = HashMap::with_capacity(raw.len());
        let mut entries = Vec::with_capacity(raw.len());
        for (key, value) in raw {
            self.left.spend(key.value.0.len());
            let key_span = self.span(&key.at);
            let (key, key_template) = self.key(self.replaced.restore(key.value.0), key_span);
            let value = self.node(value);
            if let Some(first) = seen.get(&key) {
                self.diagnostics.push(
                    Diagnostic::error(
                        Code::DuplicateKey,
                        key_span,
                        format!("duplicate key `{key}`"),
                    )
                    .related(*first, "first used here"),
                );
                continue;
            }
            seen.insert(key.clone(), key_span);
            entries.push(Entry {
                key,
                key_template,
                key_span,
                value,
            });
        }
        Datum::Map(entries)
    }

    fn key(&mut self, text: String, span: Span) -> (String, Option<Template>) {
        match self.text(text, span) {
            Datum::Template(template) => (template.to_string(), Some(template)),
            Datum::String(text) => (text, None),
            _ => (String::new(), None),
        }
    }

    /// The span of a value in the original text.
    fn span(&self, extent: &Extent) -> Span {
        let (start, length) = match *extent {
            Extent::Bytes(start, length) => (start, length),
            Extent::Chars(start, length) => {
                let text = self.replaced.text.get(self.base..).unwrap_or("");
                let byte = |chars: usize| {
                    text.char_indices()
                        .nth(chars)
                        .map_or(text.len(), |(at, _)| at)
                };
                let first = byte(start);
                (first, byte(start.saturating_add(length)) - first)
            }
        };
        let original = |offset: usize| {
            self.replaced
                .original((self.base + offset).min(self.replaced.text.len()))
        };
        Span::new(self.id, original(start)..original(start + length))
    }

    fn syntax(&self, error: &Error, text: &str) -> Diagnostic {
        let mut error = error.without_snippet();
        let mut span = error.location().map_or_else(
            || {
                Span::new(
                    self.id,
                    self.replaced.original(self.base)
                        ..self.replaced.original(self.base + text.len()),
                )
            },
            |location| self.span(&Extent::from_location(&location)),
        );
        if let Error::AliasError {
            error: inner,
            locations,
            ..
        } = error
        {
            span = self.span(&Extent::from_location(&locations.reference_location));
            error = inner;
        }
        let message = match error {
            Error::AliasReplayLimitExceeded { .. }
            | Error::AliasExpansionLimitExceeded { .. }
            | Error::AliasReplayStackDepthExceeded { .. } => {
                format!("the aliases of this document expand to more than {MAX_REPEATED} values")
            }
            Error::RecursiveReferencesRequireWeakTypes { .. } => {
                "an alias cannot refer to an anchor that contains it".to_owned()
            }
            Error::Budget {
                breach: budget::BudgetBreach::Depth { .. },
                ..
            } => too_deep(),
            Error::ExternalMessage { msg, .. } if msg.contains("recursion limit") => too_deep(),
            Error::Unexpected {
                expected: "string scalar",
                ..
            } => "a key must be text, not a list or a mapping".to_owned(),
            Error::Budget { .. } => format!(
                "the text is too large: at most {MAX_NODES} values are allowed, including those that aliases repeat"
            ),
            Error::InvalidBinaryBase64 { .. } => {
                "the value of `!!binary` is not valid base64".to_owned()
            }
            Error::NullIntoString { .. } => {
                "a key cannot be empty: put a key named null in quotes".to_owned()
            }
            Error::Eof { .. } => "unexpected end of the text".to_owned(),
            other => DefaultMessageFormatter
                .format_message(other)
                .replace("YAML merge value", "the value of `<<`"),
        };
        let help = message
            .starts_with("tabs ")
            .then(|| "indent with spaces".to_owned());
        Diagnostic::error(Code::Syntax, span, message).maybe_help(help)
    }
}

fn too_deep() -> String {
    format!("lists and mappings are nested more than {MAX_DEPTH} levels deep")
}

fn options(left: Allowance) -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            flow_nesting_limit: MAX_DEPTH + 1,
            max_nodes: left.nodes,
            max_events: 2 * left.nodes + 16,
            max_total_scalar_bytes: left.bytes,
            max_recorded_anchor_events: MAX_NODES,
            enforce_alias_anchor_ratio: false,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: MAX_REPEATED },
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        reject_unsupported_tags: true,
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        with_snippet: false,
    }
}

/// Converts a plain scalar that looks like a number: an integer that fits into 64 bits or a finite float, else text.
pub(crate) fn number(text: &str) -> Datum {
    let unsigned = text.strip_prefix('+').unwrap_or(text);
    let radix = |digits: &str, radix| u64::from_str_radix(digits, radix).ok().map(Number::from);
    let number = if let Some(digits) = text.strip_prefix("0x") {
        radix(digits, 16)
    } else if let Some(digits) = text.strip_prefix("0o") {
        radix(digits, 8)
    } else if unsigned
        .trim_start_matches('-')
        .bytes()
        .all(|byte| byte.is_ascii_digit())
    {
        unsigned
            .parse::<u64>()
            .map(Number::from)
            .or_else(|_| unsigned.parse::<i64>().map(Number::from))
            .ok()
    } else if text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte))
    {
        unsigned.parse::<f64>().ok().and_then(Number::from_f64)
    } else {
        None
    };
    number.map_or_else(|| Datum::String(text.to_owned()), Datum::Number)
}

#[cfg(test)]
mod tests;
