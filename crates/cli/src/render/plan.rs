//! Plans as text: a block per step, resources that are not changed, and a summary.

use lazuli_core::{
    graph::{Closure, Graph, SelectionSummary},
    plan::{Action, Plan, Step},
};

use super::{
    NodeNames, action_sign,
    change::{DiffLine, PropertyDiff, PropertyRow, collect_rows},
    describe_node, format_counts,
    notice::{Notice, Weight},
    pluralize, render_heading, render_pair,
    style::{self, Style, Tint, columns},
};

/// Indent of the properties of a step.
const INDENT: usize = 4;
/// Indent of values below the label of their property.
const INNER: usize = 6;
/// Values are aligned after labels of up to this many columns.
const LONGEST_LABEL: usize = 34;

pub(crate) fn render_steps(plan: &Plan, style: &Style) -> String {
    let names = NodeNames::from_plan(plan);
    let blocks = plan
        .steps
        .iter()
        .map(|step| render_step(step, names, style) + "\n");
    blocks.collect()
}

/// The targets of the plan, if it is limited to some, and the summary.
pub(crate) fn render_summary(plan: &Plan, style: &Style) -> String {
    let mut text = String::new();
    if let Some(part) = &plan.remarks.selection {
        text.push_str(&style.paint_block(Tint::Yellow, 0, &summarize_targets(part)));
    }
    text + &style.paint_block(Tint::Strong, 0, &summarize(plan))
}

/// ``Targets: `recordings` and 2 dependencies; 5 resources excluded.``
pub(crate) fn summarize_targets(selection: &SelectionSummary) -> String {
    let names = selection.targets.iter().map(|name| format!("`{name}`"));
    let names: Vec<String> = names.collect();
    let others = match (selection.others, selection.closure) {
        (0, _) => String::new(),
        (1, Closure::Dependencies) => " and 1 dependency".to_owned(),
        (others, Closure::Dependencies) => format!(" and {others} dependencies"),
        (others, Closure::Dependents) => format!(" and {}", pluralize(others, "dependent")),
    };
    format!(
        "Targets: {}{others}; {} excluded.",
        names.join(", "),
        pluralize(selection.left_out, "resource")
    )
}

/// `Plan: 6 to create, 1 to update, 0 to delete, 3 unchanged.`
pub(crate) fn summarize(plan: &Plan) -> String {
    let unchanged = plan.remarks.unchanged.len();
    if plan.is_empty() {
        return summarize_no_changes(plan);
    }
    let steps = format_counts(plan, |action| match action {
        Action::Create => "to create",
        Action::Adopt => "to adopt",
        Action::Update => "to update",
        Action::Replace => "to replace",
        Action::Delete => "to delete",
        Action::Release => "to release",
    });
    let mut summary = format!("Plan: {steps}, {unchanged} unchanged");
    if !plan.remarks.kept.is_empty() {
        summary.push_str(&format!(", {} kept", plan.remarks.kept.len()));
    }
    if !plan.remarks.orphans.is_empty() {
        summary.push_str(&format!(
            ", {}",
            pluralize(plan.remarks.orphans.len(), "orphan")
        ));
    }
    summary + "."
}

/// `No changes: 7 resources match the spec, except 2 server overrides. 1 orphan exists.`
fn summarize_no_changes(plan: &Plan) -> String {
    let mut summary = match plan.remarks.unchanged.len() {
        0 => "No changes".to_owned(),
        1 => "No changes: 1 resource matches the spec".to_owned(),
        unchanged => format!("No changes: {unchanged} resources match the spec"),
    };
    let overrides: usize = plan
        .remarks
        .server_overrides
        .iter()
        .map(|kept| kept.changes.len())
        .sum();
    if !plan.remarks.unchanged.is_empty() && overrides > 0 {
        let overrides = pluralize(overrides, "server override");
        summary.push_str(&format!(", except {overrides}"));
    }
    summary.push('.');
    match plan.remarks.orphans.len() {
        0 => {}
        1 => summary.push_str(" 1 orphan exists."),
        orphans => summary.push_str(&format!(" {orphans} orphans exist.")),
    }
    summary
}

