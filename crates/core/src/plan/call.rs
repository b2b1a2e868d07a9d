//! The ARM request of a step, complete except for unresolved outputs.

use serde_json::Value as Json;
use uuid::Uuid;

use super::{Deletion, Update};
use crate::{
    arm::ArmId,
    arm::types::ROLE_ASSIGNMENT,
    secret::Secret,
    value::{Output, Unresolved, Value},
};

/// The method of a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Method {
    /// Create.
    Create(Absence),
    /// Change something that exists.
    Update(Box<Update>),
    /// Delete, then create.
    Replace(Deletion),
    /// Delete.
    Delete(Deletion),
}

/// How sure it is that a resource to create does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// It depends on something that this plan creates.
    Certain,
    /// The plan did not find it. A GET immediately before the creation has to confirm that.
    Planned,
}

/// One request to ARM, complete except for unresolved outputs.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The method.
    pub method: Method,
    /// The resource.
    pub target: CallTarget,
    /// The api-version.
    pub api_version: String,
    /// The body of a PUT as far as it is known at the time of the plan; null for a DELETE. An [`Update`] merges it again.
    pub body: Value,
}

impl Call {
    /// The deletion of a resource.
    pub fn delete(id: ArmId, api_version: impl Into<String>, deletion: Deletion) -> Self {
        Self {
            method: Method::Delete(deletion),
            target: CallTarget::Id(id),
            api_version: api_version.into(),
            body: Value::Null,
        }
    }
}

/// The resource that a call is sent to.
#[derive(Debug, Clone, PartialEq)]
pub enum CallTarget {
    /// A resource whose id is known.
    Id(ArmId),
    /// A role assignment to create. Its id depends on the object id of its principal.
    Grant(NewGrant),
}

/// A role assignment to create.
#[derive(Debug, Clone, PartialEq)]
pub struct NewGrant {
    /// Where it is created.
    pub scope: ArmId,
    /// The GUID of the role definition.
    pub role: String,
    /// The name of the role.
    pub role_name: String,
    /// The principal.
    pub principal: Principal,
}

/// The object id of a principal.
#[derive(Debug, Clone, PartialEq)]
pub enum Principal {
    /// It is known.
    Id(String),
    /// It is known and sensitive.
    Secret(Secret),
    /// It is known after the output is.
    Unresolved {
        /// The whole value.
        value: Unresolved,
        /// The first output in the value.
        output: Box<Output>,
    },
}

impl Principal {
    /// Reads a value of the spec; `None` for a value that cannot be an object id.
    pub fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::String(id) if !id.is_empty() => Some(Self::Id(id.clone())),
            Value::Secret(id) if !id.expose().is_empty() => Some(Self::Secret(id.clone())),
            Value::Unresolved(value) => value.outputs().next().map(|output| Self::Unresolved {
                value: value.clone(),
                output: Box::new(output.clone()),
            }),
            _ => None,
        }
    }

    /// The object id, if it is known and not sensitive.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Id(id) => Some(id),
            Self::Secret(_) | Self::Unresolved { .. } => None,
        }
    }

    /// The value that it was read from.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Id(id) => Value::String(id.clone()),
            Self::Secret(id) => Value::Secret(id.clone()),
            Self::Unresolved { value, .. } => Value::Unresolved(value.clone()),
        }
    }

    /// The object id, with outputs taken from `find`. An output that makes no object id counts as missing.
    fn resolve(&self, find: &dyn Fn(&Output) -> Option<Json>) -> Result<String, Box<Output>> {
        let (value, output) = match self {
            Self::Id(id) => return Ok(id.clone()),
            Self::Secret(id) => return Ok(id.expose().to_owned()),
            Self::Unresolved { value, output } => (value, output),
        };
        match Self::from_value(&value.fill(find)) {
            Some(Self::Id(id)) => Ok(id),
            Some(Self::Secret(id)) => Ok(id.expose().to_owned()),
            Some(Self::Unresolved { output, .. }) => Err(output),
            None => Err(output.clone()),
        }
    }
}

impl CallTarget {
    /// The id, with outputs taken from `find`.
    ///
    /// # Errors
    /// An output that is missing, or that is not the object id of a principal.
    pub fn resolve(&self, find: &dyn Fn(&Output) -> Option<Json>) -> Result<ArmId, Box<Output>> {
        match self {
            Self::Id(id) => Ok(id.clone()),
            Self::Grant(grant) => Ok(grant_id(grant, &grant.principal.resolve(find)?)),
        }
    }

    /// The id of the resource, or the scope of a role assignment to create.
    pub fn place(&self) -> &ArmId {
        match self {
            Self::Id(id) => id,
            Self::Grant(grant) => &grant.scope,
        }
    }
}

/// The namespace of the names of role assignments: random, and fixed forever.
const GRANT_NAMES: Uuid = Uuid::from_u128(0x6c61_7a75_6c69_4e0d_9c3e_51d7_b8f2_0a46);

/// The id of a role assignment to create. Its name is derived from scope, role and principal: concurrent runs choose the
/// same name, and a recreated identity gets another.
fn grant_id(grant: &NewGrant, principal: &str) -> ArmId {
    let identity = format!("{}|{}|{principal}", grant.scope, grant.role).to_lowercase();
    let name = Uuid::new_v5(&GRANT_NAMES, identity.as_bytes());
    grant
        .scope
        .provider_child(&ROLE_ASSIGNMENT.name, &name.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{body_path::BodyPath, key::NodeKey, spec::Address, value::UnresolvedPart};

    fn target() -> CallTarget {
        let address = Address {
            resource: "analyzer".into(),
            instance: None,
        };
        let output = Output {
            of: NodeKey {
                stack: "cameras".into(),
                address,
                part: None,
            },
            path: BodyPath::from_names(["principalId"]),
            written: "analyzer.principalId".into(),
        };
        let value = Value::Unresolved(Unresolved(vec![UnresolvedPart::Output(output)]));
        CallTarget::Grant(NewGrant {
            scope: ArmId::parse("/subscriptions/s").unwrap(),
            role: "reader".into(),
            role_name: "Reader".into(),
            principal: Principal::from_value(&value).unwrap(),
        })
    }

    #[test]
    fn role_assignment_is_never_named_after_anything_but_an_object_id() {
        let resolve = |found: Option<Json>| target().resolve(&|_| found.clone());
        let id = resolve(Some(json!("aa"))).unwrap();
        assert_eq!(id.parent(), ArmId::parse("/subscriptions/s"));
        assert_ne!(resolve(Some(json!("bb"))).unwrap(), id);
        for other in [
            None,
            Some(Json::Null),
            Some(json!("")),
            Some(json!({})),
            Some(json!(1)),
        ] {
            let missing = resolve(other.clone()).unwrap_err();
            assert_eq!(missing.written, "analyzer.principalId", "{other:?}");
        }
        for other in [
            Value::Null,
            Value::from(""),
            Value::Bool(true),
            Value::Array(Vec::new()),
        ] {
            assert_eq!(Principal::from_value(&other), None);
        }
    }
}
