//! The fenced blocks of a page.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

/// A fenced block.
pub struct Block {
    /// The info string: `yaml`, or `yaml stack.yaml`.
    pub info: String,
    /// The range of the lines in the page.
    pub at: Range<usize>,
    /// The lines.
    pub text: String,
}

/// The fenced blocks of a page in order.
pub fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (event, at) in Parser::new(page).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                // An empty block starts after the line of its fence.
                let start = page[at.start..]
                    .find('\n')
                    .map_or(at.end, |end| at.start + end + 1);
                open = Some(Block {
                    info: info.into_string(),
                    at: start..start,
                    text: String::new(),
                });
            }
            Event::Text(text) => {
                if let Some(block) = &mut open {
                    block.at.end = at.end;
                    block.text += &text;
                }
            }
            Event::End(TagEnd::CodeBlock) => blocks.extend(open.take()),
            _ => {}
        }
    }
    blocks
}
