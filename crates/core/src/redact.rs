//! Redaction of requests and responses: the same text and JSON without secrets, fit to be shared.

use std::{borrow::Cow, cmp::Reverse, collections::HashSet, sync::LazyLock};

use regex::{Captures, Regex};
use serde_json::Value as Json;

use crate::secret::{HIDDEN, Secret};

/// Removes secrets: values that are registered, values of properties with a sensitive name, and text that looks like a
/// secret. When in doubt, it removes too much.
#[derive(Debug, Clone, Default)]
pub struct Redaction {
    /// The registered secrets in every encoding in which a service may return them, longest first.
    known: Vec<Secret>,
}

/// Shorter secrets are only removed when they are the whole text: as a substring they would match too often.
const SHORTEST_PART: usize = 4;
/// Lines of a secret with at least this length are also removed on their own: services break and join lines.
const SHORTEST_LINE: usize = 12;

impl Redaction {
    /// Registers secrets.
    pub fn add_secrets<'s>(&mut self, secrets: impl IntoIterator<Item = &'s Secret>) {
        let mut known: HashSet<Secret> = self.known.drain(..).collect();
        for secret in secrets {
            let encodings = encodings(secret.expose()).into_iter();
            known.extend(encodings.filter(|text| !text.is_empty()).map(Secret::new));
        }
        self.known = known.into_iter().collect();
        self.known.sort_by_cached_key(|secret| {
            (Reverse(secret.expose().len()), secret.expose().to_owned())
        });
    }

    /// Redacts text of any kind: a URL, a header, a message.
    pub fn text(&self, text: &str) -> String {
        let mut redacted = self.without_known(text);
        if is_key_material(&redacted) {
            return HIDDEN.to_owned();
        }
        for (pattern, replacement) in PATTERNS.iter() {
            redacted = pattern.replace_all(&redacted, *replacement).into_owned();
        }
        without_query_values(&redacted).into_owned()
    }

    /// Redacts the body of a request to this path, or of its response.
    pub fn body(&self, path: &str, body: &Json) -> Json {
        let mut segments = path.split('/').map(str::to_ascii_lowercase);
        let holds_secrets =
            |segment: String| SECRET_SEGMENTS.contains(&segment.as_str()) || returns_keys(&segment);
        if !segments.any(holds_secrets) {
            return self.json(body);
        }
        match body {
            Json::Object(members) => members
                .iter()
                .map(|(key, value)| match key.as_str() {
                    "id" | "name" | "type" | "location" | "error" => {
                        (key.clone(), self.json(value))
                    }
                    _ => (self.without_known(key), hidden(value)),
                })
                .collect(),
            other => hidden(other),
        }
    }

    fn json(&self, value: &Json) -> Json {
        match value {
            Json::String(text) => Json::String(self.text(text)),
            Json::Number(number) if self.is_known(&number.to_string()) => Json::from(HIDDEN),
            Json::Array(items) => items.iter().map(|item| self.json(item)).collect(),
            Json::Object(members) => members
                .iter()
                .map(|(key, value)| match is_sensitive_name(key) {
                    true => (self.without_known(key), hidden(value)),
                    false => (self.without_known(key), self.json(value)),
                })
                .collect(),
            other => other.clone(),
        }
    }

    fn is_known(&self, text: &str) -> bool {
        self.known.iter().any(|secret| secret.expose() == text)
    }

    /// The text without the registered secrets.
    pub fn without_known(&self, text: &str) -> String {
        if self.is_known(text) {
            return HIDDEN.to_owned();
        }
        let mut redacted = text.to_owned();
        for secret in &self.known {
            let secret = secret.expose();
            if secret.len() >= SHORTEST_PART && redacted.contains(secret) {
                redacted = redacted.replace(secret, HIDDEN);
            }
        }
        redacted
    }
}

/// The secret verbatim, trimmed, escaped as in a JSON string, percent-encoded, and its longer lines.
fn encodings(secret: &str) -> Vec<String> {
    let trimmed = secret.trim();
    let quoted = Json::from(trimmed).to_string();
    let mut encodings = vec![secret.to_owned(), trimmed.to_owned()];
    encodings.push(quoted.trim_matches('"').to_owned());
    encodings.push(percent_encoded(trimmed));
    let lines = trimmed.lines().map(str::trim);
    encodings.extend(
        lines
            .filter(|line| line.len() >= SHORTEST_LINE)
            .map(str::to_owned),
    );
    encodings
}

/// Percent-encodes every character except the unreserved ones of RFC 3986.
fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

/// Path segments of resource types that store secrets, and of directory objects, which contain personal data.
const SECRET_SEGMENTS: &[&str] = &[
    "appsettings",
    "connectionstrings",
    "directoryobjects",
    "namedvalues",
    "publishingcredentials",
    "secrets",
    "variables",
];

