//! A plan as a pull request comment.

use lazuli_core::plan::{Action, Step};

use super::{
    code_block, code_element, details, headline_only, list_stacks,
    page::{PageSection, Rank, assemble_page},
    step_block, step_headline, workflow_marker,
};
use crate::render::{
    NodeNames, describe_node,
    escape::escape_html,
    plan::{summarize, summarize_targets},
    plan_view::PlanView,
    style::{Style, wrap_block},
};

/// Notices with more lines are collapsed.
const FEW_LINES: usize = 12;

/// Renders the summary, the notices and every step.
pub(crate) fn plan(view: &PlanView<'_>) -> String {
    let plan = view.plan;
    let summary = summarize(plan);
    let head = format!(
        "{}## {}\n\n{}",
        workflow_marker("plan", view.stacks),
        summary.trim_end_matches('.'),
        list_stacks(view.stacks)
    );
    let mut sections = notice_sections(view);
    sections.extend(step_sections(view));
    sections.extend(unchanged_section(view));
    assemble_page(&head, &sections, "Run `lazuli plan` for the full plan.")
}

/// The targets and the notices.
pub(super) fn notice_sections(view: &PlanView<'_>) -> Vec<PageSection> {
    let targets = view.plan.remarks.selection.as_ref().map(summarize_targets);
    let targets = targets.map(|text| code_block("text", &wrap_block(0, &text, Style::PAGE.width)));
    let notices = view.collect_notices();
    let notices = notices.iter().map(|notice| {
        let text = code_block("diff", &notice.render(&Style::PAGE));
        match notice.lines.len() <= FEW_LINES {
            true => text,
            false => {
                let headline = format!(
                    "{} {}",
                    escape_html(notice.sign),
                    code_element(&notice.head)
                );
                details(&headline, &text)
            }
        }
    });
    let all = targets.into_iter().chain(notices);
    all.map(|text| PageSection(vec![(Rank::Notices, text)]))
        .collect()
}

fn step_sections(view: &PlanView<'_>) -> Vec<PageSection> {
    let names = NodeNames::from_plan(view.plan);
    let steps = view.plan.steps.iter();
    steps
        .map(|step| step_section(step, &step_headline(step, names), view))
        .collect()
}

/// A step as a headline, and with its properties.
pub(super) fn step_section(step: &Step, headline: &str, view: &PlanView<'_>) -> PageSection {
    let (details_rank, headline_rank) = match step.action {
        Action::Create => (Rank::CreationDetails, Rank::Creations),
        _ => (Rank::ChangeDetails, Rank::Changes),
    };
    let block = step_block(step, view.sources);
    PageSection(vec![
        (details_rank, details(headline, &block)),
        (headline_rank, headline_only(headline)),
    ])
}

fn unchanged_section(view: &PlanView<'_>) -> Option<PageSection> {
    let plan = view.plan;
    if !view.shows_unchanged || plan.remarks.unchanged.is_empty() {
        return None;
    }
    let names = NodeNames::from_plan(plan);
    let items = plan.remarks.unchanged.iter().map(|key| {
        let description = describe_node(view.graph.node(key));
        format!(
            "<li>{} {}</li>\n",
            code_element(&names.name(key)),
            code_element(&description)
        )
    });
    let headline = escape_html(&format!("= {} unchanged", plan.remarks.unchanged.len()));
    let list = format!("<ul>\n{}</ul>\n\n", items.collect::<String>());
    Some(PageSection(vec![(
        Rank::Unchanged,
        details(&headline, &list),
    )]))
}
