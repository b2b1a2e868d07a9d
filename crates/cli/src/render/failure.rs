//! What Azure refused, for a person: code and message, the request, and what to do.

use std::{
    collections::HashSet,
    mem::{Discriminant, discriminant},
};

use lazuli_arm::{ArmError, ErrorKind};
use lazuli_engine::Failure;

use super::{
    said,
    style::{Style, Tint, block},
};
use crate::refusal::Refusal;

/// Of requests that failed in the same way, so many are named.
const NAMED: usize = 3;

/// Failures outside of steps. Those that have the same cause are shown once, with the requests that it hit.
pub(crate) fn refusals(refusals: &[Refusal], style: &Style) -> String {
    let mut causes: Vec<(Cause<'_>, Vec<&Refusal>)> = Vec::new();
    for refusal in refusals {
        let cause = Cause::of(&refusal.error);
        match causes.iter_mut().find(|(known, _)| *known == cause) {
            Some((_, alike)) => alike.push(refusal),
            None => causes.push((cause, vec![refusal])),
        }
    }
    let shown: Vec<String> = causes
        .iter()
        .filter_map(|(_, errors)| errors.split_first())
        .map(|(first, others)| same_cause(first, others, style))
        .collect();
    shown.join("\n")
}

/// What makes two failures one to a person.
#[derive(PartialEq)]
struct Cause<'a> {
    kind: Discriminant<ErrorKind>,
    status: Option<u16>,
    code: Option<&'a str>,
    /// The message, where it says more than which request it was.
    message: Option<&'a str>,
}

impl<'a> Cause<'a> {
    fn of(error: &'a ArmError) -> Self {
        let is_about_all = matches!(
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
            message: (!is_about_all).then_some(error.message.as_str()),
        }
    }
}

fn same_cause(first: &Refusal, others: &[&Refusal], style: &Style) -> String {
    let error = &first.error;
    let mut text = said("error:", Tint::Red, &headline(error), style);
    text.push_str(&block(2, &request(error), style.width));
    for other in others.iter().take(NAMED - 1) {
        text.push_str(&block(2, &request(&other.error), style.width));
    }
    match others.len().saturating_sub(NAMED - 1) {
        0 => {}
        1 => text.push_str("  and 1 more request in the same way\n"),
        more => text.push_str(&format!("  and {more} more requests in the same way\n")),
    }
    text.push_str(&correlation(error, 2, style));
    let mut named = HashSet::new();
    let about: Vec<&str> = std::iter::once(first)
        .chain(others.iter().copied())
        .flat_map(|refusal| refusal.about.iter().map(String::as_str))
        .filter(|about| named.insert(*about))
        .collect();
    text.push_str(&asked_for(&about, style));
    text.push_str(&help(error.hint(), 2, style));
    text
}

/// `asked for recordings (stack.yaml:9:3), hub (stack.yaml:20:3) and 4 more`
fn asked_for(about: &[&str], style: &Style) -> String {
    let named = about.get(..NAMED).unwrap_or(about).join(", ");
    let line = match about.len().saturating_sub(NAMED) {
        _ if about.is_empty() => return String::new(),
        0 => format!("asked for {named}"),
        more => format!("asked for {named} and {more} more"),
    };
    block(2, &line, style.width)
}

/// The failure of a step, moved in below its line.
pub(super) fn of_step(failure: &Failure, indent: usize, style: &Style) -> String {
    let mut text = String::new();
    match failure {
        Failure::Arm(error) => {
            text.push_str(&block(indent, &headline(error), style.width));
            text.push_str(&block(indent, &request(error), style.width));
            text.push_str(&correlation(error, indent, style));
        }
        Failure::MissingOutput(_) => {
            text.push_str(&block(indent, &failure.to_string(), style.width))
        }
    }
    text + &help(failure.hint(), indent, style)
}

