//! Causes of missing permissions: deny assignments, conditions, and eligible roles that are not active.

use serde_json::Value as Json;

use super::{Answers, Question, array, permissions::RequiredPermission};
use crate::{arm::ArmId, permissions::is_in};

/// The actions that a condition on role assignments names (Microsoft docs "Delegate Azure role assignment management to
/// others with conditions").
const CONDITIONED: [&str; 2] = [
    "Microsoft.Authorization/roleAssignments/write",
    "Microsoft.Authorization/roleAssignments/delete",
];
/// The built-in roles that can assign roles: Owner, User Access Administrator, Role Based Access Control Administrator.
const GRANTORS: [&str; 3] = [
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
    "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
    "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
];
/// The id of all principals in a deny assignment (Microsoft docs "Understand Azure deny assignments").
const EVERYBODY: &str = "00000000-0000-0000-0000-000000000000";

/// A cause of a missing or restricted permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// A deny assignment, which overrides all roles.
    Denied {
        /// Its name.
        name: String,
        /// Its scope.
        scope: String,
        /// Whether it excludes groups, of which the caller may be a member.
        excludes_groups: bool,
    },
    /// An eligible role that the caller has not activated.
    Eligible {
        /// Its name.
        role: String,
        /// The scope.
        scope: String,
    },
    /// A condition on the role assignment that gives the caller the permission.
    Condition {
        /// The role assignment.
        assignment: ArmId,
    },
}

/// The question about a permission that can have a condition; asked in the first round, as most callers have it.
pub(super) fn of_conditions(need: &RequiredPermission) -> Option<Question> {
    is_conditioned(&need.action).then(|| Question::CallerRoles(need.from.clone()))
}

/// The question about a permission that the caller lacks.
pub(super) fn of_missing(scope: &ArmId) -> Option<Question> {
    Some(Question::Eligibilities(scope.clone()))
}

pub(super) fn why_missing(
    answers: &Answers,
    scope: &ArmId,
    actions: &[&str],
    caller: Option<&str>,
) -> Vec<Cause> {
    let mut causes: Vec<Cause> = Vec::new();
    for action in actions {
        let denied = denials(answers, scope, action, caller);
        causes.extend(
            denied
                .filter(|cause| !causes.contains(cause))
                .collect::<Vec<_>>(),
        );
    }
    for item in answers.items(&Question::Eligibilities(scope.clone())) {
        let eligible = eligible(item, scope);
        causes.extend(eligible.filter(|cause| !causes.contains(cause)));
    }
    causes
}

pub(super) fn why_restricted(
    answers: &Answers,
    scope: &ArmId,
    action: &str,
    caller: Option<&str>,
) -> Vec<Cause> {
    let mut causes: Vec<Cause> = denials(answers, scope, action, caller).collect();
    if is_conditioned(action) {
        causes.extend(conditions(answers, scope, action));
    }
    causes
}

fn is_conditioned(action: &str) -> bool {
    CONDITIONED.iter().any(|it| it.eq_ignore_ascii_case(action))
}

fn text<'a>(item: &'a Json, pointer: &str) -> Option<&'a str> {
    item.pointer(pointer).and_then(Json::as_str)
}

/// The deny assignments that take an action from the caller (REST reference, "Deny Assignments - List").
fn denials(
    answers: &Answers,
    scope: &ArmId,
    action: &str,
    caller: Option<&str>,
) -> impl Iterator<Item = Cause> {
    let denied = answers.items(&Question::Denials(scope.clone())).iter();
    denied.filter_map(move |item| {
        let list = |pointer: &str| array(item.pointer(pointer));
        let names = |principal: &Json| {
            let id = principal.get("id").and_then(Json::as_str);
            id.is_some_and(|id| caller.is_some_and(|caller| id.eq_ignore_ascii_case(caller)))
        };
        let is_everybody = |principal: &Json| text(principal, "/id") == Some(EVERYBODY);
        let is_group = |principal: &Json| text(principal, "/type") == Some("Group");
        let excluded = list("/properties/excludePrincipals");
        let principals = list("/properties/principals").iter();
        let is_meant = principals.clone().any(|it| names(it) || is_everybody(it));
        let permissions = list("/properties/permissions").iter();
        let takes = permissions
            .clone()
            .any(|permission| is_in(permission, action));
        // A deny assignment without a scope applies to the whole tenant.
        let at = text(item, "/properties/scope").unwrap_or("/");
        let reaches = ArmId::parse(at).is_none_or(|at| at.may_reach(scope));
        let applies = takes && is_meant && reaches && !excluded.iter().any(names);
        applies.then(|| Cause::Denied {
            name: text(item, "/properties/denyAssignmentName")
                .or_else(|| text(item, "/name"))
                .unwrap_or("without a name")
                .to_owned(),
            scope: at.to_owned(),
            excludes_groups: excluded.iter().any(is_group),
        })
    })
}

/// An eligible role (REST reference, "Role Eligibility Schedule Instances - List For Scope").
fn eligible(item: &Json, scope: &ArmId) -> Option<Cause> {
    let at = text(item, "/properties/scope")?;
    if !ArmId::parse(at)?.may_reach(scope) {
        return None;
    }
    let role = text(
        item,
        "/properties/expandedProperties/roleDefinition/displayName",
    )
    .or_else(|| {
        text(item, "/properties/roleDefinitionId")?
            .rsplit('/')
            .next()
    })?;
    Some(Cause::Eligible {
        role: role.to_owned(),
        scope: at.to_owned(),
    })
}

/// The role assignments whose condition names the action, unless another one allows it without a condition.
fn conditions(answers: &Answers, scope: &ArmId, action: &str) -> Vec<Cause> {
    let assignments = answers.items(&Question::CallerRoles(scope.clone()));
    let reaches = |item: &&Json| {
        let at = text(item, "/properties/scope").and_then(ArmId::parse);
        at.is_none_or(|at| at.may_reach(scope))
    };
    let is_free = |item: &Json| {
        let role = text(item, "/properties/roleDefinitionId").and_then(|id| id.rsplit('/').next());
        let grants =
            role.is_some_and(|role| GRANTORS.iter().any(|guid| guid.eq_ignore_ascii_case(role)));
        grants && text(item, "/properties/condition").is_none()
    };
    if assignments.iter().filter(reaches).any(is_free) {
        return Vec::new();
    }
    let speaks = |item: &&Json| {
        let condition = text(item, "/properties/condition").map(str::to_ascii_lowercase);
        condition.is_some_and(|it| it.contains(&action.to_ascii_lowercase()))
    };
    assignments
        .iter()
        .filter(reaches)
        .filter(speaks)
        .filter_map(|item| ArmId::parse(text(item, "/id")?))
        .map(|assignment| Cause::Condition { assignment })
        .collect()
}
