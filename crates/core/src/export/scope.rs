//! The scope of an export: resource groups and the live state that was read for them.

use crate::{
    arm::ArmId,
    facts::Place,
    kind::{Kind, Registry},
    live::Live,
};

/// The scope of an export: resource groups of one subscription, and the live state of their resources.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// The resource groups.
    pub groups: &'a [ArmId],
    /// The live state, as read by [`reads`](super::reads).
    pub live: &'a Live,
    /// The kinds.
    pub registry: Registry,
}

impl Scene<'_> {
    pub(super) fn covers(&self, id: &ArmId) -> bool {
        self.groups.iter().any(|group| group.covers(id))
    }

    /// The kind that accepts any ARM type.
    pub(super) fn any_type(&self) -> Option<&'static dyn Kind> {
        let mut kinds = self.registry.kinds.iter().copied();
        kinds.find(|kind| kind.facts().place == Place::Written)
    }
}
