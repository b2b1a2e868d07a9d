//! Deletions are confirmed by a GET immediately before: what is no longer the stack's own stays.

use lazuli_core::{
    graph::Names,
    plan::{Action, Consent, OrphanPolicy, Plan},
};
use lazuli_engine::{Failure, Report};
use lazuli_sim::{Fault, Faults, Method, Occurrence};
use serde_json::json;

use crate::{
    harness::{Azure, spec},
    marked::marked_tags,
};

const GROUP: &str = "/subscriptions/00000000-0000-0000-0000-0000000a2c05/resourceGroups/rg-test";
const IDENTITY: &str = "/subscriptions/00000000-0000-0000-0000-0000000a2c05/resourceGroups/rg-test/providers/\
     Microsoft.ManagedIdentity/userAssignedIdentities/id-test";
const ACCOUNT: &str = "/subscriptions/00000000-0000-0000-0000-0000000a2c05/resourceGroups/rg-test/providers/\
     Microsoft.Storage/storageAccounts/stlazulitest";

fn with_identity() -> String {
    spec("  id: { kind: userAssignedIdentity, name: id-test }\n")
}

fn consent_to_replace(name: &str) -> Consent {
    Consent {
        orphans: OrphanPolicy::List,
        replace: Names([name.to_owned()].into_iter().collect()),
    }
}

/// Sets or removes the ownership tag of a resource by hand.
async fn set_owner(azure: &Azure, id: &str, owner: Option<&str>) {
    let url = format!("{id}/providers/Microsoft.Resources/tags/default?api-version=2021-04-01");
    let tags = match owner {
        Some(stack) => marked_tags(stack, id),
        None => json!({}),
    };
    let body = json!({ "properties": { "tags": tags } });
    azure.send_directly(Method::Put, &url, Some(body)).await;
}

/// The requests to delete something, by the last segment of the id.
fn deletions(azure: &Azure) -> Vec<String> {
    let log = azure.simulator.log().into_iter();
    log.filter(|entry| entry.method == Method::Delete)
        .map(|entry| {
            let path = entry.url.split('?').next().unwrap();
            path.rsplit('/').next().unwrap().to_owned()
        })
        .collect()
}

