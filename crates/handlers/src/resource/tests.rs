//! Entries of kind `resource` as nodes, and their checks.

use lazuli_core::{
    diagnostic::Code,
    graph::{Identity, Marker},
};
use serde_json::json;

use crate::testing::{GROUP, body, dependencies, node, stack, valid_graph};

const VAULT: &str = "vault: { kind: resource, type: Microsoft.KeyVault/vaults@2024-11-01, name: kv-cameras, \
                     body: { properties: { sku: { family: A, name: standard } } } }";

fn id_of(graph: &lazuli_core::graph::Graph, key: &str) -> String {
    let id = node(graph, key).id().unwrap().to_string();
    id.replace(GROUP, "GROUP")
}

#[test]
fn resource_in_a_group_has_location_and_tags() {
    let graph = valid_graph(VAULT);
    assert_eq!(
        id_of(&graph, "vault"),
        "GROUP/providers/Microsoft.KeyVault/vaults/kv-cameras"
    );
    assert_eq!(
        body(&graph, "vault"),
        json!({
            "properties": { "sku": { "family": "A", "name": "standard" } },
            "tags": { "lazuli-stack": "cameras" },
            "location": "westeurope",
        })
    );
    assert_eq!(node(&graph, "vault").marker, Marker::Tag);
    assert_eq!(
        node(&graph, "vault").subject.arm_type.to_string(),
        "Microsoft.KeyVault/vaults@2024-11-01"
    );
}

#[test]
fn tags_of_the_body_are_kept_and_location_null_omits_the_location() {
    let graph = valid_graph(
        "a: { kind: resource, type: A.B/cs@2024-01-01, name: a, tags: { team: vision }, body: { tags: { tier: \"1\" }, location: global } }\n\
         b: { kind: resource, type: A.B/cs@2024-01-01, name: b, body: { location: ~ } }",
    );
    assert_eq!(
        body(&graph, "a"),
        json!({ "location": "global", "tags": { "tier": "1", "team": "vision", "lazuli-stack": "cameras" } })
    );
    assert_eq!(body(&graph, "b"), json!({}));
    assert_eq!(node(&graph, "b").marker, Marker::Parent);
}

#[test]
fn nested_resources_and_extensions_have_their_ids() {
    let graph = valid_graph(
        "server: { kind: resource, type: Microsoft.Sql/servers@2023-08-01, name: sql-a }\n\
         db: { kind: resource, type: Microsoft.Sql/servers/databases@2023-08-01, name: db, parent: \"${server}\", body: { location: westeurope } }\n\
         rule: { kind: resource, type: Microsoft.Sql/servers/firewallRules@2023-08-01, name: sql-a/all }\n\
         logs: { kind: resource, type: Microsoft.Insights/diagnosticSettings@2021-05-01-preview, name: logs, scope: \"${db}\" }\n\
         policy: { kind: resource, type: Microsoft.Authorization/policyAssignments@2023-04-01, name: p, scope: /subscriptions/11111111-1111-1111-1111-111111111111 }\n\
         mg: { kind: resource, type: Microsoft.Management/managementGroups@2023-04-01, name: all, scope: / }\n\
         group: { kind: resource, type: Microsoft.Resources/resourceGroups@2025-04-01, name: rg-cameras }",
    );
    let server = "GROUP/providers/Microsoft.Sql/servers/sql-a";
    assert_eq!(id_of(&graph, "db"), format!("{server}/databases/db"));
    assert_eq!(id_of(&graph, "rule"), format!("{server}/firewallRules/all"));
    assert_eq!(
        id_of(&graph, "logs"),
        format!("{server}/databases/db/providers/Microsoft.Insights/diagnosticSettings/logs")
    );
    assert_eq!(
        id_of(&graph, "policy"),
        "/subscriptions/11111111-1111-1111-1111-111111111111/providers/Microsoft.Authorization/policyAssignments/p"
    );
    assert_eq!(
        id_of(&graph, "mg"),
        "/providers/Microsoft.Management/managementGroups/all"
    );
    assert_eq!(id_of(&graph, "group"), "GROUP");
    assert_eq!(node(&graph, "db").marker, Marker::Parent);
    assert_eq!(body(&graph, "rule"), json!({}));
    let waits_for = |key: &str| {
        dependencies(&graph, key)
            .into_iter()
            .map(|(name, _)| name)
            .collect::<Vec<_>>()
    };
    assert_eq!(waits_for("rule"), ["server"]);
    assert_eq!(waits_for("logs"), ["db"]);
    assert_eq!(waits_for("server"), ["group"]);
}

