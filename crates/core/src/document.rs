//! A plan as a document for programs: `lazuli plan --output json`, and a part of saved plans. Its schema is a contract, see
//! docs/json.md: within a version members can be added, but not removed or changed in meaning.

mod findings;
mod locks;
mod orphans;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

pub use findings::{ActionDocument, ExpressionDocument, FindingDocument, FindingKind};
pub use locks::{LockDocument, LockOwnerDocument, UnreadLocksDocument};
pub use orphans::{MassDeletionDocument, OrphanDocument, PruneAction, UnreadableScopeDocument};

use crate::{
    body_path::BodyPath,
    diff::Change,
    graph::SelectionSummary,
    key::NodeKey,
    live::{Existence, UnreadLocks},
    plan::{
        Action, CallTarget, KeptResource, Plan, Remarks, ReportedGrant, ServerOverride, Step,
        UnverifiableSecret, locks::Obstacle,
    },
    secret::HIDDEN,
    source::{Sources, Span},
    subject::Subject,
};

/// A plan, without secrets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "A plan of lazuli")]
pub struct PlanDocument {
    /// The format of this document.
    pub format: PlanFormat,
    /// The version of lazuli that wrote it.
    pub lazuli: String,
    /// The selection that it is limited to (`--target`). Absent for a plan of everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selection: Option<SelectionDocument>,
    /// The number of steps by action, and of resources without a step.
    pub summary: SummaryDocument,
    /// The steps, each after the steps that it depends on.
    pub steps: Vec<StepDocument>,
    /// Resources that already match the spec.
    pub unchanged: Vec<AddressDocument>,
    /// Resources that stay although a step could be expected.
    pub kept: Vec<KeptDocument>,
    /// Known values that Azure keeps although the spec sets others.
    pub server_overrides: Vec<ServerOverrideDocument>,
    /// Resources with secrets that cannot be compared.
    pub unverifiable_secrets: Vec<UnverifiableSecretDocument>,
    /// Undeclared role assignments.
    pub undeclared: Vec<GrantDocument>,
    /// Declared role assignments of principals that no longer exist.
    pub orphaned: Vec<GrantDocument>,
    /// Resources that the stacks own and no entry declares, where they stay.
    pub orphans: Vec<OrphanDocument>,
    /// Stacks that lose most of their resources.
    pub mass_deletions: Vec<MassDeletionDocument>,
    /// Subscriptions in which owned resources could not be listed.
    pub unreadable: Vec<UnreadableScopeDocument>,
    /// Resources without an ownership marker that the marker of no other resource has room for: they are forgotten when their
    /// entries are removed.
    pub unrecorded: Vec<AddressDocument>,
    /// Why the subscriptions that the spec does not name could not be searched for owned resources.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unsearched: Option<String>,
    /// Why the directory could not be asked which principals exist.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unread_directory: Option<String>,
    /// Findings of preflight: what Azure is known to reject.
    pub findings: Vec<FindingDocument>,
    /// Management locks that block steps.
    pub locks: Vec<LockDocument>,
    /// Scopes whose locks could not be read.
    pub unread_locks: Vec<UnreadLocksDocument>,
}

/// The format of a [`PlanDocument`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PlanFormat {
    /// The first version.
    #[serde(rename = "lazuli/plan/v1")]
    V1,
}

/// A selection of the spec.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SelectionDocument {
    /// The names on the command line.
    pub targets: Vec<String>,
    /// The number of other selected resources: dependencies, or dependents for a deletion.
    pub others: usize,
    /// The number of resources that are not selected.
    pub left_out: usize,
}

/// The number of steps by action, and of resources without a step.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SummaryDocument {
    /// Resources to create.
    pub create: usize,
    /// Resources to adopt, and to change where they differ.
    pub adopt: usize,
    /// Resources to change in place.
    pub update: usize,
    /// Resources to delete and recreate.
    pub replace: usize,
    /// Resources to delete.
    pub delete: usize,
    /// Resources that lose their ownership marker.
    pub release: usize,
    /// Resources that match the spec.
    pub unchanged: usize,
    /// Resources that stay.
    pub kept: usize,
}

/// The address of a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AddressDocument {
    /// The stack.
    pub stack: String,
    /// The entry in the stack, and the part of it: `recordings`, `recordings[eu]/containers/video`.
    pub address: String,
}

/// One change to Azure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepDocument {
    /// Its number in this plan.
    pub id: usize,
    /// What happens.
    pub action: Action,
    /// What it happens to.
    #[serde(flatten)]
    pub address: AddressDocument,
    /// The kind of the entry.
    pub kind: String,
    /// The type of the Azure resource.
    #[serde(rename = "type")]
    pub arm_type: String,
    /// The api-version of the request.
    pub api_version: String,
    /// The Azure resource.
    pub target: TargetDocument,
    /// The name of the resource for people: a name, or role and scope.
    pub subject: String,
    /// Why, for a person.
    pub reason: String,
    /// The properties that change; for a creation all of them.
    pub changes: Vec<ChangeDocument>,
    /// The numbers of the steps that have to complete before.
    pub depends_on: Vec<usize>,
    /// The position of the entry in the spec.
    pub place: PlaceDocument,
}

