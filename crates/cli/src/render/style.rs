//! Color, characters and width of text, and escaping of text that comes from specs and Azure.

use anstyle::{AnsiColor, Effects};
pub(crate) use lazuli_core::text::is_shown;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// What the destination of text can display.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Style {
    /// Whether escape sequences for color are supported. Color never carries information alone.
    pub(crate) color: bool,
    /// Whether lazuli's own signs are limited to ASCII. Text from specs and Azure is not affected.
    pub(crate) ascii: bool,
    /// Whether the text is for a screen reader: words instead of signs, no drawings.
    pub(crate) plain: bool,
    /// In columns.
    pub(crate) width: usize,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            color: false,
            ascii: false,
            plain: false,
            width: 80,
        }
    }
}

/// The emphasis of a piece of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tint {
    /// Creations and successes.
    Green,
    /// Changes and warnings.
    Yellow,
    /// Deletions and failures.
    Red,
    /// Secondary text.
    Faint,
    /// Headings and summaries.
    Strong,
}

impl Tint {
    fn style(self) -> anstyle::Style {
        match self {
            Self::Green => AnsiColor::Green.on_default(),
            Self::Yellow => AnsiColor::Yellow.on_default(),
            Self::Red => AnsiColor::Red.on_default(),
            Self::Faint => anstyle::Style::new().effects(Effects::DIMMED),
            Self::Strong => anstyle::Style::new().effects(Effects::BOLD),
        }
    }
}

impl Style {
    /// For text on HTML and Markdown pages.
    pub(crate) const PAGE: Self = Self {
        color: false,
        ascii: false,
        plain: false,
        width: 100,
    };

    /// Colors the text, if the style has color.
    pub(crate) fn paint(&self, tint: Tint, text: &str) -> String {
        if !self.color || text.is_empty() {
            return text.to_owned();
        }
        let style = tint.style();
        format!("{style}{text}{style:#}")
    }

    /// Like [`wrap_block`], with each line in color.
    pub(crate) fn paint_block(&self, tint: Tint, indent: usize, text: &str) -> String {
        wrap_block(indent, text, self.width)
            .lines()
            .map(|line| self.paint(tint, line) + "\n")
            .collect()
    }

    /// The sign between the values before and after a change.
    pub(crate) fn arrow(&self) -> &'static str {
        match (self.plain, self.ascii) {
            (true, _) => "becomes",
            (false, true) => "->",
            (false, false) => "→",
        }
    }

    /// The sign for omitted text.
    pub(crate) fn ellipsis(&self) -> &'static str {
        if self.ascii { "..." } else { "…" }
    }

    /// Replaces signs in lazuli's own text that the style cannot display.
    pub(crate) fn signs(&self, text: &str) -> String {
        match self.ascii {
            true => text.replace('→', "->").replace('…', "..."),
            false => text.to_owned(),
        }
    }

    /// Truncates the text to a number of columns.
    pub(crate) fn truncate(&self, text: &str, width: usize) -> String {
        if columns(text) <= width {
            return text.to_owned();
        }
        let room = width.saturating_sub(columns(self.ellipsis()));
        format!("{}{}", take_columns(text, room), self.ellipsis())
    }
}

/// Makes text from Azure or a spec safe for a terminal, in one line: control characters, bidirectional controls and
/// zero-width characters become escapes.
pub(crate) fn escape_control(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            hidden if !is_shown(hidden) => cleaned.extend(hidden.escape_default()),
            visible => cleaned.push(visible),
        }
    }
    cleaned
}

/// Makes serialized JSON safe for a terminal without changing its value.
pub(crate) fn escape_json(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        if character == '\n' || is_shown(character) {
            text.push(character);
        } else {
            // Such characters occur only in strings, where JSON escapes are UTF-16 code units.
            for unit in character.encode_utf16(&mut [0; 2]) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    text
}

/// The display width of a text in columns.
pub(crate) fn columns(text: &str) -> usize {
    text.width()
}

/// The longest prefix that fits into a number of columns; at least one character.
fn take_columns(text: &str, width: usize) -> &str {
    let mut used = 0;
    for (at, character) in text.char_indices() {
        used += character.width().unwrap_or(0);
        if used > width && at > 0 {
            return text.get(..at).unwrap_or(text);
        }
    }
    text
}

/// Wraps text at spaces. A word that is longer than a line (an id, a list) begins its own line and is broken after `/`
/// or `,` if possible. Further lines are indented like the first.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let words = text.trim_start_matches(' ');
    let indent = (text.len() - words.len()).min(width / 2);
    let lines = wrap_words(words, (width - indent).max(8)).into_iter();
    lines.map(|line| format!("{:indent$}{line}", "")).collect()
}

