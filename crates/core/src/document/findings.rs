//! What Azure is known to refuse of a plan, for programs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    facts::CreationObstacle,
    plan::StepId,
    preflight::{Denial, Expression, Finding},
};

/// Something that will, or may, keep a plan from being done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FindingDocument {
    /// Whether Azure is certain to refuse steps. `apply` then begins nothing.
    pub certain: bool,
    /// What was found.
    #[serde(flatten)]
    pub what: FindingKind,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(
    tag = "finding",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum FindingKind {
    /// The name of a new resource is not available.
    NameRefused {
        /// The number of the step that creates it.
        step: usize,
        /// The name.
        name: String,
        /// The id of the resource of the same subscription that has the name.
        #[serde(skip_serializing_if = "Option::is_none")]
        held_by: Option<String>,
        /// Azure's explanation.
        message: String,
    },
    /// A soft-deleted resource holds the name of a new one.
    SoftDeleted {
        /// The number of the step that creates the new one.
        step: usize,
        /// The name.
        name: String,
        /// When Azure purges the soft-deleted one, where the answer contains it.
        #[serde(skip_serializing_if = "Option::is_none")]
        until: Option<String>,
        /// Whether it can be purged earlier.
        can_purge: bool,
    },
    /// A subscription cannot have resources of a provider yet.
    NotRegistered {
        /// The id of the subscription.
        subscription: String,
        /// The provider: `Microsoft.Storage`.
        namespace: String,
        /// `NotRegistered`, `Registering`. Left out where Azure knows no such provider.
        #[serde(skip_serializing_if = "Option::is_none")]
        state: Option<String>,
        /// The numbers of the steps that make such resources.
        steps: Vec<usize>,
    },
    /// The caller may not do what steps do.
    MissingPermissions {
        /// Where.
        scope: String,
        /// The object id of the caller, where it is known.
        #[serde(skip_serializing_if = "Option::is_none")]
        caller: Option<String>,
        /// The actions that it may not do.
        actions: Vec<ActionDocument>,
    },
    /// The caller has a right, but in a way that may not do.
    Restricted {
        /// Where.
        scope: String,
        /// The object id of the caller, where it is known.
        #[serde(skip_serializing_if = "Option::is_none")]
        caller: Option<String>,
        /// The action.
        action: String,
        /// The numbers of the steps that need it.
        steps: Vec<usize>,
    },
    /// A policy denies what steps write.
    Disallowed {
        /// The id of the policy assignment.
        assignment: String,
        /// The name that the assignment is shown under.
        assigned_as: String,
        /// The id of the policy definition.
        definition: String,
        /// The name that the definition is shown under, where it could be read.
        #[serde(skip_serializing_if = "Option::is_none")]
        defined_as: Option<String>,
        /// The message that the author of the assignment wrote for denied callers.
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<String>,
        /// The conditions of the policy that hold, as far as Azure reports them.
        because: Vec<ExpressionDocument>,
        /// The numbers of the steps.
        steps: Vec<usize>,
    },
    /// It was not asked whether policies deny what steps write.
    PolicyUnasked {
        /// The numbers of the steps.
        steps: Vec<usize>,
    },
    /// Something could not be found out.
    Unknown {
        /// Why.
        reason: String,
    },
}

/// An action of Azure, such as `Microsoft.Storage/storageAccounts/write`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActionDocument {
    /// The action.
    pub action: String,
    /// The numbers of the steps that need it.
    pub steps: Vec<usize>,
}

/// A condition of a policy that holds for a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExpressionDocument {
    /// The path of a property, or another part of the request.
    pub path: String,
    /// The value in the request.
    pub value: serde_json::Value,
    /// `notIn`, `exists`, and the like.
    pub operator: String,
    /// What it is compared with.
    pub target: serde_json::Value,
}

impl FindingDocument {
    /// The document of a finding. Its causes and remedies are only in output for people.
    pub fn new(finding: &Finding) -> Self {
        let numbers = |steps: &[StepId]| steps.iter().map(|step| step.0).collect();
        let what = match finding {
            Finding::Creation { step, name, found } => match &found.obstacle {
                CreationObstacle::NameUnavailable { held_by, message } => {
                    FindingKind::NameRefused {
                        step: step.0,
                        name: name.clone(),
                        held_by: held_by.as_ref().map(ToString::to_string),
                        message: message.clone(),
                    }
                }
                CreationObstacle::SoftDeleted { until, can_purge } => FindingKind::SoftDeleted {
                    step: step.0,
                    name: name.clone(),
                    until: until.clone(),
                    can_purge: *can_purge,
                },
            },
            Finding::NotRegistered {
                subscription,
                namespace,
                state,
                steps,
            } => FindingKind::NotRegistered {
                subscription: subscription.to_string(),
                namespace: namespace.clone(),
                state: state.clone(),
                steps: numbers(steps),
            },
            Finding::MissingPermissions {
                scope,
                caller,
                actions,
                may_come: _,
                causes: _,
            } => FindingKind::MissingPermissions {
                scope: scope.to_string(),
                caller: caller.clone(),
                actions: actions
                    .iter()
                    .map(|(action, steps)| ActionDocument {
                        action: action.clone(),
                        steps: numbers(steps),
                    })
                    .collect(),
            },
            Finding::Restricted {
                scope,
                caller,
                action,
                steps,
                causes: _,
            } => FindingKind::Restricted {
                scope: scope.to_string(),
                caller: caller.clone(),
                action: action.clone(),
                steps: numbers(steps),
            },
            Finding::Disallowed { denial, steps } => disallowed(denial, numbers(steps)),
            Finding::PolicyUnasked { steps } => FindingKind::PolicyUnasked {
                steps: numbers(steps),
            },
            Finding::Unknown { question: _, why } => FindingKind::Unknown {
                reason: why.clone(),
            },
        };
        Self {
            certain: finding.is_certain(),
            what,
        }
    }
}

/// The reasons for uncertainty are only in output for people; programs have `certain`.
fn disallowed(denial: &Denial, steps: Vec<usize>) -> FindingKind {
    let Denial {
        assignment,
        assigned_as,
        definition,
        defined_as,
        message,
        because,
        uncertainty: _,
    } = denial.clone();
    let because = because.into_iter().map(
        |Expression {
             path,
             value,
             operator,
             target,
         }| ExpressionDocument {
            path,
            value,
            operator,
            target,
        },
    );
    FindingKind::Disallowed {
        assignment,
        assigned_as,
        definition,
        defined_as,
        message,
        because: because.collect(),
        steps,
    }
}
