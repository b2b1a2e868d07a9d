//! Reads codes and messages from error bodies in all formats that Azure uses.

use serde_json::{Map, Value};

const DEEPEST: usize = 16;
const LONGEST_MESSAGE: usize = 1500;

/// The content of an error body, without terminal control characters.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ErrorDetails {
    /// All codes, from the outermost to the innermost.
    pub(crate) codes: Vec<String>,
    /// The code that belongs to `message`.
    pub(crate) code: Option<String>,
    /// The innermost message.
    pub(crate) message: Option<String>,
    /// Names of the policies that denied the request.
    pub(crate) policies: Vec<String>,
    /// The innermost target, such as `properties.minimumTlsVersion`.
    pub(crate) target: Option<String>,
}

/// Reads the body of a response with an error status.
pub(crate) fn read(body: &[u8]) -> ErrorDetails {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}').trim();
    match serde_json::from_str::<Value>(text) {
        Ok(value) => read_value(&value),
        Err(_) => ErrorDetails {
            message: plain_text(text),
            ..ErrorDetails::default()
        },
    }
}

/// Reads a parsed error document, such as the status of a failed operation.
pub(crate) fn read_value(value: &Value) -> ErrorDetails {
    let mut reader = DocumentReader::default();
    match value {
        Value::String(text) => reader.message(text, 0),
        value => reader.walk(value, 0),
    }
    reader.into_details()
}

/// Removes characters that could control a terminal, and joins all lines into one.
pub(crate) fn clean(text: &str) -> String {
    let mut line = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        let word = word.trim_matches(is_direction_mark);
        if word.is_empty() {
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(word.chars().filter(|&c| !is_direction_mark(c)));
    }
    if line.chars().count() > LONGEST_MESSAGE {
        line = line.chars().take(LONGEST_MESSAGE).collect();
        line.push('…');
    }
    line
}

/// Invisible characters that change the direction of text.
fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The title of an HTML page, or plain text. Never markup.
fn plain_text(text: &str) -> Option<String> {
    if !text.starts_with('<') {
        return Some(clean(text)).filter(|text| !text.is_empty());
    }
    let lower = text.to_ascii_lowercase();
    let start = lower.find("<title>")? + "<title>".len();
    let end = start + lower.get(start..)?.find("</title>")?;
    Some(clean(text.get(start..end)?)).filter(|title| !title.is_empty())
}

/// Collects the parts of an error document.
#[derive(Default)]
struct DocumentReader {
    parts: Vec<ErrorPart>,
    policies: Vec<String>,
    target: Option<String>,
}

/// One object with a code or a message.
struct ErrorPart {
    code: Option<String>,
    message: Option<String>,
}

impl DocumentReader {
    fn walk(&mut self, value: &Value, depth: usize) {
        let Value::Object(object) = value else { return };
        if depth > DEEPEST {
            return;
        }
        match member(object, "error") {
            Some(inner @ Value::Object(_)) => {
                let before = self.parts.len();
                self.walk(inner, depth + 1);
                if self.parts.len() > before {
                    return;
                }
            }
            // The OAuth format of a token endpoint.
            Some(Value::String(code)) => {
                self.push(Some(clean(code)), text(object, "error_description"));
                return;
            }
            _ => {}
        }
        if let Some(Value::Object(properties)) = member(object, "properties")
            && let Some(inner) = member(properties, "error")
        {
            self.walk(inner, depth + 1);
        }
        self.part(object, depth);
    }

    /// Reads an object with `code` and `message`, and the objects nested in it.
    fn part(&mut self, object: &Map<String, Value>, depth: usize) {
        let code = member(object, "code").and_then(scalar);
        let message = text(object, "message")
            .or_else(|| text(object, "detail"))
            .or_else(|| text(object, "title"));
        if code.is_none() && message.is_none() {
            return;
        }
        self.push(code, None);
        self.target = text(object, "target")
            .map(|target| clean(&target))
            .or(self.target.take());
        if let Some(message) = &message {
            self.message(message, depth);
        }
        self.read_policies(object, message.as_deref());
        if let Some(Value::Array(details)) = member(object, "details")
            && let Some(detail) = details.iter().find(|detail| has_message(detail))
        {
            self.walk(detail, depth + 1);
        }
        if let Some(inner) = member(object, "innererror").filter(|inner| has_message(inner)) {
            self.walk(inner, depth + 1);
        }
    }

    /// Reads a message, which may contain a whole error document.
    fn message(&mut self, message: &str, depth: usize) {
        let before = self.parts.len();
        if let Some(document) = embedded(message) {
            self.walk(&document, depth + 1);
        }
        if self
            .parts
            .iter()
            .skip(before)
            .all(|part| part.message.is_none())
        {
            self.push(None, Some(message.to_owned()));
        }
    }

    fn push(&mut self, code: Option<String>, message: Option<String>) {
        let message = message
            .map(|text| clean(&text))
            .filter(|text| !text.is_empty());
        self.parts.push(ErrorPart { code, message });
    }

