//! Inputs of loading that are not part of the texts: parameter values, environment variables and files.

use serde_json::Value as Json;

/// The inputs of loading that are not part of the texts.
pub struct Inputs<'a> {
    /// Values of parameters. If a parameter occurs twice, the later value applies.
    pub params: Vec<(String, ParamValue)>,
    /// Looks up an environment variable.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// Reads a file that a text refers to, by the name of the text and the path; an error is the reason.
    pub file: &'a dyn Fn(&str, &str) -> Result<String, String>,
}

/// Rejects every file, for texts that must not refer to files.
///
/// # Errors
/// Always.
pub fn reject_files(_: &str, _: &str) -> Result<String, String> {
    Err("files cannot be read here".to_owned())
}

/// The value of a parameter that is set outside of the texts.
#[derive(Debug, Clone, PartialEq)]
pub struct ParamValue {
    /// The value.
    pub input: ParamInput,
    /// The source of the value for messages: `--param`, `prod.json`.
    pub origin: String,
}

/// A parameter value as text or JSON.
#[derive(Debug, Clone, PartialEq)]
pub enum ParamInput {
    /// Text that is converted to the type of the parameter; lists and maps are JSON.
    Text(String),
    /// A typed value.
    Json(Json),
}
