//! Why one resource depends on another.

use std::fmt;

use crate::body_path::BodyPath;

/// Why one resource depends on another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// A property refers to it.
    Refers(BodyPath),
    /// It is listed in `dependsOn`.
    DependsOn,
    /// It is the resource group, the parent or the scope.
    Within,
    /// Azure accepts the resource only if the role assignment exists.
    NeedsGrant(String),
    /// It is an earlier part of the same entry.
    Follows(&'static str),
    /// A lock is created after the resources that it locks.
    Locks,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refers(property) => write!(f, "`{property}` refers to it"),
            Self::DependsOn => f.write_str("it is listed in dependsOn"),
            Self::Within => f.write_str("contained in it or attached to it"),
            Self::NeedsGrant(why) => f.write_str(why),
            Self::Follows(why) => f.write_str(why),
            Self::Locks => f.write_str("a lock is created after the resources that it locks"),
        }
    }
}
