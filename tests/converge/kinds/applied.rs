//! Written values are live after apply, and a second plan is empty.

use std::collections::HashMap;

use lazuli_core::{
    graph::NodeKey,
    plan::{Action, Plan},
    value::Output,
};
use lazuli_sim::Method;
use serde_json::Value as Json;

use super::SPECS;
use crate::harness::Azure;

/// A simulated Azure after a spec was applied.
pub(super) struct AppliedSpec {
    pub(super) azure: Azure,
    pub(super) plan: Plan,
    /// The live body of each node.
    pub(super) live: HashMap<NodeKey, Json>,
}

impl AppliedSpec {
    pub(super) async fn new(text: &str) -> Self {
        let azure = Azure::new().await;
        let plan = azure.converge(text).await;
        let mut applied = Self {
            azure,
            plan,
            live: HashMap::new(),
        };
        for step in &applied.plan.steps {
            let find = |output: &Output| applied.find_output(output);
            let id = step.call.target.resolve(&find).unwrap();
            let url = format!("{id}?api-version={}", step.call.api_version);
            let body = applied.azure.send_directly(Method::Get, &url, None).await;
            applied.live.insert(step.subject.key.clone(), body);
        }
        applied
    }

    /// The value of an output.
    pub(super) fn find_output(&self, output: &Output) -> Option<Json> {
        output.find(self.live.get(&output.of)?).cloned()
    }
}

#[tokio::test(start_paused = true)]
async fn written_values_are_live_and_stable() {
    for (name, text) in SPECS {
        let applied = AppliedSpec::new(text).await;
        let AppliedSpec { azure, plan, live } = &applied;
        assert_eq!(plan.count(Action::Create), plan.steps.len(), "{name}");
        for step in &plan.steps {
            let sent = step.call.body.fill(&|output| applied.find_output(output));
            let mut missing = Vec::new();
            collect_missing(
                "",
                &sent.to_json().unwrap(),
                &live[&step.subject.key],
                &mut missing,
            );
            assert!(
                missing.is_empty(),
                "{name}: {}: {missing:#?}",
                step.subject.key
            );
        }
        azure.simulator.clear_log();
        let second = azure.plan(text).await;
        assert!(second.is_empty(), "{name}: {:#?}", second.steps);
        assert!(azure.execute(&second).await.is_complete());
        assert_eq!(azure.writes(), [], "{name}");
    }
}

/// Collects the paths at which a response differs from the sent body. Ids are compared without case, numbers by value.
fn collect_missing(place: &str, sent: &Json, live: &Json, found: &mut Vec<String>) {
    let same = match (sent, live) {
        (Json::Object(members), _) => {
            for (name, sent) in members {
                let live = member(live, name);
                collect_missing(&format!("{place}.{name}"), sent, live, found);
            }
            true
        }
        (Json::Array(items), Json::Array(others)) => items.iter().all(|item| {
            others.iter().any(|other| {
                let mut inner = Vec::new();
                collect_missing("", item, other, &mut inner);
                inner.is_empty()
            })
        }),
        (Json::Number(sent), Json::Number(live)) => sent.as_f64() == live.as_f64(),
        (Json::String(sent), Json::String(live)) if sent.starts_with('/') => {
            sent.eq_ignore_ascii_case(live)
        }
        _ => sent == live,
    };
    if !same {
        found.push(format!("{place}: sent {sent}, live {live}"));
    }
}

fn member<'a>(body: &'a Json, name: &str) -> &'a Json {
    let members = body.as_object().into_iter().flatten();
    let mut same = members.filter(|(other, _)| other.eq_ignore_ascii_case(name));
    same.next().map_or(&Json::Null, |(_, value)| value)
}
