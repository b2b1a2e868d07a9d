//! The simulator as the `HttpClient` of azure_core: credentials and ARM clients run against it without a network.

use std::io;

use async_trait::async_trait;
use azure_core::error::ErrorKind;
use azure_core::http::headers::Headers;
use azure_core::http::{AsyncRawResponse, Body, HttpClient, StatusCode};
use azure_core::time::{OffsetDateTime, to_rfc7231};

use crate::http::{Method, Request};
use crate::simulator::{Severed, Simulator};

/// An HTTP client whose every request goes to one simulator, whatever the host.
#[derive(Clone, Debug)]
pub struct InProcess {
    simulator: Simulator,
}

impl InProcess {
    /// A client of that simulator.
    pub fn new(simulator: Simulator) -> Self {
        Self { simulator }
    }
}

#[async_trait]
impl HttpClient for InProcess {
    async fn execute_request(
        &self,
        request: &azure_core::http::Request,
    ) -> azure_core::Result<AsyncRawResponse> {
        let request = read(request)?;
        let response = self
            .simulator
            .send(request)
            .await
            .map_err(|severed| azure_core::Error::new(ErrorKind::Io, io_error(severed)))?;
        let mut headers = Headers::new();
        headers.insert("date", date(self.simulator.now().unix_seconds()));
        for (name, value) in response.headers {
            headers.insert(name.to_ascii_lowercase(), value);
        }
        Ok(AsyncRawResponse::from_bytes(
            StatusCode::from(response.status),
            headers,
            response.body,
        ))
    }
}

/// The time as HTTP writes it (RFC 9110, "Date/Time Formats").
fn date(seconds: u64) -> String {
    let time = OffsetDateTime::from_unix_timestamp(i64::try_from(seconds).unwrap_or_default());
    to_rfc7231(&time.unwrap_or(OffsetDateTime::UNIX_EPOCH))
}

fn io_error(severed: Severed) -> io::Error {
    let kind = match severed {
        Severed::Refused => io::ErrorKind::ConnectionRefused,
        Severed::Reset => io::ErrorKind::ConnectionReset,
    };
    io::Error::new(kind, severed)
}

fn read(request: &azure_core::http::Request) -> azure_core::Result<Request> {
    let unsupported =
        |what: &'static str| azure_core::Error::with_message(ErrorKind::DataConversion, what);
    let method = Method::parse(request.method().as_ref())
        .ok_or_else(|| unsupported("the simulator does not know this HTTP method"))?;
    let Body::Bytes(body) = request.body() else {
        return Err(unsupported("the simulator takes no streamed bodies"));
    };
    let mut read = Request::new(method, &request.path_and_query());
    read.body = body.to_vec();
    for (name, value) in request.headers().iter() {
        read = read.with_header(name.as_str(), value.as_str());
    }
    let url = request.url();
    if let Some(host) = url.host_str() {
        let host = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        read = read.with_header("host", &host);
    }
    Ok(read)
}

#[cfg(test)]
mod tests;
