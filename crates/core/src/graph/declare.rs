//! What a handler is given to declare Azure resources with: values with references resolved, and its surroundings.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::place::{Index, Places, address_of};
use crate::{
    arm::{ArmId, ArmType},
    diagnostic::{Code, Diagnostic, Diagnostics, did_you_mean},
    graph::{Grant, Identity, NodeKey, Placed, RoleName},
    kind::Rule,
    mark::{Afterlife, Mark, ON_REMOVE_TAG, STACK_TAG, TextMark},
    node::{Datum, Entry, Node},
    source::Span,
    spec::{Resource, Stack},
    template::{Expr, Reference, Segment, Template},
    value::{Hole, HolePart, Object, Output, Value},
};

/// What a node must wait for beside what it refers to.
#[derive(Debug, Clone, PartialEq)]
pub enum Implied {
    /// Every grant of this principal at this scope or above it, or that may be above it.
    GrantsOf {
        /// The identity that must hold the grants.
        principal: NodeKey,
        /// The resource on which it must hold them.
        on: ArmId,
        /// Why, for the shown graph.
        why: String,
    },
    /// A resource that a property names without a reference.
    Named {
        /// What is named.
        node: NodeKey,
        /// The property.
        property: &'static str,
    },
    /// Everything at or below a scope.
    EverythingWithin(ArmId),
    /// One part of the entry follows another.
    FollowsPart {
        /// The part that waits.
        part: Option<String>,
        /// The part that it waits for.
        after: String,
        /// Why, for the shown graph.
        why: &'static str,
    },
}

/// One Azure resource, as a handler declares it.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Which part of the entry it is; `None` for the entry itself.
    pub part: Option<String>,
    /// Its type.
    pub arm_type: ArmType,
    /// What makes a live resource this one.
    pub identity: Identity,
    /// The wanted body.
    pub body: Value,
    /// How it is compared.
    pub rules: &'static [Rule],
    /// Where its mark is kept.
    pub mark: Mark,
    /// Whether it can be deleted by itself.
    pub deletable: bool,
    /// Whether a list of its type says all that a GET of it would.
    pub listed: bool,
    /// The parts of the same entry that must be done before, and why.
    pub after: Vec<(String, &'static str)>,
}

/// The Azure resources that one entry stands for.
#[derive(Debug, Default)]
pub struct Nodes {
    pub(super) drafts: Vec<Draft>,
    pub(super) open_roles: BTreeSet<RoleName>,
    pub(super) diagnostics: Diagnostics,
}

impl Nodes {
    /// Adds a resource.
    pub fn push(&mut self, draft: Draft) {
        self.drafts.push(draft);
    }

    /// Adds a role that Azure must be asked for.
    pub fn ask(&mut self, role: RoleName) {
        self.open_roles.insert(role);
    }

    /// Adds a mistake of the author.
    pub fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }
}

pub(super) struct Resolver<'a> {
    pub(super) index: &'a Index<'a>,
    pub(super) places: &'a Places,
    pub(super) roles: &'a BTreeMap<RoleName, Vec<ArmId>>,
    pub(super) by_kind: HashMap<&'a str, Vec<Target<'a>>>,
}

/// A resource whose properties have the right shape, before they are given their type.
#[derive(Clone, Copy)]
pub struct Unchecked<'a> {
    pub(super) resource: &'a Resource,
    pub(super) stack: &'a Stack,
    pub(super) placed: &'a Placed,
    pub(super) resolver: &'a Resolver<'a>,
}

impl<'a> Unchecked<'a> {
    pub(crate) fn with<P>(self, props: P) -> Declared<'a, P> {
        Declared { props, inner: self }
    }

    pub(crate) fn resource(&self) -> &'a Resource {
        self.resource
    }
}

/// A resource of the spec, as its handler sees it.
pub struct Declared<'a, P> {
    /// The properties, typed.
    pub props: P,
    inner: Unchecked<'a>,
}

/// What a reference leads to.
#[derive(Clone, Copy)]
pub struct Target<'a> {
    /// The resource's entry.
    pub resource: &'a Resource,
    /// What is known of it before the run.
    pub placed: &'a Placed,
}

