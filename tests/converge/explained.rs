//! The examples of explanations (`lazuli explain LZ0012`): wrong ones report the explained code, right ones report neither
//! the code nor any error.

use std::collections::HashMap;

use lazuli_core::{
    diagnostic::{
        Code, Diagnostics,
        explanation::{ExampleRole, Explanation},
    },
    spec::{ParamInput, ParamValue},
};
use lazuli_reconcile::{Intent, LoadContext, LoadError, ReconcileError, SpecTexts, load};
use lazuli_sim::{Method, SUBSCRIPTION, WorldOptions};
use serde_json::json;

use super::{
    harness::{Azure, CATALOG},
    saved::find_difference_since,
};

/// The spec of an example, and the parameters and variables of its commands.
struct Case {
    spec: &'static str,
    params: Vec<(String, ParamValue)>,
    variables: HashMap<String, String>,
}

impl Case {
    fn from_explanation(explanation: &Explanation, role: ExampleRole) -> Option<Self> {
        let example = |language: &str| {
            let mut examples = explanation.examples(role);
            let found = examples.find(|candidate| candidate.language == language)?;
            Some(found.text)
        };
        let commands = example("sh").unwrap_or_default();
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
                input: ParamInput::Text(value),
                origin: "--param".to_owned(),
            };
            (name, value)
        });
        Some(Self {
            spec: example("yaml")?,
            params: given.collect(),
            variables: exported.map(pair).collect(),
        })
    }

    /// The diagnostics of the spec, and of the plan if the spec has no errors.
    async fn diagnose(self, azure: &Azure) -> Diagnostics {
        let texts = SpecTexts {
            params: self.params,
            ..SpecTexts::from_spec("stack.yaml", self.spec)
        };
        let context = LoadContext {
            env: &|name| self.variables.get(name).cloned(),
            file: &|_, _| Err("file not found".to_owned()),
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

/// Creates two roles with the same name, which only concurrent writes can do.
async fn create_roles_with_the_same_name(azure: &Azure) {
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
        azure.send_directly(Method::Put, &url, Some(body)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn wrong_examples_report_their_code_and_correct_examples_no_error() {
    for code in Code::ALL {
        let explanation = code.explanation();
        for role in [ExampleRole::Wrong, ExampleRole::Right] {
            let azure = Azure::with_options(WorldOptions {
                role_name_replication: 60_000,
                ..WorldOptions::default()
            })
            .await;
            if *code == Code::AmbiguousRole {
                create_roles_with_the_same_name(&azure).await;
            }
            if let Some(before) = Case::from_explanation(&explanation, ExampleRole::Before) {
                azure.converge(before.spec).await;
            }
            let case = Case::from_explanation(&explanation, role).expect("a spec");
            let text = case.spec;
            let mut found = case.diagnose(&azure).await;
            if *code == Code::Stale {
                let planned =
                    Case::from_explanation(&explanation, ExampleRole::Right).expect("a spec");
                let difference = find_difference_since(&azure, planned.spec, text).await;
                difference
                    .into_iter()
                    .for_each(|difference| found.push(difference));
            }
            let is_reported = found.iter().any(|diagnostic| diagnostic.code == *code);
            let is_as_documented = match role {
                ExampleRole::Wrong => is_reported,
                _ => !is_reported && !found.has_errors(),
            };
            assert!(is_as_documented, "{code}, {role:?}: {found:#?}");
        }
    }
}
