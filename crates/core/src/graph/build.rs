//! Builds the graph of a spec: ids, declarations and dependencies. Reports all mistakes in one run.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use super::{Graph, Lifecycle, Node, Settings, StackScope, children, edges, place};
use crate::{
    arm::ArmId,
    body_path::BodyPath,
    declare::{
        Draft, EntryContext, Grant, Identity, ImpliedDependency, Nodes, Placement, Resolver,
        RoleName, Surroundings, index,
    },
    diagnostic::{Code, Diagnostic, Diagnostics},
    ignore::IgnorePattern,
    key::NodeKey,
    kind::{DynEntry, Registry},
    marker::Marker,
    shape::Shape,
    source::Span,
    spec::{Resource, Spec, Stack},
    subject::Subject,
    value::Value,
};

/// Builds the graph of a spec. Use the graph only if the diagnostics have no errors. If it has open roles, look them up in
/// Azure and build the graph again with the result before planning.
pub fn build(spec: &Spec, registry: Registry, settings: &Settings) -> (Graph, Diagnostics) {
    build_with(spec, registry, settings, &Shapes::compile(spec, registry))
}

/// The compiled schemas of the kinds in a spec. Compilation takes longer than everything else that a small graph needs, so
/// a spec whose graph is built twice keeps them.
#[derive(Debug, Default)]
pub struct Shapes(HashMap<&'static str, Shape>);

impl Shapes {
    /// Compiles the schemas of the kinds that a spec declares resources of.
    pub fn compile(spec: &Spec, registry: Registry) -> Self {
        let resources = spec.stacks.iter().flat_map(|stack| &stack.resources);
        let mut shapes = HashMap::new();
        for resource in resources.filter(|resource| !resource.existing) {
            if let Some(kind) = registry.get(&resource.kind.value) {
                let name = kind.facts().kind;
                shapes.entry(name).or_insert_with(|| kind.shape());
            }
        }
        Self(shapes)
    }
}

/// [`build`] with the schemas of the same spec and registry.
pub fn build_with(
    spec: &Spec,
    registry: Registry,
    settings: &Settings,
    shapes: &Shapes,
) -> (Graph, Diagnostics) {
    let index = index(spec);
    let (places, mut diagnostics) = place::place(spec, &index, registry, settings);
    let resolver = Resolver::new(&index, &places, &settings.roles);
    let mut building = Building {
        resolver: &resolver,
        shapes,
        retired: HashSet::new(),
        entries: Vec::new(),
        nodes: Vec::new(),
        implied: Vec::new(),
        open_roles: BTreeSet::new(),
        diagnostics: Diagnostics::default(),
    };
    for stack in &spec.stacks {
        for resource in &stack.resources {
            building.declare(stack, resource, registry);
        }
    }
    building.check();
    let Building {
        mut nodes,
        implied,
        open_roles,
        diagnostics: found,
        ..
    } = building;
    diagnostics.extend(found);
    diagnostics.extend(duplicates(&nodes));
    let edges = edges::find(&nodes, &implied, spec, &places);
    let stack_scopes = stack_scopes(spec, settings, &nodes);
    let unrecorded = children::record(&mut nodes, registry.child_types);
    let graph = Graph {
        stack_scopes,
        unrecorded,
        open_roles,
        secrets: settings.secrets.clone(),
        ..edges::assemble(nodes, edges, &mut diagnostics)
    };
    (graph, diagnostics)
}

fn stack_scopes(spec: &Spec, settings: &Settings, nodes: &[Node]) -> Vec<StackScope> {
    let home = |stack: &Stack| {
        let written = stack.subscription.as_ref().map(|written| &written.value);
        let own = written.or(settings.subscription.as_ref());
        let mut home = StackScope {
            stack: stack.identity(),
            span: stack.name.span,
            subscriptions: own
                .map(|own| ArmId::subscription(own))
                .into_iter()
                .collect(),
            groups: BTreeSet::new(),
        };
        let own =
            |node: &&Node| node.subject.key.stack == home.stack.name && !node.lifecycle.existing;
        for node in nodes.iter().filter(own) {
            let place = match &node.identity {
                Identity::Resource(id) => id,
                Identity::Grant(grant) => &grant.scope,
            };
            home.groups.extend(place.group());
            let subscription = place.subscription_id();
            home.subscriptions
                .extend(subscription.map(ArmId::subscription));
        }
        home
    };
    spec.stacks.iter().map(home).collect()
}

struct Building<'a> {
    resolver: &'a Resolver<'a>,
    shapes: &'a Shapes,
    retired: HashSet<&'static str>,
    /// The entries that could be read, in the order of the spec.
    entries: Vec<Box<dyn DynEntry + 'a>>,
    nodes: Vec<Node>,
    implied: Vec<(NodeKey, ImpliedDependency)>,
    open_roles: BTreeSet<RoleName>,
    diagnostics: Diagnostics,
}

