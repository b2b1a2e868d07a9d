//! Tests of the world, by situation.
