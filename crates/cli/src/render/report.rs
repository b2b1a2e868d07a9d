//! What became of a plan, for a person: one line where all went well, otherwise what is done, failed and not begun.

use std::time::Duration;

use lazuli_arm::ErrorKind;
use lazuli_core::{
    plan::{Action, Plan, Step},
    source::Sources,
};
use lazuli_engine::{Failure, Outcome, Report};

use super::{
    Names, failure, heading, place_of,
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
    text.push_str(&format!("\n{}\n", next(run.purpose)));
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

/// Why a step failed, and where in the spec what Azure speaks of stands.
pub(crate) fn failed_step(
    step: &Step,
    why: &Failure,
    sources: &Sources,
    indent: usize,
    style: &Style,
) -> String {
    let span = at_fault(why)
        .iter()
        .find_map(|property| step.places.get(*property))
        .unwrap_or(&step.span);
    let place = format!("in the spec: {}", place_of(*span, sources));
    failure::of_step(why, indent, style) + &block(indent, &place, style.width)
}

/// The properties of the spec that Azure may speak of, where its code tells.
fn at_fault(why: &Failure) -> &'static [&'static str] {
    let Failure::Arm(error) = why else {
        return &[];
    };
    match &error.kind {
        ErrorKind::NameTaken => &["name"],
        _ if error.has_code("PrincipalNotFound") || error.has_code("InvalidPrincipalId") => {
            &["principal"]
        }
        _ if error.has_code("RoleDefinitionDoesNotExist") => &["role", "roles"],
        _ if error.has_code("LocationNotAvailableForResourceGroup") => &["location"],
        _ => &[],
    }
}

/// What to do after a run that is not complete.
pub(crate) fn next(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Apply => "Run `lazuli apply` again: what is done stays done.",
        Purpose::ApplySaved => {
            "Make a new plan: what is done stays done, so this one no longer fits."
        }
        Purpose::Destroy => "Run `lazuli destroy` again: what is done stays done.",
    }
}

fn success(run: &Run<'_>) -> String {
    let took = duration(run.took);
    match run.purpose {
        Purpose::Destroy => {
            let deleted = run.plan.count(Action::Delete);
            format!("Destroyed: {deleted} deleted in {took}.")
        }
        Purpose::Apply | Purpose::ApplySaved => {
            let steps = tally(run.plan, |action| match action {
                Action::Create => "created",
                Action::Adopt => "adopted",
                Action::Update => "updated",
                Action::Replace => "replaced",
                Action::Delete => "deleted",
                Action::Release => "released",
            });
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
    in the spec: stack.yaml:2
+ hub  Test.Things/things hub
    Azure filled in no `analyzer.principalId`
    help: check that `analyzer` has this property once it is made
    in the spec: stack.yaml:4

Not begun (1):
+ access/Reader  roleAssignment Reader on stcameras
    it waits for recordings

Not complete: 1 done, 2 failed, 1 not begun.
Run `lazuli apply` again: what is done stays done.
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
