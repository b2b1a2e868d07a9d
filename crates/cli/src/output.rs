//! The results of commands on standard output: text for people as soon as it is known, or one document at the end.

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
use lazuli_engine::document::{ReportDocument, ResultDocument};
use lazuli_reconcile::{Difference, ProviderPolicy, Recheck, Report, Stacks};
use serde::Serialize;

use crate::{
    error::CommandError,
    render::{
        self, html, markdown,
        notice::{Notice, Weight, render_spaced},
        plan_view::PlanView,
        report::{ExecutionSummary, Purpose},
        server_overrides::render_overrides,
        style::{Style, escape_json},
    },
    terminal::{Terminal, Tone, write_message, write_output},
};

/// The output formats of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlanOutput {
    Text,
    Json,
    Markdown,
    Html,
}

/// The output formats of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportOutput {
    Text,
    Json,
    Markdown,
}

/// The output formats of an inventory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ShowOutput {
    Text,
    Json,
}

/// A plan with everything that is shown with it.
pub(crate) struct PlanContext<'a> {
    pub(crate) stacks: &'a Stacks,
    pub(crate) live: &'a Live,
    pub(crate) plan: &'a Plan,
    /// What Azure is known to reject.
    pub(crate) findings: Vec<Finding>,
    /// What happens to resource providers that are not registered.
    pub(crate) providers: ProviderPolicy,
    /// Whether unchanged resources are listed.
    pub(crate) shows_unchanged: bool,
}

impl<'a> PlanContext<'a> {
    /// A plan before preflight.
    pub(crate) fn new(stacks: &'a Stacks, difference: &'a Difference) -> Self {
        Self {
            stacks,
            live: &difference.live,
            plan: &difference.plan,
            findings: Vec::new(),
            providers: ProviderPolicy::Report,
            shows_unchanged: false,
        }
    }

    fn obstacles(&self) -> Vec<Obstacle> {
        locks::obstacles(self.plan, &self.stacks.graph, self.live)
    }

    fn notices(&self) -> Vec<Notice> {
        let registers = self.providers == ProviderPolicy::Register;
        let sources = &self.stacks.sources;
        render::preflight::list_findings(self.plan, &self.findings, registers, sources)
    }

    /// The plan as a page for people.
    fn view(&self) -> PlanView<'a> {
        let unread = self.live.unread_locks();
        PlanView {
            plan: self.plan,
            graph: &self.stacks.graph,
            sources: &self.stacks.sources,
            stacks: &self.stacks.names,
            findings: self.notices(),
            locks: render::locks::list_obstacles(self.plan, &self.obstacles(), unread),
            shows_unchanged: self.shows_unchanged,
        }
    }

    /// The plan as a JSON document.
    pub(crate) fn document(&self) -> PlanDocument {
        let unread = self.live.unread_locks();
        let sources = &self.stacks.sources;
        PlanDocument {
            findings: self.findings.iter().map(FindingDocument::new).collect(),
            ..PlanDocument::new(self.plan, &self.obstacles(), unread, sources)
        }
    }
}

/// The end of a command that executes a plan.
pub(crate) enum ExecutionResult<'a> {
    /// The plan has no steps.
    NoSteps,
    /// No step was started because of the findings.
    Rejected,
    /// The plan was executed and rechecked.
    Executed(&'a Report, &'a Recheck),
}

impl ExecutionResult<'_> {
    fn document(&self, view: &PlanContext<'_>) -> ReportDocument {
        let document = |report: &Report| {
            ReportDocument::new(view.plan, view.document(), report, &view.stacks.sources)
        };
        match self {
            Self::NoSteps => document(&Report::default()),
            Self::Rejected => ReportDocument {
                result: ResultDocument::Rejected,
                ..document(&Report::unstarted(view.plan))
            },
            Self::Executed(report, recheck) => ReportDocument {
                server_overrides: recheck
                    .overrides
                    .iter()
                    .map(ServerOverrideDocument::new)
                    .collect(),
                unrecorded_overrides: recheck.unrecorded.first().map(ToString::to_string),
                ..document(report)
            },
        }
    }

    fn markdown(&self, view: &PlanContext<'_>, purpose: Purpose) -> String {
        let unstarted = Report::unstarted(view.plan);
        let (report, overrides) = match self {
            Self::Executed(report, recheck) => (*report, overrides(recheck, &Style::PAGE)),
            Self::NoSteps | Self::Rejected => (&unstarted, String::new()),
        };
        let run = run(view, report, purpose);
        let is_rejected = matches!(self, Self::Rejected);
        markdown::report(&view.view(), &run, is_rejected, &overrides)
    }
}

fn run<'a>(
    view: &'a PlanContext<'_>,
    report: &'a Report,
    purpose: Purpose,
) -> ExecutionSummary<'a> {
    ExecutionSummary {
        purpose,
        plan: view.plan,
        report,
        took: report.took,
        sources: &view.stacks.sources,
    }
}

