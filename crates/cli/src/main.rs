//! The `lazuli` binary.
fn main() {}
