//! What is in and on a resource that is deleted. It stays while anything is there that does not go itself.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use crate::{
    arm::{
        ArmId,
        types::{RESOURCE_GROUP, ROLE_ASSIGNMENT},
    },
    child_types::ChildTypes,
    live::Live,
    marker::{CHILDREN_TAG, ChildLedger, foreign_owner, owner, tag},
    reads::Read,
    stack::StackIdentity,
};

/// The reads of what is in resources that may be deleted.
pub(super) fn list_reads(types: ChildTypes, ids: &[ArmId]) -> Vec<Read> {
    let mut reads = BTreeSet::new();
    for id in ids {
        let groups = id.group().filter(|_| types.has_listed_children(id));
        reads.extend(groups.map(Read::Contents));
        reads.extend(types.in_resource(id).map(|child| Read::Children {
            parent: id.clone(),
            path: format!("{id}/{}", child.path),
            api_version: child.api_version.to_owned(),
        }));
    }
    reads.into_iter().collect()
}

/// Something in or on a resource, and the stack that owns it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainedResource {
    /// Its id.
    pub id: ArmId,
    /// The name of the stack in its marker.
    pub stack: Option<String>,
}

/// ``db (stack `data`)``
impl std::fmt::Display for ContainedResource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let is_grant = self
            .id
            .arm_type()
            .is_some_and(|name| ROLE_ASSIGNMENT.is(&name));
        if is_grant {
            f.write_str("role assignment ")?;
        }
        f.write_str(self.id.name())?;
        match &self.stack {
            Some(stack) => write!(f, " (stack `{stack}`)"),
            None => Ok(()),
        }
    }
}

/// `a, b (stack `data`)`
pub(super) fn list(contents: &[ContainedResource]) -> String {
    let names: Vec<String> = contents.iter().map(ToString::to_string).collect();
    names.join(", ")
}

/// What is in and on a live resource and does not go by itself: resources for which `goes` is false, and role assignments
/// of other stacks.
///
/// # Errors
/// Why it is not known.
pub(super) fn staying(
    live: &Live,
    stack: &StackIdentity,
    id: &ArmId,
    goes: &dyn Fn(&ArmId) -> bool,
) -> Result<Vec<ContainedResource>, String> {
    let types = live.child_types();
    let mut inside: Vec<&ArmId> = Vec::new();
    if let Some(group) = id.group().filter(|_| types.has_listed_children(id)) {
        let Some(contents) = live.contents(&group) else {
            return Err("its contents are unknown".to_owned());
        };
        inside.extend(
            contents
                .iter()
                .filter(|inner| id.covers(inner) && *inner != id),
        );
    }
    if let Some(why) = live.unread_children(id) {
        return Err(format!("its contents are unknown: {why}"));
    }
    inside.extend(live.children(id));
    let records = live.resource(id).and_then(|body| tag(body, CHILDREN_TAG));
    let records = ChildLedger::parse(records.unwrap_or(""));
    let inside = inside
        .into_iter()
        .filter(|inner| !types.is_made_by_azure(inner) && !records.has(inner) && !goes(inner));
    let inside = inside.map(|inner| ContainedResource {
        id: inner.clone(),
        stack: live.content_owner(inner).map(str::to_owned),
    });
    let grants = live.grants().iter().filter(|grant| id.covers(&grant.scope));
    let grants = grants.filter(|grant| !goes(&grant.id)).filter_map(|grant| {
        let foreign = foreign_owner(stack, &grant.id, &grant.body)?;
        Some(ContainedResource {
            id: grant.id.clone(),
            stack: Some(foreign.name),
        })
    });
    let mut found: Vec<ContainedResource> = inside.chain(grants).collect();
    found.sort_by(|left, right| left.id.cmp(&right.id));
    found.dedup();
    Ok(found)
}

/// What must hold immediately before a deletion: nothing is in or on the resource that the plan does not delete.
#[derive(Debug, Clone, PartialEq)]
pub struct ContentsGuard {
    stack: StackIdentity,
    types: ChildTypes,
    lists: Vec<ContentsList>,
    /// What the plan deletes before, or together with the resource.
    expected: Vec<ArmId>,
}

/// A list to read immediately before a deletion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentsList {
    /// Its path.
    pub path: String,
    /// Its api-version.
    pub api_version: String,
    /// Whether it can lag behind: what it shows has to be confirmed.
    pub is_cache: bool,
}

impl ContentsGuard {
    /// The guard of a type that contains nothing.
    pub(super) fn empty(stack: &StackIdentity) -> Self {
        Self {
            stack: stack.clone(),
            types: ChildTypes::default(),
            lists: Vec::new(),
            expected: Vec::new(),
        }
    }

    /// The guard of a resource. `going` is what the plan deletes before, or together with it.
    pub(super) fn new<'i>(
        live: &Live,
        stack: &StackIdentity,
        id: &ArmId,
        going: impl IntoIterator<Item = &'i ArmId>,
    ) -> Self {
        let types = live.child_types();
        let mut lists: Vec<ContentsList> = types
            .in_resource(id)
            .map(|child| ContentsList {
                path: format!("{id}/{}", child.path),
                api_version: child.api_version.to_owned(),
                is_cache: false,
            })
            .collect();
        let group = id.group().filter(|_| types.has_listed_children(id));
        lists.extend(group.map(|group| ContentsList {
            path: format!("{group}/resources"),
            api_version: RESOURCE_GROUP.api_version.into_owned(),
            is_cache: true,
        }));
        if lists.is_empty() {
            return Self::empty(stack);
        }
        lists.push(ContentsList {
            path: id.collection(&ROLE_ASSIGNMENT),
            api_version: ROLE_ASSIGNMENT.api_version.into_owned(),
            is_cache: false,
        });
        let inside = going
            .into_iter()
            .filter(|inner| id.covers(inner) && *inner != id);
        Self {
            stack: stack.clone(),
            types,
            lists,
            expected: inside.cloned().collect(),
        }
    }

    /// The lists to read.
    pub fn lists(&self) -> &[ContentsList] {
        &self.lists
    }

    /// What an item of a list is, if it keeps the resource. `body` is the resource, as a GET returned it.
    pub fn keeping(&self, target: &ArmId, body: &Json, item: &Json) -> Option<ContainedResource> {
        let id = ArmId::parse(item.get("id")?.as_str()?)?;
        if id.arm_type().is_some_and(|name| ROLE_ASSIGNMENT.is(&name)) {
            let scope = item.pointer("/properties/scope").and_then(Json::as_str);
            let scope = scope.and_then(ArmId::parse).or_else(|| id.parent())?;
            let foreign =
                foreign_owner(&self.stack, &id, item).filter(|_| target.covers(&scope))?;
            return Some(ContainedResource {
                id,
                stack: Some(foreign.name),
            });
        }
        let records = ChildLedger::parse(tag(body, CHILDREN_TAG).unwrap_or(""));
        let is_expected = self.expected.iter().any(|expected| expected.covers(&id));
        let is_kept = target.covers(&id)
            && id != *target
            && !is_expected
            && !records.has(&id)
            && !self.types.is_made_by_azure(&id);
        is_kept.then(|| ContainedResource {
            stack: owner(item).map(str::to_owned),
            id,
        })
    }
}
