//! What became of a plan, for a person: one line where all went well, otherwise what is done, failed and not begun.

use std::time::Duration;

use lazuli_core::{
    plan::{Action, Plan, Step},
    source::Sources,
};
use lazuli_engine::{Failure, Fault, Outcome, Report};

use super::{
    Names, diagnostics, failure, heading, place,
    style::{Style, Tint, block},
    tally,
};

/// How far what is said about a step stands in below it.
const INDENT: usize = 4;

/// The command that carried a plan out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Towards the spec.
    Apply,
    /// Towards the spec, as it was planned before.
    ApplySaved,
    /// Away from it.
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

/// A plan that was carried out.
pub(crate) struct Run<'a> {
    pub(crate) purpose: Purpose,
    pub(crate) plan: &'a Plan,
    pub(crate) report: &'a Report,
    /// How long all of it took.
    pub(crate) took: Duration,
    pub(crate) sources: &'a Sources,
}

/// The whole report.
pub(crate) fn report(run: &Run<'_>, style: &Style) -> String {
    let Run {
        plan,
        report,
        sources,
        ..
    } = run;
    if report.is_complete() {
        return style.paint(Tint::Green, &summary(run)) + "\n";
    }
    let names = Names::of_plan(plan);
    let [mut done, mut failed, mut not_begun] = [const { Section::new() }; 3];
    for (step, outcome) in plan.steps.iter().zip(&report.outcomes) {
        let line = heading(step, names, style);
        match outcome {
            Outcome::Done { .. } => done.add(&line),
            Outcome::Failed(why) => {
                let why = failed_step(step, why, sources, INDENT, style);
                failed.add(&(line + &why));
            }
            Outcome::Blocked(by) => {
                let by = plan
                    .steps
                    .get(by.0)
                    .map(|step| names.name(&step.key))
                    .unwrap_or_default();
                not_begun.add(&(line + &block(INDENT, &format!("it waits for {by}"), style.width)));
            }
            Outcome::NotBegun => {
                not_begun.add(&(line + &block(INDENT, "the run was stopped before", style.width)))
            }
        }
    }
    let mut text = String::new();
    for (title, section) in [
        ("Done", &done),
        ("Failed", &failed),
        ("Not begun", &not_begun),
    ] {
        text.push_str(&section.titled(title, style));
    }
    text.push_str(&style.paint(Tint::Strong, &summary(run)));
    text.push('\n');
    text.push_str(&block(0, &next(run), style.width));
    text
}

/// What became of all of it, in one line.
pub(crate) fn summary(run: &Run<'_>) -> String {
    let report = run.report;
    if report.is_complete() {
        return success(run);
    }
    let counts = format!(
        "{} done, {} failed, {} not begun",
        report.done(),
        report.failures().count(),
        report.not_begun().count()
    );
    match report.stopped {
        true => format!("Stopped: {counts}."),
        false => format!("Not complete: {counts}."),
    }
}

