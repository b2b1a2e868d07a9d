//! The short way through a text: what has neither anchors nor tags, merges nor scalars of a doubtful type, is taken from
//! the parser's events as it is. All else, and every mistake, is left to serde-saphyr.

use std::borrow::Cow;

use serde_saphyr::granit_parser::{Event, Options, Parser, ScalarStyle, Span, StrInput};

use super::{Allowance, At, Extent, Key, MAX_DEPTH, Raw};

/// The documents of a text, or nothing if it takes the long way.
pub(super) fn read(text: &str, left: Allowance) -> Option<Vec<At<Raw<'_>>>> {
    let mut options = Options::default();
    options.set_emit_comments(false);
    let mut reader = Reader {
        parser: Parser::new_from_str_with_options(text, options),
        left,
    };
    let mut documents = Vec::new();
    loop {
        match reader.next()? {
            (Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd, _) => {}
            (Event::StreamEnd, _) => return Some(documents),
            (event, span) => {
                let document = reader.value(event, &span, 0)?;
                // serde-saphyr leaves empty documents out.
                if matches!(document.value, Raw::Null) {
                    return None;
                }
                documents.push(document);
            }
        }
    }
}

struct Reader<'t> {
    parser: Parser<'t, StrInput<'t>>,
    left: Allowance,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Option<(Event<'t>, Span)> {
        self.parser.next_event()?.ok()
    }

    fn value(&mut self, event: Event<'t>, span: &Span, depth: usize) -> Option<At<Raw<'t>>> {
        let value = match event {
            Event::Scalar(text, style, 0, None) => {
                self.spend(text.len())?;
                scalar(text, style)?
            }
            Event::SequenceStart(_, 0, None) if depth < MAX_DEPTH => {
                self.spend(0)?;
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break Raw::Seq(items),
                        (event, span) => items.push(self.value(event, &span, depth + 1)?),
                    }
                }
            }
            Event::MappingStart(_, 0, None) if depth < MAX_DEPTH => {
                self.spend(0)?;
                let mut entries = Vec::new();
                loop {
                    match self.next()? {
                        (Event::MappingEnd, _) => break Raw::Map(entries),
                        (event, span) => {
                            let key = self.key(event, &span)?;
                            let (event, span) = self.next()?;
                            entries.push((key, self.value(event, &span, depth + 1)?));
                        }
                    }
                }
            }
            _ => return None,
        };
        Some(At {
            at: extent(span)?,
            value,
        })
    }

    fn key(&mut self, event: Event<'t>, span: &Span) -> Option<At<Key<'t>>> {
        let Event::Scalar(text, style, 0, None) = event else {
            return None;
        };
        self.spend(text.len())?;
        let is_plain = style == ScalarStyle::Plain;
        (!is_plain || text != "<<" && !is_null_like(&text)).then_some(At {
            at: extent(span)?,
            value: Key(text),
        })
    }

    fn spend(&mut self, bytes: usize) -> Option<()> {
        self.left.nodes = self.left.nodes.checked_sub(1)?;
        self.left.bytes = self.left.bytes.checked_sub(bytes)?;
        Some(())
    }
}

fn extent(span: &Span) -> Option<Extent> {
    let range = span.byte_range()?;
    Some(Extent::Bytes(range.start, range.len()))
}

/// A scalar of a type that is beyond doubt.
fn scalar(text: Cow<'_, str>, style: ScalarStyle) -> Option<Raw<'_>> {
    if style != ScalarStyle::Plain {
        return Some(Raw::Text(text));
    }
    match &*text {
        "" | "~" | "null" => return Some(Raw::Null),
        "true" => return Some(Raw::Bool(true)),
        "false" => return Some(Raw::Bool(false)),
        _ => {}
    }
    if text.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first)) {
        return numeric(text);
    }
    let doubtful = is_null_like(&text)
        || ["true", "false"]
            .iter()
            .any(|word| text.eq_ignore_ascii_case(word));
    (!doubtful).then_some(Raw::Text(text))
}