    /// Policy names are in `additionalInfo`, in older responses only in the text of the message.
    fn read_policies(&mut self, object: &Map<String, Value>, message: Option<&str>) {
        const NAMES: [&str; 4] = [
            "policyAssignmentDisplayName",
            "policyDefinitionDisplayName",
            "policyAssignmentName",
            "policyDefinitionName",
        ];
        if let Some(Value::Array(infos)) = member(object, "additionalInfo") {
            for info in infos.iter().filter_map(|entry| entry.get("info")) {
                let Value::Object(info) = info else { continue };
                if let Some(name) = NAMES.iter().find_map(|name| text(info, name)) {
                    self.add_policy(&name);
                }
            }
        }
        let Some((_, list)) = message.and_then(|text| text.split_once("Policy identifiers: '"))
        else {
            return;
        };
        let Some(Ok(Value::Array(entries))) = serde_json::Deserializer::from_str(list)
            .into_iter::<Value>()
            .next()
        else {
            return;
        };
        for entry in &entries {
            let name = entry
                .pointer("/policyAssignment/name")
                .and_then(Value::as_str);
            if let Some(name) = name {
                self.add_policy(name);
            }
        }
    }

    fn add_policy(&mut self, name: &str) {
        let name = clean(name);
        if !name.is_empty() && !self.policies.contains(&name) {
            self.policies.push(name);
        }
    }

    fn into_details(self) -> ErrorDetails {
        let last = self.parts.iter().rposition(|part| part.message.is_some());
        let end = last.map_or(self.parts.len(), |last| last + 1);
        let code = self
            .parts
            .iter()
            .take(end)
            .rev()
            .find_map(|part| part.code.clone());
        ErrorDetails {
            message: last
                .and_then(|last| self.parts.get(last))
                .and_then(|part| part.message.clone()),
            code,
            codes: self
                .parts
                .into_iter()
                .filter_map(|part| part.code)
                .collect(),
            policies: self.policies,
            target: self.target,
        }
    }
}

/// A member by name, ignoring case: Microsoft.Web writes `Code` and `Message`.
fn member<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.get(name).or_else(|| {
        object
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    })
}

