//! Placeholders for the braces and brackets of expressions, which YAML would parse as mappings and lists.

use std::borrow::Cow;

/// A text in which placeholders, which have no meaning in YAML, replace the braces and brackets of every `${...}`.
pub(super) struct PlaceholderText<'a> {
    pub(super) text: Cow<'a, str>,
    /// The offsets of the placeholders in the replaced text.
    at: Vec<usize>,
}

/// The placeholders of `{`, `}`, `[` and `]`: characters of the private use area, three bytes each.
const PLACEHOLDERS: [(char, char); 4] = [
    ('{', '\u{e000}'),
    ('}', '\u{e001}'),
    ('[', '\u{e002}'),
    (']', '\u{e003}'),
];
/// How many bytes longer a placeholder is than the character that it replaces.
const PLACEHOLDER_GROWTH: usize = 2;

impl<'a> PlaceholderText<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        if !text.contains("${") || text.contains(PLACEHOLDERS.map(|(_, placeholder)| placeholder)) {
            return Self {
                text: Cow::Borrowed(text),
                at: Vec::new(),
            };
        }
        let (mut replaced, mut at, mut rest) =
            (String::with_capacity(text.len()), Vec::new(), text);
        while let Some(dollar) = rest.find("${") {
            let (before, expression) = rest.split_at(dollar);
            let inside = expression.strip_prefix("${").unwrap_or(expression);
            let length = inside
                .find(['{', '}', '"', '\'', '#', '\n'])
                .filter(|end| inside[*end..].starts_with('}'));
            let length = length.map_or(2, |end| end + 3);
            replaced.push_str(before);
            for char in expression[..length].chars() {
                match PLACEHOLDERS
                    .iter()
                    .find(|(original, _)| length > 2 && *original == char)
                {
                    Some((_, placeholder)) => {
                        at.push(replaced.len());
                        replaced.push(*placeholder);
                    }
                    None => replaced.push(char),
                }
            }
            rest = &expression[length..];
        }
        replaced.push_str(rest);
        Self {
            text: Cow::Owned(replaced),
            at,
        }
    }

    /// The offset in the original text.
    pub(super) fn original(&self, offset: usize) -> usize {
        offset - PLACEHOLDER_GROWTH * self.at.partition_point(|at| *at < offset)
    }

    pub(super) fn restore(&self, text: Cow<'_, str>) -> String {
        if self.at.is_empty() || !text.contains(PLACEHOLDERS.map(|(_, placeholder)| placeholder)) {
            return text.into_owned();
        }
        let original = |char| {
            PLACEHOLDERS
                .iter()
                .find(|(_, placeholder)| *placeholder == char)
                .map_or(char, |(original, _)| *original)
        };
        text.chars().map(original).collect()
    }
}
