//! A custom role that loses a scope: Azure accepts that only once no role assignment of the role exists there.

use lazuli_core::{
    diagnostic::Code,
    graph::Names,
    plan::{Action, Plan, RetryCause, Step},
};
use lazuli_reconcile::Intent;
use lazuli_sim::{Method, SUBSCRIPTION};
use serde_json::json;

use crate::harness::{Azure, PRUNE, spec};

/// A role that is assignable at the scopes, and role assignments of it: entries with their scope.
fn stack(scopes: &str, grants: &[(&str, &str)]) -> String {
    let access: String = grants
        .iter()
        .map(|(entry, scope)| {
            format!(
                "  {entry}: {{ kind: roleAssignment, principal: \"${{app}}\", scope: \"{scope}\", role: \"${{operator}}\" }}\n"
            )
        })
        .collect();
    spec(&format!(
        "  other: {{ kind: resourceGroup, name: rg-other }}\n\
         \x20 app: {{ kind: userAssignedIdentity, name: id-test }}\n\
         \x20 operator: {{ kind: roleDefinition, name: Operator, actions: [\"*/read\"], assignableScopes: [{scopes}] }}\n{access}"
    ))
}

const WIDE: &str = "\"${group}\", \"${other}\"";
const NARROW: &str = "\"${group}\"";

fn wide() -> String {
    stack(WIDE, &[("here", "${group}"), ("there", "${other}")])
}

fn narrow() -> String {
    stack(NARROW, &[("here", "${group}")])
}

fn step<'p>(plan: &'p Plan, action: Action, key: &str) -> &'p Step {
    let mut steps = plan.steps.iter();
    let found =
        steps.find(|step| step.action == action && step.subject.key.to_string().starts_with(key));
    found.unwrap_or_else(|| panic!("{action:?} {key}: {:#?}", plan.steps))
}

fn assert_ordered(plan: &Plan) {
    for (at, step) in plan.steps.iter().enumerate() {
        assert_eq!(step.id.0, at);
        assert!(step.after.iter().all(|before| before.0 < at), "{step:#?}");
    }
}

/// Assigns the role of the stack on the other group by hand, and returns the id.
async fn assign_by_hand(azure: &Azure) -> String {
    let graph = azure.graph(&wide()).await;
    let id = |key: &str| {
        let mut nodes = graph.nodes();
        let node = nodes.find(|node| node.subject.key.to_string() == key);
        node.unwrap().id().unwrap().to_string()
    };
    let identity = format!("{}?api-version=2024-11-30", id("app"));
    let app = azure.send_directly(Method::Get, &identity, None).await;
    let there = id("other");
    let name = "00000000-0000-4000-8000-0000000000aa";
    let assignment = format!("{there}/providers/Microsoft.Authorization/roleAssignments/{name}");
    let body = json!({ "properties": {
        "principalId": app["properties"]["principalId"],
        "principalType": "ServicePrincipal",
        "roleDefinitionId": id("operator"),
    }});
    let url = format!("{assignment}?api-version=2022-04-01");
    azure.send_directly(Method::Put, &url, Some(body)).await;
    assignment
}

