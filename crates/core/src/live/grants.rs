//! The role assignments that exist, found by their id, by where they are, and by what they mean.

use std::collections::HashMap;

use serde_json::Value as Json;

use super::Live;
use crate::{
    arm::ArmId,
    graph::{Grant, Graph},
};

/// A role assignment that exists.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveGrant {
    /// Its id; the name in it says nothing.
    pub id: ArmId,
    /// Where it is made.
    pub scope: ArmId,
    /// The role definition's GUID.
    pub role: String,
    /// The role's name, where somebody knows it; see [`Live::name_roles`].
    pub role_name: Option<String>,
    /// The principal's object id.
    pub principal: String,
    /// The whole answer.
    pub body: Json,
}

impl LiveGrant {
    /// Reads a role assignment as ARM answers it.
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

    /// The role for a person: its name, or its GUID where nobody knows the name.
    pub fn role_shown(&self) -> &str {
        self.role_name.as_deref().unwrap_or(&self.role)
    }

    /// A text of the assignment's properties: `principalType`, `createdOn`.
    pub fn property(&self, name: &str) -> Option<&str> {
        self.body.get("properties")?.get(name)?.as_str()
    }

    /// Whether it is what is wanted, for a principal that is known.
    pub fn is(&self, wanted: &Grant, principal: &str) -> bool {
        self.is_of(wanted) && self.principal.eq_ignore_ascii_case(principal)
    }

    /// Whether it has the scope and the role that are wanted, whoever the principal is.
    pub fn is_of(&self, wanted: &Grant) -> bool {
        self.scope == wanted.scope && self.role.eq_ignore_ascii_case(&wanted.role)
    }
}

/// Who may do what where: ARM has no two assignments of the same meaning.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Meaning {
    scope: ArmId,
    role: String,
    principal: String,
}

impl Meaning {
    fn new(scope: &ArmId, role: &str, principal: &str) -> Self {
        Self {
            scope: scope.clone(),
            role: role.to_ascii_lowercase(),
            principal: principal.to_ascii_lowercase(),
        }
    }
}

/// The assignments that were seen, each once, in the order in which they were.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Known {
    all: Vec<LiveGrant>,
    by_id: HashMap<ArmId, usize>,
    by_meaning: HashMap<Meaning, usize>,
    by_scope: HashMap<ArmId, Vec<usize>>,
}

impl Known {
    pub(super) fn insert(&mut self, grant: LiveGrant) {
        let at = self.all.len();
        if self.by_id.contains_key(&grant.id) {
            return;
        }
        self.by_id.insert(grant.id.clone(), at);
        let meaning = Meaning::new(&grant.scope, &grant.role, &grant.principal);
        self.by_meaning.entry(meaning).or_insert(at);
        self.by_scope
            .entry(grant.scope.clone())
            .or_default()
            .push(at);
        self.all.push(grant);
    }

    /// Those of which this holds.
    pub(super) fn retained(&self, stays: impl Fn(&LiveGrant) -> bool) -> Self {
        let mut left = Self::default();
        let grants = self.all.iter().filter(|grant| stays(grant)).cloned();
        grants.for_each(|grant| left.insert(grant));
        left
    }
}

impl Live {
    /// All role assignments that were seen.
    pub fn grants(&self) -> &[LiveGrant] {
        &self.grants.all
    }

    /// The role assignment of an id, if it exists.
    pub fn grant_of_id(&self, id: &ArmId) -> Option<&LiveGrant> {
        self.grants.all.get(*self.grants.by_id.get(id)?)
    }

    /// The role assignments made on a resource itself.
    pub fn grants_on(&self, scope: &ArmId) -> impl Iterator<Item = &LiveGrant> {
        let at = self.grants.by_scope.get(scope).map(Vec::as_slice);
        at.unwrap_or_default()
            .iter()
            .filter_map(|at| self.grants.all.get(*at))
    }

    /// The role assignment that is the wanted one, if it exists.
    pub fn grant(&self, graph: &Graph, wanted: &Grant) -> Option<&LiveGrant> {
        let principal = self.fill(graph, &wanted.principal);
        let meaning = Meaning::new(&wanted.scope, &wanted.role, principal.as_str()?);
        self.grants.all.get(*self.grants.by_meaning.get(&meaning)?)
    }

    /// Gives the roles of role assignments their names, for people to read.
    pub fn name_roles<'n>(&mut self, name_of: impl Fn(&str) -> Option<&'n str>) {
        for grant in &mut self.grants.all {
            grant.role_name = name_of(&grant.role).map(str::to_owned);
        }
    }
}
