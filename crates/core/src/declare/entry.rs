//! An entry of the spec, as its handler sees it: typed properties, place, and references resolved on request.

use std::ops::Deref;

use super::{Draft, Identity, Nodes, Placement, Resolver, RoleName, resolver::whole, templates};
use crate::{
    arm::{ArmId, ArmType},
    body_path::BodyPath,
    facts::Rule,
    marker::{
        Binding, MARKER_TAG, Marker, MarkerTarget, ON_REMOVE_TAG, RemovalPolicy, STACK_TAG,
        TextMarker,
    },
    node::{Datum, Entry, Node},
    source::Span,
    spec::{Resource, Stack},
    template::{Expr, Segment, Template},
    value::{Object, Value},
};

/// An entry of the spec: its place, and its values with references resolved on request.
#[derive(Clone, Copy)]
pub struct EntryContext<'a> {
    pub(crate) resource: &'a Resource,
    pub(crate) stack: &'a Stack,
    pub(crate) placement: &'a Placement,
    pub(crate) resolver: &'a Resolver<'a>,
}

/// An entry of the spec, read once into the type of its kind.
pub struct TypedEntry<'a, P, L = ()> {
    /// The properties.
    pub props: P,
    /// What the properties refer to.
    pub links: L,
    pub(crate) context: EntryContext<'a>,
}

impl<'a, P, L> Deref for TypedEntry<'a, P, L> {
    type Target = EntryContext<'a>;

    fn deref(&self) -> &Self::Target {
        &self.context
    }
}

/// The resource that a reference names.
#[derive(Clone, Copy)]
pub struct ReferenceTarget<'a> {
    /// Its entry.
    pub resource: &'a Resource,
    /// What is known of it before apply.
    pub placement: &'a Placement,
}

