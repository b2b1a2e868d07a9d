//! Video Analyzer accounts as nodes, what they wait for, and what is refused before Azure does.

use lazuli_core::diagnostic::{Code, Severity};
use serde_json::json;

use crate::testing::{Built, GROUP, body, keys, node, sound, stack, waits};

/// The stack that the project begins with; `with` replaces pieces of it.
const CAMERAS: &str = "
analyzer:   { kind: userAssignedIdentity, name: id-cameras }
recordings: { kind: storageAccount, name: stcameras, sku: Standard_LRS }
access:
  kind: roleAssignment
  principal: ${analyzer}
  scope: ${recordings}
  roles: [Storage Blob Data Contributor, Reader]
cameras: { kind: videoAnalyzer, name: vacameras, identity: '${analyzer}', storage: '${recordings}' }
";

fn with(replacements: &[(&str, &str)]) -> Built {
    let text = replacements
        .iter()
        .fold(CAMERAS.to_owned(), |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replace(from, to)
        });
    stack(&text)
}

fn refused(replacements: &[(&str, &str)]) -> String {
    let built = with(replacements);
    let error = built.error();
    assert_eq!(
        (error.code, error.at.trim_matches('\'')),
        (Code::Precondition, "${recordings}"),
        "{error:?}"
    );
    error.message.clone()
}

#[test]
fn the_account_holds_its_identity_and_its_storage() {
    let graph = sound(CAMERAS);
    let identity =
        format!("{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-cameras");
    assert_eq!(
        node(&graph, "cameras").id().unwrap().as_str(),
        format!("{GROUP}/providers/Microsoft.Media/videoAnalyzers/vacameras")
    );
    assert_eq!(
        body(&graph, "cameras"),
        json!({
            "location": "westeurope",
            "tags": { "lazuli-stack": "cameras" },
            "identity": { "type": "UserAssigned", "userAssignedIdentities": { identity.as_str(): {} } },
            "properties": { "storageAccounts": [{
                "id": format!("{GROUP}/providers/Microsoft.Storage/storageAccounts/stcameras"),
                "identity": { "userAssignedIdentity": identity },
            }] },
        })
    );
}

#[test]
fn it_waits_for_the_grants_of_its_identity() {
    let graph = sound(CAMERAS);
    let why =
        "Azure accepts the account only when `analyzer` holds its roles on `recordings`".to_owned();
    let waits = waits(&graph, "cameras");
    for (key, why) in [
        ("access/Reader", why.clone()),
        ("access/Storage Blob Data Contributor", why),
        ("analyzer", "`identity` refers to it".into()),
        ("recordings", "`storage` refers to it".into()),
    ] {
        assert!(waits.contains(&(key.to_owned(), why)), "{key}: {waits:?}");
    }
}

#[test]
fn one_warning_says_that_azure_retired_it() {
    let built = with(&[(
        "cameras: {",
        "more: { kind: videoAnalyzer, name: vamore, identity: '${analyzer}', storage: '${recordings}' }\ncameras: {",
    )]);
    let warnings: Vec<_> = built
        .said
        .iter()
        .map(|said| (said.severity, said.code))
        .collect();
    assert_eq!(warnings, [(Severity::Warning, Code::Retired)]);
    assert!(built.said[0].message.contains("simulator"));
}

#[test]
fn policies_and_modules_are_resources_of_their_own() {
    for modules in ["[gate]", "{ gate: {} }", "{ gate: }"] {
        let built = with(&[(
            "storage: '${recordings}'",
            &format!(
                "storage: '${{recordings}}', edgeModules: {modules}, accessPolicies: {{ watch: {{ role: Reader, authentication: \
                 {{ '@type': '#Microsoft.VideoAnalyzer.JwtAuthentication', issuers: [me], keys: [{{ '@type': \
                 '#Microsoft.VideoAnalyzer.EccTokenKey', kid: k, alg: ES256, x: a, y: b }}] }} }} }}"
            ),
        )]);
        assert_eq!(built.errors(), [], "{modules}");
        let graph = built.graph;
        assert_eq!(
            keys(&graph)[5..],
            [
                "cameras/accessPolicies/watch".to_owned(),
                "cameras/edgeModules/gate".into()
            ]
        );
        assert_eq!(
            body(&graph, "cameras/edgeModules/gate"),
            json!({ "properties": {} })
        );
        assert_eq!(
            body(&graph, "cameras/accessPolicies/watch")["properties"]["authentication"]["keys"][0]
                ["kid"],
            "k"
        );
        assert_eq!(
            body(&graph, "cameras")["properties"]
                .as_object()
                .unwrap()
                .len(),
            1
        );
    }
}