impl<'a> Building<'a> {
    fn declare(&mut self, stack: &'a Stack, resource: &'a Resource, registry: Registry) {
        let Some(kind) = registry.get(&resource.kind.value) else {
            return;
        };
        let facts = kind.facts();
        if let Some(message) = facts.retired.filter(|_| self.retired.insert(facts.kind)) {
            self.diagnostics.push(Diagnostic::warning(
                Code::Retired,
                resource.kind.span,
                message,
            ));
        }
        if !facts.tags && !resource.tags.is_empty() {
            self.diagnostics.push(Diagnostic::error(
                Code::UnknownKey,
                resource.span,
                format!("a {} does not have `tags`", facts.kind),
            ));
        }
        let mut is_broken = false;
        if let (false, Some(shape)) = (resource.existing, self.shapes.0.get(facts.kind)) {
            let mut found = Diagnostics::default();
            shape.check(&resource.props, resource.span, &mut found);
            is_broken = found.has_errors();
            self.diagnostics.extend(found);
        }
        let key = (stack.name.value.clone(), resource.address.clone());
        let Some(placement) = self.resolver.places.get(&key) else {
            return;
        };
        if resource.existing {
            self.look_up(stack, resource, placement);
            return;
        }
        let context = EntryContext {
            resource,
            stack,
            placement,
            resolver: self.resolver,
        };
        let mut declared = Nodes::default();
        let entry = match kind.read(context, &mut declared) {
            Ok(entry) => entry,
            // The check of the schema has reported why.
            Err(_) if is_broken => return,
            Err(diagnostic) => {
                self.diagnostics.push(diagnostic);
                return;
            }
        };
        if let Some(entry) = entry.as_deref().filter(|_| !is_broken) {
            entry.declare(&mut declared);
            let implied = entry.implies().into_iter();
            self.implied
                .extend(implied.map(|implied| (placement.key.clone(), implied)));
        }
        self.entries.extend(entry);
        self.push_nodes(stack, resource, placement, declared);
    }

    fn push_nodes(
        &mut self,
        stack: &Stack,
        resource: &Resource,
        placement: &Placement,
        declared: Nodes,
    ) {
        self.diagnostics.extend(declared.diagnostics);
        self.open_roles.extend(declared.open_roles);
        let places = Arc::new(value_positions(resource));
        for draft in declared.drafts {
            for (part, why) in &draft.after {
                let follows = ImpliedDependency::FollowsPart {
                    part: draft.part.clone(),
                    after: part.clone(),
                    why,
                };
                self.implied.push((placement.key.clone(), follows));
            }
            let key = NodeKey {
                part: draft.part.clone(),
                ..placement.key.clone()
            };
            self.nodes
                .push(node(key, placement, stack, resource, draft, places.clone()));
        }
    }

    /// Adds the node of an `existing` entry. It has no body and no parts.
    fn look_up(&mut self, stack: &Stack, resource: &Resource, placement: &Placement) {
        let facts = placement.facts;
        let own = NodeKey {
            stack: stack.name.value.clone(),
            address: resource.address.clone(),
            part: None,
        };
        match &placement.id {
            Some(id) if own == placement.key => {
                let draft = Draft {
                    part: None,
                    arm_type: placement.arm_type.clone(),
                    identity: Identity::Resource(id.clone()),
                    body: Value::Null,
                    rules: facts.rules,
                    marker: Marker::Parent,
                    deletable: false,
                    listed: facts.listed,
                    after: Vec::new(),
                };
                let places = Arc::new(value_positions(resource));
                self.nodes
                    .push(node(own, placement, stack, resource, draft, places));
            }
            Some(_) => {}
            None => self.diagnostics.push(
                Diagnostic::error(
                    Code::UnknownKey,
                    resource.span,
                    format!(
                        "a {} cannot be `existing`: it has no id by which to find it",
                        facts.kind
                    ),
                )
                .help("remove `existing`: a role assignment that already exists stays as it is"),
            ),
        }
        for entry in resource.props.entries() {
            if !facts.place.depends_on(&entry.key) {
                self.diagnostics.push(Diagnostic::warning(
                    Code::UnknownKey,
                    entry.key_span,
                    format!(
                        "`{}` is ignored: the resource is `existing` and is never changed",
                        entry.key
                    ),
                ));
            }
        }
    }

