//! Video Indexer accounts as nodes, what they wait for, and what is said before Azure is asked.

use lazuli_core::diagnostic::{Code, Severity};
use serde_json::{Value as Json, json};

use crate::testing::{Built, GROUP, Said, body, keys, sound, stack, waits};

const VIDEOS: &str = "
indexer:    { kind: userAssignedIdentity, name: id-videos }
recordings: { kind: storageAccount, name: stvideos, sku: Standard_LRS }
access: { kind: roleAssignment, principal: '${indexer}', scope: '${recordings}', role: Storage Blob Data Contributor }
videos: { kind: videoIndexer, name: vi-videos, identity: '${indexer}', storage: '${recordings}' }
";

/// The same with an identity of the account's own.
const OWN: &[(&str, &str)] = &[
    ("principal: '${indexer}'", "principal: '${videos}'"),
    (
        "identity: '${indexer}'",
        "identity: { systemAssigned: true }",
    ),
];

fn with(replacements: &[(&str, &str)]) -> Built {
    let replace = |text: String, (from, to): &(&str, &str)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    };
    stack(&replacements.iter().fold(VIDEOS.to_owned(), replace))
}

/// The only thing that is said.
fn said(replacements: &[(&str, &str)]) -> Said {
    let mut said = with(replacements).said;
    assert_eq!(said.len(), 1, "{said:#?}");
    said.remove(0)
}

fn storage_id() -> String {
    format!("{GROUP}/providers/Microsoft.Storage/storageAccounts/stvideos")
}

fn identity_id() -> String {
    format!("{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-videos")
}

#[test]
fn the_account_holds_its_identity_and_its_storage() {
    let wanted = json!({
        "location": "westeurope",
        "tags": { "lazuli-stack": "cameras" },
        "identity": { "type": "UserAssigned", "userAssignedIdentities": { identity_id(): {} } },
        "properties": { "storageServices": {
            "resourceId": storage_id(), "userAssignedIdentity": identity_id(),
        } },
    });
    assert_eq!(body(&sound(VIDEOS), "videos"), wanted);
    let in_azures_words = with(&[(
        "storage: '${recordings}'",
        "storageServices: { resourceId: '${recordings}', userAssignedIdentity: '${indexer}' }",
    )]);
    assert_eq!(in_azures_words.said, []);
    assert_eq!(body(&in_azures_words.graph, "videos"), wanted);
}

#[test]
fn open_ai_and_networks() {
    let built = with(&[(
        "storage: '${recordings}'",
        "storage: '${recordings}', publicNetworkAccess: Disabled, openAiServices: { resourceId: /subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-ai/providers/Microsoft.CognitiveServices/accounts/oai, userAssignedIdentity: '${indexer}' }",
    )]);
    assert_eq!(built.said, []);
    let properties = &body(&built.graph, "videos")["properties"];
    assert_eq!(properties["publicNetworkAccess"], "Disabled");
    let open_ai = &properties["openAiServices"];
    assert_eq!(open_ai["userAssignedIdentity"], identity_id());
    assert!(open_ai["resourceId"].as_str().unwrap().ends_with("/oai"));
}

#[test]
fn it_waits_for_the_grants_of_its_identity() {
    let waits = waits(&sound(VIDEOS), "videos");
    let why = "the account can use `recordings` only when `indexer` holds its roles there";
    for (key, why) in [
        ("access/Storage Blob Data Contributor", why),
        ("indexer", "`identity` refers to it"),
        ("recordings", "`storage` refers to it"),
    ] {
        assert!(
            waits.contains(&(key.into(), why.into())),
            "{key}: {waits:?}"
        );
    }
}

#[test]
fn the_grants_of_its_own_identity_wait_for_it() {
    let built = with(OWN);
    assert_eq!(built.said, []);
    let of_account = body(&built.graph, "videos");
    assert_eq!(of_account["identity"], json!({ "type": "SystemAssigned" }));
    let services = &of_account["properties"]["storageServices"];
    assert_eq!(*services, json!({ "resourceId": storage_id() }));
    let grant = "access/Storage Blob Data Contributor";
    assert_eq!(keys(&built.graph).last().unwrap(), grant);
    let waits = waits(&built.graph, grant);
    assert!(waits.contains(&("videos".into(), "`principal` refers to it".into())));
}

#[test]
fn the_first_of_several_identities_reaches_the_storage() {
    let both = "identity: { systemAssigned: true, userAssigned: ['${indexer}'] }";
    let built = with(&[("identity: '${indexer}'", both)]);
    assert_eq!(built.said, []);
    let body = body(&built.graph, "videos");
    assert_eq!(body["identity"]["type"], "SystemAssigned,UserAssigned");
    let used = &body["properties"]["storageServices"]["userAssignedIdentity"];
    assert_eq!(*used, Json::from(identity_id()));
}

