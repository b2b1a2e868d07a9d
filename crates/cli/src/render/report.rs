//! The result of an execution as text: one line for a success, otherwise the steps that are done, failed and not
//! started.

use std::time::Duration;

use lazuli_core::{
    plan::{Action, Plan, Step},
    source::Sources,
};
use lazuli_engine::{Failure, Fault, Outcome, Report};

use super::{
    NodeNames, diagnostics, failure, format_counts, format_position, render_heading,
    style::{Style, Tint, wrap_block},
};

/// Indent of the lines about a step.
const INDENT: usize = 4;

/// The command that executed a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Apply,
    /// `apply` of a saved plan.
    ApplySaved,
    Destroy,
}

impl Purpose {
    /// The name of the command.
    pub(crate) fn command(self) -> &'static str {
        match self {
            Self::Apply | Self::ApplySaved => "apply",
            Self::Destroy => "destroy",
        }
    }
}

/// A plan and the result of its execution.
pub(crate) struct ExecutionSummary<'a> {
    pub(crate) purpose: Purpose,
    pub(crate) plan: &'a Plan,
    pub(crate) report: &'a Report,
    /// The duration of the whole execution.
    pub(crate) took: Duration,
    pub(crate) sources: &'a Sources,
}

pub(crate) fn render(run: &ExecutionSummary<'_>, style: &Style) -> String {
    let ExecutionSummary {
        plan,
        report,
        sources,
        ..
    } = run;
    if report.is_complete() {
        return style.paint(Tint::Green, &summarize(run)) + "\n";
    }
    let names = NodeNames::from_plan(plan);
    let [mut done, mut failed, mut not_started] = [const { Section::new() }; 3];
    for (step, outcome) in plan.steps.iter().zip(&report.outcomes) {
        let line = render_heading(step, names, style);
        match outcome {
            Outcome::Done { .. } => done.add(&line),
            Outcome::Failed(why) => {
                let why = render_failed_step(step, why, sources, INDENT, style);
                failed.add(&(line + &why));
            }
            Outcome::Blocked(by) => {
                let why = format!(
                    "depends on {}, which did not complete",
                    names.step_name(plan, *by)
                );
                not_started.add(&(line + &wrap_block(INDENT, &why, style.width)));
            }
            Outcome::NotStarted => not_started.add(
                &(line + &wrap_block(INDENT, "the run was stopped before this step", style.width)),
            ),
        }
    }
    let mut text = String::new();
    for (title, section) in [
        ("Done", &done),
        ("Failed", &failed),
        ("Not started", &not_started),
    ] {
        text.push_str(&section.render(title, style));
    }
    text.push_str(&style.paint(Tint::Strong, &summarize(run)));
    text.push('\n');
    text.push_str(&wrap_block(0, &suggest_next_step(run), style.width));
    text
}

/// The result in one line.
pub(crate) fn summarize(run: &ExecutionSummary<'_>) -> String {
    let report = run.report;
    if report.is_complete() {
        return summarize_success(run);
    }
    let counts = format!(
        "{} done, {} failed, {} not started",
        report.done(),
        report.failures().count(),
        report.not_started().count()
    );
    let command = match run.purpose {
        Purpose::Apply | Purpose::ApplySaved => "Apply",
        Purpose::Destroy => "Destroy",
    };
    match report.stopped {
        true => format!("{command} stopped: {counts}."),
        false => format!("{command} incomplete: {counts}."),
    }
}

/// Steps with the same outcome.
struct Section {
    count: usize,
    text: String,
}

impl Section {
    const fn new() -> Self {
        Self {
            count: 0,
            text: String::new(),
        }
    }

    fn add(&mut self, text: &str) {
        self.count += 1;
        self.text.push_str(text);
    }

    fn render(&self, title: &str, style: &Style) -> String {
        match self.count {
            0 => String::new(),
            count => format!(
                "{}\n{}\n",
                style.paint(Tint::Strong, &format!("{title} ({count}):")),
                self.text
            ),
        }
    }
}

