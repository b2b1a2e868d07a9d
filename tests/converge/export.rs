//! Exports: the plan of an exported spec is empty or only adds ownership markers, and ids of entries are references.

use lazuli_core::{
    arm::ArmId,
    export::{Note, Scene, export, only_adds_markers},
    live::Live,
    plan::{Action, Orphan},
};
use lazuli_handlers::REGISTRY;
use lazuli_sim::{Method, SUBSCRIPTION};
use serde_json::{Value as Json, json};

use crate::{
    examples,
    harness::{Azure, spec},
    kinds::groups,
    marked::unbound_tags,
};

fn group() -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-test")
}

/// Creates a resource in the group, as in the portal, and waits until it is ready.
async fn put(azure: &Azure, path: &str, api_version: &str, body: Json) {
    let url = format!("{}{path}?api-version={api_version}", group());
    azure.send_directly(Method::Put, &url, Some(body)).await;
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
}

async fn create_outside_of_lazuli(azure: &Azure) {
    let tags = json!({ "owner": "ada" });
    let body = json!({ "location": "westeurope", "tags": tags });
    put(azure, "", "2025-04-01", body).await;
}

/// The document without its head and comments.
fn resources(text: &str) -> &str {
    text.split_once("resources:\n").unwrap().1
}

#[tokio::test(start_paused = true)]
async fn every_example_exports_to_a_spec_without_changes() {
    for name in examples::names() {
        let azure = Azure::new().await;
        azure.converge(&examples::example(&name)).await;
        azure.simulator.clear_log();
        let all = groups(&azure).await;
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let export = azure.export(&all).await;
        assert_eq!(export.notes, [], "{name}");
        let plan = azure.plan(&export.text).await;
        assert!(
            plan.is_empty(),
            "{name}: {:#?}\n{}",
            plan.steps,
            export.text
        );
        // Extension resources are not exported, and the marker of what they are on still records them.
        let mut orphans = plan.remarks.orphans.iter();
        let is_extension = |orphan: &Orphan| orphan.what == "Microsoft.Insights/diagnosticSettings";
        assert!(orphans.all(is_extension), "{name}\n{}", export.text);
        assert_eq!(plan.remarks.undeclared, [], "{name}\n{}", export.text);
        assert_eq!(azure.writes(), [], "{name}");
        let in_group = format!("/subscriptions/{SUBSCRIPTION}/");
        assert!(
            !resources(&export.text).contains(&in_group),
            "{}",
            export.text
        );
        let again = azure.export(&all).await;
        assert_eq!(again.text, export.text);
    }
}

