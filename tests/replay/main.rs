//! Replays recorded traffic of Azure Resource Manager: lazuli handles the actual responses of Azure correctly.
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
mod pair_plan;
mod pairs;
mod recordings;
mod retries;
mod transport;

#[test]
fn recordings_have_interactions_with_absolute_paths() {
    let Some(recordings) = recordings::load_all() else {
        return;
    };
    for recording in &recordings {
        assert!(!recording.interactions.is_empty(), "{}", recording.name);
        for interaction in &recording.interactions {
            assert!(interaction.path.starts_with('/'), "{}", recording.name);
        }
    }
}
