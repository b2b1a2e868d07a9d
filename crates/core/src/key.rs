//! The key of a node of the graph.

use std::fmt;

use crate::spec::Address;

/// The key of a node: the entry of the spec, and the part of the entry.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeKey {
    /// The stack.
    pub stack: String,
    /// The entry of the spec.
    pub address: Address,
    /// The part of the entry: `containers/video`, `Reader`; `None` for the entry itself.
    pub part: Option<String>,
}

impl fmt::Display for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.address)?;
        match &self.part {
            Some(part) => write!(f, "/{part}"),
            None => Ok(()),
        }
    }
}
