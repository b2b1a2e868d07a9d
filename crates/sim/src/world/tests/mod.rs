//! Tests of the world, by situation.

mod grants;
mod graph;
mod groups;
mod guards;
mod identities;
mod media;
mod others;
mod sign_in;
mod storage;