impl<'a, P> Declared<'a, P> {
    /// The entry of the spec.
    pub fn resource(&self) -> &'a Resource {
        self.inner.resource
    }

    /// What is known of the resource before the run.
    pub fn placed(&self) -> &'a Placed {
        self.inner.placed
    }

    /// The stack's name.
    pub fn stack(&self) -> &'a str {
        &self.inner.stack.name.value
    }

    /// The place of a property, or of the entry.
    pub fn span_of(&self, property: &str) -> Span {
        self.inner.resource.span_of(property)
    }

    /// A property with its references resolved.
    pub fn value(&self, property: &str, nodes: &mut Nodes) -> Option<Value> {
        self.inner
            .resource
            .props
            .get(property)
            .map(|node| self.resolve(node, nodes))
    }

    /// Any node of the entry with its references resolved.
    pub fn resolve(&self, node: &Node, nodes: &mut Nodes) -> Value {
        self.inner
            .resolver
            .value(self.inner.stack, node, 0, &mut nodes.diagnostics)
    }

    /// A property of a resource that this one refers to, as a value or a hole.
    pub fn output(&self, target: &Target<'_>, name: &str) -> Option<Value> {
        let path = [name.to_owned()];
        self.inner
            .resolver
            .output(
                target,
                &path,
                &format!("{}.{name}", target.resource.address),
            )
            .map(whole)
    }

    /// What a property refers to, if it is a reference to a resource itself (`${name}`).
    pub fn target(&self, property: &str) -> Option<Target<'a>> {
        self.inner
            .resource
            .props
            .get(property)
            .and_then(|node| self.target_of(node))
    }

    /// What a node refers to, if it is a reference to a resource itself (`${name}`).
    pub fn target_of(&self, node: &Node) -> Option<Target<'a>> {
        let Datum::Template(Template(segments)) = &node.datum else {
            return None;
        };
        match segments.as_slice() {
            [Segment::Expr(Expr::Resource(reference))] if reference.path.is_empty() => {
                self.inner.resolver.target(self.inner.stack, reference)
            }
            _ => None,
        }
    }

    /// The resources that a node refers to, in values and in keys, each once.
    pub fn targets_below(&self, node: &Node) -> Vec<Target<'a>> {
        let mut found = Vec::new();
        templates(node, "", &mut found);
        let mut targets: Vec<Target<'a>> = found
            .iter()
            .flat_map(|(_, template)| &template.0)
            .filter_map(|segment| match segment {
                Segment::Expr(Expr::Resource(reference)) => {
                    self.inner.resolver.target(self.inner.stack, reference)
                }
                _ => None,
            })
            .collect();
        targets.sort_by(|left, right| left.placed.key.cmp(&right.placed.key));
        targets.dedup_by(|left, right| left.placed.key == right.placed.key);
        targets
    }

    /// The resources of a kind in the whole spec, those of the own stack first.
    pub fn all_of(&self, kind: &str) -> Vec<Target<'a>> {
        let found = self.inner.resolver.by_kind.get(kind);
        let mut found = found.cloned().unwrap_or_default();
        found.sort_by_key(|target| {
            let key = &target.placed.key;
            (key.stack != self.stack(), key)
        });
        found
    }

    /// The ids of the role definitions that Azure has under a name, if it has been asked.
    pub fn definitions_of(&self, role: &RoleName) -> Option<&'a [ArmId]> {
        self.inner.resolver.roles.get(role).map(Vec::as_slice)
    }

    /// `location` and `tags` of the body, for kinds that have them. The tags hold the mark of the stack.
    pub fn envelope(&self, nodes: &mut Nodes) -> Object {
        let facts = self.inner.placed.kind.facts();
        let mut body = Object::new();
        if let Some(location) = &self.inner.placed.location {
            body.insert("location".into(), Value::string(location));
        }
        if facts.tags {
            let mut tags = Object::new();
            for tag in self
                .inner
                .stack
                .tags
                .iter()
                .chain(&self.inner.resource.tags)
            {
                tags.insert(tag.key.clone(), self.resolve(&tag.value, nodes));
            }
            tags.insert(STACK_TAG.into(), Value::string(self.stack()));
            if let Some(word) = self.afterlife().word() {
                tags.insert(ON_REMOVE_TAG.into(), Value::string(word));
            }
            body.insert("tags".into(), Value::Object(tags));
        }
        body
    }

    /// All properties but those named, with references resolved, in the order they were written.
    pub fn properties_except(&self, except: &[&str], nodes: &mut Nodes) -> Object {
        self.inner
            .resource
            .props
            .entries()
            .iter()
            .filter(|entry| !except.contains(&entry.key.as_str()))
            .map(|entry| (entry.key.clone(), self.resolve(&entry.value, nodes)))
            .collect()
    }

    /// The entry itself as an Azure resource: its own id, its type, its rules.
    pub fn draft(&self, id: ArmId, body: Object) -> Draft {
        let facts = self.inner.placed.kind.facts();
        Draft {
            part: None,
            arm_type: self.inner.placed.arm_type.clone(),
            identity: Identity::Resource(id),
            body: Value::Object(body),
            rules: facts.rules,
            mark: if facts.tags { Mark::Tag } else { Mark::Parent },
            deletable: true,
            listed: facts.listed,
            after: Vec::new(),
        }
    }

    /// A resource below the entry, which comes and goes with it.
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
            mark: Mark::Parent,
            deletable: true,
            listed: true,
            after: Vec::new(),
        }
    }

    /// Text that carries the mark of the stack behind what the author wrote.
    pub fn marked_text(&self, own: Option<&str>) -> String {
        TextMark::of(&self.inner.placed.key, self.afterlife()).behind(own)
    }

    fn afterlife(&self) -> Afterlife {
        let resource = self.inner.resource;
        Afterlife::wished(resource.protect, resource.on_remove)
    }
}

