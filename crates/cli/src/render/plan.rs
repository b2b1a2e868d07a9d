//! A plan for a person: a block a step, what is left alone, and a summary.

use lazuli_core::{
    diff::lifted,
    graph::{Closure, Graph, SelectionSummary},
    plan::{Action, Plan, Step},
};

use super::{
    Names, beside_or_below,
    change::{Compared, Lines, Row, rows},
    count, heading, mark,
    notice::{Notice, Weight},
    object_of,
    style::{self, Style, Tint, columns},
    tally,
};

/// How far the rows of a step stand in.
const INDENT: usize = 4;
/// How far what belongs to a row, but does not fit beside it, stands in.
const INNER: usize = 6;
/// Values are aligned behind labels up to this many columns; longer labels stand out.
const LONGEST_LABEL: usize = 34;

/// The steps, each a block. Names carry their stack where the plan has several.
pub(crate) fn steps(plan: &Plan, style: &Style) -> String {
    let names = Names::of_plan(plan);
    let blocks = plan
        .steps
        .iter()
        .map(|step| block(step, names, style) + "\n");
    blocks.collect()
}

/// What the plan is about, and what it does in one line.
pub(crate) fn closing(plan: &Plan, style: &Style) -> String {
    let part = plan.remarks.selection.as_ref();
    let part = part.map(|told| style.block(Tint::Yellow, 0, &only(told)));
    part.unwrap_or_default() + &style.block(Tint::Strong, 0, &summary(plan))
}

/// ``Only `recordings` and the 2 it needs; 5 left out.``
pub(crate) fn only(told: &SelectionSummary) -> String {
    let names = told.targets.iter().map(|name| format!("`{name}`"));
    let names: Vec<String> = names.collect();
    let is_one = names.len() == 1;
    let others = match (told.others, told.closure, is_one) {
        (0, _, _) => String::new(),
        (others, Closure::Dependencies, true) => format!(" and the {others} it needs"),
        (others, Closure::Dependencies, false) => format!(" and the {others} they need"),
        (1, Closure::Dependents, true) => " and the 1 that needs it".to_owned(),
        (1, Closure::Dependents, false) => " and the 1 that needs them".to_owned(),
        (others, Closure::Dependents, true) => format!(" and the {others} that need it"),
        (others, Closure::Dependents, false) => format!(" and the {others} that need them"),
    };
    format!(
        "Only {}{others}; {} left out.",
        names.join(", "),
        told.left_out
    )
}

/// `Plan: 6 to create, 1 to update, 0 to delete, 3 unchanged.`
pub(crate) fn summary(plan: &Plan) -> String {
    let unchanged = plan.remarks.unchanged.len();
    if plan.is_empty() {
        return nothing_to_do(plan);
    }
    let steps = tally(plan, |action| match action {
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
            count(plan.remarks.orphans.len(), "orphan")
        ));
    }
    summary + "."
}

fn nothing_to_do(plan: &Plan) -> String {
    let unchanged = match plan.remarks.unchanged.len() {
        0 => None,
        1 => Some("1 resource is as the spec wants it".to_owned()),
        unchanged => Some(format!("{unchanged} resources are as the spec wants them")),
    };
    let overruled: usize = plan
        .remarks
        .server_overrides
        .iter()
        .map(|kept| kept.changes.len())
        .sum();
    let mut summary = "No changes.".to_owned();
    if let Some(unchanged) = unchanged {
        summary.push_str(&format!(" {unchanged}"));
        if overruled > 0 {
            let values = count(overruled, "value");
            summary.push_str(&format!(", but for {values} that Azure keeps otherwise"));
        }
        summary.push('.');
    }
    match plan.remarks.orphans.len() {
        0 => {}
        1 => summary.push_str(" There is 1 orphan."),
        orphans => summary.push_str(&format!(" There are {orphans} orphans.")),
    }
    summary
}

/// What is left alone, and why; and what could not be compared.
pub(crate) fn left_alone(plan: &Plan) -> Vec<Notice> {
    let names = Names::of_plan(plan);
    let kept = plan.remarks.kept.iter().map(|kept| {
        let head = format!("{}: kept: {}", names.name(&kept.key), kept.why);
        Notice::new(Weight::Note, "=", &head)
    });
    let withheld = plan.remarks.unverifiable_secrets.iter().map(|withheld| {
        let paths: Vec<&str> = withheld.paths.iter().map(|path| lifted(path)).collect();
        let head = format!(
            "{}: not compared, as Azure does not answer it: {}; --rewrite-secrets sends it again",
            names.name(&withheld.key),
            paths.join(", ")
        );
        Notice::new(Weight::Note, "=", &head)
    });
    kept.chain(withheld).collect()
}

/// What is as wanted already, for who asks: `= analyzer  userAssignedIdentity id-cameras`.
pub(crate) fn unchanged(plan: &Plan, graph: &Graph, style: &Style) -> String {
    let names = Names::of_plan(plan);
    let lines = plan.remarks.unchanged.iter().map(|key| {
        let head = format!("= {}", names.name(key));
        let object = graph.node(key).map(object_of).unwrap_or_default();
        beside_or_below(&head, Tint::Faint, &object, style)
    });
    lines.collect()
}

fn block(step: &Step, names: Names, style: &Style) -> String {
    let mut text = heading(step, names, style);
    text.push_str(&style.block(Tint::Faint, INDENT, &step.reason));
    let rows = rows(step, style);
    let column = rows
        .iter()
        .map(|row| columns(&row.label) + 1)
        .filter(|label| *label <= LONGEST_LABEL)
        .max();
    for row in &rows {
        text.push_str(&property(row, column.unwrap_or(0), style));
    }
    text
}

fn property(row: &Row, column: usize, style: &Style) -> String {
    let label = format!("{}:", row.label);
    let start = format!("{:INDENT$}{label:column$} ", "");
    let fixed = if row.is_fixed {
        " (fixed at creation)"
    } else {
        ""
    };
    let room = style.width.saturating_sub(columns(&start) + columns(fixed));
    match row.beside() {
        Some((None, after)) if columns(&after) <= room => {
            return format!("{start}{after}{fixed}\n");
        }
        Some((Some(before), after))
            if columns(&before) + columns(style.arrow()) + 2 + columns(&after) <= room =>
        {
            let before = style.paint(mark(Action::Delete).1, &before);
            let after = style.paint(mark(Action::Create).1, &after);
            return format!("{start}{before} {} {after}{fixed}\n", style.arrow());
        }
        _ => {}
    }
    let Lines { remark, lines } = row.lines();
    let remark = remark.map(|remark| format!(" ({remark})"));
    let head = format!("{label}{fixed}{}", remark.unwrap_or_default());
    let head = style::hanging(&head, None, [INDENT, 2 * INDENT], style);
    let body = lines.iter().map(|line| match line {
        Compared::Comes(line) if row.is_made => style::block(INNER, line, style.width),
        line => compared(line, style),
    });
    head + &body.collect::<String>()
}

/// `- one`, `+ two`, and what stays without a sign.
fn compared(line: &Compared, style: &Style) -> String {
    let ((sign, tint), line) = match line {
        Compared::Gone(line) => (mark(Action::Delete), line),
        Compared::Comes(line) => (mark(Action::Create), line),
        Compared::Stays(line) => ((" ", Tint::Faint), line),
        Compared::LeftOut => return format!("{:INNER$}...\n", ""),
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
