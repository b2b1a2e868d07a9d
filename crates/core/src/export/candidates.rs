//! What becomes an entry: each group and what is in it, the grants and locks there, the roles that the stack owns.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value as Json};

use super::{Note, Scene, reads};
use crate::{
    arm::{ArmId, ArmType},
    diff::bare,
    facts::Place,
    kind::Kind,
    live::{Live, LiveGrant},
    mark::{Afterlife, ON_REMOVE_TAG, TextMark, owner, tag},
};

/// Something live that an entry can stand for.
pub(super) struct Candidate {
    pub(super) kind: &'static dyn Kind,
    pub(super) arm_type: ArmType,
    /// Its id as lazuli writes it; none of grants.
    pub(super) id: Option<ArmId>,
    /// Its id as Azure answers it.
    pub(super) live_id: ArmId,
    /// What it is in or on.
    pub(super) place: Option<ArmId>,
    /// What was answered, without the secrets in it.
    pub(super) body: Json,
    pub(super) parts: Vec<Json>,
    pub(super) mark: Option<Marked>,
    /// Where secrets were.
    pub(super) secrets: Vec<String>,
}

/// The mark of a stack on something.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Marked {
    pub(super) stack: String,
    /// The entry, where the mark says it.
    pub(super) entry: Option<String>,
    pub(super) afterlife: Afterlife,
}

/// Where kinds that take no tags can have their mark.
const TEXTS: [&str; 2] = ["description", "notes"];

impl Marked {
    pub(super) fn on(kind: &dyn Kind, body: &Json) -> Option<Self> {
        if kind.facts().tags {
            return owner(body).map(|stack| Self {
                stack: stack.to_owned(),
                entry: None,
                afterlife: Afterlife::of(tag(body, ON_REMOVE_TAG)),
            });
        }
        let mark = TEXTS.iter().find_map(|text| TextMark::on(body, text))?;
        Some(Self {
            stack: mark.stack,
            entry: Some(mark.entry),
            afterlife: mark.afterlife,
        })
    }
}

