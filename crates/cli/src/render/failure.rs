//! Failed requests as text: code and message, the request, and what to do.

use std::{
    collections::HashSet,
    mem::{Discriminant, discriminant},
};

use lazuli_arm::{ArmError, ErrorKind};
use lazuli_engine::Failure;

use super::{
    render_message,
    style::{Style, Tint, wrap_block},
};
use crate::failed_request::FailedRequest;

/// The number of requests, and of entries, that are listed per cause.
const LONGEST_LIST: usize = 3;

/// Renders failures outside of steps. Failures with the same cause are shown once, with their requests.
pub(crate) fn render_requests(requests: &[FailedRequest], style: &Style) -> String {
    let mut causes: Vec<(FailureCause<'_>, Vec<&FailedRequest>)> = Vec::new();
    for request in requests {
        let cause = FailureCause::from_error(&request.error);
        match causes.iter_mut().find(|(known, _)| *known == cause) {
            Some((_, same)) => same.push(request),
            None => causes.push((cause, vec![request])),
        }
    }
    let texts: Vec<String> = causes
        .iter()
        .filter_map(|(_, errors)| errors.split_first())
        .map(|(first, others)| render_cause(first, others, style))
        .collect();
    texts.join("\n")
}

/// Failures with equal causes are shown as one.
#[derive(PartialEq)]
struct FailureCause<'a> {
    kind: Discriminant<ErrorKind>,
    status: Option<u16>,
    code: Option<&'a str>,
    /// The message, if it adds to the request.
    message: Option<&'a str>,
}

impl<'a> FailureCause<'a> {
    fn from_error(error: &'a ArmError) -> Self {
        let is_common = matches!(
            error.kind,
            ErrorKind::NotLoggedIn
                | ErrorKind::Forbidden { .. }
                | ErrorKind::Throttled
                | ErrorKind::Unavailable
                | ErrorKind::Network
                | ErrorKind::Tls
                | ErrorKind::Timeout
        );
        Self {
            kind: discriminant(&error.kind),
            status: error.status,
            code: error.code.as_deref(),
            message: (!is_common).then_some(error.message.as_str()),
        }
    }
}

fn render_cause(first: &FailedRequest, others: &[&FailedRequest], style: &Style) -> String {
    let error = &first.error;
    let mut text = render_message("error:", Tint::Red, &format_error(error), style);
    text.push_str(&wrap_block(2, &format_request(error), style.width));
    for other in others.iter().take(LONGEST_LIST - 1) {
        text.push_str(&wrap_block(2, &format_request(&other.error), style.width));
    }
    match others.len().saturating_sub(LONGEST_LIST - 1) {
        0 => {}
        1 => text.push_str("  and 1 more request for the same reason\n"),
        more => text.push_str(&format!("  and {more} more requests for the same reason\n")),
    }
    text.push_str(&render_correlation(error, 2, style));
    let mut seen = HashSet::new();
    let about: Vec<&str> = std::iter::once(first)
        .chain(others.iter().copied())
        .flat_map(|request| request.about.iter().map(String::as_str))
        .filter(|about| seen.insert(*about))
        .collect();
    text.push_str(&render_entries(&about, style));
    text.push_str(&render_help(error.hint(), 2, style));
    text
}

/// `read for recordings (stack.yaml:9:3), hub (stack.yaml:20:3) and 4 more`
fn render_entries(about: &[&str], style: &Style) -> String {
    let named = about.get(..LONGEST_LIST).unwrap_or(about).join(", ");
    let line = match about.len().saturating_sub(LONGEST_LIST) {
        _ if about.is_empty() => return String::new(),
        0 => format!("read for {named}"),
        more => format!("read for {named} and {more} more"),
    };
    wrap_block(2, &line, style.width)
}

/// Renders the failure of a step.
pub(super) fn render_step_failure(failure: &Failure, indent: usize, style: &Style) -> String {
    let mut text = String::new();
    match failure {
        Failure::Arm(error) => {
            text.push_str(&wrap_block(indent, &format_error(error), style.width));
            text.push_str(&wrap_block(indent, &format_request(error), style.width));
            text.push_str(&render_correlation(error, indent, style));
        }
        Failure::MissingOutput(_)
        | Failure::NotOwned(_)
        | Failure::NotEmpty { .. }
        | Failure::Conflict(_)
        | Failure::Appeared(_) => {
            text.push_str(&wrap_block(indent, &failure.to_string(), style.width))
        }
    }
    text + &render_help(failure.hint(), indent, style)
}

/// `AuthorizationFailed: The client ... does not have ...`
fn format_error(error: &ArmError) -> String {
    let message = error.message.trim_end();
    match &error.code {
        Some(code) => format!("{code}: {message}"),
        None => message.to_owned(),
    }
}

/// `GET /subscriptions/... returned 403`
fn format_request(error: &ArmError) -> String {
    match error.status {
        Some(status) => format!("{} {} returned {status}", error.method, error.path),
        None => format!("{} {}", error.method, error.path),
    }
}

