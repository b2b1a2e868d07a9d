//! The graph: one node per Azure resource, and edges with the reason of each dependency.

mod build;
mod children;
mod dag;
mod edges;
mod key_access;
mod node;
mod place;
mod reason;
mod selection;
mod settings;
mod stack_scope;

pub use build::{Shapes, build, build_with};
pub use dag::Graph;
pub use node::{Lifecycle, Node};
pub use reason::Reason;
pub use selection::{Closure, Names, Selection, SelectionSummary};
pub use settings::{SecretsPolicy, Settings};
pub use stack_scope::StackScope;

pub use crate::{
    declare::{
        Draft, EntryContext, Grant, Identity, ImpliedDependency, Nodes, Placement, ReferenceTarget,
        RoleName, Surroundings, TypedEntry,
    },
    key::NodeKey,
    marker::{Marker, RemovalPolicy},
};
