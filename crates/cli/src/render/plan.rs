//! A plan for a person: a block a step, what is left alone, and a summary.

use lazuli_core::{
    diff::Change,
    graph::{Along, Told},
    plan::{Action, Kept, Plan, Step, Withheld},
    secret::HIDDEN,
    value::Value,
};
use serde_json::Value as Json;
use similar::{ChangeTag, TextDiff};

use super::{
    Names, count, grants, heading, mark, orphans, short_ids,
    style::{self, Style, Tint, clean, columns},
    tally,
};

/// How far the rows of a step stand in.
const INDENT: usize = 4;
/// How far what belongs to a row, but does not fit beside it, stands in.
const INNER: usize = 6;
/// Values are aligned behind labels up to this many columns; longer labels stand out.
const LONGEST_LABEL: usize = 34;
/// How many equal lines surround a differing one.
const CONTEXT: usize = 2;

/// The whole plan. Names carry their stack where the plan has several.
pub(crate) fn plan(plan: &Plan, style: &Style) -> String {
    let names = Names::of_plan(plan);
    let mut text = String::new();
    for step in &plan.steps {
        text.push_str(&block(step, names, style));
        text.push('\n');
    }
    for kept in &plan.kept {
        text.push_str(&left_alone(kept, names, style));
    }
    if !plan.kept.is_empty() {
        text.push('\n');
    }
    for withheld in &plan.withheld {
        text.push_str(&not_compared(withheld, names, style));
    }
    if !plan.withheld.is_empty() {
        text.push('\n');
    }
    text.push_str(&grants::remarkable(plan, style));
    text.push_str(&orphans::left_alone(plan, style));
    if let Some(told) = &plan.part {
        text.push_str(&style.block(Tint::Yellow, 0, &only(told)));
    }
    for line in style::wrap(&summary(plan), style.width) {
        text.push_str(&style.paint(Tint::Strong, &line));
        text.push('\n');
    }
    text
}

/// ``Only `recordings` and the 2 it needs; 5 left out.``
fn only(told: &Told) -> String {
    let names = told.targets.iter().map(|name| format!("`{name}`"));
    let names: Vec<String> = names.collect();
    let is_one = names.len() == 1;
    let others = match (told.others, told.along, is_one) {
        (0, _, _) => String::new(),
        (others, Along::Dependencies, true) => format!(" and the {others} it needs"),
        (others, Along::Dependencies, false) => format!(" and the {others} they need"),
        (1, Along::Dependents, true) => " and the 1 that needs it".to_owned(),
        (1, Along::Dependents, false) => " and the 1 that needs them".to_owned(),
        (others, Along::Dependents, true) => format!(" and the {others} that need it"),
        (others, Along::Dependents, false) => format!(" and the {others} that need them"),
    };
    format!(
        "Only {}{others}; {} left out.",
        names.join(", "),
        told.left_out
    )
}

/// `Plan: 6 to create, 1 to update, 0 to delete, 3 unchanged.`
fn summary(plan: &Plan) -> String {
    let unchanged = plan.unchanged.len();
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
    if !plan.kept.is_empty() {
        summary.push_str(&format!(", {} kept", plan.kept.len()));
    }
    if !plan.orphans.is_empty() {
        summary.push_str(&format!(", {}", count(plan.orphans.len(), "orphan")));
    }
    summary + "."
}

fn nothing_to_do(plan: &Plan) -> String {
    let unchanged = match plan.unchanged.len() {
        0 => None,
        1 => Some("1 resource is as the spec wants it".to_owned()),
        unchanged => Some(format!("{unchanged} resources are as the spec wants them")),
    };
    let overruled: usize = plan.overruled.iter().map(|kept| kept.changes.len()).sum();
    let mut summary = "No changes.".to_owned();
    if let Some(unchanged) = unchanged {
        summary.push_str(&format!(" {unchanged}"));
        if overruled > 0 {
            let values = count(overruled, "value");
            summary.push_str(&format!(", but for {values} that Azure keeps otherwise"));
        }
        summary.push('.');
    }
    match plan.orphans.len() {
        0 => {}
        1 => summary.push_str(" There is 1 orphan."),
        orphans => summary.push_str(&format!(" There are {orphans} orphans.")),
    }
    summary
}

fn left_alone(kept: &Kept, names: Names, style: &Style) -> String {
    let text = format!("= {}: kept: {}", names.name(&kept.key), clean(&kept.why));
    hanging(&text, style)
}

fn not_compared(withheld: &Withheld, names: Names, style: &Style) -> String {
    let paths: Vec<&str> = withheld.paths.iter().map(|path| lifted(path)).collect();
    let text = format!(
        "= {}: not compared, as Azure does not answer it: {}; --rewrite-secrets sends it again",
        names.name(&withheld.key),
        clean(&paths.join(", "))
    );
    hanging(&text, style)
}

/// Text whose first line stands out.
fn hanging(text: &str, style: &Style) -> String {
    let mut lines = style::wrap(text, style.width.saturating_sub(INDENT)).into_iter();
    let first = lines.next().unwrap_or_default();
    lines.fold(first + "\n", |text, line| {
        format!("{text}{:INDENT$}{line}\n", "")
    })
}

fn block(step: &Step, names: Names, style: &Style) -> String {
    let mut text = heading(step, names, style);
    for line in style::block(INDENT, &step.reason, style.width).lines() {
        text.push_str(&style.paint(Tint::Faint, line));
        text.push('\n');
    }
    if step.action == Action::Delete {
        return text;
    }
    let labels: Vec<String> = step
        .changes
        .iter()
        .map(|change| label(change, style))
        .collect();
    let column = labels
        .iter()
        .map(|label| columns(label))
        .filter(|label| *label <= LONGEST_LABEL)
        .max();
    for (change, label) in step.changes.iter().zip(&labels) {
        text.push_str(&row(step.action, change, label, column.unwrap_or(0), style));
    }
    text
}