fn wrap_words(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        let mut word = word;
        if !line.is_empty() && columns(&line) + 1 + columns(word) > width {
            lines.push(std::mem::take(&mut line));
        } else if !line.is_empty() {
            line.push(' ');
        }
        while columns(word) > width {
            let fits = take_columns(word, width);
            let piece = match fits.rfind(['/', ',']) {
                Some(end) if end > 0 => fits.get(..=end).unwrap_or(fits),
                _ => fits,
            };
            lines.push(piece.to_owned());
            word = word.get(piece.len()..).unwrap_or("");
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

/// Wraps one line of text with a hanging indent: `indents` are those of the first and of the further lines.
pub(crate) fn wrap_hanging(
    text: &str,
    tint: Option<Tint>,
    indents: [usize; 2],
    style: &Style,
) -> String {
    let [first, further] = indents;
    let pieces = wrap(text, style.width.saturating_sub(first.max(further)));
    let lines = pieces.iter().enumerate().map(|(at, piece)| {
        let indent = if at == 0 { first } else { further };
        let line = format!("{:indent$}{piece}", "");
        let line = line.trim_end();
        tint.map_or_else(|| line.to_owned(), |tint| style.paint(tint, line)) + "\n"
    });
    lines.collect()
}

/// Escapes, wraps and indents text of several lines.
pub(crate) fn wrap_block(indent: usize, text: &str, width: usize) -> String {
    let mut block = String::new();
    for line in text
        .lines()
        .flat_map(|line| wrap(&escape_control(line), width.saturating_sub(indent)))
    {
        block.push_str(format!("{:indent$}{line}", "").trim_end());
        block.push('\n');
    }
    block
}

/// A [`wrap_block`] whose first line begins with a label of `indent` columns, which may have color.
pub(crate) fn labeled_block(label: &str, indent: usize, text: &str, width: usize) -> String {
    let body = wrap_block(indent, text, width);
    match body.get(indent..) {
        Some(rest) => format!("{label}{rest}"),
        None => format!("{}\n", label.trim_end()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_invisible_characters_are_escaped() {
        let text =
            "red \u{1b}[31m, bell \u{7}, c1 \u{9b}0m, back\u{8}, turn \u{202e}, line\r\n, tab\t.";
        let cleaned = escape_control(text);
        assert_eq!(
            cleaned,
            "red \\u{1b}[31m, bell \\u{7}, c1 \\u{9b}0m, back\\u{8}, turn \\u{202e}, line\\r\\n, tab\\t."
        );
        assert!(cleaned.chars().all(is_shown));
        assert_eq!(escape_control("Größe 東京 ${x}"), "Größe 東京 ${x}");
        assert_eq!(
            escape_control("a\u{200b}b\u{200d}c\u{e0041}"),
            "a\\u{200b}b\\u{200d}c\\u{e0041}"
        );
    }

    #[test]
    fn escaped_json_has_the_same_value() {
        let json =
            serde_json::json!({ "a\u{9b}": ["\u{1b}[2J\u{7f}", "\u{e0041}\u{202e}\n\"", "Größe"] });
        let text = escape_json(&format!("{json:#}"));
        assert!(
            text.chars()
                .all(|character| character == '\n' || is_shown(character)),
            "{text:?}"
        );
        assert_eq!(text.parse::<serde_json::Value>().unwrap(), json);
        assert!(text.contains("Größe"));
    }

    #[test]
    fn escape_sequences_require_color() {
        let plain = Style::default();
        let colored = Style {
            color: true,
            ..Style::default()
        };
        assert_eq!(plain.paint(Tint::Red, "x"), "x");
        assert_eq!(colored.paint(Tint::Red, "x"), "\u{1b}[31mx\u{1b}[0m");
    }

    #[test]
    fn lines_break_at_spaces_and_long_ids_break_after_a_slash() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(
            wrap("at /subscriptions/1234 now", 16),
            ["at", "/subscriptions/", "1234 now"]
        );
        assert_eq!(wrap("aaaaaaaaaaaa", 8), ["aaaaaaaa", "aaaa"]);
        assert_eq!(wrap("eastus,westus", 8), ["eastus,", "westus"]);
        assert_eq!(wrap("東京東京東京", 8), ["東京東京", "東京"]);
        assert_eq!(wrap("", 8), [""]);
        assert_eq!(wrap("  a: one two", 10), ["  a: one", "  two"]);
    }

    #[test]
    fn long_text_is_truncated_with_an_ellipsis() {
        let style = Style::default();
        assert_eq!(style.truncate("recordings", 10), "recordings");
        assert_eq!(style.truncate("recordings", 6), "recor…");
        assert_eq!(
            Style {
                ascii: true,
                ..style
            }
            .truncate("recordings", 6),
            "rec..."
        );
    }
}
