//! The directory of the tenant: applications that can sign in, a user, groups, and principals of managed identities.

use serde::{Deserialize, Serialize};

use crate::catalogue;
use crate::sim_time::SimTime;

/// The tenant of every world.
pub const TENANT: &str = "00000000-0000-0000-0000-000000007e4a";
/// The first subscription. The three applications have the roles Owner, Contributor and Reader.
pub const SUBSCRIPTION: &str = "00000000-0000-0000-0000-0000000a2c05";
/// The second subscription of the same tenant, with the same role assignments.
pub const OTHER_SUBSCRIPTION: &str = "00000000-0000-0000-0000-0000000a2c06";
/// The secret of every application in the directory.
pub const CALLER_SECRET: &str = "sim-secret";
/// The object id of a user in the directory.
pub const USER_OBJECT_ID: &str = "00000000-0000-0000-0000-00000000b0b1";

/// The object ids of two groups in the directory.
pub const GROUP_OBJECT_IDS: [&str; 2] = [
    "00000000-0000-0000-0000-00000000b0c1",
    "00000000-0000-0000-0000-00000000b0c2",
];

/// The applications that can sign in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Caller {
    /// Has the role Owner in both subscriptions and can read the directory.
    #[default]
    Owner,
    /// Has the role Contributor in both subscriptions and can read the directory.
    Contributor,
    /// Has the role Reader in both subscriptions.
    Reader,
}

impl Caller {
    /// All applications.
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

    /// The application with this client id.
    pub fn from_client_id(client_id: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|caller| caller.client_id().eq_ignore_ascii_case(client_id))
    }

    /// The application whose service principal has this object id.
    pub(crate) fn from_object_id(object_id: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|caller| caller.object_id() == object_id)
    }

    /// Whether the application can read the directory through Graph.
    pub(crate) fn can_read_directory(self) -> bool {
        self != Self::Reader
    }

    /// The GUID of the built-in role in both subscriptions.
    pub(crate) fn role(self) -> &'static str {
        match self {
            Self::Owner => catalogue::OWNER,
            Self::Contributor => catalogue::CONTRIBUTOR,
            Self::Reader => catalogue::READER,
        }
    }
}

/// A user, group or service principal.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Principal {
    /// `ServicePrincipal`, `User` or `Group`.
    pub(crate) kind: String,
    /// The creation time, from which replication is counted; `None` for principals of a new world.
    pub(crate) created: Option<SimTime>,
}