/// The path as an author writes it: the first-class kinds lift their properties out of `properties`.
fn label(change: &Change, style: &Style) -> String {
    let path = short_ids(&clean(&change.path), style);
    format!("{}:", lifted(&path))
}

pub(super) fn lifted(path: &str) -> &str {
    path.strip_prefix("properties.").unwrap_or(path)
}

fn row(action: Action, change: &Change, label: &str, column: usize, style: &Style) -> String {
    let before = match (&change.before, &change.after) {
        // What Azure does not answer is not nothing.
        (None, Some(Value::Secret(_))) => Shown::Hidden("(unknown)"),
        (before, _) => Shown::live(before.as_ref()),
    };
    let after = Shown::wanted(change.after.as_ref());
    let fixed = if change.immutable {
        " (fixed at creation)"
    } else {
        ""
    };
    let start = format!("{:INDENT$}{label:column$} ", "");
    let beside = match (action, before.line(), after.line()) {
        (Action::Create, _, Some(after)) => Some(format!("{}{fixed}", short_ids(&after, style))),
        (_, Some(before), Some(after)) => {
            Some(format!("{before} {} {after}{fixed}", style.arrow()))
        }
        _ => None,
    };
    if let Some(beside) = beside.filter(|beside| columns(&start) + columns(beside) <= style.width) {
        return format!("{start}{beside}\n");
    }
    let head = format!("{:INDENT$}{label}{fixed}\n", "");
    let body = match action {
        Action::Create => style::block(INNER, &short_ids(&after.lines(), style), style.width),
        _ => by_lines(&before.lines(), &after.lines(), style),
    };
    head + &body
}

/// A value on its way to the screen.
enum Shown {
    /// Nothing is there, or shall be.
    Nothing,
    /// Text, as it is.
    Text(String),
    /// Any other value, and text that could be taken for one.
    Json(Json),
    /// A value that is not known yet, or holds such.
    Unknown(Json),
    /// A value that is not shown, and what stands for it.
    Hidden(&'static str),
}

impl Shown {
    fn live(value: Option<&Json>) -> Self {
        match value {
            None | Some(Json::Null) => Self::Nothing,
            Some(Json::String(text)) if text == HIDDEN => Self::Hidden(HIDDEN),
            Some(Json::String(text)) if speaks_for_itself(text) => Self::Text(text.clone()),
            Some(other) => Self::Json(other.clone()),
        }
    }

    fn wanted(value: Option<&Value>) -> Self {
        match value {
            Some(value) if !value.outputs().is_empty() => Self::Unknown(value.to_display_json()),
            value => Self::live(value.map(Value::to_display_json).as_ref()),
        }
    }

    /// The value in one line, unless it is text of several lines.
    fn line(&self) -> Option<String> {
        match self {
            Self::Nothing => Some("(none)".to_owned()),
            Self::Hidden(stand_in) => Some((*stand_in).to_owned()),
            Self::Text(text) if text.contains('\n') => None,
            Self::Text(text) => Some(clean(text)),
            Self::Json(json) => Some(clean(&json.to_string())),
            Self::Unknown(Json::String(text)) => {
                Some(format!("{} (known after apply)", clean(text)))
            }
            Self::Unknown(json) => {
                Some(format!("{} (known after apply)", clean(&json.to_string())))
            }
        }
    }

    /// The value in as many lines as it has, to be compared by line.
    fn lines(&self) -> String {
        let pretty = |json: &Json| format!("{json:#}");
        match self {
            Self::Nothing => String::new(),
            Self::Hidden(stand_in) => (*stand_in).to_owned(),
            Self::Text(text) => text.clone(),
            Self::Json(json) => pretty(json),
            Self::Unknown(Json::String(text)) => format!("{text}\n(known after apply)"),
            Self::Unknown(json) => format!("{}\n(known after apply)", pretty(json)),
        }
    }
}

/// Whether text cannot be taken for another value: `true`, `7`, nothing, or the brackets that lazuli itself writes.
fn speaks_for_itself(text: &str) -> bool {
    let is_other = serde_json::from_str::<Json>(text).is_ok();
    !is_other && !text.is_empty() && text.trim_matches(' ') == text && !text.ends_with(')')
}

/// The difference line by line: `-` goes, `+` comes, equal lines far from both are left out.
fn by_lines(before: &str, after: &str, style: &Style) -> String {
    let ends_differ = before.ends_with('\n') != after.ends_with('\n');
    let diff = TextDiff::from_lines(before, after);
    let mut text = String::new();
    for (at, group) in diff.grouped_ops(CONTEXT).iter().enumerate() {
        if at > 0 {
            text.push_str(&format!("{:INNER$}...\n", ""));
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let (sign, tint) = match change.tag() {
                ChangeTag::Delete => mark(Action::Delete),
                ChangeTag::Insert => mark(Action::Create),
                ChangeTag::Equal => (" ", Tint::Faint),
            };
            let mut line = clean(change.value().trim_end_matches('\n'));
            if ends_differ && change.missing_newline() && !before.is_empty() && !after.is_empty() {
                line.push_str(" (no newline at the end)");
            }
            for (at, piece) in style::wrap(&line, style.width.saturating_sub(INNER + 2))
                .iter()
                .enumerate()
            {
                let sign = if at == 0 { sign } else { " " };
                let line = format!("{sign} {piece}");
                text.push_str(&format!(
                    "{:INNER$}{}\n",
                    "",
                    style.paint(tint, line.trim_end())
                ));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests;
