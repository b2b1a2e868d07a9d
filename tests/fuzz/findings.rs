//! What Azure answers to the questions before the first write: whatever it is, the questions come to an end, and what
//! follows from the answers is reported.

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

/// More rounds of questions than any answers may lead to.
const TOO_MANY: usize = 8;

/// Every question has the same answer: lists all items, and anything else returns the first one.
fn found(said: &Json) -> Vec<Finding> {
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
            let first = said.get(0).filter(|_| is_one).unwrap_or(said);
            answers.insert(question, Answer::Response(first.clone()));
        }
        open = list_further_questions(&PLAN, &answers, REGISTRY);
    }
    findings(&PLAN, &answers, Some("caller"), REGISTRY)
}

fn check(bytes: &[u8]) {
    let Ok(said) = serde_json::from_slice(bytes) else {
        return;
    };
    for finding in found(&said) {
        serde_json::to_string(&FindingDocument::new(&finding)).unwrap();
    }
}

/// Else mutations of it would try nothing.
#[test]
fn corpus_yields_findings() {
    let said = |text: &str| found(&serde_json::from_str(text).unwrap());
    let policies = said(include_str!("corpus/findings/policies.json"));
    let is_denial = |finding: &Finding| matches!(finding, Finding::Disallowed { .. });
    assert!(policies.iter().any(is_denial), "{policies:#?}");
    let rights = said(include_str!("corpus/findings/rights.json"));
    assert!(rights.len() > 3, "{rights:#?}");
}
