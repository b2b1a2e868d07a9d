//! Storage accounts as nodes and bodies, and checks of their properties.

use lazuli_core::{
    diagnostic::Code,
    diff::{diff, overlay},
    graph::Node,
};
use serde_json::{Value as Json, json};

use crate::testing::{GROUP, body, dependencies, keys, node, stack, valid_graph};

fn account(lines: &str) -> String {
    let more: String = lines.lines().map(|line| format!("  {line}\n")).collect();
    format!("recordings:\n  kind: storageAccount\n  name: stcameras\n{more}")
}

fn errors(lines: &str) -> Vec<(Code, String)> {
    let built = stack(&account(lines));
    built
        .errors()
        .into_iter()
        .map(|(code, at)| (code, at.to_owned()))
        .collect()
}

#[test]
fn body_contains_only_written_properties() {
    let graph = valid_graph(&account("sku: Standard_LRS"));
    assert_eq!(
        node(&graph, "recordings").id().unwrap().as_str(),
        format!("{GROUP}/providers/Microsoft.Storage/storageAccounts/stcameras")
    );
    assert_eq!(
        body(&graph, "recordings"),
        json!({
            "location": "westeurope",
            "tags": { "lazuli-stack": "cameras" },
            "sku": { "name": "Standard_LRS" },
            "kind": "StorageV2",
        })
    );
}

#[test]
fn null_property_is_not_sent() {
    let graph = valid_graph(&account(
        "sku: Standard_LRS\naccountKind:\nidentity:\ncontainers:\nblobService:\nlifecycleRules:",
    ));
    assert_eq!(keys(&graph), ["recordings"]);
    let body = body(&graph, "recordings");
    assert_eq!(body["kind"], "StorageV2");
    assert_eq!(body.get("identity"), None);
}

#[test]
fn properties_have_the_names_of_arm() {
    let graph = valid_graph(&account(
        "\
sku: Premium_LRS
accountKind: BlockBlobStorage
zones: ['1']
isHnsEnabled: true
isNfsV3Enabled: true
defaultToOAuthAuthentication: true
networkAcls: { defaultAction: Deny, ipRules: [{ value: 203.0.113.0/24 }] }
azureFilesIdentityBasedAuthentication: { directoryServiceOptions: AADKERB, smbOAuthSettings: { isSmbOAuthEnabled: true } }
keyPolicy: { keyExpirationPeriodInDays: 30 }",
    ));
    let body = body(&graph, "recordings");
    assert_eq!(body["kind"], "BlockBlobStorage");
    assert_eq!(body["zones"], json!(["1"]));
    assert_eq!(
        body["properties"],
        json!({
            "isHnsEnabled": true,
            "isNfsV3Enabled": true,
            "defaultToOAuthAuthentication": true,
            "networkAcls": { "defaultAction": "Deny", "ipRules": [{ "value": "203.0.113.0/24" }] },
            "azureFilesIdentityBasedAuthentication": {
                "directoryServiceOptions": "AADKERB",
                "smbOAuthSettings": { "isSmbOAuthEnabled": true },
            },
            "keyPolicy": { "keyExpirationPeriodInDays": 30 },
        })
    );
}

#[test]
fn account_has_managed_identities() {
    let id = format!("{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-one");
    let one = "one: { kind: userAssignedIdentity, name: id-one }\n";
    for (written, kind) in [
        ("${one}".to_owned(), "UserAssigned"),
        ("['${one}']".to_owned(), "UserAssigned"),
        (format!("['{id}']"), "UserAssigned"),
        (
            "{ systemAssigned: true, userAssigned: ['${one}'] }".to_owned(),
            "SystemAssigned,UserAssigned",
        ),
    ] {
        let graph = valid_graph(
            &(one.to_owned() + &account(&format!("sku: Standard_LRS\nidentity: {written}"))),
        );
        assert_eq!(
            body(&graph, "recordings")["identity"],
            json!({ "type": kind, "userAssignedIdentities": { id.as_str(): {} } }),
            "{written}"
        );
    }
    let graph = valid_graph(&account(
        "sku: Standard_LRS\nidentity: { systemAssigned: true }",
    ));
    assert_eq!(
        body(&graph, "recordings")["identity"],
        json!({ "type": "SystemAssigned" })
    );
}

