//! The alternatives of a value in a schema.

use serde_json::Value as Json;

use super::follow;

/// The alternatives of a value without `null`, with references into `root` resolved, up to a nesting depth.
pub fn forms<'s>(root: &'s Json, schema: &'s Json, depth: usize) -> Vec<&'s Json> {
    let Some(depth) = depth.checked_sub(1) else {
        return Vec::new();
    };
    if let Some(target) = follow(root, schema) {
        return forms(root, target, depth);
    }
    if let Some(branches) = schema["anyOf"].as_array() {
        let inner = branches
            .iter()
            .flat_map(|branch| forms(root, branch, depth));
        return inner.collect();
    }
    if schema["type"] == "null" || schema.is_null() {
        return Vec::new();
    }
    vec![schema]
}
