//! An ownership marker belongs to one resource of one stack: copies, older and newer markers, stacks of one name, and what
//! another resource manages.

use lazuli_core::{
    diagnostic::Code,
    plan::{Action, Plan, PruneEffect},
};
use lazuli_sim::Method;
use serde_json::{Value as Json, json};

use crate::{
    harness::{Azure, spec},
    marked::marked_tags,
};

const GROUP: &str = "/subscriptions/00000000-0000-0000-0000-0000000a2c05/resourceGroups/rg-test";
const OTHER_GROUP: &str =
    "/subscriptions/00000000-0000-0000-0000-0000000a2c05/resourceGroups/MC_rg-test_aks_westeurope";
const IDENTITIES: &str = "providers/Microsoft.ManagedIdentity/userAssignedIdentities";
const FIRST: &str = "3f6c1d0a-first";
const SECOND: &str = "7b22e0c4-second";

fn with_identity() -> String {
    spec("  id: { kind: userAssignedIdentity, name: id-test }\n")
}

/// A spec whose stack has an id.
fn with_id(id: &str, text: &str) -> String {
    text.replace("stack: test\n", &format!("stack: test\nid: {id}\n"))
}

async fn put(azure: &Azure, id: &str, body: Json) {
    let version = match id.contains("/providers/") {
        true => "2024-11-30",
        false => "2025-04-01",
    };
    let url = format!("{id}?api-version={version}");
    azure.send_directly(Method::Put, &url, Some(body)).await;
}

/// Creates an identity outside of lazuli, with these tags.
async fn create_identity(azure: &Azure, group: &str, name: &str, tags: Json) -> String {
    let id = format!("{group}/{IDENTITIES}/{name}");
    let body = json!({ "location": "westeurope", "tags": tags });
    put(azure, &id, body).await;
    id
}

async fn tags(azure: &Azure, id: &str) -> Json {
    let url = format!("{id}?api-version=2024-11-30");
    azure.send_directly(Method::Get, &url, None).await["tags"].take()
}

fn deletions(plan: &Plan) -> Vec<&str> {
    let steps = plan.steps.iter();
    steps
        .filter(|step| step.action == Action::Delete)
        .map(|step| step.subject.title.as_str())
        .collect()
}

/// AKS and policies copy the tags of a group to what is in it.
#[tokio::test(start_paused = true)]
async fn copied_tags_make_no_orphan() {
    let azure = Azure::new().await;
    azure.converge(&spec("")).await;
    create_identity(&azure, GROUP, "id-copy", marked_tags("test", GROUP)).await;
    let plan = azure.plan_to_prune(&spec("")).await;
    assert!(
        plan.is_empty() && plan.remarks.orphans.is_empty(),
        "{plan:#?}"
    );
    let own = marked_tags("test", &format!("{GROUP}/{IDENTITIES}/id-own"));
    create_identity(&azure, GROUP, "id-own", own).await;
    assert_eq!(deletions(&azure.plan_to_prune(&spec("")).await), ["id-own"]);
}

