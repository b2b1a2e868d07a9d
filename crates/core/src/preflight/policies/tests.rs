//! Policy checks and the denials in their responses, on constructed plans.

use serde_json::json;

use super::*;
use crate::{
    arm::ArmType,
    key::NodeKey,
    kind::Registry,
    plan::{Absence, Action, Call, CallTarget, Method, NewGrant, Principal, Step, Update},
    preflight::{findings, list_further_questions, questions},
    secret::Secret,
    source::{Sources, Span},
    spec::Address,
    subject::Subject,
    value::{Output, Unresolved, UnresolvedPart, Value},
};

const NO_KINDS: Registry = Registry::new(&[]);

const SUBSCRIPTION: &str = "/subscriptions/s";
const GROUP: &str = "/subscriptions/s/resourceGroups/g";
const ACCOUNTS: &str = "Microsoft.Storage/storageAccounts";
const ASSIGNMENT: &str = "/subscriptions/s/providers/Microsoft.Authorization/policyAssignments/a";
const DEFINITION: &str = "/providers/Microsoft.Authorization/policyDefinitions/d";

fn step(action: Action, target: CallTarget, arm_type: &str, body: Value) -> Step {
    let address = Address {
        resource: "r".into(),
        instance: None,
    };
    let method = match action {
        Action::Delete => Method::Delete(crate::plan::Deletion::by_tag("cameras")),
        Action::Release => Method::Update(Box::new(Update::tags_only("cameras"))),
        _ => Method::Create(Absence::Certain),
    };
    Step {
        id: StepId(0),
        subject: Subject {
            key: NodeKey {
                stack: "cameras".into(),
                address,
                part: None,
            },
            kind: "resource",
            arm_type: ArmType::parse(&format!("{arm_type}@2026-01-01")).unwrap(),
            title: String::new(),
            places: Default::default(),
            span: Span::new(Sources::default().add("spec.yaml", ""), 0..0),
        },
        action,
        reason: String::new(),
        changes: Vec::new(),
        call: Call {
            method,
            target,
            api_version: "2026-01-01".into(),
            body,
        },
        outputs: Vec::new(),
        after: Vec::new(),
        retry_causes: Vec::new(),
    }
}

fn put(id: &str, body: Json) -> Step {
    let id = ArmId::parse(id).unwrap();
    let arm_type = id.arm_type().unwrap();
    step(
        Action::Create,
        CallTarget::Id(id),
        &arm_type,
        Value::from(body),
    )
}

fn account(group: &str, name: &str) -> Step {
    put(
        &format!("{group}/providers/{ACCOUNTS}/{name}"),
        json!({ "location": "westeurope", "sku": { "name": "Standard_LRS" } }),
    )
}

fn grant_on(scope: &str) -> Step {
    let grant = NewGrant {
        scope: ArmId::parse(scope).unwrap(),
        role: "reader".into(),
        role_name: "Reader".into(),
        principal: Principal::Id("p".into()),
    };
    let body = Value::from(json!({ "properties": { "roleDefinitionId": "/subscriptions/s/x" } }));
    let target = CallTarget::Grant(grant);
    step(
        Action::Create,
        target,
        "Microsoft.Authorization/roleAssignments",
        body,
    )
}

fn plan_of(steps: impl IntoIterator<Item = Step>) -> Plan {
    let numbered = |(at, step)| Step {
        id: StepId(at),
        ..step
    };
    Plan {
        steps: steps.into_iter().enumerate().map(numbered).collect(),
        ..Plan::default()
    }
}

fn policies(scope: &str) -> Question {
    Question::Policies(ArmId::parse(scope).unwrap())
}

fn assignment(properties: Json) -> Json {
    let mut item = json!({ "id": ASSIGNMENT, "properties": { "scope": SUBSCRIPTION } });
    for (name, value) in properties.as_object().unwrap() {
        item["properties"][name] = value.clone();
    }
    item
}

fn assign(items: impl IntoIterator<Item = Json>) -> Answers {
    let mut answers = Answers::default();
    let items = items.into_iter().collect();
    answers.insert(policies(SUBSCRIPTION), Answer::Response(Json::Array(items)));
    answers
}

