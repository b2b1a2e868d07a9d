//! The resource of a step as it is sent to Azure Policy: without secrets and unresolved outputs.

use std::{collections::HashSet, fmt::Write, iter};

use serde_json::{Map, Value as Json, json};

use crate::{
    arm::ArmId,
    arm::types::RESOURCE_GROUP_IN_ACTIONS,
    body_path::BodyPath,
    marker::MARKER_TAG,
    plan::{Action, CallTarget, Method, Step},
    value::Value,
};

/// The body of a question to Azure Policy (REST reference, "Policy Restrictions", `CheckRestrictionsRequest`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Proposal(String);

impl Proposal {
    /// The body.
    pub fn body(&self) -> Json {
        serde_json::from_str(&self.0).unwrap_or_default()
    }
}

/// The id that a step writes in a subscription: a resource, or the scope of a role assignment.
pub(super) fn find_written_id(step: &Step) -> Option<&ArmId> {
    if matches!(step.call.method, Method::Delete(_)) || step.action == Action::Release {
        return None;
    }
    let id = match &step.call.target {
        CallTarget::Id(id) => id,
        CallTarget::Grant(grant) => &grant.scope,
    };
    id.subscription_id().map(|_| id)
}

/// A step to check.
pub(super) struct ProposedStep<'a> {
    pub(super) step: &'a Step,
    /// The resource, or the scope of the role assignment.
    pub(super) id: &'a ArmId,
    /// The scope of the question: the resource group if it exists, or the subscription.
    pub(super) at: ArmId,
    in_group: bool,
}

impl<'a> ProposedStep<'a> {
    pub(super) fn from_step(step: &'a Step, new: &HashSet<&ArmId>) -> Option<Self> {
        let id = find_written_id(step)?;
        let group = id
            .group()
            .filter(|group| group != id && !new.contains(group));
        Some(Self {
            step,
            id,
            in_group: group.is_some(),
            at: match group {
                Some(group) => group,
                None => ArmId::subscription(id.subscription_id()?),
            },
        })
    }

    /// Whether its resource group does not exist yet.
    pub(super) fn lacks_group(&self) -> bool {
        !self.in_group && self.id.group().is_some_and(|group| group != *self.id)
    }

    fn is_grant(&self) -> bool {
        matches!(self.step.call.target, CallTarget::Grant(_))
    }

    fn arm_type(&self) -> &str {
        match self.id.group() {
            Some(group) if group == *self.id && !self.is_grant() => RESOURCE_GROUP_IN_ACTIONS,
            _ => self.step.subject.arm_type.name.as_ref(),
        }
    }

    /// What steps share that differ only in names and ids.
    pub(super) fn shape(&self) -> String {
        let call = &self.step.call;
        let mut shape = format!(
            "{} {} {} ",
            self.in_group,
            self.arm_type(),
            call.api_version
        );
        let name = self.id.name();
        write_shape(&without_binding(&call.body), name, &mut shape);
        shape
    }

    /// The question for several names, and the paths of omitted values.
    pub(super) fn proposal(&self, names: &[&str]) -> (Proposal, Vec<BodyPath>) {
        let mut withheld = Vec::new();
        let body = without_binding(&self.step.call.body);
        let sent = send(&body, &BodyPath::root(), &mut withheld);
        let mut content = match sent {
            Some(Json::Object(members)) => members,
            _ => Map::new(),
        };
        content.remove("id");
        content.insert("type".to_owned(), self.arm_type().into());
        let mut body = Map::new();
        match names {
            [] => {
                content.remove("name");
            }
            [name] => {
                content.insert("name".to_owned(), (*name).into());
            }
            names => {
                content.remove("name");
                let pending = json!([{ "field": "name", "values": names }]);
                body.insert("pendingFields".to_owned(), pending);
            }
        }
        let mut details = json!({
            "resourceContent": content,
            "apiVersion": self.step.call.api_version,
        });
        if let Some(scope) = self.scope() {
            details["scope"] = scope.as_str().into();
        }
        body.insert("resourceDetails".to_owned(), details);
        (Proposal(Json::Object(body).to_string()), withheld)
    }

    /// The parent of a child or extension resource in an existing group.
    fn scope(&self) -> Option<ArmId> {
        if !self.in_group {
            return None;
        }
        if self.is_grant() {
            return Some(self.id.clone());
        }
        self.id.parent().filter(|_| !self.id.is_top_level())
    }

    /// The name, if the resource has one before its creation. Without a scope, the name of a child includes its parents.
    pub(super) fn name(&self) -> Option<String> {
        if self.is_grant() {
            return None;
        }
        let is_group = self.id.group().as_ref() == Some(self.id);
        if self.in_group || is_group {
            return Some(self.id.name().to_owned());
        }
        let depth = self.arm_type().matches('/').count();
        let above = iter::successors(Some(self.id.clone()), ArmId::parent).take(depth);
        let mut names: Vec<String> = above.map(|id| id.name().to_owned()).collect();
        names.reverse();
        Some(names.join("/"))
    }
}

/// A body without the binding of its ownership marker, which differs for each resource: no policy depends on it.
fn without_binding(body: &Value) -> Value {
    let mut body = body.clone();
    if let Value::Object(members) = &mut body
        && let Some(Value::Object(tags)) = members.get_mut("tags")
        && let Some(binding) = tags.get_mut(MARKER_TAG)
    {
        *binding = Value::from("");
    }
    body
}

/// The value without secrets and unresolved outputs, whose paths are noted. A list that contains one is omitted as a
/// whole, since without the item it would differ.
fn send(value: &Value, path: &BodyPath, withheld: &mut Vec<BodyPath>) -> Option<Json> {
    match value {
        Value::Secret(_) | Value::Unresolved(_) => {
            withheld.push(path.clone());
            None
        }
        Value::Array(items) => {
            let mut inside = Vec::new();
            let sent = items.iter().map(|item| send(item, path, &mut inside));
            let sent: Vec<Json> = sent.map(Option::unwrap_or_default).collect();
            if inside.is_empty() {
                return Some(Json::Array(sent));
            }
            withheld.push(path.clone());
            None
        }
        Value::Object(members) => {
            let sent = members.iter().filter_map(|(key, member)| {
                Some((key.clone(), send(member, &path.member(key), withheld)?))
            });
            Some(Json::Object(sent.collect()))
        }
        known => known.to_json().ok(),
    }
}

fn write_shape(value: &Value, name: &str, shape: &mut String) {
    match value {
        Value::Secret(_) => shape.push_str("secret"),
        Value::Unresolved(_) => shape.push_str("unresolved"),
        Value::String(text) => write_text(text, name, shape),
        Value::Array(items) => {
            shape.push('[');
            for item in items {
                write_shape(item, name, shape);
                shape.push(',');
            }
            shape.push(']');
        }
        Value::Object(members) => {
            shape.push('{');
            for (key, member) in members {
                write_text(key, name, shape);
                shape.push(':');
                write_shape(member, name, shape);
                shape.push(',');
            }
            shape.push('}');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            let _ = write!(shape, "{}", value.to_display_json());
        }
    }
}

fn write_text(text: &str, name: &str, shape: &mut String) {
    if ArmId::resembles_id(text) {
        shape.push_str("id");
    } else if text == name {
        shape.push_str("name");
    } else {
        let _ = write!(shape, "{text:?}");
    }
}
