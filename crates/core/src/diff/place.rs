//! Where in a body a comparison is.

use crate::{facts::Rule, ignore::Ignored};

/// Where in a body we are: as shown, and as rules name it, a segment a level.
#[derive(Clone, Default)]
pub(super) struct Place {
    pub(super) shown: String,
    ruled: Vec<String>,
}

impl Place {
    pub(super) fn root() -> Self {
        Self::default()
    }

    pub(super) fn member(&self, key: &str) -> Self {
        let mut inner = self.clone();
        if !inner.shown.is_empty() {
            inner.shown.push('.');
        }
        inner.shown.push_str(key);
        inner.ruled.push(key.to_owned());
        inner
    }

    pub(super) fn item(&self, label: &str) -> Self {
        let mut inner = self.clone();
        inner.shown.push_str(&format!("[{label}]"));
        if let Some(last) = inner.ruled.last_mut() {
            last.push_str("[]");
        }
        inner
    }

    /// Whether a rule's path names this place. `*` stands for one segment, whatever is in it.
    pub(super) fn is(&self, path: &str) -> bool {
        names(path, &self.ruled)
    }

    /// Whether a rule's path names this place or one that it is in.
    pub(super) fn is_within(&self, path: &str) -> bool {
        let depth = path.split('.').count();
        self.ruled
            .get(..depth)
            .is_some_and(|head| names(path, head))
    }

    /// Whether creation decides what is here. A switch of that sort which is not there was left off.
    pub(super) fn is_fixed(&self, rules: &[Rule]) -> bool {
        rules
            .iter()
            .any(|rule| matches!(rule, Rule::Immutable(path) if self.is_within(path)))
    }

    /// Whether the author does not want this place compared.
    pub(super) fn is_ignored(&self, ignored: &[Ignored]) -> bool {
        ignored.iter().any(|ignored| ignored.is(&self.ruled))
    }

    /// The names of the members on the way here, outermost first.
    pub(super) fn names(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.ruled
            .iter()
            .map(|segment| segment.trim_end_matches("[]"))
    }

    /// The name of the member that this is, or is an item of.
    pub(super) fn name(&self) -> &str {
        self.names().next_back().unwrap_or_default()
    }

    /// Whether this is a member of the body itself.
    pub(super) fn is_top(&self) -> bool {
        self.ruled.len() == 1
    }
}

/// The path as rules have it.
impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.ruled.join("."))
    }
}

fn names(path: &str, segments: &[String]) -> bool {
    let mut pattern = path.split('.');
    let named = segments.iter().all(|segment| {
        pattern
            .next()
            .is_some_and(|pattern| pattern == "*" || pattern.eq_ignore_ascii_case(segment))
    });
    named && pattern.next().is_none()
}
