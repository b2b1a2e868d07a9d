//! Faults of the network and of Azure, scheduled by request number or by method and path.

use crate::http::{Method, Request};
use crate::wildcard;

/// A fault of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The server does not listen: the world does not get the request.
    ConnectionRefused,
    /// The connection breaks before the request arrives.
    ResetBefore,
    /// The world handles the request, but the response is lost.
    ResetAfter,
    /// The response is an error, and the world does not get the request.
    Status {
        /// The HTTP status.
        status: u16,
        /// ARM's error code.
        code: String,
        /// ARM's error message.
        message: String,
        /// `Retry-After` in seconds.
        retry_after: Option<u64>,
    },
    /// A read returns the state before the last change of the resource.
    StaleRead,
    /// The response is late by this many milliseconds.
    Delay(u64),
    /// The response reports an expired token.
    Unauthorized,
    /// A proxy on the way answers with an HTML page and status 404, and the world does not get the request.
    ProxyNotFound,
    /// A GET is answered with status 204 and no body. Other requests are handled without a fault.
    NoContent,
    /// A GET is answered with status 200 and an empty body. Other requests are handled without a fault.
    EmptyBody,
    /// A list has no items, as one that lags behind. Other requests are handled without a fault.
    EmptyList,
    /// The request is accepted, but the operation that it starts fails.
    FailOperation {
        /// The error code of the operation.
        code: String,
        /// The error message of the operation.
        message: String,
    },
}

impl Fault {
    /// An error response with the code that Azure uses for the status, such as `TooManyRequests` for 429.
    pub fn status(status: u16, retry_after: Option<u64>) -> Self {
        let (code, message) = match status {
            429 => ("TooManyRequests", "The request is being throttled."),
            500 => ("InternalServerError", "Internal server error occurred."),
            503 => (
                "ServiceUnavailable",
                "The service is unavailable now. Please retry the request later.",
            ),
            504 => (
                "GatewayTimeout",
                "The gateway did not receive a response in time.",
            ),
            _ => ("Fault", "A fault was scheduled for this request."),
        };
        Self::Status {
            status,
            code: code.to_owned(),
            message: message.to_owned(),
            retry_after,
        }
    }
}

/// Selects among the requests that match a rule, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occurrence {
    /// One request.
    Nth(u64),
    /// This many requests.
    First(u64),
    /// All requests.
    Every,
}

#[derive(Clone, Debug)]
enum Trigger {
    Index(u64),
    Match {
        method: Option<Method>,
        pattern: String,
        occurrence: Occurrence,
        seen: u64,
    },
}

/// A schedule of faults. The first rule that matches a request decides.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    rules: Vec<(Trigger, Fault)>,
}

impl Faults {
    /// A schedule without faults.
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds a rule for the request with this number, counted from 0 over all requests including sign-in.
    #[must_use]
    pub fn at(mut self, index: u64, fault: Fault) -> Self {
        self.rules.push((Trigger::Index(index), fault));
        self
    }

    /// Adds a rule for requests with this method (`None` for any) whose path matches `pattern`. In the pattern, `*`
    /// matches any text. Matching is case-insensitive.
    #[must_use]
    pub fn on(
        mut self,
        method: impl Into<Option<Method>>,
        pattern: &str,
        occurrence: Occurrence,
        fault: Fault,
    ) -> Self {
        let trigger = Trigger::Match {
            method: method.into(),
            pattern: pattern.to_owned(),
            occurrence,
            seen: 0,
        };
        self.rules.push((trigger, fault));
        self
    }

    /// The fault of the next request. Counts the request for each rule that it matches.
    pub(crate) fn next(&mut self, index: u64, request: &Request) -> Option<Fault> {
        let mut next = None;
        for (trigger, fault) in &mut self.rules {
            let applies = match trigger {
                Trigger::Index(at) => *at == index,
                Trigger::Match {
                    method,
                    pattern,
                    occurrence,
                    seen,
                } => {
                    let matches = method.is_none_or(|method| method == request.method)
                        && wildcard::matches(pattern, &request.path);
                    *seen += u64::from(matches);
                    matches
                        && match occurrence {
                            Occurrence::Nth(n) => seen == n,
                            Occurrence::First(n) => seen <= n,
                            Occurrence::Every => true,
                        }
                }
            };
            if applies && next.is_none() {
                next = Some(fault.clone());
            }
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_matching_rule_decides_and_every_match_counts() {
        let mut faults = Faults::none()
            .at(2, Fault::ResetAfter)
            .on(Method::Put, "/A/*", Occurrence::Nth(2), Fault::StaleRead)
            .on(None, "*", Occurrence::First(1), Fault::Unauthorized);
        let mut next = |index, method| faults.next(index, &Request::new(method, "/a/b"));
        assert_eq!(next(0, Method::Put), Some(Fault::Unauthorized));
        assert_eq!(next(1, Method::Get), None);
        assert_eq!(next(2, Method::Get), Some(Fault::ResetAfter));
        assert_eq!(next(3, Method::Put), Some(Fault::StaleRead));
        assert_eq!(next(4, Method::Put), None);
    }
}
