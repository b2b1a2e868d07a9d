//! Names of the ARM headers that this crate reads or sends, and the parser of `Retry-After`.

use std::time::Duration;

use azure_core::http::headers::{HeaderName, Headers};

pub(crate) const AZURE_ASYNC_OPERATION: HeaderName =
    HeaderName::from_static("azure-asyncoperation");
pub(crate) const CORRELATION_ID: HeaderName =
    HeaderName::from_static("x-ms-correlation-request-id");
pub(crate) const DATE: HeaderName = HeaderName::from_static("date");
pub(crate) const LOCATION: HeaderName = HeaderName::from_static("location");
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-request-id");
pub(crate) const RETRY_AFTER: HeaderName = HeaderName::from_static("retry-after");

// Tokens that remain in the bucket of a subscription and principal (ARM facts 5).
pub(crate) const REMAINING_READS: HeaderName =
    HeaderName::from_static("x-ms-ratelimit-remaining-subscription-reads");
pub(crate) const REMAINING_WRITES: HeaderName =
    HeaderName::from_static("x-ms-ratelimit-remaining-subscription-writes");
pub(crate) const REMAINING_DELETES: HeaderName =
    HeaderName::from_static("x-ms-ratelimit-remaining-subscription-deletes");

/// The pause that a `Retry-After` header asks for. ARM facts: always whole seconds, never a date.
pub(crate) fn retry_after(headers: &Headers) -> Option<Duration> {
    let seconds = headers
        .get_optional_str(&RETRY_AFTER)?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds))
}
