//! Hostile input: what an author, a network or a broken service may send never panics, never runs without end, and
//! leads to no other place than it names.
//!
//! Each target takes every file of `corpus/TARGET` as it is, and then mutations of them by a seeded generator. In
//! `cargo test` these are a few hundred, always the same. `LAZULI_FUZZ_SECONDS=60` lets each target go on for that
//! long from another seed each time (`LAZULI_FUZZ_SEED` fixes it). What fails is made smaller, printed and saved.

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
