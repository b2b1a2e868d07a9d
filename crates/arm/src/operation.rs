//! The state machine of a long-running operation: decides from a response whether to poll, and where.
//!
//! It does no I/O. The rules follow recorded ARM traffic (ARM facts: asynchronous operations).

use crate::{
    error::clean,
    headers::{AZURE_ASYNC_OPERATION, LOCATION, retry_after},
    path::is_trusted,
    request::ArmResponse,
};
use azure_core::http::{
    Method, Url,
    headers::{HeaderName, Headers},
};
use serde_json::Value;
use std::time::Duration;

/// How many polls may find no resource after its creation was accepted.
const MOST_ABSENT_POLLS: u32 = 30;

/// The parts of a response that decide about an operation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PollResponse<'a> {
    pub(crate) status: u16,
    pub(crate) headers: &'a Headers,
    pub(crate) body: Option<&'a Value>,
}

impl<'a> PollResponse<'a> {
    /// A response and its body, if that is JSON.
    pub(crate) fn new(response: &'a ArmResponse, body: Option<&'a Value>) -> Self {
        Self {
            status: response.status,
            headers: &response.headers,
            body,
        }
    }
}

/// What to do after a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PollDecision {
    Succeeded,
    /// GET `url` after `after`, or after a pause that the caller chooses.
    Poll {
        url: Url,
        after: Option<Duration>,
        /// The status as the service names it, as free text.
        status: String,
    },
    /// The operation failed with this status.
    Failed(String),
    /// The operation can only be polled on a host outside of ARM.
    UntrustedHost,
}

/// An operation that ARM accepted.
#[derive(Debug)]
pub(crate) struct LongRunningOperation {
    method: Method,
    endpoint: Url,
    resource: Url,
    target: PollTarget,
    absent_polls: u32,
}

/// What is polled.
#[derive(Debug)]
enum PollTarget {
    /// A status document: its `status` decides, not the HTTP status.
    Status(Url),
    /// An operation result: 202 means running, any other success is the end.
    Location(Url),
    /// The resource itself and its `provisioningState`.
    Resource,
}

enum OperationStatus {
    Running,
    Succeeded,
    Failed,
}

impl LongRunningOperation {
    /// Reads the 2xx response to `method resource`.
    pub(crate) fn start(
        method: Method,
        endpoint: &Url,
        resource: &Url,
        response: PollResponse<'_>,
    ) -> (Self, PollDecision) {
        let mut operation = Self {
            method,
            endpoint: endpoint.clone(),
            resource: resource.clone(),
            target: PollTarget::Resource,
            absent_polls: 0,
        };
        let decision = operation.accept(response);
        (operation, decision)
    }

    /// Observes a resource that another client writes.
    pub(crate) fn observe(
        endpoint: &Url,
        resource: &Url,
        response: PollResponse<'_>,
    ) -> (Self, PollDecision) {
        let mut operation = Self {
            method: Method::Get,
            endpoint: endpoint.clone(),
            resource: resource.clone(),
            target: PollTarget::Resource,
            absent_polls: 0,
        };
        let decision = operation.next(response);
        (operation, decision)
    }

    /// Whether the operation has a status document.
    pub(crate) fn has_status_document(&self) -> bool {
        matches!(self.target, PollTarget::Status(_))
    }

    /// Decides by the state in which a list shows the new resource; it is polled again after the same pause. `None` if
    /// the state is a failure: only the operation has the reason.
    pub(crate) fn decide_by_listed_state(
        &self,
        state: &str,
        url: &Url,
        after: Option<Duration>,
    ) -> Option<PollDecision> {
        match resource_status(state) {
            OperationStatus::Succeeded => Some(PollDecision::Succeeded),
            OperationStatus::Failed => None,
            OperationStatus::Running => Some(PollDecision::Poll {
                url: url.clone(),
                after,
                status: clean(state),
            }),
        }
    }

    fn accept(&mut self, response: PollResponse<'_>) -> PollDecision {
        let writes = matches!(self.method, Method::Put | Method::Patch);
        let state = response.body.and_then(provisioning_state);
        if response.status == 204 {
            return PollDecision::Succeeded;
        }
        if let Some(url) = self.link(&response, &AZURE_ASYNC_OPERATION) {
            // Microsoft.Network sends the header even if the body is final.
            if writes
                && response.status != 202
                && matches!(state.map(resource_status), Some(OperationStatus::Succeeded))
            {
                return PollDecision::Succeeded;
            }
            self.target = PollTarget::Status(url);
            return self.poll(&response, state);
        }
        if response.status == 202 {
            return self.accept_by_location(&response, state);
        }
        match state.map(|state| (state, resource_status(state))) {
            Some((_, OperationStatus::Running)) if writes => self.poll(&response, state),
            Some((state, OperationStatus::Failed)) if writes => {
                PollDecision::Failed(state.to_owned())
            }
            _ => PollDecision::Succeeded,
        }
    }

    /// A 202 without a status document. With 200 and 201, `Location` is the resource instead of an operation.
    fn accept_by_location(
        &mut self,
        response: &PollResponse<'_>,
        state: Option<&str>,
    ) -> PollDecision {
        let has_location = response.headers.get_optional_str(&LOCATION).is_some();
        match self.link(response, &LOCATION) {
            Some(url) if self.method == Method::Delete && self.is_resource(&url) => {}
            Some(url) => self.target = PollTarget::Location(url),
            None if self.method == Method::Post && has_location => {
                return PollDecision::UntrustedHost;
            }
            None if self.method == Method::Post => return PollDecision::Succeeded,
            None => {}
        }
        self.poll(response, state)
    }

