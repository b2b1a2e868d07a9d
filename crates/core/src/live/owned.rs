//! What carries the mark of a stack, wherever it is.

use std::collections::HashMap;

use serde_json::Value as Json;

use crate::{
    arm::ArmId,
    mark::{Afterlife, ON_REMOVE_TAG, TextMark, owner, tag},
};

/// Something in Azure that a stack owns.
#[derive(Debug, Clone, PartialEq)]
pub struct Owned {
    /// Its id.
    pub id: ArmId,
    /// Its type, as its id says it.
    pub arm_type: String,
    /// The stack.
    pub stack: String,
    /// The entry that it was made for, where its mark says it.
    pub entry: Option<String>,
    /// What becomes of it once its entry has left the spec.
    pub afterlife: Afterlife,
    /// What a list says of it: of resources, no properties; nothing of what was read in full elsewhere.
    pub body: Json,
}

impl Owned {
    /// Takes a listed resource or resource group for one that the stack owns, as it was asked for by its tag.
    ///
    /// A list that is filtered by a tag does not answer tags (Microsoft docs "Resources - List", `$filter`), so what
    /// becomes of it can be unknown: [`Live::insert_afterlife`].
    pub fn tagged(body: Json, stack: &str) -> Option<Self> {
        if owner(&body).is_some_and(|owner| owner != stack) {
            return None;
        }
        let id = ArmId::parse(body.get("id")?.as_str()?)?;
        Some(Self {
            arm_type: id.arm_type()?,
            stack: stack.to_owned(),
            entry: None,
            afterlife: Afterlife::of(tag(&body, ON_REMOVE_TAG)),
            id,
            body,
        })
    }

    /// Reads what carries its mark in the text of this member of its properties.
    pub fn worded(body: Json, member: &str) -> Option<Self> {
        let mark = TextMark::on(&body, member)?;
        let id = ArmId::parse(body.get("id")?.as_str()?)?;
        Some(Self {
            arm_type: id.arm_type()?,
            stack: mark.stack,
            entry: Some(mark.entry),
            afterlife: mark.afterlife,
            id,
            body,
        })
    }

    /// Whether it is of this type.
    pub fn is(&self, arm_type: &str) -> bool {
        self.arm_type.eq_ignore_ascii_case(arm_type)
    }
}

/// A scope where nobody knows what the stacks own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableScope {
    /// The subscription.
    pub scope: ArmId,
    /// Azure's code for why, or its words.
    pub why: String,
}

/// What a type is called in a spec, and the version to speak to it in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownType {
    /// The kind: `resource` where there is none of its own.
    pub kind: &'static str,
    /// The api-version.
    pub api_version: String,
}

/// What is known of what the stacks own.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct OwnedStore {
    pub(super) found: Vec<Owned>,
    pub(super) unreadable: Vec<UnreadableScope>,
    pub(super) types: HashMap<String, KnownType>,
}

impl OwnedStore {
    pub(super) fn insert_unreadable(&mut self, unseen: UnreadableScope) {
        if self.unreadable.iter().all(|one| one.scope != unseen.scope) {
            self.unreadable.push(unseen);
        }
    }

    pub(super) fn absorb(&mut self, other: Self) {
        self.found.extend(other.found);
        self.types.extend(other.types);
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
    fn a_listed_resource_may_come_without_its_tags_but_not_with_another_owner() {
        let owned = Owned::tagged(json!({ "id": ACCOUNT }), "cameras").unwrap();
        assert_eq!(owned.arm_type, "Microsoft.Storage/storageAccounts");
        assert_eq!(owned.afterlife, Afterlife::Delete);
        let mut live = Live::default();
        live.insert_owned(owned);
        live.insert_afterlife(
            &ArmId::parse(&ACCOUNT.to_uppercase()).unwrap(),
            Afterlife::Keep,
        );
        let afterlives: Vec<_> = live.owned().map(|one| one.afterlife).collect();
        assert_eq!(afterlives, [Afterlife::Keep]);
        let other = json!({ "id": ACCOUNT, "tags": { "lazuli-stack": "doors" } });
        assert_eq!(Owned::tagged(other, "cameras"), None);
    }

    #[test]
    fn a_word_that_nobody_knows_protects() {
        let body = json!({ "id": ACCOUNT, "tags": { "Lazuli-Stack": "cameras", "lazuli-on-remove": "later" } });
        let owned = Owned::tagged(body, "cameras").unwrap();
        assert_eq!(owned.afterlife, Afterlife::Protect);
    }
}
