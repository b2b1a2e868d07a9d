//! The preflight check of a type: a request that changes nothing, and what its answer means for a new resource.

use std::cmp::Ordering;

use serde_json::Value as Json;

use crate::{arm::ArmId, value::Value};

/// A resource that a plan creates.
#[derive(Debug, Clone, Copy)]
pub struct NewResource<'a> {
    /// Its id.
    pub id: &'a ArmId,
    /// The body of the PUT.
    pub body: &'a Value,
}

impl NewResource<'_> {
    /// The subscription; `None` for resources outside of all subscriptions.
    pub fn subscription(&self) -> Option<ArmId> {
        self.id.subscription_id().map(ArmId::subscription)
    }
}

/// The preflight check of new resources of a type.
#[derive(Debug)]
pub struct CreationCheck {
    /// The question about a new resource; `None` for a resource that needs no check.
    pub question: fn(&NewResource<'_>) -> Option<CreationQuestion>,
    /// A second question that explains the answer to the first one; `None` if the answer needs no explanation.
    pub detail: fn(&NewResource<'_>, &Json) -> Option<CreationQuestion>,
    /// What prevents the creation, by the answer to the question and, if there is one, to the second question.
    pub finding: fn(&NewResource<'_>, &Json, Option<&Json>) -> Option<CreationFinding>,
    /// Whether a deletion by the same plan frees a name, so that nothing is asked about it.
    pub deletion_frees_name: bool,
}

/// A request about a new resource that changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CreationQuestion {
    /// The path: `/subscriptions/S/providers/Microsoft.Storage/checkNameAvailability`.
    pub path: String,
    /// The api-version.
    pub api_version: &'static str,
    /// Method and body.
    pub request: CreationRequest,
    /// What is asked, to continue "could not check": `whether the name stcameras is available`.
    pub topic: String,
    /// The action that the caller needs permission for.
    pub permission: &'static str,
}

/// The method of a question, and its body.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum CreationRequest {
    /// A GET; the answer is the body.
    Get,
    /// A GET of all pages of a list; the answer is the array of its items.
    List,
    /// A POST with this body; the answer is the body of the response.
    Post(Json),
}

impl CreationQuestion {
    fn order(&self) -> (&str, &str, Option<String>) {
        let body = match &self.request {
            CreationRequest::Get | CreationRequest::List => None,
            CreationRequest::Post(body) => Some(body.to_string()),
        };
        (&self.path, self.api_version, body)
    }
}

impl Ord for CreationQuestion {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order()
            .cmp(&other.order())
            .then_with(|| self.topic.cmp(&other.topic))
    }
}

impl PartialOrd for CreationQuestion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What prevents the creation of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreationFinding {
    /// The cause.
    pub obstacle: CreationObstacle,
    /// The cause in a sentence that names the resource.
    pub summary: String,
    /// What the author can do.
    pub help: String,
}

/// Why Azure would reject the creation of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CreationObstacle {
    /// The name is taken or not valid.
    NameUnavailable {
        /// The resource of the same subscription that has the name.
        held_by: Option<ArmId>,
        /// Azure's explanation.
        message: String,
    },
    /// A soft-deleted resource still holds the name.
    SoftDeleted {
        /// When Azure purges it (ISO 8601), where the answer contains it.
        until: Option<String>,
        /// Whether it can be purged earlier.
        can_purge: bool,
    },
}