#[tokio::test(start_paused = true)]
async fn several_groups_export_to_one_stack() {
    let azure = Azure::new().await;
    let text = spec(
        "  other: { kind: resourceGroup, name: rg-other, location: northeurope }
  reader: { kind: userAssignedIdentity, name: id-reader, resourceGroup: \"${other}\" }
  data: { kind: storageAccount, name: stdata, sku: Standard_LRS, identity: \"${reader}\", protect: true }
  access: { kind: roleAssignment, principal: \"${reader}\", scope: \"${data}\", role: Reader, description: Looks }
  keep: { kind: managementLock, name: keep, scope: \"${data}\", level: CanNotDelete, onRemove: keep }
",
    );
    azure.converge(&text).await;
    let export = azure.export(&["rg-test", "rg-other"]).await;
    for line in [
        "    resourceGroup: ${rg-other}\n",
        "    identity: ${id-reader}\n",
        "    description: Looks\n",
        "    protect: true\n",
        "    onRemove: keep\n",
    ] {
        assert!(export.text.contains(line), "{line}\n{}", export.text);
    }
    let plan = azure.plan(&export.text).await;
    assert!(plan.is_empty(), "{:#?}\n{}", plan.steps, export.text);
    assert_eq!(plan.remarks.orphans, []);

    let part = azure.export(&["rg-test"]).await;
    let plan = azure.plan(&part.text).await;
    assert!(plan.is_empty(), "{:#?}\n{}", plan.steps, part.text);
    let orphans: Vec<&str> = plan
        .remarks
        .orphans
        .iter()
        .map(|one| one.id.name())
        .collect();
    assert_eq!(orphans, ["rg-other", "id-reader"]);
}

#[tokio::test(start_paused = true)]
async fn unmarked_resources_only_get_ownership_markers() {
    let azure = Azure::new().await;
    create_outside_of_lazuli(&azure).await;
    let identity = "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-test";
    let body = json!({ "location": "westeurope" });
    put(&azure, identity, "2024-11-30", body).await;
    let account = "/providers/Microsoft.Storage/storageAccounts/sttest";
    let body = json!({
        "location": "northeurope", "kind": "StorageV2", "sku": { "name": "Standard_LRS" },
        "properties": { "accessTier": "Cool", "minimumTlsVersion": "TLS1_2" },
    });
    put(&azure, account, "2025-06-01", body).await;
    let container = format!("{account}/blobServices/default/containers/video");
    put(&azure, &container, "2025-06-01", json!({})).await;
    let url = format!("{}{identity}?api-version=2024-11-30", group());
    let found = azure.send_directly(Method::Get, &url, None).await;
    let principal = found["properties"]["principalId"].as_str().unwrap();
    for (name, role) in [
        ("a", "acdd72a7-3385-48ef-bd42-f606fba81ae7"),
        ("b", "ba92f5b4-2d11-453d-a403-e96b0029c9fe"),
    ] {
        let name = format!("00000000-0000-4000-8000-00000000000{name}");
        let path = format!("{account}/providers/Microsoft.Authorization/roleAssignments/{name}");
        let body = json!({ "properties": {
            "roleDefinitionId": format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{role}"),
            "principalId": principal, "principalType": "ServicePrincipal",
        }});
        put(&azure, &path, "2022-04-01", body).await;
    }
    let lock = "/providers/Microsoft.Authorization/locks/keep";
    let body = json!({ "properties": { "level": "CanNotDelete", "notes": "Ask Ada" } });
    put(&azure, lock, "2020-05-01", body).await;

    let export = azure.export(&["rg-test"]).await;
    assert_eq!(export.stack, "test");
    assert!(
        !resources(&export.text).contains("/subscriptions/"),
        "{}",
        export.text
    );
    for text in [
        "  access-id-test-to-sttest:\n    kind: roleAssignment\n    principal: ${id-test}\n    scope: ${sttest}\n",
        "      - Reader\n      - Storage Blob Data Contributor\n",
        "    location: northeurope\n",
        "      video: {}\n",
        "    notes: Ask Ada\n",
    ] {
        assert!(export.text.contains(text), "{text}\n{}", export.text);
    }
    let plan = azure.plan(&export.text).await;
    assert!(
        plan.steps.iter().all(only_adds_markers),
        "{:#?}",
        plan.steps
    );
    assert_eq!(plan.count(Action::Adopt), 4, "{:#?}", plan.steps);

    let url = format!("{}{account}?api-version=2025-06-01", group());
    let before = azure.send_directly(Method::Get, &url, None).await;
    azure.converge(&export.text).await;
    let mut after = azure.send_directly(Method::Get, &url, None).await;
    assert_eq!(unbound_tags(&after), json!({ "lazuli-stack": "test" }));
    after["tags"] = before["tags"].clone();
    assert_eq!(after, before);
    assert!(azure.plan(&export.text).await.is_empty());
    let marked = azure.export(&["rg-test"]).await;
    assert!(azure.plan(&marked.text).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn resources_of_another_stack_export_as_existing() {
    let azure = Azure::new().await;
    let doors = spec("  reader: { kind: userAssignedIdentity, name: id-doors }\n")
        .replace("stack: test", "stack: doors")
        .replace(
            "kind: resourceGroup,",
            "kind: resourceGroup, existing: true,",
        );
    let own = spec(
        "  data: { kind: storageAccount, name: sttest, sku: Standard_LRS }\n  doors: { kind: userAssignedIdentity, name: id-doors, existing: true }\n  access: { kind: roleAssignment, principal: \"${doors}\", scope: \"${data}\", role: Reader }\n",
    );
    let alone = spec("");
    azure.converge(&alone).await;
    azure.converge(&doors).await;
    azure.converge(&own).await;
    let lock = spec(
        "  keep: { kind: managementLock, name: keep, scope: \"${group}\", level: CanNotDelete }\n",
    );
    let lock = lock.replace("stack: test", "stack: doors").replace(
        "kind: resourceGroup,",
        "kind: resourceGroup, existing: true,",
    );
    azure
        .converge(&format!(
            "{lock}  reader: {{ kind: userAssignedIdentity, name: id-doors }}\n"
        ))
        .await;

    let export = azure.export(&["rg-test"]).await;
    assert_eq!(export.stack, "test");
    let looked_up =
        "  id-doors:\n    kind: userAssignedIdentity\n    name: id-doors\n    existing: true\n";
    assert!(export.text.contains(looked_up), "{}", export.text);
    assert!(
        export.text.contains("    principal: ${id-doors}\n"),
        "{}",
        export.text
    );
    let existing = Note::Existing {
        entry: "id-doors".into(),
        stack: "doors".into(),
    };
    assert_eq!(export.notes[0], existing);
    assert!(
        matches!(&export.notes[1], Note::Foreign { id, stack } if id.name() == "keep" && stack == "doors"),
        "{:#?}",
        export.notes
    );
    let plan = azure.plan(&export.text).await;
    assert!(plan.is_empty(), "{:#?}\n{}", plan.steps, export.text);
}

#[tokio::test(start_paused = true)]
async fn unusual_names_and_tags_export_as_text() {
    let azure = Azure::new().await;
    let tags = json!({
        "bell": "a\u{7}b\u{1b}[2J", "turned": "a\u{202e}b", "lines": "one\ntwo\n", "yes": "no", "null": "~",
        "number": "1.10", "${x}": "${env.HOME}", "escaped": "$${x}", "colon": "a: b # c", "hidden-title": "'quoted\" ",
        "empty": "", "wide": "Größe 東京", "un\u{200b}seen": "x",
    });
    let body = json!({ "location": "westeurope", "tags": tags });
    put(&azure, "", "2025-04-01", body).await;
    for (arm_type, name) in [
        ("Microsoft.Network/routeTables", "same"),
        ("Microsoft.Network/networkSecurityGroups", "same"),
        ("Microsoft.Network/applicationSecurityGroups", "params"),
        ("Microsoft.Network/privateDnsZones", "1.example"),
        ("Microsoft.Network/publicIPAddresses", "(it's) odd_"),
    ] {
        let path = format!("/providers/{arm_type}/{}", name.replace(' ', "%20"));
        put(
            &azure,
            &path,
            "2024-05-01",
            json!({ "location": "westeurope" }),
        )
        .await;
    }
    let export = azure.export(&["rg-test"]).await;
    let inexpressible = Note::Inexpressible {
        entry: "group".into(),
        paths: vec!["un\u{200b}seen".into()],
    };
    assert_eq!(export.notes, [inexpressible]);
    let acts = |c: char| c != '\n' && !lazuli_core::text::is_shown(c);
    assert!(!export.text.contains(acts), "{}", export.text);
    for name in [
        "same",
        "same-routeTables",
        "params-applicationSecurityGroups",
        "_1-example",
        "it-s-odd_",
    ] {
        assert!(
            export.text.contains(&format!("\n  {name}:\n")),
            "{name}\n{}",
            export.text
        );
    }
    let plan = azure.plan(&export.text).await;
    assert_eq!(plan.steps.len(), 6);
    assert!(
        plan.steps.iter().all(only_adds_markers),
        "{:#?}",
        plan.steps
    );
    azure.converge(&export.text).await;
    let url = format!("{}?api-version=2025-04-01", group());
    let mut after = unbound_tags(&azure.send_directly(Method::Get, &url, None).await);
    after.as_object_mut().unwrap().remove("lazuli-stack");
    assert_eq!(after, tags);
}

#[tokio::test(start_paused = true)]
async fn exported_references_contain_no_cycle() {
    let azure = Azure::new().await;
    create_outside_of_lazuli(&azure).await;
    let of = |name: &str| format!("/providers/Microsoft.Network/loadBalancers/{name}");
    for (name, other) in [("one", "two"), ("two", "one"), ("one", "two")] {
        let id = |name: &str| format!("{}{}", group(), of(name));
        let body = json!({ "location": "westeurope", "properties": {
            "other": { "id": id(other) },
            "frontends": [{
                "id": format!("{}/frontends/f", id(name)), "name": "f", "etag": "x",
                "properties": { "zone": "1" },
            }],
            "rules": [{ "name": "r", "properties": { "frontend": { "id": format!("{}/frontends/f", id(name)) } } }],
        }});
        put(&azure, &of(name), "2024-05-01", body).await;
    }
    let export = azure.export(&["rg-test"]).await;
    assert!(
        export.text.contains("          id: ${two}\n"),
        "{}",
        export.text
    );
    let round = "id: ${group}/providers/Microsoft.Network/loadBalancers/one\n";
    assert!(export.text.contains(round), "{}", export.text);
    let own = "id: ${group}/providers/Microsoft.Network/loadBalancers/one/frontends/f\n";
    assert_eq!(export.text.matches(own).count(), 1, "{}", export.text);
    assert!(!export.text.contains("etag"), "{}", export.text);
    let plan = azure.plan(&export.text).await;
    assert!(
        plan.steps.iter().all(only_adds_markers),
        "{:#?}",
        plan.steps
    );
}

#[tokio::test(start_paused = true)]
async fn empty_group_exports_to_a_stack_with_one_entry() {
    let azure = Azure::new().await;
    create_outside_of_lazuli(&azure).await;
    let export = azure.export(&["RG-TEST"]).await;
    assert_eq!((export.entries, export.stack.as_str()), (1, "test"));
    assert!(
        export.text.contains("    name: rg-test\n"),
        "{}",
        export.text
    );
    let plan = azure.plan(&export.text).await;
    assert!(
        plan.steps.iter().all(only_adds_markers),
        "{:#?}",
        plan.steps
    );
}

#[tokio::test(start_paused = true)]
async fn custom_role_of_another_owner_is_referenced_by_name() {
    let azure = Azure::new().await;
    create_outside_of_lazuli(&azure).await;
    let root = format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization");
    let definition = format!("{root}/roleDefinitions/00000000-0000-4000-8000-0000000000aa");
    let body = json!({ "properties": {
        "roleName": "Camera Operator", "type": "CustomRole", "assignableScopes": [format!("/subscriptions/{SUBSCRIPTION}")],
        "permissions": [{ "actions": ["*/read"] }],
    }});
    let url = format!("{definition}?api-version=2022-04-01");
    azure.send_directly(Method::Put, &url, Some(body)).await;
    let path =
        "/providers/Microsoft.Authorization/roleAssignments/00000000-0000-4000-8000-0000000000bb";
    let body = json!({ "properties": {
        "roleDefinitionId": definition, "principalId": "00000000-0000-0000-0000-00000000b0c1", "principalType": "Group",
    }});
    put(&azure, path, "2022-04-01", body).await;
    let export = azure.export(&["rg-test"]).await;
    for text in [
        "  access-group-00000000-to-group:\n",
        "    role: Camera Operator\n",
        "      objectId: 00000000-0000-0000-0000-00000000b0c1\n      type: Group\n",
    ] {
        assert!(export.text.contains(text), "{text}\n{}", export.text);
    }
    let plan = azure.plan(&export.text).await;
    assert!(
        plan.steps.iter().all(only_adds_markers),
        "{:#?}",
        plan.steps
    );
}

#[tokio::test(start_paused = true)]
async fn secrets_are_noted_and_not_exported() {
    let azure = Azure::new().await;
    create_outside_of_lazuli(&azure).await;
    let gateway = "/providers/Microsoft.Network/connections/vpn-test";
    let body = json!({ "location": "westeurope", "properties": {
        "connectionType": "IPsec", "sharedKey": "hunter2", "also": [{ "name": "a", "accessToken": "hunter2" }],
    }});
    put(&azure, gateway, "2024-05-01", body).await;
    let export = azure.export(&["rg-test"]).await;
    assert!(!export.text.contains("hunter2"), "{}", export.text);
    assert!(
        export.text.contains("connectionType: IPsec"),
        "{}",
        export.text
    );
    let note = Note::Secrets {
        entry: "vpn-test".into(),
        paths: vec![
            "properties.sharedKey".into(),
            "properties.also[].accessToken".into(),
        ],
    };
    assert_eq!(export.notes, [note]);
    let plan = azure.plan(&export.text).await;
    assert!(
        plan.steps.iter().all(only_adds_markers),
        "{:#?}",
        plan.steps
    );
}

#[tokio::test(start_paused = true)]
async fn for_each_instances_export_as_separate_entries() {
    let azure = Azure::new().await;
    let instances = spec(
        "  reader: { kind: userAssignedIdentity, name: id-reader }
  sees: { kind: roleDefinition, forEach: [a, b], name: \"Sees ${each.key}\", actions: [\"*/read\"], description: Looks }
  access: { kind: roleAssignment, forEach: [a, b], principal: \"${reader}\", scope: \"${group}\", role: \"${sees[each.key]}\", description: Looks }
",
    );
    azure.converge(&instances).await;
    let export = azure.export(&["rg-test"]).await;
    for text in [
        "    role: ${sees-a}\n",
        "    role: ${sees-b}\n",
        "    ignore:\n      - description\n",
    ] {
        assert!(export.text.contains(text), "{text}\n{}", export.text);
    }
    let plan = azure.plan(&export.text).await;
    assert!(plan.is_empty(), "{:#?}\n{}", plan.steps, export.text);
    assert_eq!(plan.remarks.orphans, [], "{}", export.text);
}

#[tokio::test(start_paused = true)]
async fn secrets_that_azure_does_not_return_are_noted() {
    let azure = Azure::new().await;
    let machine = spec(
        "  vm:
    kind: resource
    type: Microsoft.Compute/virtualMachines@2024-11-01
    name: vm
    body: { properties: { osProfile: { adminUsername: ops, adminPassword: hunter2 } } }
",
    );
    azure.converge(&machine).await;
    let export = azure.export(&["rg-test"]).await;
    assert_eq!(export.notes, [Note::UnverifiableSecrets("vm".into())]);
    assert!(!export.text.contains("lazuli-secrets"), "{}", export.text);
    let plan = azure.plan(&export.text).await;
    assert!(plan.is_empty(), "{:#?}\n{}", plan.steps, export.text);
}

#[test]
fn unsupported_resources_export_as_generic_resources() {
    let id = |text: &str| ArmId::parse(text).unwrap();
    let groups = [id(&group())];
    let account = id(&format!(
        "{}/providers/Microsoft.Media/videoAnalyzers/vatest",
        group()
    ));
    let mut live = Live::default();
    let body = json!({ "id": group(), "name": "rg-test", "location": "westeurope" });
    live.insert_as(groups[0].clone(), body);
    let body =
        json!({ "location": "westeurope", "properties": { "storageAccounts": [], "more": 1 } });
    live.insert_as(account.clone(), body);
    live.insert_contents(groups[0].clone(), vec![account]);
    let scene = Scene {
        groups: &groups,
        live: &live,
        registry: REGISTRY,
    };
    let export = export(&scene, "test");
    let plain = Note::Generic {
        entry: "vatest".into(),
        kind: "videoAnalyzer",
    };
    assert_eq!(export.notes, [plain]);
    let text = "  vatest:\n    kind: resource\n    type: Microsoft.Media/videoAnalyzers@2021-11-01-preview\n";
    assert!(export.text.contains(text), "{}", export.text);
    assert!(export.text.contains("        more: 1\n"), "{}", export.text);
}
