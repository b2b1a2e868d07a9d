//! The long explanation of a code: paragraphs, and examples that are wrong or right.

/// An explanation, in the order in which it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Paragraphs and examples.
    pub parts: Vec<Part>,
}

/// A part of an explanation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// A paragraph of Markdown without line breaks: words, and `code` in backticks.
    Words(String),
    /// An example.
    Example(Example),
}

/// An example of a mistake, or of how it is done without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Example {
    /// What the example shows.
    pub shows: Shows,
    /// `yaml`, a whole spec; or `sh`, commands that go with it.
    pub language: &'static str,
    /// Its lines, the last one ended as well.
    pub text: &'static str,
}

/// What an example shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shows {
    /// What was applied before, where the mistake depends on it.
    Before,
    /// The mistake.
    Wrong,
    /// The same without it.
    Right,
}

impl Shows {
    const ALL: [(&'static str, Self); 3] = [
        ("before", Self::Before),
        ("wrong", Self::Wrong),
        ("right", Self::Right),
    ];

    /// The heading of such an example.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Before => "What is there",
            Self::Wrong => "Wrong",
            Self::Right => "Right",
        }
    }
}

const FENCE: &str = "```";

impl Explanation {
    /// Reads the Markdown that explanations are written in: paragraphs, and fences that say language and what they
    /// show: `yaml wrong`.
    pub(super) fn read(mut text: &'static str) -> Self {
        let mut parts = Vec::new();
        while let Some((words, rest)) = text.split_once(FENCE) {
            paragraphs(words, &mut parts);
            let (info, rest) = rest.split_once('\n').unwrap_or_default();
            let (body, rest) = rest.split_once(FENCE).unwrap_or((rest, ""));
            let (language, shows) = info.split_once(' ').unwrap_or((info, ""));
            let known = Shows::ALL.into_iter().find(|(word, _)| *word == shows);
            parts.extend(known.map(|(_, shows)| {
                Part::Example(Example {
                    shows,
                    language,
                    text: body,
                })
            }));
            text = rest;
        }
        paragraphs(text, &mut parts);
        Self { parts }
    }

    /// The examples that show this.
    pub fn examples(&self, shows: Shows) -> impl Iterator<Item = &Example> {
        self.parts.iter().filter_map(move |part| match part {
            Part::Example(example) if example.shows == shows => Some(example),
            _ => None,
        })
    }

    /// Markdown for a page, each run of examples under its heading.
    pub fn markdown(&self) -> String {
        let mut page = String::new();
        let mut last = None;
        for part in &self.parts {
            match part {
                Part::Words(words) => {
                    last = None;
                    page.push_str(&format!("{words}\n\n"));
                }
                Part::Example(example) => {
                    if last.replace(example.shows) != Some(example.shows) {
                        page.push_str(&format!("{}:\n\n", example.shows.heading()));
                    }
                    let Example { language, text, .. } = example;
                    page.push_str(&format!("{FENCE}{language}\n{text}{FENCE}\n\n"));
                }
            }
        }
        page
    }
}

fn paragraphs(text: &str, parts: &mut Vec<Part>) {
    let words = text
        .split("\n\n")
        .map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "));
    parts.extend(words.filter(|words| !words.is_empty()).map(Part::Words));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Code;

    #[test]
    fn every_code_says_what_it_means_shows_both_ways_and_says_what_to_do() {
        for code in Code::ALL {
            let explanation = code.explanation();
            let first = explanation.parts.first();
            let last = explanation.parts.last();
            assert!(matches!(first, Some(Part::Words(_))), "{code}");
            assert!(matches!(last, Some(Part::Words(_))), "{code}");
            for shows in [Shows::Wrong, Shows::Right] {
                let mut specs = explanation.examples(shows);
                assert!(specs.any(|example| example.language == "yaml"), "{code}");
            }
            let lines = explanation
                .examples(Shows::Wrong)
                .chain(explanation.examples(Shows::Right))
                .flat_map(|example| example.text.lines());
            for line in lines {
                assert!(line.len() <= 76, "{code}: {line}");
            }
        }
    }

    #[test]
    fn words_and_examples_keep_their_order() {
        let explanation = Explanation::read(
            "One\nline.\n\nTwo.\n\n```yaml wrong\na: 1\n```\n\n```sh wrong\nb\n```\n\n```yaml right\nc: 1\n```\n\nEnd.\n",
        );
        assert_eq!(explanation.parts.len(), 6);
        assert_eq!(explanation.examples(Shows::Wrong).count(), 2);
        assert_eq!(
            explanation.markdown(),
            "One line.\n\nTwo.\n\nWrong:\n\n```yaml\na: 1\n```\n\n```sh\nb\n```\n\nRight:\n\n```yaml\nc: 1\n```\n\nEnd.\n\n"
        );
    }
}