    /// Reads the response to a poll, 404 included.
    pub(crate) fn next(&mut self, response: PollResponse<'_>) -> PollDecision {
        if matches!(response.status, 404 | 410) {
            return self.not_found(&response);
        }
        self.absent_polls = 0;
        match &self.target {
            PollTarget::Status(_) => self.next_status(&response),
            PollTarget::Location(_) => self.next_location(&response),
            PollTarget::Resource => self.next_resource(&response),
        }
    }

    /// Nothing was found: a deleted resource, an expired status, or a resource that does not exist yet.
    fn not_found(&mut self, response: &PollResponse<'_>) -> PollDecision {
        if matches!(self.method, Method::Delete | Method::Get) {
            return PollDecision::Succeeded;
        }
        if self.method == Method::Post {
            return PollDecision::Failed("NotFound".to_owned());
        }
        self.target = PollTarget::Resource;
        self.absent_polls += 1;
        if self.absent_polls > MOST_ABSENT_POLLS {
            return PollDecision::Failed("NotFound".to_owned());
        }
        self.poll(response, Some("NotFound"))
    }

    fn next_status(&mut self, response: &PollResponse<'_>) -> PollDecision {
        if let Some(newer) = self.link(response, &AZURE_ASYNC_OPERATION) {
            self.target = PollTarget::Status(newer);
        }
        match status_word(response.body).or_else(|| response.body.and_then(provisioning_state)) {
            Some(word) => match operation_status(word) {
                OperationStatus::Running => self.poll(response, Some(word)),
                OperationStatus::Succeeded => PollDecision::Succeeded,
                OperationStatus::Failed => PollDecision::Failed(word.to_owned()),
            },
            None if response.status == 202 => self.poll(response, None),
            None => PollDecision::Succeeded,
        }
    }

    fn next_location(&mut self, response: &PollResponse<'_>) -> PollDecision {
        let word = status_word(response.body);
        if let Some(word) = word
            && matches!(operation_status(word), OperationStatus::Failed)
        {
            return PollDecision::Failed(word.to_owned());
        }
        if response.status == 202 {
            if let Some(newer) = self.link(response, &LOCATION) {
                self.target = PollTarget::Location(newer);
            }
            return self.poll(response, word);
        }
        let state = response
            .body
            .and_then(provisioning_state)
            .filter(|_| self.method != Method::Delete);
        match state.map(|state| (state, resource_status(state))) {
            Some((_, OperationStatus::Running)) => {
                self.target = PollTarget::Resource;
                self.poll(response, state)
            }
            Some((state, OperationStatus::Failed)) => PollDecision::Failed(state.to_owned()),
            _ => PollDecision::Succeeded,
        }
    }

    fn next_resource(&mut self, response: &PollResponse<'_>) -> PollDecision {
        let state = response.body.and_then(provisioning_state);
        match state.map(|state| (state, resource_status(state))) {
            Some((_, OperationStatus::Running)) => self.poll(response, state),
            Some((state, OperationStatus::Failed)) => PollDecision::Failed(state.to_owned()),
            _ if self.method == Method::Delete => self.poll(response, state),
            _ => PollDecision::Succeeded,
        }
    }

    fn poll(&self, response: &PollResponse<'_>, status: Option<&str>) -> PollDecision {
        let url = match &self.target {
            PollTarget::Status(url) | PollTarget::Location(url) => url,
            PollTarget::Resource => &self.resource,
        };
        PollDecision::Poll {
            url: url.clone(),
            after: retry_after(response.headers),
            status: status.map_or_else(|| "Accepted".to_owned(), clean),
        }
    }

    /// The URL in a header, resolved if relative. `None` if its host is outside of ARM.
    fn link(&self, response: &PollResponse<'_>, header: &HeaderName) -> Option<Url> {
        let text = response.headers.get_optional_str(header)?.trim();
        if text.is_empty() {
            return None;
        }
        let url = self.endpoint.join(text).ok()?;
        is_trusted(&self.endpoint, &url).then_some(url)
    }

    fn is_resource(&self, url: &Url) -> bool {
        url.path().eq_ignore_ascii_case(self.resource.path())
    }
}

/// Whether the provisioning state of a resource is final: `Succeeded`, `Failed`, `Canceled`, or absent.
pub fn is_settled(resource: &Value) -> bool {
    provisioning_state(resource)
        .is_none_or(|state| !matches!(resource_status(state), OperationStatus::Running))
}

/// `properties.provisioningState` of a resource.
pub fn provisioning_state(resource: &Value) -> Option<&str> {
    let state = resource
        .pointer("/properties/provisioningState")?
        .as_str()?;
    (!state.is_empty()).then_some(state)
}

fn status_word(body: Option<&Value>) -> Option<&str> {
    let body = body?;
    let word = body
        .get("status")
        .or_else(|| body.get("Status"))?
        .as_str()?;
    (!word.is_empty()).then_some(word)
}

/// Every other word means running; some services write free text.
fn operation_status(word: &str) -> OperationStatus {
    let is = |end: &str| word.eq_ignore_ascii_case(end);
    if is("Succeeded") {
        OperationStatus::Succeeded
    } else if is("Failed") || is("Canceled") || is("Cancelled") {
        OperationStatus::Failed
    } else {
        OperationStatus::Running
    }
}

/// As [`operation_status`], with the final states that only a few types use.
fn resource_status(state: &str) -> OperationStatus {
    if state.eq_ignore_ascii_case("Ready") || state.eq_ignore_ascii_case("Completed") {
        return OperationStatus::Succeeded;
    }
    operation_status(state)
}

#[cfg(test)]
#[path = "operation_tests.rs"]
mod tests;
