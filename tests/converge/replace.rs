//! Replacement of resources with immutable changes: only by name, with contained and attached resources.

use lazuli_core::{
    diagnostic::Code,
    graph::Names,
    plan::{Action, Consent, Plan},
};
use lazuli_sim::{Method, SUBSCRIPTION};
use serde_json::json;

use crate::harness::{Azure, graph, spec};

const STACK: &str = "  app: { kind: userAssignedIdentity, name: id-test }
  data: { kind: storageAccount, name: sttest, sku: Standard_LRS, isHnsEnabled: false, containers: { video: {} } }
  read: { kind: roleAssignment, principal: \"${app}\", scope: \"${data}\", role: Reader }
  group-read: { kind: roleAssignment, principal: \"${app}\", scope: \"${group}\", role: Reader }
";

fn stack_with_hierarchical_namespace() -> String {
    spec(&STACK.replace("isHnsEnabled: false", "isHnsEnabled: true"))
}

/// The stack with one of its entries in another region.
fn stack_with_moved_entry(name: &str) -> String {
    let here = format!("name: {name} }}");
    spec(STACK).replace(&here, &format!("name: {name}, location: northeurope }}"))
}

fn allow(names: &[&str]) -> Consent {
    Consent {
        replace: Names(names.iter().map(|name| (*name).to_owned()).collect()),
        ..Consent::default()
    }
}

fn steps(plan: &Plan) -> Vec<(Action, String)> {
    let steps = plan.steps.iter();
    steps
        .map(|step| (step.action, step.subject.key.to_string()))
        .collect()
}

/// The help of the diagnostic for an entry when only these names are allowed.
async fn help(azure: &Azure, text: &str, names: &[&str], entry: &str) -> String {
    let (_, found) = azure.compare_with(text, &allow(names)).await;
    let of_entry = format!("of `{entry}` is fixed at creation");
    let diagnostic = found
        .iter()
        .find(|diagnostic| diagnostic.message.ends_with(&of_entry));
    let diagnostic = diagnostic.unwrap_or_else(|| panic!("{found:#?}"));
    assert_eq!(diagnostic.code, Code::Immutable);
    diagnostic.help.clone().unwrap()
}

async fn replace(azure: &Azure, text: &str, names: &[&str]) -> Plan {
    let (plan, found) = azure.compare_with(text, &allow(names)).await;
    assert!(!found.has_errors(), "{found:#?}");
    let report = azure.execute(&plan).await;
    let failures: Vec<_> = report.failures().map(|(_, why)| why.to_string()).collect();
    assert!(report.is_complete(), "{failures:#?}");
    let after = azure.plan(text).await;
    assert!(after.is_empty(), "{:#?}", after.steps);
    plan
}

#[tokio::test(start_paused = true)]
async fn replacement_without_consent_is_an_error_that_names_the_option() {
    let azure = Azure::new().await;
    azure.converge(&spec(STACK)).await;
    azure.simulator.clear_log();
    assert_eq!(
        help(&azure, &stack_with_hierarchical_namespace(), &[], "data").await,
        "set the live value, or delete and recreate the resource: --allow-replace data; its data is lost; \
         deleted and recreated with it: data/containers/video, read/Reader"
    );
    assert_eq!(azure.writes(), []);
}

#[tokio::test(start_paused = true)]
async fn replacement_by_name_includes_contained_and_attached_resources() {
    let azure = Azure::new().await;
    azure.converge(&spec(STACK)).await;
    let plan = replace(&azure, &stack_with_hierarchical_namespace(), &["data"]).await;
    assert_eq!(
        steps(&plan),
        [
            (Action::Replace, "data".to_owned()),
            (Action::Create, "data/containers/video".into()),
            (Action::Create, "read/Reader".into()),
        ]
    );
    assert_eq!(
        plan.steps[0].reason,
        "`isHnsEnabled` is fixed at creation; its data is lost; deleted and recreated with it: \
         data/containers/video, read/Reader"
    );
    assert_eq!(
        plan.steps[1].reason,
        "it is deleted with `data`, which is replaced"
    );
}

#[tokio::test(start_paused = true)]
async fn replaced_identity_gets_new_grants_and_the_old_ones_are_deleted() {
    let azure = Azure::new().await;
    azure.converge(&spec(STACK)).await;
    let plan = replace(&azure, &stack_with_moved_entry("id-test"), &["app"]).await;
    let actual = steps(&plan);
    assert_eq!(actual[0], (Action::Replace, "app".to_owned()));
    assert_eq!(plan.count(Action::Create), 2, "{actual:?}");
    assert_eq!(plan.count(Action::Delete), 2, "{actual:?}");
}

#[tokio::test(start_paused = true)]
async fn data_and_protected_resources_are_replaced_only_by_their_own_name() {
    let azure = Azure::new().await;
    let entries = |hns: bool, more: &str| {
        spec(&format!(
            "  events: {{ kind: storageAccount, forEach: [a, b], name: \"stevents${{each.key}}\", sku: Standard_LRS, isHnsEnabled: {hns} }}\n\
             \x20 ids: {{ kind: userAssignedIdentity, forEach: [a, b], name: \"id-${{each.key}}\"{more} }}\n"
        ))
    };
    azure.converge(&entries(false, "")).await;
    assert_eq!(
        help(&azure, &entries(true, ""), &["events"], "events[a]").await,
        "`events[a]` can hold data and must be allowed by its own name: --allow-replace 'events[a]'"
    );
    let names = ["events[a]", "test:events[b]"];
    replace(&azure, &entries(true, ""), &names).await;

    // Resources without data are covered by the name of their entry unless they are protected.
    replace(&azure, &entries(true, ", location: northeurope"), &["ids"]).await;
    let protected = entries(true, ", location: westus, protect: true");
    let text = help(&azure, &protected, &["ids"], "ids[a]").await;
    assert!(text.starts_with("`ids[a]` is protected and"), "{text}");
    replace(&azure, &protected, &["ids[a]", "ids[b]"]).await;
}

#[tokio::test(start_paused = true)]
async fn resources_of_other_stacks_are_not_replaced() {
    let azure = Azure::new().await;
    azure.converge(&spec(STACK)).await;
    let account = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-test/providers/Microsoft.Storage/storageAccounts/sttest?api-version=2025-06-01"
    );
    let tagged = async |tags| {
        let body = json!({ "tags": tags });
        azure
            .send_directly(Method::Patch, &account, Some(body))
            .await
    };
    tagged(json!({ "lazuli-stack": "doors" })).await;
    let (_, found) = azure
        .compare_with(&stack_with_hierarchical_namespace(), &allow(&["data"]))
        .await;
    let codes: Vec<_> = found.iter().map(|diagnostic| diagnostic.code).collect();
    assert_eq!(codes, [Code::ForeignOwner]);
}

#[tokio::test(start_paused = true)]
async fn replaced_group_includes_only_named_resources_of_the_stack() {
    let azure = Azure::new().await;
    azure.converge(&spec(STACK)).await;
    let moved = stack_with_moved_entry("rg-test");
    let text = help(&azure, &moved, &["group"], "group").await;
    assert!(text.contains("`data` can hold data"), "{text}");
    let url = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-test/providers/Microsoft.ManagedIdentity/userAssignedIdentities/by-hand?api-version=2024-11-30"
    );
    let body = json!({ "location": "westeurope" });
    azure.send_directly(Method::Put, &url, Some(body)).await;
    let names = ["group", "data"];
    let text = help(&azure, &moved, &names, "group").await;
    assert!(text.ends_with("which are never deleted: by-hand"), "{text}");
    azure.send_directly(Method::Delete, &url, None).await;
    let plan = replace(&azure, &moved, &names).await;
    assert_eq!(steps(&plan)[0], (Action::Replace, "group".to_owned()));
    assert_eq!(plan.count(Action::Replace), 1);
}

