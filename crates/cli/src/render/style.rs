//! How text looks: colour, characters, width. And what keeps foreign text from acting on the terminal.

use anstyle::{AnsiColor, Effects};
pub(crate) use lazuli_core::text::is_shown;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// What the place that text goes to can show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Style {
    /// Whether escape sequences for colour are understood. No information is in colour alone.
    pub(crate) colour: bool,
    /// Whether lazuli's own signs are to be ASCII. Text from specs and Azure stays as it is.
    pub(crate) ascii: bool,
    /// Whether the text is to be read aloud: words instead of signs, nothing that is drawn.
    pub(crate) plain: bool,
    /// Columns.
    pub(crate) width: usize,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            colour: false,
            ascii: false,
            plain: false,
            width: 80,
        }
    }
}

/// A way to set text apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tint {
    /// What is made; what went well.
    Green,
    /// What changes; what deserves a look.
    Yellow,
    /// What goes; what went wrong.
    Red,
    /// What matters less.
    Faint,
    /// What matters most.
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
    /// For text on a page, which has lines of any width: so wide that they are read with ease.
    pub(crate) const PAGE: Self = Self {
        colour: false,
        ascii: false,
        plain: false,
        width: 100,
    };

    /// The text in a colour, where there is colour.
    pub(crate) fn paint(&self, tint: Tint, text: &str) -> String {
        if !self.colour || text.is_empty() {
            return text.to_owned();
        }
        let style = tint.style();
        format!("{style}{text}{style:#}")
    }

    /// A [`block`] in a colour, line by line.
    pub(crate) fn block(&self, tint: Tint, indent: usize, text: &str) -> String {
        block(indent, text, self.width)
            .lines()
            .map(|line| self.paint(tint, line) + "\n")
            .collect()
    }

    /// Between before and after.
    pub(crate) fn arrow(&self) -> &'static str {
        match (self.plain, self.ascii) {
            (true, _) => "becomes",
            (false, true) => "->",
            (false, false) => "→",
        }
    }

    /// For what is left out.
    pub(crate) fn ellipsis(&self) -> &'static str {
        if self.ascii { "..." } else { "…" }
    }

    /// Lazuli's own words with the signs in them as they can be shown.
    pub(crate) fn signs(&self, text: &str) -> String {
        match self.ascii {
            true => text.replace('→', "->").replace('…', "..."),
            false => text.to_owned(),
        }
    }

    /// The text, cut to so many columns.
    pub(crate) fn fit(&self, text: &str, width: usize) -> String {
        if columns(text) <= width {
            return text.to_owned();
        }
        let room = width.saturating_sub(columns(self.ellipsis()));
        format!("{}{}", head(text, room), self.ellipsis())
    }
}

/// Text that comes from Azure or a spec, as one line in which nothing acts on the terminal: control characters, those
/// that turn the direction of writing and those that take no room are shown as their escapes.
pub(crate) fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            acts if !is_shown(acts) => cleaned.extend(acts.escape_default()),
            shown => cleaned.push(shown),
        }
    }
    cleaned
}

/// Written JSON in which nothing acts on the terminal, and which is still the same JSON.
pub(crate) fn harmless_json(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        if character == '\n' || is_shown(character) {
            text.push(character);
        } else {
            // What is not shown stands in strings only, where JSON takes UTF-16 in escapes.
            for unit in character.encode_utf16(&mut [0; 2]) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    text
}

/// How many columns a text takes.
pub(crate) fn columns(text: &str) -> usize {
    text.width()
}

/// As much of the start of a text as fits into so many columns; at least one character.
fn head(text: &str, width: usize) -> &str {
    let mut used = 0;
    for (at, character) in text.char_indices() {
        used += character.width().unwrap_or(0);
        if used > width && at > 0 {
            return text.get(..at).unwrap_or(text);
        }
    }
    text
}

/// The text in lines of at most so many columns: broken at spaces, and words that are too long (ids, lists) after
/// `/` or `,`, or wherever the line ends. Further lines stand in as far as the first.
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
            let fits = head(word, width);
            let piece = match fits.rfind(['/', ',']) {
                Some(end) if end > 0 => fits.get(..=end).unwrap_or(fits),
                _ => fits,
            };
            lines.push(piece.to_owned());
            word = word.get(piece.len()..).unwrap_or_default();
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

/// One line of text, wrapped to the width, whose further lines stand in by so many columns; each in a colour.
pub(crate) fn hanging(
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
        tint.map_or_else(|| line.clone(), |tint| style.paint(tint, &line)) + "\n"
    });
    lines.collect()
}

/// Lines of foreign text, wrapped to the width and moved in by so many columns.
pub(crate) fn block(indent: usize, text: &str, width: usize) -> String {
    let mut block = String::new();
    for line in text
        .lines()
        .flat_map(|line| wrap(&clean(line), width.saturating_sub(indent)))
    {
        block.push_str(format!("{:indent$}{line}", "").trim_end());
        block.push('\n');
    }
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_foreign_acts_on_the_terminal() {
        let text =
            "red \u{1b}[31m, bell \u{7}, c1 \u{9b}0m, back\u{8}, turn \u{202e}, line\r\n, tab\t.";
        let cleaned = clean(text);
        assert_eq!(
            cleaned,
            "red \\u{1b}[31m, bell \\u{7}, c1 \\u{9b}0m, back\\u{8}, turn \\u{202e}, line\\r\\n, tab\\t."
        );
        assert!(cleaned.chars().all(is_shown));
        assert_eq!(clean("Größe 東京 ${x}"), "Größe 東京 ${x}");
        assert_eq!(
            clean("a\u{200b}b\u{200d}c\u{e0041}"),
            "a\\u{200b}b\\u{200d}c\\u{e0041}"
        );
    }

    #[test]
    fn json_without_what_acts_is_the_same_json() {
        let json =
            serde_json::json!({ "a\u{9b}": ["\u{1b}[2J\u{7f}", "\u{e0041}\u{202e}\n\"", "Größe"] });
        let text = harmless_json(&format!("{json:#}"));
        assert!(
            text.chars().all(|shown| shown == '\n' || is_shown(shown)),
            "{text:?}"
        );
        assert_eq!(text.parse::<serde_json::Value>().unwrap(), json);
        assert!(text.contains("Größe"));
    }

    #[test]
    fn colour_is_only_where_it_is_wanted() {
        let plain = Style::default();
        let coloured = Style {
            colour: true,
            ..Style::default()
        };
        assert_eq!(plain.paint(Tint::Red, "x"), "x");
        assert_eq!(coloured.paint(Tint::Red, "x"), "\u{1b}[31mx\u{1b}[0m");
    }

    #[test]
    fn lines_break_at_spaces_and_long_ids_after_a_slash() {
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
    fn what_does_not_fit_is_cut() {
        let style = Style::default();
        assert_eq!(style.fit("recordings", 10), "recordings");
        assert_eq!(style.fit("recordings", 6), "recor…");
        assert_eq!(
            Style {
                ascii: true,
                ..style
            }
            .fit("recordings", 6),
            "rec..."
        );
    }
}
