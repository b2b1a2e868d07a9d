//! Role assignments as nodes, and their checks.

use lazuli_core::{
    arm::ArmId,
    diagnostic::{Code, Severity},
    diff::diff,
    graph::{Graph, Identity, Marker, RoleName, Settings},
    value::Value,
};
use serde_json::json;

use crate::testing::{
    BuiltStack, GROUP, body, dependencies, keys, node, stack, stack_with, unbound, valid_graph,
};

const BLOBS: &str = "ba92f5b4-2d11-453d-a403-e96b0029c9fe";
const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";

fn spec_with(access: &str) -> String {
    format!(
        "
        analyzer: {{ kind: userAssignedIdentity, name: id-cameras }}
        recordings: {{ kind: storageAccount, name: stcameras, sku: Standard_LRS, identity: {{ systemAssigned: true }} }}
        access: {{ kind: roleAssignment, {access} }}
        "
    )
}

fn graph_with(access: &str) -> Graph {
    valid_graph(&spec_with(access))
}

fn build_with(access: &str) -> BuiltStack {
    stack(&spec_with(access))
}

#[test]
fn every_role_is_a_separate_node() {
    let graph = graph_with(
        "principal: '${analyzer}', scope: '${recordings}', roles: [storage blob data contributor, Reader]",
    );
    assert_eq!(
        keys(&graph),
        [
            "analyzer",
            "recordings",
            "access/Storage Blob Data Contributor",
            "access/Reader"
        ]
    );
    let node = node(&graph, "access/Storage Blob Data Contributor");
    let Identity::Grant(grant) = &node.identity else {
        panic!("{:?}", node.identity)
    };
    assert_eq!(
        grant.scope.as_str(),
        format!("{GROUP}/providers/Microsoft.Storage/storageAccounts/stcameras")
    );
    assert_eq!(
        (grant.role.as_str(), grant.role_name.as_str()),
        (BLOBS, "Storage Blob Data Contributor")
    );
    assert_eq!(grant.principal_key().unwrap().to_string(), "analyzer");
    assert_eq!(node.marker, Marker::Text("description"));
    assert_eq!(
        body(&graph, "access/Storage Blob Data Contributor"),
        json!({ "properties": {
            "principalId": "${analyzer.principalId}",
            "principalType": "ServicePrincipal",
            "description": "lazuli-stack: cameras; access",
            "roleDefinitionId": format!(
                "/subscriptions/11111111-1111-1111-1111-111111111111/providers/Microsoft.Authorization/roleDefinitions/{BLOBS}"
            ),
        } })
    );
    let outputs: Vec<String> = node
        .body
        .outputs()
        .into_iter()
        .map(|output| output.path.to_string())
        .collect();
    assert_eq!(outputs, ["properties.principalId"]);
}

#[test]
fn role_assignment_depends_on_principal_and_scope() {
    let graph = graph_with("principal: '${analyzer}', scope: '${recordings}', role: Reader");
    let dependencies = dependencies(&graph, "access/Reader");
    assert!(dependencies.contains(&("analyzer".into(), "`principal` refers to it".into())));
    assert!(dependencies.contains(&("recordings".into(), "`scope` refers to it".into())));
}

#[test]
fn role_can_be_a_guid_or_the_id_of_its_definition() {
    let definition = format!("/providers/Microsoft.Authorization/roleDefinitions/{READER}");
    let custom = "12345678-0000-4000-8000-1234567890ab";
    let graph = graph_with(&format!(
        "principal: '${{analyzer}}', scope: '${{recordings}}', roles: [{definition}, {}, {custom}]",
        BLOBS.to_uppercase()
    ));
    assert_eq!(
        keys(&graph)[2..],
        [
            "access/Reader".to_owned(),
            "access/Storage Blob Data Contributor".into(),
            format!("access/{custom}")
        ]
    );
}

#[test]
fn definition_id_depends_on_the_scope() {
    let definition = |scope: &str| {
        let graph = graph_with(&format!(
            "principal: '${{analyzer}}', scope: {scope}, role: Reader"
        ));
        let properties = &body(&graph, "access/Reader")["properties"];
        properties["roleDefinitionId"].as_str().unwrap().to_owned()
    };
    let other = "/subscriptions/22222222-2222-2222-2222-222222222222";
    let all = "/providers/Microsoft.Management/managementGroups/all";
    for (scope, root) in [
        (other.to_owned(), other),
        (
            other.to_uppercase() + "/resourcegroups/rg",
            &*other
                .to_uppercase()
                .replace("SUBSCRIPTIONS", "subscriptions"),
        ),
        (all.to_owned(), all),
        (all.to_lowercase(), all),
        ("/providers/Microsoft.Capacity".to_owned(), ""),
    ] {
        assert_eq!(
            definition(&scope),
            format!("{root}/providers/Microsoft.Authorization/roleDefinitions/{READER}")
        );
    }
}

