//! Video Indexer accounts as nodes, their dependencies and their checks.

use lazuli_core::diagnostic::{Code, Severity};
use serde_json::{Value as Json, json};

use crate::testing::{
    BuiltStack, GROUP, ReportedDiagnostic, body, dependencies, keys, stack, valid_graph,
};

const VIDEOS: &str = "
indexer:    { kind: userAssignedIdentity, name: id-videos }
recordings: { kind: storageAccount, name: stvideos, sku: Standard_LRS }
access: { kind: roleAssignment, principal: '${indexer}', scope: '${recordings}', role: Storage Blob Data Contributor }
videos: { kind: videoIndexer, name: vi-videos, identity: '${indexer}', storage: '${recordings}' }
";

/// Replacements for a system-assigned identity.
const OWN: &[(&str, &str)] = &[
    ("principal: '${indexer}'", "principal: '${videos}'"),
    (
        "identity: '${indexer}'",
        "identity: { systemAssigned: true }",
    ),
];

fn videos_with(replacements: &[(&str, &str)]) -> BuiltStack {
    let replace = |text: String, (from, to): &(&str, &str)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    };
    stack(&replacements.iter().fold(VIDEOS.to_owned(), replace))
}

/// The only diagnostic.
fn single_diagnostic(replacements: &[(&str, &str)]) -> ReportedDiagnostic {
    let mut diagnostics = videos_with(replacements).diagnostics;
    assert_eq!(diagnostics.len(), 1, "{diagnostics:#?}");
    diagnostics.remove(0)
}

fn storage_id() -> String {
    format!("{GROUP}/providers/Microsoft.Storage/storageAccounts/stvideos")
}

fn identity_id() -> String {
    format!("{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-videos")
}

#[test]
fn body_contains_identity_and_storage() {
    let wanted = json!({
        "location": "westeurope",
        "tags": { "lazuli-stack": "cameras" },
        "identity": { "type": "UserAssigned", "userAssignedIdentities": { identity_id(): {} } },
        "properties": { "storageServices": {
            "resourceId": storage_id(), "userAssignedIdentity": identity_id(),
        } },
    });
    assert_eq!(body(&valid_graph(VIDEOS), "videos"), wanted);
    let in_arm_names = videos_with(&[(
        "storage: '${recordings}'",
        "storageServices: { resourceId: '${recordings}', userAssignedIdentity: '${indexer}' }",
    )]);
    assert_eq!(in_arm_names.diagnostics, []);
    assert_eq!(body(&in_arm_names.graph, "videos"), wanted);
}

#[test]
fn body_contains_open_ai_and_network_access() {
    let built = videos_with(&[(
        "storage: '${recordings}'",
        "storage: '${recordings}', publicNetworkAccess: Disabled, openAiServices: { resourceId: /subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-ai/providers/Microsoft.CognitiveServices/accounts/oai, userAssignedIdentity: '${indexer}' }",
    )]);
    assert_eq!(built.diagnostics, []);
    let properties = &body(&built.graph, "videos")["properties"];
    assert_eq!(properties["publicNetworkAccess"], "Disabled");
    let open_ai = &properties["openAiServices"];
    assert_eq!(open_ai["userAssignedIdentity"], identity_id());
    assert!(open_ai["resourceId"].as_str().unwrap().ends_with("/oai"));
}

#[test]
fn account_depends_on_the_roles_of_its_identity() {
    let dependencies = dependencies(&valid_graph(VIDEOS), "videos");
    let why = "the account can use `recordings` only when `indexer` has its roles there";
    for (key, why) in [
        ("access/Storage Blob Data Contributor", why),
        ("indexer", "`identity` refers to it"),
        ("recordings", "`storage` refers to it"),
    ] {
        assert!(
            dependencies.contains(&(key.into(), why.into())),
            "{key}: {dependencies:?}"
        );
    }
}

#[test]
fn roles_of_the_system_assigned_identity_depend_on_the_account() {
    let built = videos_with(OWN);
    assert_eq!(built.diagnostics, []);
    let of_account = body(&built.graph, "videos");
    assert_eq!(of_account["identity"], json!({ "type": "SystemAssigned" }));
    let services = &of_account["properties"]["storageServices"];
    assert_eq!(*services, json!({ "resourceId": storage_id() }));
    let grant = "access/Storage Blob Data Contributor";
    assert_eq!(keys(&built.graph).last().unwrap(), grant);
    let dependencies = dependencies(&built.graph, grant);
    assert!(dependencies.contains(&("videos".into(), "`principal` refers to it".into())));
}

#[test]
fn first_identity_accesses_the_storage() {
    let both = "identity: { systemAssigned: true, userAssigned: ['${indexer}'] }";
    let built = videos_with(&[("identity: '${indexer}'", both)]);
    assert_eq!(built.diagnostics, []);
    let body = body(&built.graph, "videos");
    assert_eq!(body["identity"]["type"], "SystemAssigned,UserAssigned");
    let used = &body["properties"]["storageServices"]["userAssignedIdentity"];
    assert_eq!(*used, Json::from(identity_id()));
}

#[test]
fn missing_role_is_reported_with_the_entry_to_add() {
    let missing =
        single_diagnostic(&[("Storage Blob Data Contributor", "Storage Blob Data Reader")]);
    assert_eq!(
        (missing.severity, missing.code),
        (Severity::Error, Code::MissingGrant)
    );
    assert_eq!(
        missing.message,
        "`indexer` lacks the role Storage Blob Data Contributor on `recordings`"
    );
    let owner = videos_with(&[("Storage Blob Data Contributor", "Storage Blob Data Owner")]);
    assert_eq!(owner.diagnostics, []);
}