#[tokio::test(start_paused = true)]
async fn resource_with_copied_tags_is_adopted() {
    for stack in ["test", "other"] {
        let azure = Azure::new().await;
        azure.converge(&spec("")).await;
        let copied = marked_tags(stack, GROUP);
        let id = create_identity(&azure, GROUP, "id-test", copied).await;
        let plan = azure.converge(&with_identity()).await;
        assert_eq!(plan.steps[0].action, Action::Adopt, "{stack}");
        assert_eq!(tags(&azure, &id).await, marked_tags("test", &id));
        assert!(azure.plan(&with_identity()).await.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn older_marker_is_upgraded_and_never_pruned_by() {
    let azure = Azure::new().await;
    azure.converge(&spec("")).await;
    let older = json!({ "lazuli-stack": "test" });
    let id = create_identity(&azure, GROUP, "id-test", older).await;
    let plan = azure.plan(&spec("")).await;
    assert_eq!(plan.remarks.orphans[0].prune, PruneEffect::KeepOutdated);
    let plan = azure.plan_to_prune(&spec("")).await;
    assert_eq!((plan.steps.len(), plan.remarks.kept.len()), (0, 1));

    let plan = azure.converge(&with_identity()).await;
    assert_eq!(plan.steps[0].action, Action::Update);
    assert_eq!(tags(&azure, &id).await, marked_tags("test", &id));
    assert!(azure.plan(&with_identity()).await.is_empty());
    assert_eq!(
        deletions(&azure.plan_to_prune(&spec("")).await),
        ["id-test"]
    );
}

#[tokio::test(start_paused = true)]
async fn older_marker_in_a_text_is_upgraded() {
    let lock = spec(
        "  keep: { kind: managementLock, name: keep, scope: \"${group}\", level: CanNotDelete }\n",
    );
    let azure = Azure::new().await;
    azure.converge(&spec("")).await;
    let id = format!("{GROUP}/providers/Microsoft.Authorization/locks/keep");
    let url = format!("{id}?api-version=2020-05-01");
    let notes = "Ask Ada\nlazuli-stack: test; keep";
    let body = json!({ "properties": { "level": "CanNotDelete", "notes": notes } });
    azure.send_directly(Method::Put, &url, Some(body)).await;
    let plan = azure.plan_to_prune(&spec("")).await;
    assert_eq!((plan.steps.len(), plan.remarks.kept.len()), (0, 1));
    let plan = azure.converge(&lock).await;
    assert_eq!(plan.steps[0].action, Action::Update);
    assert!(azure.plan(&lock).await.is_empty());
    assert_eq!(azure.plan_to_prune(&spec("")).await.steps.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn stacks_of_one_name_with_different_ids_do_not_prune_each_other() {
    let azure = Azure::new().await;
    azure.converge(&with_id(FIRST, &with_identity())).await;
    let second = with_id(SECOND, &spec("")).replace("rg-test", "rg-second");
    let plan = azure.plan_to_prune(&second).await;
    assert_eq!(deletions(&plan), [""; 0]);
    assert_eq!(plan.remarks.orphans, []);
    let plan = azure.plan_to_prune(&with_id(FIRST, &spec(""))).await;
    assert_eq!(deletions(&plan), ["id-test"]);
}

#[tokio::test(start_paused = true)]
async fn resource_of_a_stack_of_the_same_name_is_not_changed() {
    let azure = Azure::new().await;
    azure.converge(&with_id(FIRST, &with_identity())).await;
    for text in [with_id(SECOND, &with_identity()), with_identity()] {
        let (plan, found) = azure.compare(&text).await;
        assert!(plan.is_empty());
        let found: Vec<_> = found.iter().collect();
        assert_eq!(found.len(), 2, "group and identity: {found:#?}");
        assert!(found.iter().all(|one| one.code == Code::ForeignOwner));
        let message = "`id` is owned by stack `test` with another id";
        assert!(found.iter().any(|one| one.message == message), "{found:#?}");
        let plan = azure.teardown(&text).await;
        assert_eq!(plan.steps.len(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn id_can_be_added_to_a_stack() {
    let azure = Azure::new().await;
    azure.converge(&with_identity()).await;
    let plan = azure.plan_to_prune(&with_id(FIRST, &spec(""))).await;
    assert_eq!(
        deletions(&plan),
        [""; 0],
        "not pruned by a marker without the id"
    );
    let text = with_id(FIRST, &with_identity());
    let plan = azure.converge(&text).await;
    assert_eq!(plan.count(Action::Update), 2);
    assert!(azure.plan(&text).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn marker_of_a_newer_lazuli_names_the_version_that_it_needs() {
    let azure = Azure::new().await;
    azure.converge(&spec("")).await;
    let newer = json!({ "lazuli-stack": "test", "lazuli-marker": "0.7:unknown" });
    create_identity(&azure, GROUP, "id-test", newer).await;
    let (_, found) = azure.compare(&with_identity()).await;
    let [one] = found.iter().collect::<Vec<_>>().try_into().unwrap();
    assert_eq!(
        one.message,
        "the ownership marker of `id` was written by a newer lazuli"
    );
    assert_eq!(one.help.as_deref(), Some("install lazuli 0.7 or later"));
    assert_eq!(azure.plan_to_prune(&spec("")).await.steps.len(), 0);
    assert_eq!(azure.teardown(&with_identity()).await.steps.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn orphans_in_groups_that_the_spec_does_not_name_need_the_name_of_the_stack() {
    let entry = |name: &str| format!("  {name}: {{ kind: userAssignedIdentity, name: {name} }}\n");
    let many: String = (0..8).map(|at| entry(&format!("id-{at}"))).collect();
    let other = "  old: { kind: resourceGroup, name: rg-old }\n\
                 \x20 id-old: { kind: userAssignedIdentity, name: id-old, resourceGroup: \"${old}\" }\n";
    let azure = Azure::new().await;
    azure.converge(&spec(&format!("{many}{other}"))).await;
    let plan = azure.plan_to_prune(&spec(&many)).await;
    assert_eq!(plan.count(Action::Delete), 2);
    let [one] = &plan.remarks.mass_deletions[..] else {
        panic!("{:#?}", plan.remarks.mass_deletions);
    };
    assert_eq!((one.going, one.owned), (2, 11));
    assert_eq!(one.unnamed_groups, ["rg-old"]);
    let fewer = many.replace(&entry("id-0"), "");
    let plan = azure.plan_to_prune(&spec(&format!("{fewer}{other}"))).await;
    assert_eq!(plan.count(Action::Delete), 1);
    assert_eq!(plan.remarks.mass_deletions, []);
}

#[tokio::test(start_paused = true)]
async fn managed_resources_are_no_orphans() {
    let azure = Azure::new().await;
    azure.converge(&spec("")).await;
    let managed_by = format!("{GROUP}/providers/Microsoft.ContainerService/managedClusters/aks");
    let body = json!({ "location": "westeurope", "managedBy": managed_by });
    put(&azure, OTHER_GROUP, body).await;
    let own =
        |group: &str, name: &str| marked_tags("test", &format!("{group}/{IDENTITIES}/{name}"));
    create_identity(
        &azure,
        OTHER_GROUP,
        "id-agent",
        own(OTHER_GROUP, "id-agent"),
    )
    .await;
    let plan = azure.plan_to_prune(&spec("")).await;
    assert!(plan.is_empty() && plan.remarks.kept.is_empty(), "{plan:#?}");
}
