//! Notes about the differences between an exported spec and the live resources.

use crate::arm::ArmId;
use crate::body_path::BodyPath;

/// A difference between an exported spec and the live resources.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Note {
    /// A resource is omitted because it could not be read.
    Unreadable(ArmId),
    /// A resource is omitted because the API version of its type is unknown.
    NoVersion(ArmId),
    /// A resource is omitted because no kind can express it.
    Unsupported(ArmId),
    /// A resource is exported as `kind: resource` without its child resources because its kind cannot express it.
    Generic {
        /// The entry.
        entry: String,
        /// The kind.
        kind: &'static str,
    },
    /// A resource is exported with `existing: true` because another stack owns it.
    Existing {
        /// The entry.
        entry: String,
        /// The owner.
        stack: String,
    },
    /// A role assignment or lock is omitted because another stack owns it.
    Foreign {
        /// The id.
        id: ArmId,
        /// The owner.
        stack: String,
    },
    /// Values are omitted because they may be secrets.
    Secrets {
        /// The entry.
        entry: String,
        /// The paths in Azure's body.
        paths: Vec<BodyPath>,
    },
    /// An entry has secrets that Azure does not return; a tag stores their digests.
    UnverifiableSecrets(String),
    /// Values are omitted because the kind cannot express them.
    Inexpressible {
        /// The entry.
        entry: String,
        /// The paths in the entry.
        paths: Vec<BodyPath>,
    },
}
