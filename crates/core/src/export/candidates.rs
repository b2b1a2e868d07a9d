//! Candidates for entries: the groups and their resources, the grants and locks on them, and the roles of the stack.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value as Json};

use super::{note::Note, reads, scope::Scene};
use crate::{
    arm::types::{MANAGEMENT_LOCK, ROLE_ASSIGNMENT, ROLE_DEFINITION},
    arm::{ArmId, ArmType},
    body_path::BodyPath,
    diff::bare,
    facts::Place,
    kind::Kind,
    live::{Live, LiveGrant},
    marker::{ON_REMOVE_TAG, RemovalPolicy, TextMarker, owner, tag},
};

/// A live resource, grant or lock that can become an entry.
pub(super) struct Candidate {
    pub(super) kind: &'static dyn Kind,
    pub(super) arm_type: ArmType,
    /// The id in canonical case; `None` for grants.
    pub(super) id: Option<ArmId>,
    /// The id as Azure returns it.
    pub(super) live_id: ArmId,
    /// The parent or scope.
    pub(super) place: Option<ArmId>,
    /// The body without secrets.
    pub(super) body: Json,
    /// The bodies of child resources; for a grant, of the other grants of the entry and of role definitions.
    pub(super) parts: Vec<Json>,
    pub(super) marker: Option<CandidateMarker>,
    /// The paths of the removed secrets.
    pub(super) secrets: Vec<BodyPath>,
}

/// The ownership marker of a candidate.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct CandidateMarker {
    pub(super) stack: String,
    /// The entry if the marker contains it.
    pub(super) entry: Option<String>,
    pub(super) removal_policy: RemovalPolicy,
}

/// The properties that can contain the ownership marker of kinds without tags.
const MARKER_PROPERTIES: [&str; 2] = ["description", "notes"];

impl CandidateMarker {
    pub(super) fn read(kind: &dyn Kind, body: &Json) -> Option<Self> {
        if kind.facts().tags {
            return owner(body).map(|stack| Self {
                stack: stack.to_owned(),
                entry: None,
                removal_policy: RemovalPolicy::from_word(tag(body, ON_REMOVE_TAG)),
            });
        }
        let marker = MARKER_PROPERTIES
            .iter()
            .find_map(|text| TextMarker::on(body, text))?;
        Some(Self {
            stack: marker.stack,
            entry: Some(marker.entry),
            removal_policy: marker.removal_policy,
        })
    }
}

impl Candidate {
    fn new(kind: &'static dyn Kind, arm_type: ArmType, live_id: &ArmId, body: &Json) -> Self {
        let (bare_body, secrets) = bare(body);
        Self {
            marker: CandidateMarker::read(kind, body),
            id: Some(live_id.clone()),
            place: live_id.parent(),
            live_id: live_id.clone(),
            body: bare_body,
            parts: Vec::new(),
            kind,
            arm_type,
            secrets,
        }
    }

    /// Adds the bodies of child resources.
    fn with_parts(mut self, parts: impl IntoIterator<Item = Json>) -> Self {
        for part in parts {
            let (part, secrets) = bare(&part);
            self.secrets.extend(secrets);
            self.parts.push(part);
        }
        self
    }
}

/// The ownership markers in the groups, each with the id of the resource that has it and the name of the stack.
pub(super) fn collect_markers(scope: &Scene<'_>) -> Vec<(ArmId, String)> {
    let inside = scope.groups.iter().flat_map(|group| {
        let contents = scope.live.contents(group).into_iter().flatten();
        std::iter::once(group).chain(contents)
    });
    let tagged =
        inside.filter_map(|id| Some((id.clone(), owner(scope.live.resource(id)?)?.to_owned())));
    let texts = |id: &ArmId, text: &str| Some((id.clone(), TextMarker::find(text)?.stack));
    let locks = scope.live.locks().iter();
    let locks = locks.filter(|lock| scope.covers(&lock.scope));
    let locks = locks.filter_map(|lock| texts(&lock.id, lock.notes.as_deref()?));
    let grants = scope.live.grants().iter();
    let grants = grants.filter(|grant| scope.covers(&grant.scope));
    let grants = grants.filter_map(|grant| texts(&grant.id, grant.property("description")?));
    tagged.chain(locks).chain(grants).collect()
}

