//! Writes a spec of what is live in resource groups.

use lazuli_arm::{ArmError, ErrorKind, ignore_waits};
use lazuli_core::{
    arm::ArmId,
    arm::types::RESOURCE_GROUP,
    export::{self, Export, Scene, reads},
    graph::StackScope,
    live::Live,
    reads::Read,
    source::{Sources, Span},
    stack::StackIdentity,
};
use lazuli_engine::{
    Concern, FailedRead, ObserveError, find_versions, observe_each, observe_owned,
};
use serde_json::Value as Json;

use crate::reconciler::Reconciler;

/// What to export.
#[derive(Debug, Clone)]
pub struct ExportScope {
    /// The resource groups, each once and all in one subscription.
    pub groups: Vec<ArmId>,
    /// The name of the stack. By default, it is the stack that owns most of the resources, or one named after the first
    /// group.
    pub stack: Option<String>,
}

/// A spec of live resources.
#[derive(Debug, Clone)]
pub struct LiveExport {
    /// The spec.
    pub export: Export,
    /// Why some properties or resources are left out: reads that Azure rejected.
    pub unreadable: Vec<ArmError>,
}

/// Why there is nothing to export.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The scope names no resource group.
    #[error("no resource group is named")]
    NoGroups,
    /// A resource group does not exist.
    #[error("resource group `{}` does not exist", group.name())]
    GroupNotFound {
        /// The resource group.
        group: ArmId,
        /// The names of the resource groups in its subscription.
        others: Vec<String>,
    },
    /// Live state cannot be read.
    #[error("live state cannot be read: {} of the reads failed", .0.len())]
    Unreadable(Vec<ArmError>),
}

impl Reconciler<'_> {
    /// Exports what is live in resource groups.
    ///
    /// # Errors
    /// A resource group that does not exist, or failed reads.
    pub async fn export(&self, scope: &ExportScope) -> Result<LiveExport, ExportError> {
        let Some(first) = scope.groups.first() else {
            return Err(ExportError::NoGroups);
        };
        let groups = &scope.groups;
        let (live, unreadable) = self.survey(groups, scope.stack.as_deref()).await?;
        let scene = self.scene(groups, &live);
        let stack = scope.stack.clone().or_else(|| export::owner(&scene));
        let stack = stack.unwrap_or_else(|| export::stack_from_group(first));
        let export = export::export(&scene, &stack);
        Ok(LiveExport { export, unreadable })
    }

    /// Reads the resources of the groups, what belongs to them, and what else their stack owns.
    async fn survey(
        &self,
        groups: &[ArmId],
        stack: Option<&str>,
    ) -> Result<(Live, Vec<ArmError>), ExportError> {
        let concern = || Concern::within(groups);
        let first = reads::list_first_reads(groups, self.catalog.registry);
        let (live, failures) = observe_each(self.client, concern(), &first).await;
        fail_on_any(failures)?;
        let mut live = self.catalog.complete(live);
        if let Some(group) = groups.iter().find(|group| live.resource(group).is_none()) {
            return Err(self.group_not_found(group).await);
        }
        let mut unreadable = self.versions(groups, &mut live).await?;
        let second = reads::list_second_reads(&self.scene(groups, &live));
        let (more, failures) = observe_each(self.client, concern(), &second).await;
        unreadable.extend(tolerate_rejected(failures, &live, groups)?);
        live.merge(more);
        let is_built_in = |guid: &str| (self.catalog.role_name)(guid).is_some();
        let third = reads::list_third_reads(&self.scene(groups, &live), &is_built_in);
        let (more, failures) = observe_each(self.client, concern(), &third).await;
        fail_on_any(failures)?;
        live.merge(more);
        let owner = stack
            .map(str::to_owned)
            .or_else(|| export::owner(&self.scene(groups, &live)));
        if let Some(owner) = owner {
            let stacks = [stack_scope(&owner, groups)];
            let owned = observe_owned(self.client, &stacks, &|_| true).await;
            live.merge(owned.map_err(unreadable_state)?);
        }
        Ok((live, unreadable))
    }

    /// Asks for the api-versions of types that no kind knows. Without permission in the subscription they stay unknown,
    /// which is reported for each resource that it affects.
    async fn versions(
        &self,
        groups: &[ArmId],
        live: &mut Live,
    ) -> Result<Vec<ArmError>, ExportError> {
        let unknown = reads::unknown_types(groups, live);
        let Err(failures) = find_versions(self.client, &unknown, live).await else {
            return Ok(Vec::new());
        };
        let is_denied = |error: &ArmError| matches!(error.kind, ErrorKind::Forbidden { .. });
        match failures.iter().all(|one| is_denied(&one.error)) {
            true => Ok(failures.into_iter().map(|one| one.error).collect()),
            false => Err(unreadable_state(failures)),
        }
    }

    fn scene<'s>(&self, groups: &'s [ArmId], live: &'s Live) -> Scene<'s> {
        Scene {
            groups,
            live,
            registry: self.catalog.registry,
        }
    }

    async fn group_not_found(&self, group: &ArmId) -> ExportError {
        let others = match group.subscription_id() {
            Some(subscription) => {
                let path = format!("/subscriptions/{subscription}/resourcegroups");
                self.client
                    .list_all(&path, &RESOURCE_GROUP.api_version, &[], &ignore_waits)
                    .await
            }
            None => Ok(Vec::new()),
        };
        let name = |group: &Json| Some(group.get("name")?.as_str()?.to_owned());
        ExportError::GroupNotFound {
            group: group.clone(),
            others: others.iter().flatten().filter_map(name).collect(),
        }
    }
}

