//! Customer-managed keys: what reads a key with an identity is created once the identity has access to the key.

use std::{sync::Mutex, time::Duration};

use lazuli_core::{
    graph::Reason,
    plan::{Plan, StepId},
};
use lazuli_reconcile::{Event, Observer, PropagationLimits, Reconciler};
use lazuli_sim::{Method, SUBSCRIPTION};
use serde_json::json;
use tokio::sync::watch;

use crate::harness::{Azure, graph, spec};

const VAULT: &str = "  vault:\n    kind: resource\n    type: Microsoft.KeyVault/vaults@2024-11-01\n    name: kv-lazuli-test\n\
     \x20   body: { properties: { enableRbacAuthorization: true, enablePurgeProtection: true } }\n\
     \x20 key:\n    kind: resource\n    type: Microsoft.KeyVault/vaults/keys@2024-11-01\n    name: cmk\n    parent: ${vault}\n\
     \x20   body: { properties: { kty: RSA } }\n";

const ROLE: &str = "role: Key Vault Crypto Service Encryption User";

/// An account, before everything that it needs, whose key is in a vault at this URI.
fn account(uri: &str) -> String {
    format!(
        "  account:\n    kind: storageAccount\n    name: sttest\n    sku: Standard_LRS\n    identity: ${{reader}}\n\
         \x20   encryption:\n      keySource: Microsoft.Keyvault\n\
         \x20     keyvaultproperties: {{ keyname: cmk, keyvaulturi: \"{uri}\" }}\n\
         \x20     identity: {{ userAssignedIdentity: \"${{reader}}\" }}\n\
         \x20 reader: {{ kind: userAssignedIdentity, name: id-test }}\n"
    )
}

fn access(scope: &str) -> String {
    format!(
        "  access: {{ kind: roleAssignment, principal: \"${{reader}}\", scope: \"{scope}\", {ROLE} }}\n"
    )
}

fn encrypted(scope: &str) -> String {
    spec(&(account("${vault.properties.vaultUri}") + VAULT + &access(scope)))
}

/// Why an entry depends on the role assignment.
fn reasons(text: &str, key: &str) -> Vec<String> {
    let graph = graph(text);
    let node = graph
        .nodes()
        .find(|node| node.subject.key.to_string() == key)
        .unwrap();
    let found = graph.dependencies(&node.subject.key).into_iter();
    found
        .filter(|(on, _)| on.subject.kind == "roleAssignment")
        .map(|(_, reason)| match reason {
            Reason::NeedsGrant(_) => reason.to_string(),
            other => panic!("{other}"),
        })
        .collect()
}

fn step(plan: &Plan, key: &str) -> StepId {
    let mut steps = plan.steps.iter();
    let found = steps.find(|step| step.subject.key.to_string().starts_with(key));
    found.unwrap_or_else(|| panic!("{key}: {plan:#?}")).id
}

/// Records the steps that are retried.
#[derive(Default)]
struct Retries(Mutex<Vec<(String, String)>>);

