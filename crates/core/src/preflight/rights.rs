//! The rights that the steps of a plan need, and whether the caller's roles have them.

use std::{collections::HashSet, iter};

use super::{Answers, Question, made, target};
use crate::{
    arm::ArmId,
    kind::Registry,
    permissions::allows,
    plan::{Action, CallTarget, Method, Plan, Step, StepId},
    value::Value,
};

const ASSIGN_IDENTITY: &str = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action";

/// A right that a step needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Need {
    pub(super) step: StepId,
    /// `Microsoft.Storage/storageAccounts/write`
    pub(super) action: String,
    /// The innermost scope that is there already: the resource, or where it will be made.
    pub(super) at: ArmId,
    /// The resource group of that, or what is above all groups: where most rights come from.
    pub(super) from: ArmId,
}

/// Whether a right is there, as far as the answers tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PermissionState {
    Held,
    Missing,
    /// Not at the resource group; the resource itself was not asked.
    NotAbove,
    Unknown,
}

impl Need {
    pub(super) fn right(&self, answers: &Answers) -> PermissionState {
        let broad = Question::Rights(self.from.clone());
        let above = answers.0.get(&broad).map(|_| answers.said(&broad));
        if let Some(Some(permissions)) = above
            && allows(permissions, &self.action)
        {
            return PermissionState::Held;
        }
        let narrow = Question::Rights(self.at.clone());
        match (above, answers.0.get(&narrow)) {
            (None, _) => PermissionState::Unknown,
            (Some(_), None) => PermissionState::NotAbove,
            (Some(_), Some(_)) => match answers.said(&narrow) {
                Some(permissions) if allows(permissions, &self.action) => PermissionState::Held,
                Some(_) => PermissionState::Missing,
                None => PermissionState::Unknown,
            },
        }
    }
}

/// The needs of a whole plan.
pub(super) struct Needs(Vec<Need>);

impl Needs {
    pub(super) fn iter(&self) -> std::slice::Iter<'_, Need> {
        self.0.iter()
    }

    pub(super) fn new(plan: &Plan, registry: Registry) -> Self {
        let made: HashSet<&ArmId> = plan.steps.iter().filter_map(made).collect();
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
                needs.push(Need {
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

/// The actions that a step takes, each with what it is taken on.
fn actions(step: &Step, registry: Registry) -> Vec<(String, ArmId)> {
    let verb = match (step.call.method, &step.call.target) {
        // Only tags are written in part.
        (Method::Patch, CallTarget::Id(tags)) => {
            let on = tags.parent().unwrap_or_else(|| tags.clone());
            return vec![("Microsoft.Resources/tags/write".to_owned(), on)];
        }
        (Method::Put | Method::Patch, _) => "write",
        (Method::Replace | Method::Delete, _) => "delete",
    };
    let id = match &step.call.target {
        CallTarget::Grant(grant) => {
            let action = format!("Microsoft.Authorization/roleAssignments/{verb}");
            return vec![(action, grant.scope.clone())];
        }
        CallTarget::Id(id) => id,
    };
    let arm_type = match id.group() {
        Some(group) if group == *id => "Microsoft.Resources/subscriptions/resourceGroups",
        _ => step.subject.arm_type.name.as_ref(),
    };
    // A grant, a role or a lock is nothing to have rights on: what it is made on is.
    let is_authorization = arm_type.starts_with("Microsoft.Authorization/");
    let on = id.parent().filter(|_| is_authorization);
    let mut actions = vec![(
        format!("{arm_type}/{verb}"),
        on.unwrap_or_else(|| id.clone()),
    )];
    if step.call.method == Method::Replace {
        actions.push((format!("{arm_type}/write"), id.clone()));
    }
    if matches!(step.call.method, Method::Put | Method::Replace) {
        actions.extend(linked(step, registry));
    }
    actions
}

/// The rights on other resources that are handed to the one of the step.
fn linked(step: &Step, registry: Registry) -> Vec<(String, ArmId)> {
    let is_set = |what: &str| {
        step.action == Action::Create || step.changes.iter().any(|it| it.path.contains(what))
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
