//! The explanation of an error code: paragraphs, and examples with and without the mistake.

/// The explanation of an error code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Paragraphs and examples in reading order.
    pub blocks: Vec<ExplanationBlock>,
}

/// A paragraph or an example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExplanationBlock {
    /// A paragraph of Markdown without line breaks: text, and `code` in backticks.
    Paragraph(String),
    /// An example.
    Example(Example),
}

/// An example with or without the mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Example {
    /// The role of the example.
    pub role: ExampleRole,
    /// `yaml` for a whole spec, `sh` for commands that belong to it.
    pub language: &'static str,
    /// The lines, each with its line break.
    pub text: &'static str,
}

/// The role of an example in an explanation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExampleRole {
    /// The spec that was applied before, if the mistake depends on it.
    Before,
    /// The spec with the mistake.
    Wrong,
    /// The corrected spec.
    Right,
}

impl ExampleRole {
    const ALL: [(&'static str, Self); 3] = [
        ("before", Self::Before),
        ("wrong", Self::Wrong),
        ("right", Self::Right),
    ];

    /// The heading above examples with this role.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Before => "Applied before",
            Self::Wrong => "Wrong",
            Self::Right => "Right",
        }
    }
}

const FENCE: &str = "```";

impl Explanation {
    /// Parses Markdown with paragraphs and code fences; a fence starts with the language and the role: `yaml wrong`.
    pub(super) fn parse(mut text: &'static str) -> Self {
        let mut blocks = Vec::new();
        while let Some((prose, rest)) = text.split_once(FENCE) {
            push_paragraphs(prose, &mut blocks);
            let (info, rest) = rest.split_once('\n').unwrap_or((rest, ""));
            let (body, rest) = rest.split_once(FENCE).unwrap_or((rest, ""));
            let (language, role) = info.split_once(' ').unwrap_or((info, ""));
            let role = ExampleRole::ALL.into_iter().find(|(word, _)| *word == role);
            blocks.extend(role.map(|(_, role)| {
                ExplanationBlock::Example(Example {
                    role,
                    language,
                    text: body,
                })
            }));
            text = rest;
        }
        push_paragraphs(text, &mut blocks);
        Self { blocks }
    }

    /// The examples with this role.
    pub fn examples(&self, role: ExampleRole) -> impl Iterator<Item = &Example> {
        self.blocks.iter().filter_map(move |block| match block {
            ExplanationBlock::Example(example) if example.role == role => Some(example),
            _ => None,
        })
    }

    /// Renders Markdown for a page, with a heading above consecutive examples of the same role.
    pub fn to_markdown(&self) -> String {
        let mut page = String::new();
        let mut last = None;
        for block in &self.blocks {
            match block {
                ExplanationBlock::Paragraph(text) => {
                    last = None;
                    page.push_str(&format!("{text}\n\n"));
                }
                ExplanationBlock::Example(example) => {
                    if last.replace(example.role) != Some(example.role) {
                        page.push_str(&format!("{}:\n\n", example.role.heading()));
                    }
                    let Example { language, text, .. } = example;
                    page.push_str(&format!("{FENCE}{language}\n{text}{FENCE}\n\n"));
                }
            }
        }
        page
    }
}

fn push_paragraphs(text: &str, blocks: &mut Vec<ExplanationBlock>) {
    let paragraphs = text
        .split("\n\n")
        .map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "));
    let paragraphs = paragraphs.filter(|paragraph| !paragraph.is_empty());
    blocks.extend(paragraphs.map(ExplanationBlock::Paragraph));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Code;

    #[test]
    fn every_code_has_a_description_both_examples_and_a_fix() {
        for code in Code::ALL {
            let explanation = code.explanation();
            let first = explanation.blocks.first();
            let last = explanation.blocks.last();
            assert!(
                matches!(first, Some(ExplanationBlock::Paragraph(_))),
                "{code}"
            );
            assert!(
                matches!(last, Some(ExplanationBlock::Paragraph(_))),
                "{code}"
            );
            for role in [ExampleRole::Wrong, ExampleRole::Right] {
                let mut specs = explanation.examples(role);
                assert!(specs.any(|example| example.language == "yaml"), "{code}");
            }
            let lines = explanation
                .examples(ExampleRole::Wrong)
                .chain(explanation.examples(ExampleRole::Right))
                .flat_map(|example| example.text.lines());
            for line in lines {
                assert!(line.len() <= 76, "{code}: {line}");
            }
        }
    }

    #[test]
    fn paragraphs_and_examples_keep_their_order() {
        let explanation = Explanation::parse(
            "One\nline.\n\nTwo.\n\n```yaml wrong\na: 1\n```\n\n```sh wrong\nb\n```\n\n```yaml right\nc: 1\n```\n\nEnd.\n",
        );
        assert_eq!(explanation.blocks.len(), 6);
        assert_eq!(explanation.examples(ExampleRole::Wrong).count(), 2);
        assert_eq!(
            explanation.to_markdown(),
            "One line.\n\nTwo.\n\nWrong:\n\n```yaml\na: 1\n```\n\n```sh\nb\n```\n\nRight:\n\n```yaml\nc: 1\n```\n\nEnd.\n\n"
        );
    }
}
