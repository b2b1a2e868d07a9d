//! The one error of this crate: which request failed, how, why in Azure's words, and what to do.

mod body;
mod classify;
mod codes;
mod hint;
mod passing;
#[cfg(test)]
mod tests;

pub(crate) use body::clean;
pub use codes::{KnownCode, Remedy, known_codes};
pub(crate) use hint::entra;
pub(crate) use passing::WaitFor;

use azure_core::http::{
    Method, StatusCode,
    headers::{HeaderName, Headers},
};
use body::Report;
use serde_json::Value;
use std::{error::Error, fmt, io, ops::Deref, time::Duration};

pub(crate) const CORRELATION_ID: HeaderName =
    HeaderName::from_static("x-ms-correlation-request-id");
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-request-id");
const RETRY_AFTER: HeaderName = HeaderName::from_static("retry-after");

/// A failed request or long-running operation. Its fields are those of [`ErrorReport`].
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct ArmError(Box<ErrorReport>);

/// What is known of a failure. All text is free of control characters.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ErrorReport {
    /// `GET`, `PUT`, ...
    pub method: Method,
    /// Path of the resource, without query.
    pub path: String,
    /// HTTP status; absent when there was no answer, or an accepted operation failed later.
    pub status: Option<u16>,
    /// The innermost code of the error document.
    pub code: Option<String>,
    /// The innermost message, or what else is known.
    pub message: String,
    /// The outermost code, when it is another one than `code`.
    pub outer_code: Option<String>,
    /// What Azure says it is about, most often a path in the body: `properties.minimumTlsVersion`.
    pub target: Option<String>,
    /// What it means for the caller.
    pub kind: ErrorKind,
    /// `x-ms-correlation-request-id` of the answer: names the run in Azure's activity log.
    pub correlation_id: Option<String>,
    /// `x-ms-request-id` of the answer: names the request to Azure's support.
    pub request_id: Option<String>,
    /// How long Azure asked to wait.
    pub retry_after: Option<Duration>,
    codes: Vec<String>,
    pub(crate) wait_for: Option<WaitFor>,
    pub(crate) unsent: bool,
}

/// Kinds of failure, by what can be done about them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No token, or one that ARM does not take.
    NotLoggedIn,
    /// A right is missing; the parts are read from the message.
    Forbidden {
        /// `Microsoft.Storage/storageAccounts/write`
        action: Option<String>,
        /// Id of the scope at which it is missing.
        scope: Option<String>,
        /// Object id of the caller.
        object_id: Option<String>,
    },
    /// Azure Policy denied it.
    PolicyDenied {
        /// Display names of the policies, where Azure tells them.
        policies: Vec<String>,
    },
    /// A management lock forbids it.
    Locked,
    /// A globally unique name is in use by someone else.
    NameTaken,
    /// Too many requests.
    Throttled,
    /// Status 404.
    NotFound,
    /// Status 409 or 412, or a resource that is busy.
    Conflict,
    /// Azure does not accept the request as it is.
    Refused,
    /// Azure accepted the request, and the operation failed or was canceled afterwards.
    OperationFailed,
    /// Status 500 and above.
    Unavailable,
    /// No connection, or it broke.
    Network,
    /// The certificate of the server is not trusted, or TLS failed otherwise.
    Tls,
    /// No answer, or no end of the operation, in time.
    Timeout,
    /// An answer that ARM should not give.
    Protocol,
}

impl ArmError {
    /// The answer to `method path` had an error status.
    pub(crate) fn from_response(
        method: Method,
        path: &str,
        status: u16,
        headers: &Headers,
        body: &[u8],
    ) -> Self {
        let report = body::read(body);
        let mut error = ErrorReport::new(method, path, Some(status), report);
        error.read_ids(headers);
        error.retry_after = retry_after(headers);
        Self(Box::new(error))
    }

    /// The long-running operation that `method path` began ended with `status`.
    pub(crate) fn operation_failed(
        method: Method,
        path: &str,
        status: &str,
        headers: &Headers,
        document: Option<&Value>,
    ) -> Self {
        let mut report = document.map(body::read_value).unwrap_or_default();
        report
            .message
            .get_or_insert_with(|| format!("The operation ended as {}", clean(status)));
        let mut error = ErrorReport::new(method, path, None, report);
        error.read_ids(headers);
        Self(Box::new(error))
    }

    /// This error, as one of the write whose operation was being followed.
    pub(crate) fn while_following(mut self, method: Method, path: &str) -> Self {
        self.0.method = method;
        self.0.path = clean(path);
        self
    }

    /// The same error, with what Azure says in it told otherwise.
    pub(crate) fn retold(mut self, retell: &dyn Fn(&str) -> String) -> Self {
        self.0.message = retell(&self.0.message);
        self.0.target = self.0.target.as_deref().map(retell);
        self
    }

