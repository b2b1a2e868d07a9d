//! The current place of a comparison in a body.

use crate::{facts::Rule, ignore::IgnorePattern};

/// A place in a body: its path for people, and in the notation of rules with a segment per level.
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

    /// Whether the path of a rule matches this place. `*` matches any one segment.
    pub(super) fn is(&self, path: &str) -> bool {
        names(path, &self.ruled)
    }

    /// Whether the path of a rule matches this place or one above it.
    pub(super) fn is_within(&self, path: &str) -> bool {
        let depth = path.split('.').count();
        self.ruled
            .get(..depth)
            .is_some_and(|head| names(path, head))
    }

    /// Whether the value is fixed at creation. An absent boolean of this kind means false.
    pub(super) fn is_fixed(&self, rules: &[Rule]) -> bool {
        rules
            .iter()
            .any(|rule| matches!(rule, Rule::Immutable(path) if self.is_within(path)))
    }

    /// Whether the author excludes this place from the comparison.
    pub(super) fn is_ignored(&self, ignored: &[IgnorePattern]) -> bool {
        ignored.iter().any(|ignored| ignored.is(&self.ruled))
    }

    /// The names of the members of the path, outermost first.
    pub(super) fn names(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.ruled
            .iter()
            .map(|segment| segment.trim_end_matches("[]"))
    }

    /// The name of the innermost member; empty for the body itself.
    pub(super) fn name(&self) -> &str {
        self.names().next_back().unwrap_or_default()
    }

    /// Whether this is a member of the body itself.
    pub(super) fn is_top(&self) -> bool {
        self.ruled.len() == 1
    }
}

/// The path in the notation of rules.
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
