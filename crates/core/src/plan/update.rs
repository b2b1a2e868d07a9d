//! Updates: immediately before the request, its content is merged again from a fresh read, so that an update never undoes
//! what others did after the plan.

use std::{fmt, sync::Arc};

use serde_json::Value as Json;

use super::{OwnershipGuard, OwnershipLoss, ownership::remove_tags};
use crate::{
    arm::ArmId,
    body_path::{BodyPath, Level},
    diff::{Change, compare, overlay},
    facts::Rule,
    ignore::IgnorePattern,
    marker::foreign_owner,
    stack::StackIdentity,
    value::{Output, Value},
};

/// A change of a resource that exists.
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    /// What the spec sets.
    pub(super) wanted: Value,
    /// The live body that the plan was made from.
    pub(super) base: Arc<Json>,
    /// The rules of the comparison.
    pub(super) rules: &'static [Rule],
    /// What is not compared.
    pub(super) ignore: Vec<IgnorePattern>,
    /// The changes that remove a tag.
    pub(super) removed: Vec<Change>,
    /// Who may own the resource.
    pub(super) ownership: ExpectedOwnership,
    /// What is sent.
    pub(super) scope: UpdateScope,
}

/// Who may own a resource that is updated.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ExpectedOwnership {
    /// The stack.
    Own(OwnershipGuard),
    /// No stack, or this one: the update adopts the resource, or its type has no ownership marker.
    NotForeign(StackIdentity),
}

/// What an update sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UpdateScope {
    /// The whole body.
    Body,
    /// These members of `properties`: Azure fills in the others.
    Members(&'static [&'static str]),
    /// The tags that differ.
    Tags,
}

/// The content of the request of an update.
#[derive(Debug, Clone, PartialEq)]
pub enum UpdateContent {
    /// A PUT with this body.
    Body(Json),
    /// These tags are set or changed, and those removed.
    Tags {
        /// The tags to set.
        set: Vec<(String, Json)>,
        /// The tags to remove, with their present values.
        removed: Vec<(String, Json)>,
    },
}

/// Why an update is not sent.
#[derive(Debug, Clone, PartialEq)]
pub enum UpdateConflict {
    /// Properties that the spec sets were changed by others after the plan.
    Moved(Vec<BodyPath>),
    /// The stack no longer owns the resource, or another one owns it now.
    Ownership(OwnershipLoss),
    /// It no longer exists.
    Gone(ArmId),
    /// A value that the request needs is not known.
    MissingOutput(Box<Output>),
}

impl Update {
    /// An update of no tags.
    #[cfg(test)]
    pub(crate) fn tags_only(stack: &str) -> Self {
        Self {
            wanted: Value::Null,
            base: Arc::default(),
            rules: &[],
            ignore: Vec::new(),
            removed: Vec::new(),
            ownership: ExpectedOwnership::Own(OwnershipGuard::by_tag(stack)),
            scope: UpdateScope::Tags,
        }
    }

    /// Whether only tags are sent.
    pub fn is_tags_only(&self) -> bool {
        self.scope == UpdateScope::Tags
    }

    /// The update with outputs taken from `find`.
    pub fn fill(&self, find: &dyn Fn(&Output) -> Option<Json>) -> Self {
        Self {
            wanted: self.wanted.fill(find),
            ..self.clone()
        }
    }

    /// The content of the request, merged onto the body that a fresh read returned.
    ///
    /// # Errors
    /// Why nothing may be sent.
    pub fn merge_onto(
        &self,
        target: &ArmId,
        fresh: &Json,
    ) -> Result<UpdateContent, UpdateConflict> {
        self.check_ownership(target, fresh)
            .map_err(UpdateConflict::Ownership)?;
        let wanted = &self.wanted;
        let differences = |body: &Json| compare(wanted, body, self.rules, &self.ignore).changes;
        let planned = differences(&self.base);
        let changes = differences(fresh);
        let moved = changes.iter().filter(|change| {
            let mut planned = planned.iter();
            !planned.any(|known| known.path == change.path && known.before == change.before)
        });
        let moved: Vec<BodyPath> = moved.map(|change| change.path.clone()).collect();
        if !moved.is_empty() {
            return Err(UpdateConflict::Moved(moved));
        }
        match self.scope {
            UpdateScope::Tags => Ok(self.tags(&changes, fresh)),
            UpdateScope::Body => {
                let merged = overlay(wanted, fresh, self.rules, &self.ignore);
                to_body(remove_tags(merged, &self.removed))
            }
            UpdateScope::Members(members) => {
                let merged = overlay(wanted, fresh, self.rules, &self.ignore);
                let mut properties = match merged.get("properties") {
                    Some(Value::Object(properties)) => properties.clone(),
                    _ => Default::default(),
                };
                properties
                    .retain(|name, value| members.contains(&&**name) && *value != Value::Null);
                to_body(Value::object([("properties", Value::Object(properties))]))
            }
        }
    }

    fn check_ownership(&self, target: &ArmId, fresh: &Json) -> Result<(), OwnershipLoss> {
        match &self.ownership {
            ExpectedOwnership::Own(guard) => guard.check(target, fresh, None),
            ExpectedOwnership::NotForeign(stack) => match foreign_owner(stack, target, fresh) {
                None => Ok(()),
                Some(stack) => Err(OwnershipLoss::OtherStack {
                    id: target.clone(),
                    stack,
                }),
            },
        }
    }

