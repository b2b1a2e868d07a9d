//! The data about a resource kind or type: identity, place, names, rules of comparison, outputs, preflight check.

mod creation;

use std::ops::RangeInclusive;

use schemars::{JsonSchema, Schema};
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

pub use creation::{
    CreationCheck, CreationFinding, CreationObstacle, CreationQuestion, CreationRequest,
    NewResource,
};

use crate::arm::ArmType;

/// The data about a kind.
#[derive(Debug)]
pub struct Facts {
    /// The name in a spec: `storageAccount`.
    pub kind: &'static str,
    /// The type in Azure Resource Manager; `None` for a kind whose entries each name their own.
    pub arm_type: Option<ArmType>,
    /// Where resources of the kind live.
    pub place: Place,
    /// The rule for names; `None` for kinds without a name.
    pub name: Option<NameRule>,
    /// Whether the kind takes tags, and so can carry the ownership marker in a tag.
    pub tags: bool,
    /// Whether the kind has a location.
    pub location: bool,
    /// Whether a list of the type returns everything that a GET of each resource would.
    pub listed: bool,
    /// The property that holds ARM's body unchanged, for a kind that has one: references below it use ARM's own
    /// paths, for values of the spec and for live ones.
    pub body: Option<&'static str>,
    /// How its properties are compared and written.
    pub rules: &'static [Rule],
    /// What references can name in addition to the properties of the spec.
    pub outputs: &'static [OutputDoc],
    /// A warning for specs that use the kind: Azure no longer offers the type.
    pub retired: Option<&'static str>,
    /// The shape in graph drawings.
    pub family: Family,
    /// The actions that `doctor` checks on behalf of the kind.
    pub permissions: &'static [(PermissionPurpose, &'static str)],
    /// The actions that Azure requires on other resources that a body names.
    pub linked_actions: &'static [LinkedAction],
    /// The preflight check of new resources of the type.
    pub creation: Option<CreationCheck>,
}

/// The data about an ARM type that differs from the general rules, whether or not a kind has the type.
#[derive(Debug)]
pub struct TypeFacts {
    /// The type: `Microsoft.Cache/redis`.
    pub name: &'static str,
    /// How its properties are compared where entries are written in ARM's own words.
    pub rules: &'static [Rule],
    /// Why the rules hold.
    pub why: &'static str,
    /// The preflight check of new resources of the type.
    pub creation: Option<CreationCheck>,
}

/// An action that Azure requires on resources that a list of a body names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkedAction {
    /// The path of the list: `["properties", "networkAcls", "virtualNetworkRules"]`.
    pub list: &'static [&'static str],
    /// The member of each item that is the id of the other resource.
    pub id: &'static str,
    /// The action.
    pub action: &'static str,
}

/// What a kind is about. Graph drawings give each family its own shape.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Family {
    /// A container of other resources.
    Group,
    /// An identity.
    Identity,
    /// A store of data.
    Storage,
    /// Roles and role assignments.
    Access,
    /// A lock.
    Lock,
    /// Anything else.
    #[default]
    Other,
}

/// What a permission is needed for, as `doctor` reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PermissionPurpose {
    /// Reading live state.
    Read,
    /// Creating, changing and deleting resources.
    Write,
    /// Creating and deleting role assignments.
    AssignRoles,
    /// Managing locks and custom roles.
    ManageLocks,
}

/// The place of resources of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Directly in a subscription (resource groups).
    Subscription,
    /// In a resource group.
    ResourceGroup,
    /// On the scope that the property `scope` names, by name.
    Scope,
    /// On a scope, without a name of its own (role assignments).
    Nameless,
    /// In the subscription or management group of the first of the scopes that this property lists; without the
    /// property, in the subscription of the stack. The id ends in a GUID that follows from there and the name (role
    /// definitions).
    Root(&'static str),
    /// The place that the entry sets: a resource group, the resource in `parent`, or the one in `scope`. The property
    /// `type` is the type.
    Written,
}

impl Place {
    /// Whether a property determines the type or place of a resource, and so counts for `existing` resources too.
    pub fn depends_on(self, property: &str) -> bool {
        match self {
            Self::Subscription | Self::ResourceGroup => false,
            Self::Scope | Self::Nameless => property == "scope",
            Self::Root(scopes) => property == scopes,
            Self::Written => ["type", "parent", "scope"].contains(&property),
        }
    }
}

/// The names that Azure accepts.
#[derive(Debug)]
pub struct NameRule {
    /// The number of characters.
    pub length: RangeInclusive<usize>,
    /// Whether Azure accepts the characters and their order.
    pub is_valid: fn(&str) -> bool,
    /// The rule in words, to continue "use": `3 to 24 lowercase letters and digits`.
    pub description: &'static str,
}

impl NameRule {
    /// Whether Azure accepts the name.
    pub fn accepts(&self, name: &str) -> bool {
        self.length.contains(&name.chars().count()) && (self.is_valid)(name)
    }
}

/// A property that Azure fills in and references can name.
#[derive(Debug)]
pub struct OutputDoc {
    /// The name in a reference: `principalId`. References can also name what is below it.
    pub name: &'static str,
    /// The path in ARM's body: `properties.principalId`.
    pub path: &'static str,
    /// A description: one noun phrase.
    pub doc: &'static str,
}

/// How a property differs from the general rules of comparison. Paths are those of ARM's body; `[]` is any item of
/// a list and `*` any key of a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Fixed at creation.
    Immutable(&'static str),
    /// Sent and never returned, so not compared.
    WriteOnly(&'static str),
    /// Sent and not always returned; compared where it is returned.
    Withheld(&'static str),
    /// Sent as a preference that the service may ignore, so not compared.
    Decided(&'static str),
    /// A value that the service converts: the path, the sent value, the returned value.
    Becomes(&'static str, &'static str, &'static str),
    /// Filled in by the service and never sent.
    ReadOnly(&'static str),
    /// A list without order; items are matched by this member.
    Keyed(&'static str, &'static str),
    /// A list without order.
    Set(&'static str),
    /// A list to which the service adds items, or text to which it adds words.
    Open(&'static str),
    /// Text whose case Azure may change.
    AnyCase(&'static str),
    /// A rule for bodies in which the property at a path has a value.
    When(&'static str, &'static str, &'static Rule),
}

/// Child resources in Azure that the entry of their parent declares.
#[derive(Debug)]
pub struct PartOf {
    /// The path below the parent: `blobServices/default` of one child, `blobServices/default/containers` of a list.
    pub path: &'static str,
    /// Its type.
    pub arm_type: ArmType,
}

impl PartOf {
    /// Whether the path is that of a list.
    pub fn is_list(&self) -> bool {
        self.path.split('/').count() % 2 == 1
    }
}

/// A property that takes a value or a reference that resolves later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field<T> {
    /// A value.
    Known(T),
    /// A reference, as written.
    Unknown(String),
}

impl<T> Field<T> {
    /// The value, if it is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown(_) => None,
        }
    }
}

impl<'de, T: DeserializeOwned> serde::Deserialize<'de> for Field<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Json::deserialize(deserializer)?;
        match json.as_str() {
            Some(text) if text.replace("$${", "").contains("${") => {
                Ok(Self::Unknown(text.to_owned()))
            }
            _ => serde_json::from_value(json)
                .map(Self::Known)
                .map_err(serde::de::Error::custom),
        }
    }
}

impl<T: JsonSchema> JsonSchema for Field<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> std::borrow::Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}
