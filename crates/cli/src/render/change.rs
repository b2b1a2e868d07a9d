//! The property changes of a step: each with its label and both values, in one line or line by line.

use lazuli_core::{
    diff::Change,
    plan::{Action, Step},
    secret::HIDDEN,
    value::Value,
};
use serde_json::Value as Json;
use similar::{ChangeTag, TextDiff};

use super::{
    shorten_ids,
    style::{Style, columns, escape_control},
};

/// The number of equal lines around each difference.
const CONTEXT: usize = 2;
/// Values on pages are compared in one line up to this many columns.
const LONGEST_PAIR: usize = 160;

/// One property change of a step. Its texts are escaped.
pub(crate) struct PropertyRow {
    /// The path as it is written in a spec.
    pub(crate) label: String,
    /// Whether the property is fixed at creation.
    pub(crate) is_fixed: bool,
    /// Whether the whole resource is created, which has no old values.
    pub(crate) is_creation: bool,
    ellipsis: &'static str,
    before: DisplayValue,
    after: DisplayValue,
}

/// A line of a line-by-line comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DiffLine {
    Removed(String),
    Added(String),
    /// An unchanged line next to a difference.
    Context(String),
    /// Unchanged lines that are omitted.
    Omission,
}

/// The property changes of a step in its order; none for a deletion.
pub(crate) fn collect_rows(step: &Step, style: &Style) -> Vec<PropertyRow> {
    match step.action {
        Action::Delete => Vec::new(),
        action => {
            let changes = step.changes.iter().filter(|change| !is_empty(change));
            changes
                .map(|change| PropertyRow::new(action, change, style))
                .collect()
        }
    }
}

/// Whether a change only adds an empty `properties`.
fn is_empty(change: &Change) -> bool {
    let has_no_members =
        |after: &Value| matches!(after, Value::Object(members) if members.is_empty());
    change.path == "properties"
        && change.before.is_none()
        && change.after.as_ref().is_some_and(has_no_members)
}

impl PropertyRow {
    fn new(action: Action, change: &Change, style: &Style) -> Self {
        let ellipsis = style.ellipsis();
        let before = match (&change.before, &change.after) {
            // Azure does not return secrets, so that an absent value may still exist.
            (None, Some(Value::Secret(_))) => DisplayValue::Masked("(unknown)"),
            (before, _) => DisplayValue::from_live(before.as_ref()),
        };
        Self {
            label: shorten_ids(&escape_control(&change.path.lifted().to_string()), ellipsis),
            is_fixed: change.immutable,
            is_creation: action == Action::Create,
            ellipsis,
            before,
            after: DisplayValue::from_desired(change.after.as_ref()),
        }
    }

    /// The old and the new value, if each is one line. A creation has no old value.
    pub(crate) fn to_inline(&self) -> Option<(Option<String>, String)> {
        let after = self.after.to_line()?;
        match self.is_creation {
            true => Some((None, shorten_ids(&after, self.ellipsis))),
            false => Some((Some(self.before.to_line()?), after)),
        }
    }

    /// Like [`Self::to_inline`], if the values are short enough for a page.
    pub(crate) fn to_inline_on_page(&self) -> Option<(Option<String>, String)> {
        self.to_inline().filter(|(before, after)| {
            let before = before.as_deref().map_or(0, columns);
            before + columns(after) <= LONGEST_PAIR
        })
    }

    /// Whether the old value is absent.
    pub(crate) fn is_added(&self) -> bool {
        matches!(self.before, DisplayValue::Absent)
    }

    /// Whether the new value is absent.
    pub(crate) fn is_removed(&self) -> bool {
        matches!(self.after, DisplayValue::Absent)
    }

    /// Compares the values line by line. JSON in strings is compared as JSON, if the two differ as JSON.
    pub(crate) fn to_diff(&self) -> PropertyDiff {
        let nested = self
            .before
            .to_nested_json()
            .zip(self.after.to_nested_json());
        let nested = nested.filter(|(before, after)| before != after);
        let (remark, before, after) = match nested {
            Some((before, after)) => (Some("JSON in a string"), before, after),
            None => (None, self.before.to_lines(), self.after.to_lines()),
        };
        let lines = match self.is_creation {
            true => {
                let text = shorten_ids(&after, self.ellipsis);
                let lines = text
                    .lines()
                    .map(|line| DiffLine::Added(escape_control(line)));
                lines.collect()
            }
            false => diff_lines(&before, &after),
        };
        PropertyDiff { remark, lines }
    }
}

