//! The resource kinds and built-in roles that a reconciler knows.

use lazuli_core::{
    kind::Registry,
    live::{KnownType, Live},
};

/// The resource kinds and built-in roles that a reconciler knows.
#[derive(Clone, Copy)]
pub struct Catalog {
    /// The resource kinds.
    pub registry: Registry,
    /// The name of the built-in role with a GUID.
    pub role_name: fn(&str) -> Option<&'static str>,
}

impl Catalog {
    /// The ARM types of the kinds, each with its kind and api-version.
    pub fn known_types(&self) -> impl Iterator<Item = (&'static str, KnownType)> {
        self.registry.kinds.iter().filter_map(|kind| {
            let facts = kind.facts();
            let arm_type = facts.arm_type.as_ref()?;
            let known = KnownType {
                kind: facts.kind,
                api_version: arm_type.api_version.to_string(),
            };
            Some((arm_type.name.as_ref(), known))
        })
    }

    /// Adds the names of built-in roles and the known types to live state.
    pub(crate) fn complete(&self, mut live: Live) -> Live {
        live.name_roles(self.role_name);
        live.set_child_types(self.registry.child_types);
        for (arm_type, known) in self.known_types() {
            live.insert_type(arm_type, known);
        }
        live
    }
}
