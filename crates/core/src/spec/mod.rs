//! The spec language: the model of a loaded stack. `load` creates it from text.

mod entry;
mod fill;
mod foreign;
mod inputs;
mod load;
mod loader;
mod parameters;
mod repeat;
mod requires;

use std::collections::BTreeSet;

use serde_json::Value as Json;

pub use entry::COMMON_KEYS;
pub use inputs::{Inputs, ParamInput, ParamValue, reject_files};
pub use load::{API_VERSION, is_stack_name, load};

use crate::{
    node::Node,
    secret::Secret,
    source::Span,
    stack::{StackId, StackIdentity},
};

/// The stacks that a run loads, one per document.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Spec {
    /// The stacks, in the order of the files.
    pub stacks: Vec<Stack>,
    /// The names of the parameters that are declared as secrets.
    pub secret_params: BTreeSet<String>,
    /// The values of those parameters.
    pub secrets: Vec<Secret>,
}

/// A value and its position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// The position.
    pub span: Span,
}

/// A stack: the content of one document.
#[derive(Debug, Clone, PartialEq)]
pub struct Stack {
    /// The name, which ownership markers contain.
    pub name: Spanned<String>,
    /// The id, if the document has one.
    pub id: Option<StackId>,
    /// The subscription id (a GUID) if the document sets one.
    pub subscription: Option<Spanned<String>>,
    /// The default location of all resources. The value is `None` if it is invalid, which was reported.
    pub location: Option<Spanned<Option<String>>>,
    /// The default resource group of all resources: a name, or a reference to a resource of kind resourceGroup.
    pub resource_group: Option<Node>,
    /// Tags of all resources that support tags.
    pub tags: Vec<Tag>,
    /// Patterns of tags that are not compared; `*` matches any characters: `hidden-*`.
    pub ignore_tags: Vec<Spanned<String>>,
    /// The resources in the order of the file, with one for each instance of a `forEach`.
    pub resources: Vec<Resource>,
}

impl Stack {
    /// Its name and id.
    pub fn identity(&self) -> StackIdentity {
        StackIdentity {
            name: self.name.value.clone(),
            id: self.id.clone(),
        }
    }
}

/// A tag.
#[derive(Debug, Clone, PartialEq)]
pub struct Tag {
    /// The key.
    pub key: String,
    /// The value: a string, or a template with references.
    pub value: Node,
}

/// The address of a resource in its stack: the entry, and the instance if the entry has a `forEach`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    /// The name under `resources`.
    pub resource: String,
    /// The key of the instance if the entry has a `forEach`.
    pub instance: Option<String>,
}

/// Whether a resource is deleted after its entry is removed from the spec.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnRemove {
    /// The resource becomes an orphan, which `--prune` deletes.
    #[default]
    Delete,
    /// The resource stays in Azure.
    Keep,
}

/// The policy for undeclared role assignments directly on a resource.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum GrantsPolicy {
    /// Show them.
    #[default]
    Report,
    /// Delete them: the spec declares all role assignments of the resource.
    Authoritative,
}

/// A resource. Every value is final or refers to another resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    /// The address.
    pub address: Address,
    /// The position of the key under `resources`.
    pub span: Span,
    /// The kind as it is written.
    pub kind: Spanned<String>,
    /// The name in Azure for kinds that have one.
    pub name: Option<Node>,
    /// `existing: true`: the resource is read and never changed.
    pub existing: bool,
    /// The resources that must be applied first.
    pub depends_on: Vec<Spanned<Address>>,
    /// `protect: true`: the resource is never deleted or replaced.
    pub protect: bool,
    /// Paths of properties that are not compared.
    pub ignore: Vec<Spanned<String>>,
    /// Whether the resource is deleted after the entry is removed from the spec.
    pub on_remove: OnRemove,
    /// `grants: report | authoritative`: the policy for undeclared role assignments on the resource.
    pub grants: GrantsPolicy,
    /// The tags of the resource itself.
    pub tags: Vec<Tag>,
    /// The location if the resource sets one.
    pub location: Option<Node>,
    /// The resource group if the resource sets one: a name or a reference.
    pub resource_group: Option<Node>,
    /// The subscription if the resource sets one.
    pub subscription: Option<Node>,
    /// The remaining keys, which are properties of the kind, as a mapping.
    pub props: Node,
}

impl Resource {
    /// The position of a property, or of the resource if the property is not set.
    pub fn span_of(&self, property: &str) -> Span {
        self.props.get(property).map_or(self.span, |node| node.span)
    }

    /// The properties as JSON, see [`Node::to_json`].
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
