//! The spec language: what a loaded stack is. How text becomes one: `load`.

mod author;
mod entry;
mod fill;
mod foreign;
mod load;
mod parameters;
mod repeat;

use std::collections::BTreeSet;

use serde_json::Value as Json;

pub use entry::COMMON_KEYS;
pub use load::{API_VERSION, Given, Inputs, ParamValue, is_stack_name, load, no_files};

use crate::{node::Node, secret::Secret, source::Span};

/// Everything that was loaded in one run: one stack a document.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Spec {
    /// The stacks, in the order of the files.
    pub stacks: Vec<Stack>,
    /// The names of parameters that a document declares as secrets.
    pub secret_params: BTreeSet<String>,
    /// Their values.
    pub secrets: Vec<Secret>,
}

/// A value and where it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Its place.
    pub span: Span,
}

/// One document.
#[derive(Debug, Clone, PartialEq)]
pub struct Stack {
    /// The stack's name; marks what it owns.
    pub name: Spanned<String>,
    /// The subscription (a GUID), if the document says one.
    pub subscription: Option<Spanned<String>>,
    /// Default location of every resource; without its value where that is a mistake, which was reported.
    pub location: Option<Spanned<Option<String>>>,
    /// Default resource group of every resource: a name, or a reference to a resource of kind resourceGroup.
    pub resource_group: Option<Node>,
    /// Tags of every resource that can have tags.
    pub tags: Vec<Tag>,
    /// Tags that are not compared, with `*` for any characters: `hidden-*`.
    pub ignore_tags: Vec<Spanned<String>>,
    /// The resources, forEach already repeated, in the order of the file.
    pub resources: Vec<Resource>,
}

/// A tag. Its value may hold references.
#[derive(Debug, Clone, PartialEq)]
pub struct Tag {
    /// The key.
    pub key: String,
    /// The value: a string or a template.
    pub value: Node,
}

/// The address of a resource in its stack: its name, and the key of the instance when it has a forEach.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    /// The name under `resources`.
    pub resource: String,
    /// The key of the instance, where there is a forEach.
    pub instance: Option<String>,
}

/// What happens to the Azure resource when its entry leaves the spec.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnRemove {
    /// It is an orphan and can be deleted.
    #[default]
    Delete,
    /// It is left alone.
    Keep,
}

/// What happens to role assignments directly on a resource that the spec does not name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum GrantsPolicy {
    /// They are shown.
    #[default]
    Report,
    /// They are deleted: the spec names all grants that there shall be.
    Authoritative,
}

/// One resource, every value of which is final or refers to a resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    /// Its address.
    pub address: Address,
    /// Where its name stands under `resources`.
    pub span: Span,
    /// The kind, as written.
    pub kind: Spanned<String>,
    /// The Azure name, for kinds that have one.
    pub name: Option<Node>,
    /// `existing: true`: looked up, never changed.
    pub existing: bool,
    /// Names under `resources` that must be done before.
    pub depends_on: Vec<Spanned<Address>>,
    /// `protect: true`: never deleted nor replaced.
    pub protect: bool,
    /// Property paths that are not compared.
    pub ignore: Vec<Spanned<String>>,
    /// What happens when the entry leaves the spec.
    pub on_remove: OnRemove,
    /// `grants: report | authoritative`: what happens to grants on it that the spec does not name.
    pub grants: GrantsPolicy,
    /// Its own tags.
    pub tags: Vec<Tag>,
    /// Its own location.
    pub location: Option<Node>,
    /// Its own resource group: a name or a reference.
    pub resource_group: Option<Node>,
    /// Its own subscription.
    pub subscription: Option<Node>,
    /// All that remains: the properties of the kind, as a mapping.
    pub props: Node,
}

impl Resource {
    /// The place of a property, or of the resource where the property is not written.
    pub fn span_of(&self, property: &str) -> Span {
        self.props.get(property).map_or(self.span, |node| node.span)
    }

    /// The properties as plain JSON, see [`Node::to_json`].
    pub fn props_json(&self) -> Json {
        self.props.to_json()
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.instance {
            Some(key) => write!(f, "{}[{key}]", self.resource),
            None => f.write_str(&self.resource),
        }
    }
}

#[cfg(test)]
mod tests;
