//! Role assignments (grants): identity, recreated principals, races, and undeclared grants.

use lazuli_core::{
    live::Existence,
    plan::{Action, Plan},
};
use lazuli_engine::Outcome;
use lazuli_sim::{
    Caller, Fault, Faults, Method, Occurrence, SUBSCRIPTION, USER_OBJECT_ID, WorldOptions,
};
use serde_json::{Value as Json, json};

use crate::{
    harness::{Azure, spec},
    marked::unbound,
};

const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
const OWNER: &str = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";

fn group() -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-test")
}

fn identity() -> String {
    format!(
        "{}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-test",
        group()
    )
}

fn grant_url(scope: &str, name: &str) -> String {
    format!(
        "{scope}/providers/Microsoft.Authorization/roleAssignments/{name}?api-version=2022-04-01"
    )
}

fn grant_body(principal: &str, kind: &str, role: &str) -> Json {
    json!({ "properties": {
        "principalId": principal,
        "principalType": kind,
        "roleDefinitionId": format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{role}"),
    }})
}

fn stack(group_options: &str) -> String {
    spec(
        "  app: { kind: userAssignedIdentity, name: id-test }\n\
         \x20 read: { kind: roleAssignment, principal: \"${app}\", scope: \"${group}\", role: Reader }\n",
    )
    .replace("name: rg-test }", &format!("name: rg-test{group_options} }}"))
}

fn steps(plan: &Plan) -> Vec<(Action, String)> {
    plan.steps
        .iter()
        .map(|step| (step.action, step.subject.key.to_string()))
        .collect()
}

