//! The state machine of a long-running operation: what an answer means, and where to ask next.
//!
//! It does no I/O. The rules are those of recorded ARM traffic (ARM facts: asynchronous operations).

use crate::path::is_trusted;
use azure_core::http::{
    Method, Url,
    headers::{HeaderName, Headers},
};
use serde_json::Value;
use std::time::Duration;

const AZURE_ASYNC_OPERATION: HeaderName = HeaderName::from_static("azure-asyncoperation");
const LOCATION: HeaderName = HeaderName::from_static("location");

/// How many polls may find nothing where a resource was accepted for creation.
const MAY_BE_ABSENT: u32 = 30;

/// What the operation looks at in an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen<'a> {
    pub(crate) status: u16,
    pub(crate) headers: &'a Headers,
    pub(crate) body: Option<&'a Value>,
}

/// What an answer means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Ended well.
    Done,
    /// GET `url` after `after`, or after a time of one's own.
    Poll {
        url: Url,
        after: Option<Duration>,
        /// The service's word for its state, as free text.
        status: String,
    },
    /// Ended badly, with this status word.
    Failed(String),
    /// The only way to follow the operation is a host that is not ARM's.
    Foreign,
}

/// An operation that was accepted.
#[derive(Debug)]
pub(crate) struct Operation {
    method: Method,
    endpoint: Url,
    resource: Url,
    track: Track,
    absent: u32,
}

/// What is polled.
#[derive(Debug)]
enum Track {
    /// A status document: its `status` counts, not the HTTP status.
    Status(Url),
    /// An operation result: 202 is running, any other success is the end.
    Location(Url),
    /// The resource itself and its `provisioningState`.
    Resource,
}

enum Verdict {
    Running,
    Succeeded,
    Failed,
}

impl Operation {
    /// Reads the accepted (2xx) answer to `method resource`.
    pub(crate) fn begin(
        method: Method,
        endpoint: &Url,
        resource: &Url,
        seen: Seen<'_>,
    ) -> (Self, Step) {
        let mut operation = Self {
            method,
            endpoint: endpoint.clone(),
            resource: resource.clone(),
            track: Track::Resource,
            absent: 0,
        };
        let step = operation.accepted(seen);
        (operation, step)
    }

    /// Follows a resource that something else writes.
    pub(crate) fn watch(endpoint: &Url, resource: &Url, seen: Seen<'_>) -> (Self, Step) {
        let mut operation = Self {
            method: Method::Get,
            endpoint: endpoint.clone(),
            resource: resource.clone(),
            track: Track::Resource,
            absent: 0,
        };
        let step = operation.next(seen);
        (operation, step)
    }

    /// Whether a document of its own tells how it goes.
    pub(crate) fn has_status(&self) -> bool {
        matches!(self.track, Track::Status(_))
    }

    /// What follows from the state in which a list shows the resource that is made; to be looked at again after the same
    /// time. Nothing where it ended badly: why, only the operation knows.
    pub(crate) fn listed(&self, state: &str, url: &Url, after: Option<Duration>) -> Option<Step> {
        match final_state(state) {
            Verdict::Succeeded => Some(Step::Done),
            Verdict::Failed => None,
            Verdict::Running => Some(Step::Poll {
                url: url.clone(),
                after,
                status: crate::error::clean(state),
            }),
        }
    }

    fn accepted(&mut self, seen: Seen<'_>) -> Step {
        let writes = matches!(self.method, Method::Put | Method::Patch);
        let state = seen.body.and_then(provisioning_state);
        if seen.status == 204 {
            return Step::Done;
        }
        if let Some(url) = self.link(&seen, &AZURE_ASYNC_OPERATION) {
            // Network sends the header also beside a body that is final already.
            if writes
                && seen.status != 202
                && matches!(state.map(final_state), Some(Verdict::Succeeded))
            {
                return Step::Done;
            }
            self.track = Track::Status(url);
            return self.poll(&seen, state);
        }
        if seen.status == 202 {
            return self.accepted_by_location(&seen, state);
        }
        match state.map(|state| (state, final_state(state))) {
            Some((_, Verdict::Running)) if writes => self.poll(&seen, state),
            Some((state, Verdict::Failed)) if writes => Step::Failed(state.to_owned()),
            _ => Step::Done,
        }
    }

    /// A 202 without a status document. With 200 and 201 `Location` is the resource, not an operation.
    fn accepted_by_location(&mut self, seen: &Seen<'_>, state: Option<&str>) -> Step {
        let named = seen.headers.get_optional_str(&LOCATION).is_some();
        match self.link(seen, &LOCATION) {
            Some(url) if self.method == Method::Delete && self.is_resource(&url) => {}
            Some(url) => self.track = Track::Location(url),
            None if self.method == Method::Post && named => return Step::Foreign,
            None if self.method == Method::Post => return Step::Done,
            None => {}
        }
        self.poll(seen, state)
    }