/// The scopes and bodies of the next policy checks.
fn checks(plan: &Plan, answers: &Answers) -> Vec<(String, Json)> {
    list_further_questions(plan, answers, NO_KINDS)
        .into_iter()
        .filter_map(|question| match question {
            Question::Restrictions { at, proposal } => Some((at.to_string(), proposal.body())),
            _ => None,
        })
        .collect()
}

/// Adds the same response to every policy check.
fn respond(plan: &Plan, mut answers: Answers, response: &Json) -> Answers {
    for question in list_further_questions(plan, &answers, NO_KINDS) {
        if matches!(question, Question::Restrictions { .. }) {
            answers.insert(question, Answer::Response(response.clone()));
        }
    }
    answers
}

fn denial(expressions: Json) -> Json {
    json!({ "fieldRestrictions": [], "contentEvaluationResult": { "policyEvaluations": [{
        "policyInfo": { "policyAssignmentId": ASSIGNMENT, "policyDefinitionId": DEFINITION },
        "evaluationResult": "NonCompliant",
        "evaluationDetails": { "evaluatedExpressions": expressions },
        "effectDetails": { "policyEffect": "Deny" },
    }] } })
}

fn denials_in(plan: &Plan, answers: &Answers) -> Vec<(Denial, Vec<StepId>)> {
    findings(plan, answers, None, NO_KINDS)
        .into_iter()
        .filter_map(|finding| match finding {
            Finding::Disallowed { denial, steps } => Some((denial, steps)),
            _ => None,
        })
        .collect()
}

#[test]
fn subscription_without_assignments_needs_no_further_question() {
    let plan = plan_of([account(GROUP, "one"), account(GROUP, "two")]);
    let all = questions(&plan, NO_KINDS);
    let lists = all.iter().filter(|it| matches!(it, Question::Policies(_)));
    assert_eq!(lists.collect::<Vec<_>>(), [&policies(SUBSCRIPTION)]);
    assert_eq!(checks(&plan, &Answers::default()), []);
    assert_eq!(checks(&plan, &assign([])), []);

    let gone = ArmId::parse(&format!("{GROUP}/providers/{ACCOUNTS}/one")).unwrap();
    let delete = step(Action::Delete, CallTarget::Id(gone), ACCOUNTS, Value::Null);
    let all = questions(&plan_of([delete]), NO_KINDS);
    assert!(!all.iter().any(|it| matches!(it, Question::Policies(_))));
}

#[test]
fn only_enforced_assignments_cause_questions() {
    let plan = plan_of([account(GROUP, "one")]);
    let count = |assignment: Json| checks(&plan, &assign([assignment])).len();
    let managed = "/providers/Microsoft.Management/managementGroups/m";
    assert_eq!(count(assignment(json!({}))), 1);
    assert_eq!(count(assignment(json!({ "scope": managed }))), 1);
    assert_eq!(count(assignment(json!({ "scope": GROUP }))), 1);
    for left_out in [
        json!({ "enforcementMode": "DoNotEnforce" }),
        json!({ "notScopes": ["/subscriptions/S/resourcegroups/G"] }),
        json!({ "scope": "/subscriptions/s/resourceGroups/g2" }),
    ] {
        assert_eq!(count(assignment(left_out.clone())), 0, "{left_out}");
    }
}

