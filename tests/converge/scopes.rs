//! Grants on scopes of every kind, with ids in any case, and the optional properties of grants.

use lazuli_core::{
    diagnostic::Code,
    plan::{Action, Plan},
};
use lazuli_sim::{Caller, Method, SUBSCRIPTION, WorldOptions};
use serde_json::{Value as Json, json};

use crate::{
    harness::{Azure, spec},
    marked::unbound,
};

const GROUPS: &str = "/providers/Microsoft.Management/managementGroups";
const AUTHORIZATION: &str = "providers/Microsoft.Authorization";

fn group() -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-test")
}

fn account() -> String {
    format!(
        "{}/providers/Microsoft.Storage/storageAccounts/stscopes",
        group()
    )
}

/// The id with another case in every segment that is not a name.
fn with_odd_case(id: &str) -> String {
    [
        ("/subscriptions/", "/SUBSCRIPTIONS/"),
        ("/resourceGroups/", "/resourcegroups/"),
        ("/providers/", "/Providers/"),
        ("Microsoft.", "MICROSOFT."),
        ("/storageAccounts/", "/storageaccounts/"),
        ("/blobServices/default/", "/BlobServices/Default/"),
        ("/managementGroups/", "/managementgroups/"),
    ]
    .iter()
    .fold(id.to_owned(), |id, (word, other)| id.replace(word, other))
}

/// A world with a management group, and an account of a stack that has a foreign extension resource.
async fn world_with_scopes() -> Azure {
    let azure = Azure::new().await;
    azure.converge(&base()).await;
    create_management_group(&azure, "platform", None).await;
    azure
        .send_directly(
            Method::Put,
            &format!("{}?api-version=2021-05-01-preview", extension()),
            Some(json!({ "properties": {} })),
        )
        .await;
    azure
}

/// Creates a management group and waits until it is ready.
async fn create_management_group(azure: &Azure, name: &str, parent: Option<&str>) {
    let url = format!("{GROUPS}/{name}?api-version=2020-05-01");
    let parent = parent.map(|parent| json!({ "id": format!("{GROUPS}/{parent}") }));
    let body = json!({ "properties": { "details": { "parent": parent } } });
    azure.send_directly(Method::Put, &url, Some(body)).await;
    tokio::time::sleep(std::time::Duration::from_secs(10)).await;
    azure.send_directly(Method::Get, &url, None).await;
}

fn extension() -> String {
    format!(
        "{}/providers/Microsoft.Insights/diagnosticSettings/audit",
        account()
    )
}

/// One scope of every kind: a resource, its child resource, its extension resource, and all parents.
fn scopes() -> [String; 6] {
    [
        account(),
        format!("{}/blobServices/default/containers/video", account()),
        extension(),
        group(),
        format!("/subscriptions/{SUBSCRIPTION}"),
        format!("{GROUPS}/platform"),
    ]
}

fn base() -> String {
    spec(
        "  app: { kind: userAssignedIdentity, name: id-test }\n\
         \x20 data: { kind: storageAccount, name: stscopes, sku: Standard_LRS, containers: { video: {} } }\n",
    )
}

fn stack_with_grant(scope: &str, more: &str) -> String {
    base()
        + &format!(
            "  read: {{ kind: roleAssignment, principal: \"${{app}}\", scope: \"{scope}\", role: Reader{more} }}\n"
        )
}

fn actions(plan: &Plan) -> Vec<(Action, String)> {
    plan.steps
        .iter()
        .map(|step| (step.action, step.subject.key.to_string()))
        .collect()
}

/// The live grants of the stack directly on a scope.
async fn grants_on(azure: &Azure, scope: &str) -> Vec<Json> {
    let url = format!("{scope}/{AUTHORIZATION}/roleAssignments?api-version=2022-04-01");
    let found = azure.send_directly(Method::Get, &url, None).await;
    let own = |grant: &&Json| {
        let properties = &grant["properties"];
        let text = |name: &str| properties[name].as_str().unwrap_or_default().to_owned();
        text("scope").eq_ignore_ascii_case(scope) && text("description").contains("lazuli-stack")
    };
    let all = found["value"].as_array().unwrap();
    all.iter().filter(own).cloned().collect()
}

fn id(grant: &Json) -> String {
    format!("{}?api-version=2022-04-01", grant["id"].as_str().unwrap())
}

