//! Arbitrary responses to the preflight: the number of questions is bounded, and the findings are reported.

use std::sync::LazyLock;

use lazuli_core::{
    document::FindingDocument,
    facts::CreationRequest,
    live::Live,
    plan::{Plan, converge},
    preflight::{Answer, Answers, Finding, Question, findings, list_further_questions, questions},
};
use lazuli_handlers::REGISTRY;
use serde_json::Value as Json;

use crate::{driver::Target, targets};

#[test]
fn arbitrary_preflight_responses_yield_reported_findings() {
    Target {
        name: "findings",
        seeds: &[],
        words: &[
            "{",
            "}",
            "[",
            "]",
            "[[[[[[[[",
            ",",
            ":",
            "null",
            "true",
            "false",
            "-1",
            "1e999",
            "\"\"",
            "\"*\"",
            "\"/\"",
            "\"/providers/Microsoft.Management/managementGroups/m\"",
            "\"id\":",
            "\"scope\":",
            "\"properties\":",
            "\"displayName\":",
            "\"notScopes\":",
            "\"enforcementMode\": \"DoNotEnforce\",",
            "\"result\": \"Required\",",
            "\"values\": [],",
            "\"policyEffect\": \"Append\",",
            "\"evaluationResult\": \"Error\",",
            "\"path\": \"[.].[*]\",",
            "\"actions\": [],",
            "\"nameAvailable\": true,",
            "\\u0000",
            "\\ud800",
            "\u{202e}",
        ],
        cases: 128,
        check,
    }
    .run();
}

static PLAN: LazyLock<Plan> = LazyLock::new(|| {
    let (graph, found) = targets::graph(targets::COMPARED);
    assert!(!found.has_errors(), "{found:#?}");
    converge(&graph, &Live::default()).0
});

/// More rounds of questions than any responses may cause.
const TOO_MANY: usize = 8;

/// The findings if every question has this response; questions about one object have its first item.
fn findings_for(response: &Json) -> Vec<Finding> {
    let mut answers = Answers::default();
    let mut open = questions(&PLAN, REGISTRY);
    let mut rounds = 0;
    while !open.is_empty() {
        rounds += 1;
        assert!(rounds < TOO_MANY, "{open:#?}");
        for question in open {
            let is_one = match &question {
                Question::Creation(question) => question.request != CreationRequest::List,
                question => matches!(
                    question,
                    Question::Registration { .. }
                        | Question::Restrictions { .. }
                        | Question::PolicyDefinition(_)
                ),
            };
            let first = response.get(0).filter(|_| is_one).unwrap_or(response);
            answers.insert(question, Answer::Response(first.clone()));
        }
        open = list_further_questions(&PLAN, &answers, REGISTRY);
    }
    findings(&PLAN, &answers, Some("caller"), REGISTRY)
}

fn check(bytes: &[u8]) {
    let Ok(response) = serde_json::from_slice(bytes) else {
        return;
    };
    for finding in findings_for(&response) {
        serde_json::to_string(&FindingDocument::new(&finding)).unwrap();
    }
}

/// Without findings in the corpus, its mutations would test nothing.
#[test]
fn corpus_yields_findings() {
    let findings = |text: &str| findings_for(&serde_json::from_str(text).unwrap());
    let policies = findings(include_str!("corpus/findings/policies.json"));
    let is_denial = |finding: &Finding| matches!(finding, Finding::Disallowed { .. });
    assert!(policies.iter().any(is_denial), "{policies:#?}");
    let permissions = findings(include_str!("corpus/findings/rights.json"));
    assert!(permissions.len() > 3, "{permissions:#?}");
}