    fn tags(&self, changes: &[Change], fresh: &Json) -> UpdateContent {
        let name = |change: &Change| match change.path.levels() {
            [Level::Member(tags), Level::Member(name)] if tags == "tags" => Some(name.to_string()),
            _ => None,
        };
        let set = changes.iter().filter_map(|change| {
            let value = change.after.as_ref()?.to_json().ok()?;
            Some((name(change)?, value))
        });
        let live = fresh.get("tags");
        let removed = self.removed.iter().filter_map(|change| {
            let name = name(change)?;
            let value = live?.get(&name)?.clone();
            Some((name, value))
        });
        UpdateContent::Tags {
            set: set.collect(),
            removed: removed.collect(),
        }
    }
}

fn to_body(body: Value) -> Result<UpdateContent, UpdateConflict> {
    let missing = |output: &Output| UpdateConflict::MissingOutput(Box::new(output.clone()));
    body.to_json().map(UpdateContent::Body).map_err(missing)
}

/// Whether changes concern tags alone.
pub(super) fn are_tags_only(changes: &[Change]) -> bool {
    let is_tag = |change: &Change| match change.path.levels() {
        [Level::Member(tags), Level::Member(_)] => tags == "tags",
        _ => false,
    };
    !changes.is_empty() && changes.iter().all(is_tag)
}

impl fmt::Display for UpdateConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Moved(moved) => {
                let moved = moved.iter().map(|path| format!("`{}`", path.lifted()));
                let moved: Vec<String> = moved.collect();
                let verb = if moved.len() == 1 { "was" } else { "were" };
                write!(f, "{} {verb} changed after the plan", moved.join(", "))
            }
            Self::Ownership(loss) => write!(f, "{loss}"),
            Self::Gone(id) => write!(f, "{id} no longer exists"),
            Self::MissingOutput(output) => {
                write!(f, "Azure returned no value for `{}`", output.written)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const RULES: &[Rule] = &[];

    fn target() -> ArmId {
        ArmId::parse("/subscriptions/s/resourceGroups/g/providers/T/t/a").unwrap()
    }

    fn update(wanted: Json, base: Json, scope: UpdateScope) -> Update {
        Update {
            wanted: wanted.into(),
            base: Arc::new(base),
            rules: RULES,
            ignore: Vec::new(),
            removed: Vec::new(),
            ownership: ExpectedOwnership::NotForeign(StackIdentity::from_name("cameras")),
            scope,
        }
    }

    fn merge(update: &Update, fresh: Json) -> Result<UpdateContent, UpdateConflict> {
        update.merge_onto(&target(), &fresh)
    }

    fn body(result: Result<UpdateContent, UpdateConflict>) -> Json {
        match result {
            Ok(UpdateContent::Body(body)) => body,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_the_spec_does_not_set_is_sent_as_it_is_now() {
        let wanted = json!({ "properties": { "mode": "b" } });
        let base = json!({ "sku": { "capacity": 1 }, "properties": { "mode": "a" } });
        let update = update(wanted, base, UpdateScope::Body);
        let fresh = json!({ "sku": { "capacity": 5 }, "properties": { "mode": "a", "more": 1 } });
        let sent = body(merge(&update, fresh));
        let expected =
            json!({ "sku": { "capacity": 5 }, "properties": { "mode": "b", "more": 1 } });
        assert_eq!(sent, expected);
    }

    #[test]
    fn property_that_moved_stops_the_update_unless_it_has_the_wanted_value() {
        let wanted = json!({ "properties": { "mode": "b", "size": 1 } });
        let base = json!({ "properties": { "mode": "a", "size": 1 } });
        let update = update(wanted, base, UpdateScope::Body);
        for (fresh, message) in [
            (
                json!({ "mode": "c", "size": 1 }),
                "`mode` was changed after the plan",
            ),
            (
                json!({ "mode": "a", "size": 2 }),
                "`size` was changed after the plan",
            ),
            (json!({ "mode": "a" }), "`size` was changed after the plan"),
            (
                json!({ "mode": "c" }),
                "`mode`, `size` were changed after the plan",
            ),
        ] {
            let conflict = merge(&update, json!({ "properties": fresh })).unwrap_err();
            assert_eq!(conflict.to_string(), message);
        }
        let done = json!({ "properties": { "mode": "b", "size": 1 } });
        assert_eq!(body(merge(&update, done.clone())), done);
    }

    #[test]
    fn only_the_tags_that_differ_are_sent() {
        let wanted = json!({ "tags": { "team": "a", "lazuli-stack": "cameras" } });
        let base = json!({ "tags": { "team": "a" } });
        let mut update = update(wanted, base, UpdateScope::Tags);
        update.removed = vec![Change {
            path: BodyPath::from_names(["tags", "lazuli-on-remove"]),
            before: Some(json!("keep")),
            after: None,
            immutable: false,
        }];
        let fresh = json!({ "tags": { "team": "a", "lazuli-on-remove": "keep", "by": "hand" } });
        let content = merge(&update, fresh).unwrap();
        let expected = UpdateContent::Tags {
            set: vec![("lazuli-stack".to_owned(), json!("cameras"))],
            removed: vec![("lazuli-on-remove".to_owned(), json!("keep"))],
        };
        assert_eq!(content, expected);
    }

    #[test]
    fn resource_that_another_stack_adopted_is_not_updated() {
        let update = update(json!({}), json!({}), UpdateScope::Body);
        let fresh = json!({ "tags": { "lazuli-stack": "doors" } });
        let conflict = merge(&update, fresh).unwrap_err().to_string();
        assert!(
            conflict.starts_with("stack `doors` owns /subscriptions"),
            "{conflict}"
        );
    }
}
