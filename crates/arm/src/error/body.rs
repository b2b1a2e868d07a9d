//! Reads the code and message out of every shape in which Azure writes an error.

use serde_json::{Map, Value};

const DEEPEST: usize = 16;
const LONGEST_MESSAGE: usize = 1500;

/// What an error body says, with terminal control characters removed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// Every code from the outermost to the innermost.
    pub(crate) codes: Vec<String>,
    /// The code that belongs to `message`.
    pub(crate) code: Option<String>,
    /// The innermost message, if the body has one.
    pub(crate) message: Option<String>,
    /// Names of the policies that denied the request.
    pub(crate) policies: Vec<String>,
    /// What the innermost part with one says it is about: `properties.minimumTlsVersion`.
    pub(crate) target: Option<String>,
}

/// Reads the body of a response with an error status.
pub(crate) fn read(body: &[u8]) -> Report {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}').trim();
    match serde_json::from_str::<Value>(text) {
        Ok(value) => read_value(&value),
        Err(_) => Report {
            message: plain_text(text),
            ..Report::default()
        },
    }
}

/// Reads an error document that was parsed already, such as the status of a failed operation.
pub(crate) fn read_value(value: &Value) -> Report {
    let mut found = Found::default();
    match value {
        Value::String(text) => found.message(text, 0),
        value => found.walk(value, 0),
    }
    found.into_report()
}

/// Removes what could act on a terminal, and joins lines: one line of text is left.
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

/// Invisible marks that reorder text around them.
fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The title of an HTML page, or text as it is. Never markup.
fn plain_text(text: &str) -> Option<String> {
    if !text.starts_with('<') {
        return Some(clean(text)).filter(|text| !text.is_empty());
    }
    let lower = text.to_ascii_lowercase();
    let start = lower.find("<title>")? + "<title>".len();
    let end = start + lower.get(start..)?.find("</title>")?;
    Some(clean(text.get(start..end)?)).filter(|title| !title.is_empty())
}

#[derive(Default)]
struct Found {
    nodes: Vec<Node>,
    policies: Vec<String>,
    target: Option<String>,
}

struct Node {
    code: Option<String>,
    message: Option<String>,
}

