//! The permissions that the steps of a plan need, and whether the caller has them.

use std::{collections::HashSet, iter};

use super::{Answers, Question, find_created_id, target};
use crate::{
    arm::ArmId,
    arm::types::{RESOURCE_GROUP_IN_ACTIONS, ROLE_ASSIGNMENT, TAGS},
    kind::Registry,
    permissions::allows,
    plan::{Action, CallTarget, Method, Plan, Step, StepId},
    value::Value,
};

const ASSIGN_IDENTITY: &str = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action";

/// A permission that a step needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RequiredPermission {
    pub(super) step: StepId,
    /// `Microsoft.Storage/storageAccounts/write`
    pub(super) action: String,
    /// The innermost scope that exists: the resource, or its nearest existing ancestor.
    pub(super) at: ArmId,
    /// The resource group of that scope, or its root: the source of most permissions.
    pub(super) from: ArmId,
}

/// Whether the caller has a permission, according to the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PermissionState {
    Held,
    Missing,
    /// Not at the resource group; the resource itself has not been checked.
    NotAbove,
    Unknown,
}

impl RequiredPermission {
    pub(super) fn state(&self, answers: &Answers) -> PermissionState {
        let broad = Question::Permissions(self.from.clone());
        let above = answers.0.get(&broad).map(|_| answers.response(&broad));
        if let Some(Some(permissions)) = above
            && allows(permissions, &self.action)
        {
            return PermissionState::Held;
        }
        let narrow = Question::Permissions(self.at.clone());
        match (above, answers.0.get(&narrow)) {
            (None, _) => PermissionState::Unknown,
            (Some(_), None) => PermissionState::NotAbove,
            (Some(_), Some(_)) => match answers.response(&narrow) {
                Some(permissions) if allows(permissions, &self.action) => PermissionState::Held,
                Some(_) => PermissionState::Missing,
                None => PermissionState::Unknown,
            },
        }
    }
}

/// The permissions that a whole plan needs.
pub(super) struct RequiredPermissions(Vec<RequiredPermission>);

impl RequiredPermissions {
    pub(super) fn iter(&self) -> std::slice::Iter<'_, RequiredPermission> {
        self.0.iter()
    }

    pub(super) fn new(plan: &Plan, registry: Registry) -> Self {
        let made: HashSet<&ArmId> = plan.steps.iter().filter_map(find_created_id).collect();
        let mut needs = Vec::new();
        for step in &plan.steps {
            for (action, on) in actions(step, registry) {
                let above = iter::successors(Some(on.clone()), ArmId::parent);
                let outermost = above.filter(|id| made.contains(id)).last();
                let Some(at) = outermost.map_or(Some(on), |made| made.parent()) else {
                    continue;
                };
                let from = at
                    .group()
                    .or_else(|| at.root())
                    .unwrap_or_else(|| at.clone());
                needs.push(RequiredPermission {
                    step: step.id,
                    action,
                    at,
                    from,
                });
            }
        }
        Self(needs)
    }
}

/// The actions of a step, each with its scope.
fn actions(step: &Step, registry: Registry) -> Vec<(String, ArmId)> {
    let verb = match (&step.call.method, &step.call.target) {
        (Method::Update(update), CallTarget::Id(id)) if update.is_tags_only() => {
            return vec![(format!("{}/write", TAGS.name), id.clone())];
        }
        (Method::Create(_) | Method::Update(_), _) => "write",
        (Method::Replace(_) | Method::Delete(_), _) => "delete",
    };
    let id = match &step.call.target {
        CallTarget::Grant(grant) => {
            let action = format!("{}/{verb}", ROLE_ASSIGNMENT.name);
            return vec![(action, grant.scope.clone())];
        }
        CallTarget::Id(id) => id,
    };
    let arm_type = match id.group() {
        Some(group) if group == *id => RESOURCE_GROUP_IN_ACTIONS,
        _ => step.subject.arm_type.name.as_ref(),
    };
    // Permissions for role assignments, roles and locks apply at their scope.
    let is_authorization = arm_type.starts_with("Microsoft.Authorization/");
    let on = id.parent().filter(|_| is_authorization);
    let mut actions = vec![(
        format!("{arm_type}/{verb}"),
        on.unwrap_or_else(|| id.clone()),
    )];
    if matches!(step.call.method, Method::Replace(_)) {
        actions.push((format!("{arm_type}/write"), id.clone()));
    }
    if !matches!(step.call.method, Method::Delete(_)) {
        actions.extend(linked(step, registry));
    }
    actions
}

/// The actions that Azure requires on other resources that the body names.
fn linked(step: &Step, registry: Registry) -> Vec<(String, ArmId)> {
    let is_set = |what: &str| {
        step.action == Action::Create
            || step
                .changes
                .iter()
                .any(|it| it.path.names().any(|name| name == what))
    };
    let body = &step.call.body;
    let mut linked = Vec::new();
    if is_set("userAssignedIdentities")
        && let Some(Value::Object(identities)) = body
            .get("identity")
            .and_then(|identity| identity.get("userAssignedIdentities"))
    {
        let ids = identities.keys().filter_map(|id| ArmId::parse(id));
        linked.extend(ids.map(|id| (ASSIGN_IDENTITY.to_owned(), id)));
    }
    if target(step).is_none() {
        return linked;
    }
    for needed in registry.linked_actions(&step.subject.arm_type.name) {
        let list = needed
            .list
            .iter()
            .try_fold(body, |value, member| value.get(member));
        if let Some(Value::Array(items)) = list
            && needed.list.last().is_some_and(|name| is_set(name))
        {
            let ids = items
                .iter()
                .filter_map(|item| item.get(needed.id)?.as_str());
            let ids = ids.filter_map(ArmId::parse);
            linked.extend(ids.map(|id| (needed.action.to_owned(), id)));
        }
    }
    linked
}