fn unreadable_state(failures: Vec<ObserveError>) -> ExportError {
    ExportError::Unreadable(failures.into_iter().map(|one| one.error).collect())
}

fn fail_on_any(failures: Vec<FailedRead>) -> Result<(), ExportError> {
    match failures.is_empty() {
        true => Ok(()),
        false => Err(ExportError::Unreadable(
            failures.into_iter().map(|one| one.error).collect(),
        )),
    }
}

/// Separates tolerated failures from those that end the export: a resource that is invisible for a moment would be missing
/// in the spec.
fn tolerate_rejected(
    failures: Vec<FailedRead>,
    live: &Live,
    groups: &[ArmId],
) -> Result<Vec<ArmError>, ExportError> {
    let is_tolerated = |one: &FailedRead| is_tolerated(&one.read, &one.error.kind, live, groups);
    let (tolerated, others): (Vec<_>, Vec<_>) = failures.into_iter().partition(is_tolerated);
    fail_on_any(others)?;
    Ok(tolerated.into_iter().map(|one| one.error).collect())
}

/// Whether an export goes on without a read: one of a resource in the groups that Azure rejects as a request, such as an
/// api-version that a type does not support, or the blob service of a file storage account.
fn is_tolerated(read: &Read, kind: &ErrorKind, live: &Live, groups: &[ArmId]) -> bool {
    let is_inside = |id: &ArmId| {
        let mut contents = groups.iter().filter_map(|group| live.contents(group));
        contents.any(|ids| ids.iter().any(|resource| resource.covers(id)))
    };
    let place = match read {
        Read::Resource { id, .. } => Some(id.clone()),
        Read::Collection { path, .. } => ArmId::parse(path),
        _ => None,
    };
    matches!(kind, ErrorKind::InvalidRequest | ErrorKind::Conflict)
        && place.is_some_and(|place| is_inside(&place))
}

fn stack_scope(stack: &str, groups: &[ArmId]) -> StackScope {
    let mut sources = Sources::default();
    let subscriptions = groups.iter().filter_map(ArmId::subscription_id);
    StackScope {
        stack: StackIdentity::from_name(stack),
        span: Span::new(sources.add("--stack", stack), 0..stack.len()),
        subscriptions: subscriptions.map(ArmId::subscription).collect(),
        groups: groups.iter().cloned().collect(),
    }
}

#[cfg(test)]
mod tests;
