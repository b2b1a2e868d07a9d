//! What the parts of a world answer with: replies, errors in ARM's shape, and pages of lists.

use serde_json::{Value, json};

use super::body::Body;

use crate::http::Response;

/// A successful answer before the common headers are added.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Option<Answer>,
}

/// The body of an answer.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Made for this answer.
    Made(Value),
    /// That of a resource.
    Kept(Body),
    /// A JSON text.
    Written(String),
}

impl From<Value> for Answer {
    fn from(value: Value) -> Self {
        Self::Made(value)
    }
}

impl From<Body> for Answer {
    fn from(body: Body) -> Self {
        Self::Kept(body)
    }
}

impl Answer {
    fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Made(value) => value.to_string().into_bytes(),
            Self::Kept(body) => body.text().as_bytes().to_vec(),
            Self::Written(text) => text.into_bytes(),
        }
    }
}

impl Reply {
    pub(crate) fn json(status: u16, body: impl Into<Answer>) -> Self {
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
        let body = self.body.map(Answer::into_bytes);
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
            body: body.unwrap_or_default(),
        }
    }
}

/// A refusal: `{"error":{"code","message"}}` and its status. Boxed, for most answers are none.
#[derive(Debug)]
pub(crate) struct ArmError(Box<Refusal>);

#[derive(Debug)]
struct Refusal {
    status: u16,
    code: String,
    message: String,
    target: Option<String>,
    details: Option<Value>,
    additional_info: Option<Value>,
    headers: Vec<(&'static str, String)>,
}

impl ArmError {
    /// A refusal by a resource provider.
    pub(crate) fn new(status: u16, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self(Box::new(Refusal {
            status,
            code: code.into(),
            message: message.into(),
            target: None,
            details: None,
            additional_info: None,
            headers: Vec::new(),
        }))
    }

    /// A refusal by ARM itself, which says so in `x-ms-failure-cause`.
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
        let refusal = *self.0;
        let mut error = json!({ "code": refusal.code });
        for (name, value) in [
            ("target", refusal.target.map(Value::from)),
            ("message", Some(Value::from(refusal.message))),
            ("details", refusal.details),
            ("additionalInfo", refusal.additional_info),
        ] {
            if let Some(value) = value {
                error[name] = value;
            }
        }
        Reply {
            status: refusal.status,
            headers: refusal.headers,
            body: Some(json!({ "error": error }).into()),
        }
    }
}

/// `Resource group 'x' could not be found.`
pub(crate) fn group_not_found(name: &str) -> ArmError {
    ArmError::gateway(
        404,
        "ResourceGroupNotFound",
        format!("Resource group '{name}' could not be found."),
    )
}

/// ARM's own 404 for a resource, by type, name and group.
pub(crate) fn resource_not_found(target: &super::path::Target) -> ArmError {
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
            target.group.as_deref().unwrap_or("<null>")
        ),
    )
}