fn is_null_like(text: &str) -> bool {
    matches!(text, "" | "~") || text.eq_ignore_ascii_case("null")
}

/// What begins like a number: a whole number without ornaments, or text that no number is written like.
fn numeric(text: Cow<'_, str>) -> Option<Raw<'_>> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    if digits && text.len() <= 18 && (text.len() == 1 || !text.starts_with('0')) {
        return Some(Raw::Number);
    }
    let is_of_no_number = |byte: u8| b"/:ghjklmpqrstuvwyzGHJKLMPQRSTUVWYZ".contains(&byte);
    text.bytes().any(is_of_no_number).then_some(Raw::Text(text))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{MAX_NODES, MAX_SCALAR_BYTES, options};
    use super::*;

    const LEFT: Allowance = Allowance {
        nodes: MAX_NODES,
        bytes: MAX_SCALAR_BYTES,
    };

    /// Whether the short way was taken; then both ways must lead to the same.
    fn is_short(text: &str) -> bool {
        let Some(short) = read(text, LEFT) else {
            return false;
        };
        let long: Result<Vec<At<Raw<'_>>>, _> =
            serde_saphyr::from_str_multiple_with_options(text, options(LEFT));
        assert_eq!(Ok(short), long.map_err(|error| error.to_string()), "{text}");
        true
    }

    #[test]
    fn scalars_are_what_serde_saphyr_makes_of_them_or_left_to_it() {
        let doubtful = [
            "1.5",
            "-1",
            "+1",
            "010",
            "1_000",
            "0x1f",
            "0o17",
            ".5",
            ".inf",
            "-.INF",
            ".nan",
            "1e3",
            "True",
            "FALSE",
            "Null",
            "NULL",
            "12345678901234567890",
            "2026-01-01",
            "1,5",
            "1-2",
            "-",
            "+",
            ".",
            "0b1",
            "=",
            "<<",
        ];
        let clear = [
            "0",
            "7",
            "42",
            "a",
            "yes",
            "on",
            "true",
            "false",
            "eastus",
            "10.0.0.0/8",
            "Standard_LRS",
            "rg-1",
            "~x",
            "http://x",
            "\"1\"",
            "'true'",
            "\"null\"",
            "12:30:45",
            "nan",
            "inf",
            "a b",
            "é",
            "true story",
        ];
        for text in doubtful {
            is_short(&format!("a: {text}\n"));
            is_short(&format!("- {text}\n- [{text}]\n"));
            is_short(&format!("{text}: a\n"));
        }
        for text in clear {
            assert!(is_short(&format!("a: {text}\nb: [{text}]\n")), "{text}");
            assert!(is_short(&format!("{text}: a\n")), "{text}");
        }
        assert!(is_short(
            "a: null\nb: ~\nc:\nd: []\ne: {}\nf: |\n  x\n  y\ng: >-\n  x\n  y\n"
        ));
    }

    #[test]
    fn what_has_more_than_values_takes_the_long_way() {
        for text in [
            "a: &x 1\n",
            "a: &x b\nc: *x\n",
            "a: !!str 1\n",
            "<<: { a: b }\n",
            "~: a\n",
        ] {
            assert!(!is_short(text), "{text}");
        }
        let deep = |depth| format!("{}a{}", "[".repeat(depth), "]".repeat(depth));
        assert!(is_short(&deep(MAX_DEPTH)));
        assert!(!is_short(&deep(MAX_DEPTH + 1)));
    }

    proptest! {
        #[test]
        fn both_ways_lead_to_the_same(parts in prop::collection::vec(prop::sample::select(vec![
            "a", "b: ", "- ", ": ", "\n", "\n  ", "\n    ", "[", "]", "{", "}", ", ", "\"x\"", "'y'", "|\n  t\n", "1", "-2",
            "true", "null", "# c\n", "? ", "é", "---\n", "...\n", "\t", "${x}", "~", "0.5", "e3", "%", "@", "`", "*", "&",
            "!", ">", "<<", "  ",
        ]), 0..24)) {
            is_short(&parts.concat());
        }
    }
}