/// The groups, their resources and the locks on them.
pub(super) fn find_in_groups(scope: &Scene<'_>, notes: &mut Vec<Note>) -> Vec<Candidate> {
    let lists = index_by_collection(scope.live);
    let mut candidates = Vec::new();
    for group in scope.groups {
        candidates.extend(group_candidate(scope, group));
        for id in scope.live.contents(group).into_iter().flatten() {
            match resource_candidate(scope, &lists, id) {
                Ok(candidate) => candidates.push(candidate),
                Err(note) => notes.push(note),
            }
        }
    }
    candidates.extend(find_locks(scope));
    candidates
}

fn group_candidate(scope: &Scene<'_>, group: &ArmId) -> Option<Candidate> {
    let body = scope.live.resource(group)?;
    let is_group = |kind: &&&'static dyn Kind| kind.facts().place == Place::Subscription;
    let kind = *scope.registry.kinds.iter().find(is_group)?;
    let mut candidate = Candidate::new(kind, kind.facts().arm_type.clone()?, group, body);
    candidate.id = Some(canonical_group(scope, group));
    candidate.place = None;
    Some(candidate)
}

/// The id of a group with the case that Azure returns.
pub(super) fn canonical_group(scope: &Scene<'_>, group: &ArmId) -> ArmId {
    let named = || {
        let name = scope.live.resource(group)?.get("name")?.as_str()?;
        let same = name.eq_ignore_ascii_case(group.name());
        Some(ArmId::resource_group(group.subscription_id()?, name)).filter(|_| same)
    };
    named().unwrap_or_else(|| group.clone())
}

/// The resources that were read, by their own id and by the id of their collection.
type Lists<'l> = HashMap<ArmId, Vec<(&'l ArmId, &'l Json)>>;

fn index_by_collection<'l>(live: &'l Live) -> Lists<'l> {
    let mut all: Vec<(&ArmId, &Json)> = live.resources().collect();
    all.sort_by_key(|(id, _)| *id);
    let mut lists = Lists::new();
    for (id, body) in all {
        let list = id
            .as_str()
            .rsplit_once('/')
            .and_then(|(list, _)| ArmId::parse(list));
        for place in list.into_iter().chain([id.clone()]) {
            lists.entry(place).or_default().push((id, body));
        }
    }
    lists
}

fn resource_candidate(scope: &Scene<'_>, lists: &Lists<'_>, id: &ArmId) -> Result<Candidate, Note> {
    let resolved = reads::resolve_type(scope, id);
    let (kind, arm_type) = resolved.ok_or_else(|| Note::NoVersion(id.clone()))?;
    let body = scope.live.resource(id);
    let body = body.ok_or_else(|| Note::Unreadable(id.clone()))?;
    let parts = kind.parts().iter().flat_map(|part| {
        let below = ArmId::parse(&format!("{id}/{}", part.path));
        let parts = below.and_then(|below| lists.get(&below));
        parts.into_iter().flatten()
    });
    let parts: Vec<Json> = parts.map(|(id, body)| with_id(id, body)).collect();
    let candidate = Candidate::new(kind, arm_type, id, body).with_parts(parts);
    Ok(Candidate {
        id: Some(canonical_id(scope, &candidate).unwrap_or_else(|| id.clone())),
        ..candidate
    })
}

/// The body with the id by which it was read.
fn with_id(id: &ArmId, body: &Json) -> Json {
    let mut body = body.clone();
    if let Json::Object(members) = &mut body {
        members.insert("id".into(), Json::from(id.as_str()));
    }
    body
}

/// The id of a resource in a group in canonical case.
fn canonical_id(scope: &Scene<'_>, candidate: &Candidate) -> Option<ArmId> {
    let group = canonical_group(scope, &candidate.live_id.group()?);
    let inside = candidate.live_id.as_str().get(group.as_str().len()..)?;
    let mut segments = inside.strip_prefix("/providers/")?.split('/').skip(1);
    let mut names = Vec::new();
    while let (Some(_), Some(name)) = (segments.next(), segments.next()) {
        names.push(name);
    }
    let id = group.provider_descendant(&candidate.arm_type.name, &names)?;
    (id == candidate.live_id).then_some(id)
}