#[test]
fn steps_that_differ_in_names_share_a_question() {
    let other = "/subscriptions/s/resourceGroups/h";
    let mut large = account(GROUP, "large");
    large.call.body = Value::from(json!({ "location": "westeurope", "sku": { "name": "P" } }));
    let plan = plan_of([
        large,
        account(GROUP, "one"),
        account(other, "two"),
        grant_on(&format!("{GROUP}/providers/{ACCOUNTS}/one")),
        grant_on(&format!("{other}/providers/{ACCOUNTS}/two")),
    ]);
    let checks = checks(&plan, &assign([assignment(json!({}))]));
    let by_type = |name: &str, named: bool| {
        checks
            .iter()
            .filter(|(_, body)| {
                let content = &body["resourceDetails"]["resourceContent"];
                content["type"] == name && content["name"].is_string() == named
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(checks.len(), 3, "{checks:#?}");
    assert_eq!(by_type(ACCOUNTS, true).len(), 1);
    let [(at, body)] = by_type(ACCOUNTS, false)[..] else {
        panic!("{checks:#?}")
    };
    assert_eq!(at, GROUP);
    assert_eq!(
        *body,
        json!({
            "pendingFields": [{ "field": "name", "values": ["one", "two"] }],
            "resourceDetails": {
                "apiVersion": "2026-01-01",
                "resourceContent": {
                    "type": ACCOUNTS, "location": "westeurope", "sku": { "name": "Standard_LRS" },
                },
            },
        })
    );
    let [(_, grants)] = by_type("Microsoft.Authorization/roleAssignments", false)[..] else {
        panic!("{checks:#?}")
    };
    let scope = &grants["resourceDetails"]["scope"];
    assert_eq!(*scope, format!("{GROUP}/providers/{ACCOUNTS}/one"));
    assert!(grants.get("pendingFields").is_none());
}

#[test]
fn shared_name_is_checked_once() {
    let container = |account: &str| {
        let parent = format!("{GROUP}/providers/{ACCOUNTS}/{account}/blobServices/default");
        put(
            &format!("{parent}/containers/logs"),
            json!({ "properties": {} }),
        )
    };
    let plan = plan_of([container("one"), container("two")]);
    let checks = checks(&plan, &assign([assignment(json!({}))]));
    let [(_, body)] = checks.as_slice() else {
        panic!("{checks:#?}")
    };
    assert_eq!(body["resourceDetails"]["resourceContent"]["name"], "logs");
    assert!(body.get("pendingFields").is_none());
}

#[test]
fn group_with_its_own_policies_has_its_own_question() {
    let other = "/subscriptions/s/resourceGroups/h";
    let plan = plan_of([account(GROUP, "one"), account(other, "two")]);
    let own = json!({ "id": "b", "properties": { "scope": other } });
    let checks = checks(&plan, &assign([assignment(json!({})), own]));
    let at: Vec<&str> = checks.iter().map(|(at, _)| at.as_str()).collect();
    assert_eq!(at, [GROUP, other]);
}

#[test]
fn every_subscription_has_its_own_question() {
    let other = "/subscriptions/t/resourceGroups/g";
    let plan = plan_of([account(GROUP, "one"), account(other, "two")]);
    let managed = "/providers/Microsoft.Management/managementGroups/m";
    let mut answers = assign([assignment(json!({ "scope": managed }))]);
    let list = Answer::Response(json!([assignment(json!({ "scope": managed }))]));
    answers.insert(policies("/subscriptions/t"), list);
    let at: Vec<String> = checks(&plan, &answers)
        .into_iter()
        .map(|(at, _)| at)
        .collect();
    assert_eq!(at, [GROUP, other]);
}

#[test]
fn resources_of_a_new_group_are_checked_at_the_subscription_by_full_name() {
    let container = format!("{GROUP}/providers/{ACCOUNTS}/one/blobServices/default/containers/c");
    let steps = || {
        [
            account(GROUP, "one"),
            put(&container, json!({ "properties": {} })),
        ]
    };
    let group = put(GROUP, json!({ "location": "westeurope" }));
    let answers = assign([assignment(json!({}))]);
    let named = |plan: &Plan| -> Vec<(String, Json, Json)> {
        let checks = checks(plan, &answers).into_iter();
        checks
            .map(|(at, body)| {
                let details = &body["resourceDetails"];
                let name = details["resourceContent"]["name"].clone();
                (at, name, details["scope"].clone())
            })
            .collect()
    };
    let new = plan_of([group].into_iter().chain(steps()));
    let mut found = named(&new);
    found.sort_by_key(|(_, name, _)| name.to_string());
    let whole = |name: &str| (SUBSCRIPTION.to_owned(), json!(name), Json::Null);
    assert_eq!(found, [whole("g"), whole("one"), whole("one/default/c")]);

    let mut found = named(&plan_of(steps()));
    found.sort_by_key(|(_, name, _)| name.to_string());
    let parent = format!("{GROUP}/providers/{ACCOUNTS}/one/blobServices/default");
    let there = |name: &str, scope: Json| (GROUP.to_owned(), json!(name), scope);
    assert_eq!(found, [there("c", json!(parent)), there("one", Json::Null)]);
}

fn plan_with_a_secret_and_an_unresolved_output() -> Plan {
    let mut step = account(GROUP, "one");
    let output = Output {
        of: step.subject.key.clone(),
        path: BodyPath::parse("properties.principalId"),
        written: "id.principalId".into(),
    };
    let unresolved = Value::Unresolved(Unresolved(vec![
        UnresolvedPart::Secret(Secret::new("hunter2")),
        UnresolvedPart::Output(output),
    ]));
    let secret = Value::Secret(Secret::new("hunter2"));
    step.call.body = Value::object([
        ("location", Value::from("westeurope")),
        (
            "properties",
            Value::object([
                ("password", secret.clone()),
                ("owner", unresolved),
                ("keys", Value::Array(vec![Value::from("a"), secret])),
                ("open", Value::Bool(true)),
            ]),
        ),
    ]);
    plan_of([step])
}

#[test]
fn secrets_and_unresolved_outputs_are_not_sent() {
    let plan = plan_with_a_secret_and_an_unresolved_output();
    let checks = checks(&plan, &assign([assignment(json!({}))]));
    let [(_, body)] = checks.as_slice() else {
        panic!("{checks:#?}")
    };
    assert!(!body.to_string().contains("hunter2"));
    let sent = &body["resourceDetails"]["resourceContent"]["properties"];
    assert_eq!(*sent, json!({ "open": true }));
}

#[test]
fn denial_that_may_depend_on_omitted_values_is_not_certain() {
    let plan = plan_with_a_secret_and_an_unresolved_output();
    let reason = |expressions: Json| {
        let answers = assign([assignment(json!({}))]);
        let answers = respond(&plan, answers, &denial(expressions));
        let found = denials_in(&plan, &answers);
        assert_eq!(found.len(), 1);
        found[0].0.uncertainty
    };
    let holds = |path: &str| json!([{ "result": "True", "path": path, "operator": "exists" }]);
    let omitted = Some(Uncertainty::OmittedValue);
    assert_eq!(reason(json!([])), omitted);
    for path in [
        "properties.password",
        "properties.keys[1]",
        "properties.keys[*].value",
        "properties",
        "Properties.Owner.id",
    ] {
        assert_eq!(reason(holds(path)), omitted, "{path}");
    }
    assert_eq!(reason(holds("properties.open")), None);
    assert_eq!(reason(holds("properties.passwords")), None);
}

#[test]
fn denial_contains_assignment_definition_and_conditions() {
    let plan = plan_of([account(GROUP, "one"), account(GROUP, "two")]);
    let answers = assign([assignment(json!({
        "displayName": "Only Europe",
        "nonComplianceMessages": [
            { "message": "of another", "policyDefinitionReferenceId": "other" },
            { "message": "Europe only, see the wiki" },
        ],
    }))]);
    let expressions = json!([
        { "result": "True", "path": "type", "operator": "equals", "expressionValue": "t", "targetValue": "t" },
        { "result": "False", "path": "kind", "operator": "equals", "expressionValue": "k", "targetValue": "l" },
        { "result": "True", "path": "location", "operator": "notIn", "expressionValue": "westus",
          "targetValue": ["westeurope"] },
    ]);
    let mut answers = respond(&plan, answers, &denial(expressions));
    let definition = Question::PolicyDefinition(ArmId::parse(DEFINITION).unwrap());
    assert!(list_further_questions(&plan, &answers, NO_KINDS).contains(&definition));
    let called = json!({ "properties": { "displayName": "Allowed locations" } });
    answers.insert(definition, Answer::Response(called));
    let found = denials_in(&plan, &answers);
    let expected = Denial {
        assignment: ASSIGNMENT.into(),
        assigned_as: "Only Europe".into(),
        definition: DEFINITION.into(),
        defined_as: Some("Allowed locations".into()),
        message: Some("Europe only, see the wiki".into()),
        because: vec![Expression {
            path: "location".into(),
            value: json!("westus"),
            operator: "notIn".into(),
            target: json!(["westeurope"]),
        }],
        uncertainty: None,
    };
    assert_eq!(found, [(expected, vec![StepId(0), StepId(1)])]);
}

#[test]
fn audits_are_not_findings_and_modifications_make_a_denial_uncertain() {
    let plan = plan_of([account(GROUP, "one")]);
    let denials = |response: &Json| {
        let answers = respond(&plan, assign([assignment(json!({}))]), response);
        denials_in(&plan, &answers)
    };
    let reason = |response: &Json| denials(response)[0].0.uncertainty;
    let mut response = denial(json!([]));
    let evaluation = "/contentEvaluationResult/policyEvaluations/0";
    let set = |response: &mut Json, at: &str, value: &str| {
        *response.pointer_mut(&format!("{evaluation}/{at}")).unwrap() = value.into();
    };
    for effect in ["Audit", "Modify", "DeployIfNotExists", "DenyAction", "None"] {
        set(&mut response, "effectDetails/policyEffect", effect);
        assert_eq!(denials(&response), [], "{effect}");
    }
    set(&mut response, "effectDetails/policyEffect", "deny");
    assert_eq!(reason(&response), None);
    response["fieldRestrictions"] = json!([{ "field": "tags.team", "restrictions": [
        { "result": "Required", "defaultValue": "x", "policyEffect": "Modify" } ] }]);
    assert_eq!(reason(&response), Some(Uncertainty::Modification));
    set(&mut response, "evaluationResult", "Error");
    assert_eq!(reason(&response), Some(Uncertainty::NoEvaluation));
    set(&mut response, "evaluationResult", "Compliant");
    assert_eq!(denials(&response), []);
    for odd in [json!([]), json!("x"), json!({ "fieldRestrictions": 1 })] {
        assert_eq!(denials(&odd), []);
    }
}

#[test]
fn denied_name_belongs_to_its_step() {
    let plan = plan_of(["one", "two", "three"].map(|name| account(GROUP, name)));
    let found = |restriction: Json| {
        let mut restriction = restriction;
        restriction["policy"] = json!({ "policyAssignmentId": ASSIGNMENT });
        let response =
            json!({ "fieldRestrictions": [{ "field": "name", "restrictions": [restriction] }] });
        let answers = respond(&plan, assign([assignment(json!({}))]), &response);
        let steps = denials_in(&plan, &answers).into_iter();
        steps
            .flat_map(|(_, steps)| steps)
            .map(|step| step.0)
            .collect::<Vec<_>>()
    };
    assert_eq!(found(json!({ "result": "Deny", "values": ["Two"] })), [1]);
    assert_eq!(
        found(json!({ "result": "Required", "values": ["two"] })),
        [0, 2]
    );
    let audited = json!({ "result": "Deny", "values": ["two"], "policyEffect": "Audit" });
    assert_eq!(found(audited), [0; 0]);
}

#[test]
fn steps_beyond_the_maximum_of_questions_are_reported() {
    let kinds = MOST_QUESTIONS + 3;
    let odd = |number: usize| {
        put(
            &format!("{GROUP}/providers/{ACCOUNTS}/odd{number}"),
            json!({ "location": format!("place{number}") }),
        )
    };
    let plan = plan_of(
        (0..kinds)
            .map(odd)
            .chain([account(GROUP, "one"), account(GROUP, "two")]),
    );
    let answers = assign([assignment(json!({}))]);
    let checks = checks(&plan, &answers);
    assert_eq!(checks.len(), MOST_QUESTIONS);
    let most = checks
        .iter()
        .filter(|(_, body)| body.get("pendingFields").is_some());
    assert_eq!(most.count(), 1, "the most frequent check is sent first");
    let response = json!({ "fieldRestrictions": [] });
    let found = findings(&plan, &respond(&plan, answers, &response), None, NO_KINDS);
    let unasked = found.iter().find_map(|finding| match finding {
        Finding::PolicyUnasked { steps } => Some(steps.len()),
        _ => None,
    });
    assert_eq!(unasked, Some(4));
    assert!(!found.iter().any(Finding::is_certain));
}

#[test]
fn caller_without_access_to_the_subscription_checks_at_the_group() {
    let plan = plan_of([account(GROUP, "one")]);
    let denied_read = || Answer::Unknown("AuthorizationFailed".into());
    let mut answers = Answers::default();
    answers.insert(policies(SUBSCRIPTION), denied_read());
    assert!(list_further_questions(&plan, &answers, NO_KINDS).contains(&policies(GROUP)));
    let list = Answer::Response(json!([assignment(json!({}))]));
    answers.insert(policies(GROUP), list);
    assert_eq!(checks(&plan, &answers).len(), 1);

    let permissions_question = Question::Permissions(ArmId::parse(GROUP).unwrap());
    let permissions = json!([{ "actions": ["Microsoft.Storage/*"], "notActions": [] }]);
    answers.insert(permissions_question, Answer::Response(permissions));
    assert_eq!(checks(&plan, &answers), []);
    let reported = |answers: &Answers| -> Vec<(Question, String)> {
        let found = findings(&plan, answers, None, NO_KINDS).into_iter();
        found
            .filter_map(|finding| match finding {
                Finding::Unknown { question, why } => Some((question, why)),
                _ => None,
            })
            .filter(|(question, _)| matches!(question, Question::Policies(_)))
            .collect()
    };
    let once = [(policies(GROUP), "AuthorizationFailed".to_owned())];
    assert_eq!(reported(&answers), once);
    let mut answers = Answers::default();
    answers.insert(policies(SUBSCRIPTION), denied_read());
    answers.insert(policies(GROUP), denied_read());
    assert_eq!(reported(&answers), once);
}

#[test]
fn condition_on_a_new_group_makes_a_denial_uncertain() {
    let group = put(GROUP, json!({ "location": "westeurope" }));
    let holds = json!([{ "result": "True", "path": "tags.team", "operator": "notEquals",
        "expression": "tags['team']", "targetValue": "[resourceGroup().tags['team']]" }]);
    let uncertainty = |plan: &Plan| {
        let answers = respond(
            plan,
            assign([assignment(json!({}))]),
            &denial(holds.clone()),
        );
        let found = denials_in(plan, &answers).into_iter();
        found
            .map(|(denial, steps)| (denial.uncertainty, steps))
            .collect::<Vec<_>>()
    };
    let both = plan_of([group, account(GROUP, "one")]);
    let expected = [
        (None, vec![StepId(0)]),
        (Some(Uncertainty::NewGroup), vec![StepId(1)]),
    ];
    assert_eq!(uncertainty(&both), expected);
    let there = plan_of([account(GROUP, "one")]);
    assert_eq!(uncertainty(&there), [(None, vec![StepId(0)])]);
}

#[test]
fn exemption_makes_a_denial_uncertain() {
    let plan = plan_of([account(GROUP, "one"), account(GROUP, "two")]);
    let answers = assign([assignment(json!({}))]);
    let mut answers = respond(&plan, answers, &denial(json!([])));
    let list = Question::PolicyExemptions(ArmId::parse(SUBSCRIPTION).unwrap());
    assert!(list_further_questions(&plan, &answers, NO_KINDS).contains(&list));
    let exemption = |scope: &str, of: &str| {
        let id = format!("{scope}/providers/Microsoft.Authorization/policyExemptions/e");
        json!({ "id": id, "properties": { "policyAssignmentId": of } })
    };
    let one = format!("{GROUP}/providers/{ACCOUNTS}/ONE");
    let two = format!("{GROUP}/providers/{ACCOUNTS}/two");
    let items = json!([
        exemption(&one, &ASSIGNMENT.to_uppercase()),
        exemption(&two, "/other")
    ]);
    answers.insert(list, Answer::Response(items));
    let found = denials_in(&plan, &answers).into_iter();
    let found: Vec<_> = found.map(|(it, steps)| (it.uncertainty, steps)).collect();
    let (one, other) = (vec![StepId(0)], vec![StepId(1)]);
    assert_eq!(found, [(Some(Uncertainty::Exemption), one), (None, other)]);
}
