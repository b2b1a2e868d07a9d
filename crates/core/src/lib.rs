//! The pure heart of lazuli: spec, references, graph, live state, differences, plan and diagnostics.
//!
//! No clock, file, network or randomness: every function here gives the same answer for the same arguments.

pub mod diagnostic;
pub mod node;
pub mod source;
pub mod spec;
pub mod template;
pub mod yaml;
