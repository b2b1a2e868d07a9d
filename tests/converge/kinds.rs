//! Every kind with every property: values are written, preserved and compared.

mod anything;
mod applied;
mod changes;
mod coverage;
mod credentials;
mod custom;
mod drift;
mod exported;
mod kept;
mod lookups;
mod video_indexer;

pub use exported::groups;

/// Specs that together set every property of every kind.
const SPECS: &[(&str, &str)] = &[
    ("platform", include_str!("kinds/platform.yaml")),
    ("lifecycle", include_str!("kinds/lifecycle.yaml")),
    ("storage", include_str!("kinds/storage.yaml")),
    ("video", include_str!("kinds/video.yaml")),
    ("anything", include_str!("kinds/anything.yaml")),
];
