//! The five steps against the simulator, in simulated time: requests, results and failures.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub
)]

#[path = "../custom_kind.rs"]
mod custom_kind;

mod adopt;
mod children;
mod contents;
mod drift;
mod encryption;
mod examples;
mod explained;
mod export;
mod failures;
mod grants;
mod harness;
mod kinds;
mod lists;
mod locks;
mod marked;
mod markers;
mod ownership;
mod permissions;
mod policies;
mod preflight;
mod propagation;
mod prune;
mod replace;
mod requests;
mod resume;
mod role_scopes;
mod roles;
mod saved;
mod scopes;
mod secrets;
mod show;
mod sweep;
mod target;
mod updates;
mod waiting;
