//! Every recorded error response and failed operation: the client reports the innermost code and message.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use azure_core::http::{AsyncRawResponse, HttpClient, Request, Transport};
use lazuli_arm::{ArmError, BackoffLimits, ClientOptions, ignore_waits};
use serde_json::Value as Json;

use crate::{
    recordings::{self, Interaction},
    transport::{public_cloud_client, response},
};

/// The innermost code and message of an error document.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct InnermostError {
    pub code: Option<String>,
    pub message: Option<String>,
}

/// Finds the most deeply nested message and the nearest code around it. Independent of the formats of errors: it uses only
/// the names `code` and `message`, and parses JSON inside of texts.
pub fn innermost(document: &Json) -> InnermostError {
    let mut deepest = (0, InnermostError::default());
    descend(document, 1, None, &mut deepest);
    deepest.1
}

fn descend(value: &Json, depth: usize, code: Option<&str>, deepest: &mut (usize, InnermostError)) {
    match value {
        Json::Array(entries) => {
            for entry in entries {
                descend(entry, depth, code, deepest);
            }
        }
        Json::Object(members) => {
            let named = |name: &str| {
                members
                    .iter()
                    .find(|(key, _)| key.eq_ignore_ascii_case(name))
                    .map(|(_, value)| value)
            };
            let own = match named("code") {
                Some(Json::String(own)) if !own.is_empty() => Some(own.clone()),
                Some(Json::Number(own)) => Some(own.to_string()),
                _ => None,
            };
            let code = own.as_deref().or(code);
            let text = named("message").or(named("title")).and_then(Json::as_str);
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                match json_within(text) {
                    Some(inner) => descend(&inner, depth + 1, code, deepest),
                    None if depth > deepest.0 => {
                        let message = Some(one_line(text));
                        let code = code.map(str::to_owned);
                        *deepest = (depth, InnermostError { code, message });
                    }
                    None => {}
                }
            } else if deepest.0 == 0 {
                deepest.1.code = code.map(str::to_owned);
            }
            for (key, value) in members {
                if !key.eq_ignore_ascii_case("additionalInfo") {
                    descend(value, depth + 1, code, deepest);
                }
            }
        }
        _ => {}
    }
}

/// The JSON object in a text, between its first and its last brace.
fn json_within(text: &str) -> Option<Json> {
    let json = text.get(text.find('{')?..=text.rfind('}')?)?;
    serde_json::from_str(json)
        .or_else(|_| serde_json::from_str(&json.replace("\\\"", "\"")))
        .ok()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Compares the error that the client reports with the document.
pub fn assert_reports(error: &ArmError, document: &Json, what: &str) {
    let expected = innermost(document);
    assert_eq!(error.code, expected.code, "{what}");
    if let Some(message) = expected.message {
        let reported = error.message.trim_end_matches('…');
        assert!(
            message.starts_with(reported),
            "{what}: {reported:?} {message:?}"
        );
        assert!(
            reported == message || reported.len() > 1000,
            "{what}: {reported:?}"
        );
    }
    let shown = error.to_string();
    for raw in [
        "{\"error\"",
        "{\\\"error\\\"",
        "{\"code\"",
        "<html",
        "<!DOCTYPE",
    ] {
        assert!(!shown.contains(raw), "{what}: {shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_error_response_is_reported_by_its_innermost_error() {
    let Some(recordings) = recordings::load_all() else {
        return;
    };
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    let mut escaped = 0;
    for recording in &recordings {
        for failure in recording.interactions.iter().filter(|it| it.status >= 400) {
            let what = format!("{}: {} {}", recording.name, failure.method, failure.path);
            let error = error_for([failure]).await;
            assert_eq!(error.status, Some(failure.status), "{what}");
            match &failure.response_body {
                Some(document @ Json::Object(_)) => {
                    assert_reports(&error, document, &what);
                    escaped += u32::from(document.to_string().contains(r#"{\"error\""#));
                }
                // HTML or no body: the message is the title of the page, or the name of the status.
                _ => {
                    assert_eq!(error.code, None, "{what}");
                    assert!(
                        !error.message.is_empty() && !error.message.contains('<'),
                        "{what}"
                    );
                }
            }
            let code = error.code.as_deref().unwrap_or("(no code)");
            *counts
                .entry(format!("{} {code}", failure.status))
                .or_default() += 1;
        }
    }
    for (kind, n) in &counts {
        println!("{n:5}  {kind}");
    }
    let all: u32 = counts.values().sum();
    println!("{all} error responses, {escaped} of them with JSON inside their message");
    assert!(all > 0 && escaped > 0);
}

#[tokio::test(start_paused = true)]
async fn every_failed_operation_is_reported_by_its_innermost_error() {
    let Some(recordings) = recordings::load_all() else {
        return;
    };
    let mut failed = 0;
    for recording in &recordings {
        for status in recording.interactions.iter().filter(|it| has_failed(it)) {
            let what = format!("{}: {}", recording.name, status.path);
            let mut accepted = status.clone();
            accepted.status = 202;
            accepted.response_body = None;
            accepted.response_headers = BTreeMap::from([(
                "Azure-AsyncOperation".to_owned(),
                format!("https://management.azure.com{}", status.path),
            )]);
            let error = error_for([&accepted, status]).await;
            assert_eq!(error.status, None, "{what}");
            assert_reports(&error, status.response_body.as_ref().unwrap(), &what);
            println!(
                "{} {}",
                error.code.as_deref().unwrap_or_default(),
                error.message
            );
            failed += 1;
        }
    }
    println!("{failed} failed operations");
    assert!(failed > 0);
}

/// Whether the interaction returned the status document of a failed operation.
pub fn has_failed(interaction: &Interaction) -> bool {
    let word = interaction
        .response_body
        .as_ref()
        .and_then(|body| body.get("status"))
        .and_then(Json::as_str)
        .unwrap_or_default()
        .to_ascii_lowercase();
    interaction.method == "GET"
        && interaction.status < 300
        && matches!(word.as_str(), "failed" | "canceled" | "cancelled")
}

/// The error of the client after these responses in order. It sends a POST, for which no failure counts as success.
async fn error_for<'a>(responses: impl IntoIterator<Item = &'a Interaction>) -> ArmError {
    let responses = ResponseScript(Mutex::new(responses.into_iter().cloned().collect()));
    let once = BackoffLimits {
        attempts: 1,
        ..BackoffLimits::TRANSIENT
    };
    let options = ClientOptions {
        transient: once,
        busy: once,
        ..ClientOptions::default()
    };
    let client = public_cloud_client(Transport::new(Arc::new(responses)), options).await;
    let path = "/subscriptions/s/providers/Microsoft.Test/things/t/do";
    client
        .post(path, "2024-01-01", None, &ignore_waits)
        .await
        .unwrap_err()
}

#[derive(Debug)]
struct ResponseScript(Mutex<VecDeque<Interaction>>);

#[async_trait]
impl HttpClient for ResponseScript {
    async fn execute_request(&self, _: &Request) -> azure_core::Result<AsyncRawResponse> {
        let next = self.0.lock().unwrap().pop_front().unwrap();
        Ok(response(&next))
    }
}
