//! Management locks: reported before any write, never deleted unless the stack owns them, created last, deleted first.

use std::collections::BTreeSet;

use lazuli_arm::ErrorKind;
use lazuli_core::{
    live::{Live, UnreadLocks},
    plan::{
        Plan, list_reads_to_destroy,
        locks::{LockOwner, Obstacle, obstacles},
    },
    reads,
};
use lazuli_engine::{Failure, Report, observe};
use lazuli_reconcile::{Difference, Intent};
use lazuli_sim::{Caller, Fault, Faults, Method, Occurrence, SUBSCRIPTION, WorldOptions};
use serde_json::json;

use crate::{
    harness::{Azure, CATALOG, graph, spec},
    marked::unbound,
};

const LOCKS: &str = "providers/Microsoft.Authorization/locks";

/// An account with a container, and an identity that may read it.
fn stack() -> String {
    spec(
        "  data: { kind: storageAccount, name: stlocks, sku: Standard_LRS, containers: { cam: {} } }\n\
         \x20 id: { kind: userAssignedIdentity, name: id-test }\n\
         \x20 access: { kind: roleAssignment, principal: \"${id}\", scope: \"${data}\", role: Reader }\n",
    )
}

/// The same stack with a lock.
fn stack_with_lock(scope: &str, level: &str) -> String {
    stack()
        + &format!(
            "  keep: {{ kind: managementLock, name: keep, scope: \"{scope}\", level: {level} }}\n"
        )
}

fn group() -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-test")
}

fn account() -> String {
    format!(
        "{}/providers/Microsoft.Storage/storageAccounts/stlocks",
        group()
    )
}

/// Creates a lock outside of lazuli.
async fn create_lock(azure: &Azure, scope: &str, name: &str, level: &str) {
    let body = json!({ "properties": { "level": level, "notes": "Ask Ada" } });
    let url = format!("{scope}/{LOCKS}/{name}?api-version=2020-05-01");
    azure.send_directly(Method::Put, &url, Some(body)).await;
}

async fn read_live(azure: &Azure, text: &str) -> Live {
    let graph = graph(text);
    let reads = list_reads_to_destroy(&graph, CATALOG.registry.child_types);
    let mut live = observe(&azure.client, &graph, &reads)
        .await
        .expect("reads work");
    live.set_child_types(CATALOG.registry.child_types);
    live
}

/// A plan, the locks that block it, and the scopes with unreadable locks.
struct LockedPlan {
    plan: Plan,
    obstacles: Vec<Obstacle>,
    unread: Vec<UnreadLocks>,
}

impl LockedPlan {
    async fn for_apply(azure: &Azure, text: &str) -> Self {
        Self::for_intent(azure, text, Intent::converge()).await
    }

    async fn for_destroy(azure: &Azure, text: &str) -> Self {
        Self::for_intent(azure, text, Intent::destroy()).await
    }

    async fn for_intent(azure: &Azure, text: &str, intent: Intent) -> Self {
        let Difference { plan, live, .. } = azure.difference(text, &intent).await;
        Self {
            obstacles: obstacles(&plan, &graph(text), &live),
            unread: live.unread_locks().to_vec(),
            plan,
        }
    }

    /// The steps that the only blocking lock blocks.
    fn blocked(&self) -> Vec<String> {
        let [obstacle] = self.obstacles.as_slice() else {
            panic!("{:#?}", self.obstacles)
        };
        let name =
            |step: &lazuli_core::plan::StepId| self.plan.steps[step.0].subject.key.to_string();
        obstacle.blocks.iter().map(name).collect()
    }

    /// Asserts that the steps that failed because of a lock are exactly those that were reported before.
    fn assert_predicted(&self, report: &Report) {
        let reported: BTreeSet<_> = self
            .obstacles
            .iter()
            .flat_map(|one| &one.blocks)
            .copied()
            .collect();
        let failures: Vec<_> = report.failures().collect();
        assert!(!failures.is_empty());
        for (step, failure) in failures {
            let Failure::Arm(error) = failure else {
                panic!("{failure}")
            };
            assert_eq!(error.kind, ErrorKind::Locked);
            assert!(
                reported.contains(&step),
                "{}",
                self.plan.steps[step.0].subject.key
            );
        }
        let not_done = report.failures().count() + report.not_started().count();
        assert!(reported.len() <= not_done);
        assert_eq!(report.done() + not_done, self.plan.steps.len());
    }
}

