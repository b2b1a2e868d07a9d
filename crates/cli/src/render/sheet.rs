//! A plan with all that is to be said of it, whatever the form in which it is read.

use lazuli_core::{graph::Graph, plan::Plan, source::Sources};

use super::{
    grants,
    notice::{Notice, apart},
    orphans, plan,
    style::Style,
};

/// A plan, what it is of, and what a person should know of it.
pub(crate) struct Sheet<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) graph: &'a Graph,
    pub(crate) sources: &'a Sources,
    /// The names of the stacks, as the specs have them.
    pub(crate) stacks: &'a [String],
    /// What Azure is known to refuse.
    pub(crate) findings: Vec<Notice>,
    /// The locks that will be in the way.
    pub(crate) locks: Vec<Notice>,
    /// Whether what is as wanted already is to be read as well.
    pub(crate) shows_unchanged: bool,
}

impl Sheet<'_> {
    /// What should be known, what matters most first.
    pub(crate) fn notices(&self) -> Vec<Notice> {
        let found = self.findings.iter().chain(&self.locks).cloned();
        found
            .chain(grants::remarkable(self.plan))
            .chain(orphans::left_alone(self.plan))
            .chain(plan::left_alone(self.plan))
            .collect()
    }

    /// The plan as text. Findings come later, when Azure has been asked.
    pub(crate) fn text(&self, style: &Style) -> String {
        let mut text = plan::steps(self.plan, style);
        let left_alone = plan::left_alone(self.plan);
        let lines = left_alone.iter().map(|notice| notice.text(style));
        text.extend(lines);
        if !left_alone.is_empty() {
            text.push('\n');
        }
        let notices = grants::remarkable(self.plan).into_iter();
        for notice in notices.chain(orphans::left_alone(self.plan)) {
            text.push_str(&notice.text(style));
            text.push('\n');
        }
        if self.shows_unchanged && !self.plan.remarks.unchanged.is_empty() {
            text.push_str(&plan::unchanged(self.plan, self.graph, style));
            text.push('\n');
        }
        text + &plan::closing(self.plan, style) + &apart(&self.locks, style)
    }
}