/// Notices of resources that are kept, and of secrets that cannot be compared.
pub(crate) fn list_kept(plan: &Plan) -> Vec<Notice> {
    let names = NodeNames::from_plan(plan);
    let kept = plan.remarks.kept.iter().map(|kept| {
        let head = format!("{}: kept: {}", names.name(&kept.key), kept.why);
        Notice::new(Weight::Note, "=", &head)
    });
    let withheld = plan.remarks.unverifiable_secrets.iter().map(|withheld| {
        let paths: Vec<String> = withheld.paths.iter().map(|path| path.lifted().to_string()).collect();
        let head = format!(
            "{}: not compared, because Azure does not return it: {}; pass --rewrite-secrets to send it again",
            names.name(&withheld.key),
            paths.join(", ")
        );
        Notice::new(Weight::Note, "=", &head)
    });
    kept.chain(withheld).collect()
}

/// Lists unchanged resources: `= analyzer  userAssignedIdentity id-cameras`.
pub(crate) fn render_unchanged(plan: &Plan, graph: &Graph, style: &Style) -> String {
    let names = NodeNames::from_plan(plan);
    let lines = plan.remarks.unchanged.iter().map(|key| {
        let head = format!("= {}", names.name(key));
        render_pair(&head, Tint::Faint, &describe_node(graph.node(key)), style)
    });
    lines.collect()
}

fn render_step(step: &Step, names: NodeNames, style: &Style) -> String {
    let mut text = render_heading(step, names, style);
    text.push_str(&style.paint_block(Tint::Faint, INDENT, &step.reason));
    let rows = collect_rows(step, style);
    let column = rows
        .iter()
        .map(|row| columns(&row.label) + 1)
        .filter(|label| *label <= LONGEST_LABEL)
        .max()
        .unwrap_or(0);
    for row in &rows {
        text.push_str(&render_property(row, column, style));
    }
    text
}

fn render_property(row: &PropertyRow, column: usize, style: &Style) -> String {
    let label = format!("{}:", row.label);
    let start = format!("{:INDENT$}{label:column$} ", "");
    let fixed = if row.is_fixed {
        " (fixed at creation)"
    } else {
        ""
    };
    let room = style.width.saturating_sub(columns(&start) + columns(fixed));
    match row.to_inline() {
        Some((None, after)) if columns(&after) <= room => {
            return format!("{start}{after}{fixed}\n");
        }
        Some((Some(before), after))
            if columns(&before) + columns(style.arrow()) + 2 + columns(&after) <= room =>
        {
            let before = style.paint(action_sign(Action::Delete).1, &before);
            let after = style.paint(action_sign(Action::Create).1, &after);
            return format!("{start}{before} {} {after}{fixed}\n", style.arrow());
        }
        _ => {}
    }
    let PropertyDiff { remark, lines } = row.to_diff();
    let remark = remark.map_or_else(String::new, |remark| format!(" ({remark})"));
    let head = format!("{label}{fixed}{remark}");
    let head = style::wrap_hanging(&head, None, [INDENT, 2 * INDENT], style);
    let body = lines.iter().map(|line| match line {
        DiffLine::Added(line) if row.is_creation => {
            style::wrap_hanging(line, None, [INNER, INNER + 2], style)
        }
        line => render_diff_line(line, style),
    });
    head + &body.collect::<String>()
}

fn render_diff_line(line: &DiffLine, style: &Style) -> String {
    let ((sign, tint), line) = match line {
        DiffLine::Removed(line) => (action_sign(Action::Delete), line),
        DiffLine::Added(line) => (action_sign(Action::Create), line),
        DiffLine::Context(line) => ((" ", Tint::Faint), line),
        DiffLine::Omission => return format!("{:INNER$}...\n", ""),
    };
    let pieces = style::wrap(line, style.width.saturating_sub(INNER + 2));
    let pieces = pieces.iter().enumerate().map(|(at, piece)| {
        let sign = if at == 0 { sign } else { " " };
        let line = format!("{sign} {piece}");
        format!("{:INNER$}{}\n", "", style.paint(tint, line.trim_end()))
    });
    pieces.collect()
}

#[cfg(test)]
mod tests;
