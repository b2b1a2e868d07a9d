//! The one error of this crate: which request failed, how, why in Azure's words, and what to do.

mod body;
mod codes;
mod hint;
mod kind;
mod report;
#[cfg(test)]
mod tests;
mod transient;

pub(crate) use body::clean;
pub use codes::{KnownCode, Remedy, known_codes};
pub(crate) use hint::entra;
pub use kind::ErrorKind;
pub use report::ErrorReport;
pub(crate) use transient::TransientCause;

use azure_core::http::{Method, headers::Headers};
use body::ErrorDetails;
use serde_json::Value;
use std::{error::Error, io, ops::Deref};

use crate::{
    headers::{CORRELATION_ID, REQUEST_ID, retry_after},
    request::ArmResponse,
};

/// The message about a response that Azure Resource Manager did not send.
const FROM_PROXY: &str =
    "The response did not come from Azure Resource Manager: a proxy or gateway answered";

/// A failed request or long-running operation. Its fields are those of [`ErrorReport`].
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct ArmError(Box<ErrorReport>);

/// Whether Azure Resource Manager sent a response: it has a request id (ARM facts 5), which proxies and gateways on the
/// way do not add.
pub(crate) fn has_arm_id(headers: &Headers) -> bool {
    let ids = [REQUEST_ID, CORRELATION_ID];
    ids.iter()
        .any(|name| headers.get_optional_str(name).is_some())
}

/// As [`has_arm_id`], and the body is empty or JSON, as in all errors of Azure (ARM facts 4.2).
fn is_from_arm(headers: &Headers, body: &[u8]) -> bool {
    let is_empty = body.trim_ascii().is_empty();
    let is_json = || serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok();
    has_arm_id(headers) && (is_empty || is_json())
}

impl ArmError {
    /// A failure that this crate itself detects.
    pub(crate) fn new(method: Method, path: &str, kind: ErrorKind, message: &str) -> Self {
        let details = ErrorDetails {
            message: Some(message.lines().map(clean).collect::<Vec<_>>().join("\n")),
            ..ErrorDetails::default()
        };
        let mut report = ErrorReport::new(method, path, None, details);
        report.kind = kind;
        Self(Box::new(report))
    }

    /// The response to `method path` had an error status.
    pub(crate) fn from_response(
        method: Method,
        path: &str,
        status: u16,
        headers: &Headers,
        body: &[u8],
    ) -> Self {
        let mut report = ErrorReport::new(method, path, Some(status), body::read(body));
        report.read_ids(headers);
        report.retry_after = retry_after(headers);
        if matches!(status, 404 | 410) && method != Method::Post && !is_from_arm(headers, body) {
            report.mistrust(FROM_PROXY.to_owned());
        }
        Self(Box::new(report))
    }

    /// The response to a GET of `path` was a success without a document.
    pub(crate) fn without_document(path: &str, response: &ArmResponse) -> Self {
        let body = match response.body.trim_ascii().is_empty() {
            true => "an empty body",
            false => "a body that is not a JSON document",
        };
        let status = response.status;
        Self::mistrusted(Method::Get, path, response, || {
            format!(
                "The response does not show whether the resource exists: Azure Resource Manager returned status {status} \
                 and {body}"
            )
        })
    }

    /// The success of a write did not come from Azure Resource Manager.
    pub(crate) fn from_proxy(method: Method, path: &str, response: &ArmResponse) -> Self {
        Self::mistrusted(method, path, response, || FROM_PROXY.to_owned())
    }

    /// A success that is not what Azure Resource Manager sends. `message` is that of one that it sent after all.
    fn mistrusted(
        method: Method,
        path: &str,
        response: &ArmResponse,
        message: impl FnOnce() -> String,
    ) -> Self {
        let details = ErrorDetails::default();
        let mut report = ErrorReport::new(method, path, Some(response.status), details);
        report.read_ids(&response.headers);
        report.mistrust(match has_arm_id(&response.headers) {
            true => message(),
            false => FROM_PROXY.to_owned(),
        });
        Self(Box::new(report))
    }

