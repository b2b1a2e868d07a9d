//! What commands that plan and write answer on standard output: text for people as things become known, or one document
//! at the end.

use std::time::Duration;

use clap::ValueEnum;
use lazuli_core::{
    document::{FindingDocument, PlanDocument, ServerOverrideDocument},
    live::Live,
    plan::{
        Plan,
        locks::{self, Obstacle},
    },
    preflight::Finding,
};
use lazuli_engine::{
    Outcome, Report,
    document::{ReportDocument, ResultDocument},
};
use serde::Serialize;

use crate::{
    aftermath::Aftermath,
    error::CommandError,
    flow::{Carried, Loaded},
    render::{
        self, html, markdown,
        notice::{Notice, Weight, render_spaced},
        plan_view::PlanView,
        report::{ExecutionSummary, Purpose},
        server_overrides::overruled,
        style::{Style, harmless_json},
    },
    terminal::{Terminal, Tone, answer, tell},
};

/// The forms in which a plan is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlanForm {
    Text,
    Json,
    Markdown,
    Html,
}

/// The forms in which it is answered what became of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportForm {
    Text,
    Json,
    Markdown,
}

/// The forms in which it is answered what there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ShowForm {
    Text,
    Json,
}

/// A plan and what it came from.
pub(crate) struct Planned<'a> {
    pub(crate) loaded: &'a Loaded,
    pub(crate) live: &'a Live,
    pub(crate) plan: &'a Plan,
    /// What Azure is known to refuse of it.
    pub(crate) found: Vec<Finding>,
    /// Whether providers are registered before the first step.
    pub(crate) registers: bool,
    /// Whether what is as wanted already is to be read as well.
    pub(crate) shows_unchanged: bool,
}

impl<'a> Planned<'a> {
    /// A plan of which it is not known yet what Azure would refuse.
    pub(crate) fn new(loaded: &'a Loaded, live: &'a Live, plan: &'a Plan) -> Self {
        Self {
            loaded,
            live,
            plan,
            found: Vec::new(),
            registers: false,
            shows_unchanged: false,
        }
    }

    fn obstacles(&self) -> Vec<Obstacle> {
        locks::obstacles(self.plan, &self.loaded.graph, self.live)
    }

    fn findings(&self) -> Vec<Notice> {
        let sources = &self.loaded.sources;
        render::preflight::list_findings(self.plan, &self.found, self.registers, sources)
    }

    /// The plan for people, with all that is known of it by now.
    fn sheet(&self) -> PlanView<'a> {
        let unread = self.live.unread_locks();
        PlanView {
            plan: self.plan,
            graph: &self.loaded.graph,
            sources: &self.loaded.sources,
            stacks: &self.loaded.stacks,
            findings: self.findings(),
            locks: render::locks::list_obstacles(self.plan, &self.obstacles(), unread),
            shows_unchanged: self.shows_unchanged,
        }
    }

    /// The same for programs.
    pub(crate) fn document(&self) -> PlanDocument {
        let unread = self.live.unread_locks();
        PlanDocument {
            findings: self.found.iter().map(FindingDocument::new).collect(),
            ..PlanDocument::new(self.plan, &self.obstacles(), unread, &self.loaded.sources)
        }
    }
}

/// How a command that carries a plan out ended.
pub(crate) enum Ending<'a> {
    /// There was nothing to carry out.
    Nothing,
    /// Nothing was begun, because of what was found.
    Refused,
    /// It was carried out as far as it went, and this is what Azure made of it.
    Carried(&'a Carried, &'a Aftermath),
}

impl Ending<'_> {
    /// A report for programs.
    fn document(&self, planned: &Planned<'_>) -> ReportDocument {
        let document = |report: &Report, took| {
            let (plan, sources) = (planned.plan, &planned.loaded.sources);
            ReportDocument::of(plan, planned.document(), report, took, sources)
        };
        match self {
            Self::Nothing => document(&Report::default(), Duration::ZERO),
            Self::Refused => ReportDocument {
                result: ResultDocument::Refused,
                ..document(&not_begun(planned.plan), Duration::ZERO)
            },
            Self::Carried(carried, aftermath) => ReportDocument {
                overruled: aftermath
                    .found
                    .iter()
                    .map(ServerOverrideDocument::new)
                    .collect(),
                not_remembered: aftermath.not_remembered().map(ToString::to_string),
                ..document(&carried.report, carried.took)
            },
        }
    }

    /// A report as Markdown.
    fn markdown(&self, planned: &Planned<'_>, purpose: Purpose) -> String {
        let none = not_begun(planned.plan);
        let (report, took, aftermath) = match self {
            Self::Carried(carried, aftermath) => (&carried.report, carried.took, Some(aftermath)),
            Self::Nothing | Self::Refused => (&none, Duration::ZERO, None),
        };
        let run = ExecutionSummary {
            purpose,
            plan: planned.plan,
            report,
            took,
            sources: &planned.loaded.sources,
        };
        let kept = aftermath
            .map(|after| overruled(&after.found, &after.refusals, &Style::PAGE))
            .unwrap_or_default();
        let is_refused = matches!(self, Self::Refused);
        markdown::report(&planned.sheet(), &run, is_refused, &kept)
    }
}

