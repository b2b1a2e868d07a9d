//! The codes of mistakes: what each stands for, in one sentence and at length.
//!
//! The list below is the only one. A code without an explanation, `codes/LZ0000.md`, does not compile; that the examples
//! of each explanation are right and wrong as they say is seen by `tests/converge/explained.rs`.

use std::{fmt, str::FromStr};

use super::explanation::Explanation;

macro_rules! codes {
    ($($number:ident $name:ident $doc:literal;)*) => {
        /// The kind of mistake. The number never changes its meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code { $(#[doc = concat!(stringify!($number), ": ", $doc)] $name,)* }

        impl Code {
            /// Every code, in the order of the numbers.
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];

            /// How it is written: `LZ0012`.
            pub fn number(self) -> &'static str {
                match self { $(Code::$name => stringify!($number),)* }
            }

            /// One sentence on what the code stands for.
            pub fn summary(self) -> &'static str {
                match self { $(Code::$name => $doc,)* }
            }

            /// What it stands for at length, with examples, and what to do.
            pub fn explanation(self) -> Explanation {
                Explanation::read(match self {
                    $(Code::$name => include_str!(concat!("codes/", stringify!($number), ".md")),)*
                })
            }
        }
    };
}

codes! {
    LZ0001 Unreadable "A file cannot be read, is too large, or is not UTF-8.";
    LZ0002 Syntax "The text is not YAML, or is more deeply nested or aliased than is accepted.";
    LZ0003 DuplicateKey "A mapping has the same key twice.";
    LZ0004 UnknownKey "A key that does not exist here.";
    LZ0005 MissingKey "A property that is required is missing.";
    LZ0006 WrongType "A value is of another type than expected.";
    LZ0007 ValueNotAllowed "A value is not among the allowed ones.";
    LZ0008 UnknownKind "A kind that lazuli does not know.";
    LZ0009 UnknownReference "A reference to a resource or property that does not exist.";
    LZ0010 ReferenceCycle "Resources wait for each other in a circle.";
    LZ0011 UndefinedParameter "A parameter that is not declared, or has no value.";
    LZ0012 UndefinedVariable "An environment variable that is not set.";
    LZ0013 BadExpression "A `${...}` expression that cannot be understood.";
    LZ0014 BadForEach "A forEach over something that cannot be repeated over.";
    LZ0015 DuplicateId "Two resources stand for the same Azure resource.";
    LZ0016 BadName "A name that Azure would refuse.";
    LZ0017 UnknownRole "A role that is neither built in, nor in the spec, nor in Azure.";
    LZ0018 Precondition "A combination that Azure would refuse or, as a warning, that works badly.";
    LZ0019 MissingGrant "An identity lacks a role that its user needs.";
    LZ0020 UnknownBeforeRun "A value is needed before the run but known only after it.";
    LZ0021 DuplicateStack "Two documents have the same stack name.";
    LZ0022 Retired "Azure has retired this type.";
    LZ0023 NotFound "A resource that is declared as existing does not exist.";
    LZ0024 ForeignOwner "A resource is owned by another stack.";
    LZ0025 Immutable "A property cannot be changed on an existing resource.";
    LZ0026 BadVersion "The document is written for another version of the spec language.";
    LZ0027 UnusedParameter "A parameter value that no document declares.";
    LZ0028 AmbiguousRole "A role name that several role definitions have.";
    LZ0029 Stale "What a saved plan rests on is not as it was.";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.number())
    }
}

impl FromStr for Code {
    type Err = ();

    /// The code of a number in any case: `LZ0012`, `lz0012`.
    fn from_str(text: &str) -> Result<Self, ()> {
        let is_it = |code: &&Code| code.number().eq_ignore_ascii_case(text);
        Self::ALL.iter().find(is_it).copied().ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_up_from_one_and_are_read_back() {
        for (at, code) in Code::ALL.iter().enumerate() {
            assert_eq!(code.number(), format!("LZ{:04}", at + 1));
            assert_eq!(code.to_string().to_lowercase().parse(), Ok(*code));
        }
        assert_eq!("LZ0000".parse::<Code>(), Err(()));
    }
}