    fn check(&mut self) {
        let mut grants: HashMap<NodeKey, Vec<Grant>> = HashMap::new();
        for node in &self.nodes {
            if let Identity::Grant(grant) = &node.identity
                && let Some(principal) = grant.principal_key()
            {
                let of_principal = grants.entry(principal.clone()).or_default();
                of_principal.push(grant.clone());
            }
        }
        let around = Surroundings { grants: &grants };
        for entry in &self.entries {
            entry.check(&around, &mut self.diagnostics);
        }
    }
}

fn node(
    key: NodeKey,
    placement: &Placement,
    stack: &Stack,
    resource: &Resource,
    draft: Draft,
    places: Arc<HashMap<BodyPath, Span>>,
) -> Node {
    let name = placement.name.as_deref().filter(|_| key.part.is_none());
    let title = match &draft.identity {
        Identity::Resource(id) => name.unwrap_or_else(|| id.name()).to_owned(),
        Identity::Grant(grant) => format!("{} on {}", grant.role_name, grant.scope.name()),
    };
    Node {
        subject: Subject {
            key,
            kind: placement.facts.kind,
            arm_type: draft.arm_type,
            title,
            span: resource.span,
            places,
        },
        identity: draft.identity,
        body: draft.body,
        rules: draft.rules,
        lifecycle: Lifecycle {
            existing: resource.existing,
            protect: resource.protect,
            on_remove: resource.on_remove,
            grants: resource.grants,
            ignore: resource
                .ignore
                .iter()
                .map(|path| IgnorePattern::property(&path.value))
                .chain(
                    stack
                        .ignore_tags
                        .iter()
                        .map(|name| IgnorePattern::tag(&name.value)),
                )
                .collect(),
        },
        marker: draft.marker,
        deletable: draft.deletable,
        listed: draft.listed,
    }
}

/// The positions of the values of an entry by path, and of the common keys that Azure can reject.
fn value_positions(resource: &Resource) -> HashMap<BodyPath, Span> {
    fn below(path: &BodyPath, node: &crate::node::Node, places: &mut HashMap<BodyPath, Span>) {
        for entry in node.entries() {
            let path = path.member(&entry.key);
            below(&path, &entry.value, places);
            places.insert(path, entry.value.span);
        }
    }
    let common = [
        ("name", &resource.name),
        ("location", &resource.location),
        ("resourceGroup", &resource.resource_group),
    ];
    let common = common
        .into_iter()
        .filter_map(|(key, node)| Some((BodyPath::from_names([key]), node.as_ref()?.span)));
    let mut places = common.collect();
    below(&BodyPath::root(), &resource.props, &mut places);
    places
}

/// Reports entries for the same Azure resource: they would overwrite each other forever.
fn duplicates(nodes: &[Node]) -> Diagnostics {
    let mut diagnostics = Diagnostics::default();
    let mut ids: HashMap<&ArmId, &Node> = HashMap::new();
    let mut grants: HashMap<(&ArmId, &str, String), &Node> = HashMap::new();
    for node in nodes {
        let (first, what) = match &node.identity {
            Identity::Resource(id) => (ids.insert(id, node), id.to_string()),
            Identity::Grant(grant) => (
                grants.insert((&grant.scope, &grant.role, principal_text(grant)), node),
                format!(
                    "the role {} for the same principal on {}",
                    grant.role_name, grant.scope
                ),
            ),
        };
        if let Some(first) = first {
            diagnostics.push(
                Diagnostic::error(
                    Code::DuplicateId,
                    node.subject.span,
                    format!(
                        "`{}` and `{}` are the same Azure resource",
                        first.subject.key, node.subject.key
                    ),
                )
                .note(what)
                .related(first.subject.span, "the first one")
                .help("remove one, or set `existing: true` on the one that only refers to it"),
            );
        }
    }
    diagnostics
}

fn principal_text(grant: &Grant) -> String {
    match grant.principal_key() {
        Some(key) => format!("{}:{key}", key.stack),
        None => grant.principal.to_display_json().to_string().to_lowercase(),
    }
}
