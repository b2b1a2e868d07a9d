//! What a GET immediately before a deletion must show: the ownership marker of the stack.

use std::fmt;

use serde_json::Value as Json;

use super::{ContentsGuard, ownership};
use crate::{
    arm::{ArmId, ArmType},
    graph::{Graph, Node},
    live::{Live, OwnedResource},
    marker::{
        CHILDREN_TAG, ChildLedger, FormatVersion, MarkerClaim, MarkerPlace, claim, foreign_owner,
        tag,
    },
    stack::{ForeignStack, StackIdentity},
};

/// What a GET immediately before a deletion must show. The time between plan and deletion can be long: the caller reads
/// the plan, and other steps come first.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnershipGuard {
    stack: StackIdentity,
    proof: Proof,
}

/// What must hold immediately before a deletion.
#[derive(Debug, Clone, PartialEq)]
pub struct Deletion {
    /// The stack owns the resource.
    pub ownership: OwnershipGuard,
    /// Nothing is in or on it that does not go itself.
    pub contents: ContentsGuard,
}

impl Deletion {
    /// The deletion of something that contains nothing.
    pub(super) fn without_contents(ownership: OwnershipGuard) -> Self {
        let contents = ContentsGuard::empty(&ownership.stack);
        Self {
            ownership,
            contents,
        }
    }

    /// The deletion of a resource. `going` is what the plan deletes before, or together with it.
    pub(super) fn with_contents<'i>(
        ownership: OwnershipGuard,
        live: &Live,
        id: &ArmId,
        going: impl IntoIterator<Item = &'i ArmId>,
    ) -> Self {
        let contents = ContentsGuard::new(live, &ownership.stack, id, going);
        Self {
            ownership,
            contents,
        }
    }

    /// A deletion by tag of something that contains nothing.
    #[cfg(test)]
    pub(crate) fn by_tag(stack: &str) -> Self {
        Self::without_contents(OwnershipGuard::by_tag(stack))
    }
}

/// Where the marker of the stack must be.
#[derive(Debug, Clone, PartialEq)]
enum Proof {
    /// On the resource itself.
    Own(MarkerPlace),
    /// On the resource itself, bound to it: the spec does not name it.
    Bound(MarkerPlace),
    /// On this resource, with a record of the deleted one. The deleted one must not have the marker of another stack.
    Recorded { id: ArmId, arm_type: ArmType },
    /// On the resource that the deleted one belongs to. The deleted one must not have the marker of another stack.
    Holder {
        id: ArmId,
        arm_type: ArmType,
        place: MarkerPlace,
    },
}

/// Why a resource is not deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnershipLoss {
    /// Another stack owns it now.
    OtherStack {
        /// The resource with the marker.
        id: ArmId,
        /// The stack.
        stack: ForeignStack,
    },
    /// It no longer has a marker.
    Unmarked {
        /// The resource without the marker.
        id: ArmId,
        /// The stack whose marker it had.
        stack: String,
    },
    /// A newer lazuli wrote its marker.
    NewerMarker {
        /// The resource with the marker.
        id: ArmId,
        /// The version of lazuli that the marker needs.
        needs: FormatVersion,
    },
}

impl OwnershipGuard {
    /// The guard of a node; `None` if neither the node nor a resource around it has a marker of the stack.
    pub(super) fn for_node(graph: &Graph, node: &Node) -> Option<Self> {
        let proof = match node.marker.place() {
            Some(place) => Proof::Own(place),
            None => Self::holder(ownership::holder(graph, node)?)?,
        };
        Some(Self {
            stack: graph.stack_identity(node),
            proof,
        })
    }

    /// The guard of something on a node that has no entry of its own; `None` as for [`Self::for_node`].
    pub(super) fn for_content(graph: &Graph, node: &Node) -> Option<Self> {
        Some(Self {
            stack: graph.stack_identity(node),
            proof: Self::holder(ownership::holder(graph, node)?)?,
        })
    }

    /// The guard of a role assignment of the stack of an entry.
    pub(super) fn for_grant(graph: &Graph, node: &Node) -> Self {
        Self {
            stack: graph.stack_identity(node),
            proof: Proof::Own(MarkerPlace::Text("description")),
        }
    }

    /// The guard of an orphan.
    pub(super) fn for_orphan(graph: &Graph, orphan: &OwnedResource) -> Self {
        let holder = orphan.holder.as_ref().and_then(|id| graph.node_by_id(id));
        let recorded = holder.and_then(|holder| {
            Some(Proof::Recorded {
                id: holder.id()?.clone(),
                arm_type: holder.subject.arm_type.clone(),
            })
        });
        Self {
            stack: graph.stack(&orphan.stack),
            proof: recorded.unwrap_or(Proof::Bound(orphan.marker_place())),
        }
    }

    /// A guard by tag.
    #[cfg(test)]
    pub(crate) fn by_tag(stack: &str) -> Self {
        Self {
            stack: StackIdentity::from_name(stack),
            proof: Proof::Own(MarkerPlace::Tags),
        }
    }

    fn holder(holder: &Node) -> Option<Proof> {
        Some(Proof::Holder {
            id: holder.id()?.clone(),
            arm_type: holder.subject.arm_type.clone(),
            place: holder.marker.place()?,
        })
    }

    /// The resource to read in addition to the deleted one.
    pub fn other_read(&self) -> Option<(&ArmId, &ArmType)> {
        match &self.proof {
            Proof::Own(_) | Proof::Bound(_) => None,
            Proof::Holder { id, arm_type, .. } | Proof::Recorded { id, arm_type } => {
                Some((id, arm_type))
            }
        }
    }

