//! A plan with everything that is displayed with it, in any output format.

use lazuli_core::{graph::Graph, plan::Plan, source::Sources};

use super::{
    grants,
    notice::{Notice, render_spaced},
    orphans, plan,
    style::Style,
};

/// A plan and what is displayed with it.
pub(crate) struct PlanView<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) graph: &'a Graph,
    pub(crate) sources: &'a Sources,
    /// The names of the stacks as written in the specs.
    pub(crate) stacks: &'a [String],
    /// The findings of preflight.
    pub(crate) findings: Vec<Notice>,
    /// The locks that block steps.
    pub(crate) locks: Vec<Notice>,
    /// Whether unchanged resources are listed.
    pub(crate) shows_unchanged: bool,
}

impl PlanView<'_> {
    /// All notices, the most important first.
    pub(crate) fn collect_notices(&self) -> Vec<Notice> {
        let blockers = self.findings.iter().chain(&self.locks).cloned();
        blockers
            .chain(grants::list_notable(self.plan))
            .chain(orphans::list_orphans(self.plan))
            .chain(plan::list_kept(self.plan))
            .collect()
    }

    /// The plan as text, without findings: preflight runs after the plan is displayed.
    pub(crate) fn render_text(&self, style: &Style) -> String {
        let mut text = plan::render_steps(self.plan, style);
        let kept = plan::list_kept(self.plan);
        text.extend(kept.iter().map(|notice| notice.render(style)));
        if !kept.is_empty() {
            text.push('\n');
        }
        let notices = grants::list_notable(self.plan).into_iter();
        for notice in notices.chain(orphans::list_orphans(self.plan)) {
            text.push_str(&notice.render(style));
            text.push('\n');
        }
        if self.shows_unchanged && !self.plan.remarks.unchanged.is_empty() {
            text.push_str(&plan::render_unchanged(self.plan, self.graph, style));
            text.push('\n');
        }
        text + &plan::render_summary(self.plan, style) + &render_spaced(&self.locks, style)
    }
}
