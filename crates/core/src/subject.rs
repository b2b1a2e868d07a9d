//! The resource that a node stands for and a step acts on: its names, its type and its position in the spec.

use std::{collections::HashMap, sync::Arc};

use crate::{arm::ArmType, body_path::BodyPath, key::NodeKey, source::Span};

/// A resource: its names, its type and its position in the spec.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    /// The key of its node.
    pub key: NodeKey,
    /// The kind of its entry.
    pub kind: &'static str,
    /// Its type.
    pub arm_type: ArmType,
    /// The name for people: a name, or role and scope of a role assignment.
    pub title: String,
    /// The position of its entry in the spec.
    pub span: Span,
    /// The positions of the values of its entry, by path: `networkAcls.defaultAction`.
    pub places: Arc<HashMap<BodyPath, Span>>,
}

impl Subject {
    /// The position of the value that a property of ARM's body comes from, or of the nearest value around it.
    pub fn span_of(&self, path: &BodyPath) -> Span {
        let path = path.lifted();
        let part = self.key.part.as_ref();
        let in_part = part.map(|part| BodyPath::from_names(part.split('/')).join(&path));
        in_part
            .into_iter()
            .chain([path])
            .find_map(|path| self.nearest(path))
            .unwrap_or(self.span)
    }

    fn nearest(&self, path: BodyPath) -> Option<Span> {
        std::iter::successors(Some(path), BodyPath::parent)
            .find_map(|path| self.places.get(&path))
            .copied()
    }
}
