//! The plan: finished ARM calls in an order, each with its reason. Nothing is left to decide when it is executed.

mod converge;
pub mod document;
mod grants;
pub mod locks;
mod marks;
pub mod orphans;
mod overruled;
pub mod preflight;
#[cfg(test)]
mod properties;
mod replace;
pub mod saved;
mod secrets;
mod teardown;

use std::{collections::HashMap, fmt, ops::Index, sync::Arc};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use uuid::Uuid;

pub use converge::{Consent, converge, converge_part, converge_with};
pub use grants::{GrantOf, principals_in_question};
pub use orphans::{Orphan, Razed};
pub use overruled::{Overruled, Reminder, overruled, reminders};
pub use replace::needed_to_replace;
pub use teardown::{inseparable, teardown, teardown_part};

pub use crate::graph::Names;

use crate::{
    arm::{ArmId, ArmType},
    diff::Change,
    graph::{Grant, NodeKey, Told},
    live::UnseenOwned,
    source::Span,
    value::{Output, Value},
};

/// The steps that make Azure as the spec wants it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// The steps, each after those it waits for.
    pub steps: Vec<Step>,
    /// What is as wanted already.
    pub unchanged: Vec<NodeKey>,
    /// What is left alone although it could be thought to change, and why.
    pub kept: Vec<Kept>,
    /// What Azure is known to keep although the spec wants another value.
    pub overruled: Vec<Overruled>,
    /// Resources with secrets that nobody can compare.
    pub withheld: Vec<Withheld>,
    /// Role assignments on what the stacks own that no entry of the spec names, each with the resource that it is on.
    pub undeclared: Vec<GrantOf>,
    /// Role assignments that the spec names, by its entries, and whose principal is known to be gone.
    pub orphaned: Vec<GrantOf>,
    /// What the stacks own and no entry of the spec names, where it is left alone.
    pub orphans: Vec<Orphan>,
    /// The stacks of which more than half goes because no entry of the spec names it, or that the spec has no entries of.
    pub razed: Vec<Razed>,
    /// Where it is unknown what the stacks own.
    pub unseen: Vec<UnseenOwned>,
    /// Why it is unknown which principals of grants exist, where the directory was asked and did not say.
    pub unread_directory: Option<String>,
    /// The part of the spec that it is about, where it is not about all.
    pub part: Option<Told>,
}

impl Plan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// How many steps do this.
    pub fn count(&self, action: Action) -> usize {
        self.steps
            .iter()
            .filter(|step| step.action == action)
            .count()
    }
}

impl Index<StepId> for Plan {
    type Output = Step;

    fn index(&self, id: StepId) -> &Step {
        &self.steps[id.0]
    }
}

/// The position of a step in its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StepId(pub usize);

/// One change to Azure.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its position.
    pub id: StepId,
    /// The node.
    pub key: NodeKey,
    /// The node's kind.
    pub kind: &'static str,
    /// The type of the Azure resource.
    pub arm_type: ArmType,
    /// What happens.
    pub action: Action,
    /// Why.
    pub reason: String,
    /// What the step acts on, for a person: a name, or role, principal and scope.
    pub subject: String,
    /// The properties that change; for a creation all of them.
    pub changes: Vec<Change>,
    /// The request.
    pub call: Call,
    /// What Azure fills in and other steps need.
    pub outputs: Vec<Output>,
    /// The steps that must be done before.
    pub after: Vec<StepId>,
    /// Refusals that pass by themselves.
    pub patience: Vec<Patience>,
    /// Where the resource stands in the spec.
    pub span: Span,
    /// Where its properties stand in the spec.
    pub places: Arc<HashMap<String, Span>>,
}

/// What happens to a resource.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// It does not exist and is made.
    Create,
    /// It exists, no stack owns it, and it is marked as this one's; what differs is changed in place.
    Adopt,
    /// It exists and is changed in place.
    Update,
    /// It exists and cannot be changed as it is wanted: it is deleted and made anew.
    Replace,
    /// It exists and is deleted.
    Delete,
    /// It exists, and the mark of the stack is taken off it.
    Release,
}

