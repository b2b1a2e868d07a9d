//! What the client sends and returns: write requests, responses, and the results of writes.

use azure_core::{
    Bytes,
    http::{Method, headers::Headers},
};
use serde_json::Value;

use crate::error::{ArmError, ErrorKind};

/// A request that changes something: PUT, PATCH, DELETE or POST.
///
/// The path is a resource id as ARM writes it: it begins with `/` and is not encoded.
#[derive(Debug, Clone, Copy)]
pub struct WriteRequest<'a> {
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    pub(crate) api_version: &'a str,
    pub(crate) body: Option<&'a Value>,
    pub(crate) is_batched: bool,
    pub(crate) if_match: Option<&'a str>,
}

impl<'a> WriteRequest<'a> {
    /// A request without a body.
    pub fn new(method: Method, path: &'a str, api_version: &'a str) -> Self {
        Self {
            method,
            path,
            api_version,
            body: None,
            is_batched: false,
            if_match: None,
        }
    }

    /// The same request with a JSON body.
    #[must_use]
    pub fn with_body(self, body: &'a Value) -> Self {
        Self {
            body: Some(body),
            ..self
        }
    }

    /// The same request on condition that the resource still has an etag (RFC 9110, section 13.1.1). Without an etag there
    /// is no condition.
    #[must_use]
    pub fn if_match(self, etag: Option<&'a str>) -> Self {
        Self {
            if_match: etag,
            ..self
        }
    }

    /// The same request for a resource that does not exist yet. If several resources of one type and scope are being
    /// created, the client polls them with one list instead of one GET each.
    #[must_use]
    pub fn batched(self) -> Self {
        Self {
            is_batched: true,
            ..self
        }
    }
}

/// The result of a write that succeeded.
#[derive(Debug, Clone, PartialEq)]
pub struct WriteResult {
    /// What the write did, as far as the status shows.
    pub outcome: WriteOutcome,
    /// HTTP status of the first response.
    pub status: u16,
    /// The result of a POST, or the resource as returned by a PUT or PATCH that finished without polling.
    /// ARM facts 1.8: that body may lack parts of the resource, which [`Client::get`](crate::Client::get) reads.
    pub result: Option<Value>,
}

/// What a write did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteOutcome {
    /// Status 201.
    Created,
    /// Status 200 to PUT or PATCH.
    Updated,
    /// Status 202 to PUT or PATCH: created or updated, the status does not show which.
    Accepted,
    /// The resource existed and was deleted.
    Deleted,
    /// The resource to delete did not exist.
    Absent,
    /// The action of a POST ran.
    ActionDone,
}

impl WriteOutcome {
    /// The outcome of a write whose first response had this status.
    pub(crate) fn from_status(method: Method, status: u16) -> Self {
        match (method, status) {
            (Method::Delete, 204 | 404) => Self::Absent,
            (Method::Delete, _) => Self::Deleted,
            (Method::Post, _) => Self::ActionDone,
            (_, 201) => Self::Created,
            (_, 202) => Self::Accepted,
            _ => Self::Updated,
        }
    }
}

/// A response with a 2xx status.
#[derive(Debug)]
pub(crate) struct ArmResponse {
    pub(crate) status: u16,
    pub(crate) headers: Headers,
    pub(crate) body: Bytes,
}

impl ArmResponse {
    /// Whether the body begins like a JSON object or array, as every resource and every page of a list does.
    pub(crate) fn has_document(&self) -> bool {
        matches!(self.body.trim_ascii_start().first(), Some(b'{' | b'['))
    }

    /// The body, if it is JSON.
    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The body, which must be JSON.
    pub(crate) fn require_json(&self, method: Method, path: &str) -> Result<Value, ArmError> {
        self.json().ok_or_else(|| {
            let message = format!("The response body (status {}) is not JSON", self.status);
            ArmError::new(method, path, ErrorKind::Protocol, &message)
        })
    }
}