fn text(object: &Map<String, Value>, name: &str) -> Option<String> {
    let text = member(object, name)?.as_str()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// A code is text, or a number (IoT Hub).
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(clean(text)).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Whether a nested error has a message: a bare code would hide the better outer message.
fn has_message(value: &Value) -> bool {
    let Value::Object(object) = value else {
        return false;
    };
    text(object, "message").is_some()
        || member(object, "error").is_some_and(has_message)
        || ["details", "innererror"]
            .iter()
            .any(|name| match member(object, name) {
                Some(Value::Array(entries)) => entries.iter().any(has_message),
                Some(inner) => has_message(inner),
                None => false,
            })
}

/// The first JSON object in a message, even if its quotes are escaped twice.
fn embedded(message: &str) -> Option<Value> {
    let start = message.find('{')?;
    let json = message.get(start..)?;
    let parse = |json: &str| {
        let value = serde_json::Deserializer::from_str(json)
            .into_iter::<Value>()
            .next()?
            .ok()?;
        value.is_object().then_some(value)
    };
    parse(json).or_else(|| {
        let unescaped = json
            .replace("\\r", " ")
            .replace("\\n", " ")
            .replace("\\\"", "\"");
        parse(&unescaped)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (body, code, message)
    const FORMATS: &[(&str, Option<&str>, Option<&str>)] = &[
        (
            r#"{"error":{"code":"A","message":"m"}}"#,
            Some("A"),
            Some("m"),
        ),
        (
            r#"{"error":{"code":"A","message":"m","details":[],"target":null}}"#,
            Some("A"),
            Some("m"),
        ),
        (
            r#"{"error":{"code":"RetryableError","message":"A retryable error occurred.","details":[{"code":"ReferencedResourceNotProvisioned","message":"why"}]}}"#,
            Some("ReferencedResourceNotProvisioned"),
            Some("why"),
        ),
        (
            r#"{"error":{"code":"A","message":"m","innererror":{"code":"B","message":"n"}}}"#,
            Some("B"),
            Some("n"),
        ),
        (
            r#"{"error":{"code":"A","message":"m","innererror":{"code":"B"}}}"#,
            Some("A"),
            Some("m"),
        ),
        (
            r#"{"error":{"code":"A","message":"m","details":[{"code":"B"}]}}"#,
            Some("A"),
            Some("m"),
        ),
        (
            r#"{"error":{"code":"A","message":"{\"error\":{\"code\":\"B\",\"message\":\"deep\"}}"}}"#,
            Some("B"),
            Some("deep"),
        ),
        (
            r#"{"error":{"code":"FailedIdentityOperation","message":"Identity operation failed with error 'Response: {\r\n \"error\": {\"code\": \"BadRequest\", \"message\": \"Resource 'x' was not found.\"}}'."}}"#,
            Some("BadRequest"),
            Some("Resource 'x' was not found."),
        ),
        (
            r#"{"error":{"code":"A","message":"failed: {\\\"code\\\":\\\"B\\\",\\\"message\\\":\\\"twice\\\"}"}}"#,
            Some("B"),
            Some("twice"),
        ),
        (
            r#"{"code":"NotDocumentReader","message":"m"}"#,
            Some("NotDocumentReader"),
            Some("m"),
        ),
        (
            r#"{"code":"NotDocumentReader","message":"m","details":null,"subcode":""}"#,
            Some("NotDocumentReader"),
            Some("m"),
        ),
        (
            r#"{"Code":"Conflict","Message":"m","Target":null,"Details":[{"Message":"m"},{"Code":"Conflict"}],"Innererror":null}"#,
            Some("Conflict"),
            Some("m"),
        ),
        (r#"{"Message":"no GET here"}"#, None, Some("no GET here")),
        (
            r#"{"type":"https://x","title":"Not DocumentReader","status":404,"traceId":"00-1"}"#,
            None,
            Some("Not DocumentReader"),
        ),
        (
            r#"{"code":404002,"message":"IotHub gone"}"#,
            Some("404002"),
            Some("IotHub gone"),
        ),
        (r#"{"error":{"code":"OnlyCode"}}"#, Some("OnlyCode"), None),
        (
            r#"{"error":{"code":"A","message":"m"},"code":"A","message":"m"}"#,
            Some("A"),
            Some("m"),
        ),
        (
            r#"{"status":"Failed","error":{"code":"A","message":"m"}}"#,
            Some("A"),
            Some("m"),
        ),
        (
            r#"{"properties":{"provisioningState":"Failed","error":{"code":"A","message":"m"}}}"#,
            Some("A"),
            Some("m"),
        ),
        (
            r#"{"error":"invalid_client","error_description":"AADSTS7000215: wrong"}"#,
            Some("invalid_client"),
            Some("AADSTS7000215: wrong"),
        ),
        (
            "<html> <head><TITLE>500 Internal\nServer Error</TITLE></head><body>x</body>",
            None,
            Some("500 Internal Server Error"),
        ),
        (
            "<!DOCTYPE html PUBLIC '-//W3C//DTD'><body>secret</body>",
            None,
            None,
        ),
        ("upstream says no", None, Some("upstream says no")),
        ("", None, None),
        ("null", None, None),
        ("[1]", None, None),
    ];

    #[test]
    fn every_format_yields_the_innermost_code_and_message() {
        for (body, code, message) in FORMATS {
            let details = read(body.as_bytes());
            assert_eq!(details.code.as_deref(), *code, "{body}");
            assert_eq!(details.message.as_deref(), *message, "{body}");
        }
    }

    #[test]
    fn all_codes_are_kept_outermost_first() {
        let details =
            read(br#"{"error":{"code":"A","message":"m","details":[{"code":"B","message":"n"}]}}"#);
        assert_eq!(details.codes, ["A", "B"]);
    }

    #[test]
    fn innermost_target_is_kept() {
        let target = |body: &str| read(body.as_bytes()).target;
        assert_eq!(
            target(
                r#"{"error":{"code":"A","message":"m","target":"a","details":[{"code":"B","message":"n","target":"properties.b"}]}}"#
            )
            .as_deref(),
            Some("properties.b")
        );
        assert_eq!(
            target(
                r#"{"error":{"code":"A","message":"m","target":"a","details":[{"code":"B","message":"n"}]}}"#
            )
            .as_deref(),
            Some("a")
        );
        assert_eq!(target(r#"{"Code":"A","Message":"m","Target":null}"#), None);
    }

    #[test]
    fn policies_are_named() {
        let details = read(
            br#"{"error":{"code":"RequestDisallowedByPolicy","message":"no","additionalInfo":[{"type":"PolicyViolation","info":{"policyDefinitionName":"guid","policyAssignmentDisplayName":"Only EU"}}]}}"#,
        );
        assert_eq!(details.policies, ["Only EU"]);
        let details = read(
            br#"{"error":{"code":"RequestDisallowedByPolicy","message":"Resource 'x' was disallowed by policy. Policy identifiers: '[{\"policyAssignment\":{\"name\":\"Allowed regions\",\"id\":\"/x\"}}]'."}}"#,
        );
        assert_eq!(details.policies, ["Allowed regions"]);
        assert!(
            details
                .message
                .is_some_and(|text| text.starts_with("Resource 'x' was disallowed"))
        );
    }

    #[test]
    fn messages_are_cleaned_of_control_characters_and_truncated() {
        assert_eq!(
            clean("a\u{1b}[31mred\u{7}\r\n\u{202e}b\u{9b}c"),
            "a [31mred b c"
        );
        assert_eq!(
            clean(&"x".repeat(5000)).chars().count(),
            LONGEST_MESSAGE + 1
        );
    }

    #[test]
    fn reading_stops_at_deep_nesting() {
        let mut body = r#"{"code":"X","message":"m"}"#.to_owned();
        for _ in 0..30 {
            body = format!(r#"{{"error":{{"code":"A","message":"o","details":[{body}]}}}}"#);
        }
        assert_eq!(read(body.as_bytes()).code.as_deref(), Some("A"));
    }
}
