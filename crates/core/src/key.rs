//! How a node of the graph is addressed.

use std::fmt;

use crate::spec::Address;

/// What a node is called: the address in the spec, and which of the Azure resources that the entry stands for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeKey {
    /// The stack.
    pub stack: String,
    /// The entry of the spec.
    pub address: Address,
    /// Which part of the entry: `containers/video`, `Reader`; `None` for the entry itself.
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