fn render_correlation(error: &ArmError, indent: usize, style: &Style) -> String {
    let id = error.correlation_id.as_ref();
    id.map_or_else(String::new, |id| {
        wrap_block(indent, &format!("correlation ID {id}"), style.width)
    })
}

fn render_help(hint: Option<String>, indent: usize, style: &Style) -> String {
    hint.map_or_else(String::new, |hint| {
        wrap_block(indent, &format!("help: {hint}"), style.width)
    })
}

#[cfg(test)]
mod tests {
    use lazuli_sim::Fault;

    use super::*;
    use crate::render::{
        style::is_shown,
        testing::{arm_error, fault},
    };

    fn arm_errors<'a>(errors: impl IntoIterator<Item = &'a ArmError>, style: &Style) -> String {
        let errors = errors.into_iter().cloned().map(FailedRequest::from);
        render_requests(&errors.collect::<Vec<_>>(), style)
    }

    #[test]
    fn failed_read_lists_the_entries_that_need_it() {
        let error = arm_error(403, "AuthorizationFailed", "No.");
        let request = |about: &[&str]| FailedRequest {
            error: error.clone(),
            about: about.iter().map(ToString::to_string).collect(),
        };
        let render = |all: &[FailedRequest]| render_requests(all, &Style::default());
        assert!(
            render(&[request(&["a (s.yaml:4:3)", "b (s.yaml:5:3)"])])
                .contains("\n  read for a (s.yaml:4:3), b (s.yaml:5:3)\n")
        );
        let many = render(&[request(&["a", "b", "c"]), request(&["c", "d", "e"])]);
        assert!(many.contains("\n  read for a, b, c and 2 more\n"), "{many}");
        let twice = render(&[request(&["a", "b"]), request(&["a", "b"])]);
        assert!(twice.contains("\n  read for a, b\n"), "{twice}");
        assert!(!render(&[request(&[])]).contains("read for"));
    }

    #[test]
    fn failure_shows_code_message_request_and_help() {
        let error = arm_error(
            403,
            "AuthorizationFailed",
            "The client 'c' with object id 'c' does not have authorization to perform action \
             'Microsoft.Storage/storageAccounts/write' over scope '/subscriptions/s' or the scope is invalid.",
        );
        let correlation = error.correlation_id.as_ref();
        let correlation =
            correlation.map_or_else(String::new, |id| format!("  correlation ID {id}\n"));
        assert_eq!(
            arm_errors([&error], &Style::default()),
            format!(
                "\
error: AuthorizationFailed: The client 'c' with object id 'c' does not have
authorization to perform action 'Microsoft.Storage/storageAccounts/write' over
scope '/subscriptions/s' or the scope is invalid.
  GET /metadata/endpoints returned 403
{correlation}  help: Assign a role with this permission, such as Contributor on
  /subscriptions/s. A new role assignment can take ten minutes to take effect
"
            )
        );
    }

    #[test]
    fn failures_with_one_cause_are_shown_once() {
        let forbidden = |scope: usize| {
            let message = format!(
                "The client 'c' with object id 'c' does not have authorization to perform action \
                 'Microsoft.Storage/storageAccounts/read' over scope '/subscriptions/{scope}'."
            );
            arm_error(403, "AuthorizationFailed", &message)
        };
        let mut errors: Vec<ArmError> = (0..10).map(forbidden).collect();
        errors.push(arm_error(400, "InvalidResourceType", "one"));
        errors.push(arm_error(400, "InvalidResourceType", "two"));
        let text = arm_errors(&errors, &Style::default());
        assert_eq!(
            text.matches("error: AuthorizationFailed").count(),
            1,
            "{text}"
        );
        assert!(
            text.contains("  and 7 more requests for the same reason\n"),
            "{text}"
        );
        assert!(text.contains("error: InvalidResourceType: one\n"), "{text}");
        assert!(text.contains("error: InvalidResourceType: two\n"), "{text}");
    }

    #[test]
    fn connection_error_has_no_code_and_no_status() {
        let text = arm_errors(
            [&fault(Fault::ConnectionRefused), &fault(Fault::ResetBefore)],
            &Style::default(),
        );
        assert_eq!(text.matches("error: No connection").count(), 1, "{text}");
        assert_eq!(
            text.matches("  GET /metadata/endpoints\n").count(),
            2,
            "{text}"
        );
        assert!(
            text.contains("  help: Check the connection, DNS,"),
            "{text}"
        );
    }

    #[test]
    fn control_characters_from_azure_are_escaped() {
        let error = arm_error(400, "Bad\u{1b}[2J", "No\u{7}\u{202e}pe\r\nat all\u{9b}");
        let text = arm_errors([&error], &Style::default());
        assert!(
            text.chars()
                .all(|character| character == '\n' || is_shown(character)),
            "{text:?}"
        );
    }
}
