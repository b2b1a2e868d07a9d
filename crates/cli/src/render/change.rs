//! The properties of a step on their way to a reader: each with its label and both values, in one line or line by line.

use lazuli_core::{
    diff::{Change, lifted},
    plan::{Action, Step},
    secret::HIDDEN,
    value::Value,
};
use serde_json::Value as Json;
use similar::{ChangeTag, TextDiff};

use super::{
    short_ids,
    style::{Style, clean, columns},
};

/// How many equal lines surround a differing one.
const CONTEXT: usize = 2;
/// So many columns are read at a glance.
const AT_A_GLANCE: usize = 160;

/// One property of a step. Its texts have nothing in them that acts on a terminal.
pub(crate) struct Row {
    /// The path as an author writes it, with what is to be said of it.
    pub(crate) label: String,
    /// Whether it is fixed at creation.
    pub(crate) is_fixed: bool,
    /// Whether it is made with all that it belongs to, so that there is no value before.
    pub(crate) is_made: bool,
    ellipsis: &'static str,
    before: Shown,
    after: Shown,
}

/// A line of what is compared line by line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Compared {
    /// It goes.
    Gone(String),
    /// It comes.
    Comes(String),
    /// It stays, and is shown for what is around it.
    Stays(String),
    /// Lines that stay, and are left out.
    LeftOut,
}

/// The properties of a step, in its order. Of a deletion nothing is shown.
pub(crate) fn rows(step: &Step, style: &Style) -> Vec<Row> {
    match step.action {
        Action::Delete => Vec::new(),
        action => {
            let told = step.changes.iter().filter(|change| !is_bare(change));
            told.map(|change| Row::of(action, change, style)).collect()
        }
    }
}

/// Whether a change says no more than that there is something, of which nothing is wanted: `properties: {}`.
fn is_bare(change: &Change) -> bool {
    let nothing = |after: &Value| matches!(after, Value::Object(members) if members.is_empty());
    change.path == "properties"
        && change.before.is_none()
        && change.after.as_ref().is_some_and(nothing)
}

impl Row {
    fn of(action: Action, change: &Change, style: &Style) -> Self {
        let ellipsis = style.ellipsis();
        let before = match (&change.before, &change.after) {
            // What Azure does not answer is not nothing.
            (None, Some(Value::Secret(_))) => Shown::Hidden("(unknown)"),
            (before, _) => Shown::live(before.as_ref()),
        };
        Self {
            label: lifted(&short_ids(&clean(&change.path), ellipsis)).to_owned(),
            is_fixed: change.immutable,
            is_made: action == Action::Create,
            ellipsis,
            before,
            after: Shown::wanted(change.after.as_ref()),
        }
    }

    /// Both values, where each is one line. Of what is made, there is none before.
    pub(crate) fn beside(&self) -> Option<(Option<String>, String)> {
        let after = self.after.line()?;
        match self.is_made {
            true => Some((None, short_ids(&after, self.ellipsis))),
            false => Some((Some(self.before.line()?), after)),
        }
    }

    /// The same, where the two are short enough to be compared at a glance, on a page of any width.
    pub(crate) fn beside_on_a_page(&self) -> Option<(Option<String>, String)> {
        self.beside().filter(|(before, after)| {
            let before = before.as_deref().map_or(0, columns);
            before + columns(after) <= AT_A_GLANCE
        })
    }

    /// Whether nothing was there before.
    pub(crate) fn is_new(&self) -> bool {
        matches!(self.before, Shown::Nothing)
    }

    /// Whether nothing is there after.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self.after, Shown::Nothing)
    }

    /// The values line by line. JSON that is kept as text is read as JSON, where that tells the two apart.
    pub(crate) fn lines(&self) -> Lines {
        let inner = self.before.inner_json().zip(self.after.inner_json());
        let inner = inner.filter(|(before, after)| before != after);
        let (remark, before, after) = match inner {
            Some((before, after)) => (Some("JSON as text"), before, after),
            None => (None, self.before.lines(), self.after.lines()),
        };
        let lines = match self.is_made {
            true => {
                let text = short_ids(&after, self.ellipsis);
                let lines = text.lines().map(|line| Compared::Comes(clean(line)));
                lines.collect()
            }
            false => compared(&before, &after),
        };
        Lines { remark, lines }
    }
}

/// Values line by line.
pub(crate) struct Lines {
    /// What is to be said of how they are shown.
    pub(crate) remark: Option<&'static str>,
    pub(crate) lines: Vec<Compared>,
}

/// A value on its way to a reader.
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
        match self {
            Self::Nothing => String::new(),
            Self::Hidden(stand_in) => (*stand_in).to_owned(),
            Self::Text(text) => text.clone(),
            Self::Json(json) => format!("{json:#}"),
            Self::Unknown(Json::String(text)) => format!("{text}\n(known after apply)"),
            Self::Unknown(json) => format!("{json:#}\n(known after apply)"),
        }
    }

    /// The JSON that is kept as text, as policies and templates often are, in lines; of nothing, nothing.
    fn inner_json(&self) -> Option<String> {
        match self {
            Self::Json(Json::String(text)) => {
                let inner = serde_json::from_str::<Json>(text).ok()?;
                let has_lines = inner.is_object() || inner.is_array();
                has_lines.then(|| format!("{inner:#}"))
            }
            Self::Nothing => Some(String::new()),
            _ => None,
        }
    }
}

/// Whether text cannot be taken for another value: `true`, `7`, nothing, or the brackets that lazuli itself writes.
fn speaks_for_itself(text: &str) -> bool {
    let is_other = serde_json::from_str::<Json>(text).is_ok();
    !is_other && !text.is_empty() && text.trim_matches(' ') == text && !text.ends_with(')')
}

/// The difference line by line; equal lines far from any other are left out.
fn compared(before: &str, after: &str) -> Vec<Compared> {
    let ends_differ = before.ends_with('\n') != after.ends_with('\n');
    let is_end_told = ends_differ && !before.is_empty() && !after.is_empty();
    let diff = TextDiff::from_lines(before, after);
    let mut lines = Vec::new();
    for (at, group) in diff.grouped_ops(CONTEXT).iter().enumerate() {
        if at > 0 {
            lines.push(Compared::LeftOut);
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let mut line = clean(change.value().trim_end_matches('\n'));
            if change.tag() != ChangeTag::Equal {
                // Otherwise two lines could look the same.
                match line.len() - line.trim_end_matches(' ').len() {
                    0 => {}
                    1 => line.push_str("(a space at the end)"),
                    spaces => line.push_str(&format!("({spaces} spaces at the end)")),
                }
            }
            if is_end_told && change.missing_newline() {
                line.push_str(" (no newline at the end)");
            }
            lines.push(match change.tag() {
                ChangeTag::Delete => Compared::Gone(line),
                ChangeTag::Insert => Compared::Comes(line),
                ChangeTag::Equal => Compared::Stays(line),
            });
        }
    }
    lines
}

#[cfg(test)]
mod tests;
