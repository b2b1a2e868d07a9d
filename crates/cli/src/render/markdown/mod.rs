//! A plan, and what became of it, as Markdown: for comments on pull requests and summaries of jobs.
//!
//! Foreign text stands in code only, be it a block, a span or an element: there neither Markdown nor HTML has a meaning,
//! nobody is mentioned and nothing is linked.

mod page;
mod plan;
mod report;

use lazuli_core::{plan::Step, source::Sources};

pub(crate) use plan::plan;
pub(crate) use report::report;

use super::{
    Names,
    change::{self, Compared, Row},
    escape::escaped,
    line_of, mark, object,
    style::{Style, clean},
};

/// So many names are named in a row.
const NAMED: usize = 10;

/// A block of code that holds any lines: its fence is longer than any row of backticks in them.
fn fence(language: &str, lines: &str) -> String {
    let fence = "`".repeat(longest_row(lines).max(2) + 1);
    format!(
        "{fence}{language}\n{}\n{fence}\n\n",
        lines.trim_end_matches('\n')
    )
}

/// A span of code that holds any text.
fn span(text: &str) -> String {
    let text = clean(text);
    let ticks = "`".repeat(longest_row(&text) + 1);
    let is_at_edge = text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']);
    match is_at_edge || text.is_empty() {
        true => format!("{ticks} {text} {ticks}"),
        false => format!("{ticks}{text}{ticks}"),
    }
}

/// An element of code, where Markdown is not read.
fn code(text: &str) -> String {
    format!("<code>{}</code>", escaped(&clean(text)))
}

/// How many backticks stand in a row, at most.
fn longest_row(text: &str) -> usize {
    let rows = text.split(|character| character != '`').map(str::len);
    rows.max().unwrap_or(0)
}

/// A hidden comment by which a workflow finds again what it has written: `<!-- lazuli plan: cameras -->`.
fn marker(command: &str, stacks: &[String]) -> String {
    let mut stacks: Vec<&str> = stacks.iter().map(String::as_str).collect();
    stacks.sort_unstable();
    stacks.dedup();
    let named: Vec<String> = stacks.iter().take(NAMED).map(|name| plain(name)).collect();
    let more = match stacks.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("<!-- lazuli {command}: {}{more} -->\n\n", named.join(", "))
}

/// A name in a comment, which ends with the first `>`.
fn plain(name: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-._".contains(character);
    let characters = name.chars().take(100);
    characters
        .map(|character| if is_plain(character) { character } else { '_' })
        .collect()
}

/// ``Stack `cameras` ``, or several.
fn of_stacks(stacks: &[String]) -> String {
    let named: Vec<String> = stacks
        .iter()
        .take(NAMED)
        .map(|stack| span(&Style::PAGE.fit(stack, 100)))
        .collect();
    let what = if stacks.len() == 1 { "Stack" } else { "Stacks" };
    match stacks.len().saturating_sub(NAMED) {
        0 => format!("{what} {}\n\n", named.join(", ")),
        more => format!("{what} {} and {more} more\n\n", named.join(", ")),
    }
}

/// `~ update recordings storageAccount stcameras`, as HTML without a line end.
fn headline(step: &Step, names: Names) -> String {
    format!(
        "{} {} {} {}",
        escaped(mark(step.action).0),
        step.action,
        code(&names.name(&step.subject.key)),
        code(&object(step))
    )
}

/// A step that can be opened.
fn details(headline: &str, block: &str) -> String {
    format!("<details>\n<summary>{headline}</summary>\n\n{block}</details>\n\n")
}

/// A step of which only the headline is shown.
fn line(headline: &str) -> String {
    format!("<p>{headline}</p>\n\n")
}

/// Where a step stands in the spec, its reason and its properties.
fn properties(step: &Step, sources: &Sources) -> String {
    let place = line_of(step.subject.span, sources);
    let mut lines = format!("# {place}\n# {}\n", clean(&step.reason));
    for row in change::rows(step, &Style::PAGE) {
        lines.push_str(&property(&row));
    }
    fence("diff", &lines)
}

/// `- sku: Standard_LRS` above `+ sku: Standard_ZRS`, or line by line.
fn property(row: &Row) -> String {
    let label = &row.label;
    let fixed = if row.is_fixed {
        " (fixed at creation)"
    } else {
        ""
    };
    if let Some((before, after)) = row.beside_on_a_page() {
        let before = before.filter(|_| !row.is_new());
        let before = before.map(|before| format!("- {label}: {before}{fixed}\n"));
        let after = (!row.is_gone()).then(|| format!("+ {label}: {after}{fixed}\n"));
        return before.unwrap_or_default() + &after.unwrap_or_default();
    }
    let change::Lines { remark, lines } = row.lines();
    let remark = remark.map(|remark| format!(" ({remark})"));
    let sign = if row.is_new() { '+' } else { ' ' };
    let head = format!("{sign} {label}:{fixed}{}\n", remark.unwrap_or_default());
    let lines = lines.iter().map(|line| match line {
        Compared::Gone(line) => format!("-   {line}\n"),
        Compared::Comes(line) => format!("+   {line}\n"),
        Compared::Stays(line) => format!("    {line}\n"),
        Compared::LeftOut => "    ...\n".to_owned(),
    });
    head + &lines.collect::<String>()
}

#[cfg(test)]
mod tests;
