//! Role assignments, role definitions, and authorization.

use serde_json::{Value, json};

use crate::catalogue::{CONTRIBUTOR, OWNER, READER};
use crate::world::testing::{Bench, RG, outcome};
use crate::world::{Caller, SUBSCRIPTION, USER_OBJECT_ID, WorldOptions};

const NAME: &str = "00000000-0000-0000-0002-000000000001";

fn definition(role: &str) -> String {
    format!(
        "/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{role}"
    )
}

fn assignment(scope: &str, name: &str) -> String {
    format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{name}")
}

fn body(principal: &str, role: &str) -> Value {
    json!({ "properties": { "principalId": principal, "roleDefinitionId": definition(role) } })
}

#[test]
fn new_principal_is_not_found_before_replication_without_principal_type() {
    let mut bench = Bench::with_group();
    let (_, principal) = bench.identity("id");
    let path = assignment(RG, NAME);
    let early = bench.put(&path, &body(&principal, READER));
    assert_eq!(outcome(&early), (400, "PrincipalNotFound".into()));
    let message = early.json()["error"]["message"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(message.starts_with(&format!(
        "Principal {} does not exist in the directory",
        principal.replace('-', "")
    )));
    assert_eq!(bench.grant(RG, CONTRIBUTOR, &principal, 7).status, 201);
    bench.wait(8);
    let created = bench.put(&path, &body(&principal, READER));
    assert_eq!(created.status, 201);
    assert_eq!(created.json()["properties"]["createdBy"], Value::Null);
    let shown = bench.get(&path).json();
    assert_eq!(shown["properties"]["createdBy"], Caller::Owner.object_id());
    assert_eq!(shown["properties"]["principalType"], "ServicePrincipal");
    assert_eq!(shown["properties"]["scope"], RG);
    for member in [
        "condition",
        "conditionVersion",
        "description",
        "delegatedManagedIdentityResourceId",
    ] {
        assert_eq!(shown["properties"][member], Value::Null);
    }
}

#[test]
fn replication_delay_can_apply_with_principal_type() {
    let mut bench = Bench::with_options(WorldOptions {
        typed_principal_replication: 5_000,
        ..WorldOptions::default()
    });
    bench.put(RG, &json!({ "location": "westeurope" }));
    let (_, principal) = bench.identity("id");
    assert_eq!(
        outcome(&bench.grant(RG, READER, &principal, 1)),
        (400, "PrincipalNotFound".into())
    );
    bench.wait(5);
    assert_eq!(bench.grant(RG, READER, &principal, 1).status, 201);
}

#[test]
fn role_assignments_are_validated() {
    let mut bench = Bench::with_group();
    let path = assignment(RG, NAME);
    let mut rejected = |path: &str, body: &Value| outcome(&bench.put(path, body));
    assert_eq!(
        rejected(&assignment(RG, "x"), &body(USER_OBJECT_ID, READER)).1,
        "InvalidRoleAssignmentId"
    );
    assert_eq!(
        rejected(&path, &body("wow", READER)),
        (400, "InvalidPrincipalId".into())
    );
    assert_eq!(
        rejected(&path, &body(USER_OBJECT_ID, NAME)),
        (400, "RoleDefinitionDoesNotExist".into())
    );
    assert_eq!(
        rejected(&path, &body(NAME, READER)),
        (400, "PrincipalNotFound".into())
    );
    let mut typed = body(USER_OBJECT_ID, READER);
    typed["properties"]["principalType"] = json!("ServicePrincipal");
    assert_eq!(
        rejected(&path, &typed),
        (400, "UnmatchedPrincipalType".into())
    );
    assert_eq!(rejected(&path, &body(USER_OBJECT_ID, READER)).0, 201);
    let duplicate = assignment(RG, "00000000-0000-0000-0002-000000000002");
    let exists = bench.put(&duplicate, &body(USER_OBJECT_ID, READER));
    assert_eq!(outcome(&exists), (409, "RoleAssignmentExists".into()));
    assert!(exists.json().to_string().contains("The role assignment already exists. The ID of the existing role assignment is 00000000000000000002000000000001."));
    let other_role = bench.put(&path, &body(USER_OBJECT_ID, CONTRIBUTOR));
    assert_eq!(
        outcome(&other_role),
        (400, "RoleAssignmentUpdateNotPermitted".into())
    );
    let mut described = body(USER_OBJECT_ID, READER);
    described["properties"]["description"] = json!("why");
    assert_eq!(bench.put(&path, &described).status, 200);
    let deleted = bench.delete(&path);
    assert_eq!(
        (deleted.status, &deleted.json()["properties"]["description"]),
        (200, &json!("why"))
    );
    assert_eq!(bench.delete(&path).status, 204);
    assert_eq!(
        outcome(&bench.get(&path)),
        (404, "RoleAssignmentNotFound".into())
    );
}

#[test]
fn tenant_role_id_is_returned_with_the_subscription() {
    let mut bench = Bench::with_group();
    let mut short = body(USER_OBJECT_ID, READER);
    short["properties"]["roleDefinitionId"] = json!(format!(
        "/providers/Microsoft.Authorization/roleDefinitions/{READER}"
    ));
    let created = bench.put(&assignment(RG, NAME), &short).json();
    assert_eq!(
        created["properties"]["roleDefinitionId"],
        definition(READER)
    );
}

#[test]
fn role_assignment_list_includes_scopes_above_and_below_without_filter() {
    let mut bench = Bench::with_group();
    let (identity, principal) = bench.identity("id");
    let (_, second) = bench.identity("second");
    bench.grant(RG, READER, &principal, 1);
    bench.grant(&identity, READER, &second, 2);
    let count = |bench: &mut Bench, scope: &str, filter: &str| {
        let path = format!("{scope}/providers/Microsoft.Authorization/roleAssignments{filter}");
        bench.get(&path).json()["value"].as_array().unwrap().len()
    };
    let subscription = format!("/subscriptions/{SUBSCRIPTION}");
    // Three of the applications at the subscription, one at the resource group, one at the identity.
    assert_eq!(count(&mut bench, &subscription, ""), 5);
    assert_eq!(count(&mut bench, RG, ""), 5);
    assert_eq!(count(&mut bench, RG, "?$filter=atScope()"), 4);
    assert_eq!(count(&mut bench, &subscription, "?$filter=atScope()"), 3);
    assert_eq!(count(&mut bench, &identity, ""), 5);
    assert_eq!(
        count(
            &mut bench,
            RG,
            &format!("?$filter=principalId%20eq%20'{second}'")
        ),
        1
    );
    assert_eq!(
        count(
            &mut bench,
            RG,
            &format!("?$filter=assignedTo('{principal}')")
        ),
        1
    );
    let both = format!("?$filter=atScope()%20and%20principalId%20eq%20'{second}'");
    assert_eq!(count(&mut bench, RG, &both), 0);
}

#[test]
fn role_assignments_remain_after_their_identity_is_deleted() {
    let mut bench = Bench::with_group();
    let (identity, principal) = bench.identity("id");
    bench.grant(RG, READER, &principal, 1);
    bench.delete(&identity);
    let list = bench
        .get(&format!(
            "{RG}/providers/Microsoft.Authorization/roleAssignments"
        ))
        .json();
    assert!(list.to_string().contains(&principal));
    let again = bench.grant(RG, CONTRIBUTOR, &principal, 2);
    assert_eq!(outcome(&again), (400, "PrincipalNotFound".into()));
}

#[test]
fn extension_resource_requires_its_scope_to_exist() {
    let mut bench = Bench::with_group();
    let missing_place = format!("{RG}/providers/Microsoft.Storage/storageAccounts/stnone");
    let rejected = bench.put(
        &assignment(&missing_place, NAME),
        &body(USER_OBJECT_ID, READER),
    );
    assert_eq!(outcome(&rejected), (404, "ResourceNotFound".into()));
}

#[test]
fn callers_can_do_what_their_roles_permit() {
    let mut bench = Bench::with_group();
    bench.caller = Caller::Reader;
    assert_eq!(bench.get(RG).status, 200);
    let rejected = bench.put(RG, &json!({ "location": "westeurope" }));
    let oid = Caller::Reader.object_id();
    assert_eq!(outcome(&rejected), (403, "AuthorizationFailed".into()));
    assert_eq!(
        rejected.json()["error"]["message"],
        format!(
            "The client '{oid}' with object id '{oid}' does not have authorization to perform action 'Microsoft.Resources/subscriptions/resourceGroups/write' over scope '{RG}' or the scope is invalid. If access was recently granted, please refresh your credentials."
        )
    );
    bench.caller = Caller::Contributor;
    assert_eq!(
        bench.put(RG, &json!({ "location": "westeurope" })).status,
        200
    );
    let grant = bench.put(&assignment(RG, NAME), &body(USER_OBJECT_ID, READER));
    assert_eq!(outcome(&grant), (403, "AuthorizationFailed".into()));
    assert!(
        grant
            .json()
            .to_string()
            .contains("'Microsoft.Authorization/roleAssignments/write'")
    );
}

#[test]
fn role_assignment_takes_effect_after_propagation() {
    let mut bench = Bench::with_options(WorldOptions {
        grant_propagation: 10_000,
        ..WorldOptions::default()
    });
    bench.put(RG, &json!({ "location": "westeurope" }));
    bench.grant(RG, OWNER, Caller::Reader.object_id(), 1);
    bench.caller = Caller::Reader;
    assert_eq!(
        bench.put(RG, &json!({ "location": "westeurope" })).status,
        403
    );
    bench.wait(10);
    assert_eq!(
        bench.put(RG, &json!({ "location": "westeurope" })).status,
        200
    );
    let outside = bench.put(&format!("{RG}2"), &json!({ "location": "westeurope" }));
    assert_eq!(
        outside.status, 403,
        "a role assignment at a group does not apply to other groups"
    );
}

#[test]
fn built_in_roles_are_found_by_name() {
    let mut bench = Bench::new();
    let path = "/providers/Microsoft.Authorization/roleDefinitions";
    let all = bench.get(path).json();
    assert!(all["value"].as_array().unwrap().len() > 60);
    assert!(all.get("nextLink").is_none());
    let found = bench
        .get(&format!("{path}?$filter=roleName%20eq%20'Reader'"))
        .json();
    assert_eq!(found["value"][0]["id"], format!("{path}/{READER}"));
    assert_eq!(found["value"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        bench.get(&definition(READER)).json()["id"],
        definition(READER)
    );
    assert_eq!(
        outcome(&bench.get(&definition(NAME))),
        (404, "RoleDefinitionDoesNotExist".into())
    );
}

#[test]
fn quote_in_a_filter_value_is_doubled() {
    let mut bench = Bench::with_group();
    let role = json!({ "properties": { "roleName": "Bob's", "assignableScopes": [RG],
        "permissions": [{ "actions": ["*/read"] }] } });
    bench.put(&definition(NAME), &role);
    let list = format!("{RG}/providers/Microsoft.Authorization/roleDefinitions");
    let found = bench
        .get(&format!("{list}?$filter=roleName%20eq%20'Bob''s'"))
        .json();
    assert_eq!(found["value"][0]["name"], NAME);
    assert_eq!(found["value"].as_array().map(Vec::len), Some(1));
}

#[test]
fn role_name_can_be_reused_until_it_is_replicated() {
    let options = WorldOptions {
        role_name_replication: 10_000,
        ..WorldOptions::default()
    };
    let mut bench = Bench::with_options(options);
    let role = json!({ "properties": { "roleName": "Tagger",
        "assignableScopes": [format!("/subscriptions/{SUBSCRIPTION}")],
        "permissions": [{ "actions": ["*/read"] }] } });
    let other = |digit: &str| definition(&NAME.replace("0001", digit));
    assert_eq!(bench.put(&definition(NAME), &role).status, 201);
    assert_eq!(bench.put(&other("0002"), &role).status, 201);
    bench.wait(10);
    assert_eq!(
        outcome(&bench.put(&other("0003"), &role)),
        (409, "RoleDefinitionWithSameNameExists".into())
    );
}

#[test]
fn custom_role_is_stored_at_the_subscription_and_permits_its_actions() {
    let mut bench = Bench::with_group();
    let at_group = format!("{RG}/providers/Microsoft.Authorization/roleDefinitions/{NAME}");
    let role = json!({ "properties": { "roleName": "Tagger", "type": "customRole", "assignableScopes": [RG],
        "permissions": [{ "actions": ["Microsoft.Resources/subscriptions/resourceGroups/write"] }] } });
    let created = bench.put(&at_group, &role);
    assert_eq!(
        (created.status, &created.json()["id"]),
        (201, &json!(definition(NAME)))
    );
    let shown = bench.get(&definition(NAME)).json();
    assert_eq!(shown["properties"]["type"], "CustomRole");
    assert_eq!(
        shown["properties"]["permissions"][0]["notActions"],
        json!([])
    );
    assert_eq!(shown["properties"]["createdBy"], Caller::Owner.object_id());
    let duplicate = at_group.replace("0001", "0009");
    assert_eq!(
        outcome(&bench.put(&duplicate, &role)),
        (409, "RoleDefinitionWithSameNameExists".into())
    );
    let custom = format!(
        "{RG}/providers/Microsoft.Authorization/roleDefinitions?$filter=type%20eq%20'CustomRole'"
    );
    assert_eq!(
        bench.get(&custom).json()["value"].as_array().map(Vec::len),
        Some(1)
    );
    let outside = bench.grant(
        &format!("/subscriptions/{SUBSCRIPTION}"),
        NAME,
        Caller::Reader.object_id(),
        3,
    );
    assert_eq!(
        outcome(&outside),
        (400, "RoleDefinitionDoesNotExist".into())
    );
    assert_eq!(
        bench.grant(RG, NAME, Caller::Reader.object_id(), 4).status,
        201
    );
    bench.caller = Caller::Reader;
    assert_eq!(
        bench.put(RG, &json!({ "location": "westeurope" })).status,
        200
    );
    assert_eq!(bench.delete(RG).status, 403);
    bench.caller = Caller::Owner;
    assert_eq!(
        outcome(&bench.delete(&at_group)),
        (400, "RoleDefinitionHasAssignments".into())
    );
    let mut elsewhere = role.clone();
    elsewhere["properties"]["assignableScopes"] = json!([format!("{RG}-other")]);
    assert_eq!(
        outcome(&bench.put(&at_group, &elsewhere)),
        (400, "RoleScopeBeingRemovedContainsAssignments".into())
    );
    let mut above = role.clone();
    above["properties"]["assignableScopes"] = json!([format!("/subscriptions/{SUBSCRIPTION}")]);
    assert_eq!(bench.put(&at_group, &above).status, 201);
    bench.delete(&assignment(RG, "00000000-0000-0000-0001-000000000004"));
    assert_eq!(bench.put(&at_group, &elsewhere).status, 201);
    assert_eq!(bench.delete(&at_group).status, 200);
    assert_eq!(bench.get(&definition(NAME)).status, 404);
}
