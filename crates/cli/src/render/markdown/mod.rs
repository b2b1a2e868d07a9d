//! Plans and reports as Markdown, for pull request comments and job summaries.
//!
//! Text from specs and Azure is written only in code blocks, spans and elements, where neither Markdown nor HTML is
//! interpreted and sites do not turn it into mentions and links.

mod page;
mod plan;
mod report;

use lazuli_core::{plan::Step, source::Sources};

pub(crate) use plan::plan;
pub(crate) use report::report;

use super::{
    NodeNames, action_sign,
    change::{DiffLine, PropertyDiff, PropertyRow, collect_rows},
    describe_step,
    escape::escape_html,
    format_line,
    style::{Style, escape_control},
};

/// The number of stacks that are listed by name.
const LONGEST_LIST: usize = 10;

/// A code block. Its fence is longer than any run of backticks in the lines.
fn code_block(language: &str, lines: &str) -> String {
    let fence = "`".repeat(longest_backtick_run(lines).max(2) + 1);
    format!(
        "{fence}{language}\n{}\n{fence}\n\n",
        lines.trim_end_matches('\n')
    )
}

/// A code span for any text.
fn code_span(text: &str) -> String {
    let text = escape_control(text);
    let ticks = "`".repeat(longest_backtick_run(&text) + 1);
    let is_at_edge = text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']);
    match is_at_edge || text.is_empty() {
        true => format!("{ticks} {text} {ticks}"),
        false => format!("{ticks}{text}{ticks}"),
    }
}

/// A code element, for use in HTML.
fn code_element(text: &str) -> String {
    format!("<code>{}</code>", escape_html(&escape_control(text)))
}

fn longest_backtick_run(text: &str) -> usize {
    let runs = text.split(|character| character != '`').map(str::len);
    runs.max().unwrap_or(0)
}

/// A hidden comment by which workflows find their earlier comment: `<!-- lazuli plan: cameras -->`.
fn workflow_marker(command: &str, stacks: &[String]) -> String {
    let mut stacks: Vec<&str> = stacks.iter().map(String::as_str).collect();
    stacks.sort_unstable();
    stacks.dedup();
    let names: Vec<String> = stacks
        .iter()
        .take(LONGEST_LIST)
        .map(|name| sanitize_name(name))
        .collect();
    let more = match stacks.len().saturating_sub(LONGEST_LIST) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("<!-- lazuli {command}: {}{more} -->\n\n", names.join(", "))
}

/// Replaces characters that could end an HTML comment.
fn sanitize_name(name: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-._".contains(character);
    let characters = name.chars().take(100);
    characters
        .map(|character| if is_plain(character) { character } else { '_' })
        .collect()
}

/// ``Stack `cameras` ``, or several.
fn list_stacks(stacks: &[String]) -> String {
    let names: Vec<String> = stacks
        .iter()
        .take(LONGEST_LIST)
        .map(|stack| code_span(&Style::PAGE.truncate(stack, 100)))
        .collect();
    let what = if stacks.len() == 1 { "Stack" } else { "Stacks" };
    match stacks.len().saturating_sub(LONGEST_LIST) {
        0 => format!("{what} {}\n\n", names.join(", ")),
        more => format!("{what} {} and {more} more\n\n", names.join(", ")),
    }
}

/// `~ update recordings storageAccount stcameras`, as HTML without a line end.
fn step_headline(step: &Step, names: NodeNames) -> String {
    format!(
        "{} {} {} {}",
        escape_html(action_sign(step.action).0),
        step.action,
        code_element(&names.name(&step.subject.key)),
        code_element(&describe_step(step))
    )
}

/// A collapsed block.
fn details(headline: &str, block: &str) -> String {
    format!("<details>\n<summary>{headline}</summary>\n\n{block}</details>\n\n")
}

/// A headline without a block.
fn headline_only(headline: &str) -> String {
    format!("<p>{headline}</p>\n\n")
}

/// The position, reason and properties of a step.
fn step_block(step: &Step, sources: &Sources) -> String {
    let position = format_line(step.subject.span, sources);
    let mut lines = format!("# {position}\n# {}\n", escape_control(&step.reason));
    for row in collect_rows(step, &Style::PAGE) {
        lines.push_str(&property_lines(&row));
    }
    code_block("diff", &lines)
}

/// `- sku: Standard_LRS` above `+ sku: Standard_ZRS`, or line by line.
fn property_lines(row: &PropertyRow) -> String {
    let label = &row.label;
    let fixed = if row.is_fixed {
        " (fixed at creation)"
    } else {
        ""
    };
    if let Some((before, after)) = row.to_inline_on_page() {
        let mut lines = String::new();
        if let Some(before) = before.filter(|_| !row.is_added()) {
            lines.push_str(&format!("- {label}: {before}{fixed}\n"));
        }
        if !row.is_removed() {
            lines.push_str(&format!("+ {label}: {after}{fixed}\n"));
        }
        return lines;
    }
    let PropertyDiff { remark, lines } = row.to_diff();
    let remark = remark.map_or_else(String::new, |remark| format!(" ({remark})"));
    let sign = if row.is_added() { '+' } else { ' ' };
    let head = format!("{sign} {label}:{fixed}{remark}\n");
    let lines = lines.iter().map(|line| match line {
        DiffLine::Removed(line) => format!("-   {line}\n"),
        DiffLine::Added(line) => format!("+   {line}\n"),
        DiffLine::Context(line) => format!("    {line}\n"),
        DiffLine::Omission => "    ...\n".to_owned(),
    });
    head + &lines.collect::<String>()
}

#[cfg(test)]
mod tests;
