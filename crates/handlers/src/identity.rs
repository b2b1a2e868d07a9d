//! Managed identities of a resource: system-assigned and user-assigned.

use lazuli_core::{
    arm::ArmId,
    graph::{EntryContext, Nodes},
    lift::LiftSource,
    node::{Datum, Node},
    value::Value,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::{
    link::{OneOrMany, ResourceLink, each},
    user_assigned_identity::UserAssignedIdentity,
};

/// The managed identities of a resource.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Identities {
    /// User-assigned identities only.
    User(OneOrMany<String>),
    /// All managed identities.
    Full(ManagedIdentity),
}

/// The managed identities of an account.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ManagedIdentity {
    /// Whether the account has a system-assigned identity.
    #[serde(default)]
    pub system_assigned: bool,
    /// References to resources of kind userAssignedIdentity, or their ids.
    pub user_assigned: Option<OneOrMany<String>>,
}

/// The identities that an entry of the spec assigns to a resource.
pub(crate) struct AssignedIdentities<'a> {
    /// Whether the resource has a system-assigned identity.
    pub(crate) own: bool,
    /// The user-assigned identities, in the order of the spec.
    pub(crate) user: Vec<ResourceLink<'a>>,
}

impl<'a> AssignedIdentities<'a> {
    /// Reads [`Identities`]. Reports anything that is not an identity; the result is then `None`.
    pub(crate) fn read(
        resource: &EntryContext<'a>,
        written: &Node,
        nodes: &mut Nodes,
    ) -> Option<Self> {
        let user = match &written.datum {
            Datum::Map(_) => written.get("userAssigned"),
            _ => Some(written),
        };
        let user: Vec<_> = each(user)
            .iter()
            .map(|node| ResourceLink::to::<UserAssignedIdentity>(resource, node, nodes))
            .collect();
        Some(Self {
            own: has_own(written),
            user: user.into_iter().collect::<Option<_>>()?,
        })
    }

    /// ARM's `identity`.
    pub(crate) fn body(&self) -> Value {
        let user: Vec<_> = self
            .user
            .iter()
            .map(|link| (link.id.as_str(), Value::object::<String>([])))
            .collect();
        let kind = kind_of(self.own, !user.is_empty());
        let mut identity = vec![("type", Value::from(kind))];
        if !user.is_empty() {
            identity.push(("userAssignedIdentities", Value::object(user)));
        }
        Value::object(identity)
    }

    /// The user-assigned identity with this id.
    pub(crate) fn find(&self, id: &ArmId) -> Option<&ResourceLink<'a>> {
        self.user.iter().find(|link| link.id == *id)
    }
}

/// ARM's name for a combination of system-assigned and user-assigned identities.
const fn kind_of(own: bool, user: bool) -> &'static str {
    match (own, user) {
        (false, false) => "None",
        (false, true) => "UserAssigned",
        (true, false) => "SystemAssigned",
        (true, true) => "SystemAssigned,UserAssigned",
    }
}

/// The ids of the user-assigned identities of a live resource; `first` comes first if it is one of them.
pub(crate) fn user_assigned<'a>(found: &LiftSource<'a>, first: Option<&str>) -> Vec<&'a str> {
    let user = found.at("identity.userAssignedIdentities");
    let user = user.and_then(Json::as_object);
    let mut user: Vec<&str> = user
        .into_iter()
        .flatten()
        .map(|(id, _)| id.as_str())
        .collect();
    user.sort_by_key(|id| !first.is_some_and(|first| first.eq_ignore_ascii_case(id)));
    user
}

/// The identities of a live resource as an author would write them, `first` before the others; `None` if the entry
/// would ask for other identities.
pub(crate) fn lift(found: &LiftSource<'_>, first: Option<&str>) -> Option<Value> {
    let kind = found.text("identity.type")?;
    let user = user_assigned(found, first);
    let own = kind.to_ascii_lowercase().contains("systemassigned");
    if !kind.eq_ignore_ascii_case(kind_of(own, !user.is_empty())) {
        return None;
    }
    let user = match user.as_slice() {
        [] => None,
        [one] => Some(Value::string(*one)),
        several => Some(Value::Array(
            several.iter().map(|id| Value::string(*id)).collect(),
        )),
    };
    match (own, user) {
        (false, user) => user,
        (true, None) => Some(Value::object([("systemAssigned", Value::Bool(true))])),
        (true, Some(user)) => Some(Value::object([
            ("systemAssigned", Value::Bool(true)),
            ("userAssigned", user),
        ])),
    }
}

/// Whether [`Identities`] contain a system-assigned identity.
pub(crate) fn has_own(written: &Node) -> bool {
    written
        .get("systemAssigned")
        .is_some_and(|own| own.datum == Datum::Bool(true))
}
