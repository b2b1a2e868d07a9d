//! Preflight findings before the first write, about names, providers and permissions, and the questions behind them.

mod policies;

use std::collections::BTreeSet;

use lazuli_core::{
    facts::CreationObstacle,
    plan::{Plan, StepId},
    preflight::{Cause, Finding, Question},
};
use lazuli_engine::{preflight, register};
use lazuli_handlers::REGISTRY;
use lazuli_sim::{Caller, Fault, Faults, Method, Occurrence, SUBSCRIPTION};
use serde_json::{Value as Json, json};

use crate::harness::{Azure, spec};

const AUTHORIZATION: &str = "providers/Microsoft.Authorization";
const OWNER: &str = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";
const CONTRIBUTOR: &str = "b24988ac-6180-42a0-ab88-20f7382dd24c";
const ACCESS_ADMINISTRATOR: &str = "f58310d9-a9f6-439a-9e8d-f62e7b41a168";

fn subscription() -> String {
    format!("/subscriptions/{SUBSCRIPTION}")
}

fn group() -> String {
    format!("{}/resourceGroups/rg-test", subscription())
}

fn stack() -> String {
    spec(
        "  data: { kind: storageAccount, name: stpreflight, sku: Standard_LRS, containers: { cam: {} } }\n\
         \x20 id: { kind: userAssignedIdentity, name: id-test }\n\
         \x20 access: { kind: roleAssignment, principal: \"${id}\", scope: \"${data}\", role: Reader }\n",
    )
}

async fn run_preflight(azure: &Azure, text: &str) -> (Plan, Vec<Finding>) {
    let plan = azure.plan(text).await;
    azure.simulator.clear_log();
    let found = preflight(&azure.client, &plan, REGISTRY).await;
    (plan, found)
}

/// Assigns a role to a caller outside of lazuli.
async fn assign_role(azure: &Azure, caller: Caller, role: &str, scope: &str, more: Json) {
    let mut properties = json!({
        "principalId": caller.object_id(), "principalType": "ServicePrincipal",
        "roleDefinitionId": format!("{}/{AUTHORIZATION}/roleDefinitions/{role}", subscription()),
    });
    for (name, value) in more.as_object().unwrap() {
        properties[name] = value.clone();
    }
    let url = format!("{scope}/{AUTHORIZATION}/roleAssignments/{role}?api-version=2022-04-01");
    let body = json!({ "properties": properties });
    azure.send_directly(Method::Put, &url, Some(body)).await;
}

/// Each missing action with the keys of its steps.
fn missing_actions(plan: &Plan, found: &[Finding]) -> Vec<(String, Vec<String>)> {
    let keys = |steps: &[StepId]| {
        steps
            .iter()
            .map(|step| plan.steps[step.0].subject.key.to_string())
            .collect()
    };
    found
        .iter()
        .filter_map(|finding| match finding {
            Finding::MissingPermissions { actions, .. } => Some(actions),
            _ => None,
        })
        .flatten()
        .map(|(action, steps)| (action.clone(), keys(steps)))
        .collect()
}