/// `AuthorizationFailed: The client ... does not have ...`
fn headline(error: &ArmError) -> String {
    let message = error.message.trim_end();
    match &error.code {
        Some(code) => format!("{code}: {message}"),
        None => message.to_owned(),
    }
}

/// `GET /subscriptions/... answered 403`
fn request(error: &ArmError) -> String {
    match error.status {
        Some(status) => format!("{} {} answered {status}", error.method, error.path),
        None => format!("{} {}", error.method, error.path),
    }
}

fn correlation(error: &ArmError, indent: usize, style: &Style) -> String {
    let id = error.correlation_id.as_ref();
    id.map_or_else(String::new, |id| {
        block(indent, &format!("correlation id {id}"), style.width)
    })
}

fn help(hint: Option<String>, indent: usize, style: &Style) -> String {
    hint.map_or_else(String::new, |hint| {
        block(indent, &format!("help: {hint}"), style.width)
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
        let errors = errors.into_iter().cloned().map(Refusal::from);
        refusals(&errors.collect::<Vec<_>>(), style)
    }

    #[test]
    fn a_refused_read_says_for_which_entries_it_was() {
        let error = arm_error(403, "AuthorizationFailed", "No.");
        let refusal = |about: &[&str]| Refusal {
            error: error.clone(),
            about: about.iter().map(ToString::to_string).collect(),
        };
        let shown = |all: &[Refusal]| refusals(all, &Style::default());
        assert!(
            shown(&[refusal(&["a (s.yaml:4:3)", "b (s.yaml:5:3)"])])
                .contains("\n  asked for a (s.yaml:4:3), b (s.yaml:5:3)\n")
        );
        let many = shown(&[refusal(&["a", "b", "c"]), refusal(&["c", "d", "e"])]);
        assert!(
            many.contains("\n  asked for a, b, c and 2 more\n"),
            "{many}"
        );
        let twice = shown(&[refusal(&["a", "b"]), refusal(&["a", "b"])]);
        assert!(twice.contains("\n  asked for a, b\n"), "{twice}");
        assert!(!shown(&[refusal(&[])]).contains("asked for"));
    }

    #[test]
    fn a_refusal_says_code_message_request_and_what_to_do() {
        let error = arm_error(
            403,
            "AuthorizationFailed",
            "The client 'c' with object id 'c' does not have authorization to perform action \
             'Microsoft.Storage/storageAccounts/write' over scope '/subscriptions/s' or the scope is invalid.",
        );
        let correlation = error
            .correlation_id
            .as_ref()
            .map(|id| format!("  correlation id {id}\n"));
        assert_eq!(
            arm_errors([&error], &Style::default()),
            format!(
                "\
error: AuthorizationFailed: The client 'c' with object id 'c' does not have
authorization to perform action 'Microsoft.Storage/storageAccounts/write' over
scope '/subscriptions/s' or the scope is invalid.
  GET /metadata/endpoints answered 403
{}  help: A role with this right is needed, such as Contributor on
  /subscriptions/s. A fresh grant can take ten minutes to work
",
                correlation.unwrap_or_default()
            )
        );
    }

    #[test]
    fn ten_failures_of_one_cause_are_shown_once() {
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
            text.contains("  and 7 more requests in the same way\n"),
            "{text}"
        );
        assert!(text.contains("error: InvalidResourceType: one\n"), "{text}");
        assert!(text.contains("error: InvalidResourceType: two\n"), "{text}");
    }

    #[test]
    fn a_broken_connection_has_no_code_and_no_status() {
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
    fn no_control_character_of_azure_reaches_the_terminal() {
        let error = arm_error(400, "Bad\u{1b}[2J", "No\u{7}\u{202e}pe\r\nat all\u{9b}");
        let text = arm_errors([&error], &Style::default());
        assert!(
            text.chars().all(|shown| shown == '\n' || is_shown(shown)),
            "{text:?}"
        );
    }
}