#[tokio::test(start_paused = true)]
async fn rerun_completes_a_replacement_interrupted_after_the_deletion() {
    let azure = Azure::new().await;
    azure.converge(&spec(STACK)).await;
    let (plan, _) = azure
        .compare_with(&stack_with_hierarchical_namespace(), &allow(&["data"]))
        .await;
    let account = plan.steps[0].call.target.resolve(&|_| None).unwrap();
    let url = format!("{account}?api-version=2025-06-01");
    azure.send_directly(Method::Delete, &url, None).await;
    let plan = azure.converge(&stack_with_hierarchical_namespace()).await;
    assert_eq!(plan.count(Action::Create), 3, "{:?}", steps(&plan));
    assert!(
        azure
            .plan(&stack_with_hierarchical_namespace())
            .await
            .is_empty()
    );
}

#[test]
fn unknown_name_is_an_error_with_a_suggestion() {
    let graph = graph(&spec(STACK));
    let names = allow(&["dat", "data", "test:app"]).replace;
    let found = names.report_unknown(&graph, "--allow-replace");
    let diagnostics: Vec<_> = found.iter().collect();
    assert_eq!(diagnostics.len(), 1);
    assert_eq!(
        diagnostics[0].message,
        "`dat` of --allow-replace is not in the specs"
    );
    assert_eq!(diagnostics[0].help.as_deref(), Some("did you mean `data`?"));
}

#[tokio::test(start_paused = true)]
async fn generic_resource_is_replaced_when_its_location_changes() {
    let azure = Azure::new().await;
    let at = |location: &str| {
        spec(&format!(
            "  web: {{ kind: resource, type: Microsoft.Web/serverfarms@2024-04-01, name: web, location: {location} }}\n"
        ))
    };
    azure.converge(&at("westeurope")).await;
    assert!(azure.plan(&at("West Europe")).await.is_empty());
    let actual = help(&azure, &at("northeurope"), &[], "web").await;
    assert!(actual.contains("--allow-replace web"), "{actual}");
    let plan = replace(&azure, &at("northeurope"), &["web"]).await;
    assert_eq!(steps(&plan), [(Action::Replace, "web".to_owned())]);
}