/// Asserts the lifecycle of a grant on a scope: created once, drift is restored, deleted with the stack.
async fn assert_lifecycle(azure: &Azure, scope: &str) {
    let text = stack_with_grant(&with_odd_case(scope), "");
    azure.simulator.clear_log();
    let plan = azure.converge(&text).await;
    let step = (Action::Create, "read/Reader".to_owned());
    assert_eq!(actions(&plan), std::slice::from_ref(&step), "{scope}");
    assert_eq!(azure.writes().len(), 1, "{scope}");
    let [made] = &grants_on(azure, scope).await[..] else {
        panic!("one grant on {scope}")
    };

    azure.simulator.clear_log();
    assert!(azure.plan(&text).await.is_empty(), "{scope}");
    assert!(
        azure.plan(&stack_with_grant(scope, "")).await.is_empty(),
        "{scope}"
    );
    azure.converge(&text).await;
    assert_eq!(azure.writes(), [], "{scope}");

    azure.send_directly(Method::Delete, &id(made), None).await;
    let plan = azure.converge(&text).await;
    assert_eq!(actions(&plan), [step], "{scope}");
    let [again] = &grants_on(azure, scope).await[..] else {
        panic!("one grant on {scope}")
    };
    assert_eq!(again["name"], made["name"], "the name is stable");
    assert!(azure.plan(&text).await.is_empty(), "{scope}");
    azure.send_directly(Method::Delete, &id(made), None).await;
}

#[tokio::test(start_paused = true)]
async fn grants_work_on_scopes_of_every_kind() {
    let azure = world_with_scopes().await;
    for scope in scopes() {
        assert_lifecycle(&azure, &scope).await;
    }
}

#[tokio::test(start_paused = true)]
async fn grant_on_a_part_of_an_entry_depends_on_the_part() {
    let azure = Azure::new().await;
    let text = stack_with_grant("${data}/BlobServices/Default/containers/VIDEO", "");
    let plan = azure.converge(&text).await;
    let named = |key: &str| {
        let mut steps = plan.steps.iter();
        steps
            .find(|step| step.subject.key.to_string() == key)
            .unwrap()
    };
    let container = named("data/containers/video").id;
    assert!(named("read/Reader").after.contains(&container));
    azure.simulator.clear_log();
    assert!(azure.plan(&text).await.is_empty());
    let down = azure.teardown(&text).await;
    assert!(azure.execute(&down).await.is_complete());
    assert!(azure.teardown(&text).await.steps.is_empty());
}

