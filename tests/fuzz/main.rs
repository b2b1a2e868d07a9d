//! Hostile input: text of an author, a network or a broken service never causes a panic, an endless run or a request to
//! another path.
//!
//! Each target runs with every file of `corpus/TARGET`, then with mutations of them from a seeded generator. `cargo test`
//! runs a few hundred mutations, always the same. With `LAZULI_FUZZ_SECONDS=60`, each target runs for that time from a
//! new seed (`LAZULI_FUZZ_SEED` sets it). A failing input is shrunk, printed and saved.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    missing_docs,
    unreachable_pub
)]

mod driver;
mod exports;
mod findings;
mod mutation;
mod plan_files;
mod script;
mod targets;