impl Candidate {
    fn new(kind: &'static dyn Kind, arm_type: ArmType, live_id: &ArmId, body: &Json) -> Self {
        let (bare_body, secrets) = bare(body);
        Self {
            mark: Marked::on(kind, body),
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

    /// Takes in what belongs to it.
    fn with(mut self, parts: impl IntoIterator<Item = Json>) -> Self {
        for part in parts {
            let (part, secrets) = bare(&part);
            self.secrets.extend(secrets);
            self.parts.push(part);
        }
        self
    }
}

/// The stacks that own what is in and on the groups, each as often as its mark is there, with the id of what has it.
pub(super) fn marks(scene: &Scene<'_>) -> Vec<(ArmId, String)> {
    let inside = scene.groups.iter().flat_map(|group| {
        let contents = scene.live.contents(group).unwrap_or_default();
        std::iter::once(group).chain(contents)
    });
    let tagged =
        inside.filter_map(|id| Some((id.clone(), owner(scene.live.resource(id)?)?.to_owned())));
    let texts = |id: &ArmId, text: &str| Some((id.clone(), TextMark::find(text)?.stack));
    let locks = scene.live.locks().iter();
    let locks = locks.filter(|lock| scene.covers(&lock.scope));
    let locks = locks.filter_map(|lock| texts(&lock.id, lock.notes.as_deref()?));
    let grants = scene.live.grants().iter();
    let grants = grants.filter(|grant| scene.covers(&grant.scope));
    let grants = grants.filter_map(|grant| texts(&grant.id, grant.property("description")?));
    tagged.chain(locks).chain(grants).collect()
}

/// What is in the groups, in the order in which it is written.
pub(super) fn in_groups(scene: &Scene<'_>, notes: &mut Vec<Note>) -> Vec<Candidate> {
    let lists = lists(scene.live);
    let mut found = Vec::new();
    for group in scene.groups {
        found.extend(group_of(scene, group));
        for id in scene.live.contents(group).unwrap_or_default() {
            match resource(scene, &lists, id) {
                Ok(candidate) => found.push(candidate),
                Err(note) => notes.push(note),
            }
        }
    }
    found.extend(locks(scene));
    found
}

fn group_of(scene: &Scene<'_>, group: &ArmId) -> Option<Candidate> {
    let body = scene.live.resource(group)?;
    let is_group = |kind: &&&'static dyn Kind| kind.facts().place == Place::Subscription;
    let kind = *scene.registry.kinds.iter().find(is_group)?;
    let mut candidate = Candidate::new(kind, kind.facts().arm_type.clone()?, group, body);
    candidate.id = Some(canonical_group(scene, group));
    candidate.place = None;
    Some(candidate)
}

/// The id of a group with its name as Azure answers it.
pub(super) fn canonical_group(scene: &Scene<'_>, group: &ArmId) -> ArmId {
    let named = || {
        let name = scene.live.resource(group)?.get("name")?.as_str()?;
        let same = name.eq_ignore_ascii_case(group.name());
        Some(ArmId::resource_group(group.subscription_id()?, name)).filter(|_| same)
    };
    named().unwrap_or_else(|| group.clone())
}

/// What was read, by its own id and by the list that it is in.
type Lists<'l> = HashMap<ArmId, Vec<(&'l ArmId, &'l Json)>>;

fn lists<'l>(live: &'l Live) -> Lists<'l> {
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

fn resource(scene: &Scene<'_>, lists: &Lists<'_>, id: &ArmId) -> Result<Candidate, Note> {
    let spoken = reads::spoken(scene, id);
    let (kind, arm_type) = spoken.ok_or_else(|| Note::NoVersion(id.clone()))?;
    let body = scene.live.resource(id);
    let body = body.ok_or_else(|| Note::Unread(id.clone()))?;
    let parts = kind.parts().iter().flat_map(|part| {
        let below = ArmId::parse(&format!("{id}/{}", part.path));
        let found = below.and_then(|below| lists.get(&below));
        found.into_iter().flatten()
    });
    let parts: Vec<Json> = parts.map(|(id, body)| with_id(id, body)).collect();
    let candidate = Candidate::new(kind, arm_type, id, body).with(parts);
    Ok(Candidate {
        id: Some(canonical(scene, &candidate).unwrap_or_else(|| id.clone())),
        ..candidate
    })
}

/// The body with the id that it was asked by.
fn with_id(id: &ArmId, body: &Json) -> Json {
    let mut body = body.clone();
    if let Json::Object(members) = &mut body {
        members.insert("id".into(), Json::from(id.as_str()));
    }
    body
}

/// The id that lazuli gives a resource in a group.
fn canonical(scene: &Scene<'_>, candidate: &Candidate) -> Option<ArmId> {
    let group = canonical_group(scene, &candidate.live_id.group()?);
    let inside = candidate.live_id.as_str().get(group.as_str().len()..)?;
    let mut segments = inside.strip_prefix("/providers/")?.split('/').skip(1);
    let mut names = Vec::new();
    while let (Some(_), Some(name)) = (segments.next(), segments.next()) {
        names.push(name);
    }
    let id = group.provider_descendant(&candidate.arm_type.name, &names)?;
    (id == candidate.live_id).then_some(id)
}

fn locks(scene: &Scene<'_>) -> Vec<Candidate> {
    let Some(kind) = scene.registry.of_type(super::LOCK) else {
        return Vec::new();
    };
    let Some(arm_type) = &kind.facts().arm_type else {
        return Vec::new();
    };
    let locks = scene.live.locks().iter();
    let mut found: Vec<Candidate> = locks
        .filter(|lock| scene.covers(&lock.scope))
        .map(|lock| {
            let told = lock.to_json();
            let body = scene.live.resource(&lock.id).unwrap_or(&told);
            Candidate::new(kind, arm_type.clone(), &lock.id, body)
        })
        .collect();
    found.sort_by(|left, right| left.live_id.cmp(&right.live_id));
    found
}

/// The roles that a stack owns, wherever they are.
pub(super) fn roles(scene: &Scene<'_>, stack: &str) -> Vec<Candidate> {
    let Some(kind) = scene.registry.of_type(super::ROLE) else {
        return Vec::new();
    };
    let Some(arm_type) = &kind.facts().arm_type else {
        return Vec::new();
    };
    let owned = scene.live.owned();
    let mine = owned.filter(|one| one.stack == stack && one.is(super::ROLE));
    mine.map(|one| Candidate::new(kind, arm_type.clone(), &one.id, &one.body))
        .collect()
}

/// The grants in the groups and those that a stack owns, those together that are one but for the role.
pub(super) fn grants(scene: &Scene<'_>, stack: &str) -> Vec<Candidate> {
    let Some(kind) = scene.registry.of_type(super::GRANT) else {
        return Vec::new();
    };
    let Some(arm_type) = &kind.facts().arm_type else {
        return Vec::new();
    };
    let is_owned =
        |grant: &LiveGrant| Marked::on(kind, &grant.body).is_some_and(|mark| mark.stack == stack);
    let mut alike: BTreeMap<String, Vec<&LiveGrant>> = BTreeMap::new();
    for grant in scene.live.grants() {
        if scene.covers(&grant.scope) || is_owned(grant) {
            alike
                .entry(but_for_the_role(grant))
                .or_default()
                .push(grant);
        }
    }
    let mut found = Vec::new();
    for mut grants in alike.into_values() {
        grants.sort_by(|left, right| left.id.cmp(&right.id));
        let Some((first, others)) = grants.split_first() else {
            continue;
        };
        let definitions = grants
            .iter()
            .filter_map(|grant| reads::definition_of(grant))
            .filter_map(|id| Some(with_id(&id, scene.live.resource(&id)?)));
        let others = others.iter().map(|grant| with_id(&grant.id, &grant.body));
        let parts: Vec<Json> = others.chain(definitions).collect();
        let one = Candidate::new(kind, arm_type.clone(), &first.id, &first.body).with(parts);
        found.push(Candidate {
            id: None,
            place: Some(first.scope.clone()),
            ..one
        });
    }
    found
}

/// What makes two grants parts of one entry.
fn but_for_the_role(grant: &LiveGrant) -> String {
    const OF_ONE: [&str; 6] = [
        "roleDefinitionId",
        "scope",
        "createdOn",
        "updatedOn",
        "createdBy",
        "updatedBy",
    ];
    let properties = grant.body.get("properties").and_then(Json::as_object);
    let mut alike: BTreeMap<&str, &Json> = BTreeMap::new();
    for (name, value) in properties.into_iter().flatten() {
        if !OF_ONE.contains(&name.as_str()) && !value.is_null() {
            alike.insert(name, value);
        }
    }
    let alike: Map<String, Json> = alike
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .collect();
    let scope = grant.scope.as_str().to_lowercase();
    format!("{scope} {}", Json::Object(alike))
}