/// An Azure resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum TargetDocument {
    /// Its id.
    Id(String),
    /// A role assignment to create.
    #[serde(rename_all = "camelCase")]
    Grant {
        /// Its scope.
        scope: String,
        /// The GUID of the role definition.
        role: String,
        /// The name of the role.
        role_name: String,
        /// The object id of the principal, or the reference that it is known from after apply.
        principal: Json,
    },
}

/// One property that changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangeDocument {
    /// The path in ARM's body: `properties.networkAcls.ipRules[203.0.113.0/24]`.
    pub path: BodyPath,
    /// The live value. Absent if it is not set, or if Azure does not return it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Json>,
    /// The wanted value. Absent if the property is removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Json>,
    /// Whether `after` contains references that are known after apply, such as `${analyzer.principalId}`.
    pub unknown: bool,
    /// Whether the values contain secrets, as `(secret)`.
    pub secret: bool,
    /// Whether the property is fixed at creation.
    pub immutable: bool,
}

/// A position in the spec.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlaceDocument {
    /// The file, as named on the command line.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
}

/// A resource that stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeptDocument {
    /// The resource.
    #[serde(flatten)]
    pub address: AddressDocument,
    /// Why, for a person.
    pub reason: String,
}

/// A resource of which Azure keeps other values than those of the spec.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServerOverrideDocument {
    /// The resource.
    #[serde(flatten)]
    pub address: AddressDocument,
    /// The live values (`before`) and those of the spec (`after`).
    pub changes: Vec<ChangeDocument>,
}

/// A resource with secrets that cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnverifiableSecretDocument {
    /// The resource.
    #[serde(flatten)]
    pub address: AddressDocument,
    /// The paths of the secrets in ARM's body.
    pub paths: Vec<BodyPath>,
}

/// A live role assignment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GrantDocument {
    /// The resource of the spec that it is on, or the entry that declares it.
    #[serde(flatten)]
    pub address: AddressDocument,
    /// Its id.
    pub id: String,
    /// Its scope.
    pub scope: String,
    /// The name of the role, or its GUID if the name is unknown.
    pub role: String,
    /// The object id of the principal.
    pub principal: String,
    /// The type of the principal: `User`, `Group`, `ServicePrincipal`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal_type: Option<String>,
    /// Whether the principal exists. Absent if unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal_exists: Option<bool>,
    /// When it was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_on: Option<String>,
}

impl PlanDocument {
    /// The document of a plan, with the locks that block it and the scopes whose locks could not be read.
    pub fn new(
        plan: &Plan,
        obstacles: &[Obstacle],
        unread: &[UnreadLocks],
        sources: &Sources,
    ) -> Self {
        // Destructured, so that a new member cannot be forgotten.
        let Plan { steps, remarks } = plan;
        let Remarks {
            unchanged,
            kept,
            server_overrides,
            unverifiable_secrets,
            undeclared,
            orphaned,
            orphans,
            mass_deletions,
            unreadable,
            unrecorded,
            unsearched,
            unread_directory,
            selection,
        } = remarks;
        Self {
            format: PlanFormat::V1,
            lazuli: env!("CARGO_PKG_VERSION").to_owned(),
            selection: selection.as_ref().map(SelectionDocument::new),
            summary: SummaryDocument::new(plan),
            steps: steps
                .iter()
                .map(|step| StepDocument::new(step, sources))
                .collect(),
            unchanged: unchanged.iter().map(AddressDocument::new).collect(),
            kept: kept.iter().map(KeptDocument::new).collect(),
            server_overrides: server_overrides
                .iter()
                .map(ServerOverrideDocument::new)
                .collect(),
            unverifiable_secrets: unverifiable_secrets
                .iter()
                .map(UnverifiableSecretDocument::new)
                .collect(),
            undeclared: undeclared.iter().map(GrantDocument::new).collect(),
            orphaned: orphaned.iter().map(GrantDocument::new).collect(),
            orphans: orphans.iter().map(OrphanDocument::new).collect(),
            mass_deletions: mass_deletions
                .iter()
                .map(MassDeletionDocument::new)
                .collect(),
            unreadable: unreadable
                .iter()
                .map(UnreadableScopeDocument::new)
                .collect(),
            unrecorded: unrecorded.iter().map(AddressDocument::new).collect(),
            unsearched: unsearched.clone(),
            unread_directory: unread_directory.clone(),
            findings: Vec::new(),
            locks: obstacles.iter().map(LockDocument::new).collect(),
            unread_locks: unread.iter().map(UnreadLocksDocument::new).collect(),
        }
    }