impl<'a> EntryContext<'a> {
    /// The entry of the spec.
    pub fn resource(&self) -> &'a Resource {
        self.resource
    }

    /// What is known of the resource before apply.
    pub fn placement(&self) -> &'a Placement {
        self.placement
    }

    /// The stack's name.
    pub fn stack(&self) -> &'a str {
        &self.stack.name.value
    }

    /// The position of a property, or of the entry if the property is not written.
    pub fn span_of(&self, property: &str) -> Span {
        self.resource.span_of(property)
    }

    /// The members of a property that is a mapping; none if it is not written.
    pub fn entries(&self, property: &str) -> &'a [Entry] {
        let node = self.resource.props.get(property);
        node.map_or(&[], Node::entries)
    }

    /// A property with its references resolved.
    pub fn value(&self, property: &str, nodes: &mut Nodes) -> Option<Value> {
        self.resource
            .props
            .get(property)
            .map(|node| self.resolve(node, nodes))
    }

    /// Any node of the entry with its references resolved.
    pub fn resolve(&self, node: &Node, nodes: &mut Nodes) -> Value {
        self.resolver
            .value(self.stack, node, 0, &mut nodes.diagnostics)
    }

    /// A property of a resource that this one refers to: a value or an unresolved output.
    pub fn output(&self, target: &ReferenceTarget<'_>, name: &str) -> Option<Value> {
        let path = [name.to_owned()];
        self.resolver
            .output(
                target,
                &path,
                &format!("{}.{name}", target.resource.address),
            )
            .map(whole)
    }

    /// The target of a property that is a reference to a resource (`${name}`).
    pub fn target(&self, property: &str) -> Option<ReferenceTarget<'a>> {
        self.resource
            .props
            .get(property)
            .and_then(|node| self.target_of(node))
    }

    /// The target of a node that is a reference to a resource (`${name}`).
    pub fn target_of(&self, node: &Node) -> Option<ReferenceTarget<'a>> {
        let Datum::Template(Template(segments)) = &node.datum else {
            return None;
        };
        match segments.as_slice() {
            [Segment::Expr(Expr::Resource(reference))] if reference.path.is_empty() => {
                self.resolver.target(self.stack, reference)
            }
            _ => None,
        }
    }

    /// The resources that values and keys of a node refer to, each once.
    pub fn targets_below(&self, node: &Node) -> Vec<ReferenceTarget<'a>> {
        let mut found = Vec::new();
        templates(node, &BodyPath::root(), &mut found);
        let mut targets: Vec<ReferenceTarget<'a>> = found
            .iter()
            .flat_map(|(_, template)| &template.0)
            .filter_map(|segment| match segment {
                Segment::Expr(Expr::Resource(reference)) => {
                    self.resolver.target(self.stack, reference)
                }
                _ => None,
            })
            .collect();
        targets.sort_by(|left, right| left.placement.key.cmp(&right.placement.key));
        targets.dedup_by(|left, right| left.placement.key == right.placement.key);
        targets
    }

    /// All resources of a kind in the spec, those of the same stack first.
    pub fn all_of(&self, kind: &str) -> Vec<ReferenceTarget<'a>> {
        let found = self.resolver.by_kind.get(kind);
        let mut found: Vec<_> = found.into_iter().flatten().copied().collect();
        found.sort_by_key(|target| {
            let key = &target.placement.key;
            (key.stack != self.stack(), key)
        });
        found
    }

    /// The ids of the role definitions with a name, if the name has been looked up.
    pub fn definitions_of(&self, role: &RoleName) -> Option<&'a [ArmId]> {
        self.resolver.roles.get(role).map(Vec::as_slice)
    }

    /// `location` and `tags` of the body, for kinds that have them. The tags include the ownership marker; [`Self::draft`]
    /// binds it to the id.
    pub fn envelope(&self, nodes: &mut Nodes) -> Object {
        let facts = self.placement.facts;
        let mut body = Object::new();
        if let Some(location) = &self.placement.location {
            body.insert("location".into(), Value::string(location));
        }
        if facts.tags {
            let mut tags = Object::new();
            for tag in self.stack.tags.iter().chain(&self.resource.tags) {
                tags.insert(tag.key.clone(), self.resolve(&tag.value, nodes));
            }
            tags.insert(STACK_TAG.into(), Value::string(self.stack()));
            if let Some(word) = self.removal_policy().word() {
                tags.insert(ON_REMOVE_TAG.into(), Value::string(word));
            }
            body.insert("tags".into(), Value::Object(tags));
        }
        body
    }

    /// All properties except those in `except`, with references resolved, in the order of the spec.
    pub fn properties_except(&self, except: &[&str], nodes: &mut Nodes) -> Object {
        self.resource
            .props
            .entries()
            .iter()
            .filter(|entry| !except.contains(&entry.key.as_str()))
            .map(|entry| (entry.key.clone(), self.resolve(&entry.value, nodes)))
            .collect()
    }

    /// The entry itself as an Azure resource: its own id, its type, its rules.
    pub fn draft(&self, id: ArmId, mut body: Object) -> Draft {
        let facts = self.placement.facts;
        if facts.tags
            && let Some(Value::Object(tags)) = body.get_mut("tags")
        {
            let binding = Binding::new(&self.stack.identity(), &MarkerTarget::from_id(&id));
            tags.insert(MARKER_TAG.into(), Value::String(binding.to_string()));
        }
        Draft {
            part: None,
            arm_type: self.placement.arm_type.clone(),
            identity: Identity::Resource(id),
            body: Value::Object(body),
            rules: self.placement.rules,
            marker: if facts.tags {
                Marker::Tag
            } else {
                Marker::Parent
            },
            deletable: true,
            listed: facts.listed,
            after: Vec::new(),
        }
    }

    /// A child resource of the entry, which is created and deleted with it.
    pub fn child(
        &self,
        part: String,
        id: ArmId,
        arm_type: ArmType,
        body: Object,
        rules: &'static [Rule],
    ) -> Draft {
        Draft {
            part: Some(part),
            arm_type,
            identity: Identity::Resource(id),
            body: Value::Object(body),
            rules,
            marker: Marker::Parent,
            deletable: true,
            listed: true,
            after: Vec::new(),
        }
    }

    /// The author's text, followed by the ownership marker of a resource.
    pub fn marked_text(&self, own: Option<&str>, target: &MarkerTarget) -> String {
        let address = &self.placement.key.address;
        let policy = self.removal_policy();
        TextMarker::new(&self.stack.identity(), address, policy, target).append_to(own)
    }

    fn removal_policy(&self) -> RemovalPolicy {
        let resource = self.resource;
        RemovalPolicy::new(resource.protect, resource.on_remove)
    }
}