    /// The long-running operation of `method path` ended with `status`.
    pub(crate) fn operation_failed(
        method: Method,
        path: &str,
        status: &str,
        headers: &Headers,
        document: Option<&Value>,
    ) -> Self {
        let mut details = document.map(body::read_value).unwrap_or_default();
        details
            .message
            .get_or_insert_with(|| format!("The operation ended with status {}", clean(status)));
        let mut report = ErrorReport::new(method, path, None, details);
        report.read_ids(headers);
        Self(Box::new(report))
    }

    /// The response is missing: the request was not sent, or the token is missing.
    pub(crate) fn from_transport(method: Method, path: &str, error: &azure_core::Error) -> Self {
        use azure_core::error::ErrorKind as Core;
        let (kind, message) = match error.kind() {
            Core::Credential => (ErrorKind::NotLoggedIn, error.to_string()),
            Core::DataConversion => (ErrorKind::Protocol, error.to_string()),
            _ => describe_connection(error),
        };
        let mut failure = Self::new(method, path, kind, &message);
        failure.0.is_unsent = matches!(error.kind(), Core::Connection);
        failure
    }

    /// This error of a poll, as an error of the write that started the operation.
    pub(crate) fn with_request(mut self, method: Method, path: &str) -> Self {
        self.0.method = method;
        self.0.path = clean(path);
        self
    }

    /// The same error, with the texts from Azure replaced.
    pub(crate) fn map_text(mut self, map: &dyn Fn(&str) -> String) -> Self {
        self.0.message = map(&self.0.message);
        self.0.target = self.0.target.as_deref().map(map);
        self
    }
}

impl Deref for ArmError {
    type Target = ErrorReport;

    fn deref(&self) -> &ErrorReport {
        &self.0
    }
}

/// Kind and message of a failure below HTTP.
fn describe_connection(error: &azure_core::Error) -> (ErrorKind, String) {
    let chain = chain(error);
    let from_reqwest = || {
        let causes = chain.iter();
        causes.filter_map(|cause| cause.downcast_ref::<reqwest::Error>())
    };
    let tls = chain
        .iter()
        .find_map(|cause| cause.downcast_ref::<rustls::Error>());
    if let Some(tls) = tls {
        return (ErrorKind::Tls, describe_tls(tls));
    }
    if from_reqwest().any(reqwest::Error::is_timeout) {
        let message = "No response within the time limit".to_owned();
        return (ErrorKind::Timeout, message);
    }
    let innermost = chain
        .last()
        .map_or_else(|| error.to_string(), ToString::to_string);
    let reason = innermost
        .split_once(" (os error ")
        .map_or(innermost.as_str(), |(reason, _)| reason);
    let host = from_reqwest().find_map(|cause| cause.url()?.host_str());
    let to = host.map_or_else(String::new, |host| format!(" to {host}"));
    (ErrorKind::Network, format!("No connection{to}: {reason}"))
}

/// An error and its causes, outermost first, through the custom errors that `io::Error` hides.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    let mut causes = Vec::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        causes.push(cause);
        next = match cause
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            Some(hidden) => Some(hidden),
            None => cause.source(),
        };
    }
    causes
}

/// An error and its causes in one line, outermost first.
pub(crate) fn describe(error: &azure_core::Error) -> String {
    let mut causes: Vec<String> = chain(error).iter().map(ToString::to_string).collect();
    causes.dedup();
    causes.join(": ")
}

fn describe_tls(error: &rustls::Error) -> String {
    use rustls::{CertificateError, Error};
    match error {
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "The certificate of the server is signed by an unknown CA".to_owned()
        }
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "The certificate of the server is for another host name".to_owned(),
        Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        ) => "The certificate of the server has expired".to_owned(),
        other => format!("The TLS connection cannot be established: {other}"),
    }
}
