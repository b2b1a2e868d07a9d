//! What became of a plan, for the summary of a job.

use lazuli_core::plan::Step;
use lazuli_engine::Outcome;

use super::{
    code, details, fence, headline, line, marker, of_stacks,
    page::{Part, Rank, page},
    plan::{about, ranks},
    properties,
};
use crate::render::{
    Names, plan as told,
    report::{Run, duration, failed_step, next, summary},
    sheet::Sheet,
    style::Style,
};

/// The whole report: what failed first, then what was not begun and what is done. `kept` is what is said of values that
/// Azure keeps.
pub(crate) fn report(sheet: &Sheet<'_>, run: &Run<'_>, is_refused: bool, kept: &str) -> String {
    let plan = sheet.plan;
    let title = match (plan.is_empty(), is_refused) {
        (true, _) => told::summary(plan),
        (_, true) => "Nothing was changed: Azure would refuse steps of this plan.".to_owned(),
        (false, false) => summary(run),
    };
    let head = format!(
        "{}## {}\n\n{}",
        marker(run.purpose.command(), sheet.stacks),
        title.trim_end_matches('.'),
        of_stacks(sheet.stacks)
    );
    let names = Names::of_plan(plan);
    let steps = plan.steps.iter().zip(&run.report.outcomes);
    let mut parts = Vec::new();
    for (step, outcome) in steps.clone() {
        if let Outcome::Failed(why) = outcome {
            let why = failed_step(step, why, run.sources, 0, &Style::PAGE);
            let headline = format!("failed: {}", headline(step, names));
            let block = format!("{}{}", line(&headline), fence("text", &why));
            parts.push(Part(vec![
                (Rank::Failures, block),
                (Rank::Failures, line(&headline)),
            ]));
        }
    }
    parts.extend(about(sheet));
    if !kept.trim().is_empty() {
        parts.push(Part(vec![(Rank::Notices, fence("text", kept.trim()))]));
    }
    for (step, outcome) in steps {
        let told = match outcome {
            Outcome::Failed(_) => continue,
            Outcome::Done { took, .. } => format!("done in {}", duration(*took)),
            Outcome::Blocked(by) => {
                let by = plan
                    .steps
                    .get(by.0)
                    .map(|step| names.name(&step.subject.key));
                format!("not begun, it waits for {}", code(&by.unwrap_or_default()))
            }
            Outcome::NotBegun => "not begun".to_owned(),
        };
        parts.push(ended(
            step,
            sheet,
            &format!("{}: {told}", headline(step, names)),
        ));
    }
    let is_open = !is_refused && !run.report.is_complete();
    if is_open {
        parts.push(Part(vec![(Rank::Failures, format!("{}\n\n", next(run)))]));
    }
    page(&head, &parts, "The log of the run has all of it.")
}

fn ended(step: &Step, sheet: &Sheet<'_>, headline: &str) -> Part {
    let (open, closed) = ranks(step.action);
    Part(vec![
        (open, details(headline, &properties(step, sheet.sources))),
        (closed, line(headline)),
    ])
}
