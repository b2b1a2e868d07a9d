//! Templates: text with `${...}` expressions.

use std::{fmt, ops::Range};

use crate::{
    secret::Secret,
    source::{Sources, Span},
};

/// Text with expressions in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Template(pub Vec<Segment>);

/// A segment of a template.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Segment {
    /// Literal text.
    Text(String),
    /// Text that is never printed.
    Secret(Secret),
    /// An expression.
    Expr(Expr),
}

/// An expression between `${` and `}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Expr {
    /// `params.NAME`
    Param(String),
    /// `env.NAME`
    Env(String),
    /// `each.key`
    EachKey,
    /// `each.value` and, for a mapping, `each.value.PATH`
    EachValue(Vec<String>),
    /// `NAME`, `NAME[KEY]`, either with a `.property.path`
    Resource(Reference),
}

/// A reference to a resource of the same stack or to one of its properties.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference {
    /// The name under `resources`.
    pub resource: String,
    /// The instance of a resource with a `forEach`.
    pub instance: Option<Instance>,
    /// The path of the property; empty for the resource itself.
    pub path: Vec<String>,
}

/// The instance in the brackets of a reference.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Instance {
    /// A key.
    Key(String),
    /// `each.key` of the resource that contains the reference.
    EachKey,
}

/// An invalid expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpressionError {
    /// The bytes of the expression in the text.
    pub range: Range<usize>,
    /// The message without a final period.
    pub message: String,
    /// The help.
    pub help: Option<String>,
}

impl Template {
    /// Parses text. `$${` becomes a literal `${`.
    ///
    /// # Errors
    /// All invalid expressions of the text.
    pub fn parse(text: &str) -> Result<Self, Vec<ExpressionError>> {
        let (mut segments, mut errors) = (Vec::new(), Vec::new());
        let (mut literal, mut at) = (String::new(), 0);
        while let Some(offset) = text[at..].find("${") {
            let open = at + offset;
            if let Some(before) = text[at..open].strip_suffix('$') {
                literal.push_str(before);
                literal.push_str("${");
                at = open + 2;
                continue;
            }
            literal.push_str(&text[at..open]);
            if !literal.is_empty() {
                segments.push(Segment::Text(std::mem::take(&mut literal)));
            }
            let end = expression_end(text, open);
            match Expr::parse_in_braces(&text[open..end]) {
                Ok(expr) => segments.push(Segment::Expr(expr)),
                Err((message, help)) => errors.push(ExpressionError {
                    range: open..end,
                    message,
                    help,
                }),
            }
            at = end;
        }
        literal.push_str(&text[at..]);
        if !literal.is_empty() {
            segments.push(Segment::Text(literal));
        }
        if errors.is_empty() {
            Ok(Self(segments))
        } else {
            Err(errors)
        }
    }

    /// The text if it contains no expression.
    pub fn literal(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Segment::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The expression if the template has no other segment; its value then keeps its type.
    pub fn single(&self) -> Option<&Expr> {
        match self.0.as_slice() {
            [Segment::Expr(expr)] => Some(expr),
            _ => None,
        }
    }
}

/// The byte after the expression that starts at `open`, including nested expressions. An unclosed expression ends at the
/// line break.
fn expression_end(text: &str, open: usize) -> usize {
    let mut depth = 0usize;
    for (at, byte) in text.bytes().enumerate().skip(open + 1) {
        match byte {
            b'{' => depth += 1,
            b'}' if depth <= 1 => return at + 1,
            b'}' => depth -= 1,
            b'\n' => return at,
            _ => {}
        }
    }
    text.len()
}

/// A message and its help.
type ParseFailure = (String, Option<String>);

impl Expr {
    /// Parses the text between `${` and `}`.
    ///
    /// # Errors
    /// A message, and a help text if one applies.
    pub fn parse(text: &str) -> Result<Self, ParseFailure> {
        let text = text.trim();
        if text.is_empty() {
            return fail(
                "the expression is empty",
                "use a resource name, `params.NAME`, `env.NAME` or `each.key`",
            );
        }
        let (root, rest) = split_name(text);
        if root.is_empty() {
            return Err(not_a_reference(text));
        }
        let (key, rest) = match rest.strip_prefix('[') {
            Some(inside) => match inside.split_once(']') {
                Some((key, rest)) => (Some(key.trim()), rest),
                None => return Err((format!("`[` is not closed in `{text}`"), None)),
            },
            None => (None, rest),
        };
        let path = split_path(rest).ok_or_else(|| not_a_reference(text))?;
        match (root, key, path.as_slice()) {
            ("params", None, [name]) => Ok(Self::Param(name.clone())),
            ("env", None, [name]) => Ok(Self::Env(name.clone())),
            ("params" | "env", None, [_, ..]) => Err((
                format!(
                    "an expression cannot refer to a property of `{root}.{}`",
                    path[0]
                ),
                None,
            )),
            ("params" | "env", ..) => fail(
                format!("`{root}` must be followed by a name"),
                format!("write `{root}.NAME`"),
            ),
            ("each", None, [what]) if what == "key" => Ok(Self::EachKey),
            ("each", None, [what, path @ ..]) if what == "value" => {
                Ok(Self::EachValue(path.to_vec()))
            }
            ("each", ..) => fail(
                "`each` has only `key` and `value`",
                "use `each.key` or `each.value`",
            ),
            (_, Some("each.key"), _) => Ok(Self::resource(root, Some(Instance::EachKey), path)),
            (_, Some(key), _) if is_key(key) => Ok(Self::resource(
                root,
                Some(Instance::Key(key.to_owned())),
                path,
            )),
            (_, Some(key), _) => {
                let bare = key.trim_matches(['"', '\'']);
                let help = is_key(bare).then(|| format!("write `{root}[{bare}]`"));
                Err((
                    format!(
                        "`{key}` is not a valid instance key: use the key without quotes, or `each.key`"
                    ),
                    help,
                ))
            }
            (_, None, _) => Ok(Self::resource(root, None, path)),
        }
    }