#[test]
fn missing_role_of_the_system_assigned_identity_is_a_warning() {
    let missing = single_diagnostic(&[OWN[1]]);
    assert_eq!(
        (missing.severity, missing.code),
        (Severity::Warning, Code::MissingGrant)
    );
    assert_eq!(
        missing.message,
        "`videos` lacks the role Storage Blob Data Contributor on `recordings`"
    );
    assert!(
        missing.help.contains("  videos-on-recordings:\n"),
        "{}",
        missing.help
    );
    assert!(
        missing.help.contains("principal: ${videos}\n"),
        "{}",
        missing.help
    );
}

#[test]
fn storage_in_another_region_is_a_warning() {
    let far = single_diagnostic(&[("sku:", "location: northeurope, sku:")]);
    assert_eq!(
        (far.severity, far.code),
        (Severity::Warning, Code::Precondition)
    );
    assert_eq!(
        far.message,
        "`recordings` is in northeurope, but the account that uses it is in westeurope"
    );
}

#[test]
fn unsupported_storage_is_rejected() {
    for (written, message) in [
        (
            "Premium_LRS",
            "`recordings` uses premium storage (Premium_LRS)",
        ),
        (
            "Standard_LRS, accountKind: Storage",
            "`recordings` has the account kind Storage",
        ),
    ] {
        let wrong = single_diagnostic(&[("Standard_LRS", written)]);
        assert_eq!(
            (wrong.severity, wrong.code),
            (Severity::Error, Code::Precondition)
        );
        assert_eq!(wrong.message, message);
        assert!(wrong.help.contains("StorageV2"), "{}", wrong.help);
    }
}

#[test]
fn storage_that_blocks_trusted_services_is_rejected() {
    let rules =
        |bypass: &str| format!("Standard_LRS, networkAcls: {{ defaultAction: Deny{bypass} }}");
    let shut = single_diagnostic(&[("Standard_LRS", &rules(", bypass: None"))]);
    assert_eq!(
        (shut.severity, shut.code),
        (Severity::Warning, Code::Precondition)
    );
    assert_eq!(
        shut.message,
        "the network rules of `recordings` block the account"
    );
    for open in ["", ", bypass: 'Logging, AzureServices'"] {
        assert_eq!(
            videos_with(&[("Standard_LRS", &rules(open))]).diagnostics,
            [],
            "{open}"
        );
    }
}

#[test]
fn identity_of_a_service_must_belong_to_the_account() {
    let services =
        |more: &str| format!("storageServices: {{ resourceId: '${{recordings}}'{more} }}");
    let none = single_diagnostic(&[("storage: '${recordings}'", &services(""))]);
    assert_eq!(none.code, Code::Precondition);
    assert_eq!(
        none.message,
        "`recordings` is accessed with the system-assigned identity, which the account lacks"
    );
    let open_ai =
        "openAiServices: { resourceId: '${recordings.id}', userAssignedIdentity: '${other}' }";
    let other = single_diagnostic(&[
        (
            "videos: {",
            "other: { kind: userAssignedIdentity, name: id-other }\nvideos: {",
        ),
        (
            "storage: '${recordings}'",
            &format!("storage: '${{recordings}}', {open_ai}"),
        ),
    ]);
    assert_eq!(
        other.message,
        "Azure OpenAI is accessed with an identity that the account lacks"
    );
}

#[test]
fn invalid_identity_is_reported_once() {
    for (written, wrong) in [
        ("identity: '${indexer}'", "identity: '${recordings}'"),
        (
            "storage: '${recordings}'",
            "storageServices: { resourceId: '${recordings}', userAssignedIdentity: '${recordings}' }",
        ),
    ] {
        let diagnostic = single_diagnostic(&[(written, wrong)]);
        assert_eq!(
            diagnostic.message,
            "expected a userAssignedIdentity, but `recordings` is a storageAccount"
        );
    }
}

#[test]
fn storage_must_be_set_exactly_once() {
    let both = single_diagnostic(&[(
        "storage: '${recordings}'",
        "storage: '${recordings}', storageServices: { resourceId: '${recordings}' }",
    )]);
    assert_eq!(
        both.message,
        "`storage` and `storageServices` cannot be combined"
    );
    let none = single_diagnostic(&[(", storage: '${recordings}'", "")]);
    assert_eq!(
        (none.code, none.message.as_str()),
        (Code::MissingKey, "`videos` requires `storage`")
    );
}

#[test]
fn names_follow_the_rule_of_azure() {
    for (name, takes) in [("vi", false), ("vi_x", false), ("Vi-1", true)] {
        let built = videos_with(&[("vi-videos", name)]);
        assert_eq!(
            built.diagnostics.is_empty(),
            takes,
            "{name}: {:?}",
            built.diagnostics
        );
    }
}

#[test]
fn role_of_an_account_without_identity_is_rejected() {
    let built = videos_with(&[OWN[0]]);
    let messages: Vec<_> = built
        .diagnostics
        .iter()
        .map(|diagnostic| diagnostic.message.as_str())
        .collect();
    assert!(
        messages.contains(&"`videos` has no system-assigned identity"),
        "{messages:?}"
    );
}