#[test]
fn several_storage_accounts_and_identities() {
    let built = with(&[
        (
            "cameras: {",
            "other: { kind: userAssignedIdentity, name: id-other, existing: true }\ncameras: {",
        ),
        (
            "identity: '${analyzer}', storage: '${recordings}'",
            "identity: ['${analyzer}', '${other}'], storage: [{ id: '${recordings}', identity: '${other}' }]",
        ),
    ]);
    assert_eq!(built.errors(), []);
    let body = body(&built.graph, "cameras");
    assert_eq!(
        body["identity"]["userAssignedIdentities"]
            .as_object()
            .unwrap()
            .len(),
        2
    );
    let used = body["properties"]["storageAccounts"][0]["identity"]["userAssignedIdentity"]
        .as_str()
        .unwrap();
    assert!(used.ends_with("/id-other"), "{used}");
}

#[test]
fn storage_elsewhere() {
    let here = "name: stcameras, sku";
    let message = refused(&[(here, "name: stcameras, location: northeurope, sku")]);
    assert_eq!(
        message,
        "`recordings` is in northeurope, and the account that uses it in westeurope"
    );
    let message = refused(&[(
        here,
        "name: stcameras, subscription: 22222222-2222-2222-2222-222222222222, sku",
    )]);
    assert_eq!(
        message,
        "`recordings` is in another subscription than the account that uses it"
    );
}

#[test]
fn storage_of_the_wrong_sort() {
    let message = refused(&[("Standard_LRS", "Premium_LRS")]);
    assert_eq!(message, "`recordings` is premium storage (Premium_LRS)");
    let message = refused(&[(
        "Standard_LRS",
        "Standard_LRS, accountKind: BlobStorage, accessTier: Hot",
    )]);
    assert_eq!(message, "`recordings` is an account of kind BlobStorage");
}

#[test]
fn an_identity_without_its_roles_is_told_what_to_write() {
    let built = with(&[(
        "[Storage Blob Data Contributor, Reader]",
        "[Storage Blob Data Contributor]",
    )]);
    let error = built.error();
    assert_eq!(
        (error.code, error.at.trim_matches('\'')),
        (Code::MissingGrant, "${recordings}")
    );
    assert_eq!(
        error.message,
        "`analyzer` lacks the role Reader on `recordings`"
    );
    assert_eq!(
        error.help,
        "\
give it the roles, under `resources`:

  analyzer-on-recordings:
    kind: roleAssignment
    principal: ${analyzer}
    scope: ${recordings}
    roles: [Reader]"
    );
}

#[test]
fn a_grant_above_the_storage_is_enough() {
    for above in [
        "/subscriptions/11111111-1111-1111-1111-111111111111",
        "/providers/Microsoft.Management/managementGroups/all",
    ] {
        let built = with(&[("scope: ${recordings}", &format!("scope: {above}"))]);
        assert_eq!(built.errors(), []);
        let waits = waits(&built.graph, "cameras");
        let on_grant = |(on, _): &&(String, String)| on.starts_with("access/");
        assert_eq!(waits.iter().filter(on_grant).count(), 2, "{above}");
    }
}

#[test]
fn of_an_identity_that_is_only_looked_up_the_grants_may_be_elsewhere() {
    let built = with(&[
        ("name: id-cameras", "name: id-cameras, existing: true"),
        (
            "roles: [Storage Blob Data Contributor, Reader]",
            "role: Owner",
        ),
    ]);
    assert_eq!(built.errors(), []);
}

#[test]
fn identity_and_storage_must_be_what_they_are_called() {
    let built = with(&[(
        "identity: '${analyzer}', storage: '${recordings}'",
        "identity: '${recordings}', storage: '${recordings}'",
    )]);
    assert_eq!(built.error().code, Code::WrongType);
    assert_eq!(
        built.error().message,
        "this must be a userAssignedIdentity, and `recordings` is a storageAccount"
    );
    let built = with(&[("storage: '${recordings}'", "storage: '${analyzer}'")]);
    assert_eq!(
        built.error().message,
        "this must be a storageAccount, and `analyzer` is a userAssignedIdentity"
    );
}

#[test]
fn an_account_without_identity_or_storage() {
    let built = with(&[("identity: '${analyzer}',", "identity: [],")]);
    assert_eq!(built.error().message, "`cameras` needs `identity`");
    let built = with(&[("storage: '${recordings}'", "storage: []")]);
    assert_eq!(built.error().message, "`cameras` needs `storage`");
}

#[test]
fn storage_is_reached_with_an_identity_of_the_account() {
    let built = with(&[
        (
            "cameras: {",
            "other: { kind: userAssignedIdentity, name: id-other, existing: true }\ncameras: {",
        ),
        (
            "storage: '${recordings}'",
            "storage: { id: '${recordings}', identity: '${other}' }",
        ),
    ]);
    assert_eq!(built.error().code, Code::Precondition);
    assert_eq!(built.error().help, "add the identity to `identity`");
}