fn requests(azure: &Azure) -> Vec<String> {
    let log = azure.simulator.log().into_iter();
    log.map(|entry| format!("{} {}", entry.method.as_str(), entry.url))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn preflight_requests_only_what_the_plan_needs() {
    let azure = Azure::new().await;
    let (_, clean) = run_preflight(&azure, &stack()).await;
    assert_eq!(clean, []);
    let root = subscription();
    let expected: BTreeSet<String> = [
        format!("POST {root}/providers/Microsoft.Storage/checkNameAvailability"),
        format!("GET {root}/providers/Microsoft.Storage"),
        format!("GET {root}/providers/Microsoft.ManagedIdentity"),
        format!("GET {root}/{AUTHORIZATION}/permissions"),
        format!("GET {root}/{AUTHORIZATION}/denyAssignments"),
        format!("GET {root}/{AUTHORIZATION}/roleAssignments"),
        format!("GET {root}/{AUTHORIZATION}/policyAssignments"),
    ]
    .into();
    let log = requests(&azure);
    let paths: BTreeSet<String> = log
        .iter()
        .map(|line| line.split('?').next().unwrap().to_owned())
        .collect();
    assert_eq!(paths, expected);
    assert_eq!(log.len(), expected.len(), "each once: {log:#?}");

    azure.converge(&stack()).await;
    let (_, clean) = run_preflight(&azure, &stack()).await;
    assert_eq!(clean, []);
    assert_eq!(requests(&azure), [""; 0], "an empty plan needs no requests");
}

#[tokio::test(start_paused = true)]
async fn taken_names_and_missing_providers_are_reported_together() {
    let azure = Azure::new().await;
    let other = format!("{}/resourceGroups/rg-other", subscription());
    let account = format!("{other}/providers/Microsoft.Storage/storageAccounts/stmine");
    let body = json!({ "location": "westeurope" });
    let url = format!("{other}?api-version=2021-04-01");
    azure.send_directly(Method::Put, &url, Some(body)).await;
    let body =
        json!({ "location": "westeurope", "sku": { "name": "Standard_LRS" }, "kind": "StorageV2" });
    let url = format!("{account}?api-version=2025-06-01");
    azure.send_directly(Method::Put, &url, Some(body)).await;
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;

    let text = spec(
        "  mine: { kind: storageAccount, name: stmine, sku: Standard_LRS }\n\
         \x20 theirs: { kind: storageAccount, name: stlazulitaken, sku: Standard_LRS }\n\
         \x20 free: { kind: storageAccount, name: stfree, sku: Standard_LRS }\n\
         \x20 app: { kind: resource, type: Microsoft.App/managedEnvironments@2024-03-01, name: env }\n\
         \x20 odd: { kind: resource, type: Microsoft.Nothing/things@2024-03-01, name: thing }\n",
    );
    let (plan, found) = run_preflight(&azure, &text).await;
    let key = |step: &StepId| plan.steps[step.0].subject.key.to_string();
    let shown: Vec<String> = found
        .iter()
        .map(|finding| match finding {
            Finding::Creation { step, name, found } => {
                let CreationObstacle::NameUnavailable { held_by, message } = &found.obstacle else {
                    panic!("{found:?}")
                };
                assert!(message.contains("already taken"), "{message}");
                let held_by = held_by.as_ref().map(|id| id.as_str().to_owned());
                format!("{} {name} {held_by:?}", key(step))
            }
            Finding::NotRegistered {
                namespace,
                state,
                steps,
                ..
            } => format!("{} {namespace} {state:?}", key(&steps[0])),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        shown.into_iter().collect::<BTreeSet<_>>(),
        BTreeSet::from([
            format!("mine stmine Some({account:?})"),
            "theirs stlazulitaken None".to_owned(),
            "app Microsoft.App Some(\"NotRegistered\")".to_owned(),
            "odd Microsoft.Nothing None".to_owned(),
        ])
    );
    assert!(found.iter().all(Finding::is_certain));
    assert_eq!(
        azure.writes().len(),
        3,
        "only the names are requests with a POST"
    );
}

#[tokio::test(start_paused = true)]
async fn provider_registration_is_awaited() {
    let azure = Azure::new().await;
    let text = spec(
        "  app: { kind: resource, type: Microsoft.App/managedEnvironments@2024-03-01, name: env }\n",
    );
    let (_, before) = run_preflight(&azure, &text).await;
    let [
        Finding::NotRegistered {
            subscription,
            namespace,
            ..
        },
    ] = before.as_slice()
    else {
        panic!("{before:?}")
    };
    register(&azure.client, subscription, namespace)
        .await
        .unwrap();
    let (_, after) = run_preflight(&azure, &text).await;
    assert_eq!(after, []);
    azure.converge(&text).await;
}

#[tokio::test(start_paused = true)]
async fn missing_permissions_are_reported_by_action_scope_and_caller() {
    let owner = Azure::new().await;
    let reader = owner.as_caller(Caller::Reader).await;
    let (plan, findings) = run_preflight(&reader, &stack()).await;
    let write = |kind: &str, keys: &[&str]| {
        let keys = keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
        (format!("Microsoft.{kind}/write"), keys)
    };
    assert_eq!(
        missing_actions(&plan, &findings),
        [
            write("Authorization/roleAssignments", &["access/Reader"]),
            write("ManagedIdentity/userAssignedIdentities", &["id"]),
            write("Resources/subscriptions/resourceGroups", &["group"]),
            write(
                "Storage/storageAccounts/blobServices/containers",
                &["data/containers/cam"]
            ),
            write("Storage/storageAccounts", &["data"]),
        ]
    );
    let [Finding::MissingPermissions { scope, caller, .. }] = findings.as_slice() else {
        panic!("{findings:?}")
    };
    assert_eq!(scope.as_str(), subscription());
    assert_eq!(caller.as_deref(), Some(Caller::Reader.object_id()));
    assert!(findings[0].is_certain());

    let contributor = owner.as_caller(Caller::Contributor).await;
    let (plan, findings) = run_preflight(&contributor, &stack()).await;
    assert_eq!(
        missing_actions(&plan, &findings),
        [write("Authorization/roleAssignments", &["access/Reader"])]
    );
}

#[tokio::test(start_paused = true)]
async fn missing_delete_permissions_are_reported_before_the_first_deletion() {
    let owner = Azure::new().await;
    owner.converge(&stack()).await;
    let contributor = owner.as_caller(Caller::Contributor).await;
    let plan = contributor.teardown(&stack()).await;
    let findings = preflight(&contributor.client, &plan, REGISTRY).await;
    let deletion = "Microsoft.Authorization/roleAssignments/delete".to_owned();
    let steps = vec!["access/Reader".to_owned()];
    assert_eq!(missing_actions(&plan, &findings), [(deletion, steps)]);
    assert!(findings.iter().all(Finding::is_certain), "{findings:#?}");
    let plan = owner.teardown(&stack()).await;
    assert_eq!(preflight(&owner.client, &plan, REGISTRY).await, []);
}

#[tokio::test(start_paused = true)]
async fn identity_assignment_needs_its_own_permission() {
    let owner = Azure::new().await;
    let text = stack().replace("role: Reader", "role: Storage Blob Data Contributor")
        + "  indexer: { kind: videoIndexer, name: vi-test, identity: \"${id}\", storage: \"${data}\" }\n";
    owner.converge(&stack()).await;
    let reader = owner.as_caller(Caller::Reader).await;
    let (plan, findings) = run_preflight(&reader, &text).await;
    let assign = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action";
    let needs = missing_actions(&plan, &findings);
    let needed_by = needs.iter().find(|(action, _)| action == assign);
    assert_eq!(needed_by.unwrap().1, ["indexer"]);
}

#[tokio::test(start_paused = true)]
async fn permissions_on_the_resource_alone_suffice() {
    let owner = Azure::new().await;
    owner.converge(&stack()).await;
    let reader = owner.as_caller(Caller::Reader).await;
    let changed = stack().replace("sku: Standard_LRS", "sku: Standard_GRS");
    let (plan, findings) = run_preflight(&reader, &changed).await;
    assert_eq!(missing_actions(&plan, &findings).len(), 1);

    let account = format!(
        "{}/providers/Microsoft.Storage/storageAccounts/stpreflight",
        group()
    );
    assign_role(&owner, Caller::Reader, CONTRIBUTOR, &account, json!({})).await;
    let (_, findings) = run_preflight(&reader, &changed).await;
    assert_eq!(findings, []);
    reader.converge(&changed).await;
}

#[tokio::test(start_paused = true)]
async fn role_assignments_of_the_plan_may_give_missing_permissions() {
    let owner = Azure::new().await;
    let contributor = owner.as_caller(Caller::Contributor).await;
    let reader = Caller::Reader.object_id();
    let text = stack()
        + &format!(
            "  more: {{ kind: roleAssignment, principal: {{ objectId: {reader}, type: ServicePrincipal }}, \
             scope: \"${{group}}\", role: Owner }}\n"
        );
    let (_, findings) = run_preflight(&contributor, &text).await;
    assert_eq!(findings.len(), 1);
    assert!(!findings[0].is_certain(), "{findings:?}");
}

/// The test writes eligible roles and deny assignments into the simulator, because no API of lazuli creates them.
#[tokio::test(start_paused = true)]
async fn causes_of_missing_permissions_are_reported() {
    let owner = Azure::new().await;
    owner.converge(&stack()).await;
    let put = async |name: &str, api: &str, properties: Json| {
        let url = format!("{}/{AUTHORIZATION}/{name}?api-version={api}", group());
        let body = json!({ "properties": properties });
        owner.send_directly(Method::Put, &url, Some(body)).await;
    };
    let eligible = json!({
        "scope": group(), "principalId": Caller::Reader.object_id(),
        "expandedProperties": { "roleDefinition": { "displayName": "Contributor" } },
    });
    put("roleEligibilityScheduleInstances/e", "2020-10-01", eligible).await;
    let changed = stack().replace("sku: Standard_LRS", "sku: Standard_GRS");
    let reader = owner.as_caller(Caller::Reader).await;
    let (_, findings) = run_preflight(&reader, &changed).await;
    let [Finding::MissingPermissions { causes, .. }] = findings.as_slice() else {
        panic!("{findings:?}")
    };
    let expected = Cause::Eligible {
        role: "Contributor".into(),
        scope: group(),
    };
    assert_eq!(causes, &[expected]);

    let everybody =
        json!({ "id": "00000000-0000-0000-0000-000000000000", "type": "SystemDefined" });
    let mut denial = json!({
        "denyAssignmentName": "managed", "scope": group(), "principals": [everybody], "excludePrincipals": [],
        "permissions": [{ "actions": ["*/write"], "notActions": ["Microsoft.Authorization/*"] }],
    });
    put("denyAssignments/d", "2022-04-01", denial.clone()).await;
    let (_, findings) = run_preflight(&owner, &changed).await;
    let [Finding::Restricted { action, causes, .. }] = findings.as_slice() else {
        panic!("{findings:?}")
    };
    assert_eq!(action, "Microsoft.Storage/storageAccounts/write");
    assert!(matches!(&causes[..], [Cause::Denied { name, .. }] if name == "managed"));
    assert!(findings[0].is_certain());

    denial["excludePrincipals"] =
        json!([{ "id": Caller::Owner.object_id(), "type": "ServicePrincipal" }]);
    put("denyAssignments/d", "2022-04-01", denial).await;
    let (_, findings) = run_preflight(&owner, &changed).await;
    assert_eq!(findings, [], "excluded principals are not denied");
}

#[tokio::test(start_paused = true)]
async fn condition_on_role_assignments_is_reported_unless_another_role_has_none() {
    let owner = Azure::new().await;
    let contributor = owner.as_caller(Caller::Contributor).await;
    let condition = "((!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})) OR (@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {ba92f5b4-2d11-453d-a403-e96b0029c9fe}))";
    let limited = json!({ "condition": condition, "conditionVersion": "2.0" });
    let root = subscription();
    assign_role(
        &owner,
        Caller::Contributor,
        ACCESS_ADMINISTRATOR,
        &root,
        limited,
    )
    .await;
    let (_, restricted) = run_preflight(&contributor, &stack()).await;
    let [Finding::Restricted { causes, .. }] = restricted.as_slice() else {
        panic!("{restricted:?}")
    };
    assert!(matches!(&causes[..], [Cause::Condition { assignment }]
        if assignment.name() == ACCESS_ADMINISTRATOR));
    assert!(!restricted[0].is_certain());

    assign_role(&owner, Caller::Contributor, OWNER, &root, json!({})).await;
    assert_eq!(run_preflight(&contributor, &stack()).await.1, []);
}

#[tokio::test(start_paused = true)]
async fn failed_questions_are_reported_and_stop_nothing() {
    let azure = Azure::new().await;
    let denied = Fault::status(403, None);
    let mut faults = Faults::none();
    for what in [
        "*checkNameAvailability*",
        "*/permissions*",
        "*/providers/Microsoft.Storage",
    ] {
        faults = faults.on(None, what, Occurrence::Every, denied.clone());
    }
    azure.simulator.set_faults(faults);
    let (_, found) = run_preflight(&azure, &stack()).await;
    let questions: Vec<_> = found
        .iter()
        .map(|finding| match finding {
            Finding::Unknown { question, .. } => question,
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(
        matches!(
            questions[..],
            [
                Question::Creation(_),
                Question::Registration { .. },
                Question::Permissions(_)
            ]
        ),
        "{questions:?}"
    );
    assert!(!found.iter().any(Finding::is_certain));
}

/// The test writes the deleted vault into the simulator, which has no soft delete.
#[tokio::test(start_paused = true)]
async fn soft_deleted_vault_holds_its_name_unless_it_is_recovered() {
    let azure = Azure::new().await;
    let url = format!(
        "{}/providers/Microsoft.KeyVault/deletedVaults/kv-test?api-version=2022-07-01",
        subscription()
    );
    let until = "2026-04-01T00:00:59Z";
    let properties = json!({ "scheduledPurgeDate": until, "purgeProtectionEnabled": true });
    let body = json!({ "properties": properties });
    azure.send_directly(Method::Put, &url, Some(body)).await;
    let vault = |name: &str, mode: &str| {
        spec(&format!(
            "  vault:\n    kind: resource\n    type: Microsoft.KeyVault/vaults@2024-11-01\n    name: {name}\n\
             \x20   body: {{ properties: {{ tenantId: 00000000-0000-0000-0000-000000007e4a, createMode: {mode} }} }}\n"
        ))
    };
    let (_, findings) = run_preflight(&azure, &vault("kv-test", "default")).await;
    let [
        Finding::Creation {
            name, found: why, ..
        },
    ] = findings.as_slice()
    else {
        panic!("{findings:?}")
    };
    let CreationObstacle::SoftDeleted {
        until: at,
        can_purge,
    } = &why.obstacle
    else {
        panic!("{why:?}")
    };
    assert_eq!((name.as_str(), at.as_deref()), ("kv-test", Some(until)));
    assert!(!can_purge && findings[0].is_certain());
    assert_eq!(
        run_preflight(&azure, &vault("kv-test", "recover")).await.1,
        []
    );
    assert_eq!(
        run_preflight(&azure, &vault("kv-other", "default")).await.1,
        []
    );
}
