//! Recorded traffic of Azure Resource Manager, replayed: what lazuli makes of what Azure really answered.
//!
//! The recordings are not part of the repository. `LAZULI_RECORDINGS` names their folder; without one these tests
//! say that they were skipped.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    unreachable_pub
)]

mod client;
mod comparison;
mod edits;
mod errors;
mod exports;
mod pairs;
mod planned;
mod recordings;
mod refusals;
mod transport;

#[test]
fn recordings_have_interactions_with_absolute_paths() {
    let Some(recordings) = recordings::all() else {
        return;
    };
    for recording in &recordings {
        assert!(!recording.interactions.is_empty(), "{}", recording.name);
        for interaction in &recording.interactions {
            assert!(interaction.path.starts_with('/'), "{}", recording.name);
        }
    }
}