/// The failures of a report: the entry and the message.
fn failures(plan: &Plan, report: &Report) -> Vec<(String, String)> {
    let failed = report.failures();
    failed
        .map(|(step, failure)| {
            assert!(matches!(failure, Failure::NotOwned(_)), "{failure}");
            (plan[step].subject.key.to_string(), failure.to_string())
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn destroy_keeps_what_is_taken_over_after_the_plan() {
    for (owner, message) in [
        (
            Some("other"),
            format!("not deleted: stack `other` owns {IDENTITY}"),
        ),
        (
            None,
            format!("not deleted: {IDENTITY} does not have the ownership marker of stack `test`"),
        ),
    ] {
        let azure = Azure::new().await;
        azure.converge(&with_identity()).await;
        let plan = azure.teardown(&with_identity()).await;
        set_owner(&azure, IDENTITY, owner).await;
        azure.simulator.clear_log();
        let report = azure.execute(&plan).await;
        assert_eq!(failures(&plan, &report), [("id".to_owned(), message)]);
        assert_eq!(
            deletions(&azure),
            [""; 0],
            "the group contains it and stays"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn prune_keeps_an_orphan_that_is_taken_over_after_the_plan() {
    let azure = Azure::new().await;
    azure.converge(&with_identity()).await;
    let plan = azure.plan_to_prune(&spec("")).await;
    set_owner(&azure, IDENTITY, Some("other")).await;
    azure.simulator.clear_log();
    let report = azure.execute(&plan).await;
    let [(entry, message)] = failures(&plan, &report).try_into().unwrap();
    assert_eq!(entry, "id-test");
    assert!(message.starts_with("not deleted: stack `other` owns "));
    assert_eq!(deletions(&azure), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn replacement_keeps_what_is_taken_over_after_the_plan() {
    let account = |extra: &str| {
        spec(&format!(
            "  store: {{ kind: storageAccount, name: stlazulitest, sku: Standard_LRS{extra} }}\n"
        ))
    };
    let azure = Azure::new().await;
    azure.converge(&account("")).await;
    let (plan, _) = azure
        .compare_with(
            &account(", isHnsEnabled: true"),
            &consent_to_replace("store"),
        )
        .await;
    assert_eq!(plan.steps[0].action, Action::Replace);
    set_owner(&azure, ACCOUNT, None).await;
    azure.simulator.clear_log();
    let report = azure.execute(&plan).await;
    assert_eq!(failures(&plan, &report).len(), 1);
    assert_eq!(deletions(&azure), [""; 0]);
    assert_eq!(azure.writes().len(), 0);
}

/// The role assignment has no marker of its own: the group says `authoritative`.
#[tokio::test(start_paused = true)]
async fn undeclared_role_assignment_is_deleted_only_while_the_stack_owns_its_scope() {
    let text = spec("").replace("name: rg-test }", "name: rg-test, grants: authoritative }");
    let assignment = format!(
        "{GROUP}/providers/Microsoft.Authorization/roleAssignments/7d0c1f0e-0000-4000-8000-0000000000bb?api-version=2022-04-01"
    );
    let body = |description: &str| {
        json!({ "properties": {
            "principalId": lazuli_sim::USER_OBJECT_ID,
            "principalType": "User",
            "description": description,
            "roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7",
        } })
    };
    let azure = Azure::new().await;
    azure.converge(&text).await;
    azure
        .send_directly(Method::Put, &assignment, Some(body("by hand")))
        .await;
    let plan = azure.plan(&text).await;
    assert_eq!(plan.steps.len(), 1);

    set_owner(&azure, GROUP, Some("other")).await;
    azure.simulator.clear_log();
    let report = azure.execute(&plan).await;
    let message = format!("not deleted: stack `other` owns {GROUP}");
    assert_eq!(failures(&plan, &report)[0].1, message);
    assert_eq!(deletions(&azure), [""; 0]);

    set_owner(&azure, GROUP, Some("test")).await;
    let foreign = body("Reads (lazuli-stack: other; access)");
    azure
        .send_directly(Method::Put, &assignment, Some(foreign))
        .await;
    azure.simulator.clear_log();
    let report = azure.execute(&plan).await;
    assert!(
        failures(&plan, &report)[0]
            .1
            .starts_with("not deleted: stack `other` owns ")
    );
    assert_eq!(deletions(&azure), [""; 0]);

    let plan = azure.plan(&text).await;
    let kept: Vec<&str> = plan.remarks.kept.iter().map(|kept| &*kept.why).collect();
    assert_eq!((plan.steps.len(), kept), (0, vec!["stack `other` owns it"]));
}

#[tokio::test(start_paused = true)]
async fn every_deletion_follows_a_get_of_the_same_resource() {
    let azure = Azure::new().await;
    azure.converge(&with_identity()).await;
    let plan = azure.teardown(&with_identity()).await;
    azure.simulator.clear_log();
    let refused = Faults::none().on(
        Method::Delete,
        "*/id-test",
        Occurrence::Nth(1),
        Fault::ResetBefore,
    );
    azure.simulator.set_faults(refused);
    assert!(azure.execute(&plan).await.is_complete());
    let path = |url: &str| url.split('?').next().unwrap().to_lowercase();
    let log = azure.simulator.log();
    let mut read = Vec::new();
    for entry in &log {
        match entry.method {
            Method::Get => read.push(path(&entry.url)),
            Method::Delete => assert!(read.contains(&path(&entry.url)), "{}", entry.url),
            _ => {}
        }
    }
    assert!(deletions(&azure).len() >= 2);
}

#[tokio::test(start_paused = true)]
async fn unmarked_resource_is_not_replaced() {
    let account = |extra: &str| {
        spec(&format!(
            "  store: {{ kind: storageAccount, name: stlazulitest, sku: Standard_LRS{extra} }}\n"
        ))
    };
    let azure = Azure::new().await;
    azure.converge(&account("")).await;
    set_owner(&azure, ACCOUNT, None).await;
    let consent = consent_to_replace("store");
    let (plan, found) = azure
        .compare_with(&account(", isHnsEnabled: true"), &consent)
        .await;
    assert!(plan.is_empty());
    let mut found = found.iter();
    let diagnostic = found.next().expect("the plan is rejected");
    let help = diagnostic.help.as_deref().unwrap_or_default();
    assert!(help.contains("lacks the ownership marker"), "{help}");
}

#[tokio::test(start_paused = true)]
async fn replacements_count_among_the_deletions_of_a_stack() {
    let entries = |extra: &str| {
        spec(&format!(
            "  store: {{ kind: storageAccount, name: stlazulitest, sku: Standard_LRS{extra} }}\n\
             \x20 first: {{ kind: userAssignedIdentity, name: id-first }}\n\
             \x20 reads: {{ kind: roleAssignment, principal: \"${{first}}\", scope: \"${{store}}\", role: Reader }}\n"
        ))
    };
    let azure = Azure::new().await;
    azure.converge(&entries("")).await;
    let (plan, found) = azure
        .compare_with(
            &entries(", isHnsEnabled: true"),
            &consent_to_replace("store"),
        )
        .await;
    assert!(!found.has_errors(), "{found:?}");
    assert_eq!(
        plan.remarks.mass_deletions,
        [],
        "the account and the role assignment on it: 2 of 4"
    );
    let less = entries(", isHnsEnabled: true");
    let less: String = less
        .lines()
        .filter(|line| !line.contains("reads:") && !line.contains("first:"))
        .map(|line| format!("{line}\n"))
        .collect();
    let consent = Consent {
        orphans: OrphanPolicy::Prune,
        ..consent_to_replace("store")
    };
    let (plan, found) = azure.compare_with(&less, &consent).await;
    assert!(!found.has_errors(), "{found:?}");
    let [deletion] = plan.remarks.mass_deletions.as_slice() else {
        panic!("{:?}", plan.remarks.mass_deletions);
    };
    assert_eq!((deletion.going, deletion.owned), (3, 4));
}

/// The entry moved to another identity: the old one still exists and may need its role assignment.
#[tokio::test(start_paused = true)]
async fn role_assignment_of_an_identity_that_still_exists_is_an_orphan() {
    let entries = |identity: &str| {
        spec(&format!(
            "  id: {{ kind: userAssignedIdentity, name: {identity} }}\n\
             \x20 reads: {{ kind: roleAssignment, principal: \"${{id}}\", scope: \"${{group}}\", role: Reader }}\n"
        ))
    };
    let azure = Azure::new().await;
    azure.converge(&entries("id-test")).await;
    azure.converge(&entries("id-other")).await;
    let plan = azure.plan(&entries("id-other")).await;
    assert!(plan.is_empty(), "{:#?}", plan.steps);
    let orphans: Vec<&str> = plan.remarks.orphans.iter().map(|one| &*one.what).collect();
    assert_eq!(orphans, ["roleAssignment", "userAssignedIdentity"]);

    let plan = azure.plan_to_prune(&entries("id-other")).await;
    assert_eq!(plan.count(Action::Delete), 2, "{:#?}", plan.steps);
    assert!(azure.execute(&plan).await.is_complete());
    let plan = azure.plan(&entries("id-other")).await;
    assert!(plan.is_empty() && plan.remarks.orphans.is_empty());
}

/// A 404 of a proxy says nothing about the resource: neither that it must be created nor that it is deleted.
#[tokio::test(start_paused = true)]
async fn not_found_of_a_proxy_is_not_absence() {
    let azure = Azure::new().await;
    azure.converge(&with_identity()).await;
    let proxy = |method| {
        let faults = Faults::none();
        faults.on(method, "*id-test", Occurrence::Nth(1), Fault::ProxyNotFound)
    };
    azure.simulator.set_faults(proxy(Method::Get));
    let plan = azure.plan(&with_identity()).await;
    assert!(plan.is_empty(), "{:#?}", plan.steps);

    let plan = azure.teardown(&with_identity()).await;
    azure.simulator.set_faults(proxy(Method::Delete));
    assert!(azure.execute(&plan).await.is_complete());
    assert!(azure.teardown(&with_identity()).await.is_empty());
    azure.simulator.clear_log();
    let group = format!("{GROUP}?api-version=2025-04-01");
    let token = azure.simulator.token(lazuli_sim::Caller::Owner);
    let request = lazuli_sim::Request::new(Method::Get, &group).with_bearer(&token);
    let response = azure.simulator.send(request).await.unwrap();
    assert_eq!(response.status, 404, "the group is really deleted");
}

/// Otherwise the step would succeed, and what depends on the deletion would begin.
#[tokio::test(start_paused = true)]
async fn one_stale_read_before_a_deletion_does_not_skip_it() {
    let azure = Azure::new().await;
    azure.converge(&with_identity()).await;
    let plan = azure.teardown(&with_identity()).await;
    azure.simulator.clear_log();
    let stale = Faults::none().on(
        Method::Get,
        "*/id-test",
        Occurrence::Nth(1),
        Fault::StaleRead,
    );
    azure.simulator.set_faults(stale);
    assert!(azure.execute(&plan).await.is_complete());
    assert!(deletions(&azure).contains(&"id-test".to_owned()));
}

/// An identity that is gone would otherwise leave a role assignment that keeps its custom role.
#[tokio::test(start_paused = true)]
async fn destroy_deletes_the_role_assignment_of_an_identity_that_is_gone() {
    let text = spec(
        "  id: { kind: userAssignedIdentity, name: id-test }\n\
         \x20 role: { kind: roleDefinition, name: Watcher, actions: ['*/read'] }\n\
         \x20 access: { kind: roleAssignment, principal: \"${id}\", scope: \"${group}\", role: \"${role}\" }\n",
    );
    let azure = Azure::new().await;
    azure.converge(&text).await;
    let url = format!("{IDENTITY}?api-version=2024-11-30");
    azure.send_directly(Method::Delete, &url, None).await;
    let plan = azure.teardown(&text).await;
    assert_eq!(plan.count(Action::Delete), 3, "{:#?}", plan.steps);
    assert!(azure.execute(&plan).await.is_complete());
    assert_eq!(azure.teardown(&text).await.remarks.orphans, []);
}