impl Observer for Retries {
    fn event(&self, event: &Event<'_>) {
        if let Event::StepRetrying { step, reason, .. } = event {
            let retry = (step.subject.key.to_string(), (*reason).to_owned());
            self.0.lock().unwrap().push(retry);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn encrypted_account_is_created_after_the_role_assignment_on_its_vault() {
    for scope in ["${vault}", "${key}", "${group}"] {
        let azure = Azure::new().await;
        let text = encrypted(scope);
        let plan = azure.plan(&text).await;
        let account = &plan[step(&plan, "account")];
        assert!(account.after.contains(&step(&plan, "access")), "{scope}");
        assert!(azure.execute(&plan).await.is_complete(), "{scope}");
        assert!(azure.plan(&text).await.is_empty(), "{scope}");
        let down = azure.teardown(&text).await;
        assert!(step(&down, "account") < step(&down, "access"));
        assert!(azure.execute(&down).await.is_complete());
    }
}

#[tokio::test(start_paused = true)]
async fn denial_of_a_key_is_retried_while_the_role_assignment_propagates() {
    let azure = Azure::new().await;
    let plan = azure.plan(&encrypted("${vault}")).await;
    let retries = Retries::default();
    let reconciler = Reconciler {
        observer: &retries,
        ..azure.reconciler()
    };
    let (_keep, stop) = watch::channel(false);
    let limits = PropagationLimits::default();
    let report = reconciler.execute(&plan, limits, stop).await;
    assert!(report.is_complete());
    let retries = retries.0.into_inner().unwrap();
    let (step, reason) = retries.first().expect("the key cannot be read at once");
    assert_eq!(step, "account");
    assert!(!reason.is_empty());
}

#[tokio::test(start_paused = true)]
async fn denial_of_a_key_is_final_without_a_recent_role_assignment() {
    let azure = Azure::new().await;
    let text = spec(&(account("${vault.properties.vaultUri}") + VAULT));
    let (plan, report) = azure.apply(&text).await;
    let failures: Vec<_> = report.failures().collect();
    let [(failed, failure)] = failures.as_slice() else {
        panic!("{failures:?}")
    };
    assert_eq!(*failed, step(&plan, "account"));
    assert!(
        failure
            .to_string()
            .contains("KeyVaultAuthenticationFailure"),
        "{failure}"
    );
}

/// The reason is that of the graph, which `lazuli graph` prints.
#[test]
fn every_reference_to_an_identity_and_a_key_implies_the_dependency() {
    let why = "it uses the identity `reader` on `vault`";
    assert_eq!(reasons(&encrypted("${vault}"), "account"), [why]);
    let literal = "https://kv-lazuli-test.vault.azure.net/";
    let by_uri = spec(&(account(literal) + VAULT + &access("${vault}")));
    assert_eq!(reasons(&by_uri, "account"), [why]);

    let id = format!(
        "/subscriptions/{SUBSCRIPTION}/resourcegroups/RG-test/providers/Microsoft.KeyVault/vaults/kv-lazuli-test"
    );
    let other_kinds = [
        "identity: { type: UserAssigned, userAssignedIdentities: { \"${reader}\": {} } }, properties: { activeKey: { keyUrl: \"${key.properties.keyUriWithVersion}\" } }".to_owned(),
        format!("identity: {{ type: UserAssigned, userAssignedIdentities: {{ \"${{reader}}\": {{}} }} }}, properties: {{ activeKey: {{ sourceVault: {{ id: {id} }} }} }}"),
        "properties: { defaultIdentity: \"UserAssignedIdentity=${reader}\", keyVaultKeyUri: \"${vault.properties.vaultUri}keys/cmk\" }".to_owned(),
    ];
    for body in other_kinds {
        let entry = format!(
            "  other: {{ kind: resource, type: Microsoft.Compute/diskEncryptionSets@2024-03-02, name: des, body: {{ {body} }} }}\n\
             \x20 reader: {{ kind: userAssignedIdentity, name: id-test }}\n"
        );
        let text = spec(&(entry + VAULT + &access("${vault}")));
        assert_eq!(reasons(&text, "other").len(), 1, "{body}");
    }
}

/// An identity and a vault that the spec only looks up are as good as declared ones.
#[tokio::test(start_paused = true)]
async fn existing_identity_and_vault_imply_the_dependency() {
    let azure = Azure::new().await;
    let there =
        spec(&("  reader: { kind: userAssignedIdentity, name: id-test }\n".to_owned() + VAULT));
    azure.converge(&there).await;
    let lookups = "  reader: { kind: userAssignedIdentity, name: id-test, resourceGroup: rg-test, existing: true }\n\
         \x20 vault: { kind: resource, type: Microsoft.KeyVault/vaults@2024-11-01, name: kv-lazuli-test, resourceGroup: rg-test, existing: true }\n";
    let account = account("${vault.properties.vaultUri}");
    let account = account.split("  reader:").next().unwrap();
    let text = format!(
        "apiVersion: lazuli/v1\nstack: data\nlocation: westeurope\nresourceGroup: rg-data\nresources:\n\
         \x20 group: {{ kind: resourceGroup, name: rg-data }}\n{account}{lookups}{}",
        access("${vault}")
    );
    let plan = azure.plan(&text).await;
    let created = &plan[step(&plan, "account")];
    assert!(created.after.contains(&step(&plan, "access")));
    assert!(azure.execute(&plan).await.is_complete());
}

#[test]
fn role_assignment_that_depends_on_the_account_implies_nothing() {
    let after = |entry: &str| {
        access("${vault}").replace("role: Key", &format!("dependsOn: [{entry}], role: Key"))
    };
    let text = spec(&(account("${vault.properties.vaultUri}") + VAULT + &after("account")));
    assert_eq!(reasons(&text, "account"), Vec::<String>::new());
    // Two accounts, each with a role assignment that waits for the other one.
    let twin = |text: String| {
        text.replace("account", "twin")
            .replace("sttest", "sttwin")
            .replace("reader", "other")
            .replace("id-test", "id-other")
            .replace("access", "more")
    };
    let one = account("${vault.properties.vaultUri}") + &after("twin");
    let two = twin(account("${vault.properties.vaultUri}") + &after("account"))
        .replace("dependsOn: [twin]", "dependsOn: [account]")
        .replace("kind: storageTwin", "kind: storageAccount");
    let text = spec(&(one + &two + VAULT));
    let count = reasons(&text, "account").len() + reasons(&text, "twin").len();
    assert_eq!(count, 1);
}

#[tokio::test(start_paused = true)]
async fn update_of_an_encrypted_account_waits_for_the_new_role_assignment() {
    let azure = Azure::new().await;
    let plain = "  account: { kind: storageAccount, name: sttest, sku: Standard_LRS, identity: \"${reader}\" }\n\
         \x20 reader: { kind: userAssignedIdentity, name: id-test }\n";
    azure.converge(&spec(&(plain.to_owned() + VAULT))).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    let plan = azure.converge(&encrypted("${vault}")).await;
    assert!(step(&plan, "access") < step(&plan, "account"));
    let id = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-test/providers/Microsoft.Storage/storageAccounts/sttest?api-version=2025-06-01"
    );
    let live = azure.send_directly(Method::Get, &id, None).await;
    assert_eq!(
        live["properties"]["encryption"]["keyvaultproperties"]["keyname"],
        json!("cmk")
    );
}
