//! Every recorded refusal and every operation that failed: the client tells the innermost code and message.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use azure_core::http::{AsyncRawResponse, HttpClient, Request, Transport};
use lazuli_arm::{ArmError, BackoffLimits, ClientOptions, Quiet};
use serde_json::Value as Json;

use crate::{
    recordings::{self, Interaction},
    transport::{client_of, response},
};

/// The innermost code and message of an error document.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Innermost {
    pub code: Option<String>,
    pub message: Option<String>,
}

/// Finds the message that is nested deepest, and the nearest code around it. Knows no shape of an error, only the
/// names `code` and `message`, and that a text may hold JSON.
pub fn innermost(document: &Json) -> Innermost {
    let mut deepest = (0, Innermost::default());
    descend(document, 1, None, &mut deepest);
    deepest.1
}

fn descend(value: &Json, depth: usize, code: Option<&str>, deepest: &mut (usize, Innermost)) {
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
                        *deepest = (depth, Innermost { code, message });
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

/// Holds what the client tells against what the document says.
pub fn assert_tells(error: &ArmError, document: &Json, what: &str) {
    let expected = innermost(document);
    assert_eq!(error.code, expected.code, "{what}");
    if let Some(message) = expected.message {
        let told = error.message.trim_end_matches('…');
        assert!(message.starts_with(told), "{what}: {told:?} {message:?}");
        assert!(told == message || told.len() > 1000, "{what}: {told:?}");
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
async fn every_refusal_becomes_its_innermost_code_and_message() {
    let Some(recordings) = recordings::all() else {
        return;
    };
    let mut told: BTreeMap<String, u32> = BTreeMap::new();
    let mut escaped = 0;
    for recording in &recordings {
        for refusal in recording.interactions.iter().filter(|it| it.status >= 400) {
            let what = format!("{}: {} {}", recording.name, refusal.method, refusal.path);
            let error = refused([refusal]).await;
            assert_eq!(error.status, Some(refusal.status), "{what}");
            match &refusal.response_body {
                Some(document @ Json::Object(_)) => {
                    assert_tells(&error, document, &what);
                    escaped += u32::from(document.to_string().contains(r#"{\"error\""#));
                }
                // A page of HTML or nothing: the name of the status, or the title of the page.
                _ => {
                    assert_eq!(error.code, None, "{what}");
                    assert!(
                        !error.message.is_empty() && !error.message.contains('<'),
                        "{what}"
                    );
                }
            }
            let code = error.code.as_deref().unwrap_or("(no code)");
            *told
                .entry(format!("{} {code}", refusal.status))
                .or_default() += 1;
        }
    }
    for (kind, n) in &told {
        println!("{n:5}  {kind}");
    }
    let all: u32 = told.values().sum();
    println!("{all} refusals told, {escaped} of them with JSON inside their message");
    assert!(all > 0 && escaped > 0);
}

#[tokio::test(start_paused = true)]
async fn every_failed_operation_becomes_its_innermost_code_and_message() {
    let Some(recordings) = recordings::all() else {
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
            let error = refused([&accepted, status]).await;
            assert_eq!(error.status, None, "{what}");
            assert_tells(&error, status.response_body.as_ref().unwrap(), &what);
            println!(
                "{} {}",
                error.code.as_deref().unwrap_or_default(),
                error.message
            );
            failed += 1;
        }
    }
    println!("{failed} operations that failed");
    assert!(failed > 0);
}

/// Whether it is the status document of an operation that ended badly.
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

/// What the client makes of these answers in their order: of a POST, to which no failure is an answer.
async fn refused<'a>(answers: impl IntoIterator<Item = &'a Interaction>) -> ArmError {
    let answers = Script(Mutex::new(answers.into_iter().cloned().collect()));
    let once = BackoffLimits {
        attempts: 1,
        ..BackoffLimits::TRANSIENT
    };
    let options = ClientOptions {
        transient: once,
        busy: once,
        ..ClientOptions::default()
    };
    let client = client_of(Transport::new(Arc::new(answers)), options).await;
    let path = "/subscriptions/s/providers/Microsoft.Test/things/t/do";
    client
        .post(path, "2024-01-01", None, &Quiet)
        .await
        .unwrap_err()
}

#[derive(Debug)]
struct Script(Mutex<VecDeque<Interaction>>);

#[async_trait]
impl HttpClient for Script {
    async fn execute_request(&self, _: &Request) -> azure_core::Result<AsyncRawResponse> {
        let answer = self.0.lock().unwrap().pop_front().unwrap();
        Ok(response(&answer))
    }
}
