//! Azure Policy: lists of assignments, checks before a write, exemptions, and the order of effects.

use serde_json::{Value, json};

use crate::http::Method;
use crate::world::testing::{Bench, RG, outcome};
use crate::world::{Caller, SUBSCRIPTION};

const LOCATIONS: &str = "e56962a6-4747-49cd-b67b-bf8b01975c4c";
const TYPES: &str = "6c112d4e-5bc7-47ae-a041-ea2d9dccd749";
const REQUIRE_TAG: &str = "871b6d14-10aa-478d-b590-94f262ecfa99";
const SET_TAG: &str = "5ffd78d9-436d-4b41-a421-5baa819e3008";
const IDENTITY: &str = "Microsoft.ManagedIdentity/userAssignedIdentities";

fn subscription() -> String {
    format!("/subscriptions/{SUBSCRIPTION}")
}

/// Moves the subscription into a new management group.
fn create_parent_group(bench: &mut Bench) -> String {
    let group = "/providers/Microsoft.Management/managementGroups/platform".to_owned();
    assert_eq!(bench.put(&group, &json!({})).status, 202);
    bench.wait(5);
    let member = format!("{group}/subscriptions/{SUBSCRIPTION}");
    assert!(bench.put(&member, &json!({})).status < 300);
    group
}

fn assign(bench: &mut Bench, scope: &str, name: &str, guid: &str, parameters: &Value) -> String {
    let id = format!("{scope}/providers/Microsoft.Authorization/policyAssignments/{name}");
    let body = json!({ "properties": {
        "policyDefinitionId": format!("/providers/Microsoft.Authorization/policyDefinitions/{guid}"),
        "nonComplianceMessages": [{ "message": format!("says {name}") }],
        "parameters": parameters,
    } });
    assert_eq!(bench.put(&id, &body).status, 201);
    id
}

fn only_north() -> Value {
    json!({ "listOfAllowedLocations": { "value": ["northeurope"] } })
}

fn check(bench: &mut Bench, scope: &str, body: &Value) -> Value {
    let path = format!("{scope}/providers/Microsoft.PolicyInsights/checkPolicyRestrictions");
    let response = bench.post(&path, body);
    assert_eq!(response.status, 200, "{}", response.json());
    response.json()
}

fn details(content: Value) -> Value {
    json!({ "resourceDetails": { "resourceContent": content, "apiVersion": "2024-11-30" } })
}

/// The names of the assignments that deny the resource.
fn denying_assignments(response: &Value) -> Vec<String> {
    let evaluations = &response["contentEvaluationResult"]["policyEvaluations"];
    let name = |it: &Value| {
        assert_eq!(it["evaluationResult"], "NonCompliant");
        assert_eq!(it["effectDetails"]["policyEffect"], "Deny");
        let id = it["policyInfo"]["policyAssignmentId"].as_str().unwrap();
        id.rsplit('/').next().unwrap().to_owned()
    };
    evaluations.as_array().unwrap().iter().map(name).collect()
}

