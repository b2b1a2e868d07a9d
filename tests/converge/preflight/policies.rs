//! Denials by Azure Policy are reported before the first write, with a single request where no policy is assigned.

use lazuli_core::{
    plan::Plan,
    preflight::{Finding, Question, Uncertainty},
};
use lazuli_sim::{Caller, Fault, Faults, Method, Occurrence, SUBSCRIPTION};
use serde_json::{Value as Json, json};

use super::{AUTHORIZATION, assign_role, group, requests, run_preflight, stack, subscription};
use crate::harness::{Azure, spec};

const LOCATIONS: &str = "e56962a6-4747-49cd-b67b-bf8b01975c4c";
const REQUIRE_TAG: &str = "871b6d14-10aa-478d-b590-94f262ecfa99";
const SET_TAG: &str = "5ffd78d9-436d-4b41-a421-5baa819e3008";
const CHECK: &str = "/providers/Microsoft.PolicyInsights/checkPolicyRestrictions";

async fn assign_policy(azure: &Azure, scope: &str, guid: &str, parameters: Json) {
    let url = format!("{scope}/{AUTHORIZATION}/policyAssignments/rule?api-version=2023-04-01");
    let body = json!({ "properties": {
        "displayName": "The rule", "parameters": parameters,
        "policyDefinitionId": format!("/providers/Microsoft.Authorization/policyDefinitions/{guid}"),
    } });
    azure.send_directly(Method::Put, &url, Some(body)).await;
}

async fn create_group(azure: &Azure) {
    let url = format!("{}?api-version=2021-04-01", group());
    let body = json!({ "location": "westeurope" });
    azure.send_directly(Method::Put, &url, Some(body)).await;
}

fn only_north_europe() -> Json {
    json!({ "listOfAllowedLocations": { "value": ["northeurope"] } })
}

/// Policy, property and step keys of each denial.
fn denials(plan: &Plan, found: &[Finding]) -> Vec<(String, String, Vec<String>)> {
    let denied = found.iter().filter_map(|finding| match finding {
        Finding::Disallowed { denial, steps } => Some((denial, steps)),
        _ => None,
    });
    denied
        .map(|(denial, steps)| {
            let paths: Vec<&str> = denial.because.iter().map(|it| it.path.as_str()).collect();
            let keys = steps
                .iter()
                .map(|step| plan.steps[step.0].subject.key.to_string());
            let policy = denial.defined_as.clone().unwrap_or_default();
            (policy, paths.join(" "), keys.collect())
        })
        .collect()
}

/// The paths of requests to Azure Policy.
fn policy_requests(azure: &Azure) -> Vec<String> {
    let is_policy_request = |line: &String| line.contains("policy") || line.contains("Policy");
    let path = |line: String| line.split('?').next().unwrap_or_default().to_owned();
    let log = requests(azure).into_iter().filter(is_policy_request);
    log.map(path).collect()
}

#[tokio::test(start_paused = true)]
async fn policy_denial_is_reported_with_its_steps_and_denied_by_apply() {
    let azure = Azure::new().await;
    assign_policy(&azure, &subscription(), LOCATIONS, only_north_europe()).await;
    let (plan, findings) = run_preflight(&azure, &stack()).await;
    let keys = ["data", "id"].map(str::to_owned).to_vec();
    let locations = "Allowed locations".to_owned();
    assert_eq!(
        denials(&plan, &findings),
        [(locations, "location".to_owned(), keys)]
    );
    assert!(findings.iter().all(Finding::is_certain));

    let report = azure.execute(&plan).await;
    let codes: Vec<_> = report
        .failures()
        .map(|(step, failure)| {
            assert!(
                failure.to_string().contains("disallowed by policy"),
                "{failure}"
            );
            plan.steps[step.0].subject.key.to_string()
        })
        .collect();
    assert_eq!(codes, ["data", "id"], "as reported");

    let another = Azure::new().await;
    assign_policy(&another, &subscription(), LOCATIONS, only_north_europe()).await;
    let moved = stack().replace("westeurope", "northeurope");
    assert_eq!(run_preflight(&another, &moved).await.1, []);
    another.converge(&moved).await;
}

#[tokio::test(start_paused = true)]
async fn similar_steps_share_a_question() {
    let azure = Azure::new().await;
    create_group(&azure).await;
    assign_policy(&azure, &group(), LOCATIONS, only_north_europe()).await;
    let units: String = (0..30)
        .map(|unit| format!("  id{unit}: {{ kind: userAssignedIdentity, name: id-{unit} }}\n"))
        .collect();
    let (plan, findings) = run_preflight(&azure, &spec(&units)).await;
    assert_eq!(denials(&plan, &findings)[0].2.len(), 30);
    let requests = policy_requests(&azure);
    let checks = requests.iter().filter(|line| line.ends_with(CHECK)).count();
    assert_eq!(checks, 2, "identities, and the group: {requests:#?}");
}

