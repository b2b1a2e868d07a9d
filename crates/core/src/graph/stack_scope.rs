//! Where a stack can own resources.

use std::collections::BTreeSet;

use crate::{arm::ArmId, source::Span, stack::StackIdentity};

/// Where a stack of the spec can own resources, also if the spec has no entries of the stack any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackScope {
    /// The stack.
    pub stack: StackIdentity,
    /// The position of the name in the spec.
    pub span: Span,
    /// The subscription of the stack, and those of its entries.
    pub subscriptions: BTreeSet<ArmId>,
    /// The resource groups of its entries.
    pub groups: BTreeSet<ArmId>,
}