async fn principal(azure: &Azure) -> String {
    let found = azure
        .send_directly(
            Method::Get,
            &format!("{}?api-version=2024-11-30", identity()),
            None,
        )
        .await;
    found["properties"]["principalId"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test(start_paused = true)]
async fn concurrent_runs_choose_the_same_name() {
    let names = [(); 2].map(|()| async {
        let azure = Azure::new().await;
        azure.converge(&stack("")).await;
        let url = format!(
            "{}/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01",
            group()
        );
        let found = azure.send_directly(Method::Get, &url, None).await;
        let own = |grant: &&Json| {
            grant["properties"]["scope"]
                .as_str()
                .is_some_and(|scope| scope.eq_ignore_ascii_case(&group()))
        };
        found["value"].as_array().unwrap().iter().find(own).unwrap()["name"].clone()
    });
    let [first, second] = names;
    assert_eq!(first.await, second.await);
}

#[tokio::test(start_paused = true)]
async fn lost_race_counts_as_done_and_names_the_grant() {
    let azure = Azure::new().await;
    azure
        .converge(&spec(
            "  app: { kind: userAssignedIdentity, name: id-test }\n",
        ))
        .await;
    let plan = azure.plan(&stack("")).await;
    let name = "5b1e6b0e-1111-4222-8333-123456789abc";
    let body = grant_body(&principal(&azure).await, "ServicePrincipal", READER);
    azure
        .send_directly(Method::Put, &grant_url(&group(), name), Some(body))
        .await;
    azure.simulator.clear_log();
    let report = azure.execute(&plan).await;
    assert!(report.is_complete());
    let Outcome::Done {
        already_there: Some(id),
        ..
    } = &report.outcomes[0]
    else {
        panic!("{:?}", report.outcomes)
    };
    assert_eq!(id.name(), name);
    assert!(
        azure
            .simulator
            .log()
            .iter()
            .any(|entry| entry.status == Some(409)),
        "ARM said RoleAssignmentExists"
    );
    assert!(azure.plan(&stack("")).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn replaced_identity_gets_its_grant_before_the_old_one_is_deleted() {
    let azure = Azure::new().await;
    azure.converge(&stack("")).await;
    let old = principal(&azure).await;
    azure
        .send_directly(
            Method::Delete,
            &format!("{}?api-version=2024-11-30", identity()),
            None,
        )
        .await;

    let plan = azure.plan(&stack("")).await;
    assert_eq!(
        steps(&plan),
        [
            (Action::Create, "app".into()),
            (Action::Create, "read/Reader".into()),
            (Action::Delete, format!("read/Reader grant of {old}")),
        ]
    );
    assert!(
        plan.steps[2].reason.contains("is no longer `app`"),
        "{}",
        plan.steps[2].reason
    );
    azure.simulator.clear_log();
    assert!(azure.execute(&plan).await.is_complete());
    let writes: Vec<_> = azure
        .writes()
        .into_iter()
        .map(|entry| {
            (
                entry.method,
                entry.url.contains("roleAssignments"),
                entry.status,
            )
        })
        .collect();
    assert_eq!(
        writes,
        [
            (Method::Put, false, Some(201)),
            (Method::Put, true, Some(201)),
            (Method::Delete, true, Some(200)),
        ],
        "RoleAssignmentUpdateNotPermitted never appears"
    );
    assert_ne!(principal(&azure).await, old);
    assert!(azure.plan(&stack("")).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn identity_recreated_outside_of_lazuli_gets_its_grant() {
    let azure = Azure::new().await;
    azure.converge(&stack("")).await;
    let url = format!("{}?api-version=2024-11-30", identity());
    let body = azure.send_directly(Method::Get, &url, None).await;
    azure.send_directly(Method::Delete, &url, None).await;
    let recreated = json!({ "location": "westeurope", "tags": body["tags"] });
    azure
        .send_directly(Method::Put, &url, Some(recreated))
        .await;
    let plan = azure.plan(&stack("")).await;
    let actions: Vec<_> = plan.steps.iter().map(|step| step.action).collect();
    assert_eq!(actions, [Action::Create, Action::Delete]);
    assert_eq!(plan.steps[1].after, [plan.steps[0].id]);
    assert!(azure.execute(&plan).await.is_complete());
    assert!(azure.plan(&stack("")).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn unknown_principal_is_retried_only_if_this_run_created_it() {
    let options = || WorldOptions {
        typed_principal_replication: 20_000,
        ..WorldOptions::default()
    };
    let azure = Azure::with_options(options()).await;
    azure.converge(&stack("")).await;
    let tries = azure
        .writes()
        .iter()
        .filter(|entry| entry.url.contains("roleAssignments"))
        .count();
    assert!(tries > 1, "PrincipalNotFound is tried again");

    let azure = Azure::with_options(options()).await;
    azure.converge(&spec("")).await;
    azure.simulator.clear_log();
    let undeclared = spec(
        "  read:\n    kind: roleAssignment\n    principal: { objectId: 99999999-9999-4999-8999-999999999999, type: User }\n\
         \x20   scope: ${group}\n    role: Reader\n",
    );
    let before = azure.simulator.now();
    let (_, report) = azure.apply(&undeclared).await;
    assert!(!report.is_complete());
    assert!(
        azure.simulator.now().since(before) < 10_000,
        "a typo fails in seconds"
    );
    assert_eq!(azure.writes().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn principal_type_is_always_sent() {
    let azure = Azure::new().await;
    let plan = azure.plan(&stack("")).await;
    let grant = plan
        .steps
        .iter()
        .find(|step| step.subject.kind == "roleAssignment")
        .unwrap();
    let properties = grant.call.body.get("properties").unwrap();
    assert_eq!(
        properties.get("principalType").unwrap().as_str(),
        Some("ServicePrincipal")
    );
    assert_eq!(
        properties.get("principalId").unwrap().to_display_json(),
        json!("${app.principalId}"),
        "a symbolic principal"
    );
}

#[tokio::test(start_paused = true)]
async fn undeclared_grants_are_shown_and_not_changed() {
    let azure = Azure::new().await;
    azure.converge(&stack("")).await;
    let send_directly = grant_url(&group(), "5b1e6b0e-1111-4222-8333-123456789abc");
    azure
        .send_directly(
            Method::Put,
            &send_directly,
            Some(grant_body(USER_OBJECT_ID, "User", OWNER)),
        )
        .await;
    let plan = azure.plan(&stack("")).await;
    assert!(plan.is_empty(), "{:?}", steps(&plan));
    let [undeclared] = plan.remarks.undeclared.as_slice() else {
        panic!("{:?}", plan.remarks.undeclared)
    };
    assert_eq!(undeclared.key.to_string(), "group");
    assert_eq!(undeclared.grant.principal, USER_OBJECT_ID);
    assert_eq!(undeclared.grant.property("principalType"), Some("User"));
    assert!(undeclared.grant.property("createdOn").is_some());
}

/// The statuses of the requests to the directory since the log was cleared.
fn directory_statuses(azure: &Azure) -> Vec<u16> {
    let log = azure.simulator.log();
    let questions = log
        .iter()
        .filter(|entry| entry.url.contains("/directoryObjects/getByIds"));
    questions.filter_map(|entry| entry.status).collect()
}

/// A stack on whose group an undeclared identity and a user have grants. Returns the spec and the identity to delete.
async fn with_undeclared_grants(azure: &Azure) -> (String, String) {
    azure.converge(&stack("")).await;
    let undeclared = identity().replace("id-test", "id-undeclared") + "?api-version=2024-11-30";
    let place = json!({ "location": "westeurope" });
    let made = azure
        .send_directly(Method::Put, &undeclared, Some(place))
        .await;
    let principal = made["properties"]["principalId"].as_str().unwrap();
    for (name, principal, kind) in [
        (
            "5b1e6b0e-1111-4222-8333-000000000001",
            principal,
            "ServicePrincipal",
        ),
        (
            "5b1e6b0e-1111-4222-8333-000000000002",
            USER_OBJECT_ID,
            "User",
        ),
    ] {
        let body = grant_body(principal, kind, READER);
        azure
            .send_directly(Method::Put, &grant_url(&group(), name), Some(body))
            .await;
    }
    (undeclared, principal.to_owned())
}

fn existence(plan: &Plan, principal: &str) -> Existence {
    let mut undeclared = plan.remarks.undeclared.iter();
    undeclared
        .find(|undeclared| undeclared.grant.principal == principal)
        .unwrap()
        .principal
}

#[tokio::test(start_paused = true)]
async fn undeclared_grant_shows_whether_its_principal_exists() {
    let azure = Azure::new().await;
    let (undeclared, principal) = with_undeclared_grants(&azure).await;
    let plan = azure.plan(&stack("")).await;
    assert_eq!(existence(&plan, &principal), Existence::Exists);
    assert_eq!(existence(&plan, USER_OBJECT_ID), Existence::Exists);

    azure.send_directly(Method::Delete, &undeclared, None).await;
    azure.simulator.clear_log();
    let plan = azure.plan(&stack("")).await;
    assert_eq!(existence(&plan, &principal), Existence::Deleted);
    assert_eq!(existence(&plan, USER_OBJECT_ID), Existence::Exists);
    assert!(plan.is_empty() && plan.remarks.unread_directory.is_none());
    assert_eq!(directory_statuses(&azure), [200], "both in one request");
}

#[tokio::test(start_paused = true)]
async fn plan_succeeds_without_permission_to_read_the_directory() {
    let azure = Azure::new().await;
    let (undeclared, principal) = with_undeclared_grants(&azure).await;
    azure.send_directly(Method::Delete, &undeclared, None).await;
    let reader = azure.as_caller(Caller::Reader).await;
    azure.simulator.clear_log();
    let plan = reader.plan(&stack("")).await;
    assert_eq!(existence(&plan, &principal), Existence::Unknown);
    assert_eq!(
        plan.remarks.unread_directory.as_deref(),
        Some("the caller has no permission to read the directory")
    );
    assert_eq!(directory_statuses(&azure), [403], "requested once");
}

#[tokio::test(start_paused = true)]
async fn unavailable_directory_delays_a_plan_briefly_and_does_not_fail_it() {
    let azure = Azure::new().await;
    let (_, principal) = with_undeclared_grants(&azure).await;
    for fault in [Fault::ConnectionRefused, Fault::Delay(3_600_000)] {
        let faults = Faults::none();
        azure
            .simulator
            .set_faults(faults.on(Method::Post, "*getByIds", Occurrence::Every, fault));
        let before = azure.simulator.now();
        let plan = azure.plan(&stack("")).await;
        assert_eq!(existence(&plan, &principal), Existence::Unknown);
        assert!(plan.remarks.unread_directory.is_some());
        assert!(azure.simulator.now().since(before) <= 20_000);
    }
}

#[tokio::test(start_paused = true)]
async fn principals_of_the_spec_are_not_looked_up_in_the_directory() {
    let azure = Azure::new().await;
    azure.converge(&stack("")).await;
    for text in [stack(""), stack(", grants: authoritative")] {
        azure.converge(&text).await;
    }
    assert!(directory_statuses(&azure).is_empty());
}

#[tokio::test(start_paused = true)]
async fn deletion_of_an_undeclared_grant_shows_whether_its_principal_exists() {
    let azure = Azure::new().await;
    let (undeclared, principal) = with_undeclared_grants(&azure).await;
    azure.send_directly(Method::Delete, &undeclared, None).await;
    azure.simulator.clear_log();
    let plan = azure.plan(&stack(", grants: authoritative")).await;
    assert_eq!(directory_statuses(&azure), [200], "both in one request");
    let why = |principal: &str| {
        let mut steps = plan.steps.iter();
        let step = steps.find(|step| step.subject.key.to_string().ends_with(principal));
        step.unwrap().reason.clone()
    };
    let gone =
        format!("declares it: ServicePrincipal {principal}, which no longer exists, granted");
    assert!(why(&principal).contains(&gone), "{}", why(&principal));
    let there = format!("declares it: User {USER_OBJECT_ID}, granted");
    assert!(
        why(USER_OBJECT_ID).contains(&there),
        "{}",
        why(USER_OBJECT_ID)
    );
}

#[tokio::test(start_paused = true)]
async fn declared_grant_of_a_deleted_principal_is_reported_and_stays() {
    let azure = Azure::new().await;
    let (undeclared, principal) = with_undeclared_grants(&azure).await;
    let named = |principal: &str, kind: &str| {
        format!(
            "  other: {{ kind: roleAssignment, scope: \"${{group}}\", role: Reader, principal: {{ objectId: {principal}, type: {kind} }} }}\n"
        )
    };
    let text = stack("")
        + &named(&principal, "ServicePrincipal")
        + &named(USER_OBJECT_ID, "User").replace("other:", "person:");
    let plan = azure.plan(&text).await;
    assert!(plan.is_empty() && plan.remarks.orphaned.is_empty());

    azure.send_directly(Method::Delete, &undeclared, None).await;
    azure.simulator.clear_log();
    let plan = azure.plan(&text).await;
    assert!(plan.is_empty() && plan.remarks.undeclared.is_empty());
    let [orphaned] = plan.remarks.orphaned.as_slice() else {
        panic!("{:?}", plan.remarks.orphaned)
    };
    assert_eq!(orphaned.key.to_string(), "other/Reader");
    assert!(orphaned.holder().contains("which no longer exists"));
    assert_eq!(directory_statuses(&azure), [200]);
    assert_eq!(azure.writes(), []);
}

#[tokio::test(start_paused = true)]
async fn description_of_a_grant_is_preserved_before_the_ownership_marker() {
    let azure = Azure::new().await;
    azure
        .converge(&spec(
            "  app: { kind: userAssignedIdentity, name: id-test }\n",
        ))
        .await;
    let url = grant_url(&group(), "5b1e6b0e-1111-4222-8333-123456789abc");
    let mut body = grant_body(&principal(&azure).await, "ServicePrincipal", READER);
    body["properties"]["description"] = "Ask Ada first".into();
    azure.send_directly(Method::Put, &url, Some(body)).await;
    assert!(
        azure.plan(&stack("")).await.is_empty(),
        "accepted without changes"
    );

    let narrowed = stack("").replace("role: Reader", "role: Reader, condition: 'true'");
    let plan = azure.converge(&narrowed).await;
    assert_eq!(steps(&plan), [(Action::Adopt, "read/Reader".into())]);
    let changed: Vec<_> = plan.steps[0]
        .changes
        .iter()
        .map(|change| &change.path)
        .collect();
    let paths = [
        "properties.condition",
        "properties.conditionVersion",
        "properties.description",
    ];
    assert_eq!(changed, paths);
    let marked = "Ask Ada first\nlazuli-stack: test; read";
    let description = async || {
        let found = azure.send_directly(Method::Get, &url, None).await;
        unbound(found["properties"]["description"].as_str().unwrap())
    };
    assert_eq!(description().await, marked);
    assert!(azure.plan(&narrowed).await.is_empty());

    let wider = narrowed.replace("'true'", "'true || true'");
    assert_eq!(azure.converge(&wider).await.steps.len(), 1);
    assert_eq!(description().await, marked, "one ownership marker");
}

#[tokio::test(start_paused = true)]
async fn authoritative_scope_loses_undeclared_grants_except_inherited_ones_and_those_of_the_caller()
{
    let azure = Azure::new().await;
    let authoritative = stack(", grants: authoritative");
    azure.converge(&authoritative).await;
    let undeclared = grant_url(&group(), "5b1e6b0e-1111-4222-8333-123456789abc");
    azure
        .send_directly(
            Method::Put,
            &undeclared,
            Some(grant_body(USER_OBJECT_ID, "User", OWNER)),
        )
        .await;
    let callers = grant_url(&group(), "5b1e6b0e-1111-4222-8333-123456789abd");
    let caller = Caller::Owner.object_id();
    azure
        .send_directly(
            Method::Put,
            &callers,
            Some(grant_body(caller, "ServicePrincipal", OWNER)),
        )
        .await;
    azure.simulator.clear_log();

    let plan = azure.converge(&authoritative).await;
    assert_eq!(
        steps(&plan),
        [(Action::Delete, format!("group/grant of {USER_OBJECT_ID}"))]
    );
    let kept: Vec<_> = plan
        .remarks
        .kept
        .iter()
        .map(|kept| kept.key.to_string())
        .collect();
    assert_eq!(kept, [format!("group/grant of {caller}")]);
    assert_eq!(
        azure.writes().len(),
        1,
        "the grants of the subscription are not touched"
    );
    azure.send_directly(Method::Get, &callers, None).await;
    assert!(azure.plan(&authoritative).await.is_empty());
}
