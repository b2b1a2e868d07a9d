//! Resources with an ownership marker.

use std::collections::HashMap;

use serde_json::Value as Json;

use crate::{
    arm::{
        ArmId, ArmType,
        types::{MANAGEMENT_LOCK, ROLE_ASSIGNMENT, ROLE_DEFINITION},
    },
    marker::{ChildLedger, MarkerPlace, ON_REMOVE_TAG, RemovalPolicy, TextMarker, owner, tag},
};

/// A resource that a stack owns.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnedResource {
    /// Its id.
    pub id: ArmId,
    /// Its type, from its id.
    pub arm_type: String,
    /// The stack.
    pub stack: String,
    /// The entry that it was created for, if its ownership marker has it.
    pub entry: Option<String>,
    /// What pruning does with it.
    pub removal_policy: RemovalPolicy,
    /// The resource whose marker records it, if it cannot have a marker itself.
    pub holder: Option<ArmId>,
    /// Its item in a list; for resources without `properties`.
    pub body: Json,
}

impl OwnedResource {
    /// An item of a list that was filtered by the tag of the stack.
    ///
    /// Such a list does not return tags (Microsoft docs "Resources - List", `$filter`), so the removal policy can be set
    /// later: [`Live::set_removal_policy`](super::Live::set_removal_policy).
    pub fn from_tagged(body: Json, stack: &str) -> Option<Self> {
        if owner(&body).is_some_and(|owner| owner != stack) {
            return None;
        }
        let id = ArmId::parse(body.get("id")?.as_str()?)?;
        Some(Self {
            arm_type: id.arm_type()?,
            stack: stack.to_owned(),
            entry: None,
            removal_policy: RemovalPolicy::from_word(tag(&body, ON_REMOVE_TAG)),
            holder: None,
            id,
            body,
        })
    }

    /// A resource with its ownership marker in this member of its properties.
    pub fn from_marked_text(body: Json, member: &str) -> Option<Self> {
        let marker = TextMarker::on(&body, member)?;
        let id = ArmId::parse(body.get("id")?.as_str()?)?;
        Some(Self {
            arm_type: id.arm_type()?,
            stack: marker.stack,
            entry: Some(marker.entry),
            removal_policy: marker.removal_policy,
            holder: None,
            id,
            body,
        })
    }

    /// A resource that the marker of another one records.
    pub fn from_record(body: Json, stack: &str, holder: &ArmId) -> Option<Self> {
        let id = ArmId::parse(body.get("id")?.as_str()?)?;
        Some(Self {
            arm_type: id.arm_type()?,
            stack: stack.to_owned(),
            entry: None,
            removal_policy: RemovalPolicy::Delete,
            holder: Some(holder.clone()),
            id,
            body,
        })
    }

    /// Where it has its ownership marker.
    pub fn marker_place(&self) -> MarkerPlace {
        let texts = [
            (ROLE_ASSIGNMENT, "description"),
            (ROLE_DEFINITION, "description"),
            (MANAGEMENT_LOCK, "notes"),
        ];
        let text = texts.iter().find(|(arm_type, _)| self.is(arm_type));
        text.map_or(MarkerPlace::Tags, |(_, member)| MarkerPlace::Text(member))
    }

    /// Whether it is of this type.
    pub fn is(&self, arm_type: &ArmType) -> bool {
        arm_type.is(&self.arm_type)
    }
}

/// A scope in which owned resources could not be listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableScope {
    /// The subscription.
    pub scope: ArmId,
    /// Azure's error code or message.
    pub why: String,
}

/// The kind and api-version of a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownType {
    /// The kind: `resource` if the type has no kind of its own.
    pub kind: &'static str,
    /// The api-version.
    pub api_version: String,
}

/// The owned resources.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct OwnedStore {
    pub(super) found: Vec<OwnedResource>,
    pub(super) unreadable: Vec<UnreadableScope>,
    /// Why the subscriptions that the spec does not name could not be searched.
    pub(super) unsearched: Option<String>,
    pub(super) types: HashMap<String, KnownType>,
    /// The records of resources that a search did not find, by the resource with the records.
    pub(super) gone: HashMap<ArmId, ChildLedger>,
}

impl OwnedStore {
    pub(super) fn insert_unreadable(&mut self, unseen: UnreadableScope) {
        if self.unreadable.iter().all(|one| one.scope != unseen.scope) {
            self.unreadable.push(unseen);
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.found.extend(other.found);
        self.types.extend(other.types);
        self.gone.extend(other.gone);
        self.unsearched = self.unsearched.take().or(other.unsearched);
        let unseen = other.unreadable.into_iter();
        unseen.for_each(|unseen| self.insert_unreadable(unseen));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::live::Live;

    const ACCOUNT: &str =
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a";

    #[test]
    fn listed_resource_can_lack_tags_but_not_have_another_owner() {
        let owned = OwnedResource::from_tagged(json!({ "id": ACCOUNT }), "cameras").unwrap();
        assert_eq!(owned.arm_type, "Microsoft.Storage/storageAccounts");
        assert_eq!(owned.removal_policy, RemovalPolicy::Delete);
        let mut live = Live::default();
        live.insert_owned(owned);
        live.set_removal_policy(
            &ArmId::parse(&ACCOUNT.to_uppercase()).unwrap(),
            RemovalPolicy::Keep,
        );
        let afterlives: Vec<_> = live.owned().map(|one| one.removal_policy).collect();
        assert_eq!(afterlives, [RemovalPolicy::Keep]);
        let other = json!({ "id": ACCOUNT, "tags": { "lazuli-stack": "doors" } });
        assert_eq!(OwnedResource::from_tagged(other, "cameras"), None);
    }

    #[test]
    fn unknown_removal_policy_protects() {
        let body = json!({ "id": ACCOUNT, "tags": { "Lazuli-Stack": "cameras", "lazuli-on-remove": "later" } });
        let owned = OwnedResource::from_tagged(body, "cameras").unwrap();
        assert_eq!(owned.removal_policy, RemovalPolicy::Protect);
    }
}