/// Whether an action returns keys or tokens: `listKeys`, `listAccountSas`, `regenerateKey`.
fn returns_keys(action: &str) -> bool {
    let words = [
        "key",
        "sas",
        "secret",
        "token",
        "credential",
        "connectionstring",
    ];
    (action.starts_with("list")
        || action.starts_with("regenerate")
        || action.starts_with("generate"))
        && words.iter().any(|word| action.contains(word))
}

/// Whether a property with this name is a secret or contains secrets.
fn is_sensitive_name(name: &str) -> bool {
    const PARTS: &[&str] = &[
        "connectionstring",
        "credential",
        "passphrase",
        "passwd",
        "password",
        "sastoken",
        "sasuri",
        "sasurl",
        "secret",
        "securevalue",
        "signature",
        "token",
    ];
    const NAMES: &[&str] = &[
        "appsettings",
        "commandtoexecute",
        "customdata",
        "env",
        "environmentvariables",
        "pfx",
        "pfxblob",
        "protectedsettings",
        "pwd",
        "sas",
        "scriptcontent",
        "userdata",
    ];
    /// Keys that are not secrets. All others are: `sharedKey`, `primaryMasterKey`, `instrumentationKey`.
    const OPEN_KEYS: &[&str] = &["key", "partitionkey", "publickey", "shardkey"];
    /// A link to the next page is redacted as a URL.
    const OPEN: &[&str] = &["skiptoken", "nextlink"];
    let name = name.to_ascii_lowercase();
    let name = name.as_str();
    let ends_in_key =
        (name.ends_with("key") || name.ends_with("keys")) && !OPEN_KEYS.contains(&name);
    (PARTS.iter().any(|part| name.contains(part)) || NAMES.contains(&name) || ends_in_key)
        && !OPEN.contains(&name)
}

/// The structure of a value without its strings and numbers. Empty strings and booleans are not secrets.
fn hidden(value: &Json) -> Json {
    match value {
        Json::String(text) if !text.is_empty() => Json::from(HIDDEN),
        Json::Number(_) => Json::from(HIDDEN),
        Json::Array(items) => items.iter().map(hidden).collect(),
        Json::Object(members) => members
            .iter()
            .map(|(key, value)| (key.clone(), hidden(value)))
            .collect(),
        other => other.clone(),
    }
}

/// Whether the whole text is base64 of at least 30 bytes, like a key or a certificate.
fn is_key_material(text: &str) -> bool {
    let bare = text.trim_end_matches('=');
    let has = |is: fn(&char) -> bool| bare.chars().any(|c| is(&c));
    bare.len() >= 40
        && bare
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '+' || c == '/')
        && !bare.starts_with('/')
        && has(char::is_ascii_digit)
        && has(char::is_ascii_uppercase)
        && has(char::is_ascii_lowercase)
}

/// Patterns of secrets, and their replacements.
const PATTERN_SOURCES: &[(&str, &str)] = &[
    // A PEM key or certificate.
    (
        r"-----BEGIN [A-Z ]+-----[\s\S]*?(?:-----END [A-Z ]+-----|\z)",
        HIDDEN,
    ),
    // A JSON Web Token.
    (r"eyJ[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*){1,4}", HIDDEN),
    // The value of an authorization header.
    (
        r"(?i)((?:bearer|basic|sharedkey|sharedaccesssignature)\s+)[A-Za-z0-9._~+/=:&%?-]{8,}",
        "${1}(secret)",
    ),
    // The user information in a URL.
    (r"(://)[^/\s@]+@", "${1}(secret)@"),
    // Key-value pairs of connection strings, and of JSON in a string.
    (
        r#"(?i)((?:[a-z_-]*(?:password|passwd|passphrase|secret|token|signature)|pwd|[a-z_-]*[a-z_-]key)\\?["']?\s*[=:]\s*\\?["']?)[^;&\s"'\\,}]+"#,
        "${1}(secret)",
    ),
];

static PATTERNS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let sources = PATTERN_SOURCES.iter();
    sources
        .filter_map(|(source, replacement)| Some((Regex::new(source).ok()?, *replacement)))
        .collect()
});

/// A query parameter of a URL.
static QUERY_PARAMETER: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"([?&])([^=&?\s"']+)=[^&\s"'<>]+"#).ok());

/// Removes the values of query parameters, signatures among them, except of parameters that never contain secrets.
fn without_query_values(text: &str) -> Cow<'_, str> {
    const OPEN: &[&str] = &["$expand", "$filter", "$select", "$top", "api-version"];
    let Some(parameter) = &*QUERY_PARAMETER else {
        return Cow::Borrowed(HIDDEN);
    };
    parameter.replace_all(text, |captures: &Captures<'_>| {
        let group = |at: usize| captures.get(at).map_or("", |group| group.as_str());
        let name = group(2).to_ascii_lowercase().replace("%24", "$");
        match OPEN.contains(&name.as_str()) {
            true => group(0).to_owned(),
            false => format!("{}{}={HIDDEN}", group(1), group(2)),
        }
    })
}

#[cfg(test)]
mod tests;
