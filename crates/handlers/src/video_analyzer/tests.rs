//! Video Analyzer accounts as nodes, their dependencies and their checks.

use lazuli_core::diagnostic::{Code, Severity};
use serde_json::json;

use crate::testing::{BuiltStack, GROUP, body, dependencies, keys, node, stack, valid_graph};

/// A complete stack; `cameras_with` replaces parts of it.
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

fn cameras_with(replacements: &[(&str, &str)]) -> BuiltStack {
    let text = replacements
        .iter()
        .fold(CAMERAS.to_owned(), |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replace(from, to)
        });
    stack(&text)
}

fn rejection_message(replacements: &[(&str, &str)]) -> String {
    let built = cameras_with(replacements);
    let error = built.error();
    assert_eq!(
        (error.code, error.at.trim_matches('\'')),
        (Code::Precondition, "${recordings}"),
        "{error:?}"
    );
    error.message.clone()
}

#[test]
fn body_contains_identity_and_storage() {
    let graph = valid_graph(CAMERAS);
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
fn account_depends_on_the_roles_of_its_identity() {
    let graph = valid_graph(CAMERAS);
    let why =
        "Azure accepts the account only when `analyzer` has its roles on `recordings`".to_owned();
    let dependencies = dependencies(&graph, "cameras");
    for (key, why) in [
        ("access/Reader", why.clone()),
        ("access/Storage Blob Data Contributor", why),
        ("analyzer", "`identity` refers to it".into()),
        ("recordings", "`storage` refers to it".into()),
    ] {
        assert!(
            dependencies.contains(&(key.to_owned(), why)),
            "{key}: {dependencies:?}"
        );
    }
}

#[test]
fn retired_service_is_reported_once() {
    let built = cameras_with(&[(
        "cameras: {",
        "more: { kind: videoAnalyzer, name: vamore, identity: '${analyzer}', storage: '${recordings}' }\ncameras: {",
    )]);
    let warnings: Vec<_> = built
        .diagnostics
        .iter()
        .map(|diagnostic| (diagnostic.severity, diagnostic.code))
        .collect();
    assert_eq!(warnings, [(Severity::Warning, Code::Retired)]);
    assert!(built.diagnostics[0].message.contains("simulator"));
}

#[test]
fn policies_and_modules_are_separate_nodes() {
    for modules in ["[gate]", "{ gate: {} }", "{ gate: }"] {
        let built = cameras_with(&[(
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
fn storage_accounts_can_have_different_identities() {
    let built = cameras_with(&[
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
fn storage_in_another_region_or_subscription_is_rejected() {
    let here = "name: stcameras, sku";
    let message = rejection_message(&[(here, "name: stcameras, location: northeurope, sku")]);
    assert_eq!(
        message,
        "`recordings` is in northeurope, but the account that uses it is in westeurope"
    );
    let message = rejection_message(&[(
        here,
        "name: stcameras, subscription: 22222222-2222-2222-2222-222222222222, sku",
    )]);
    assert_eq!(
        message,
        "`recordings` and the account that uses it are in different subscriptions"
    );
}

#[test]
fn unsupported_storage_is_rejected() {
    let message = rejection_message(&[("Standard_LRS", "Premium_LRS")]);
    assert_eq!(message, "`recordings` uses premium storage (Premium_LRS)");
    let message = rejection_message(&[(
        "Standard_LRS",
        "Standard_LRS, accountKind: BlobStorage, accessTier: Hot",
    )]);
    assert_eq!(message, "`recordings` has the account kind BlobStorage");
}

#[test]
fn missing_roles_are_reported_with_the_entry_to_add() {
    let built = cameras_with(&[(
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
assign the roles, under `resources`:

  analyzer-on-recordings:
    kind: roleAssignment
    principal: ${analyzer}
    scope: ${recordings}
    roles: [Reader]"
    );
}

#[test]
fn role_assignment_above_the_storage_suffices() {
    for above in [
        "/subscriptions/11111111-1111-1111-1111-111111111111",
        "/providers/Microsoft.Management/managementGroups/all",
    ] {
        let built = cameras_with(&[("scope: ${recordings}", &format!("scope: {above}"))]);
        assert_eq!(built.errors(), []);
        let dependencies = dependencies(&built.graph, "cameras");
        let on_grant = |(on, _): &&(String, String)| on.starts_with("access/");
        assert_eq!(dependencies.iter().filter(on_grant).count(), 2, "{above}");
    }
}

#[test]
fn roles_of_an_existing_identity_are_not_required_in_the_spec() {
    let built = cameras_with(&[
        ("name: id-cameras", "name: id-cameras, existing: true"),
        (
            "roles: [Storage Blob Data Contributor, Reader]",
            "role: Owner",
        ),
    ]);
    assert_eq!(built.errors(), []);
}

#[test]
fn identity_and_storage_must_have_the_expected_kind() {
    let built = cameras_with(&[(
        "identity: '${analyzer}', storage: '${recordings}'",
        "identity: '${recordings}', storage: '${recordings}'",
    )]);
    assert_eq!(built.error().code, Code::WrongType);
    assert_eq!(
        built.error().message,
        "expected a userAssignedIdentity, but `recordings` is a storageAccount"
    );
    let built = cameras_with(&[("storage: '${recordings}'", "storage: '${analyzer}'")]);
    assert_eq!(
        built.error().message,
        "expected a storageAccount, but `analyzer` is a userAssignedIdentity"
    );
}

#[test]
fn identity_and_storage_are_required() {
    let built = cameras_with(&[("identity: '${analyzer}',", "identity: [],")]);
    assert_eq!(built.error().message, "`cameras` requires `identity`");
    let built = cameras_with(&[("storage: '${recordings}'", "storage: []")]);
    assert_eq!(built.error().message, "`cameras` requires `storage`");
}

#[test]
fn identity_of_the_storage_must_belong_to_the_account() {
    let built = cameras_with(&[
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