#[tokio::test(start_paused = true)]
async fn destroy_deletes_every_grant() {
    let azure = world_with_scopes().await;
    let scopes = scopes();
    let grants = scopes.iter().enumerate().map(|(at, scope)| {
        format!(
            "  on{at}: {{ kind: roleAssignment, principal: \"${{app}}\", scope: \"{}\", role: Reader }}\n",
            with_odd_case(scope)
        )
    });
    let text = base() + &grants.collect::<String>();
    azure.converge(&text).await;
    azure.simulator.clear_log();
    assert!(azure.plan(&text).await.is_empty());
    let lists = azure.simulator.log();
    let lists = lists
        .iter()
        .filter(|entry| entry.url.contains("/roleAssignments?"));
    assert_eq!(lists.count(), 2, "subscription and management group");

    let down = azure.teardown(&text).await;
    let gone = down
        .steps
        .iter()
        .filter(|step| step.subject.kind == "roleAssignment");
    assert_eq!(gone.count(), scopes.len());
    azure.simulator.clear_log();
    assert!(azure.execute(&down).await.is_complete());
    let deleted = azure.writes();
    let deleted = deleted.iter().filter(|entry| {
        entry.method == Method::Delete
            && entry.url.contains("/roleAssignments/")
            && entry.status == Some(200)
    });
    assert_eq!(deleted.count(), scopes.len());
    assert!(azure.teardown(&text).await.is_empty());
    for scope in &scopes[4..] {
        assert_eq!(
            grants_on(&azure, scope).await,
            Vec::<Json>::new(),
            "{scope}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn cross_tenant_grant_with_a_condition_sends_all_properties() {
    let azure = world_with_scopes().await;
    let condition = "@Resource[Microsoft.Storage/storageAccounts/blobServices/containers:name] StringEquals 'video'";
    let identity = format!(
        "{}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-test",
        group()
    );
    let more = |condition: &str, delegated: &str| {
        format!(
            ", condition: \"{condition}\", conditionVersion: '2.0', description: Watches, \
             delegatedManagedIdentityResourceId: \"{delegated}\""
        )
    };
    let text = stack_with_grant(&account(), &more(condition, &identity));
    azure.converge(&text).await;
    let [made] = &grants_on(&azure, &account()).await[..] else {
        panic!("one grant")
    };
    let properties = &made["properties"];
    assert_eq!(properties["condition"], condition);
    assert_eq!(properties["conditionVersion"], "2.0");
    assert_eq!(
        unbound(properties["description"].as_str().unwrap()),
        "Watches (lazuli-stack: test; read)"
    );
    assert_eq!(properties["delegatedManagedIdentityResourceId"], identity);

    let same = stack_with_grant(
        &with_odd_case(&account()),
        &more(condition, &with_odd_case(&identity)),
    );
    for text in [&text, &same] {
        azure.simulator.clear_log();
        azure.converge(text).await;
        assert_eq!(azure.writes(), []);
    }

    let narrower = condition.replace("video", "audio");
    let plan = azure
        .converge(&stack_with_grant(&account(), &more(&narrower, &identity)))
        .await;
    assert_eq!(actions(&plan), [(Action::Update, "read/Reader".into())]);
    assert_eq!(plan.steps[0].changes[0].path, "properties.condition");
    let kept = &grants_on(&azure, &account()).await[0]["properties"];
    assert_eq!(kept["condition"], *narrower);
    assert_eq!(kept["delegatedManagedIdentityResourceId"], identity);

    let other = stack_with_grant(&account(), &more(&narrower, &format!("{identity}-2")));
    let (_, found) = azure.compare(&other).await;
    let codes: Vec<_> = found.iter().map(|diagnostic| diagnostic.code).collect();
    assert_eq!(codes, [Code::Immutable], "it belongs to the grant for good");
}

#[tokio::test(start_paused = true)]
async fn role_of_a_management_group_is_assignable_on_it_and_below() {
    let azure = Azure::with_options(WorldOptions {
        role_replication: 7_000,
        ..WorldOptions::default()
    })
    .await;
    create_management_group(&azure, "platform", None).await;
    create_management_group(&azure, "landing", Some("platform")).await;
    let member = format!("{GROUPS}/landing/subscriptions/{SUBSCRIPTION}?api-version=2020-05-01");
    azure.send_directly(Method::Put, &member, None).await;
    let text = base()
        + &format!(
            "  auditor: {{ kind: roleDefinition, name: Auditor, actions: [\"*/read\"], assignableScopes: [\"{GROUPS}/platform\"] }}\n\
             \x20 above: {{ kind: roleAssignment, principal: \"${{app}}\", scope: \"{GROUPS}/landing\", role: \"${{auditor}}\" }}\n\
             \x20 below: {{ kind: roleAssignment, principal: \"${{app}}\", scope: \"${{data}}\", role: Auditor }}\n"
        );
    azure.converge(&text).await;
    let orphans = azure.plan(&text).await.remarks.orphans;
    assert_eq!(
        orphans,
        [],
        "lists in a subscription spell the id of the role differently"
    );
    azure.simulator.clear_log();
    assert!(azure.plan(&text).await.is_empty());
    assert_eq!(azure.writes(), []);
    let url = format!(
        "{GROUPS}/landing/{AUTHORIZATION}/roleDefinitions?api-version=2022-04-01&$filter=roleName%20eq%20'Auditor'"
    );
    let found = azure.send_directly(Method::Get, &url, None).await;
    assert_eq!(found["value"].as_array().unwrap().len(), 1);
    let down = azure.teardown(&text).await;
    assert!(azure.execute(&down).await.is_complete());
    assert!(azure.teardown(&text).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn inherited_grant_of_a_management_group_is_never_changed() {
    let azure = Azure::new().await;
    create_management_group(&azure, "platform", None).await;
    let member = format!("{GROUPS}/platform/subscriptions/{SUBSCRIPTION}?api-version=2020-05-01");
    azure.send_directly(Method::Put, &member, None).await;
    let text = spec("").replace("name: rg-test }", "name: rg-test, grants: authoritative }");
    azure.converge(&text).await;
    let inherited = format!(
        "{GROUPS}/platform/{AUTHORIZATION}/roleAssignments/5b1e6b0e-1111-4222-8333-000000000001?api-version=2022-04-01"
    );
    let body = json!({ "properties": {
        "principalId": Caller::Reader.object_id(),
        "principalType": "ServicePrincipal",
        "roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7",
    }});
    azure
        .send_directly(Method::Put, &inherited, Some(body))
        .await;
    let list = format!(
        "{}/{AUTHORIZATION}/roleAssignments?api-version=2022-04-01",
        group()
    );
    let shown = azure
        .send_directly(Method::Get, &list, None)
        .await
        .to_string();
    assert!(
        shown.contains("5b1e6b0e-1111-4222-8333-000000000001"),
        "inherited"
    );
    azure.simulator.clear_log();
    let plan = azure.plan(&text).await;
    assert!(
        plan.is_empty() && plan.remarks.undeclared.is_empty(),
        "{:?}",
        actions(&plan)
    );
    assert_eq!(azure.writes(), []);
}
