//! Live role assignments, by id, by scope, and by scope, role and principal.

use std::collections::HashMap;

use serde_json::Value as Json;

use crate::{arm::ArmId, declare::Grant};

/// A role assignment that exists.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveGrant {
    /// Its id. The name in it has no meaning.
    pub id: ArmId,
    /// Its scope.
    pub scope: ArmId,
    /// The role definition's GUID.
    pub role: String,
    /// The name of the role, if it is known; see [`Live::name_roles`](super::Live::name_roles).
    pub role_name: Option<String>,
    /// The principal's object id.
    pub principal: String,
    /// The whole body.
    pub body: Json,
}

impl LiveGrant {
    /// Parses the body of a role assignment.
    pub fn parse(body: Json) -> Option<Self> {
        let text = |path: &str| body.pointer(path).and_then(Json::as_str);
        let id = ArmId::parse(text("/id")?)?;
        Some(Self {
            scope: text("/properties/scope")
                .and_then(ArmId::parse)
                .or_else(|| id.parent())?,
            role: text("/properties/roleDefinitionId")?
                .rsplit('/')
                .next()?
                .to_owned(),
            principal: text("/properties/principalId")?.to_owned(),
            role_name: None,
            id,
            body,
        })
    }

    /// The role for display: its name, or its GUID if the name is unknown.
    pub fn role_label(&self) -> &str {
        self.role_name.as_deref().unwrap_or(&self.role)
    }

    /// A text property: `principalType`, `createdOn`.
    pub fn property(&self, name: &str) -> Option<&str> {
        self.body.get("properties")?.get(name)?.as_str()
    }

    /// Whether it gives this role to this principal at this scope.
    pub fn matches(&self, scope: &ArmId, role: &str, principal: &str) -> bool {
        self.scope == *scope
            && self.role.eq_ignore_ascii_case(role)
            && self.principal.eq_ignore_ascii_case(principal)
    }

    /// Whether it has the wanted scope and role, for any principal.
    pub fn is_of(&self, wanted: &Grant) -> bool {
        self.scope == wanted.scope && self.role.eq_ignore_ascii_case(&wanted.role)
    }
}

/// Scope, role and principal, which are unique in ARM.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct GrantIdentity {
    scope: ArmId,
    role: String,
    principal: String,
}

impl GrantIdentity {
    pub(super) fn new(scope: &ArmId, role: &str, principal: &str) -> Self {
        Self {
            scope: scope.clone(),
            role: role.to_ascii_lowercase(),
            principal: principal.to_ascii_lowercase(),
        }
    }
}

/// The role assignments, each once, in the order of insertion.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct GrantStore {
    pub(super) all: Vec<LiveGrant>,
    pub(super) by_id: HashMap<ArmId, usize>,
    pub(super) by_identity: HashMap<GrantIdentity, usize>,
    pub(super) by_scope: HashMap<ArmId, Vec<usize>>,
}

impl GrantStore {
    pub(super) fn insert(&mut self, grant: LiveGrant) {
        let at = self.all.len();
        if self.by_id.contains_key(&grant.id) {
            return;
        }
        self.by_id.insert(grant.id.clone(), at);
        let identity = GrantIdentity::new(&grant.scope, &grant.role, &grant.principal);
        self.by_identity.entry(identity).or_insert(at);
        self.by_scope
            .entry(grant.scope.clone())
            .or_default()
            .push(at);
        self.all.push(grant);
    }

    /// The role assignments that satisfy a condition.
    pub(super) fn filter(&self, stays: impl Fn(&LiveGrant) -> bool) -> Self {
        let mut left = Self::default();
        let grants = self.all.iter().filter(|grant| stays(grant)).cloned();
        grants.for_each(|grant| left.insert(grant));
        left
    }
}
