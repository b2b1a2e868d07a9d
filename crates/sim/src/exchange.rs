//! One request with its time, its fault and its latency, and the response that results.

use serde_json::Value;
use tokio::sync::oneshot;

use crate::faults::Fault;
use crate::http::{Method, Request, Response};
use crate::sim_time::SimTime;
use crate::world::{ArmError, World};

/// A connection that failed before a response arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectionError {
    /// The server does not listen.
    #[error("connection refused")]
    Refused,
    /// The connection broke during the request or the response.
    #[error("connection reset by peer")]
    Reset,
}

/// A response or a connection error, and the milliseconds until the client gets it.
pub(crate) type Delivery = (Result<Response, ConnectionError>, u64);

/// A request that waits to be handled together with others.
#[derive(Debug)]
pub(crate) struct PendingRequest {
    pub(crate) request: Request,
    pub(crate) at: SimTime,
    pub(crate) sender: oneshot::Sender<Delivery>,
}

/// A received request whose fault and latency are decided.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) request: Request,
    pub(crate) at: SimTime,
    pub(crate) fault: Option<Fault>,
    /// Milliseconds until the response is delivered.
    pub(crate) latency: u64,
}

impl Exchange {
    /// Handles the request. `act_on_world` applies an action to the world, or returns an error response if it cannot.
    pub(crate) fn run(
        &self,
        act_on_world: impl FnOnce(&dyn Fn(&mut World) -> Response) -> Response,
    ) -> Result<Response, ConnectionError> {
        let (request, at) = (&self.request, self.at);
        let handle = |world: &mut World| world.handle(request, at);
        match &self.fault {
            Some(Fault::ConnectionRefused) => Err(ConnectionError::Refused),
            Some(Fault::ResetBefore) => Err(ConnectionError::Reset),
            Some(Fault::ResetAfter) => {
                act_on_world(&handle);
                Err(ConnectionError::Reset)
            }
            Some(Fault::Status {
                status,
                code,
                message,
                retry_after,
            }) => Ok(error_response(*status, code, message, *retry_after)),
            Some(Fault::Unauthorized) => Ok(error_response(
                401,
                "ExpiredAuthenticationToken",
                "The access token has expired.",
                None,
            )),
            Some(Fault::ProxyNotFound) => Ok(proxy_response()),
            Some(Fault::StaleRead) => Ok(act_on_world(&|world| world.handle_stale(request, at))),
            Some(Fault::FailOperation { code, message }) => Ok(act_on_world(&|world| {
                let response = world.handle(request, at);
                world.fail_last_operation(code, message);
                response
            })),
            Some(fault @ (Fault::NoContent | Fault::EmptyBody))
                if request.method == Method::Get =>
            {
                let status = if *fault == Fault::NoContent { 204 } else { 200 };
                Ok(without_body(act_on_world(&handle), status))
            }
            Some(Fault::EmptyList) => Ok(without_items(act_on_world(&handle))),
            Some(Fault::Delay(_) | Fault::NoContent | Fault::EmptyBody) | None => {
                Ok(act_on_world(&handle))
            }
        }
    }
}

/// The response with another status and an empty body.
fn without_body(mut response: Response, status: u16) -> Response {
    response.status = status;
    response.body.clear();
    let describes_body = |name: &str| name.eq_ignore_ascii_case("content-type");
    response.headers.retain(|(name, _)| !describes_body(name));
    response
}

/// The response without the items of the list, if it is one.
fn without_items(mut response: Response) -> Response {
    let body: Option<Value> = serde_json::from_slice(&response.body).ok();
    let is_list = body.is_some_and(|body| body["value"].is_array());
    if response.status == 200 && is_list {
        response.body = br#"{"value":[]}"#.to_vec();
    }
    response
}

/// A response without a header of Azure.
fn proxy_response() -> Response {
    Response {
        status: 404,
        headers: vec![("Content-Type".into(), "text/html".into())],
        body: b"<html><body>The page was not found.</body></html>".to_vec(),
    }
}

/// An error in ARM's format that does not come from a world.
pub(crate) fn error_response(
    status: u16,
    code: &str,
    message: &str,
    retry_after: Option<u64>,
) -> Response {
    let mut error = ArmError::new(status, code, message);
    if status >= 429 {
        error = error.header("x-ms-failure-cause", "service");
    }
    if let Some(seconds) = retry_after {
        error = error.header("Retry-After", seconds);
    }
    error.into_reply().into_response()
}
