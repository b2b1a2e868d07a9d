//! A resource kind: its data, its typed properties, and the functions that data cannot express.

use std::{collections::BTreeSet, marker::PhantomData};

use schemars::{JsonSchema, Schema, generate::SchemaSettings};
use serde::de::DeserializeOwned;

use crate::{
    child_types::ChildTypes,
    declare::{EntryContext, ImpliedDependency, Nodes, Surroundings, TypedEntry},
    diagnostic::{Code, Diagnostic, Diagnostics},
    facts::{
        CreationCheck, Facts, Family, LinkedAction, PartOf, PermissionPurpose, Rule, TypeFacts,
    },
    lift::{LiftSource, LiftedEntry},
    shape::Shape,
};

/// A kind of resource. One implementation and one line in the registry add a kind.
pub trait Handler: Sized + 'static {
    /// The data.
    const FACTS: Facts;
    /// The properties that an entry takes in addition to the common keys. Their doc comments are the descriptions in
    /// the schema, `explain` and the reference.
    type Props: DeserializeOwned + JsonSchema + 'static;
    /// What the properties refer to; `()` for a kind whose entries need nothing resolved in advance.
    type Links<'a>: 'a;
    /// Child resources that an export reads to write the entry.
    const PARTS: &'static [PartOf] = &[];

    /// Resolves what the properties refer to, once for all of the following functions. `None` if the entry cannot be
    /// declared; the reason has then been reported.
    fn link<'a>(entry: &TypedEntry<'a, Self::Props>, nodes: &mut Nodes) -> Option<Self::Links<'a>>;

    /// Adds the Azure resources that one entry of the spec stands for.
    fn declare(entry: &EntryOf<'_, Self>, nodes: &mut Nodes);

    /// Reports combinations that Azure would reject, without a request to Azure.
    fn check(
        _entry: &EntryOf<'_, Self>,
        _around: &Surroundings<'_>,
        _diagnostics: &mut Diagnostics,
    ) {
    }

    /// Dependencies that follow from the meaning of the entry rather than from its references.
    fn implies(_entry: &EntryOf<'_, Self>) -> Vec<ImpliedDependency> {
        Vec::new()
    }

    /// Writes the entry that would declare a live resource; `None` if the kind cannot express it. Ids stay ids here:
    /// the export replaces them by references.
    fn lift(found: &mut LiftSource<'_>) -> Option<LiftedEntry> {
        let props = found.properties_except(&[]);
        Some(found.to_entry(props))
    }
}

/// An entry as its handler sees it.
pub type EntryOf<'a, H> = TypedEntry<'a, <H as Handler>::Props, <H as Handler>::Links<'a>>;

/// A [`Handler`] without its types, as the registry holds it.
pub trait Kind: Sync {
    /// The data.
    fn facts(&self) -> &'static Facts;
    /// The JSON Schema of the properties.
    fn schema(&self) -> Schema;
    /// Reads an entry into the type of the kind, and what it refers to. `None` if it refers to something that is
    /// reported in `nodes`; fails where the properties do not have the shape of [`Kind::schema`].
    fn read<'a>(
        &self,
        context: EntryContext<'a>,
        nodes: &mut Nodes,
    ) -> Result<Option<Box<dyn DynEntry + 'a>>, Diagnostic>;
    /// See [`Handler::PARTS`].
    fn parts(&self) -> &'static [PartOf];
    /// See [`Handler::lift`].
    fn lift(&self, found: &mut LiftSource<'_>) -> Option<LiftedEntry>;

    /// The schema, compiled to check entries with.
    fn shape(&self) -> Shape {
        let whole = format!("a {}", self.facts().kind);
        Shape::new(whole, self.schema().to_value())
    }
}

/// An entry whose properties have been read once into the type of its kind.
pub trait DynEntry {
    /// See [`Handler::declare`].
    fn declare(&self, nodes: &mut Nodes);
    /// See [`Handler::implies`].
    fn implies(&self) -> Vec<ImpliedDependency>;
    /// See [`Handler::check`].
    fn check(&self, around: &Surroundings<'_>, diagnostics: &mut Diagnostics);
}

struct Adapter<H>(PhantomData<fn() -> H>);

struct EntryAdapter<'a, H: Handler>(EntryOf<'a, H>);

struct Constants<H>(PhantomData<H>);

impl<H: Handler> Constants<H> {
    const FACTS: &'static Facts = &H::FACTS;
    const PARTS: &'static [PartOf] = H::PARTS;
}

/// A handler as an entry of the registry.
pub const fn kind<H: Handler>() -> &'static dyn Kind {
    &Adapter::<H>(PhantomData)
}

impl<H: Handler> DynEntry for EntryAdapter<'_, H> {
    fn declare(&self, nodes: &mut Nodes) {
        H::declare(&self.0, nodes);
    }

    fn implies(&self) -> Vec<ImpliedDependency> {
        H::implies(&self.0)
    }

    fn check(&self, around: &Surroundings<'_>, diagnostics: &mut Diagnostics) {
        H::check(&self.0, around, diagnostics);
    }
}

