//! Error codes with their summaries and explanations.
//!
//! This is the only list of codes. A code without an explanation in `codes/LZ0000.md` does not compile, and
//! `tests/converge/explained.rs` runs the examples of each explanation.

use std::{fmt, str::FromStr};

use super::explanation::Explanation;

macro_rules! codes {
    ($($number:ident $name:ident $doc:literal;)*) => {
        /// An error code. Numbers never change their meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code { $(#[doc = concat!(stringify!($number), ": ", $doc)] $name,)* }

        impl Code {
            /// Every code in numeric order.
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];

            /// The number as it is printed: `LZ0012`.
            pub fn number(self) -> &'static str {
                match self { $(Code::$name => stringify!($number),)* }
            }

            /// The summary in one sentence.
            pub fn summary(self) -> &'static str {
                match self { $(Code::$name => $doc,)* }
            }

            /// The explanation with examples and the fix.
            pub fn explanation(self) -> Explanation {
                Explanation::parse(match self {
                    $(Code::$name => include_str!(concat!("codes/", stringify!($number), ".md")),)*
                })
            }
        }
    };
}

codes! {
    LZ0001 Unreadable "A file cannot be read, is too large, or is not UTF-8.";
    LZ0002 Syntax "The text is not valid YAML, or exceeds the limits for nesting and aliases.";
    LZ0003 DuplicateKey "A mapping contains the same key twice.";
    LZ0004 UnknownKey "A key is not supported here.";
    LZ0005 MissingKey "A required key is missing.";
    LZ0006 WrongType "A value has the wrong type.";
    LZ0007 ValueNotAllowed "A value is not allowed.";
    LZ0008 UnknownKind "A kind does not exist.";
    LZ0009 UnknownReference "A reference names a resource or property that does not exist.";
    LZ0010 ReferenceCycle "Resources depend on each other in a cycle.";
    LZ0011 UndefinedParameter "A parameter is not declared or has no value.";
    LZ0012 UndefinedVariable "An environment variable is not set.";
    LZ0013 BadExpression "A `${...}` expression is not valid.";
    LZ0014 BadForEach "The value of forEach is not valid.";
    LZ0015 DuplicateId "Two entries describe the same Azure resource.";
    LZ0016 BadName "A name is not valid in Azure.";
    LZ0017 UnknownRole "A role does not exist: it is not built in, not in the spec and not in Azure.";
    LZ0018 Precondition "Azure rejects a combination of values or, as a warning, it does not work well.";
    LZ0019 MissingGrant "An identity lacks a role that the account which uses it requires.";
    LZ0020 UnknownBeforeApply "A value is required before apply but known only after it.";
    LZ0021 DuplicateStack "Two documents have the same stack name.";
    LZ0022 Retired "Azure has retired this type.";
    LZ0023 NotFound "An entry with `existing: true` refers to a resource that does not exist.";
    LZ0024 ForeignOwner "A resource is owned by another stack.";
    LZ0025 Immutable "A property of an existing resource cannot change.";
    LZ0026 BadVersion "The document needs another version of lazuli or of the spec language.";
    LZ0027 UnusedParameter "A value is set for a parameter that no document declares.";
    LZ0028 AmbiguousRole "Several role definitions have the same name.";
    LZ0029 Stale "A saved plan is out of date.";
    LZ0030 ScopeInUse "A custom role loses a scope where role assignments of it exist.";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.number())
    }
}

impl FromStr for Code {
    type Err = ();

    /// Parses a number in any case: `LZ0012`, `lz0012`.
    fn from_str(text: &str) -> Result<Self, ()> {
        let is_it = |code: &&Code| code.number().eq_ignore_ascii_case(text);
        Self::ALL.iter().find(is_it).copied().ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_consecutive_and_round_trip() {
        for (at, code) in Code::ALL.iter().enumerate() {
            assert_eq!(code.number(), format!("LZ{:04}", at + 1));
            assert_eq!(code.to_string().to_lowercase().parse(), Ok(*code));
        }
        assert_eq!("LZ0000".parse::<Code>(), Err(()));
    }
}