/// A line-by-line comparison of the values of a property.
pub(crate) struct PropertyDiff {
    /// How the values are shown, if not as they are.
    pub(crate) remark: Option<&'static str>,
    pub(crate) lines: Vec<DiffLine>,
}

/// A value in the way it is displayed.
enum DisplayValue {
    Absent,
    /// A string without quotes.
    Text(String),
    /// Any other value, and strings that could be mistaken for one.
    Json(Json),
    /// A value that is or contains an unresolved output.
    Unresolved(Json),
    /// The placeholder of a secret.
    Masked(&'static str),
}

impl DisplayValue {
    fn from_live(value: Option<&Json>) -> Self {
        match value {
            None | Some(Json::Null) => Self::Absent,
            Some(Json::String(text)) if text == HIDDEN => Self::Masked(HIDDEN),
            Some(Json::String(text)) if is_unambiguous(text) => Self::Text(text.clone()),
            Some(other) => Self::Json(other.clone()),
        }
    }

    fn from_desired(value: Option<&Value>) -> Self {
        match value {
            Some(value) if !value.outputs().is_empty() => Self::Unresolved(value.to_display_json()),
            value => Self::from_live(value.map(Value::to_display_json).as_ref()),
        }
    }

    /// The value in one line, unless it is text of several lines.
    fn to_line(&self) -> Option<String> {
        match self {
            Self::Absent => Some("(none)".to_owned()),
            Self::Masked(placeholder) => Some((*placeholder).to_owned()),
            Self::Text(text) if text.contains('\n') => None,
            Self::Text(text) => Some(escape_control(text)),
            Self::Json(json) => Some(escape_control(&json.to_string())),
            Self::Unresolved(Json::String(text)) => {
                Some(format!("{} (known after apply)", escape_control(text)))
            }
            Self::Unresolved(json) => Some(format!(
                "{} (known after apply)",
                escape_control(&json.to_string())
            )),
        }
    }

    /// The value in as many lines as it has.
    fn to_lines(&self) -> String {
        match self {
            Self::Absent => String::new(),
            Self::Masked(placeholder) => (*placeholder).to_owned(),
            Self::Text(text) => text.clone(),
            Self::Json(json) => format!("{json:#}"),
            Self::Unresolved(Json::String(text)) => format!("{text}\n(known after apply)"),
            Self::Unresolved(json) => format!("{json:#}\n(known after apply)"),
        }
    }

    /// The JSON in a string, as in policies and templates, in lines; empty for an absent value.
    fn to_nested_json(&self) -> Option<String> {
        match self {
            Self::Json(Json::String(text)) => {
                let nested = serde_json::from_str::<Json>(text).ok()?;
                let has_lines = nested.is_object() || nested.is_array();
                has_lines.then(|| format!("{nested:#}"))
            }
            Self::Absent => Some(String::new()),
            _ => None,
        }
    }
}

/// Whether text without quotes cannot be mistaken for `true`, `7`, an absent value or a remark in parentheses.
fn is_unambiguous(text: &str) -> bool {
    let is_json = serde_json::from_str::<Json>(text).is_ok();
    !is_json && !text.is_empty() && text.trim_matches(' ') == text && !text.ends_with(')')
}

/// Compares line by line; equal lines far from any difference are omitted.
fn diff_lines(before: &str, after: &str) -> Vec<DiffLine> {
    let ends_differ = before.ends_with('\n') != after.ends_with('\n');
    let shows_end = ends_differ && !before.is_empty() && !after.is_empty();
    let diff = TextDiff::from_lines(before, after);
    let mut lines = Vec::new();
    for (at, group) in diff.grouped_ops(CONTEXT).iter().enumerate() {
        if at > 0 {
            lines.push(DiffLine::Omission);
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let mut line = escape_control(change.value().trim_end_matches('\n'));
            if change.tag() != ChangeTag::Equal {
                // Without this remark, different lines could look the same.
                match line.len() - line.trim_end_matches(' ').len() {
                    0 => {}
                    1 => line.push_str("(1 trailing space)"),
                    spaces => line.push_str(&format!("({spaces} trailing spaces)")),
                }
            }
            if shows_end && change.missing_newline() {
                line.push_str(" (no newline at end)");
            }
            lines.push(match change.tag() {
                ChangeTag::Delete => DiffLine::Removed(line),
                ChangeTag::Insert => DiffLine::Added(line),
                ChangeTag::Equal => DiffLine::Context(line),
            });
        }
    }
    lines
}

#[cfg(test)]
mod tests;
