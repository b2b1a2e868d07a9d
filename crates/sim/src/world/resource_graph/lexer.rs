//! Tokens of the query language of Azure Resource Graph.

use std::fmt;

use super::query::QueryError;

/// Symbols; those that begin with another one come first.
const SYMBOLS: [&str; 12] = [
    "==", "=~", "!=", "!~", "(", ")", "[", "]", ".", ",", "|", "=",
];

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A name or an operator in letters, such as `in~` or `!contains`.
    Word(String),
    Text(String),
    Number(usize),
    Symbol(&'static str),
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(word) => f.write_str(word),
            Self::Text(text) => write!(f, "\"{text}\""),
            Self::Number(number) => write!(f, "{number}"),
            Self::Symbol(symbol) => f.write_str(symbol),
        }
    }
}

pub(super) fn tokenize(query: &str) -> Result<Vec<Token>, QueryError> {
    let mut tokens = Vec::new();
    let mut rest = query.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, after) = if first == '\'' || first == '"' {
            text(rest, first)?
        } else if first.is_ascii_digit() {
            number(rest)?
        } else if let Some((word, after)) = word(rest) {
            (Token::Word(word.to_owned()), after)
        } else if let Some((symbol, after)) = SYMBOLS
            .iter()
            .find_map(|symbol| Some((*symbol, rest.strip_prefix(symbol)?)))
        {
            (Token::Symbol(symbol), after)
        } else {
            return Err(QueryError::not_simulated("character", &first.to_string()));
        };
        tokens.push(token);
        rest = after.trim_start();
    }
    Ok(tokens)
}

/// A word at the start of `text`, with `!` before it or `~` after it, and what follows.
fn word(text: &str) -> Option<(&str, &str)> {
    let start = usize::from(text.starts_with('!'));
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let body = text.get(start..)?;
    let length = body.find(|c| !is_part(c)).unwrap_or(body.len());
    if length == 0 {
        return None;
    }
    let mut end = start + length;
    if text.get(end..)?.starts_with('~') {
        end += 1;
    }
    text.split_at_checked(end)
}

fn number(text: &str) -> Result<(Token, &str), QueryError> {
    let end = text
        .find(|c: char| !c.is_ascii_alphanumeric())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    match digits.parse() {
        Ok(number) => Ok((Token::Number(number), rest)),
        Err(_) => Err(QueryError::not_simulated("literal", digits)),
    }
}

/// A string literal in quotes, with backslashes as escape characters.
fn text(text: &str, quote: char) -> Result<(Token, &str), QueryError> {
    let mut value = String::new();
    let mut chars = text.chars();
    chars.next();
    while let Some(next) = chars.next() {
        match next {
            '\\' => match chars.next() {
                Some(escaped @ ('\\' | '\'' | '"')) => value.push(escaped),
                Some('n') => value.push('\n'),
                Some('r') => value.push('\r'),
                Some('t') => value.push('\t'),
                other => {
                    let name = other.map(String::from).unwrap_or_default();
                    return Err(QueryError::not_simulated(
                        "escape sequence",
                        &format!("\\{name}"),
                    ));
                }
            },
            next if next == quote => return Ok((Token::Text(value), chars.as_str())),
            next => value.push(next),
        }
    }
    Err(QueryError(
        "The query has a string that does not end.".to_owned(),
    ))
}
