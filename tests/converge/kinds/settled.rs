//! Written values are live after apply, and stay.

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

/// A world in which a spec has been applied.
pub(super) struct Settled {
    pub(super) azure: Azure,
    pub(super) plan: Plan,
    /// What Azure shows of each node.
    pub(super) live: HashMap<NodeKey, Json>,
}

impl Settled {
    pub(super) async fn of(text: &str) -> Self {
        let azure = Azure::new().await;
        let plan = azure.converge(text).await;
        let mut settled = Self {
            azure,
            plan,
            live: HashMap::new(),
        };
        for step in &settled.plan.steps {
            let find = |output: &Output| settled.find(output);
            let id = step.call.target.resolve(&find).unwrap();
            let url = format!("{id}?api-version={}", step.call.api_version);
            let body = settled.azure.by_hand(Method::Get, &url, None).await;
            settled.live.insert(step.subject.key.clone(), body);
        }
        settled
    }

    /// What Azure filled in.
    pub(super) fn find(&self, output: &Output) -> Option<Json> {
        output.find(self.live.get(&output.of)?).cloned()
    }
}

#[tokio::test(start_paused = true)]
async fn written_values_are_live_and_stable() {
    for (name, text) in SPECS {
        let settled = Settled::of(text).await;
        let Settled { azure, plan, live } = &settled;
        assert_eq!(plan.count(Action::Create), plan.steps.len(), "{name}");
        for step in &plan.steps {
            let sent = step.call.body.fill(&|output| settled.find(output));
            let mut lacking = Vec::new();
            lacks(
                "",
                &sent.to_json().unwrap(),
                &live[&step.subject.key],
                &mut lacking,
            );
            assert!(
                lacking.is_empty(),
                "{name}: {}: {lacking:#?}",
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

/// Collects the places at which an answer does not hold what was sent. Ids have no case, numbers no form.
fn lacks(place: &str, sent: &Json, live: &Json, found: &mut Vec<String>) {
    let same = match (sent, live) {
        (Json::Object(members), _) => {
            for (name, sent) in members {
                let live = member(live, name);
                lacks(&format!("{place}.{name}"), sent, live, found);
            }
            true
        }
        (Json::Array(items), Json::Array(others)) => items.iter().all(|item| {
            others.iter().any(|other| {
                let mut inner = Vec::new();
                lacks("", item, other, &mut inner);
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
        found.push(format!("{place}: {sent} was sent, and {live} is there"));
    }
}

fn member<'a>(body: &'a Json, name: &str) -> &'a Json {
    let members = body.as_object().into_iter().flatten();
    let mut same = members.filter(|(other, _)| other.eq_ignore_ascii_case(name));
    same.next().map_or(&Json::Null, |(_, value)| value)
}