impl Found {
    fn walk(&mut self, value: &Value, depth: usize) {
        let Value::Object(object) = value else { return };
        if depth > DEEPEST {
            return;
        }
        match member(object, "error") {
            Some(inner @ Value::Object(_)) => {
                let before = self.nodes.len();
                self.walk(inner, depth + 1);
                if self.nodes.len() > before {
                    return;
                }
            }
            // The OAuth shape of a token endpoint.
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
        self.node(object, depth);
    }

    /// One object with `code` and `message`, and what is nested in it.
    fn node(&mut self, object: &Map<String, Value>, depth: usize) {
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
            && let Some(detail) = details.iter().find(|detail| says_something(detail))
        {
            self.walk(detail, depth + 1);
        }
        if let Some(inner) = member(object, "innererror").filter(|inner| says_something(inner)) {
            self.walk(inner, depth + 1);
        }
    }

    /// A message, which may hold a whole error document in itself.
    fn message(&mut self, message: &str, depth: usize) {
        let before = self.nodes.len();
        if let Some(document) = embedded(message) {
            self.walk(&document, depth + 1);
        }
        if self
            .nodes
            .iter()
            .skip(before)
            .all(|node| node.message.is_none())
        {
            self.push(None, Some(message.to_owned()));
        }
    }

    fn push(&mut self, code: Option<String>, message: Option<String>) {
        let message = message
            .map(|text| clean(&text))
            .filter(|text| !text.is_empty());
        self.nodes.push(Node { code, message });
    }

    /// Policy names are in `additionalInfo`, in older answers only in the text of the message.
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

    fn into_report(self) -> Report {
        let last = self.nodes.iter().rposition(|node| node.message.is_some());
        let upto = last.map_or(self.nodes.len(), |last| last + 1);
        let code = self
            .nodes
            .iter()
            .take(upto)
            .rev()
            .find_map(|node| node.code.clone());
        Report {
            message: last
                .and_then(|last| self.nodes.get(last))
                .and_then(|node| node.message.clone()),
            code,
            codes: self
                .nodes
                .into_iter()
                .filter_map(|node| node.code)
                .collect(),
            policies: self.policies,
            target: self.target,
        }
    }
}

/// A member by name without regard to case: Web writes `Code` and `Message`.
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

/// A code is a word, or (IoT Hub) a number.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(clean(text)).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Whether a nested error has a message of its own: a bare code would hide the better outer text.
fn says_something(value: &Value) -> bool {
    let Value::Object(object) = value else {
        return false;
    };
    text(object, "message").is_some()
        || member(object, "error").is_some_and(says_something)
        || ["details", "innererror"]
            .iter()
            .any(|name| match member(object, name) {
                Some(Value::Array(entries)) => entries.iter().any(says_something),
                Some(inner) => says_something(inner),
                None => false,
            })
}

/// The first JSON object in a message, also where its quotes are escaped once more.
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
    const SHAPES: &[(&str, Option<&str>, Option<&str>)] = &[
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
            r#"{"code":"NotFound","message":"m"}"#,
            Some("NotFound"),
            Some("m"),
        ),
        (
            r#"{"code":"NotFound","message":"m","details":null,"subcode":""}"#,
            Some("NotFound"),
            Some("m"),
        ),
        (
            r#"{"Code":"Conflict","Message":"m","Target":null,"Details":[{"Message":"m"},{"Code":"Conflict"}],"Innererror":null}"#,
            Some("Conflict"),
            Some("m"),
        ),
        (r#"{"Message":"no GET here"}"#, None, Some("no GET here")),
        (
            r#"{"type":"https://x","title":"Not Found","status":404,"traceId":"00-1"}"#,
            None,
            Some("Not Found"),
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
    fn every_shape_gives_the_innermost_code_and_message() {
        for (body, code, message) in SHAPES {
            let report = read(body.as_bytes());
            assert_eq!(report.code.as_deref(), *code, "{body}");
            assert_eq!(report.message.as_deref(), *message, "{body}");
        }
    }

    #[test]
    fn all_codes_are_kept_from_outside_to_inside() {
        let report =
            read(br#"{"error":{"code":"A","message":"m","details":[{"code":"B","message":"n"}]}}"#);
        assert_eq!(report.codes, ["A", "B"]);
    }

    #[test]
    fn the_innermost_target_is_told() {
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
        let report = read(
            br#"{"error":{"code":"RequestDisallowedByPolicy","message":"no","additionalInfo":[{"type":"PolicyViolation","info":{"policyDefinitionName":"guid","policyAssignmentDisplayName":"Only EU"}}]}}"#,
        );
        assert_eq!(report.policies, ["Only EU"]);
        let report = read(
            br#"{"error":{"code":"RequestDisallowedByPolicy","message":"Resource 'x' was disallowed by policy. Policy identifiers: '[{\"policyAssignment\":{\"name\":\"Allowed regions\",\"id\":\"/x\"}}]'."}}"#,
        );
        assert_eq!(report.policies, ["Allowed regions"]);
        assert!(
            report
                .message
                .is_some_and(|text| text.starts_with("Resource 'x' was disallowed"))
        );
    }

    #[test]
    fn nothing_reaches_the_terminal_but_text() {
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
    fn deep_nesting_ends() {
        let mut body = r#"{"code":"X","message":"m"}"#.to_owned();
        for _ in 0..30 {
            body = format!(r#"{{"error":{{"code":"A","message":"o","details":[{body}]}}}}"#);
        }
        assert_eq!(read(body.as_bytes()).code.as_deref(), Some("A"));
    }
}
