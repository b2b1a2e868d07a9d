//! The JSON document of a report: `lazuli apply --output json`. Its shape is a contract, see docs/json.md.

use std::time::Duration;

use lazuli_core::source::Sources;
use lazuli_core::{
    body_path::BodyPath,
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

/// The result of executing a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "lazuli report")]
pub struct ReportDocument {
    /// The format of this document.
    pub format: ReportFormat,
    /// The version of lazuli.
    pub lazuli: String,
    /// The overall result.
    pub result: ResultDocument,
    /// The duration of the execution, in milliseconds.
    pub took_ms: u64,
    /// The number of steps by outcome.
    pub summary: OutcomesDocument,
    /// The outcome of each step, in the order of the plan.
    pub steps: Vec<OutcomeDocument>,
    /// Server overrides: values that Azure keeps although this run sent others. Later plans do not send them again.
    pub server_overrides: Vec<ServerOverrideDocument>,
    /// Why the server overrides could not be recorded in tags. Later plans report them as drift.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unrecorded_overrides: Option<String>,
    /// The executed plan.
    pub plan: PlanDocument,
}

/// The format of a [`ReportDocument`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ReportFormat {
    /// The first version.
    #[serde(rename = "lazuli/report/v1")]
    V1,
}

/// The overall result of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ResultDocument {
    /// Every step succeeded, or the plan has no steps.
    Complete,
    /// Some steps failed.
    Incomplete,
    /// No step was started because Azure would reject steps: see `findings` of the plan.
    Rejected,
    /// The run was interrupted, and some steps were not started.
    Stopped,
}

/// The number of steps by outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OutcomesDocument {
    /// Steps that succeeded.
    pub done: usize,
    /// Steps that failed.
    pub failed: usize,
    /// Steps that were not started, because a dependency failed or the run was interrupted.
    pub not_started: usize,
}

/// The outcome of one step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OutcomeDocument {
    /// The number of the step in the plan.
    pub id: usize,
    /// The action of the step.
    pub action: Action,
    /// The resource that the step is about.
    #[serde(flatten)]
    pub address: AddressDocument,
    /// The outcome.
    pub outcome: OutcomeWord,
    /// The duration of a step that succeeded, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<u64>,
    /// The id of an equivalent role assignment that already existed and counts as this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub already_there: Option<String>,
    /// The number of the failed step that this one depends on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked_by: Option<usize>,
    /// Why the step failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorDocument>,
}

/// The outcome of a step, as one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OutcomeWord {
    /// The step succeeded.
    Done,
    /// Azure rejected the step, or could not be reached.
    Failed,
    /// A step that this one depends on failed.
    Blocked,
    /// The run was interrupted before the step started.
    NotStarted,
}

/// Why a step failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorDocument {
    /// Azure's code: `StorageAccountAlreadyTaken`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The error message, in Azure's words if Azure responded.
    pub message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The method and path of the request: `PUT /subscriptions/...`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// The HTTP status of the response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The correlation id, for Azure support.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// The location of the entry in the spec.
    pub place: PlaceDocument,
    /// The property that Azure's error refers to, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub property: Option<PropertyDocument>,
}

/// A property of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PropertyDocument {
    /// The path in the spec: `networkAcls.defaultAction`.
    pub path: BodyPath,
    /// The location of its value in the spec.
    pub place: PlaceDocument,
}

impl ReportDocument {
    /// The document of an execution.
    pub fn new(plan: &Plan, executed: PlanDocument, report: &Report, sources: &Sources) -> Self {
        let failed = report.failures().count();
        Self {
            format: ReportFormat::V1,
            lazuli: executed.lazuli.clone(),
            result: match (report.is_complete(), report.stopped) {
                (true, _) => ResultDocument::Complete,
                (false, true) => ResultDocument::Stopped,
                (false, false) => ResultDocument::Incomplete,
            },
            took_ms: millis(report.took),
            summary: OutcomesDocument {
                done: report.done(),
                failed,
                not_started: report.not_started().count(),
            },
            steps: plan
                .steps
                .iter()
                .zip(&report.outcomes)
                .map(|(step, outcome)| OutcomeDocument::new(step, outcome, sources))
                .collect(),
            server_overrides: Vec::new(),
            unrecorded_overrides: None,
            plan: executed,
        }
    }

    /// The JSON Schema of the document.
    pub fn schema() -> Json {
        schemars::schema_for!(Self).to_value()
    }
}

impl OutcomeDocument {
    fn new(step: &Step, outcome: &Outcome, sources: &Sources) -> Self {
        let not_started = Self {
            id: step.id.0,
            action: step.action,
            address: AddressDocument::new(&step.subject.key),
            outcome: OutcomeWord::NotStarted,
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
                ..not_started
            },
            Outcome::Failed(failure) => Self {
                outcome: OutcomeWord::Failed,
                error: Some(ErrorDocument::new(failure, step, sources)),
                ..not_started
            },
            Outcome::Blocked(by) => Self {
                outcome: OutcomeWord::Blocked,
                blocked_by: Some(by.0),
                ..not_started
            },
            Outcome::NotStarted => not_started,
        }
    }
}

impl ErrorDocument {
    fn new(failure: &Failure, step: &Step, sources: &Sources) -> Self {
        let response = match failure {
            Failure::Arm(error) => Some(error),
            Failure::MissingOutput(_)
            | Failure::NotOwned(_)
            | Failure::NotEmpty { .. }
            | Failure::Conflict(_)
            | Failure::Appeared(_) => None,
        };
        let fault = Fault::from_failure(failure, step, sources);
        Self {
            code: response.and_then(|error| error.code.clone()),
            message: response.map_or_else(|| failure.to_string(), |error| error.message.clone()),
            hint: failure.hint(),
            request: response.map(|error| format!("{} {}", error.method, error.path)),
            status: response.and_then(|error| error.status),
            correlation_id: response.and_then(|error| error.correlation_id.clone()),
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