#[tokio::test(start_paused = true)]
async fn pruned_role_assignment_goes_before_its_role_loses_the_scope() {
    let azure = Azure::new().await;
    azure.converge(&wide()).await;
    let plan = azure.plan_to_prune(&narrow()).await;
    assert_ordered(&plan);
    let gone = step(&plan, Action::Delete, "there");
    let role = step(&plan, Action::Update, "operator");
    assert!(gone.id < role.id && role.after.contains(&gone.id));
    assert_eq!(gone.after, []);
    let report = azure.execute(&plan).await;
    let failures: Vec<_> = report.failures().map(|(_, why)| why.to_string()).collect();
    assert!(report.is_complete(), "{failures:#?}");
    assert!(azure.plan(&narrow()).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn lock_over_the_role_assignment_goes_even_earlier() {
    let azure = Azure::new().await;
    let lock =
        "  lock: { kind: managementLock, name: keep, scope: \"${other}\", level: CanNotDelete }\n";
    azure.converge(&(wide() + lock)).await;
    let plan = azure.plan_to_prune(&narrow()).await;
    assert_ordered(&plan);
    let lock = step(&plan, Action::Delete, "lock").id;
    assert_eq!(step(&plan, Action::Delete, "there").after, [lock]);
    assert!(azure.execute(&plan).await.is_complete());
}

#[tokio::test(start_paused = true)]
async fn role_assignment_that_moves_with_its_role_converges_with_pruning() {
    let azure = Azure::new().await;
    azure
        .converge(&stack("\"${other}\"", &[("access", "${other}")]))
        .await;
    let moved = stack(NARROW, &[("access", "${group}")]);
    let plan = azure.plan_to_prune(&moved).await;
    assert_ordered(&plan);
    let gone = step(&plan, Action::Delete, "access").id;
    let role = step(&plan, Action::Update, "operator").id;
    let granted = step(&plan, Action::Create, "access").id;
    assert!(gone < role && role < granted);
    assert!(azure.execute(&plan).await.is_complete());
    assert!(azure.plan(&moved).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn steps_that_move_keep_the_references_of_the_others() {
    let azure = Azure::new().await;
    azure.converge(&wide()).await;
    let more = "  more: { kind: userAssignedIdentity, name: id-more }\n\
         \x20 reads: { kind: roleAssignment, principal: \"${more}\", scope: \"${group}\", role: \"${operator}\" }\n";
    let plan = azure.plan_to_prune(&(narrow() + more)).await;
    assert_ordered(&plan);
    assert!(step(&plan, Action::Delete, "there").id < step(&plan, Action::Create, "more").id);
    let maker = step(&plan, Action::Create, "more").id;
    let created = step(&plan, Action::Create, "reads");
    assert_eq!(created.retry_causes, [RetryCause::Principal(maker)]);
    assert!(created.after.contains(&maker));
    assert!(azure.execute(&plan).await.is_complete());
}

#[tokio::test(start_paused = true)]
async fn without_pruning_the_orphan_in_the_way_is_an_error() {
    let azure = Azure::new().await;
    azure.converge(&wide()).await;
    let (_, found) = azure.compare(&narrow()).await;
    let [error] = &found.sorted()[..] else {
        panic!()
    };
    assert_eq!(error.code, Code::ScopeInUse);
    assert_eq!(
        error.message,
        "`operator` cannot lose the scope rg-other: 1 role assignment of it exists there"
    );
    let help = error.help.as_deref().unwrap();
    assert!(
        help.contains("--prune") && help.contains("roleAssignments/"),
        "{help}"
    );
    assert!(error.span.is_some());

    // A part of the spec does not prune.
    let intent = Intent::Converge {
        consent: PRUNE,
        targets: Names(["operator".to_owned()].into_iter().collect()),
    };
    let (_, found) = azure.compare_for(&narrow(), &intent).await;
    let [error] = &found.sorted()[..] else {
        panic!()
    };
    assert_eq!(error.code, Code::ScopeInUse);
    let help = error.help.as_deref().unwrap();
    assert!(
        help.contains("without `--target` and with `--prune`"),
        "{help}"
    );
}

#[tokio::test(start_paused = true)]
async fn role_assignments_of_others_in_the_way_are_named() {
    let azure = Azure::new().await;
    let only_here = stack(WIDE, &[("here", "${group}")]);
    azure.converge(&only_here).await;
    let id = assign_by_hand(&azure).await;
    for consent in [PRUNE, lazuli_core::plan::Consent::default()] {
        let (_, found) = azure.compare_with(&narrow(), &consent).await;
        let [error] = &found.sorted()[..] else {
            panic!()
        };
        assert_eq!(error.code, Code::ScopeInUse);
        let help = error.help.as_deref().unwrap();
        assert!(help.contains("az role assignment delete --ids"), "{help}");
        assert!(help.contains(&id) && !help.contains("--prune"), "{help}");
    }
    let kept = only_here.replace("[\"*/read\"]", "[\"*/read\", \"*/write\"]");
    azure.converge(&kept).await;
}

#[tokio::test(start_paused = true)]
async fn declared_role_assignment_in_the_way_is_named_by_its_entry() {
    let azure = Azure::new().await;
    azure.converge(&wide()).await;
    let text = stack(NARROW, &[("here", "${group}"), ("there", "${other}")]);
    let (_, found) = azure.compare_with(&text, &PRUNE).await;
    let errors: Vec<_> = found
        .iter()
        .filter(|error| error.code == Code::ScopeInUse)
        .collect();
    let [error] = errors.as_slice() else {
        panic!("{found:#?}")
    };
    let help = error.help.as_deref().unwrap();
    assert!(
        help.contains("`there`") && !help.contains("--prune"),
        "{help}"
    );
}

/// A scope above the lost one keeps the role assignments valid.
#[tokio::test(start_paused = true)]
async fn scope_that_another_one_covers_is_not_lost() {
    let azure = Azure::new().await;
    azure.converge(&wide()).await;
    let above = format!("/subscriptions/{SUBSCRIPTION}");
    let text = stack(&above, &[("here", "${group}"), ("there", "${other}")]);
    let plan = azure.converge(&text).await;
    assert_eq!(plan.count(Action::Update), 1);
}