/// Why a step failed, with the position in the spec; with an excerpt if the error is about a property.
pub(crate) fn render_failed_step(
    step: &Step,
    why: &Failure,
    sources: &Sources,
    indent: usize,
    style: &Style,
) -> String {
    let Fault { span, property } = Fault::from_failure(why, step, sources);
    let text = failure::render_step_failure(why, indent, style);
    if property.is_none() {
        let line = format!("in the spec: {}", format_position(span, sources));
        return text + &wrap_block(indent, &line, style.width);
    }
    let narrower = Style {
        width: style.width.saturating_sub(indent),
        ..style.clone()
    };
    let label = match why {
        Failure::Arm(_) => "rejected by Azure",
        Failure::MissingOutput(_) => "not returned by Azure",
        Failure::NotOwned(_) => "not owned by the stack",
        Failure::NotEmpty { .. } => "not empty",
        Failure::Conflict(_) => "changed by others after the plan",
        Failure::Appeared(_) => "created by others after the plan",
    };
    let excerpt = diagnostics::render_excerpt(sources, span, label, &narrower);
    let lines = excerpt.lines().map(|line| format!("{:indent$}{line}", ""));
    text + &lines
        .map(|line| line.trim_end().to_owned() + "\n")
        .collect::<String>()
}

/// What to do after an incomplete run.
pub(crate) fn suggest_next_step(run: &ExecutionSummary<'_>) -> String {
    let failures: Vec<&Failure> = run.report.failures().map(|(_, failure)| failure).collect();
    let is_transient =
        |failure: &&Failure| matches!(failure, Failure::Arm(error) if error.is_transient());
    let before = match failures.as_slice() {
        [] => "",
        all if all.iter().all(is_transient) => "The failures are transient or network errors. ",
        _ => "Fix the failures first. ",
    };
    let again = match run.purpose {
        Purpose::Apply => "Run `lazuli apply` again: it skips the steps that are done.",
        Purpose::ApplySaved => "Create a new plan: this one no longer matches the live state.",
        Purpose::Destroy => "Run `lazuli destroy` again: it skips the steps that are done.",
    };
    format!("{before}{again}")
}

fn summarize_success(run: &ExecutionSummary<'_>) -> String {
    let took = format_duration(run.took);
    match run.purpose {
        Purpose::Destroy => {
            let deleted = run.plan.count(Action::Delete);
            format!("Destroyed: {deleted} deleted in {took}.")
        }
        Purpose::Apply | Purpose::ApplySaved => {
            let steps = format_counts(run.plan, Action::done);
            format!("Applied: {steps} in {took}.")
        }
    }
}

