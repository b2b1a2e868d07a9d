//! What of a request and its answer may be shown to strangers: the same text and JSON, with secrets left out.

use std::{borrow::Cow, cmp::Reverse, collections::HashSet, sync::LazyLock};

use regex::{Captures, Regex};
use serde_json::Value as Json;

use crate::secret::{HIDDEN, Secret};

/// Leaves secrets out: those that are known, those whose name says it, and those that look like one. In doubt it leaves
/// out too much.
#[derive(Debug, Clone, Default)]
pub struct Redaction {
    /// The known secrets in every form in which they may come back, the longest first.
    known: Vec<Secret>,
}

/// A shorter secret is only found where it is all of a text: as a part it would be in too many others.
const SHORTEST_PART: usize = 4;
/// Lines of a secret that are at least so long are looked for by themselves: services break and join lines.
const SHORTEST_LINE: usize = 12;

impl Redaction {
    /// Adds secrets that are known.
    pub fn learn<'s>(&mut self, secrets: impl IntoIterator<Item = &'s Secret>) {
        let mut known: HashSet<Secret> = self.known.drain(..).collect();
        for secret in secrets {
            let forms = forms(secret.expose()).into_iter();
            known.extend(forms.filter(|form| !form.is_empty()).map(Secret::new));
        }
        self.known = known.into_iter().collect();
        self.known.sort_by_cached_key(|secret| {
            (Reverse(secret.expose().len()), secret.expose().to_owned())
        });
    }

    /// Text of any sort: a URL, a header, a message.
    pub fn text(&self, text: &str) -> String {
        let mut left = self.without_known(text);
        if is_key_material(&left) {
            return HIDDEN.to_owned();
        }
        for (look, instead) in LOOKS.iter() {
            left = look.replace_all(&left, *instead).into_owned();
        }
        without_parameters(&left).into_owned()
    }

    /// The body of a request to a path, or of its answer.
    pub fn body(&self, path: &str, body: &Json) -> Json {
        let mut segments = path.split('/').map(str::to_ascii_lowercase);
        let holds_secrets =
            |segment: String| HOLDERS_BY_PATH.contains(&segment.as_str()) || gives_keys(&segment);
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
                .map(|(key, value)| match is_name_of_secrets(key) {
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

    /// Text as it is, but for the secrets that are known.
    pub fn without_known(&self, text: &str) -> String {
        if self.is_known(text) {
            return HIDDEN.to_owned();
        }
        let mut left = text.to_owned();
        for secret in &self.known {
            let secret = secret.expose();
            if secret.len() >= SHORTEST_PART && left.contains(secret) {
                left = left.replace(secret, HIDDEN);
            }
        }
        left
    }
}

/// A secret as it is, without the space around it, in JSON within a text, in a URL, and its longer lines.
fn forms(secret: &str) -> Vec<String> {
    let trimmed = secret.trim();
    let quoted = Json::from(trimmed).to_string();
    let mut forms = vec![secret.to_owned(), trimmed.to_owned()];
    forms.push(quoted.trim_matches('"').to_owned());
    forms.push(percent_encoded(trimmed));
    let lines = trimmed.lines().map(str::trim);
    forms.extend(
        lines
            .filter(|line| line.len() >= SHORTEST_LINE)
            .map(str::to_owned),
    );
    forms
}

/// As in a URL: everything but what RFC 3986 calls unreserved.
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

/// Types of resources that are there to keep values which nobody shall read, as paths name them; and people, of whom the
/// directory tells more than a stranger needs.
const HOLDERS_BY_PATH: &[&str] = &[
    "appsettings",
    "connectionstrings",
    "directoryobjects",
    "namedvalues",
    "publishingcredentials",
    "secrets",
    "variables",
];

/// Actions that answer keys and tokens: `listKeys`, `listAccountSas`, `regenerateKey`.
fn gives_keys(action: &str) -> bool {
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

/// Whether what has this name is a secret, or holds some.
fn is_name_of_secrets(name: &str) -> bool {
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
    /// Keys that are no secrets. All others are: `sharedKey`, `primaryMasterKey`, `instrumentationKey`.
    const OPEN_KEYS: &[&str] = &["key", "partitionkey", "publickey", "shardkey"];
    /// A link to the next page is a URL, and treated as one.
    const OPEN: &[&str] = &["skiptoken", "nextlink"];
    let name = name.to_ascii_lowercase();
    let name = name.as_str();
    let ends_in_key =
        (name.ends_with("key") || name.ends_with("keys")) && !OPEN_KEYS.contains(&name);
    (PARTS.iter().any(|part| name.contains(part)) || NAMES.contains(&name) || ends_in_key)
        && !OPEN.contains(&name)
}

/// The shape of a value, without texts and numbers. What is empty, true or false is no secret.
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

/// Whether a text is nothing but base64 of 30 bytes or more, as keys and certificates are written.
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

/// What looks like a secret, and what is shown in its place.
const SHAPES: &[(&str, &str)] = &[
    // A key or certificate in PEM.
    (
        r"-----BEGIN [A-Z ]+-----[\s\S]*?(?:-----END [A-Z ]+-----|\z)",
        HIDDEN,
    ),
    // A JSON Web Token.
    (r"eyJ[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*){1,4}", HIDDEN),
    // The value of a header that logs in.
    (
        r"(?i)((?:bearer|basic|sharedkey|sharedaccesssignature)\s+)[A-Za-z0-9._~+/=:&%?-]{8,}",
        "${1}(secret)",
    ),
    // Who logs in, in a URL.
    (r"(://)[^/\s@]+@", "${1}(secret)@"),
    // Pairs of connection strings, and of JSON within a text.
    (
        r#"(?i)((?:[a-z_-]*(?:password|passwd|passphrase|secret|token|signature)|pwd|[a-z_-]*[a-z_-]key)\\?["']?\s*[=:]\s*\\?["']?)[^;&\s"'\\,}]+"#,
        "${1}(secret)",
    ),
];

static LOOKS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let looks = SHAPES.iter();
    looks
        .filter_map(|(shape, instead)| Some((Regex::new(shape).ok()?, *instead)))
        .collect()
});

/// A parameter of a URL.
static PARAMETER: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"([?&])([^=&?\s"']+)=[^&\s"'<>]+"#).ok());

/// Of parameters of URLs only the name is shown, signatures among them, but for those that say nothing secret.
fn without_parameters(text: &str) -> Cow<'_, str> {
    const OPEN: &[&str] = &["$expand", "$filter", "$select", "$top", "api-version"];
    let Some(parameter) = &*PARAMETER else {
        return Cow::Borrowed(HIDDEN);
    };
    parameter.replace_all(text, |found: &Captures<'_>| {
        let group = |at: usize| found.get(at).map_or("", |group| group.as_str());
        let name = group(2).to_ascii_lowercase().replace("%24", "$");
        match OPEN.contains(&name.as_str()) {
            true => group(0).to_owned(),
            false => format!("{}{}={HIDDEN}", group(1), group(2)),
        }
    })
}

#[cfg(test)]
mod tests;
