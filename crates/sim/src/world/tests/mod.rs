//! Tests of the world, by topic.

mod conditions;
mod grants;
mod graph;
mod groups;
mod guards;
mod identities;
mod indexer;
mod listed;
mod management_groups;
mod media;
mod others;
mod policies;
mod resource_graph;
mod sign_in;
mod storage;