#[test]
fn references_resolve_in_values_and_keys() {
    let graph = valid_graph(
        "analyzer: { kind: userAssignedIdentity, name: id-a }\n\
         recordings: { kind: storageAccount, name: stcameras, sku: Standard_LRS }\n\
         app:\n  kind: resource\n  type: Microsoft.App/containerApps@2025-01-01\n  name: app\n  body:\n    \
         identity: { type: UserAssigned, userAssignedIdentities: { \"${analyzer}\": {} } }\n    \
         properties: { client: \"${analyzer.clientId}\", store: \"${recordings}\", mode: fast }\n\
         other: { kind: resource, type: A.B/cs@2024-01-01, name: o, body: { properties: { \
         mode: \"${app.properties.mode}\", at: \"${app.properties.fqdn}\", who: \"${app.identity.principalId}\" } } }\n\
         access: { kind: roleAssignment, principal: \"${analyzer}\", scope: \"${recordings}\", role: Reader }\n\
         own: { kind: roleAssignment, principal: \"${app}\", scope: \"${other}\", role: Reader }",
    );
    let app = body(&graph, "app");
    let identities = app["identity"]["userAssignedIdentities"]
        .as_object()
        .unwrap();
    assert_eq!(
        identities.keys().collect::<Vec<_>>(),
        [&format!(
            "{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-a"
        )]
    );
    assert_eq!(app["properties"]["client"], json!("${analyzer.clientId}"));
    assert_eq!(
        body(&graph, "other")["properties"],
        json!({ "mode": "fast", "at": "${app.properties.fqdn}", "who": "${app.identity.principalId}" })
    );
    let of_app = dependencies(&graph, "app");
    assert!(
        of_app.contains(&(
            "access/Reader".into(),
            "it uses the identity `analyzer` on `recordings`".into()
        )),
        "{of_app:?}"
    );
    assert!(
        dependencies(&graph, "own/Reader")
            .iter()
            .any(|(name, _)| name == "other")
    );
}

#[test]
fn type_with_a_kind_has_the_outputs_of_the_kind() {
    let graph = valid_graph(
        "id: { kind: resource, type: Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30, name: id-a }\n\
         access: { kind: roleAssignment, principal: \"${id}\", scope: \"${id}\", role: Reader }",
    );
    let Identity::Grant(grant) = &node(&graph, "access/Reader").identity else {
        panic!("a grant");
    };
    let outputs = grant.principal.outputs();
    assert_eq!(outputs[0].path.to_string(), "properties.principalId");
}

#[test]
fn mistakes_are_reported_at_their_position() {
    let of = |text: &str| {
        let built = stack(text);
        let error = built.error();
        (error.code, error.at.clone(), error.message.clone())
    };
    let typed = |rest: &str| format!("x: {{ kind: resource, {rest} }}");
    for (spec, code, at, message) in [
        (
            typed("name: x, type: Microsoft.KeyVault/vaults"),
            Code::ValueNotAllowed,
            "Microsoft.KeyVault/vaults",
            "`Microsoft.KeyVault/vaults` is not a type with an api-version",
        ),
        (
            typed("name: x, type: Microsoft.Authorization/roleAssignments@2022-04-01"),
            Code::ValueNotAllowed,
            "Microsoft.Authorization/roleAssignments@2022-04-01",
            "a role assignment is identified by its scope, role and principal, not by its name",
        ),
        (
            typed("name: x, type: A.B/cs/ds@2024-01-01"),
            Code::BadName,
            "x",
            "`x` is not a valid name for this type",
        ),
        (
            typed(&format!(
                "name: x, type: A.B/cs/ds@2024-01-01, parent: {GROUP}/providers/A.B/es/e"
            )),
            Code::ValueNotAllowed,
            &format!("{GROUP}/providers/A.B/es/e"),
            "the parent of a A.B/cs/ds must be a A.B/cs, not a A.B/es",
        ),
        (
            typed(&format!(
                "name: x, type: A.B/cs@2024-01-01, parent: {GROUP}, scope: {GROUP}"
            )),
            Code::ValueNotAllowed,
            GROUP,
            "`parent` and `scope` cannot be combined",
        ),
        (
            typed("name: x"),
            Code::MissingKey,
            "x",
            "a resource requires `type`",
        ),
        (
            "x: { kind: resource, name: x, type: A.B/cs@2024-01-01, body: { \"${missing}\": 1 } }"
                .to_owned(),
            Code::UnknownReference,
            "${missing}",
            "the resource `missing` does not exist in this stack",
        ),
    ] {
        let (found_code, found_at, found) = of(&spec);
        assert_eq!((found_code, found.as_str()), (code, message), "{spec}");
        assert_eq!(found_at, at, "{spec}");
    }
}

#[test]
fn existing_resource_is_identified_by_type_and_name() {
    let graph = valid_graph(
        "vault: { kind: resource, existing: true, type: Microsoft.KeyVault/vaults@2024-11-01, name: kv-cameras }\n\
         use: { kind: resource, type: A.B/cs@2024-01-01, name: o, body: { properties: { url: \"${vault.properties.vaultUri}\" } } }",
    );
    assert_eq!(
        body(&graph, "use")["properties"]["url"],
        json!("${vault.properties.vaultUri}")
    );
}