/// What a handler's checks may look at: the whole spec.
pub struct Surroundings<'a> {
    /// The grants of identities of the spec, by whom they are for.
    pub(super) grants: &'a HashMap<NodeKey, Vec<Grant>>,
}

impl Surroundings<'_> {
    /// Whether the spec gives a role to a principal at a scope or above it, or may do so at a management group.
    pub fn grants(&self, principal: &NodeKey, role: &str, scope: &ArmId) -> bool {
        let grants = self.grants.get(principal).into_iter().flatten();
        grants
            .filter(|grant| grant.role.eq_ignore_ascii_case(role))
            .any(|grant| grant.scope.may_reach(scope))
    }
}

fn whole(part: HolePart) -> Value {
    match part {
        HolePart::Text(text) => Value::String(text),
        HolePart::Secret(secret) => Value::Secret(secret),
        HolePart::Output(_) => Value::Hole(Hole(vec![part])),
    }
}

/// Properties may be made of other resources' properties, but not without end.
const MAX_DEPTH: usize = 32;

impl<'a> Resolver<'a> {
    fn target(&self, stack: &Stack, reference: &Reference) -> Option<Target<'a>> {
        let address = address_of(reference);
        let (_, resource) = *self.index.get(&(stack.name.value.as_str(), &address))?;
        let placed = self.places.get(&(stack.name.value.clone(), address))?;
        Some(Target { resource, placed })
    }

    pub(super) fn new(
        index: &'a Index<'a>,
        places: &'a Places,
        roles: &'a BTreeMap<RoleName, Vec<ArmId>>,
    ) -> Self {
        let mut by_kind: HashMap<&str, Vec<Target<'_>>> = HashMap::new();
        for (stack, resource) in index.values() {
            let key = (stack.name.value.clone(), resource.address.clone());
            if let Some(placed) = places.get(&key) {
                let kind = resource.kind.value.as_str();
                let target = Target { resource, placed };
                by_kind.entry(kind).or_default().push(target);
            }
        }
        Self {
            index,
            places,
            roles,
            by_kind,
        }
    }

    fn value(
        &self,
        stack: &Stack,
        node: &Node,
        depth: usize,
        diagnostics: &mut Diagnostics,
    ) -> Value {
        match &node.datum {
            Datum::Seq(items) => Value::Array(
                items
                    .iter()
                    .map(|item| self.value(stack, item, depth, diagnostics))
                    .collect(),
            ),
            Datum::Map(entries) => Value::Object(
                entries
                    .iter()
                    .map(|entry| {
                        (
                            self.key(stack, entry, depth, diagnostics),
                            self.value(stack, &entry.value, depth, diagnostics),
                        )
                    })
                    .collect(),
            ),
            Datum::Template(Template(segments)) => {
                self.template(stack, segments, node.span, depth, diagnostics)
            }
            Datum::Null => Value::Null,
            Datum::Bool(value) => Value::Bool(*value),
            Datum::Number(number) => Value::Number(number.clone()),
            Datum::String(text) => Value::String(text.clone()),
            Datum::Secret(secret) => Value::Secret(secret.clone()),
        }
    }

    /// A key with its references resolved.
    fn key(
        &self,
        stack: &Stack,
        entry: &Entry,
        depth: usize,
        diagnostics: &mut Diagnostics,
    ) -> String {
        let Some(Template(segments)) = &entry.key_template else {
            return entry.key.clone();
        };
        match self.template(stack, segments, entry.key_span, depth, diagnostics) {
            Value::String(text) => text,
            Value::Hole(hole) => {
                diagnostics.push(Diagnostic::error(
                    Code::UnknownBeforeRun,
                    entry.key_span,
                    format!("a key must be known before the run, `{hole}` is known only after it"),
                ));
                entry.key.clone()
            }
            other => other.to_display_json().to_string(),
        }
    }

    fn template(
        &self,
        stack: &Stack,
        segments: &[Segment],
        span: Span,
        depth: usize,
        diagnostics: &mut Diagnostics,
    ) -> Value {
        if let [Segment::Expr(Expr::Resource(reference))] = segments {
            return self.reference(stack, reference, span, depth, diagnostics);
        }
        let mut parts = Vec::new();
        for segment in segments {
            match segment {
                Segment::Text(text) => parts.push(HolePart::Text(text.clone())),
                Segment::Secret(secret) => parts.push(HolePart::Secret(secret.clone())),
                Segment::Expr(Expr::Resource(reference)) => {
                    match self.reference(stack, reference, span, depth, diagnostics) {
                        Value::Hole(Hole(inner)) => parts.extend(inner),
                        Value::String(text) => parts.push(HolePart::Text(text)),
                        Value::Secret(secret) => parts.push(HolePart::Secret(secret)),
                        known => parts.push(HolePart::Text(known.to_display_json().to_string())),
                    }
                }
                Segment::Expr(_) => {}
            }
        }
        Value::Hole(Hole(parts)).fill(&|_| None)
    }

    fn reference(
        &self,
        stack: &Stack,
        reference: &Reference,
        span: Span,
        depth: usize,
        diagnostics: &mut Diagnostics,
    ) -> Value {
        // A target without a place has been reported where it is declared.
        let Some(target) = self.target(stack, reference) else {
            return Value::Null;
        };
        if let Some(text) = target.placed.fixed(&reference.path) {
            return Value::String(text);
        }
        let written = target.placed.written(target.resource, &reference.path);
        if let Some(node) = written.filter(|_| !reference.path.is_empty() && depth < MAX_DEPTH) {
            return self.value(stack, node, depth + 1, diagnostics);
        }
        if let Some(part) = self.output(&target, &reference.path, &reference.to_string()) {
            return whole(part);
        }
        let facts = target.placed.kind.facts();
        let property = reference.path.join(".");
        let outputs = target.placed.outputs;
        let candidates = outputs
            .iter()
            .map(|output| output.name)
            .chain(Placed::FIXED);
        diagnostics.push(if property.is_empty() {
            Diagnostic::error(
                Code::UnknownReference,
                span,
                format!(
                    "`{}` is a {}, which has no id to refer to",
                    reference.resource, facts.kind
                ),
            )
            .help("name it in `dependsOn` to wait for it")
        } else {
            Diagnostic::error(
                Code::UnknownReference,
                span,
                format!("`{}` has no property `{property}`", reference.resource),
            )
            .help(
                did_you_mean(&property, candidates.clone()).unwrap_or_else(|| {
                    format!(
                        "a {} has {}",
                        facts.kind,
                        candidates.collect::<Vec<_>>().join(", ")
                    )
                }),
            )
        });
        Value::Null
    }

    /// A property that is known only from the live resource.
    fn output(&self, target: &Target<'_>, path: &[String], written: &str) -> Option<HolePart> {
        let (first, rest) = path.split_first()?;
        let facts = target.placed.kind.facts();
        let mut known = target.placed.outputs.iter();
        let documented = known.find(|output| output.name == first);
        let mut full: Vec<String> = match documented {
            Some(output) => output.path.split('.').map(str::to_owned).collect(),
            None if facts.body.is_some() || first == "properties" && !rest.is_empty() => {
                vec![first.clone()]
            }
            None => return None,
        };
        full.extend_from_slice(rest);
        Some(HolePart::Output(Output {
            of: target.placed.key.clone(),
            path: full,
            written: written.to_owned(),
        }))
    }
}

/// All templates below a node, those in keys included, with the property path of each.
pub(super) fn templates<'n>(node: &'n Node, path: &str, found: &mut Vec<(String, &'n Template)>) {
    let below = |part: &str| {
        if path.is_empty() {
            part.to_owned()
        } else {
            format!("{path}.{part}")
        }
    };
    match &node.datum {
        Datum::Template(template) => found.push((path.to_owned(), template)),
        Datum::Seq(items) => items.iter().for_each(|item| templates(item, path, found)),
        Datum::Map(entries) => {
            for entry in entries {
                let in_key = entry.key_template.iter();
                found.extend(in_key.map(|template| (path.to_owned(), template)));
                templates(&entry.value, &below(&entry.key), found);
            }
        }
        Datum::Null | Datum::Bool(_) | Datum::Number(_) | Datum::String(_) | Datum::Secret(_) => {}
    }
}