/// Steps that came to the same end.
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

    fn titled(&self, title: &str, style: &Style) -> String {
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

/// Why a step failed, and where in the spec what Azure speaks of stands: with an excerpt, where it is a property.
pub(crate) fn failed_step(
    step: &Step,
    why: &Failure,
    sources: &Sources,
    indent: usize,
    style: &Style,
) -> String {
    let Fault { span, property } = Fault::of(why, step, sources);
    let text = failure::of_step(why, indent, style);
    if property.is_none() {
        let line = format!("in the spec: {}", place(span, sources));
        return text + &block(indent, &line, style.width);
    }
    let narrower = Style {
        width: style.width.saturating_sub(indent),
        ..style.clone()
    };
    let label = match why {
        Failure::Arm(_) => "refused by Azure",
        Failure::MissingOutput(_) => "not filled in by Azure",
    };
    let excerpt = diagnostics::excerpt(sources, span, label, &narrower);
    let lines = excerpt.lines().map(|line| format!("{:indent$}{line}", ""));
    text + &lines
        .map(|line| line.trim_end().to_owned() + "\n")
        .collect::<String>()
}

/// What to do about a run that is not complete.
pub(crate) fn next(run: &Run<'_>) -> String {
    let failures: Vec<&Failure> = run.report.failures().map(|(_, failure)| failure).collect();
    let passes =
        |failure: &&Failure| matches!(failure, Failure::Arm(error) if error.is_transient());
    let before = match failures.as_slice() {
        [] => "",
        all if all.iter().all(passes) => "Azure or the way to it failed, not the spec. ",
        _ => "Mend what failed first. ",
    };
    let again = match run.purpose {
        Purpose::Apply => "Run `lazuli apply` again: what is done stays done.",
        Purpose::ApplySaved => {
            "Make a new plan: what is done stays done, so this one no longer fits."
        }
        Purpose::Destroy => "Run `lazuli destroy` again: what is done stays done.",
    };
    format!("{before}{again}")
}

fn success(run: &Run<'_>) -> String {
    let took = duration(run.took);
    match run.purpose {
        Purpose::Destroy => {
            let deleted = run.plan.count(Action::Delete);
            format!("Destroyed: {deleted} deleted in {took}.")
        }
        Purpose::Apply | Purpose::ApplySaved => {
            let steps = tally(run.plan, Action::done);
            format!("Applied: {steps} in {took}.")
        }
    }
}

/// `41s`, `2m 5s`, `1h 0m 12s`; `0.4s` below a second.
pub(crate) fn duration(time: Duration) -> String {
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
    use lazuli_core::plan::StepId;

    use super::*;
    use crate::render::testing::{arm_error, output, plan_of, sources, step};

    const DONE: Outcome = Outcome::Done {
        took: Duration::from_secs(2),
        already_there: None,
    };
    const TOOK: Duration = Duration::from_secs(41);

    fn cameras() -> Plan {
        plan_of([
            step(Action::Create, "group", "resourceGroup", "rg-cameras"),
            step(Action::Update, "recordings", "storageAccount", "stcameras"),
            step(
                Action::Create,
                "access/Reader",
                "roleAssignment",
                "Reader on stcameras",
            ),
            step(Action::Create, "hub", "resource", "hub"),
        ])
    }

    fn shown(purpose: Purpose, plan: &Plan, outcomes: Vec<Outcome>, stopped: bool) -> String {
        let run = Run {
            purpose,
            plan,
            report: &Report { outcomes, stopped },
            took: TOOK,
            sources: &sources().0,
        };
        report(&run, &Style::default())
    }

    #[test]
    fn success_is_one_line() {
        let done = vec![DONE; 4];
        assert_eq!(
            shown(Purpose::Apply, &cameras(), done, false),
            "Applied: 3 created, 1 updated, 0 deleted in 41s.\n"
        );
        let teardown = plan_of([step(Action::Delete, "group", "resourceGroup", "rg")]);
        assert_eq!(
            shown(Purpose::Destroy, &teardown, vec![DONE], false),
            "Destroyed: 1 deleted in 41s.\n"
        );
    }

    #[test]
    fn a_failure_is_told_with_its_place_and_what_it_kept_from_beginning() {
        let error = arm_error(
            409,
            "StorageAccountAlreadyTaken",
            "The storage account named stcameras is already taken.",
        );
        let correlation = error
            .correlation_id
            .as_ref()
            .map(|id| format!("    correlation id {id}\n"));
        let outcomes = vec![
            DONE,
            Outcome::Failed(Failure::Arm(error)),
            Outcome::Blocked(StepId(1)),
            Outcome::Failed(Failure::MissingOutput(
                output("analyzer.principalId").into(),
            )),
        ];
        assert_eq!(
            shown(Purpose::Apply, &cameras(), outcomes, false),
            format!(
                "\
Done (1):
+ group  resourceGroup rg-cameras

Failed (2):
~ recordings  storageAccount stcameras
    StorageAccountAlreadyTaken: The storage account named stcameras is already
    taken.
    GET /metadata/endpoints answered 409
{}    help: Choose another name: this one must be unique in all of Azure, and is
    in use
    in the spec: stack.yaml:2:1
+ hub  Test.Things/things hub
    Azure returned no value for `analyzer.principalId`
    help: check that `analyzer` has this property after it is created
    in the spec: stack.yaml:4:1

Not begun (1):
+ access/Reader  roleAssignment Reader on stcameras
    it waits for recordings

Not complete: 1 done, 2 failed, 1 not begun.
Mend what failed first. Run `lazuli apply` again: what is done stays done.
",
                correlation.unwrap_or_default()
            )
        );
    }

    #[test]
    fn a_stopped_run_says_what_it_did_not_begin() {
        let teardown = plan_of([
            step(
                Action::Delete,
                "access/Reader",
                "roleAssignment",
                "Reader on stcameras",
            ),
            step(Action::Delete, "recordings", "storageAccount", "stcameras"),
        ]);
        assert_eq!(
            shown(
                Purpose::Destroy,
                &teardown,
                vec![DONE, Outcome::NotBegun],
                true
            ),
            "\
Done (1):
- access/Reader  roleAssignment Reader on stcameras

Not begun (1):
- recordings  storageAccount stcameras
    the run was stopped before

Stopped: 1 done, 0 failed, 1 not begun.
Run `lazuli destroy` again: what is done stays done.
"
        );
    }

    #[test]
    fn times_are_read_at_a_glance() {
        let shown = |millis| duration(Duration::from_millis(millis));
        assert_eq!(
            [
                shown(0),
                shown(420),
                shown(41_900),
                shown(125_000),
                shown(3_612_000)
            ],
            ["0s", "0.4s", "41s", "2m 5s", "1h 0m 12s"]
        );
    }
}
