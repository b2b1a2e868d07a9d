//! A plan in a file: the options, the plan, and what it is based on, to detect later what has changed since.
//!
//! The file has no secrets, so it has no requests. To apply it, lazuli plans again and compares the new plan with the saved
//! one: see [`SavedPlan::first_difference`].

mod basis;
mod differences;

use std::collections::BTreeSet;

use ring::digest::{SHA256, digest};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

pub use basis::{DesiredState, Leaf, RequestDigests};

use crate::{diff::mask_secrets, document::PlanDocument, graph::Graph, plan::Plan, secret::Secret};

/// A plan that can be applied later.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "A saved plan of lazuli")]
pub struct SavedPlan {
    /// The format of this document.
    pub format: SavedFormat,
    /// The version of lazuli that wrote it, and the only one that applies it.
    pub lazuli: String,
    /// The stacks that it covers.
    pub stacks: Vec<String>,
    /// The options of the plan.
    pub options: SavedOptions,
    /// The plan, for people and programs.
    pub plan: PlanDocument,
    /// The desired state of each resource.
    pub desired: Vec<DesiredState>,
    /// Digests of the requests, by step.
    pub requests: Vec<RequestDigests>,
    /// Identifies the key of the digests (`LAZULI_SECRETS_KEY`).
    pub digest_key: String,
    /// SHA-256 of all members above as compact JSON. It detects edits and corruption, and is not a signature.
    #[serde(default)]
    pub digest: String,
}

/// The format of a [`SavedPlan`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum SavedFormat {
    /// The first version.
    #[serde(rename = "lazuli/saved-plan/v1")]
    V1,
}

/// The `format` that this version reads.
pub const FORMAT: &str = "lazuli/saved-plan/v1";
/// The prefix of `format` in all versions.
pub const FORMATS: &str = "lazuli/saved-plan/";

/// The options of a plan. The plan that is made to apply it uses the same options.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SavedOptions {
    /// The cloud.
    pub cloud: String,
    /// The specs: files and directories, relative to the working directory of the command.
    pub paths: Vec<String>,
    /// The values of parameters from the command line.
    pub params: Vec<SavedParam>,
    /// The parameters from the command line whose values are not saved, because they are or could be secrets.
    pub secret_params: Vec<String>,
    /// The files with values of parameters.
    pub params_files: Vec<String>,
    /// The subscription of stacks that do not set one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscription: Option<String>,
    /// Whether secrets that Azure does not return are sent again.
    pub rewrite_secrets: bool,
    /// Whether orphans are deleted or released.
    pub prune: bool,
    /// The resources that may be replaced.
    pub allow_replace: Vec<String>,
    /// The resources that the plan is limited to, with their dependencies; empty for all.
    pub target: Vec<String>,
}

/// The value of a parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SavedParam {
    /// Its name.
    pub name: String,
    /// Its value, as written.
    pub value: String,
}

/// The parameters to save with their values, and the names of parameters that are or could be secrets: they are declared
/// as secrets, or their value contains or is contained in a secret of the graph.
pub fn sort_params(
    given: &[(String, String)],
    declared: &BTreeSet<String>,
    graph: &Graph,
) -> (Vec<SavedParam>, Vec<String>) {
    let bodies: Vec<_> = graph
        .nodes()
        .map(|node| mask_secrets(node.body.clone()))
        .collect();
    let secrets: BTreeSet<&str> = bodies
        .iter()
        .flat_map(|body| body.secrets())
        .map(Secret::expose)
        .filter(|secret| !secret.is_empty())
        .collect();
    let is_secret = |name: &String, value: &str| {
        let touches = |text: &str| {
            let mut secrets = secrets.iter();
            !text.is_empty() && secrets.any(|secret| secret.contains(text) || text.contains(secret))
        };
        declared.contains(name) || texts_of(value).iter().any(|text| touches(text))
    };
    let (mut kept, mut hidden) = (Vec::new(), BTreeSet::new());
    for (name, value) in given {
        if is_secret(name, value) {
            hidden.insert(name.clone());
        } else {
            kept.push(SavedParam {
                name: name.clone(),
                value: value.clone(),
            });
        }
    }
    // Of one name, all or none: what is given later counts.
    kept.retain(|given| !hidden.contains(&given.name));
    (kept, hidden.into_iter().collect())
}