#[test]
fn users_and_groups_have_object_ids() {
    let graph = graph_with(
        "principal: { objectId: 12345678-0000-4000-8000-1234567890ab, type: Group }, scope: '${recordings}', role: Reader",
    );
    let properties = &body(&graph, "access/Reader")["properties"];
    assert_eq!(properties["principalType"], "Group");
    assert_eq!(
        properties["principalId"],
        "12345678-0000-4000-8000-1234567890ab"
    );
}

#[test]
fn system_assigned_identity_is_a_service_principal() {
    for principal in ["${recordings}", "${recordings.principalId}"] {
        let graph = graph_with(&format!(
            "principal: '{principal}', scope: '{GROUP}', role: Reader"
        ));
        let properties = &body(&graph, "access/Reader")["properties"];
        assert_eq!(properties["principalId"], "${recordings.principalId}");
        assert_eq!(properties["principalType"], "ServicePrincipal");
        let outputs: Vec<_> = node(&graph, "access/Reader")
            .body
            .outputs()
            .into_iter()
            .map(|o| o.path.to_string())
            .collect();
        assert_eq!(outputs, ["identity.principalId"]);
    }
}

#[test]
fn condition_has_a_default_version() {
    let graph = graph_with(
        "principal: '${analyzer}', scope: '${recordings}', role: Reader, condition: '@Resource[x]'",
    );
    let properties = &body(&graph, "access/Reader")["properties"];
    assert_eq!(
        (&properties["condition"], &properties["conditionVersion"]),
        (&json!("@Resource[x]"), &json!("2.0"))
    );
}

#[test]
fn description_is_compared_only_if_the_spec_has_one() {
    let live = json!({ "properties": {
        "principalId": "x",
        "principalType": "ServicePrincipal",
        "roleDefinitionId": format!("/providers/Microsoft.Authorization/roleDefinitions/{READER}"),
        "description": "by hand",
    } });
    let graph = graph_with("principal: '${analyzer}', scope: '${recordings}', role: Reader");
    let silent = node(&graph, "access/Reader");
    assert_eq!(diff(&silent.body, &live, silent.rules, &[]), []);

    let graph = graph_with(
        "principal: '${analyzer}', scope: '${recordings}', role: Reader, description: Reads",
    );
    let described = node(&graph, "access/Reader");
    let changes = diff(&described.body, &live, described.rules, &[]);
    assert_eq!(changes.len(), 1);
    let after = changes[0].after.as_ref().and_then(Value::as_str).unwrap();
    assert_eq!(unbound(after), "Reads (lazuli-stack: cameras; access)");
}

#[test]
fn unknown_role_is_reported_with_a_suggestion() {
    let built = build_with(
        "principal: '${analyzer}', scope: '${recordings}', roles: [Reader, Storage Blob Data Contributer]",
    );
    let error = built.error();
    assert_eq!(
        (error.code, error.at.as_str()),
        (Code::UnknownRole, "Storage Blob Data Contributer")
    );
    assert_eq!(error.help, "did you mean `Storage Blob Data Contributor`?");
    let built =
        build_with("principal: '${analyzer}', scope: '${recordings}', role: Blob Contributor");
    assert_eq!(
        built.error().help,
        "did you mean `Storage Blob Data Contributor`?",
        "what has all the words is nearer than `Lab Contributor`"
    );
}

#[test]
fn exactly_one_of_role_and_roles_is_required() {
    let built = build_with("principal: '${analyzer}', scope: '${recordings}'");
    assert_eq!(built.errors(), [(Code::MissingKey, "access")]);
    let built = build_with(
        "principal: '${analyzer}', scope: '${recordings}', role: Reader, roles: [Owner]",
    );
    assert_eq!(built.error().code, Code::ValueNotAllowed);
}

#[test]
fn duplicate_role_is_rejected() {
    let built =
        build_with("principal: '${analyzer}', scope: '${recordings}', roles: [Reader, reader]");
    assert_eq!(built.errors(), [(Code::DuplicateId, "reader")]);
}

#[test]
fn invalid_principals_are_rejected() {
    let group = stack(
        "
        group: { kind: resourceGroup, name: rg }
        access: { kind: roleAssignment, principal: '${group}', scope: '${group}', role: Reader }
        ",
    );
    assert_eq!(group.error().code, Code::WrongType);
    let bare = build_with(
        "principal: 12345678-0000-4000-8000-1234567890ab, scope: '${recordings}', role: Reader",
    );
    assert_eq!(
        bare.errors(),
        [(Code::WrongType, "12345678-0000-4000-8000-1234567890ab")]
    );
    let named =
        build_with("principal: { objectId: jo, type: User }, scope: '${recordings}', role: Reader");
    assert_eq!(named.errors(), [(Code::BadName, "jo")]);
}

