//! What is known of a failure.

use std::{fmt, time::Duration};

use azure_core::http::{Method, StatusCode, headers::Headers};

use super::{
    body::{ErrorDetails, clean},
    hint,
    kind::{ErrorKind, classify},
    transient::{TransientCause, transient_cause},
};
use crate::{
    headers::{CORRELATION_ID, REQUEST_ID},
    well_known::SERVICE_BUS_PROVIDER,
};

/// What is known of a failure. No text contains control characters.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ErrorReport {
    /// `GET`, `PUT`, ...
    pub method: Method,
    /// Path of the resource, without the query.
    pub path: String,
    /// HTTP status. Absent if there was no response, or if an accepted operation failed later.
    pub status: Option<u16>,
    /// The innermost code of the error document.
    pub code: Option<String>,
    /// The innermost message, or otherwise a description of the failure.
    pub message: String,
    /// The outermost code, if it differs from `code`.
    pub outer_code: Option<String>,
    /// The subject of the error according to Azure, most often a path in the body: `properties.minimumTlsVersion`.
    pub target: Option<String>,
    /// What the failure means for the caller.
    pub kind: ErrorKind,
    /// `x-ms-correlation-request-id` of the response: identifies the run in Azure's activity log.
    pub correlation_id: Option<String>,
    /// `x-ms-request-id` of the response: identifies the request for Azure's support.
    pub request_id: Option<String>,
    /// The pause that Azure asked for.
    pub retry_after: Option<Duration>,
    codes: Vec<String>,
    pub(crate) transient_cause: Option<TransientCause>,
    pub(crate) is_unsent: bool,
}

impl ErrorReport {
    pub(super) fn new(
        method: Method,
        path: &str,
        status: Option<u16>,
        details: ErrorDetails,
    ) -> Self {
        let kind = classify(status, &details);
        let transient_cause = transient_cause(method, status, &details);
        let outer_code = details
            .codes
            .first()
            .filter(|outer| Some(*outer) != details.code.as_ref());
        Self {
            method,
            path: clean(path),
            status,
            outer_code: outer_code.cloned(),
            code: details.code,
            message: details.message.unwrap_or_else(|| match status {
                Some(status) => StatusCode::from(status).canonical_reason().into_owned(),
                None => "No reason given".to_owned(),
            }),
            target: details.target,
            kind,
            correlation_id: None,
            request_id: None,
            retry_after: None,
            codes: details.codes,
            transient_cause,
            is_unsent: false,
        }
    }

    pub(super) fn read_ids(&mut self, headers: &Headers) {
        self.correlation_id = headers.get_optional_str(&CORRELATION_ID).map(clean);
        self.request_id = headers.get_optional_str(&REQUEST_ID).map(clean);
    }

    /// Makes a response that says nothing about the resource a transient error.
    pub(super) fn mistrust(&mut self, message: String) {
        self.kind = ErrorKind::Protocol;
        self.transient_cause = Some(TransientCause::Interrupted);
        self.message = message;
    }

    /// Whether this is one of the codes, from the outermost to the innermost.
    pub fn has_code(&self, code: &str) -> bool {
        self.codes
            .iter()
            .any(|have| have.eq_ignore_ascii_case(code))
    }

    /// Whether the same request may succeed later without a change by the user.
    pub fn is_transient(&self) -> bool {
        self.transient_cause.is_some()
            || matches!(
                self.kind,
                ErrorKind::Throttled
                    | ErrorKind::Unavailable
                    | ErrorKind::Network
                    | ErrorKind::Timeout
            )
    }

    /// Whether the error means that the resource does not exist. A subscription that does not exist is a mistake
    /// instead, except for a subscription of Service Bus, which has the same code (ARM facts 4.2).
    pub(crate) fn is_absence(&self) -> bool {
        let is_in_service_bus = self
            .path
            .to_ascii_lowercase()
            .contains(&format!("/{SERVICE_BUS_PROVIDER}/"));
        let is_wrong_subscription = self.has_code("SubscriptionNotFound") && !is_in_service_bus;
        self.kind == ErrorKind::NotFound && !is_wrong_subscription
    }

    /// Whether Azure found nothing at the URL of a poll: the status document has expired, or the resource is deleted.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self.status, Some(404 | 410)) && self.kind != ErrorKind::Protocol
    }

    /// What to do next, in one sentence.
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
            write!(f, " returned {status}")?;
        }
        if let Some(id) = &self.correlation_id {
            write!(f, ", correlation id {id}")?;
        }
        Ok(())
    }
}
