//! The data about a resource kind: identity, place, names, rules of comparison and outputs.

use std::ops::RangeInclusive;

use schemars::{JsonSchema, Schema};
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

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
    /// Whether the kind takes tags, and so can be marked as owned by them.
    pub tags: bool,
    /// Whether the kind has a location.
    pub location: bool,
    /// Whether a list of the type says all that a GET of each resource would.
    pub listed: bool,
    /// The property that is ARM's body as it is, for a kind that has one: what is below it can be referred to by
    /// ARM's own paths, whether it is written or only live.
    pub body: Option<&'static str>,
    /// How its properties are compared and written.
    pub rules: &'static [Rule],
    /// What can be referred to beside what the spec itself says.
    pub outputs: &'static [OutputDoc],
    /// Said in one warning when the kind is used: the type is no longer offered by Azure.
    pub retired: Option<&'static str>,
}

/// Where resources of a kind live.
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
    /// Where the entry says: in a resource group, below the resource that the property `parent` names, or on the one
    /// that `scope` names. The property `type` names the type.
    Written,
}

impl Place {
    /// Whether a property says what and where a resource is, and so is looked at even where it is `existing`.
    pub fn is_told_by(self, property: &str) -> bool {
        match self {
            Self::Subscription | Self::ResourceGroup => false,
            Self::Scope | Self::Nameless => property == "scope",
            Self::Root(scopes) => property == scopes,
            Self::Written => ["type", "parent", "scope"].contains(&property),
        }
    }
}

/// What Azure takes for a name.
#[derive(Debug)]
pub struct NameRule {
    /// How many characters.
    pub length: RangeInclusive<usize>,
    /// Whether the characters, and their order, are taken.
    pub takes: fn(&str) -> bool,
    /// The rule in words, continuing "names of … have": `3 to 24 lower-case letters and digits`.
    pub says: &'static str,
}

impl NameRule {
    /// Whether Azure takes the name.
    pub fn accepts(&self, name: &str) -> bool {
        self.length.contains(&name.chars().count()) && (self.takes)(name)
    }
}

/// A property that Azure fills and others can refer to.
#[derive(Debug)]
pub struct OutputDoc {
    /// The name in a reference: `principalId`. What is below it can be referred to as well.
    pub name: &'static str,
    /// The path in ARM's body: `properties.principalId`.
    pub path: &'static str,
    /// What it is.
    pub doc: &'static str,
}

/// How a property differs from the general rules of comparison. Paths are those of ARM's body; `[]` is any item of
/// a list and `*` any key of a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Fixed at creation.
    Immutable(&'static str),
    /// Sent, never returned; so not compared.
    WriteOnly(&'static str),
    /// Sent, not always returned; compared where it is.
    Withheld(&'static str),
    /// Sent as a wish that the service need not follow; so not compared.
    Decided(&'static str),
    /// A value that the service turns into another: the path, what is sent, what comes back.
    Becomes(&'static str, &'static str, &'static str),
    /// Filled by the service; never sent.
    ReadOnly(&'static str),
    /// A list whose order says nothing; items are matched by this member.
    Keyed(&'static str, &'static str),
    /// A list whose order says nothing.
    Set(&'static str),
    /// A list to which the service adds items of its own, or text to which it adds words.
    Open(&'static str),
    /// Text that comes back in another case, and is not a word by itself.
    AnyCase(&'static str),
    /// A rule for bodies in which the property at this path is this text.
    When(&'static str, &'static str, &'static Rule),
}

/// What lies below a resource in Azure and is written in the entry of that resource.
#[derive(Debug)]
pub struct PartOf {
    /// Where, below the resource: of one thing `blobServices/default`, of a list `blobServices/default/containers`.
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

/// A property that may be written as a value or as a reference to what is known only later.
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