/// A text and, if it is JSON, all texts in it.
fn texts_of(value: &str) -> Vec<String> {
    fn collect(json: &Json, texts: &mut Vec<String>) {
        match json {
            Json::String(text) => texts.push(text.clone()),
            Json::Array(items) => items.iter().for_each(|item| collect(item, texts)),
            Json::Object(members) => members.iter().for_each(|(key, value)| {
                texts.push(key.clone());
                collect(value, texts);
            }),
            _ => {}
        }
    }
    let mut texts = vec![value.to_owned()];
    if let Ok(json) = serde_json::from_str(value) {
        collect(&json, &mut texts);
    }
    texts
}

/// Why a text is not a plan that can be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// It is a different document.
    #[error("it is not a saved plan")]
    Another,
    /// It has another format.
    #[error(
        "its format is {format}, written by lazuli {lazuli}, but this is {version}, which reads {FORMAT}",
        version = env!("CARGO_PKG_VERSION")
    )]
    OtherFormat {
        /// The format.
        format: String,
        /// The version of lazuli that wrote it, and that reads it.
        lazuli: String,
    },
    /// Another version wrote it.
    #[error("it was written by lazuli {0}, but this is {version}", version = env!("CARGO_PKG_VERSION"))]
    OtherVersion(String),
    /// It was edited or is corrupt.
    #[error("it was edited or is incomplete")]
    Edited,
}

impl SavedPlan {
    /// A plan with what it is based on.
    pub fn new(options: SavedOptions, graph: &Graph, plan: &Plan, document: PlanDocument) -> Self {
        let scopes = graph.stack_scopes().iter();
        Self {
            format: SavedFormat::V1,
            lazuli: env!("CARGO_PKG_VERSION").to_owned(),
            stacks: scopes.map(|scope| scope.stack.name.clone()).collect(),
            options,
            plan: document,
            desired: graph
                .nodes()
                .map(|node| DesiredState::new(graph, node))
                .collect(),
            requests: plan
                .steps
                .iter()
                .map(|step| RequestDigests::new(graph, step))
                .collect(),
            digest_key: basis::key_print(graph),
            digest: String::new(),
        }
    }

    /// The text of its file.
    ///
    /// # Errors
    /// None in practice: it is plain data.
    pub fn to_text(&self) -> serde_json::Result<String> {
        let mut content = serde_json::to_value(self)?;
        if let Json::Object(members) = &mut content {
            members.shift_remove("digest");
            // Read back first: the digest covers what a reader parses.
            let digest = compute_digest(&serde_json::from_str(&serde_json::to_string(members)?)?);
            members.insert("digest".to_owned(), Json::String(digest));
        }
        Ok(format!("{content:#}\n"))
    }

    /// Whether a text looks like a saved plan of any version, complete or not.
    pub fn has_format(text: &[u8]) -> bool {
        let head = String::from_utf8_lossy(text.get(..HEAD).unwrap_or(text));
        head.trim_start().starts_with('{') && head.contains(&format!("\"{FORMATS}"))
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// The first reason not to apply it.
    pub fn parse(text: &str) -> Result<Self, OpenError> {
        let content: Json =
            serde_json::from_str(text).map_err(|_| match Self::has_format(text.as_bytes()) {
                true => OpenError::Edited,
                false => OpenError::Another,
            })?;
        let text = |name: &str| content.get(name).and_then(Json::as_str);
        match text("format") {
            Some(FORMAT) => {}
            Some(other) if other.starts_with(FORMATS) => {
                return Err(OpenError::OtherFormat {
                    format: other.to_owned(),
                    lazuli: text("lazuli").unwrap_or("of a newer version").to_owned(),
                });
            }
            _ => return Err(OpenError::Another),
        }
        match text("lazuli") {
            Some(env!("CARGO_PKG_VERSION")) => {}
            Some(other) => return Err(OpenError::OtherVersion(other.to_owned())),
            None => return Err(OpenError::Edited),
        }
        let saved: Self = serde_json::from_value(content.clone()).map_err(|_| OpenError::Edited)?;
        match content {
            Json::Object(mut members) => {
                members.shift_remove("digest");
                match compute_digest(&members) == saved.digest {
                    true => Ok(saved),
                    false => Err(OpenError::Edited),
                }
            }
            _ => Err(OpenError::Edited),
        }
    }

    /// The JSON Schema of such documents.
    pub fn schema() -> Json {
        schemars::schema_for!(Self).to_value()
    }
}

/// The number of bytes at the beginning of a file that contain its format.
const HEAD: usize = 256;

fn compute_digest(members: &serde_json::Map<String, Json>) -> String {
    let text = Json::Object(members.clone()).to_string();
    let sum = digest(&SHA256, text.as_bytes());
    let digits: String = sum
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("sha256:{digits}")
}

#[cfg(test)]
mod tests;