#[tokio::test(start_paused = true)]
async fn unenforced_policies_and_excluded_scopes_cause_no_question() {
    let azure = Azure::new().await;
    create_group(&azure).await;
    let url = format!(
        "{}/{AUTHORIZATION}/policyAssignments/rule?api-version=2023-04-01",
        subscription()
    );
    for left_out in [
        json!({ "enforcementMode": "DoNotEnforce" }),
        json!({ "notScopes": [group()] }),
    ] {
        let mut properties = json!({
            "policyDefinitionId": format!("/providers/Microsoft.Authorization/policyDefinitions/{LOCATIONS}"),
            "parameters": only_north_europe(),
        });
        for (name, value) in left_out.as_object().unwrap() {
            properties[name] = value.clone();
        }
        let body = json!({ "properties": properties });
        azure.send_directly(Method::Put, &url, Some(body)).await;
        let (_, clean) = run_preflight(&azure, &stack()).await;
        assert_eq!(clean, [], "{left_out}");
        let requests = policy_requests(&azure);
        assert_eq!(requests.len(), 1, "{requests:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn policy_that_modifies_the_resource_makes_a_denial_uncertain() {
    let azure = Azure::new().await;
    let team = json!({ "tagName": { "value": "team" } });
    assign_policy(&azure, &subscription(), REQUIRE_TAG, team).await;
    let (plan, findings) = run_preflight(&azure, &stack()).await;
    assert_eq!(denials(&plan, &findings)[0].1, "tags[team]");
    assert!(findings.iter().all(Finding::is_certain));

    create_group(&azure).await;
    let set = json!({ "tagName": { "value": "team" }, "tagValue": { "value": "vision" } });
    assign_policy(&azure, &group(), SET_TAG, set).await;
    let (_, doubtful) = run_preflight(&azure, &stack()).await;
    let uncertainty = doubtful.iter().filter_map(|finding| match finding {
        Finding::Disallowed { denial, .. } => Some(denial.uncertainty),
        _ => None,
    });
    assert_eq!(
        uncertainty.collect::<Vec<_>>(),
        [Some(Uncertainty::Modification)]
    );
    assert!(!doubtful.iter().any(Finding::is_certain));
    azure.converge(&stack()).await;
}

#[tokio::test(start_paused = true)]
async fn caller_with_access_to_the_group_checks_there_and_others_get_a_finding() {
    let owner = Azure::new().await;
    create_group(&owner).await;
    let url = format!(
        "/subscriptions/{SUBSCRIPTION}/{AUTHORIZATION}/roleAssignments?api-version=2022-04-01&$filter=principalId%20eq%20'{}'",
        Caller::Reader.object_id()
    );
    let grants = owner.send_directly(Method::Get, &url, None).await;
    for grant in grants["value"].as_array().unwrap() {
        let url = format!("{}?api-version=2022-04-01", grant["id"].as_str().unwrap());
        owner.send_directly(Method::Delete, &url, None).await;
    }
    assign_role(
        &owner,
        Caller::Reader,
        super::CONTRIBUTOR,
        &group(),
        json!({}),
    )
    .await;
    assign_policy(&owner, &group(), LOCATIONS, only_north_europe()).await;
    let text = spec("  id: { kind: userAssignedIdentity, name: id-test }\n").replace(
        "resourceGroup, name: rg-test }",
        "resourceGroup, name: rg-test, existing: true }",
    );
    let limited = owner.as_caller(Caller::Reader).await;
    let (plan, findings) = run_preflight(&limited, &text).await;
    assert_eq!(denials(&plan, &findings).len(), 1, "{findings:#?}");

    let refusal = Faults::none().on(
        None,
        "*checkPolicyRestrictions*",
        Occurrence::Every,
        Fault::status(403, None),
    );
    owner.simulator.set_faults(refusal);
    let (_, unknown) = run_preflight(&limited, &text).await;
    let policies = unknown.iter().filter(|finding| {
        matches!(finding, Finding::Unknown { question: Question::Policies(at), .. } if at.as_str() == group())
    });
    assert_eq!(policies.count(), 1, "{unknown:#?}");
    assert!(!unknown.iter().any(Finding::is_certain));
}

#[tokio::test(start_paused = true)]
async fn exempt_resource_makes_a_denial_uncertain() {
    let azure = Azure::new().await;
    let two = "  one: { kind: userAssignedIdentity, name: one }\n  two: { kind: userAssignedIdentity, name: two }\n";
    azure.converge(&spec(two)).await;
    assign_policy(&azure, &subscription(), LOCATIONS, only_north_europe()).await;
    let exempt = async |scope: &str, method: Method| {
        let url =
            format!("{scope}/{AUTHORIZATION}/policyExemptions/e?api-version=2022-07-01-preview");
        let rule = format!("{}/{AUTHORIZATION}/policyAssignments/rule", subscription());
        let body = json!({ "properties": { "policyAssignmentId": rule } });
        azure.send_directly(method, &url, Some(body)).await;
    };
    let tagged = spec(&two.replace(" }", ", tags: { a: b } }"));
    let tagged = tagged.replace("group: { kind", "group: { existing: true, kind");
    let identity = |name: &str| {
        format!(
            "{}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}",
            group()
        )
    };
    exempt(&identity("one"), Method::Put).await;
    let (plan, findings) = run_preflight(&azure, &tagged).await;
    let reported: Vec<_> = findings
        .iter()
        .map(|finding| match finding {
            Finding::Disallowed { denial, steps } => {
                assert_eq!(steps.len(), 1);
                (
                    plan.steps[steps[0].0].subject.key.to_string(),
                    denial.uncertainty,
                )
            }
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [
        ("one".to_owned(), Some(Uncertainty::Exemption)),
        ("two".to_owned(), None),
    ];
    assert_eq!(reported, expected);
    exempt(&group(), Method::Put).await;
    assert_eq!(run_preflight(&azure, &tagged).await.1, []);
    azure.converge(&tagged).await;
}
