//! Which stack: its name, and the id that distinguishes stacks of the same name.

use std::fmt;

/// The id of a stack: a random text that `lazuli init` writes once. Stacks of the same name with different ids are
/// different stacks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StackId(String);

impl StackId {
    /// Parses an id: 8 to 64 letters, digits and hyphens.
    pub fn parse(text: &str) -> Option<Self> {
        let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let is_id = (8..=64).contains(&text.len()) && text.bytes().all(is_valid);
        is_id.then(|| Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A stack.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StackIdentity {
    /// Its name.
    pub name: String,
    /// Its id, if its document has one.
    pub id: Option<StackId>,
}

impl StackIdentity {
    /// A stack without an id.
    pub fn from_name(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            id: None,
        }
    }
}

/// A stack that is not the one in question.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ForeignStack {
    /// Its name.
    pub name: String,
    /// Whether it has the name of the stack in question, and another id.
    pub has_same_name: bool,
}

/// `` `cameras` ``, or `` `cameras` with another id ``.
impl fmt::Display for ForeignStack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.name)?;
        match self.has_same_name {
            true => f.write_str(" with another id"),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_of_a_stack_is_a_short_word() {
        for id in ["3f6c1d0a", "5a4e2c1b-8d47-4f0e-9f3a-1c2b3d4e5f60"] {
            assert_eq!(StackId::parse(id).unwrap().as_str(), id);
        }
        for text in ["", "short", "with space", "3f6c1d0a;", &"x".repeat(65)] {
            assert_eq!(StackId::parse(text), None, "{text}");
        }
    }
}
