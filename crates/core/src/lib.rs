//! The pure heart of lazuli: spec, references, graph, live state, differences, plan and diagnostics.
//!
//! No clock, file, network or randomness: every function here gives the same answer for the same arguments.

pub mod arm;
pub mod body_path;
pub mod child_types;
pub mod declare;
pub mod diagnostic;
pub mod diff;
pub mod document;
pub mod export;
pub mod facts;
pub mod graph;
pub mod ignore;
pub mod inventory;
pub mod key;
pub mod kind;
pub mod lift;
pub mod live;
pub mod marker;
pub mod node;
pub mod permissions;
pub mod plan;
pub mod preflight;
pub mod reads;
pub mod redact;
pub mod saved;
pub mod secret;
pub mod shape;
pub mod source;
pub mod spec;
pub mod stack;
pub mod subject;
pub mod template;
pub mod text;
pub mod value;
pub mod yaml;
