//! The five steps against the simulator, on simulated time: what is sent, what comes of it, what happens on failures.

mod drift;
mod examples;
mod failures;
mod harness;
mod kinds;