fn overrides(recheck: &Recheck, style: &Style) -> String {
    render_overrides(&recheck.overrides, &recheck.unrecorded, style)
}

/// Prints a plan.
pub(crate) struct PlanPrinter<'a> {
    document: Option<fn(&PlanContext<'_>) -> String>,
    terminal: &'a Terminal,
}

impl<'a> PlanPrinter<'a> {
    pub(crate) fn new(output: PlanOutput, terminal: &'a Terminal) -> Self {
        Self {
            document: match output {
                PlanOutput::Text => None,
                PlanOutput::Json => Some(|view| json(&view.document())),
                PlanOutput::Markdown => Some(|view| markdown::plan(&view.view())),
                PlanOutput::Html => Some(|view| html::plan(&view.view())),
            },
            terminal,
        }
    }

    /// Prints the plan before preflight, as text.
    pub(crate) fn plan(&self, view: &PlanContext<'_>) -> Result<(), CommandError> {
        match self.document {
            None => write_output(&view.view().render_text(&self.terminal.out)),
            Some(_) => Ok(()),
        }
    }

    /// Prints the findings, and the document if one is requested.
    pub(crate) fn end(&self, view: &PlanContext<'_>) -> Result<(), CommandError> {
        print_findings(view, self.document.is_some(), self.terminal)?;
        self.document
            .map_or(Ok(()), |document| write_output(&document(view)))
    }
}

/// Prints how a plan is executed.
pub(crate) struct ReportPrinter<'a> {
    document: Option<fn(&ExecutionResult<'_>, &PlanContext<'_>, Purpose) -> String>,
    purpose: Purpose,
    terminal: &'a Terminal,
}

impl<'a> ReportPrinter<'a> {
    pub(crate) fn new(output: ReportOutput, purpose: Purpose, terminal: &'a Terminal) -> Self {
        Self {
            document: match output {
                ReportOutput::Text => None,
                ReportOutput::Json => Some(|result, view, _| json(&result.document(view))),
                ReportOutput::Markdown => {
                    Some(|result, view, purpose| result.markdown(view, purpose))
                }
            },
            purpose,
            terminal,
        }
    }

    /// Prints the plan before it is executed. If the output is a document and the user must confirm, the plan
    /// goes to stderr.
    pub(crate) fn plan(&self, view: &PlanContext<'_>, asks: bool) -> Result<(), CommandError> {
        match self.document {
            None => write_output(&view.view().render_text(&self.terminal.out)),
            Some(_) if asks => {
                write_message(&view.view().render_text(&self.terminal.err));
                Ok(())
            }
            Some(_) => Ok(()),
        }
    }

    pub(crate) fn findings(&self, view: &PlanContext<'_>) -> Result<(), CommandError> {
        print_findings(view, self.document.is_some(), self.terminal)
    }

    /// Prints a message instead of an empty plan, and ends.
    pub(crate) fn absent(&self, view: &PlanContext<'_>, message: &str) -> Result<(), CommandError> {
        match self.document {
            None => write_output(&format!("{message}\n")),
            Some(_) => self.end(view, &ExecutionResult::NoSteps),
        }
    }

    /// Prints the report before the recheck, as text.
    pub(crate) fn report(
        &self,
        view: &PlanContext<'_>,
        report: &Report,
    ) -> Result<(), CommandError> {
        if self.document.is_some() {
            return Ok(());
        }
        let run = run(view, report, self.purpose);
        let text = render::report::render(&run, &self.terminal.out);
        write_output(&format!("\n{}\n", text.trim_end()))
    }

    /// Prints the result of the recheck, or the document if one is requested.
    pub(crate) fn end(
        &self,
        view: &PlanContext<'_>,
        result: &ExecutionResult<'_>,
    ) -> Result<(), CommandError> {
        match (self.document, result) {
            (Some(document), result) => write_output(&document(result, view, self.purpose)),
            (None, ExecutionResult::Executed(_, recheck)) => {
                write_output(&overrides(recheck, &self.terminal.out))
            }
            (None, ExecutionResult::NoSteps | ExecutionResult::Rejected) => Ok(()),
        }
    }
}

/// Prints the findings: on stdout with a plan as text, on stderr if stdout has a document.
fn print_findings(
    view: &PlanContext<'_>,
    is_document: bool,
    terminal: &Terminal,
) -> Result<(), CommandError> {
    let notices = view.notices();
    if !is_document {
        return write_output(&render_spaced(&notices, &terminal.out));
    }
    let tone = match notices.iter().any(|notice| notice.weight == Weight::Error) {
        true => Tone::Error,
        false => Tone::Warning,
    };
    terminal.write_message(&render_spaced(&notices, &terminal.err), tone);
    Ok(())
}

/// A JSON document as text.
pub(crate) fn json(document: &impl Serialize) -> String {
    match serde_json::to_string_pretty(document) {
        Ok(text) => escape_json(&text) + "\n",
        Err(_) => String::new(),
    }
}
