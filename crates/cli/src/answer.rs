//! What commands that plan and write answer on standard output: text for people, or one JSON document.

use std::{
    io::{self, Write},
    time::Duration,
};

use clap::ValueEnum;
use lazuli_core::{
    live::Live,
    plan::{
        Plan,
        document::{FindingDocument, OverruledDocument, PlanDocument},
        locks,
        preflight::Finding,
    },
};
use lazuli_engine::{
    Outcome, Report,
    document::{ReportDocument, ResultDocument},
};
use serde::Serialize;

use crate::{
    aftermath::Aftermath,
    flow::{Carried, Loaded},
    render::{
        self,
        report::Run,
        style::{Style, is_shown},
    },
    terminal::Terminal,
};

/// How a command answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
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
}

impl<'a> Planned<'a> {
    /// A plan of which it is not known yet what Azure would refuse.
    pub(crate) fn new(loaded: &'a Loaded, live: &'a Live, plan: &'a Plan) -> Self {
        Self {
            loaded,
            live,
            plan,
            found: Vec::new(),
        }
    }

    /// The plan, and the locks that will be in its way.
    fn text(&self, style: &Style) -> String {
        let obstacles = locks::obstacles(self.plan, &self.loaded.graph, self.live);
        let unread = self.live.unread_locks();
        render::plan::plan(self.plan, style)
            + &render::locks::obstacles(self.plan, &obstacles, unread, style)
    }

    /// The same for programs.
    pub(crate) fn document(&self) -> PlanDocument {
        let obstacles = locks::obstacles(self.plan, &self.loaded.graph, self.live);
        let unread = self.live.unread_locks();
        PlanDocument {
            findings: self.found.iter().map(FindingDocument::of).collect(),
            ..PlanDocument::of(self.plan, &obstacles, unread, &self.loaded.sources)
        }
    }

    /// A report for programs.
    fn report(&self, report: &Report, took: Duration, aftermath: &Aftermath) -> ReportDocument {
        let sources = &self.loaded.sources;
        ReportDocument {
            overruled: aftermath.found.iter().map(OverruledDocument::of).collect(),
            not_remembered: aftermath.not_remembered().map(ToString::to_string),
            ..ReportDocument::of(self.plan, self.document(), report, took, sources)
        }
    }
}

impl Output {
    /// Tells people the plan, as soon as it is known. Programs are answered at the [end](Self::end_of_plan).
    pub(crate) fn plan(self, planned: &Planned<'_>, terminal: &Terminal) {
        if self == Self::Text {
            print!("{}", planned.text(&terminal.out));
        }
    }

    /// Tells people what Azure would refuse; `registers` says that providers will be registered.
    pub(crate) fn findings(self, planned: &Planned<'_>, registers: bool, terminal: &Terminal) {
        let sources = &planned.loaded.sources;
        let text = |style| {
            render::preflight::findings(planned.plan, &planned.found, registers, sources, style)
        };
        match self {
            Self::Text => print!("{}", text(&terminal.out)),
            Self::Json => eprint!("{}", text(&terminal.err)),
        }
    }

    /// Answers programs with the plan.
    pub(crate) fn end_of_plan(self, planned: &Planned<'_>) {
        if self == Self::Json {
            json(&planned.document());
        }
    }

    /// Answers programs that nothing was begun, because of what was found.
    pub(crate) fn refused(self, planned: &Planned<'_>) {
        if self == Self::Json {
            let report = Report {
                outcomes: vec![Outcome::NotBegun; planned.plan.steps.len()],
                stopped: false,
            };
            json(&ReportDocument {
                result: ResultDocument::Refused,
                ..planned.report(&report, Duration::ZERO, &Aftermath::default())
            });
        }
    }

    /// Shows a plan that is about to be carried out. The answer of a program comes at the end, so that it is one
    /// document; where somebody is asked, the plan goes to whoever that is.
    pub(crate) fn intent(self, planned: &Planned<'_>, is_asked: bool, terminal: &Terminal) {
        match self {
            Self::Text => print!("{}", planned.text(&terminal.out)),
            Self::Json if is_asked => eprint!("{}", planned.text(&terminal.err)),
            Self::Json => {}
        }
    }

    /// Answers that there was nothing to carry out, which the text of the plan has said already.
    pub(crate) fn nothing(self, planned: &Planned<'_>) {
        if self == Self::Json {
            let nothing = Report::default();
            json(&planned.report(&nothing, Duration::ZERO, &Aftermath::default()));
        }
    }

    /// Tells people what became of a plan, as soon as it is known. Programs are answered at the [end](Self::end).
    pub(crate) fn carried(self, planned: &Planned<'_>, carried: &Carried, terminal: &Terminal) {
        if self == Self::Text {
            let run = Run {
                purpose: carried.purpose,
                plan: planned.plan,
                report: &carried.report,
                took: carried.took,
                sources: &planned.loaded.sources,
            };
            let text = render::report::report(&run, &terminal.out);
            println!("\n{}", text.trim_end());
        }
    }

    /// Answers what Azure made of it, and all of it to programs.
    pub(crate) fn end(
        self,
        planned: &Planned<'_>,
        carried: &Carried,
        aftermath: &Aftermath,
        terminal: &Terminal,
    ) {
        match self {
            Self::Text => print!(
                "{}",
                render::overruled::overruled(&aftermath.found, &aftermath.refusals, &terminal.out)
            ),
            Self::Json => json(&planned.report(&carried.report, carried.took, aftermath)),
        }
    }
}

/// Writes a document. A closed pipe is no reason to fail.
pub(crate) fn json(document: &impl Serialize) {
    if let Ok(text) = serde_json::to_string_pretty(document) {
        let _ = writeln!(io::stdout(), "{}", harmless(&text));
    }
}

/// JSON in which whatever could act on a terminal is escaped. Such characters are only ever inside of its strings.
fn harmless(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        if character == '\n' || is_shown(character) {
            text.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_says_the_same_and_acts_on_no_terminal() {
        let value = serde_json::json!({ "a": "\u{1b}[2J\u{9b}\u{202e}\u{e0001}\n\"é" });
        let text = harmless(&serde_json::to_string_pretty(&value).unwrap());
        assert!(text.chars().all(|c| c == '\n' || is_shown(c)), "{text:?}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&text).unwrap(),
            value
        );
    }
}
