//! A report as a document for programs: `lazuli apply --output json`. Its shape is a contract, see docs/json.md.

use std::time::Duration;

use lazuli_core::source::Sources;
use lazuli_core::{
    document::{AddressDocument, PlaceDocument, PlanDocument, ServerOverrideDocument},
    plan::{Action, Plan, Step},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{
    fault::Fault,
    report::{Failure, Outcome, Report},
};

/// What became of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "A report of lazuli")]
pub struct ReportDocument {
    /// The form of this document.
    pub format: ReportFormat,
    /// The version of lazuli that made it.
    pub lazuli: String,
    /// How the run ended.
    pub result: ResultDocument,
    /// How long all steps together took.
    pub took_ms: u64,
    /// How many steps came to which end.
    pub summary: OutcomesDocument,
    /// What became of each step, in the order of the plan.
    pub steps: Vec<OutcomeDocument>,
    /// Values that Azure keeps although this run sent others. Later plans know of them and do not send them again.
    pub overruled: Vec<ServerOverrideDocument>,
    /// Why later plans do not know of them, where that could not be remembered in tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_remembered: Option<String>,
    /// The plan that was carried out.
    pub plan: PlanDocument,
}

/// The form of a [`ReportDocument`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ReportFormat {
    /// The first.
    #[serde(rename = "lazuli/report/v1")]
    V1,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ResultDocument {
    /// Every step is done. Also where there was none.
    Complete,
    /// Steps failed.
    Incomplete,
    /// Nothing was begun: Azure would refuse steps, see `findings` of the plan.
    Refused,
    /// The run was asked to stop, and steps were not begun.
    Stopped,
}

/// How many steps came to which end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OutcomesDocument {
    /// Steps that are done.
    pub done: usize,
    /// Steps that failed.
    pub failed: usize,
    /// Steps that were not begun: they wait for one that failed, or the run was stopped.
    pub not_begun: usize,
}

/// What became of one step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OutcomeDocument {
    /// The number of the step in the plan.
    pub id: usize,
    /// What happened, or should have.
    pub action: Action,
    /// What it happened to.
    #[serde(flatten)]
    pub address: AddressDocument,
    /// What became of it.
    pub outcome: OutcomeWord,
    /// How long it took, of a step that is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<u64>,
    /// The id of the role assignment that was there before and counts as this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub already_there: Option<String>,
    /// The number of the step that failed and that this one waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked_by: Option<usize>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorDocument>,
}

/// What became of a step, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OutcomeWord {
    /// It is done.
    Done,
    /// Azure refused it, or could not be reached.
    Failed,
    /// It waits for a step that failed.
    Blocked,
    /// The run was stopped before.
    NotBegun,
}

/// Why a step failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorDocument {
    /// Azure's code: `StorageAccountAlreadyTaken`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What happened, in Azure's words where it answered.
    pub message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The method and path of the request: `PUT /subscriptions/...`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// The HTTP status of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What Azure's support asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// Where the entry stands in the spec.
    pub place: PlaceDocument,
    /// The property of the entry that Azure speaks of, where that can be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub property: Option<PropertyDocument>,
}

/// A property of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PropertyDocument {
    /// As the spec has it: `networkAcls.defaultAction`.
    pub path: String,
    /// Where its value stands.
    pub place: PlaceDocument,
}

impl ReportDocument {
    /// The document of a run that carried out a plan.
    pub fn of(
        plan: &Plan,
        shown: PlanDocument,
        report: &Report,
        took: Duration,
        sources: &Sources,
    ) -> Self {
        let failed = report.failures().count();
        Self {
            format: ReportFormat::V1,
            lazuli: shown.lazuli.clone(),
            result: match (report.is_complete(), report.stopped) {
                (true, _) => ResultDocument::Complete,
                (false, true) => ResultDocument::Stopped,
                (false, false) => ResultDocument::Incomplete,
            },
            took_ms: millis(took),
            summary: OutcomesDocument {
                done: report.done(),
                failed,
                not_begun: report.not_begun().count(),
            },
            steps: plan
                .steps
                .iter()
                .zip(&report.outcomes)
                .map(|(step, outcome)| OutcomeDocument::of(step, outcome, sources))
                .collect(),
            overruled: Vec::new(),
            not_remembered: None,
            plan: shown,
        }
    }

    /// The JSON Schema of such documents.
    pub fn schema() -> Json {
        schemars::schema_for!(Self).to_value()
    }
}

impl OutcomeDocument {
    fn of(step: &Step, outcome: &Outcome, sources: &Sources) -> Self {
        let began = Self {
            id: step.id.0,
            action: step.action,
            address: AddressDocument::new(&step.subject.key),
            outcome: OutcomeWord::NotBegun,
            took_ms: None,
            already_there: None,
            blocked_by: None,
            error: None,
        };
        match outcome {
            Outcome::Done {
                took,
                already_there,
            } => Self {
                outcome: OutcomeWord::Done,
                took_ms: Some(millis(*took)),
                already_there: already_there.as_ref().map(ToString::to_string),
                ..began
            },
            Outcome::Failed(failure) => Self {
                outcome: OutcomeWord::Failed,
                error: Some(ErrorDocument::of(failure, step, sources)),
                ..began
            },
            Outcome::Blocked(by) => Self {
                outcome: OutcomeWord::Blocked,
                blocked_by: Some(by.0),
                ..began
            },
            Outcome::NotBegun => began,
        }
    }
}

impl ErrorDocument {
    fn of(failure: &Failure, step: &Step, sources: &Sources) -> Self {
        let answered = match failure {
            Failure::Arm(error) => Some(error),
            Failure::MissingOutput(_) => None,
        };
        let fault = Fault::of(failure, step, sources);
        Self {
            code: answered.and_then(|error| error.code.clone()),
            message: answered.map_or_else(|| failure.to_string(), |error| error.message.clone()),
            hint: failure.hint(),
            request: answered.map(|error| format!("{} {}", error.method, error.path)),
            status: answered.and_then(|error| error.status),
            correlation_id: answered.and_then(|error| error.correlation_id.clone()),
            place: PlaceDocument::new(step.subject.span, sources),
            property: fault.property.map(|path| PropertyDocument {
                path,
                place: PlaceDocument::new(fault.span, sources),
            }),
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