/// The report of a plan of which nothing was begun.
fn not_begun(plan: &Plan) -> Report {
    Report {
        outcomes: vec![Outcome::NotBegun; plan.steps.len()],
        stopped: false,
    }
}

/// Answers with a plan: people as soon as something is known, everybody else with one document at the end.
pub(crate) struct PlanAnswer<'a> {
    document: Option<fn(&Planned<'_>) -> String>,
    terminal: &'a Terminal,
}

impl<'a> PlanAnswer<'a> {
    pub(crate) fn new(form: PlanForm, terminal: &'a Terminal) -> Self {
        Self {
            document: match form {
                PlanForm::Text => None,
                PlanForm::Json => Some(|planned| json(&planned.document())),
                PlanForm::Markdown => Some(|planned| markdown::plan(&planned.sheet())),
                PlanForm::Html => Some(|planned| html::plan(&planned.sheet())),
            },
            terminal,
        }
    }

    /// Tells people the plan.
    pub(crate) fn plan(&self, planned: &Planned<'_>) -> Result<(), CommandError> {
        match self.document {
            None => answer(&planned.sheet().render_text(&self.terminal.out)),
            Some(_) => Ok(()),
        }
    }

    /// Tells people what Azure would refuse, and ends with the document.
    pub(crate) fn end(&self, planned: &Planned<'_>) -> Result<(), CommandError> {
        findings(planned, self.document.is_some(), self.terminal)?;
        self.document
            .map_or(Ok(()), |document| answer(&document(planned)))
    }
}

/// Answers with what becomes of a plan: people as soon as something is known, everybody else with one document at the
/// end.
pub(crate) struct ReportAnswer<'a> {
    document: Option<fn(&Ending<'_>, &Planned<'_>, Purpose) -> String>,
    purpose: Purpose,
    terminal: &'a Terminal,
}

impl<'a> ReportAnswer<'a> {
    pub(crate) fn new(form: ReportForm, purpose: Purpose, terminal: &'a Terminal) -> Self {
        Self {
            document: match form {
                ReportForm::Text => None,
                ReportForm::Json => Some(|ending, planned, _| json(&ending.document(planned))),
                ReportForm::Markdown => {
                    Some(|ending, planned, purpose| ending.markdown(planned, purpose))
                }
            },
            purpose,
            terminal,
        }
    }

    /// Shows a plan that is about to be carried out. Where a document will be the answer and somebody is asked, the plan
    /// goes to whoever that is.
    pub(crate) fn intent(&self, planned: &Planned<'_>, is_asked: bool) -> Result<(), CommandError> {
        match self.document {
            None => answer(&planned.sheet().render_text(&self.terminal.out)),
            Some(_) if is_asked => {
                tell(&planned.sheet().render_text(&self.terminal.err));
                Ok(())
            }
            Some(_) => Ok(()),
        }
    }

    /// Tells people what Azure would refuse.
    pub(crate) fn findings(&self, planned: &Planned<'_>) -> Result<(), CommandError> {
        findings(planned, self.document.is_some(), self.terminal)
    }

    /// Tells people that there is nothing to carry out, where no plan has said so, and ends.
    pub(crate) fn absent(&self, planned: &Planned<'_>, told: &str) -> Result<(), CommandError> {
        match self.document {
            None => answer(&format!("{told}\n")),
            Some(_) => self.end(planned, &Ending::Nothing),
        }
    }

    /// Tells people what became of a plan, before it is known what Azure made of it.
    pub(crate) fn carried(
        &self,
        planned: &Planned<'_>,
        carried: &Carried,
    ) -> Result<(), CommandError> {
        if self.document.is_some() {
            return Ok(());
        }
        let run = ExecutionSummary {
            purpose: self.purpose,
            plan: planned.plan,
            report: &carried.report,
            took: carried.took,
            sources: &planned.loaded.sources,
        };
        let text = render::report::render(&run, &self.terminal.out);
        answer(&format!("\n{}\n", text.trim_end()))
    }

    /// Tells people what Azure made of it, and everybody else everything.
    pub(crate) fn end(
        &self,
        planned: &Planned<'_>,
        ending: &Ending<'_>,
    ) -> Result<(), CommandError> {
        match (self.document, ending) {
            (Some(document), ending) => answer(&document(ending, planned, self.purpose)),
            (None, Ending::Carried(_, after)) => answer(&overruled(
                &after.found,
                &after.refusals,
                &self.terminal.out,
            )),
            (None, Ending::Nothing | Ending::Refused) => Ok(()),
        }
    }
}

/// Tells people what Azure would refuse: where the answer is a document, beside it.
fn findings(
    planned: &Planned<'_>,
    is_document: bool,
    terminal: &Terminal,
) -> Result<(), CommandError> {
    let found = planned.findings();
    if !is_document {
        return answer(&render_spaced(&found, &terminal.out));
    }
    let tone = match found.iter().any(|notice| notice.weight == Weight::Error) {
        true => Tone::Error,
        false => Tone::Warning,
    };
    terminal.tell(&render_spaced(&found, &terminal.err), tone);
    Ok(())
}

/// A document for programs.
pub(crate) fn json(document: &impl Serialize) -> String {
    match serde_json::to_string_pretty(document) {
        Ok(text) => harmless_json(&text) + "\n",
        Err(_) => String::new(),
    }
}
