//! Why one resource depends on another.

use std::fmt;

/// Why one resource depends on another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// A property refers to it.
    Refers(String),
    /// `dependsOn` names it.
    DependsOn,
    /// It is the resource group, the parent or the scope.
    Within,
    /// Azure accepts the resource only when the grant is there.
    NeedsGrant(String),
    /// It is another part of the same entry that must come first.
    Follows(&'static str),
    /// A lock is put on after what it locks.
    Locks,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refers(property) => write!(f, "`{property}` refers to it"),
            Self::DependsOn => f.write_str("dependsOn names it"),
            Self::Within => f.write_str("it is in or on it"),
            Self::NeedsGrant(why) => f.write_str(why),
            Self::Follows(why) => f.write_str(why),
            Self::Locks => f.write_str("a lock goes on after what it locks"),
        }
    }
}
