//! Replies of a world, and errors in ARM's format.

use serde_json::{Value, json};

use super::body::Body;
use super::path::Target;
use crate::http::Response;

/// A response without the headers that all ARM responses have.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Option<ReplyBody>,
}

/// The body of a reply.
#[derive(Debug)]
pub(crate) enum ReplyBody {
    Value(Value),
    /// The body of a resource, which caches its JSON text.
    Resource(Body),
    /// JSON text.
    Text(String),
}

impl From<Value> for ReplyBody {
    fn from(value: Value) -> Self {
        Self::Value(value)
    }
}

impl From<Body> for ReplyBody {
    fn from(body: Body) -> Self {
        Self::Resource(body)
    }
}

impl ReplyBody {
    fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Value(value) => value.to_string().into_bytes(),
            Self::Resource(body) => body.text().as_bytes().to_vec(),
            Self::Text(text) => text.into_bytes(),
        }
    }
}

impl Reply {
    pub(crate) fn json(status: u16, body: impl Into<ReplyBody>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Some(body.into()),
        }
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: None,
        }
    }

    #[must_use]
    pub(crate) fn header(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }

    pub(crate) fn into_response(self) -> Response {
        let mut headers: Vec<(String, String)> = self
            .headers
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        let body = self.body.map(ReplyBody::into_bytes);
        if body.is_some() {
            headers.insert(
                0,
                (
                    "Content-Type".into(),
                    "application/json; charset=utf-8".into(),
                ),
            );
        } else if self.status == 202 {
            headers.insert(
                0,
                ("Content-Type".into(), "text/plain; charset=utf-8".into()),
            );
        }
        Response {
            status: self.status,
            headers,
            // A response without a body has an empty one on the wire.
            body: body.unwrap_or_default(),
        }
    }
}

/// An error `{"error":{"code","message"}}` with its status. Boxed to keep results small.
#[derive(Debug)]
pub(crate) struct ArmError(Box<ErrorParts>);

#[derive(Debug)]
struct ErrorParts {
    status: u16,
    code: String,
    message: String,
    target: Option<String>,
    details: Option<Value>,
    additional_info: Option<Value>,
    headers: Vec<(&'static str, String)>,
}

impl ArmError {
    /// An error of a resource provider.
    pub(crate) fn new(status: u16, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self(Box::new(ErrorParts {
            status,
            code: code.into(),
            message: message.into(),
            target: None,
            details: None,
            additional_info: None,
            headers: Vec::new(),
        }))
    }

    /// An error of ARM itself, with the header `x-ms-failure-cause: gateway`.
    pub(crate) fn gateway(
        status: u16,
        code: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self::new(status, code, message).header("x-ms-failure-cause", "gateway")
    }

    #[must_use]
    pub(crate) fn header(mut self, name: &'static str, value: impl ToString) -> Self {
        self.0.headers.push((name, value.to_string()));
        self
    }

    #[must_use]
    pub(crate) fn target(mut self, target: &str) -> Self {
        self.0.target = Some(target.to_owned());
        self
    }

    #[must_use]
    pub(crate) fn details(mut self, details: Value) -> Self {
        self.0.details = Some(details);
        self
    }

    #[must_use]
    pub(crate) fn additional_info(mut self, info: Value) -> Self {
        self.0.additional_info = Some(info);
        self
    }

    pub(crate) fn into_reply(self) -> Reply {
        let parts = *self.0;
        let mut error = json!({ "code": parts.code });
        for (name, value) in [
            ("target", parts.target.map(Value::from)),
            ("message", Some(Value::from(parts.message))),
            ("details", parts.details),
            ("additionalInfo", parts.additional_info),
        ] {
            if let Some(value) = value {
                error[name] = value;
            }
        }
        Reply {
            status: parts.status,
            headers: parts.headers,
            body: Some(json!({ "error": error }).into()),
        }
    }
}

/// ARM's error for a resource group that does not exist.
pub(crate) fn group_not_found(name: &str) -> ArmError {
    ArmError::gateway(
        404,
        "ResourceGroupNotFound",
        format!("Resource group '{name}' could not be found."),
    )
}

/// ARM's error for a resource that does not exist.
pub(crate) fn resource_not_found(target: &Target) -> ArmError {
    let mut path = String::new();
    if let Some(block) = target.blocks.first() {
        path.push_str(&block.namespace);
        for (kind, name) in &block.pairs {
            path.push_str(&format!("/{kind}/{name}"));
        }
    }
    ArmError::gateway(
        404,
        "ResourceNotFound",
        format!(
            "The Resource '{path}' under resource group '{}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix",
            target.group_label()
        ),
    )
}