/// The method and last path segment of each write; for locks, the segment after `locks/`.
fn writes(azure: &Azure) -> Vec<String> {
    let name = |url: &str| {
        let path = url.split('?').next().unwrap_or_default();
        path.rsplit('/').next().unwrap_or_default().to_owned()
    };
    azure
        .writes()
        .iter()
        .map(|entry| format!("{} {}", entry.method.as_str(), name(&entry.url)))
        .collect()
}

fn lock_reads(azure: &Azure) -> Vec<String> {
    let log = azure.simulator.log().into_iter();
    log.filter(|entry| entry.method == Method::Get && entry.url.contains(LOCKS))
        .map(|entry| entry.url)
        .collect()
}

#[tokio::test(start_paused = true)]
async fn foreign_delete_lock_is_reported_blocks_the_deletion_and_stays() {
    let azure = Azure::new().await;
    azure.converge(&stack()).await;
    create_lock(&azure, &account(), "hands-off", "CanNotDelete").await;

    let changed = stack().replace("Standard_LRS", "Standard_GRS");
    let apply = LockedPlan::for_apply(&azure, &changed).await;
    assert_eq!(apply.plan.steps.len(), 1);
    assert_eq!(apply.obstacles, [], "writes are let through");

    let destroy = LockedPlan::for_destroy(&azure, &stack()).await;
    assert_eq!(destroy.blocked(), ["access/Reader", "data", "group"]);
    assert_eq!(destroy.obstacles[0].owner, LockOwner::Unmarked);
    assert_eq!(destroy.obstacles[0].lock.notes.as_deref(), Some("Ask Ada"));
    azure.simulator.clear_log();
    let report = azure.execute(&destroy.plan).await;
    destroy.assert_predicted(&report);
    let sent = writes(&azure);
    assert!(!sent.contains(&"DELETE hands-off".to_owned()), "{sent:?}");
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert_eq!(read_live(&azure, &stack()).await.locks().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn foreign_read_only_lock_on_a_parent_blocks_every_write() {
    let azure = Azure::new().await;
    azure.converge(&spec("")).await;
    let subscription = format!("/subscriptions/{SUBSCRIPTION}");
    create_lock(&azure, &subscription, "freeze", "ReadOnly").await;
    let apply = LockedPlan::for_apply(&azure, &stack()).await;
    assert_eq!(
        apply.blocked(),
        ["data", "data/containers/cam", "id", "access/Reader"]
    );
    let report = azure.execute(&apply.plan).await;
    apply.assert_predicted(&report);
    assert_eq!(report.done(), 0);
}

#[tokio::test(start_paused = true)]
async fn lock_on_another_scope_blocks_nothing() {
    let azure = Azure::new().await;
    azure.converge(&stack()).await;
    let elsewhere = format!("{}-2", group());
    let url = format!("{elsewhere}?api-version=2025-04-01");
    let body = json!({ "location": "westeurope" });
    azure.send_directly(Method::Put, &url, Some(body)).await;
    create_lock(&azure, &elsewhere, "hands-off", "ReadOnly").await;
    let destroy = LockedPlan::for_destroy(&azure, &stack()).await;
    assert_eq!(destroy.obstacles, []);
    assert!(azure.execute(&destroy.plan).await.is_complete());
}

#[tokio::test(start_paused = true)]
async fn own_locks_are_created_last_and_deleted_first() {
    for scope in ["${group}", "${data}"] {
        let azure = Azure::new().await;
        let text = stack_with_lock(scope, "ReadOnly");
        let apply = LockedPlan::for_apply(&azure, &text).await;
        assert_eq!(apply.obstacles, []);
        azure.converge(&text).await;
        let sent = writes(&azure);
        let behind = sent.iter().rev().take_while(|write| **write != "PUT keep");
        let behind: Vec<_> = behind.filter(|write| *write != "PUT id-test").collect();
        assert_eq!(
            behind, [""; 0],
            "{scope}: only what is outside may come after"
        );

        let destroy = LockedPlan::for_destroy(&azure, &text).await;
        assert_eq!(destroy.obstacles, [], "{scope}: it is off by then");
        azure.simulator.clear_log();
        assert!(azure.execute(&destroy.plan).await.is_complete(), "{scope}");
        let sent = writes(&azure);
        let before = sent.iter().take_while(|write| **write != "DELETE keep");
        let before: Vec<_> = before.filter(|write| *write != "DELETE id-test").collect();
        assert_eq!(before, [""; 0], "{scope}: {sent:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn own_read_only_lock_is_reported_where_it_blocks_an_update() {
    let azure = Azure::new().await;
    let text = stack_with_lock("${data}", "ReadOnly");
    azure.converge(&text).await;
    let apply = LockedPlan::for_apply(&azure, &text.replace("Standard_LRS", "Standard_GRS")).await;
    assert_eq!(apply.blocked(), ["data"]);
    assert_eq!(apply.obstacles[0].owner, LockOwner::Own);

    let other = text.replace("stack: test", "stack: other");
    let other = other
        .replace("rg-test", "rg-other")
        .replace("stlocks", "stother");
    let other = graph(&other);
    let reads = reads::list_reads(&other);
    let live = observe(&azure.client, &other, &reads).await.unwrap();
    let found = obstacles(&apply.plan, &other, &live);
    assert_eq!(
        found[0].owner,
        LockOwner::Stack("test".into()),
        "read by another stack"
    );
}

#[tokio::test(start_paused = true)]
async fn lock_with_the_same_name_and_no_marker_is_accepted_and_stays() {
    let azure = Azure::new().await;
    azure.converge(&stack()).await;
    create_lock(&azure, &account(), "keep", "CanNotDelete").await;
    let text = stack_with_lock("${data}", "CanNotDelete");
    let apply = LockedPlan::for_apply(&azure, &text).await;
    assert!(apply.plan.is_empty(), "{:#?}", apply.plan.steps);
    let stricter = LockedPlan::for_apply(&azure, &stack_with_lock("${data}", "ReadOnly")).await;
    let [step] = stricter.plan.steps.as_slice() else {
        panic!("{:#?}", stricter.plan.steps)
    };
    assert_eq!(step.changes[0].path, "properties.level");

    let destroy = LockedPlan::for_destroy(&azure, &text).await;
    let kept: Vec<_> = destroy
        .plan
        .remarks
        .kept
        .iter()
        .map(|kept| kept.key.to_string())
        .collect();
    assert!(kept.contains(&"keep".to_owned()), "{kept:?}");
    assert!(kept.contains(&"data".to_owned()), "{kept:?}");
    assert_eq!(destroy.obstacles, [], "what it locks is kept with it");
    azure.simulator.clear_log();
    azure.execute(&destroy.plan).await;
    assert!(!writes(&azure).contains(&"DELETE keep".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn notes_of_a_lock_are_preserved_before_the_ownership_marker() {
    let azure = Azure::new().await;
    azure.converge(&stack()).await;
    create_lock(&azure, &group(), "keep", "CanNotDelete").await;
    let stricter = stack_with_lock("${group}", "ReadOnly");
    let plan = azure.converge(&stricter).await;
    let reported: Vec<_> = plan.steps[0]
        .changes
        .iter()
        .map(|change| &change.path)
        .collect();
    assert_eq!(reported, ["properties.level", "properties.notes"]);
    let url = format!("{}/{LOCKS}/keep?api-version=2020-05-01", group());
    let found = azure.send_directly(Method::Get, &url, None).await;
    assert_eq!(
        unbound(found["properties"]["notes"].as_str().unwrap()),
        "Ask Ada\nlazuli-stack: test; keep"
    );
    assert!(azure.plan(&stricter).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn locks_are_read_by_one_paged_list_per_subscription() {
    let azure = Azure::with_options(WorldOptions {
        page_size: 2,
        ..WorldOptions::default()
    })
    .await;
    azure.converge(&stack()).await;
    for number in 0..5 {
        create_lock(&azure, &account(), &format!("l{number}"), "CanNotDelete").await;
    }
    azure.simulator.clear_log();
    let live = read_live(&azure, &stack()).await;
    assert_eq!(live.locks().len(), 5);
    let reads = lock_reads(&azure);
    assert_eq!(reads.len(), 3, "{reads:#?}");
    let list = format!("/subscriptions/{SUBSCRIPTION}/{LOCKS}?api-version=2020-05-01");
    assert!(reads[0].ends_with(&list), "{reads:#?}");
}

/// Moves the grant of the contributor from the subscription to the resource group.
async fn move_grant_to_group(azure: &Azure) {
    let assignments = "providers/Microsoft.Authorization/roleAssignments";
    let old = format!(
        "/subscriptions/{SUBSCRIPTION}/{assignments}/00000000-0000-0000-0000-0000000e0002?api-version=2022-04-01"
    );
    let mut grant = azure.send_directly(Method::Get, &old, None).await;
    azure.send_directly(Method::Delete, &old, None).await;
    let new = format!(
        "{}/{assignments}/00000000-0000-0000-0000-00000000a001?api-version=2022-04-01",
        group()
    );
    let properties = json!({
        "roleDefinitionId": grant["properties"]["roleDefinitionId"].take(),
        "principalId": grant["properties"]["principalId"].take(),
        "principalType": "ServicePrincipal",
    });
    let body = json!({ "properties": properties });
    azure.send_directly(Method::Put, &new, Some(body)).await;
}

#[tokio::test(start_paused = true)]
async fn locks_of_groups_are_listed_without_permission_on_the_subscription() {
    let azure = Azure::with_options(WorldOptions {
        caller: Caller::Contributor,
        ..WorldOptions::default()
    })
    .await;
    azure.converge(&spec("")).await;
    move_grant_to_group(&azure).await;
    create_lock(
        &azure,
        &format!("/subscriptions/{SUBSCRIPTION}"),
        "a",
        "CanNotDelete",
    )
    .await;
    create_lock(&azure, &group(), "b", "CanNotDelete").await;
    azure.simulator.clear_log();
    let destroy = LockedPlan::for_destroy(&azure, &spec("")).await;
    assert_eq!(destroy.unread, []);
    let names: Vec<_> = destroy
        .obstacles
        .iter()
        .map(|one| one.lock.id.name())
        .collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(lock_reads(&azure).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn unreadable_locks_do_not_fail_the_plan() {
    let azure = Azure::new().await;
    azure.converge(&spec("")).await;
    let read_fault = |status: u16, code: &str| Fault::Status {
        status,
        code: code.to_owned(),
        message: "no".to_owned(),
        retry_after: None,
    };
    let denied = read_fault(403, "AuthorizationFailed");
    for (fault, scopes) in [(denied, 2), (read_fault(400, "BadRequest"), 1)] {
        let anywhere = format!("*{LOCKS}*");
        azure.simulator.set_faults(Faults::none().on(
            Some(Method::Get),
            &anywhere,
            Occurrence::Every,
            fault.clone(),
        ));
        let destroy = LockedPlan::for_destroy(&azure, &spec("")).await;
        assert_eq!(destroy.plan.steps.len(), 1);
        assert_eq!(destroy.obstacles, []);
        assert_eq!(destroy.unread.len(), scopes, "{:#?}", destroy.unread);
        let Fault::Status { code, .. } = fault else {
            panic!()
        };
        assert_eq!(destroy.unread[0].why, code);
    }
}

#[tokio::test(start_paused = true)]
async fn locks_above_a_new_group_are_unknown() {
    let azure = Azure::new().await;
    let list = format!("*subscriptions/{SUBSCRIPTION}/{LOCKS}*");
    let denied = Fault::status(403, None);
    let every = Occurrence::Every;
    let faults = Faults::none().on(Some(Method::Get), &list, every, denied);
    azure.simulator.set_faults(faults);
    let apply = LockedPlan::for_apply(&azure, &stack()).await;
    let scopes: Vec<_> = apply.unread.iter().map(|one| one.scope.as_str()).collect();
    assert_eq!(scopes, [format!("/subscriptions/{SUBSCRIPTION}")]);
}