#[test]
fn assignments_are_listed_at_above_and_below_a_scope() {
    let mut bench = Bench::with_group();
    let platform = create_parent_group(&mut bench);
    assign(&mut bench, &platform, "above", LOCATIONS, &only_north());
    assign(
        &mut bench,
        &subscription(),
        "here",
        LOCATIONS,
        &only_north(),
    );
    assign(&mut bench, RG, "below", LOCATIONS, &only_north());
    let names = |bench: &mut Bench, path: &str| -> Vec<String> {
        let list = bench.get(path).json();
        let items = list["value"].as_array().unwrap().iter();
        items
            .map(|it| it["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let path = |scope: &str| format!("{scope}/providers/Microsoft.Authorization/policyAssignments");
    let whole = path(&subscription());
    assert_eq!(names(&mut bench, &whole), ["above", "here", "below"]);
    let at_scope = format!("{whole}?$filter=atScope()");
    assert_eq!(names(&mut bench, &at_scope), ["above", "here"]);
    assert_eq!(names(&mut bench, &path(RG)), ["above", "here", "below"]);
    let other = format!("{RG}2");
    bench.put(&other, &json!({ "location": "westeurope" }));
    assert_eq!(names(&mut bench, &path(&other)), ["above", "here"]);
}

#[test]
fn policy_check_reports_exactly_the_denied_writes() {
    let mut bench = Bench::with_group();
    assign(&mut bench, RG, "north", LOCATIONS, &only_north());
    let typed =
        json!({ "listOfResourceTypesNotAllowed": { "value": ["microsoft.compute/disks"] } });
    let platform = create_parent_group(&mut bench);
    assign(&mut bench, &platform, "no-disks", TYPES, &typed);
    let team = json!({ "tagName": { "value": "team" } });
    assign(&mut bench, &subscription(), "team", REQUIRE_TAG, &team);
    for (kind, location, tags, expected) in [
        (
            IDENTITY,
            "westeurope",
            json!({ "Team": "a" }),
            vec!["north"],
        ),
        (IDENTITY, "northeurope", json!({ "team": "a" }), vec![]),
        (IDENTITY, "westeurope", json!({}), vec!["team", "north"]),
        (
            "Microsoft.Compute/disks",
            "northeurope",
            json!({ "team": "a" }),
            vec!["no-disks"],
        ),
    ] {
        let mut content =
            json!({ "type": kind, "name": "one", "location": location, "tags": tags });
        let response = check(&mut bench, RG, &details(content.clone()));
        assert_eq!(denying_assignments(&response), expected, "{content}");
        assert_eq!(response["fieldRestrictions"], json!([]));
        content.as_object_mut().unwrap().remove("type");
        let written = bench.put(&format!("{RG}/providers/{kind}/one"), &content);
        assert_eq!(
            written.status == 403,
            !expected.is_empty(),
            "{}",
            written.json()
        );
    }
    let group =
        json!({ "type": "Microsoft.Resources/subscriptions/resourceGroups", "location": "eastus" });
    assert_eq!(
        denying_assignments(&check(&mut bench, &subscription(), &details(group))),
        [""; 0]
    );
}

#[test]
fn policy_check_reports_conditions_and_definitions_have_names() {
    let mut bench = Bench::with_group();
    let id = assign(&mut bench, RG, "north", LOCATIONS, &only_north());
    let content = json!({ "type": IDENTITY, "location": "westeurope" });
    let response = check(&mut bench, RG, &details(content));
    let evaluation = &response["contentEvaluationResult"]["policyEvaluations"][0];
    assert_eq!(evaluation["policyInfo"]["policyAssignmentId"], id);
    assert_eq!(
        evaluation["evaluationDetails"]["evaluatedExpressions"],
        json!([{
            "result": "True", "expressionKind": "Field", "expression": "location", "path": "location",
            "operator": "notIn", "expressionValue": "westeurope", "targetValue": ["northeurope"],
        }])
    );
    let definition = format!("/providers/Microsoft.Authorization/policyDefinitions/{LOCATIONS}");
    let named = bench.get(&definition).json();
    assert_eq!(named["properties"]["displayName"], "Allowed locations");
    let unknown = bench.get("/providers/Microsoft.Authorization/policyDefinitions/x");
    assert_eq!(outcome(&unknown), (404, "PolicyDefinitionNotFound".into()));
}

#[test]
fn pending_field_is_restricted_instead_of_denied() {
    let mut bench = Bench::with_group();
    assign(&mut bench, RG, "north", LOCATIONS, &only_north());
    let team = json!({ "tagName": { "value": "team" } });
    assign(&mut bench, RG, "team", REQUIRE_TAG, &team);
    let mut body = details(json!({ "type": IDENTITY, "tags": { "team": "a" } }));
    body["pendingFields"] =
        json!([{ "field": "location", "values": ["North Europe", "eastus", "westus"] }]);
    let response = check(&mut bench, RG, &body);
    assert_eq!(denying_assignments(&response), [""; 0]);
    let [field] = response["fieldRestrictions"].as_array().unwrap().as_slice() else {
        panic!("{response}")
    };
    assert_eq!(field["field"], "location");
    let restriction = &field["restrictions"][0];
    assert_eq!(
        (&restriction["result"], &restriction["policyEffect"]),
        (&json!("Deny"), &json!("Deny"))
    );
    assert_eq!(restriction["values"], json!(["eastus", "westus"]));
    assert_eq!(restriction["reason"], "says north");

    let mut body = details(json!({ "type": IDENTITY, "location": "northeurope" }));
    body["pendingFields"] = json!([{ "field": "tags" }]);
    let response = check(&mut bench, RG, &body);
    assert_eq!(denying_assignments(&response), [""; 0]);
    assert_eq!(response["fieldRestrictions"][0]["field"], "tags[team]");
    assert_eq!(
        response["fieldRestrictions"][0]["restrictions"][0]["result"],
        "Required"
    );
}

#[test]
fn modify_policies_apply_before_deny_policies() {
    let mut bench = Bench::with_group();
    let team = json!({ "tagName": { "value": "team" } });
    assign(&mut bench, RG, "team", REQUIRE_TAG, &team);
    let id = format!("{RG}/providers/{IDENTITY}/one");
    let body = json!({ "location": "westeurope" });
    assert_eq!(
        outcome(&bench.put(&id, &body)),
        (403, "RequestDisallowedByPolicy".into())
    );
    let set = json!({ "tagName": { "value": "team" }, "tagValue": { "value": "vision" } });
    assign(&mut bench, RG, "sets", SET_TAG, &set);
    let created = bench.put(&id, &body);
    assert_eq!(
        (created.status, &created.json()["tags"]["team"]),
        (201, &json!("vision"))
    );
    let response = check(
        &mut bench,
        RG,
        &details(json!({ "type": IDENTITY, "location": "westeurope" })),
    );
    let [field] = response["fieldRestrictions"].as_array().unwrap().as_slice() else {
        panic!("{response}")
    };
    assert_eq!(field["field"], "tags.team");
    assert_eq!(field["restrictions"][0]["policyEffect"], "Modify");
    assert_eq!(field["restrictions"][0]["defaultValue"], "vision");
}

#[test]
fn invalid_tags_are_rejected_before_a_policy_adds_tags() {
    let mut bench = Bench::with_group();
    let set = json!({ "tagName": { "value": "team" }, "tagValue": { "value": "vision" } });
    assign(&mut bench, RG, "sets", SET_TAG, &set);
    let id = format!("{RG}/providers/{IDENTITY}/one");
    let with = |tags: Value| json!({ "location": "westeurope", "tags": tags });
    for tags in [json!("team"), json!(7), json!(["team"])] {
        assert_eq!(
            outcome(&bench.put(&id, &with(tags))),
            (400, "InvalidRequestContent".into())
        );
    }
    let created = bench.put(&id, &with(Value::Null));
    assert_eq!(created.json()["tags"]["team"], "vision");
}

#[test]
fn malformed_body_is_rejected_by_the_provider_and_not_by_a_policy() {
    let mut bench = Bench::with_group();
    let types = json!({ "listOfResourceTypesNotAllowed": { "value": [IDENTITY] } });
    assign(&mut bench, RG, "types", TYPES, &types);
    let id = format!("{RG}/providers/{IDENTITY}/one");
    let mut request = bench.request(Method::Put, &id);
    request.body = b"{".to_vec();
    let rejected = bench.send(&request);
    assert_eq!(outcome(&rejected), (400, "InvalidRequestContent".into()));
}

#[test]
fn patch_is_evaluated_together_with_the_stored_resource() {
    let mut bench = Bench::with_group();
    let (id, _) = bench.identity("one");
    assign(&mut bench, RG, "north", LOCATIONS, &only_north());
    let rejected = bench.patch(&id, &json!({ "tags": { "a": "b" } }));
    assert_eq!(
        outcome(&rejected),
        (403, "RequestDisallowedByPolicy".into())
    );
}

#[test]
fn policy_check_is_a_read_and_requires_a_type() {
    let mut bench = Bench::with_group();
    bench.caller = Caller::Reader;
    let content = json!({ "type": IDENTITY, "location": "westeurope" });
    assert_eq!(
        denying_assignments(&check(&mut bench, RG, &details(content))),
        [""; 0]
    );
    let path = format!("{RG}/providers/Microsoft.PolicyInsights/checkPolicyRestrictions");
    let without_type = bench.post(
        &path,
        &json!({ "resourceDetails": { "resourceContent": {} } }),
    );
    assert_eq!(
        outcome(&without_type),
        (400, "InvalidRequestContent".into())
    );
    assert_eq!(bench.get(&path).status, 405);
}

#[test]
fn exempt_resources_are_not_denied() {
    let mut bench = Bench::with_group();
    let rule = assign(&mut bench, RG, "north", LOCATIONS, &only_north());
    let id = |name: &str| format!("{RG}/providers/{IDENTITY}/{name}");
    let body = json!({ "location": "westeurope" });
    let exempt = format!("{RG}/providers/Microsoft.Authorization/policyExemptions/for-now");
    let waiver = json!({ "properties": {
        "policyAssignmentId": rule.to_uppercase(), "exemptionCategory": "Waiver",
    } });
    assert_eq!(bench.put(&id("one"), &body).status, 403);
    assert!(bench.put(&exempt, &waiver).status < 300);
    assert_eq!(bench.put(&id("one"), &body).status, 201);
    let content = json!({ "type": IDENTITY, "location": "westeurope" });
    assert_eq!(
        denying_assignments(&check(&mut bench, RG, &details(content))),
        [""; 0]
    );
    bench.delete(&exempt);
    let own = format!(
        "{}/providers/Microsoft.Authorization/policyExemptions/own",
        id("one")
    );
    assert!(bench.put(&own, &waiver).status < 300);
    assert_eq!(bench.put(&id("one"), &body).status, 200);
    assert_eq!(bench.put(&id("two"), &body).status, 403);
    let list = format!(
        "{}/providers/Microsoft.Authorization/policyExemptions",
        subscription()
    );
    assert_eq!(
        bench.get(&list).json()["value"].as_array().unwrap().len(),
        1
    );
}