#[test]
fn an_identity_without_its_role_is_told_what_to_write() {
    let missing = said(&[("Storage Blob Data Contributor", "Storage Blob Data Reader")]);
    assert_eq!(
        (missing.severity, missing.code),
        (Severity::Error, Code::MissingGrant)
    );
    assert_eq!(
        missing.message,
        "`indexer` lacks the role Storage Blob Data Contributor on `recordings`"
    );
    let owner = with(&[("Storage Blob Data Contributor", "Storage Blob Data Owner")]);
    assert_eq!(owner.said, []);
}

#[test]
fn its_own_identity_may_be_given_its_role_later_by_others() {
    let missing = said(&[OWN[1]]);
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
    let far = said(&[("sku:", "location: northeurope, sku:")]);
    assert_eq!(
        (far.severity, far.code),
        (Severity::Warning, Code::Precondition)
    );
    assert_eq!(
        far.message,
        "`recordings` is in northeurope, and the account that uses it in westeurope"
    );
}

#[test]
fn storage_of_the_wrong_sort() {
    for (written, message) in [
        (
            "Premium_LRS",
            "`recordings` is premium storage (Premium_LRS)",
        ),
        (
            "Standard_LRS, accountKind: Storage",
            "`recordings` is an account of kind Storage",
        ),
    ] {
        let wrong = said(&[("Standard_LRS", written)]);
        assert_eq!(
            (wrong.severity, wrong.code),
            (Severity::Error, Code::Precondition)
        );
        assert_eq!(wrong.message, message);
        assert!(wrong.help.contains("StorageV2"), "{}", wrong.help);
    }
}

#[test]
fn storage_that_keeps_trusted_services_out() {
    let rules =
        |bypass: &str| format!("Standard_LRS, networkAcls: {{ defaultAction: Deny{bypass} }}");
    let shut = said(&[("Standard_LRS", &rules(", bypass: None"))]);
    assert_eq!(
        (shut.severity, shut.code),
        (Severity::Warning, Code::Precondition)
    );
    assert_eq!(
        shut.message,
        "the network rules of `recordings` keep the account out"
    );
    for open in ["", ", bypass: 'Logging, AzureServices'"] {
        assert_eq!(with(&[("Standard_LRS", &rules(open))]).said, [], "{open}");
    }
}

#[test]
fn what_is_used_is_reached_with_an_identity_of_the_account() {
    let services =
        |more: &str| format!("storageServices: {{ resourceId: '${{recordings}}'{more} }}");
    let none = said(&[("storage: '${recordings}'", &services(""))]);
    assert_eq!(none.code, Code::Precondition);
    assert_eq!(
        none.message,
        "`recordings` is reached with the account's own identity, and it has none"
    );
    let open_ai =
        "openAiServices: { resourceId: '${recordings.id}', userAssignedIdentity: '${other}' }";
    let other = said(&[
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
        "Azure OpenAI is reached with an identity that the account does not have"
    );
}

#[test]
fn what_is_no_identity_is_one_mistake() {
    for (written, wrong) in [
        ("identity: '${indexer}'", "identity: '${recordings}'"),
        (
            "storage: '${recordings}'",
            "storageServices: { resourceId: '${recordings}', userAssignedIdentity: '${recordings}' }",
        ),
    ] {
        let said = said(&[(written, wrong)]);
        assert_eq!(
            said.message,
            "this must be a userAssignedIdentity, and `recordings` is a storageAccount"
        );
    }
}

#[test]
fn storage_is_named_once() {
    let both = said(&[(
        "storage: '${recordings}'",
        "storage: '${recordings}', storageServices: { resourceId: '${recordings}' }",
    )]);
    assert_eq!(
        both.message,
        "`storage` and `storageServices` exclude each other"
    );
    let none = said(&[(", storage: '${recordings}'", "")]);
    assert_eq!(
        (none.code, none.message.as_str()),
        (Code::MissingKey, "`videos` needs `storage`")
    );
}

#[test]
fn names_follow_azures_rule() {
    for (name, takes) in [("vi", false), ("vi_x", false), ("Vi-1", true)] {
        let built = with(&[("vi-videos", name)]);
        assert_eq!(built.said.is_empty(), takes, "{name}: {:?}", built.said);
    }
}

#[test]
fn a_grant_to_an_account_without_an_identity_of_its_own() {
    let built = with(&[OWN[0]]);
    let messages: Vec<_> = built
        .said
        .iter()
        .map(|said| said.message.as_str())
        .collect();
    assert!(
        messages.contains(&"`videos` has no identity of its own"),
        "{messages:?}"
    );
}