    /// Checks what the GETs returned: the body of the resource, and that of [`Self::other_read`].
    ///
    /// # Errors
    /// The stack does not own the resource.
    pub fn check(
        &self,
        target: &ArmId,
        body: &Json,
        other: Option<&Json>,
    ) -> Result<(), OwnershipLoss> {
        let read = |id: &ArmId, body: &Json, place| claim(&self.stack, id, body, place);
        let (id, found) = match &self.proof {
            Proof::Own(place) => (target, read(target, body, *place)),
            Proof::Bound(place) => {
                let found = read(target, body, *place);
                (
                    target,
                    found.filter(|found| *found != MarkerClaim::Outdated),
                )
            }
            Proof::Recorded { id, .. } => match foreign_owner(&self.stack, target, body) {
                Some(foreign) => (target, Some(MarkerClaim::Foreign(foreign))),
                None => {
                    let has_record = |holder: &&Json| {
                        let text = tag(holder, CHILDREN_TAG);
                        text.is_some_and(|text| ChildLedger::parse(text).has(target))
                    };
                    let holder = other.filter(has_record);
                    let found = holder.and_then(|holder| read(id, holder, MarkerPlace::Tags));
                    (id, found)
                }
            },
            Proof::Holder { id, place, .. } => match foreign_owner(&self.stack, target, body) {
                Some(foreign) => (target, Some(MarkerClaim::Foreign(foreign))),
                None => (id, other.and_then(|other| read(id, other, *place))),
            },
        };
        match found {
            Some(MarkerClaim::Own | MarkerClaim::Outdated) => Ok(()),
            Some(MarkerClaim::Foreign(stack)) => Err(OwnershipLoss::OtherStack {
                id: id.clone(),
                stack,
            }),
            Some(MarkerClaim::Newer(needs)) => Err(OwnershipLoss::NewerMarker {
                id: id.clone(),
                needs,
            }),
            Some(MarkerClaim::Copied) | None => Err(OwnershipLoss::Unmarked {
                id: id.clone(),
                stack: self.stack.name.clone(),
            }),
        }
    }
}

impl fmt::Display for OwnershipLoss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherStack { id, stack } => write!(f, "stack {stack} owns {id}"),
            Self::NewerMarker { id, needs } => {
                write!(
                    f,
                    "the ownership marker of {id} needs lazuli {needs} or later"
                )
            }
            Self::Unmarked { id, stack } => {
                write!(
                    f,
                    "{id} does not have the ownership marker of stack `{stack}`"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn guard(proof: Proof) -> OwnershipGuard {
        OwnershipGuard {
            stack: StackIdentity::from_name("cameras"),
            proof,
        }
    }

    fn id(name: &str) -> ArmId {
        ArmId::parse(&format!("/subscriptions/s/resourceGroups/{name}")).unwrap()
    }

    #[test]
    fn only_the_marker_of_the_stack_permits_a_deletion() {
        let target = id("target");
        let by_tag = OwnershipGuard::by_tag("cameras");
        let by_text = guard(Proof::Own(MarkerPlace::Text("notes")));
        let tagged = |stack: &str| json!({ "tags": { "LAZULI-stack": stack } });
        let noted =
            |stack: &str| json!({ "properties": { "notes": format!("lazuli-stack: {stack}; a") } });
        let lost = |stack: Option<&str>| match stack {
            Some(stack) => OwnershipLoss::OtherStack {
                id: id("target"),
                stack: ForeignStack {
                    name: stack.to_owned(),
                    has_same_name: false,
                },
            },
            None => OwnershipLoss::Unmarked {
                id: id("target"),
                stack: "cameras".to_owned(),
            },
        };
        for (guard, body, result) in [
            (&by_tag, tagged("cameras"), Ok(())),
            (&by_tag, tagged("doors"), Err(lost(Some("doors")))),
            (&by_tag, tagged("Cameras"), Err(lost(Some("Cameras")))),
            (&by_tag, json!({ "tags": {} }), Err(lost(None))),
            (&by_tag, noted("cameras"), Err(lost(None))),
            (&by_text, noted("cameras"), Ok(())),
            (&by_text, noted("doors"), Err(lost(Some("doors")))),
            (&by_text, json!({}), Err(lost(None))),
        ] {
            assert_eq!(guard.check(&target, &body, None), result, "{body}");
        }
    }

    #[test]
    fn marker_of_the_holder_permits_a_deletion_unless_the_target_has_a_foreign_one() {
        let (target, holder) = (id("target"), id("holder"));
        let guard = guard(Proof::Holder {
            id: holder.clone(),
            arm_type: ArmType::new("T/t", "1"),
            place: MarkerPlace::Tags,
        });
        assert_eq!(guard.other_read().unwrap().0, &holder);
        let own = json!({ "tags": { "lazuli-stack": "cameras" } });
        let foreign =
            json!({ "properties": { "description": "Reads (lazuli-stack: doors; access)" } });
        assert_eq!(guard.check(&target, &json!({}), Some(&own)), Ok(()));
        assert_eq!(guard.check(&target, &own, Some(&own)), Ok(()));
        let loss = |result: Result<(), OwnershipLoss>| result.unwrap_err().to_string();
        assert_eq!(
            loss(guard.check(&target, &foreign, Some(&own))),
            "stack `doors` owns /subscriptions/s/resourceGroups/target"
        );
        for other in [None, Some(&json!({}))] {
            assert_eq!(
                loss(guard.check(&target, &json!({}), other)),
                "/subscriptions/s/resourceGroups/holder does not have the ownership marker of stack `cameras`"
            );
        }
    }
}
