//! The directory of the one tenant: applications that may sign in, a user, and the principals of managed identities.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::World;
use super::path::Target;
use super::state::Resource;
use crate::catalogue;
use crate::sim_time::SimTime;

/// The directory of every world.
pub const TENANT: &str = "00000000-0000-0000-0000-000000007e4a";
/// The subscription in which the three applications are owner, contributor and reader.
pub const SUBSCRIPTION: &str = "00000000-0000-0000-0000-0000000a2c05";
/// A second subscription of the same tenant, with the same grants.
pub const OTHER_SUBSCRIPTION: &str = "00000000-0000-0000-0000-0000000a2c06";
/// The secret of every application in the directory.
pub const CALLER_SECRET: &str = "sim-secret";
/// A person in the directory, to give grants to.
pub const USER_OBJECT_ID: &str = "00000000-0000-0000-0000-00000000b0b1";

/// Two groups, for grants to people.
pub const GROUP_OBJECT_IDS: [&str; 2] = [
    "00000000-0000-0000-0000-00000000b0c1",
    "00000000-0000-0000-0000-00000000b0c2",
];

/// The applications that can sign in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Caller {
    /// Owner of both subscriptions, and may read the directory.
    #[default]
    Owner,
    /// Contributor of both subscriptions: everything but grants. May read the directory.
    Contributor,
    /// Reader of both subscriptions.
    Reader,
}

impl Caller {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Owner, Self::Contributor, Self::Reader];

    /// The application (client) id.
    pub fn client_id(self) -> &'static str {
        match self {
            Self::Owner => "00000000-0000-0000-0000-0000000c0001",
            Self::Contributor => "00000000-0000-0000-0000-0000000c0002",
            Self::Reader => "00000000-0000-0000-0000-0000000c0003",
        }
    }

    /// The object id of its service principal.
    pub fn object_id(self) -> &'static str {
        match self {
            Self::Owner => "00000000-0000-0000-0000-0000000d0001",
            Self::Contributor => "00000000-0000-0000-0000-0000000d0002",
            Self::Reader => "00000000-0000-0000-0000-0000000d0003",
        }
    }

    /// The application with that client id.
    pub fn of_client(client_id: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|caller| caller.client_id().eq_ignore_ascii_case(client_id))
    }

    /// The application whose service principal has that object id.
    pub(crate) fn of_object(object_id: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|caller| caller.object_id() == object_id)
    }

    /// Whether it may ask Graph who exists.
    pub(crate) fn may_read_directory(self) -> bool {
        self != Self::Reader
    }

    fn role(self) -> &'static str {
        match self {
            Self::Owner => catalogue::OWNER,
            Self::Contributor => catalogue::CONTRIBUTOR,
            Self::Reader => catalogue::READER,
        }
    }
}

/// Somebody who can hold a grant.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Principal {
    /// `ServicePrincipal` or `User`.
    pub(crate) kind: String,
    /// When it was made; until it is replicated, grants do not find it.
    pub(crate) created: Option<SimTime>,
}

/// Fills a new world with its people and their grants.
pub(crate) fn furnish(world: &mut World) {
    let known = |kind: &str| Principal {
        kind: kind.to_owned(),
        created: None,
    };
    world
        .principals
        .insert(USER_OBJECT_ID.to_owned(), known("User"));
    for group in GROUP_OBJECT_IDS {
        world.principals.insert(group.to_owned(), known("Group"));
    }
    for (number, caller) in Caller::ALL.into_iter().enumerate() {
        world
            .principals
            .insert(caller.object_id().to_owned(), known("ServicePrincipal"));
        for (offset, subscription) in [(1, SUBSCRIPTION), (4, OTHER_SUBSCRIPTION)] {
            let name = format!("00000000-0000-0000-0000-0000000e000{}", number + offset);
            let scope = format!("/subscriptions/{subscription}");
            grant(world, caller.object_id(), caller.role(), &scope, &name);
        }
    }
}

/// Gives somebody a built-in role at a scope, without asking who may.
pub(crate) fn grant(world: &mut World, principal: &str, role: &str, scope: &str, name: &str) {
    let id = format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{name}");
    let now = world.latest;
    let body = json!({
        "properties": {
            "roleDefinitionId": format!("{scope}/providers/Microsoft.Authorization/roleDefinitions/{role}"),
            "principalId": principal,
            "principalType": "ServicePrincipal",
            "scope": scope,
            "condition": Value::Null,
            "conditionVersion": Value::Null,
            "createdOn": now.iso(),
            "updatedOn": now.iso(),
            "createdBy": USER_OBJECT_ID,
            "updatedBy": USER_OBJECT_ID,
            "delegatedManagedIdentityResourceId": Value::Null,
            "description": Value::Null,
        },
        "id": id,
        "type": "Microsoft.Authorization/roleAssignments",
        "name": name,
    });
    let target = Target::parse(&id);
    let resource = Resource::new(&target, body, now);
    world.state.insert(target.key(), resource);
}
