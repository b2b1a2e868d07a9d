//! One request on its way into a world: what a fault makes of it, how long its answer takes, and who waits for it.

use tokio::sync::oneshot;

use crate::faults::Fault;
use crate::http::{Request, Response};
use crate::simulator::Severed;
use crate::time::SimTime;
use crate::world::{ArmError, World};

/// The answer, and how many milliseconds it takes.
pub(crate) type Answer = (Result<Response, Severed>, u64);

/// A request that somebody sent and nobody looked at yet.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) request: Request,
    pub(crate) at: SimTime,
    pub(crate) sender: oneshot::Sender<Answer>,
}

/// A request whose fate is known.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) request: Request,
    pub(crate) at: SimTime,
    pub(crate) fault: Option<Fault>,
    /// How many milliseconds the answer takes.
    pub(crate) wait: u64,
}

impl Arrival {
    /// What is answered; `reach` lets something act on the world, or answers in its place.
    pub(crate) fn answer(
        &self,
        reach: impl FnOnce(&dyn Fn(&mut World) -> Response) -> Response,
    ) -> Result<Response, Severed> {
        let (request, at) = (&self.request, self.at);
        let usual = |world: &mut World| world.handle(request, at);
        match &self.fault {
            Some(Fault::ConnectionRefused) => Err(Severed::Refused),
            Some(Fault::ResetBefore) => Err(Severed::Reset),
            Some(Fault::ResetAfter) => {
                reach(&usual);
                Err(Severed::Reset)
            }
            Some(Fault::Status {
                status,
                code,
                message,
                retry_after,
            }) => Ok(refusal(*status, code, message, *retry_after)),
            Some(Fault::Unauthorized) => Ok(refusal(
                401,
                "ExpiredAuthenticationToken",
                "The access token has expired.",
                None,
            )),
            Some(Fault::StaleRead) => Ok(reach(&|world| world.handle_stale(request, at))),
            Some(Fault::FailOperation { code, message }) => Ok(reach(&|world| {
                let response = world.handle(request, at);
                world.fail_operation_just_started(code, message);
                response
            })),
            Some(Fault::Delay(_)) | None => Ok(reach(&usual)),
        }
    }
}

/// An answer in ARM's shape that no world gave.
pub(crate) fn refusal(
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