    fn parse_in_braces(text: &str) -> Result<Self, ParseFailure> {
        let inside = text.strip_prefix("${").unwrap_or(text);
        match inside.strip_suffix('}') {
            Some(inside) if inside.contains("${") => {
                fail("expressions cannot be nested", ONLY_REFERENCES)
            }
            Some(inside) => Self::parse(inside),
            None => fail(
                "`${` is not closed with `}`",
                "write `$${` for a literal `${`",
            ),
        }
    }

    fn resource(name: &str, instance: Option<Instance>, path: Vec<String>) -> Self {
        Self::Resource(Reference {
            resource: name.to_owned(),
            instance,
            path,
        })
    }
}

const ONLY_REFERENCES: &str =
    "use a reference, such as `name.property`, `params.NAME` or `env.NAME`";

fn fail<T>(message: impl Into<String>, help: impl Into<String>) -> Result<T, ParseFailure> {
    Err((message.into(), Some(help.into())))
}

fn not_a_reference(text: &str) -> ParseFailure {
    let message = if text.contains('(') {
        format!("functions are not supported: `{text}`")
    } else if text.contains([
        ' ', '+', '*', '/', '?', ':', '|', '&', '=', '!', '<', '>', '%', ',',
    ]) {
        format!("operators are not supported: `{text}`")
    } else {
        format!("`{text}` is not a reference")
    };
    (message, Some(ONLY_REFERENCES.to_owned()))
}

/// Whether a word is a valid name of a resource, parameter or variable: a letter or `_`, then letters, digits, `_` and `-`.
pub fn is_name(word: &str) -> bool {
    !word.is_empty() && split_name(word).1.is_empty()
}

/// Whether a text is a valid instance key, which references can name.
pub fn is_key(text: &str) -> bool {
    !text.is_empty()
        && text.trim() == text
        && text != "each.key"
        && !text.contains(|char: char| char.is_control() || "[]{}\"'$".contains(char))
}

/// Splits text after its leading name.
fn split_name(text: &str) -> (&str, &str) {
    let is_valid = |(at, byte): (usize, u8)| {
        byte == b'_'
            || byte.is_ascii_alphabetic()
            || at > 0 && (byte == b'-' || byte.is_ascii_digit())
    };
    text.split_at(
        text.bytes()
            .enumerate()
            .take_while(|pair| is_valid(*pair))
            .count(),
    )
}

/// The segments of a path such as `.a.b.0`; `None` if the text is not a path.
fn split_path(text: &str) -> Option<Vec<String>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    let part = |part: &str| {
        let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        (!part.is_empty() && part.bytes().all(is_valid)).then(|| part.to_owned())
    };
    text.strip_prefix('.')?.split('.').map(part).collect()
}

/// The span of a fragment of a scalar if the source contains the fragment exactly once, else the span of the scalar.
pub fn locate(sources: &Sources, scalar: Span, fragment: &str) -> Span {
    let source = sources.slice(scalar);
    let mut matches = source.match_indices(fragment).map(|(at, _)| at);
    match (matches.next(), matches.next()) {
        (Some(at), None) if !fragment.is_empty() => {
            let start = scalar.start as usize + at;
            Span::new(scalar.source, start..start + fragment.len())
        }
        _ => scalar,
    }
}

/// Escapes literal text: `${` becomes `$${`.
pub fn escape(text: &str) -> String {
    text.replace("${", "$${")
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|segment| match segment {
            Segment::Text(text) => f.write_str(&escape(text)),
            Segment::Secret(secret) => secret.fmt(f),
            Segment::Expr(expr) => write!(f, "${{{expr}}}"),
        })
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Param(name) => write!(f, "params.{name}"),
            Self::Env(name) => write!(f, "env.{name}"),
            Self::EachKey => f.write_str("each.key"),
            Self::EachValue(path) if path.is_empty() => f.write_str("each.value"),
            Self::EachValue(path) => write!(f, "each.value.{}", path.join(".")),
            Self::Resource(reference) => reference.fmt(f),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.resource)?;
        match &self.instance {
            Some(Instance::Key(key)) => write!(f, "[{key}]")?,
            Some(Instance::EachKey) => f.write_str("[each.key]")?,
            None => {}
        }
        self.path.iter().try_for_each(|part| write!(f, ".{part}"))
    }
}

#[cfg(test)]
mod tests;
