//! The result of an execution as a job summary.

use lazuli_engine::Outcome;

use super::{
    code_block, code_element, headline_only, list_stacks,
    page::{PageSection, Rank, assemble_page},
    plan::{notice_sections, step_section},
    step_headline, workflow_marker,
};
use crate::render::{
    NodeNames, plan,
    plan_view::PlanView,
    report::{ExecutionSummary, format_duration, render_failed_step, suggest_next_step, summarize},
    style::Style,
};

/// Renders failed steps, notices and the other steps. `is_rejected` is whether preflight rejected the plan;
/// `overrides` is the text about server overrides.
pub(crate) fn report(
    view: &PlanView<'_>,
    run: &ExecutionSummary<'_>,
    is_rejected: bool,
    overrides: &str,
) -> String {
    let plan = view.plan;
    let title = match (plan.is_empty(), is_rejected) {
        (true, _) => plan::summarize(plan),
        (_, true) => "Nothing was changed: preflight rejected the plan.".to_owned(),
        (false, false) => summarize(run),
    };
    let head = format!(
        "{}## {}\n\n{}",
        workflow_marker(run.purpose.command(), view.stacks),
        title.trim_end_matches('.'),
        list_stacks(view.stacks)
    );
    let names = NodeNames::from_plan(plan);
    let steps = plan.steps.iter().zip(&run.report.outcomes);
    let mut sections = Vec::new();
    for (step, outcome) in steps.clone() {
        if let Outcome::Failed(why) = outcome {
            let why = render_failed_step(step, why, run.sources, 0, &Style::PAGE);
            let headline = headline_only(&format!("failed: {}", step_headline(step, names)));
            let with_cause = headline.clone() + &code_block("text", &why);
            sections.push(PageSection(vec![
                (Rank::Failures, with_cause),
                (Rank::Failures, headline),
            ]));
        }
    }
    sections.extend(notice_sections(view));
    if !overrides.trim().is_empty() {
        let block = code_block("text", overrides.trim());
        sections.push(PageSection(vec![(Rank::Notices, block)]));
    }
    for (step, outcome) in steps {
        let result = match outcome {
            Outcome::Failed(_) => continue,
            Outcome::Done { took, .. } => format!("done in {}", format_duration(*took)),
            Outcome::Blocked(by) => {
                let by = code_element(&names.step_name(plan, *by));
                format!("not started, depends on {by}, which did not complete")
            }
            Outcome::NotStarted => "not started".to_owned(),
        };
        let headline = format!("{}: {result}", step_headline(step, names));
        sections.push(step_section(step, &headline, view));
    }
    if !is_rejected && !run.report.is_complete() {
        let next_step = format!("{}\n\n", suggest_next_step(run));
        sections.push(PageSection(vec![(Rank::Failures, next_step)]));
    }
    assemble_page(
        &head,
        &sections,
        "See the log of the run for the full report.",
    )
}
