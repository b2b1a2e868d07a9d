//! What goes wrong on the wire, and when: a schedule of faults by request number or by method and path.

use crate::http::{Method, Request};

/// One thing that goes wrong with one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nobody listens; the world never sees the request.
    ConnectionRefused,
    /// The connection breaks before the request arrives.
    ResetBefore,
    /// The world acts on the request, and the answer is lost.
    ResetAfter,
    /// The world never sees the request; this is answered instead.
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
    /// A read shows what was there before the last change of what is read.
    StaleRead,
    /// The answer comes so many milliseconds late.
    Delay(u64),
    /// The token has expired, says the answer.
    Unauthorized,
    /// The request is accepted, and the operation that it starts ends badly.
    FailOperation {
        /// The error code of the operation.
        code: String,
        /// The error message of the operation.
        message: String,
    },
}

impl Fault {
    /// An answer of that status with a plausible code: 429 throttled, 500, 503 and others.
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

/// Which of the requests that match a pattern a fault hits, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occurrence {
    /// Only that one.
    Nth(u64),
    /// All up to that one.
    First(u64),
    /// All.
    Every,
}

#[derive(Clone, Debug)]
enum When {
    Index(u64),
    Match {
        method: Option<Method>,
        pattern: String,
        occurrence: Occurrence,
        seen: u64,
    },
}

/// A schedule of faults. The first rule that fits a request decides.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    rules: Vec<(When, Fault)>,
}

impl Faults {
    /// A schedule on which nothing goes wrong.
    pub fn none() -> Self {
        Self::default()
    }

    /// Also: the request of that number, counted from 0 over everything sent, sign-in included.
    #[must_use]
    pub fn at(mut self, index: u64, fault: Fault) -> Self {
        self.rules.push((When::Index(index), fault));
        self
    }

    /// Also: requests of that method (any if `None`) whose path has the form of `pattern`, where `*` stands for
    /// anything and case does not matter.
    #[must_use]
    pub fn on(
        mut self,
        method: impl Into<Option<Method>>,
        pattern: &str,
        occurrence: Occurrence,
        fault: Fault,
    ) -> Self {
        let when = When::Match {
            method: method.into(),
            pattern: pattern.to_owned(),
            occurrence,
            seen: 0,
        };
        self.rules.push((when, fault));
        self
    }

    /// The fault for the request of that number; counts the request for every rule that it matches.
    pub(crate) fn strike(&mut self, index: u64, request: &Request) -> Option<Fault> {
        let mut struck = None;
        for (when, fault) in &mut self.rules {
            let hit = match when {
                When::Index(at) => *at == index,
                When::Match {
                    method,
                    pattern,
                    occurrence,
                    seen,
                } => {
                    let matches = method.is_none_or(|method| method == request.method)
                        && crate::world::matches(pattern, &request.path);
                    *seen += u64::from(matches);
                    matches
                        && match occurrence {
                            Occurrence::Nth(n) => seen == n,
                            Occurrence::First(n) => seen <= n,
                            Occurrence::Every => true,
                        }
                }
            };
            if hit && struck.is_none() {
                struck = Some(fault.clone());
            }
        }
        struck
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_matches_and_lets_the_first_rule_decide() {
        let mut faults = Faults::none()
            .at(2, Fault::ResetAfter)
            .on(Method::Put, "/A/*", Occurrence::Nth(2), Fault::StaleRead)
            .on(None, "*", Occurrence::First(1), Fault::Unauthorized);
        let mut strike = |index, method| faults.strike(index, &Request::new(method, "/a/b"));
        assert_eq!(strike(0, Method::Put), Some(Fault::Unauthorized));
        assert_eq!(strike(1, Method::Get), None);
        assert_eq!(strike(2, Method::Get), Some(Fault::ResetAfter));
        assert_eq!(strike(3, Method::Put), Some(Fault::StaleRead));
        assert_eq!(strike(4, Method::Put), None);
    }
}