#[test]
fn storage_account_without_identity_is_not_a_principal() {
    let built = stack(
        "
        recordings: { kind: storageAccount, name: stcameras, sku: Standard_LRS }
        access: { kind: roleAssignment, principal: '${recordings}', scope: '${recordings}', role: Reader }
        ",
    );
    assert_eq!(built.error().code, Code::Precondition);
    assert_eq!(
        built.error().message,
        "`recordings` has no system-assigned identity"
    );
}

fn spec_with_operator(role: &str) -> String {
    spec_with(&format!(
        "principal: '${{analyzer}}', scope: '${{recordings}}', {role}"
    )) + "operator: { kind: roleDefinition, name: Camera Operator, actions: ['*/read'] }\n"
}

#[test]
fn role_of_the_spec_is_a_dependency_by_reference_or_name() {
    let guid = node(
        &valid_graph(&spec_with_operator("role: Reader")),
        "operator",
    )
    .id()
    .unwrap()
    .name()
    .to_owned();
    for role in [
        "role: '${operator}'",
        "roles: ['${operator.id}']",
        "roles: [camera operator]",
        &format!("role: {guid}"),
    ] {
        let graph = valid_graph(&spec_with_operator(role));
        let node = node(&graph, "access/Camera Operator");
        let Identity::Grant(grant) = &node.identity else {
            panic!("{:?}", node.identity)
        };
        assert_eq!(grant.role, guid, "{role}");
        let property = role.split(':').next().unwrap();
        let why = ("operator".to_owned(), format!("`{property}` refers to it"));
        assert!(
            dependencies(&graph, "access/Camera Operator").contains(&why),
            "{role}"
        );
        assert!(graph.open_roles().is_empty());
    }
}

#[test]
fn reference_to_another_kind_is_not_a_role() {
    let built =
        build_with("principal: '${analyzer}', scope: '${recordings}', role: '${recordings}'");
    assert_eq!(built.errors(), [(Code::WrongType, "'${recordings}'")]);
    let unnamed = "/providers/Microsoft.Authorization/roleDefinitions/Reader";
    for id in [GROUP, unnamed] {
        let built = build_with(&format!(
            "principal: '${{analyzer}}', scope: '${{recordings}}', role: {id}"
        ));
        assert_eq!(built.errors(), [(Code::WrongType, id)]);
    }
}

const BOBS: &str = "principal: '${analyzer}', scope: '${recordings}', roles: [\"Bob's\"]";

fn bobs_role_name() -> RoleName {
    RoleName {
        at: ArmId::parse(GROUP).unwrap(),
        name: "bob's".to_owned(),
    }
}

fn stack_with_roles(guids: &[&str]) -> BuiltStack {
    let definition = |guid: &&str| {
        ArmId::parse(&format!(
            "/providers/Microsoft.Authorization/roleDefinitions/{guid}"
        ))
    };
    let settings = Settings {
        roles: [(
            bobs_role_name(),
            guids.iter().filter_map(definition).collect(),
        )]
        .into(),
        ..Settings::default()
    };
    stack_with(&spec_with(BOBS), &settings)
}

#[test]
fn unknown_name_is_looked_up_with_a_warning() {
    let built = build_with(BOBS);
    assert_eq!(built.errors(), []);
    assert_eq!(
        (built.diagnostics[0].severity, built.diagnostics[0].code),
        (Severity::Warning, Code::UnknownRole)
    );
    assert_eq!(
        built.graph.open_roles().iter().collect::<Vec<_>>(),
        [&bobs_role_name()]
    );
    assert!(keys(&built.graph).contains(&"access/Bob's".to_owned()));
}

#[test]
fn looked_up_name_must_match_one_role() {
    let (one, two) = (
        "12345678-0000-4000-8000-00000000000A",
        "12345678-0000-4000-8000-00000000000b",
    );
    let built = stack_with_roles(&[one]);
    assert_eq!(built.diagnostics, []);
    assert!(built.graph.open_roles().is_empty());
    let Identity::Grant(grant) = &node(&built.graph, "access/Bob's").identity else {
        panic!("no grant")
    };
    assert_eq!(grant.role, one.to_lowercase());
    let none = stack_with_roles(&[]);
    assert_eq!(none.error().code, Code::UnknownRole);
    assert_eq!(none.error().message, "role `Bob's` not found");
    assert_eq!(
        stack_with_roles(&[one, two]).error().code,
        Code::AmbiguousRole
    );
}

#[test]
fn misspelled_name_of_a_role_in_the_spec_is_suggested() {
    let built = stack(&spec_with_operator("role: Camera Opperator"));
    assert_eq!(built.error().help, "did you mean `Camera Operator`?");
    assert_eq!(
        built.graph.open_roles().len(),
        1,
        "the tenant may have a role with this name"
    );
}
