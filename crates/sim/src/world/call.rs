//! An authenticated ARM request.

use serde_json::Value;

use super::filter::Filter;
use super::path::Target;
use super::reply::ArmError;
use crate::http::{Method, Request};
use crate::sim_time::SimTime;

/// An ARM request with its time, target and caller.
pub(crate) struct Call<'a> {
    pub(crate) request: &'a Request,
    pub(crate) api_version: &'a str,
    pub(crate) now: SimTime,
    pub(crate) target: Target,
    /// The object id of the caller.
    pub(crate) principal: String,
}

impl Call<'_> {
    pub(crate) fn method(&self) -> Method {
        self.request.method
    }

    /// The same call with another request for the same target.
    pub(crate) fn with_request<'r>(&'r self, request: &'r Request) -> Call<'r> {
        Call {
            request,
            api_version: self.api_version,
            target: self.target.clone(),
            principal: self.principal.clone(),
            now: self.now,
        }
    }

    /// The body: an object whose common members `properties`, `identity`, `tags` and `sku` are objects if present.
    pub(crate) fn json(&self) -> Result<Value, ArmError> {
        let invalid = |reason: &str| {
            Err(ArmError::gateway(
                400,
                "InvalidRequestContent",
                format!(
                    "The request content was invalid and could not be deserialized: '{reason}'."
                ),
            ))
        };
        let Ok(body @ Value::Object(_)) = serde_json::from_slice(&self.request.body) else {
            return invalid("the body is not a JSON object");
        };
        let common = ["properties", "identity", "tags", "sku"];
        match common.iter().find(|member| {
            let value = &body[**member];
            !value.is_null() && !value.is_object()
        }) {
            Some(member) => invalid(&format!("'{member}' is not an object")),
            None => Ok(body),
        }
    }

    /// The `$filter` of the request.
    pub(crate) fn filter(&self) -> Filter<'_> {
        Filter::new(self.request.query("$filter"))
    }

    /// An absolute URL on the host that the client addressed, with the api-version of the request.
    pub(crate) fn link(&self, path: &str, query: &str) -> String {
        format!(
            "https://{}{path}?{query}api-version={}",
            self.request.host(),
            self.api_version
        )
    }

    pub(crate) fn not_allowed(&self) -> ArmError {
        ArmError::gateway(
            405,
            "MethodNotAllowed",
            format!(
                "The requested resource does not support http method '{}'.",
                self.method().as_str()
            ),
        )
    }
}