    /// Reads the answer to a poll; `404` included.
    pub(crate) fn next(&mut self, seen: Seen<'_>) -> Step {
        if matches!(seen.status, 404 | 410) {
            return self.gone(&seen);
        }
        self.absent = 0;
        match &self.track {
            Track::Status(_) => self.next_status(&seen),
            Track::Location(_) => self.next_location(&seen),
            Track::Resource => self.next_resource(&seen),
        }
    }

    /// What was polled is not there: a deleted resource, a status that is kept no longer, or a
    /// resource that is not yet there.
    fn gone(&mut self, seen: &Seen<'_>) -> Step {
        if matches!(self.method, Method::Delete | Method::Get) {
            return Step::Done;
        }
        if self.method == Method::Post {
            return Step::Failed("NotFound".to_owned());
        }
        self.track = Track::Resource;
        self.absent += 1;
        if self.absent > MAY_BE_ABSENT {
            return Step::Failed("NotFound".to_owned());
        }
        self.poll(seen, Some("NotFound"))
    }

    fn next_status(&mut self, seen: &Seen<'_>) -> Step {
        if let Some(newer) = self.link(seen, &AZURE_ASYNC_OPERATION) {
            self.track = Track::Status(newer);
        }
        match status_word(seen.body).or_else(|| seen.body.and_then(provisioning_state)) {
            Some(word) => match verdict(word) {
                Verdict::Running => self.poll(seen, Some(word)),
                Verdict::Succeeded => Step::Done,
                Verdict::Failed => Step::Failed(word.to_owned()),
            },
            None if seen.status == 202 => self.poll(seen, None),
            None => Step::Done,
        }
    }

    fn next_location(&mut self, seen: &Seen<'_>) -> Step {
        let word = status_word(seen.body);
        if let Some(word) = word
            && matches!(verdict(word), Verdict::Failed)
        {
            return Step::Failed(word.to_owned());
        }
        if seen.status == 202 {
            if let Some(newer) = self.link(seen, &LOCATION) {
                self.track = Track::Location(newer);
            }
            return self.poll(seen, word);
        }
        let state = seen
            .body
            .and_then(provisioning_state)
            .filter(|_| self.method != Method::Delete);
        match state.map(|state| (state, final_state(state))) {
            Some((_, Verdict::Running)) => {
                self.track = Track::Resource;
                self.poll(seen, state)
            }
            Some((state, Verdict::Failed)) => Step::Failed(state.to_owned()),
            _ => Step::Done,
        }
    }

    fn next_resource(&mut self, seen: &Seen<'_>) -> Step {
        let state = seen.body.and_then(provisioning_state);
        match state.map(|state| (state, final_state(state))) {
            Some((_, Verdict::Running)) => self.poll(seen, state),
            Some((state, Verdict::Failed)) => Step::Failed(state.to_owned()),
            _ if self.method == Method::Delete => self.poll(seen, state),
            _ => Step::Done,
        }
    }

    fn poll(&self, seen: &Seen<'_>, status: Option<&str>) -> Step {
        let url = match &self.track {
            Track::Status(url) | Track::Location(url) => url,
            Track::Resource => &self.resource,
        };
        Step::Poll {
            url: url.clone(),
            after: crate::error::retry_after(seen.headers),
            status: status.map_or_else(|| "Accepted".to_owned(), crate::error::clean),
        }
    }

    /// A header's URL, relative ones resolved; none where it leads away from ARM.
    fn link(&self, seen: &Seen<'_>, header: &HeaderName) -> Option<Url> {
        let text = seen.headers.get_optional_str(header)?.trim();
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

/// Whether a resource is in a state that Azure leaves it in: `Succeeded`, `Failed`, `Canceled`, or none at all.
pub fn is_settled(resource: &Value) -> bool {
    provisioning_state(resource).is_none_or(|state| !matches!(final_state(state), Verdict::Running))
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

/// Every word but these means running; some services write free text.
fn verdict(word: &str) -> Verdict {
    let is = |end: &str| word.eq_ignore_ascii_case(end);
    if is("Succeeded") {
        Verdict::Succeeded
    } else if is("Failed") || is("Canceled") || is("Cancelled") {
        Verdict::Failed
    } else {
        Verdict::Running
    }
}

/// As [`verdict`]; a few types end in words of their own and would be waited for without end.
fn final_state(state: &str) -> Verdict {
    if state.eq_ignore_ascii_case("Ready") || state.eq_ignore_ascii_case("Completed") {
        return Verdict::Succeeded;
    }
    verdict(state)
}

#[cfg(test)]
#[path = "operation_tests.rs"]
mod tests;