impl<H: Handler> Kind for Adapter<H> {
    fn facts(&self) -> &'static Facts {
        Constants::<H>::FACTS
    }

    fn schema(&self) -> Schema {
        SchemaSettings::draft2020_12()
            .into_generator()
            .into_root_schema_for::<H::Props>()
    }

    fn read<'a>(
        &self,
        context: EntryContext<'a>,
        nodes: &mut Nodes,
    ) -> Result<Option<Box<dyn DynEntry + 'a>>, Diagnostic> {
        let props = context.resource.props_json();
        let props = serde_json::from_value::<H::Props>(props).map_err(|error| {
            Diagnostic::error(Code::WrongType, context.resource.span, error.to_string())
        })?;
        let entry = TypedEntry {
            props,
            links: (),
            context,
        };
        let Some(links) = H::link(&entry, nodes) else {
            return Ok(None);
        };
        Ok(Some(Box::new(EntryAdapter::<H>(TypedEntry {
            props: entry.props,
            links,
            context,
        }))))
    }

    fn parts(&self) -> &'static [PartOf] {
        Constants::<H>::PARTS
    }

    fn lift(&self, found: &mut LiftSource<'_>) -> Option<LiftedEntry> {
        H::lift(found)
    }
}

/// The known kinds, and data about types that have no kind.
#[derive(Clone, Copy)]
pub struct Registry {
    /// The kinds, in the order in which they are documented.
    pub kinds: &'static [&'static dyn Kind],
    /// Data about types, each type once.
    pub types: &'static [TypeFacts],
    /// What can be in a type, and keeps it from being deleted.
    pub child_types: ChildTypes,
}

impl Registry {
    /// A registry of kinds, without data about other types.
    pub const fn new(kinds: &'static [&'static dyn Kind]) -> Self {
        Self {
            kinds,
            types: &[],
            child_types: ChildTypes {
                types: &[],
                without_listed_children: &[],
            },
        }
    }

    /// The kind with a name.
    pub fn get(self, kind: &str) -> Option<&'static dyn Kind> {
        self.kinds
            .iter()
            .copied()
            .find(|candidate| candidate.facts().kind == kind)
    }

    /// The kind for a type; case does not matter.
    pub fn of_type(self, name: &str) -> Option<&'static dyn Kind> {
        self.kinds.iter().copied().find(|candidate| {
            let known = candidate.facts().arm_type.as_ref();
            known.is_some_and(|known| known.is(name))
        })
    }

    /// All names.
    pub fn names(self) -> impl Iterator<Item = &'static str> + use<> {
        self.facts().map(|facts| facts.kind)
    }

    /// The data about each kind.
    pub fn facts(self) -> impl Iterator<Item = &'static Facts> + use<> {
        self.kinds.iter().map(|kind| kind.facts())
    }

    /// How a body in ARM's own words is compared, by its type; case does not matter.
    pub fn type_rules(self, name: &str) -> &'static [Rule] {
        self.type_facts(name).map_or(&[], |facts| facts.rules)
    }

    /// The preflight check of new resources of a type; case does not matter.
    pub fn creation_check(self, name: &str) -> Option<&'static CreationCheck> {
        let of_kind = self.of_type(name).map(Kind::facts);
        of_kind
            .and_then(|facts| facts.creation.as_ref())
            .or_else(|| self.type_facts(name)?.creation.as_ref())
    }

    /// The actions that Azure requires on other resources that a body of a type names; case does not matter.
    pub fn linked_actions(self, name: &str) -> &'static [LinkedAction] {
        self.of_type(name)
            .map_or(&[], |kind| kind.facts().linked_actions)
    }

    /// What the kind with a name is about.
    pub fn family(self, kind: &str) -> Family {
        self.get(kind)
            .map_or(Family::Other, |kind| kind.facts().family)
    }

    /// The resource providers of the kinds that Azure offers, sorted.
    pub fn provider_namespaces(self) -> BTreeSet<&'static str> {
        self.facts()
            .filter(|facts| facts.retired.is_none())
            .filter_map(|facts| Some(facts.arm_type.as_ref()?.name.split_once('/')?.0))
            .collect()
    }

    /// The actions that the kinds need for a purpose.
    pub fn permissions(
        self,
        purpose: PermissionPurpose,
    ) -> impl Iterator<Item = &'static str> + use<> {
        self.facts()
            .flat_map(|facts| facts.permissions)
            .filter(move |(of, _)| *of == purpose)
            .map(|(_, action)| *action)
    }

    fn type_facts(self, name: &str) -> Option<&'static TypeFacts> {
        self.types
            .iter()
            .find(|facts| facts.name.eq_ignore_ascii_case(name))
    }
}