    /// The JSON Schema of such documents.
    pub fn schema() -> Json {
        schemars::schema_for!(Self).to_value()
    }
}

impl SelectionDocument {
    fn new(summary: &SelectionSummary) -> Self {
        let SelectionSummary {
            targets,
            // It follows from the command.
            closure: _,
            others,
            left_out,
        } = summary;
        Self {
            targets: targets.clone(),
            others: *others,
            left_out: *left_out,
        }
    }
}

impl SummaryDocument {
    fn new(plan: &Plan) -> Self {
        let mut summary = Self {
            unchanged: plan.remarks.unchanged.len(),
            kept: plan.remarks.kept.len(),
            ..Self::default()
        };
        for step in &plan.steps {
            let count = match step.action {
                Action::Create => &mut summary.create,
                Action::Adopt => &mut summary.adopt,
                Action::Update => &mut summary.update,
                Action::Replace => &mut summary.replace,
                Action::Delete => &mut summary.delete,
                Action::Release => &mut summary.release,
            };
            *count += 1;
        }
        summary
    }
}

impl AddressDocument {
    /// The address of a node.
    pub fn new(key: &NodeKey) -> Self {
        Self {
            stack: key.stack.clone(),
            address: key.to_string(),
        }
    }
}

impl StepDocument {
    fn new(step: &Step, sources: &Sources) -> Self {
        let Step {
            id,
            subject,
            action,
            reason,
            changes,
            call,
            // These guide the execution of the step.
            outputs: _,
            after,
            retry_causes: _,
        } = step;
        let Subject {
            key,
            kind,
            arm_type,
            title,
            span,
            places: _,
        } = subject;
        Self {
            id: id.0,
            action: *action,
            address: AddressDocument::new(key),
            kind: (*kind).to_owned(),
            arm_type: arm_type.name.to_string(),
            api_version: call.api_version.clone(),
            target: TargetDocument::new(&call.target),
            subject: title.clone(),
            reason: reason.clone(),
            changes: changes.iter().map(ChangeDocument::new).collect(),
            depends_on: after.iter().map(|step| step.0).collect(),
            place: PlaceDocument::new(*span, sources),
        }
    }
}

impl TargetDocument {
    fn new(target: &CallTarget) -> Self {
        match target {
            CallTarget::Id(id) => Self::Id(id.to_string()),
            CallTarget::Grant(grant) => Self::Grant {
                scope: grant.scope.to_string(),
                role: grant.role.clone(),
                role_name: grant.role_name.clone(),
                principal: grant.principal.to_value().to_display_json(),
            },
        }
    }
}

impl ChangeDocument {
    fn new(change: &Change) -> Self {
        let Change {
            path,
            before,
            after,
            immutable,
        } = change;
        let is_hidden = |before: &Json| before.to_string().contains(HIDDEN);
        let wanted = after.as_ref();
        Self {
            path: path.clone(),
            before: before.clone(),
            after: wanted.map(|after| after.to_display_json()),
            unknown: wanted.is_some_and(|after| !after.outputs().is_empty()),
            secret: wanted.is_some_and(|after| after.has_secrets())
                || before.as_ref().is_some_and(is_hidden),
            immutable: *immutable,
        }
    }
}

impl PlaceDocument {
    /// The position where a span begins.
    pub fn new(span: Span, sources: &Sources) -> Self {
        let source = sources.get(span.source);
        Self {
            file: source.map(|source| source.name.clone()).unwrap_or_default(),
            line: sources.position(span).line,
        }
    }
}

impl KeptDocument {
    fn new(kept: &KeptResource) -> Self {
        let KeptResource { key, why } = kept;
        Self {
            address: AddressDocument::new(key),
            reason: why.clone(),
        }
    }
}

impl ServerOverrideDocument {
    /// The document of the server overrides of one resource.
    pub fn new(found: &ServerOverride) -> Self {
        let ServerOverride { key, changes } = found;
        Self {
            address: AddressDocument::new(key),
            changes: changes.iter().map(ChangeDocument::new).collect(),
        }
    }
}

impl UnverifiableSecretDocument {
    fn new(withheld: &UnverifiableSecret) -> Self {
        let UnverifiableSecret { key, paths } = withheld;
        Self {
            address: AddressDocument::new(key),
            paths: paths.clone(),
        }
    }
}

impl GrantDocument {
    fn new(found: &ReportedGrant) -> Self {
        let ReportedGrant {
            key,
            grant,
            principal,
        } = found;
        let property = |name| grant.property(name).map(str::to_owned);
        Self {
            address: AddressDocument::new(key),
            id: grant.id.to_string(),
            scope: grant.scope.to_string(),
            role: grant.role_label().to_owned(),
            principal: grant.principal.clone(),
            principal_type: property("principalType"),
            principal_exists: match principal {
                Existence::Exists => Some(true),
                Existence::Deleted => Some(false),
                Existence::Unknown => None,
            },
            created_on: property("createdOn"),
        }
    }
}