fn find_locks(scope: &Scene<'_>) -> Vec<Candidate> {
    let Some(kind) = scope.registry.of_type(&MANAGEMENT_LOCK.name) else {
        return Vec::new();
    };
    let Some(arm_type) = &kind.facts().arm_type else {
        return Vec::new();
    };
    let locks = scope.live.locks().iter();
    let mut candidates: Vec<Candidate> = locks
        .filter(|lock| scope.covers(&lock.scope))
        .map(|lock| {
            let listed = lock.to_json();
            let body = scope.live.resource(&lock.id).unwrap_or(&listed);
            Candidate::new(kind, arm_type.clone(), &lock.id, body)
        })
        .collect();
    candidates.sort_by(|left, right| left.live_id.cmp(&right.live_id));
    candidates
}

/// The role definitions that a stack owns in any scope.
pub(super) fn find_roles(scope: &Scene<'_>, stack: &str) -> Vec<Candidate> {
    let Some(kind) = scope.registry.of_type(&ROLE_DEFINITION.name) else {
        return Vec::new();
    };
    let Some(arm_type) = &kind.facts().arm_type else {
        return Vec::new();
    };
    let owned = scope.live.owned();
    let mine = owned.filter(|one| one.stack == stack && one.is(&ROLE_DEFINITION));
    mine.map(|one| Candidate::new(kind, arm_type.clone(), &one.id, &one.body))
        .collect()
}

/// The grants in the groups and those that a stack owns. Grants that differ only by role become one candidate.
pub(super) fn find_grants(scope: &Scene<'_>, stack: &str) -> Vec<Candidate> {
    let Some(kind) = scope.registry.of_type(&ROLE_ASSIGNMENT.name) else {
        return Vec::new();
    };
    let Some(arm_type) = &kind.facts().arm_type else {
        return Vec::new();
    };
    let is_owned = |grant: &LiveGrant| {
        CandidateMarker::read(kind, &grant.body).is_some_and(|it| it.stack == stack)
    };
    let mut groups: BTreeMap<String, Vec<&LiveGrant>> = BTreeMap::new();
    for grant in scope.live.grants() {
        if scope.covers(&grant.scope) || is_owned(grant) {
            groups.entry(grouping_key(grant)).or_default().push(grant);
        }
    }
    let mut candidates = Vec::new();
    for mut grants in groups.into_values() {
        grants.sort_by(|left, right| left.id.cmp(&right.id));
        let Some((first, others)) = grants.split_first() else {
            continue;
        };
        let definitions = grants
            .iter()
            .filter_map(|grant| reads::role_definition_id(grant))
            .filter_map(|id| Some(with_id(&id, scope.live.resource(&id)?)));
        let others = others.iter().map(|grant| with_id(&grant.id, &grant.body));
        let parts: Vec<Json> = others.chain(definitions).collect();
        let one = Candidate::new(kind, arm_type.clone(), &first.id, &first.body).with_parts(parts);
        candidates.push(Candidate {
            id: None,
            place: Some(first.scope.clone()),
            ..one
        });
    }
    candidates
}

/// A value without the binding of an ownership marker, which differs for each role.
fn without_binding(value: &Json) -> Json {
    let marker = value.as_str().and_then(TextMarker::find);
    match (value.as_str(), marker) {
        (Some(text), Some(marker)) => {
            let unbound = TextMarker {
                binding: None,
                ..marker.clone()
            };
            Json::from(text.replace(&marker.to_string(), &unbound.to_string()))
        }
        _ => value.clone(),
    }
}

/// The key by which grants are grouped into an entry: scope and properties without the role.
fn grouping_key(grant: &LiveGrant) -> String {
    const IGNORED: [&str; 6] = [
        "roleDefinitionId",
        "scope",
        "createdOn",
        "updatedOn",
        "createdBy",
        "updatedBy",
    ];
    let properties = grant.body.get("properties").and_then(Json::as_object);
    let mut properties_by_name: BTreeMap<&str, &Json> = BTreeMap::new();
    for (name, value) in properties.into_iter().flatten() {
        if !IGNORED.contains(&name.as_str()) && !value.is_null() {
            properties_by_name.insert(name, value);
        }
    }
    let properties_by_name: Map<String, Json> = properties_by_name
        .into_iter()
        .map(|(name, value)| (name.to_owned(), without_binding(value)))
        .collect();
    let scope = grant.scope.as_str().to_lowercase();
    format!("{scope} {}", Json::Object(properties_by_name))
}