impl Action {
    /// Every action, in the order in which plans count them.
    pub const ALL: [Self; 6] = [
        Self::Create,
        Self::Adopt,
        Self::Update,
        Self::Replace,
        Self::Delete,
        Self::Release,
    ];

    /// What has become of the resource once it is done: `created`.
    pub fn done(self) -> &'static str {
        match self {
            Self::Create => "created",
            Self::Adopt => "adopted",
            Self::Update => "updated",
            Self::Replace => "replaced",
            Self::Delete => "deleted",
            Self::Release => "released",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "create",
            Self::Adopt => "adopt",
            Self::Update => "update",
            Self::Replace => "replace",
            Self::Delete => "delete",
            Self::Release => "release",
        })
    }
}

/// A resource that is left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The node.
    pub key: NodeKey,
    /// Why, continuing "kept: ".
    pub why: String,
}

/// A resource whose secrets Azure does not answer, and that takes no tag that could remember them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withheld {
    /// The node.
    pub key: NodeKey,
    /// Where the secrets are in ARM's body.
    pub paths: Vec<String>,
}

/// The method of a call. ARM's PUT makes or replaces, and is idempotent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Make or replace.
    Put,
    /// Take away, then make.
    Replace,
    /// Change parts.
    Patch,
    /// Take away.
    Delete,
}

/// One request to ARM, finished but for holes.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The method.
    pub method: Method,
    /// The resource.
    pub target: CallTarget,
    /// The api-version.
    pub api_version: String,
    /// The body of a PUT.
    pub body: Value,
}

/// What a call is made on.
#[derive(Debug, Clone, PartialEq)]
pub enum CallTarget {
    /// A resource whose id is known.
    Id(ArmId),
    /// A grant yet to be made: its name follows from its identity.
    Grant(Grant),
}

impl CallTarget {
    /// The id, once what is missing is known.
    ///
    /// # Errors
    /// The output that is still missing.
    pub fn resolve(&self, find: &dyn Fn(&Output) -> Option<Json>) -> Result<ArmId, Box<Output>> {
        match self {
            Self::Id(id) => Ok(id.clone()),
            Self::Grant(grant) => match grant.principal.fill(find).to_json() {
                Ok(principal) => Ok(grant_id(grant, principal.as_str().unwrap_or_default())),
                Err(missing) => Err(Box::new(missing.clone())),
            },
        }
    }
}

/// The name space of the GUIDs of grants; made once at random, never to change.
const GRANT_NAMES: Uuid = Uuid::from_u128(0x6c61_7a75_6c69_4e0d_9c3e_51d7_b8f2_0a46);

/// The id of a grant that is to be made. Its name follows from scope, role and principal, so that two runs at once
/// choose the same, and a recreated identity another.
pub fn grant_id(grant: &Grant, principal: &str) -> ArmId {
    let identity = format!("{}|{}|{principal}", grant.scope, grant.role).to_lowercase();
    let name = Uuid::new_v5(&GRANT_NAMES, identity.as_bytes());
    grant
        .scope
        .provider_child("Microsoft.Authorization/roleAssignments", &name.to_string())
}

/// A refusal that passes by itself, and what makes it pass.
#[derive(Debug, Clone, PartialEq)]
pub enum Patience {
    /// The directory does not yet know the identity that this step made.
    Principal(StepId),
    /// Azure does not yet know everywhere the custom role that this step made.
    Role(StepId),
    /// Azure does not yet act on a grant of this principal.
    Grant {
        /// Its object id, or the hole where it will be.
        principal: Value,
        /// When the grant was made.
        made: Made,
    },
}

/// When a grant was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Made {
    /// By a step of this plan.
    Step(StepId),
    /// At this time (ISO 8601), before the plan.
    At(String),
}