#[test]
fn identity_of_another_kind_is_rejected() {
    let built = stack(
        "
        group: { kind: resourceGroup, name: rg }
        a: { kind: storageAccount, name: sta, sku: Standard_LRS, identity: '${group}' }
        b: { kind: storageAccount, name: stb, sku: Standard_LRS, identity: ['/subscriptions/x'] }
        ",
    );
    let at: Vec<_> = built
        .errors()
        .into_iter()
        .map(|(code, at)| (code, at.trim_matches('\'').to_owned()))
        .collect();
    assert_eq!(
        at,
        [
            (Code::WrongType, "${group}".to_owned()),
            (Code::WrongType, "/subscriptions/x".to_owned())
        ]
    );
}

#[test]
fn customer_managed_key_is_read_with_an_identity() {
    let graph = valid_graph(
        &("one: { kind: userAssignedIdentity, name: id-one }\n".to_owned()
            + &account(
                "\
sku: Standard_LRS
identity: ${one}
encryption:
  keySource: Microsoft.Keyvault
  keyvaultproperties: { keyname: k, keyvaulturi: https://kv.vault.azure.net }
  identity: { userAssignedIdentity: '${one}' }",
            )),
    );
    let encryption = &body(&graph, "recordings")["properties"]["encryption"];
    assert_eq!(
        encryption["identity"]["userAssignedIdentity"],
        format!("{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-one")
    );
    assert_eq!(encryption["keyvaultproperties"]["keyname"], "k");
    assert!(
        dependencies(&graph, "recordings")
            .iter()
            .any(|(key, _)| key == "one")
    );
}

#[test]
fn containers_blob_service_and_lifecycle_rules_are_separate_nodes() {
    let graph = valid_graph(&account(
        "\
sku: Standard_LRS
blobService: { isVersioningEnabled: true }
containers:
  video:
  public: { publicAccess: Blob, metadata: { team: vision } }
lifecycleRules:
  old:
    definition:
      filters: { blobTypes: [blockBlob] }
      actions: { baseBlob: { delete: { daysAfterModificationGreaterThan: 30 } } }",
    ));
    assert_eq!(
        keys(&graph),
        [
            "recordings",
            "recordings/blobService",
            "recordings/containers/video",
            "recordings/containers/public",
            "recordings/lifecycle"
        ]
    );
    let account = format!("{GROUP}/providers/Microsoft.Storage/storageAccounts/stcameras");
    let service = node(&graph, "recordings/blobService");
    assert_eq!(
        service.id().unwrap().as_str(),
        format!("{account}/blobServices/default")
    );
    assert!(!service.deletable);
    assert_eq!(
        body(&graph, "recordings/blobService"),
        json!({ "properties": { "isVersioningEnabled": true } })
    );
    let video = node(&graph, "recordings/containers/video");
    assert_eq!(
        video.id().unwrap().as_str(),
        format!("{account}/blobServices/default/containers/video")
    );
    assert!(video.deletable);
    assert_eq!(
        body(&graph, "recordings/containers/video"),
        json!({ "properties": {} })
    );
    assert_eq!(
        body(&graph, "recordings/containers/public"),
        json!({ "properties": { "publicAccess": "Blob", "metadata": { "team": "vision" } } })
    );
    assert_eq!(
        dependencies(&graph, "recordings/containers/video"),
        [(
            "recordings/blobService".to_owned(),
            "contained in it or attached to it".to_owned()
        )]
    );
    let lifecycle = node(&graph, "recordings/lifecycle");
    assert_eq!(
        lifecycle.id().unwrap().as_str(),
        format!("{account}/managementPolicies/default")
    );
    assert_eq!(
        body(&graph, "recordings/lifecycle")["properties"]["policy"]["rules"][0],
        json!({
            "name": "old",
            "definition": {
                "filters": { "blobTypes": ["blockBlob"] },
                "actions": { "baseBlob": { "delete": { "daysAfterModificationGreaterThan": 30 } } },
            },
            "type": "Lifecycle",
        })
    );
}

#[test]
fn lifecycle_rules_compare_equal_as_list_or_mapping_in_any_order() {
    let rule = |name: &str, days: &str| {
        format!(
            "- {{ name: {name}, enabled: true, type: Lifecycle, definition: {{ actions: {{ version: {{ delete: {{ daysAfterCreationGreaterThan: {days} }} }} }} }} }}"
        )
    };
    let graph = valid_graph(&account(&format!(
        "sku: Standard_LRS\nlifecycleRules:\n{}\n{}",
        rule("a", "30"),
        rule("b", "7")
    )));
    let live = |name: &str, days: f64| {
        json!({ "name": name, "enabled": true, "type": "Lifecycle", "definition": {
            "actions": { "version": { "delete": { "daysAfterCreationGreaterThan": days } } } } })
    };
    let policy = node(&graph, "recordings/lifecycle");
    let found =
        json!({ "properties": { "policy": { "rules": [live("b", 7.0), live("a", 30.0)] } } });
    assert_eq!(diff(&policy.body, &found, policy.rules, &[]), []);
    let found =
        json!({ "properties": { "policy": { "rules": [live("b", 8.0), live("a", 30.0)] } } });
    let paths: Vec<_> = diff(&policy.body, &found, policy.rules, &[])
        .into_iter()
        .map(|change| change.path.to_string())
        .collect();
    assert_eq!(
        paths,
        [
            "properties.policy.rules[b].definition.actions.version.delete.daysAfterCreationGreaterThan"
        ]
    );
}

/// The tags of a node.
fn tags(node: &Node) -> Json {
    node.body.to_display_json()["tags"].clone()
}

/// ARM facts 1.7: members that the service adds to an account.
#[test]
fn members_added_by_the_service_are_neither_compared_nor_sent() {
    let graph = valid_graph(&account(
        "\
sku: Standard_LRS
minimumTlsVersion: TLS1_2
networkAcls: { defaultAction: Deny, ipRules: [{ value: 198.51.100.1 }, { value: 203.0.113.0/24 }] }",
    ));
    let node = node(&graph, "recordings");
    let mut live = json!({
        "id": node.id().unwrap().as_str(), "name": "stcameras", "type": "Microsoft.Storage/storageAccounts",
        "location": "westeurope", "tags": tags(node), "kind": "StorageV2",
        "sku": { "name": "Standard_LRS", "tier": "Standard" },
        "properties": {
            "accessTier": "Hot",
            "minimumTlsVersion": "TLS1_2",
            "allowCrossTenantReplication": false,
            "encryption": {
                "keySource": "Microsoft.Storage",
                "services": { "blob": { "enabled": true, "keyType": "Account", "lastEnabledTime": "2024-01-01T00:00:00Z" } },
            },
            "networkAcls": {
                "bypass": "AzureServices", "defaultAction": "Deny", "virtualNetworkRules": [],
                "ipRules": [{ "value": "203.0.113.0/24", "action": "Allow" }, { "value": "198.51.100.1", "action": "Allow" }],
            },
            "keyCreationTime": { "key1": "2024-01-01T00:00:00Z" },
            "creationTime": "2024-01-01T00:00:00Z",
            "primaryEndpoints": { "blob": "https://stcameras.blob.core.windows.net/" },
            "primaryLocation": "westeurope", "statusOfPrimary": "available", "provisioningState": "Succeeded",
            "privateEndpointConnections": [],
        },
    });
    assert_eq!(diff(&node.body, &live, node.rules, &[]), []);

    live["properties"]["minimumTlsVersion"] = "TLS1_0".into();
    assert_eq!(diff(&node.body, &live, node.rules, &[]).len(), 1);
    let sent = overlay(&node.body, &live, node.rules, &[])
        .to_json()
        .unwrap();
    assert_eq!(sent["sku"], json!({ "name": "Standard_LRS" }));
    assert_eq!(
        sent["properties"]["encryption"]["services"]["blob"],
        json!({ "enabled": true, "keyType": "Account" })
    );
    let properties: Vec<&str> = sent["properties"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        properties,
        [
            "accessTier",
            "minimumTlsVersion",
            "allowCrossTenantReplication",
            "encryption",
            "networkAcls"
        ]
    );
}

#[test]
fn immutable_properties_replace_the_account() {
    let graph = valid_graph(&account("sku: Standard_LRS\nisHnsEnabled: true"));
    let node = node(&graph, "recordings");
    let live = json!({
        "location": "westeurope", "tags": tags(node), "kind": "StorageV2",
        "sku": { "name": "Standard_LRS" }, "properties": { "isHnsEnabled": false },
    });
    let changes = diff(&node.body, &live, node.rules, &[]);
    assert_eq!(changes.len(), 1);
    assert!(changes[0].immutable);
}

#[test]
fn invalid_names_are_rejected() {
    let built = stack("a: { kind: storageAccount, name: stCameras, sku: Standard_LRS }");
    assert_eq!(built.errors(), [(Code::BadName, "stCameras")]);
    assert_eq!(
        errors("sku: Standard_LRS\ncontainers: { Video: {}, a--b: {}, $web: {}, ok-1: {} }"),
        [
            (Code::BadName, "Video".into()),
            (Code::BadName, "a--b".into())
        ]
    );
    assert_eq!(
        errors("sku: Standard_LRS\nlifecycleRules: { 'a b': { definition: { actions: {} } } }")
            .len(),
        1
    );
}

#[test]
fn unknown_properties_and_wrong_types_are_rejected() {
    assert_eq!(
        errors("minimumTlsVersion: TLS1_2"),
        [(Code::MissingKey, "recordings".into())]
    );
    assert_eq!(
        errors("sku: Standard_LRS\nminimumTlsVersoin: TLS1_2"),
        [(Code::UnknownKey, "minimumTlsVersoin".into())]
    );
    assert_eq!(
        errors("sku: Standard"),
        [(Code::ValueNotAllowed, "Standard".into())]
    );
    assert_eq!(
        errors("sku: Standard_LRS\nisHnsEnabled: maybe"),
        [(Code::WrongType, "maybe".into())]
    );
}

#[test]
fn invalid_combinations_are_rejected() {
    let precondition = |at: &str| vec![(Code::Precondition, at.to_owned())];
    assert_eq!(
        errors("sku: Standard_LRS\naccountKind: BlockBlobStorage"),
        precondition("Standard_LRS")
    );
    assert_eq!(
        errors("sku: Standard_LRS\naccountKind: FileStorage"),
        precondition("Standard_LRS")
    );
    assert_eq!(
        errors("sku: Standard_LRS\naccountKind: BlobStorage"),
        precondition("BlobStorage")
    );
    assert_eq!(
        errors("sku: Standard_LRS\nisSftpEnabled: true"),
        precondition("true")
    );
    assert_eq!(
        errors("sku: Standard_LRS\nisNfsV3Enabled: true"),
        precondition("true")
    );
    assert_eq!(
        errors(
            "sku: Standard_LRS\nallowBlobPublicAccess: false\ncontainers: { video: { publicAccess: Blob } }"
        ),
        precondition("Blob")
    );
    assert_eq!(
        errors("sku: Standard_LRS\nencryption: { keySource: Microsoft.Keyvault }").len(),
        1
    );
    assert_eq!(
        errors("sku: Standard_LRS\nblobService: { restorePolicy: { enabled: true, days: 5 } }")
            .len(),
        1
    );
    assert_eq!(
        errors(
            "\
sku: Standard_LRS
blobService:
  isVersioningEnabled: true
  changeFeed: { enabled: true }
  deleteRetentionPolicy: { enabled: true, days: 5 }
  restorePolicy: { enabled: true, days: 6 }"
        ),
        precondition("6")
    );
}