/// `41s`, `2m 5s`, `1h 0m 12s`; `0.4s` below a second.
pub(crate) fn format_duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0) if time.subsec_millis() >= 100 => format!("0.{}s", time.subsec_millis() / 100),
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}m {seconds}s"),
        (hours, minutes, seconds) => format!("{hours}h {minutes}m {seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use lazuli_core::{
        arm::ArmId,
        plan::{OwnershipLoss, StepId},
    };

    use super::*;
    use crate::render::testing::{arm_error, output, plan_of, role_assignment, sources, step};

    const DONE: Outcome = Outcome::Done {
        took: Duration::from_secs(2),
        already_there: None,
    };
    const TOOK: Duration = Duration::from_secs(41);

    fn cameras() -> Plan {
        plan_of([
            step(Action::Create, "group", "resourceGroup", "rg-cameras"),
            step(Action::Update, "recordings", "storageAccount", "stcameras"),
            role_assignment(Action::Create),
            step(Action::Create, "hub", "resource", "hub"),
        ])
    }

    fn render_run(purpose: Purpose, plan: &Plan, outcomes: Vec<Outcome>, stopped: bool) -> String {
        let run = ExecutionSummary {
            purpose,
            plan,
            report: &Report {
                outcomes,
                stopped,
                took: Duration::ZERO,
            },
            took: TOOK,
            sources: &sources().0,
        };
        render(&run, &Style::default())
    }

    #[test]
    fn success_is_one_line() {
        let done = vec![DONE; 4];
        assert_eq!(
            render_run(Purpose::Apply, &cameras(), done, false),
            "Applied: 3 created, 1 updated, 0 deleted in 41s.\n"
        );
        let teardown = plan_of([step(Action::Delete, "group", "resourceGroup", "rg")]);
        assert_eq!(
            render_run(Purpose::Destroy, &teardown, vec![DONE], false),
            "Destroyed: 1 deleted in 41s.\n"
        );
    }

    #[test]
    fn failure_shows_its_position_and_the_steps_that_it_blocks() {
        let error = arm_error(
            409,
            "StorageAccountAlreadyTaken",
            "The storage account named stcameras is already taken.",
        );
        let correlation = error.correlation_id.as_ref();
        let correlation =
            correlation.map_or_else(String::new, |id| format!("    correlation ID {id}\n"));
        let outcomes = vec![
            DONE,
            Outcome::Failed(Failure::Arm(error)),
            Outcome::Blocked(StepId(1)),
            Outcome::Failed(Failure::MissingOutput(
                output("analyzer.principalId").into(),
            )),
        ];
        assert_eq!(
            render_run(Purpose::Apply, &cameras(), outcomes, false),
            format!(
                "\
Done (1):
+ group  resourceGroup rg-cameras

Failed (2):
~ recordings  storageAccount stcameras
    StorageAccountAlreadyTaken: The storage account named stcameras is already
    taken.
    GET /metadata/endpoints returned 409
{correlation}    help: Choose another name: it must be unique across Azure
    in the spec: stack.yaml:2:1
+ hub  Test.Things/things hub
    Azure returned no value for `analyzer.principalId`
    help: check that `analyzer` has this property after it is created
    in the spec: stack.yaml:4:1

Not started (1):
+ access/Reader  roleAssignment Reader on stcameras
    depends on recordings, which did not complete

Apply incomplete: 1 done, 2 failed, 1 not started.
Fix the failures first. Run `lazuli apply` again: it skips the steps that are
done.
"
            )
        );
    }

    #[test]
    fn resource_of_another_stack_is_named_with_its_owner() {
        let teardown = plan_of([step(
            Action::Delete,
            "recordings",
            "storageAccount",
            "stcameras",
        )]);
        let id = "/subscriptions/1/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/stcameras";
        let loss = OwnershipLoss::OtherStack {
            id: ArmId::parse(id).unwrap(),
            stack: lazuli_core::stack::ForeignStack {
                name: "doors".to_owned(),
                has_same_name: false,
            },
        };
        let outcomes = vec![Outcome::Failed(Failure::NotOwned(loss))];
        assert_eq!(
            render_run(Purpose::Destroy, &teardown, outcomes, false),
            "\
Failed (1):
- recordings  storageAccount stcameras
    not deleted: stack `doors` owns
    /subscriptions/1/resourceGroups/rg/providers/Microsoft.Storage/
    storageAccounts/stcameras
    help: run 'lazuli plan' to see who owns what now
    in the spec: stack.yaml:1:1

Destroy incomplete: 0 done, 1 failed, 0 not started.
Fix the failures first. Run `lazuli destroy` again: it skips the steps that are
done.
"
        );
    }

    #[test]
    fn stopped_run_lists_the_steps_that_did_not_start() {
        let teardown = plan_of([
            role_assignment(Action::Delete),
            step(Action::Delete, "recordings", "storageAccount", "stcameras"),
        ]);
        assert_eq!(
            render_run(
                Purpose::Destroy,
                &teardown,
                vec![DONE, Outcome::NotStarted],
                true
            ),
            "\
Done (1):
- access/Reader  roleAssignment Reader on stcameras

Not started (1):
- recordings  storageAccount stcameras
    the run was stopped before this step

Destroy stopped: 1 done, 0 failed, 1 not started.
Run `lazuli destroy` again: it skips the steps that are done.
"
        );
    }

    #[test]
    fn durations_use_the_largest_units() {
        let format = |millis| format_duration(Duration::from_millis(millis));
        assert_eq!(
            [
                format(0),
                format(420),
                format(41_900),
                format(125_000),
                format(3_612_000)
            ],
            ["0s", "0.4s", "41s", "2m 5s", "1h 0m 12s"]
        );
    }
}
