//! The examples of the explanations (`lazuli explain LZ0012`): the wrong ones give the code that they explain, the right
//! ones give neither it nor any error.

use std::collections::HashMap;

use lazuli_core::{
    diagnostic::{
        Code, Diagnostics,
        explanation::{Explanation, Shows},
    },
    graph::{Settings, build},
    source::Sources,
    spec::{Given, Inputs, ParamValue, load},
};
use lazuli_engine::find_roles;
use lazuli_handlers::REGISTRY;
use lazuli_sim::{Method, SUBSCRIPTION, WorldOptions};
use serde_json::json;

use super::{harness::Azure, saved::moved_since};

/// What an example consists of: the spec, and what its commands say.
struct Case {
    spec: &'static str,
    params: Vec<(String, ParamValue)>,
    variables: HashMap<String, String>,
}

impl Case {
    fn of(explanation: &Explanation, shows: Shows) -> Option<Self> {
        let of = |language: &str| {
            let mut examples = explanation.examples(shows);
            let found = examples.find(|example| example.language == language)?;
            Some(found.text)
        };
        let commands = of("sh").unwrap_or_default();
        let pair = |text: &str| {
            let (name, value) = text.split_once('=').expect("NAME=VALUE");
            (name.to_owned(), value.to_owned())
        };
        let exported = commands
            .lines()
            .filter_map(|line| line.strip_prefix("export "));
        let given = commands.split("--param ").skip(1).map(|rest| {
            let (name, value) = pair(rest.split_whitespace().next().unwrap());
            let value = ParamValue {
                given: Given::Text(value),
                origin: "--param".to_owned(),
            };
            (name, value)
        });
        Some(Self {
            spec: of("yaml")?,
            params: given.collect(),
            variables: exported.map(pair).collect(),
        })
    }

    /// What is wrong with the spec, and, where it has no mistake by itself, with what Azure says of it.
    async fn found(self, azure: &Azure) -> Diagnostics {
        let texts = SpecTexts {
            params: self.params,
            ..SpecTexts::from_spec("stack.yaml", self.spec)
        };
        let context = LoadContext {
            env: &|name| self.variables.get(name).cloned(),
            file: &|_, _| Err("there is no such file".to_owned()),
            ..LoadContext::isolated(Some(SUBSCRIPTION.to_owned()))
        };
        let reconciler = azure.reconciler();
        let stacks = match load(&CATALOG, texts, context) {
            Ok(specs) => reconciler.resolve(specs).await,
            Err(LoadError::NoStacks) => return Diagnostics::default(),
            Err(LoadError::Rejected(rejection)) => Err(ReconcileError::Rejected(rejection)),
        };
        let found = match stacks {
            Ok(stacks) if stacks.graph.is_empty() => Ok(stacks.warnings),
            Ok(stacks) => {
                let difference = reconciler.plan(&stacks, &Intent::converge()).await;
                difference.map(|difference| {
                    let mut found = stacks.warnings;
                    found.extend(difference.warnings);
                    found
                })
            }
            Err(error) => Err(error),
        };
        match found {
            Ok(found) => found,
            Err(ReconcileError::Rejected(rejection)) => rejection.diagnostics,
            Err(error) => panic!("{error:#?}"),
        }
    }
}

/// Two roles of one name, which only two writes at once can make.
async fn twins(azure: &Azure) {
    let subscription = format!("/subscriptions/{SUBSCRIPTION}");
    for guid in [
        "5f1c3f1e-3f4b-4e0a-9f57-5d9f0f0e7a01",
        "5f1c3f1e-3f4b-4e0a-9f57-5d9f0f0e7a02",
    ] {
        let url = format!(
            "{subscription}/providers/Microsoft.Authorization/roleDefinitions/{guid}?api-version=2022-04-01"
        );
        let body = json!({ "properties": {
            "roleName": "Camera Operator",
            "type": "CustomRole",
            "permissions": [{ "actions": ["*/read"] }],
            "assignableScopes": [subscription],
        } });
        azure.by_hand(Method::Put, &url, Some(body)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn wrong_examples_give_their_code_and_right_ones_no_error() {
    for code in Code::ALL {
        let explanation = code.explanation();
        for shows in [Shows::Wrong, Shows::Right] {
            let azure = Azure::with(WorldOptions {
                role_name_replication: 60_000,
                ..WorldOptions::default()
            })
            .await;
            if *code == Code::AmbiguousRole {
                twins(&azure).await;
            }
            if let Some(before) = Case::of(&explanation, Shows::Before) {
                azure.converge(before.spec).await;
            }
            let case = Case::of(&explanation, shows).expect("a spec");
            let text = case.spec;
            let mut found = case.found(&azure).await;
            if *code == Code::Stale {
                let planned = Case::of(&explanation, Shows::Right).expect("a spec");
                let moved = moved_since(&azure, planned.spec, text).await;
                moved.into_iter().for_each(|moved| found.push(moved));
            }
            let gives_it = found.iter().any(|said| said.code == *code);
            let is_as_said = match shows {
                Shows::Wrong => gives_it,
                _ => !gives_it && !found.has_errors(),
            };
            assert!(is_as_said, "{code}, {shows:?}: {found:#?}");
        }
    }
}
