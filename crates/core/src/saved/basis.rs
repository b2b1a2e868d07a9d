//! What a plan is based on, by leaf and without secrets: the desired state, and digests of the requests.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::{
    arm::ArmId,
    body_path::BodyPath,
    diff::{creation, mask_secrets},
    document::AddressDocument,
    graph::{Graph, Identity, Lifecycle, Node},
    marker::{CHILDREN_TAG, MARKER_TAG},
    plan::Step,
    secret::Digest,
    spec::{GrantsPolicy, OnRemove},
    value::{UnresolvedPart, Value},
};

/// The desired state of one resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DesiredState {
    /// The resource.
    #[serde(flatten)]
    pub address: AddressDocument,
    /// The settings of the resource as a whole: its identity, its dependencies and its lifecycle.
    pub settings: Vec<Leaf>,
    /// The properties, by their paths in ARM's body.
    pub properties: Vec<Leaf>,
}

/// A value at its path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Leaf {
    /// The path.
    pub path: BodyPath,
    /// The value, with secrets as `(secret)`.
    pub value: Json,
    /// A digest of the value with its secrets, if it has any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// The request of a step: a digest for each path of the body.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct RequestDigests(pub BTreeMap<BodyPath, String>);

impl DesiredState {
    pub(super) fn new(graph: &Graph, node: &Node) -> Self {
        let body = mask_secrets(node.body.clone().without_nulls());
        let leaf = |path: BodyPath, value: Value| Leaf {
            digest: value
                .has_secrets()
                .then(|| print(graph, place_of(node), &path, &value)),
            value: value.to_display_json(),
            path,
        };
        Self {
            address: AddressDocument::new(&node.subject.key),
            settings: settings(graph, node),
            properties: creation(&body)
                .into_iter()
                .filter(|change| !is_derived(&change.path))
                .filter_map(|change| Some(leaf(change.path, change.after?)))
                .collect(),
        }
    }
}

impl RequestDigests {
    pub(super) fn new(graph: &Graph, step: &Step) -> Self {
        let place = step.call.target.place();
        let digest = |path: BodyPath, value: &Value| {
            let digest = print(graph, place, &path, value);
            (path, digest)
        };
        let leaves = creation(&step.call.body).into_iter();
        Self(
            leaves
                .filter_map(|change| Some(digest(change.path, change.after.as_ref()?)))
                .collect(),
        )
    }
}

/// Whether a value follows from the rest of the spec: the parts of the ownership marker that are digests.
fn is_derived(path: &BodyPath) -> bool {
    let tags = [MARKER_TAG, CHILDREN_TAG];
    tags.iter()
        .any(|tag| *path == BodyPath::from_names(["tags", tag]))
}

/// Identity, dependencies and lifecycle, without defaults.
fn settings(graph: &Graph, node: &Node) -> Vec<Leaf> {
    let Lifecycle {
        existing,
        protect,
        on_remove,
        ignore,
        grants,
    } = &node.lifecycle;
    let id = match &node.identity {
        Identity::Resource(id) => json!(id.to_string()),
        Identity::Grant(grant) => json!({
            "scope": grant.scope.to_string(),
            "role": grant.role,
            "principal": grant.principal.to_display_json(),
        }),
    };
    let arm_type = format!(
        "{}@{}",
        node.subject.arm_type.name, node.subject.arm_type.api_version
    );
    let mut waits: Vec<String> = graph
        .dependencies(&node.subject.key)
        .into_iter()
        .map(|(before, _)| before.subject.key.to_string())
        .collect();
    waits.sort();
    waits.dedup();
    let ignored: Vec<String> = ignore.iter().map(ToString::to_string).collect();
    let all = [
        ("id", Some(id)),
        ("type", Some(json!(arm_type))),
        ("dependsOn", (!waits.is_empty()).then(|| json!(waits))),
        ("existing", existing.then(|| json!(true))),
        ("protect", protect.then(|| json!(true))),
        (
            "onRemove",
            (*on_remove == OnRemove::Keep).then(|| json!("keep")),
        ),
        (
            "grants",
            (*grants == GrantsPolicy::Authoritative).then(|| json!("authoritative")),
        ),
        ("ignore", (!ignored.is_empty()).then(|| json!(ignored))),
    ];
    all.into_iter()
        .filter_map(|(path, value)| {
            Some(Leaf {
                path: BodyPath::from_names([path]),
                value: value?,
                digest: None,
            })
        })
        .collect()
}

fn place_of(node: &Node) -> &ArmId {
    match &node.identity {
        Identity::Resource(id) => id,
        Identity::Grant(grant) => &grant.scope,
    }
}

/// Identifies the key of digests.
pub(super) fn key_print(graph: &Graph) -> String {
    print(
        graph,
        &ArmId::subscription("key"),
        &BodyPath::root(),
        &Value::Null,
    )
}

fn print(graph: &Graph, id: &ArmId, path: &BodyPath, value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    Digest::format_tag([graph.secrets().key.digest(id, &path.to_string(), &text)])
}

/// A text that differs for each value, including secrets and unresolved outputs.
fn write(value: &Value, text: &mut String) {
    let quoted = |text: &str| Json::from(text).to_string();
    match value {
        Value::Secret(secret) => text.push_str(&quoted(secret.expose())),
        Value::Unresolved(unresolved) => {
            text.push('(');
            for part in &unresolved.0 {
                match part {
                    UnresolvedPart::Text(known) => text.push_str(&quoted(known)),
                    UnresolvedPart::Secret(secret) => text.push_str(&quoted(secret.expose())),
                    UnresolvedPart::Output(output) => {
                        text.push_str(&format!("{}:{}", output.of.stack, output.written));
                    }
                }
                text.push(',');
            }
            text.push(')');
        }
        Value::Array(items) => {
            text.push('[');
            for item in items {
                write(item, text);
                text.push(',');
            }
            text.push(']');
        }
        Value::Object(members) => {
            text.push('{');
            for (key, value) in members {
                text.push_str(&quoted(key));
                text.push(':');
                write(value, text);
                text.push(',');
            }
            text.push('}');
        }
        known => text.push_str(&known.to_display_json().to_string()),
    }
}
