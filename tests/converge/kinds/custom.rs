//! A kind that is defined outside of the product works everywhere once it is registered.

use lazuli_core::{
    arm::ArmId,
    diagnostic::{Code, Diagnostics},
    export::{self, Scene},
    facts::{Family, PermissionPurpose},
    graph::{Graph, Settings, build},
    live::Live,
    plan::{Action, Plan, converge},
    preflight::Finding,
    source::Sources,
    spec::{Inputs, load, reject_files},
};
use lazuli_engine::{Concern, observe_each, preflight};
use lazuli_handlers::{properties, reference, reference::Description, schema};
use lazuli_sim::{Method, SUBSCRIPTION};
use serde_json::json;

use crate::{
    custom_kind::REGISTRY,
    harness::{Azure, spec},
};

const VAULT: &str = "  vault:
    kind: keyVault
    name: kv-test
    tenantId: 00000000-0000-0000-0000-000000007e4a
    sku: { family: A, name: standard }
    softDeleteRetentionInDays: 30
";

fn check(text: &str) -> (Graph, Diagnostics) {
    let mut sources = Sources::default();
    let id = sources.add("spec.yaml", text);
    let inputs = Inputs {
        params: Vec::new(),
        env: &|_| None,
        file: &reject_files,
    };
    let (spec, mut found) = load(&sources, &[id], &inputs);
    let settings = Settings {
        subscription: Some(SUBSCRIPTION.to_owned()),
        ..Settings::default()
    };
    let (graph, more) = build(&spec, REGISTRY, &settings);
    found.extend(more);
    (graph, found)
}

fn graph(text: &str) -> Graph {
    let (graph, found) = check(text);
    assert!(!found.has_errors(), "{found:#?}");
    graph
}

async fn plan(azure: &Azure, text: &str) -> Plan {
    let graph = graph(text);
    let live = azure.observe(&graph).await;
    converge(&graph, &live).0
}

fn codes(entry: &str) -> Vec<Code> {
    let (_, found) = check(&spec(entry));
    found.iter().map(|diagnostic| diagnostic.code).collect()
}

#[test]
fn schema_contains_a_registered_kind() {
    let schema = schema(REGISTRY);
    let own = &schema["$defs"]["keyVault"];
    assert_eq!(own["title"], "keyVault");
    assert!(own["properties"]["tenantId"].is_object(), "{own:#}");
    let names = schema["$defs"]["Resource"]["properties"]["kind"]["enum"].clone();
    assert_eq!(names, json!(["resourceGroup", "keyVault", "resource"]));
}

#[test]
fn explain_and_reference_describe_a_registered_kind() {
    let kind = REGISTRY.get("keyVault").unwrap();
    let description = Description::from_kind(kind);
    assert_eq!(
        description.text,
        "A key vault: keys, secrets and certificates."
    );
    assert!(description.example.contains("kind: keyVault"));
    let all = properties::of_kind(kind);
    let days = all
        .iter()
        .find(|one| one.path == "softDeleteRetentionInDays");
    assert_eq!(days.and_then(|days| days.default()), Some("90"));
    let pages = reference(REGISTRY);
    let (_, page) = pages.iter().find(|(name, _)| *name == "keyVault").unwrap();
    assert!(page.contains("| `sku.name` |"), "{page}");
    assert!(page.contains("| `vaultUri` | The URL of the vault. |"));
}

#[test]
fn doctor_checks_the_provider_and_permissions_of_a_registered_kind() {
    let namespaces: Vec<_> = REGISTRY.provider_namespaces().into_iter().collect();
    assert_eq!(namespaces, ["Microsoft.KeyVault", "Microsoft.Resources"]);
    let mut actions = REGISTRY.permissions(PermissionPurpose::Read);
    assert!(actions.any(|action| action == "Microsoft.KeyVault/vaults/read"));
}

#[test]
fn drawing_shows_the_family_of_a_registered_kind() {
    assert_eq!(REGISTRY.family("keyVault"), Family::Storage);
    assert_eq!(REGISTRY.family("unknown"), Family::Other);
}

#[test]
fn validation_applies_the_rules_of_a_registered_kind() {
    assert_eq!(codes(VAULT), []);
    assert_eq!(codes(&VAULT.replace("kv-test", "kv")), [Code::BadName]);
    let unknown = VAULT.replace("tenantId:", "tenant:");
    assert!(codes(&unknown).contains(&Code::UnknownKey));
    let too_long = VAULT.replace("30", "300");
    assert_eq!(codes(&too_long), [Code::Precondition]);
}

#[tokio::test(start_paused = true)]
async fn registered_kind_is_planned_applied_and_exported() {
    let azure = Azure::new().await;
    let text = spec(VAULT);
    let first = plan(&azure, &text).await;
    let vault = first
        .steps
        .iter()
        .find(|step| step.subject.kind == "keyVault");
    assert_eq!(vault.unwrap().action, Action::Create);
    assert!(azure.execute(&first).await.is_complete());
    assert!(plan(&azure, &text).await.is_empty());
    let changed = plan(&azure, &text.replace("standard", "premium")).await;
    let paths: Vec<_> = changed.steps[0]
        .changes
        .iter()
        .map(|change| &change.path)
        .collect();
    assert_eq!(paths, ["properties.sku.name"]);

    let groups = [ArmId::resource_group(SUBSCRIPTION, "rg-test")];
    let mut live = Live::default();
    for (arm_type, known) in lazuli_handlers::known_types(REGISTRY) {
        live.insert_type(arm_type, known);
    }
    let reads = export::reads::list_first_reads(&groups, REGISTRY);
    let (found, unanswered) = observe_each(&azure.client, Concern::within(&groups), &reads).await;
    assert!(unanswered.is_empty(), "{unanswered:#?}");
    live.merge(found);
    let scene = Scene {
        groups: &groups,
        live: &live,
        registry: REGISTRY,
    };
    let reads = export::reads::list_second_reads(&scene);
    let (found, _) = observe_each(&azure.client, Concern::within(&groups), &reads).await;
    live.merge(found);
    let scene = Scene {
        groups: &groups,
        live: &live,
        registry: REGISTRY,
    };
    let exported = export::export(&scene, "test").text;
    assert!(exported.contains("kind: keyVault"), "{exported}");
    assert!(
        exported.contains("softDeleteRetentionInDays: 30"),
        "{exported}"
    );
    let again = plan(&azure, &exported).await;
    assert!(again.is_empty(), "{again:#?}");
}

#[tokio::test(start_paused = true)]
async fn preflight_sends_the_question_of_a_registered_kind() {
    let azure = Azure::new().await;
    let plan = plan(&azure, &spec(VAULT)).await;
    assert_eq!(preflight(&azure.client, &plan, REGISTRY).await, []);
    let url = format!(
        "/subscriptions/{SUBSCRIPTION}/providers/Microsoft.KeyVault/deletedVaults/kv-test?api-version=2022-07-01"
    );
    let body = json!({ "properties": {} });
    azure.send_directly(Method::Put, &url, Some(body)).await;
    let found = preflight(&azure.client, &plan, REGISTRY).await;
    let [Finding::Creation { name, found, .. }] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!(name, "kv-test");
    assert_eq!(found.summary, "a deleted vault holds the name kv-test");
}