    /// No answer: the request could not be sent, or no token was to be had.
    pub(crate) fn from_transport(method: Method, path: &str, error: &azure_core::Error) -> Self {
        use azure_core::error::ErrorKind as Core;
        let chain = chain(error);
        let (kind, message) = if matches!(error.kind(), Core::Credential) {
            (ErrorKind::NotLoggedIn, error.to_string())
        } else if matches!(error.kind(), Core::DataConversion) {
            (ErrorKind::Protocol, error.to_string())
        } else if let Some(tls) = chain
            .iter()
            .find_map(|cause| cause.downcast_ref::<rustls::Error>())
        {
            (ErrorKind::Tls, describe_tls(tls))
        } else if chain.iter().any(|cause| {
            cause
                .downcast_ref::<reqwest::Error>()
                .is_some_and(reqwest::Error::is_timeout)
        }) {
            (ErrorKind::Timeout, "No answer in time".to_owned())
        } else {
            let innermost = chain
                .last()
                .map_or_else(|| error.to_string(), ToString::to_string);
            let innermost = innermost.split(" (os error ").next().unwrap_or_default();
            let host = chain
                .iter()
                .find_map(|cause| cause.downcast_ref::<reqwest::Error>()?.url()?.host_str());
            let to = host.map_or_else(String::new, |host| format!(" to {host}"));
            (
                ErrorKind::Network,
                format!("No connection{to}: {innermost}"),
            )
        };
        let mut failure = Self::told(method, path, kind, &message);
        failure.0.unsent = matches!(error.kind(), Core::Connection);
        failure
    }

    /// A failure that this crate found itself.
    pub(crate) fn told(method: Method, path: &str, kind: ErrorKind, message: &str) -> Self {
        let report = Report {
            message: Some(message.lines().map(clean).collect::<Vec<_>>().join("\n")),
            ..Report::default()
        };
        let mut error = ErrorReport::new(method, path, None, report);
        error.kind = kind;
        Self(Box::new(error))
    }
}

impl ErrorReport {
    fn new(method: Method, path: &str, status: Option<u16>, report: Report) -> Self {
        let kind = classify::kind(status, &report);
        let wait_for = passing::wait_for(method, status, &report);
        let outer_code = report
            .codes
            .first()
            .filter(|outer| Some(*outer) != report.code.as_ref());
        Self {
            method,
            path: clean(path),
            status,
            outer_code: outer_code.cloned(),
            code: report.code,
            message: report.message.unwrap_or_else(|| match status {
                Some(status) => StatusCode::from(status).canonical_reason().into_owned(),
                None => "No reason given".to_owned(),
            }),
            target: report.target,
            kind,
            correlation_id: None,
            request_id: None,
            retry_after: None,
            codes: report.codes,
            wait_for,
            unsent: false,
        }
    }

    fn read_ids(&mut self, headers: &Headers) {
        self.correlation_id = headers.get_optional_str(&CORRELATION_ID).map(clean);
        self.request_id = headers.get_optional_str(&REQUEST_ID).map(clean);
    }

    /// Whether one of the codes, from the outermost to the innermost, is this one.
    pub fn has_code(&self, code: &str) -> bool {
        self.codes
            .iter()
            .any(|have| have.eq_ignore_ascii_case(code))
    }

    /// Whether the same request may succeed later without anyone changing anything.
    pub fn is_transient(&self) -> bool {
        self.wait_for.is_some()
            || matches!(
                self.kind,
                ErrorKind::Throttled
                    | ErrorKind::Unavailable
                    | ErrorKind::Network
                    | ErrorKind::Timeout
            )
    }

    /// Whether it means that nothing is there, which is an answer. That the subscription itself is not there is none,
    /// except for a Service Bus subscription, which is called so as well (ARM facts 4.2).
    pub(crate) fn is_absence(&self) -> bool {
        let wrong_subscription = self.has_code("SubscriptionNotFound")
            && !self
                .path
                .to_ascii_lowercase()
                .contains("/microsoft.servicebus/");
        self.kind == ErrorKind::NotFound && !wrong_subscription
    }

    /// What to do next, in one or two sentences.
    pub fn hint(&self) -> Option<String> {
        hint::hint(self)
    }
}

/// The message with its code, then the request in a second line.
impl fmt::Display for ErrorReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message.trim_end_matches(['.', ' ', '\n']))?;
        if let Some(code) = &self.code {
            write!(f, " ({code})")?;
        }
        write!(f, "\n{} {}", self.method, self.path)?;
        if let Some(status) = self.status {
            write!(f, " answered {status}")?;
        }
        if let Some(id) = &self.correlation_id {
            write!(f, ", correlation id {id}")?;
        }
        Ok(())
    }
}

impl Deref for ArmError {
    type Target = ErrorReport;

    fn deref(&self) -> &ErrorReport {
        &self.0
    }
}

/// The wait that a `Retry-After` header asks for. ARM facts: always whole seconds, never a date.
pub(crate) fn retry_after(headers: &Headers) -> Option<Duration> {
    let seconds = headers
        .get_optional_str(&RETRY_AFTER)?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds))
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
        other => format!("No secure connection: {other}"),
    }
}
