//! The simulator as an `HttpClient` of azure_core, for credentials and ARM clients without a network.

use std::io;

use async_trait::async_trait;
use azure_core::error::ErrorKind;
use azure_core::http::headers::Headers;
use azure_core::http::{AsyncRawResponse, Body, HttpClient, StatusCode};
use azure_core::time::to_rfc7231;

use crate::exchange::ConnectionError;
use crate::http::{Method, Request};
use crate::simulator::Simulator;

/// An HTTP client that sends all requests to one simulator and ignores the host.
#[derive(Clone, Debug)]
pub struct InProcess {
    simulator: Simulator,
}

impl InProcess {
    /// A client of `simulator`.
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
            .map_err(|error| azure_core::Error::new(ErrorKind::Io, to_io_error(error)))?;
        let mut headers = Headers::new();
        headers.insert("date", to_rfc7231(&self.simulator.now().to_datetime()));
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

fn to_io_error(error: ConnectionError) -> io::Error {
    let kind = match error {
        ConnectionError::Refused => io::ErrorKind::ConnectionRefused,
        ConnectionError::Reset => io::ErrorKind::ConnectionReset,
    };
    io::Error::new(kind, error)
}

fn read(request: &azure_core::http::Request) -> azure_core::Result<Request> {
    let unsupported =
        |what: &'static str| azure_core::Error::with_message(ErrorKind::DataConversion, what);
    let method = Method::parse(request.method().as_ref())
        .ok_or_else(|| unsupported("the simulator does not support this HTTP method"))?;
    let Body::Bytes(body) = request.body() else {
        return Err(unsupported(
            "the simulator does not support streamed bodies",
        ));
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
