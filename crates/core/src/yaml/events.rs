//! The fast path of parsing: reads documents without anchors, tags, merge keys and ambiguous scalars directly from parser
//! events. All other documents, and those with mistakes, are left to serde-saphyr.

use std::borrow::Cow;

use serde_saphyr::granit_parser::{Event, Options, Parser, ScalarStyle, Span, StrInput};

use super::{
    Allowance, MAX_DEPTH,
    raw::{Extent, RawKey, RawValue, WithExtent},
};

/// Reads the documents of a text. Returns `None` if the fast path does not apply.
pub(super) fn read(text: &str, left: Allowance) -> Option<Vec<WithExtent<RawValue<'_>>>> {
    let mut options = Options::default();
    options.set_emit_comments(false);
    let mut reader = EventReader {
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
                // serde-saphyr skips empty documents.
                if matches!(document.value, RawValue::Null) {
                    return None;
                }
                documents.push(document);
            }
        }
    }
}

struct EventReader<'t> {
    parser: Parser<'t, StrInput<'t>>,
    left: Allowance,
}

impl<'t> EventReader<'t> {
    fn next(&mut self) -> Option<(Event<'t>, Span)> {
        self.parser.next_event()?.ok()
    }

    fn value(
        &mut self,
        event: Event<'t>,
        span: &Span,
        depth: usize,
    ) -> Option<WithExtent<RawValue<'t>>> {
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
                        (Event::SequenceEnd, _) => break RawValue::Seq(items),
                        (event, span) => items.push(self.value(event, &span, depth + 1)?),
                    }
                }
            }
            Event::MappingStart(_, 0, None) if depth < MAX_DEPTH => {
                self.spend(0)?;
                let mut entries = Vec::new();
                loop {
                    match self.next()? {
                        (Event::MappingEnd, _) => break RawValue::Map(entries),
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
        Some(WithExtent {
            at: extent(span)?,
            value,
        })
    }

    fn key(&mut self, event: Event<'t>, span: &Span) -> Option<WithExtent<RawKey<'t>>> {
        let Event::Scalar(text, style, 0, None) = event else {
            return None;
        };
        self.spend(text.len())?;
        let is_plain = style == ScalarStyle::Plain;
        (!is_plain || text != "<<" && !is_null_like(&text)).then_some(WithExtent {
            at: extent(span)?,
            value: RawKey(text),
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

/// Converts a scalar of an unambiguous type.
fn scalar(text: Cow<'_, str>, style: ScalarStyle) -> Option<RawValue<'_>> {
    if style != ScalarStyle::Plain {
        return Some(RawValue::Text(text));
    }
    match &*text {
        "" | "~" | "null" => return Some(RawValue::Null),
        "true" => return Some(RawValue::Bool(true)),
        "false" => return Some(RawValue::Bool(false)),
        _ => {}
    }
    if text.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first)) {
        return numeric(text);
    }
    let is_ambiguous = is_null_like(&text)
        || ["true", "false"]
            .iter()
            .any(|word| text.eq_ignore_ascii_case(word));
    (!is_ambiguous).then_some(RawValue::Text(text))
}

fn is_null_like(text: &str) -> bool {
    matches!(text, "" | "~") || text.eq_ignore_ascii_case("null")
}

/// Converts text that starts like a number: a plain integer, or text that contains a character no number contains.
fn numeric(text: Cow<'_, str>) -> Option<RawValue<'_>> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    if digits && text.len() <= 18 && (text.len() == 1 || !text.starts_with('0')) {
        return Some(RawValue::Number);
    }
    let is_not_numeric = |byte: u8| b"/:ghjklmpqrstuvwyzGHJKLMPQRSTUVWYZ".contains(&byte);
    text.bytes()
        .any(is_not_numeric)
        .then_some(RawValue::Text(text))
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

    /// Whether the fast path applies; then its result must equal that of serde-saphyr.
    fn is_fast(text: &str) -> bool {
        let Some(fast) = read(text, LEFT) else {
            return false;
        };
        let reference: Result<Vec<WithExtent<RawValue<'_>>>, _> =
            serde_saphyr::from_str_multiple_with_options(text, options(LEFT));
        assert_eq!(
            Ok(fast),
            reference.map_err(|error| error.to_string()),
            "{text}"
        );
        true
    }

    #[test]
    fn unambiguous_scalars_equal_those_of_serde_saphyr() {
        let ambiguous = [
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
        for text in ambiguous {
            is_fast(&format!("a: {text}\n"));
            is_fast(&format!("- {text}\n- [{text}]\n"));
            is_fast(&format!("{text}: a\n"));
        }
        for text in clear {
            assert!(is_fast(&format!("a: {text}\nb: [{text}]\n")), "{text}");
            assert!(is_fast(&format!("{text}: a\n")), "{text}");
        }
        assert!(is_fast(
            "a: null\nb: ~\nc:\nd: []\ne: {}\nf: |\n  x\n  y\ng: >-\n  x\n  y\n"
        ));
    }

    #[test]
    fn fast_path_leaves_anchors_tags_and_merge_keys_to_serde_saphyr() {
        for text in [
            "a: &x 1\n",
            "a: &x b\nc: *x\n",
            "a: !!str 1\n",
            "<<: { a: b }\n",
            "~: a\n",
        ] {
            assert!(!is_fast(text), "{text}");
        }
        let deep = |depth| format!("{}a{}", "[".repeat(depth), "]".repeat(depth));
        assert!(is_fast(&deep(MAX_DEPTH)));
        assert!(!is_fast(&deep(MAX_DEPTH + 1)));
    }

    proptest! {
        #[test]
        fn fast_path_equals_serde_saphyr(parts in prop::collection::vec(prop::sample::select(vec![
            "a", "b: ", "- ", ": ", "\n", "\n  ", "\n    ", "[", "]", "{", "}", ", ", "\"x\"", "'y'", "|\n  t\n", "1", "-2",
            "true", "null", "# c\n", "? ", "é", "---\n", "...\n", "\t", "${x}", "~", "0.5", "e3", "%", "@", "`", "*", "&",
            "!", ">", "<<", "  ",
        ]), 0..24)) {
            is_fast(&parts.concat());
        }
    }
}
