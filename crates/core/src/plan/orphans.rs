//! Orphans: resources that a stack owns and no entry of the spec declares. They are listed, or with consent deleted in an
//! order that Azure accepts, or released where their ownership marker says so.

mod find;
mod order;

pub use find::{list_reads_to_confirm, unknown_types};

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use serde_json::Value as Json;

use super::{
    Action, Call, CallTarget, Deletion, KeptResource, Method, Orphan, OwnershipGuard, Plan,
    PruneEffect, StepId, Update, children,
    grants::ReplacedPrincipals,
    inside,
    step::StepDraft,
    update::{ExpectedOwnership, UpdateScope},
};
use crate::{
    arm::types::{MANAGEMENT_LOCK, ROLE_ASSIGNMENT},
    arm::{ArmId, ArmType},
    body_path::BodyPath,
    diff::Change,
    graph::{Graph, NodeKey},
    live::{Live, LiveGrant},
    marker::{MARKER_TAG, MarkerPlace, ON_REMOVE_TAG, RemovalPolicy, STACK_TAG, TextMarker, tag},
    reads::Read,
    source::Span,
    spec::Address,
    subject::Subject,
    value::Value,
};
use find::{FoundOrphan, OrphanProof, find};

/// The additional reads for pruning: what is in the orphans.
pub fn list_reads_to_prune(graph: &Graph, live: &Live) -> Vec<Read> {
    let ids: Vec<ArmId> = list_ids(graph, live).into_iter().collect();
    inside::list_reads(live.child_types(), &ids)
}

/// The ids of the orphans.
pub(super) fn list_ids(graph: &Graph, live: &Live) -> HashSet<ArmId> {
    let found = find(graph, live, &ReplacedPrincipals::new()).into_iter();
    found.map(|orphan| orphan.resource.id).collect()
}

/// The orphans, for a plan without pruning.
pub(super) fn list(graph: &Graph, live: &Live, replaced: &ReplacedPrincipals) -> Vec<Orphan> {
    let found = find(graph, live, replaced).into_iter();
    found.map(|orphan| described(&orphan, live)).collect()
}

fn described(orphan: &FoundOrphan, live: &Live) -> Orphan {
    let grant = LiveGrant::parse(orphan.body.clone()).filter(|_| orphan.is(&ROLE_ASSIGNMENT));
    let named = live.grant_by_id(&orphan.id);
    let title = match (named.or(grant.as_ref()), orphan.id.parent()) {
        (Some(grant), _) => format!("{} on {}", grant.role_label(), grant.scope.name()),
        (None, Some(scope)) if orphan.is(&MANAGEMENT_LOCK) || orphan.holder.is_some() => {
            format!("{} on {}", orphan.id.name(), scope.name())
        }
        (None, _) => {
            let role_name = orphan.body.pointer("/properties/roleName");
            let name = role_name.and_then(Json::as_str);
            name.unwrap_or(orphan.id.name()).to_owned()
        }
    };
    let known = live.known_type(&orphan.arm_type).map(|known| known.kind);
    let kind = known.filter(|kind| *kind != "resource");
    Orphan {
        id: orphan.id.clone(),
        key: NodeKey {
            stack: orphan.stack.clone(),
            address: Address {
                resource: orphan.entry.clone().unwrap_or_else(|| title.clone()),
                instance: None,
            },
            part: None,
        },
        what: kind.map_or_else(|| orphan.arm_type.clone(), str::to_owned),
        title,
        prune: match (orphan.proof, orphan.removal_policy) {
            (OrphanProof::Outdated, _) => PruneEffect::KeepOutdated,
            (OrphanProof::Listed, _) => PruneEffect::KeepUnconfirmed,
            (OrphanProof::Bound, RemovalPolicy::Delete) => PruneEffect::Delete,
            (OrphanProof::Bound, RemovalPolicy::Keep) => PruneEffect::Release,
            (OrphanProof::Bound, RemovalPolicy::Protect) => PruneEffect::Protect,
        },
    }
}

/// Plans the deletion or release of the orphans. These steps wait for all other steps, because a resource that left the
/// spec can be in use until the other changes are made. Deletions of locks wait for nothing.
pub(super) fn prune(graph: &Graph, live: &Live, replaced: &ReplacedPrincipals, plan: &mut Plan) {
    let orphans = find(graph, live, replaced);
    let decisions = OrphanDecisions::new(graph, live, &orphans);
    let waited: HashSet<StepId> = plan.steps.iter().flat_map(|s| s.after.clone()).collect();
    let last = plan.steps.iter().map(|step| step.id);
    let last: Vec<StepId> = last.filter(|id| !waited.contains(id)).collect();
    let scopes = graph.stack_scopes().iter();
    let spans: HashMap<&str, Span> = scopes
        .map(|scope| (&*scope.stack.name, scope.span))
        .collect();
    let going = orphans.iter().map(|orphan| &orphan.id);
    let going = going.filter(|id| decisions.is_deleted(id)).cloned();
    let going: Vec<ArmId> = going.collect();
    let mut steps_of: HashMap<&ArmId, StepId> = HashMap::new();
    for (orphan, before) in order::deletion_order(&orphans, live) {
        let mut after: Vec<StepId> = before
            .iter()
            .filter_map(|before| steps_of.get(&before.id).copied())
            .collect();
        if !orphan.is(&MANAGEMENT_LOCK) {
            after.extend(&last);
        }
        let described = described(orphan, live);
        let pruning = Pruning {
            orphan,
            body: live.resource(&orphan.id).unwrap_or(&orphan.body),
            live,
            contains: Some(&going)
                .filter(|_| orphan.marker_place() == MarkerPlace::Tags && orphan.holder.is_none()),
            graph,
            described: &described,
            kind: live
                .known_type(&orphan.arm_type)
                .map_or("resource", |known| known.kind),
            // `find` returns orphans of the stacks of the graph only.
            span: spans[&*orphan.stack],
            after,
        };
        let step = match &decisions.0[&orphan.id] {
            OrphanDecision::Delete { api_version } => pruning.delete(api_version),
            OrphanDecision::ReleaseTags { api_version } => pruning.release_tags(api_version),
            OrphanDecision::ReleaseText {
                member,
                api_version,
            } => pruning.release_text(member, api_version),
            OrphanDecision::Keep(why) => {
                plan.remarks.kept.push(KeptResource {
                    key: described.key,
                    why: why.clone(),
                });
                continue;
            }
        };
        steps_of.insert(&orphan.id, plan.steps.push(step));
    }
    for node in graph.nodes() {
        let recorded = orphans
            .iter()
            .filter(|it| it.holder.is_some() && it.holder.as_ref() == node.id());
        let deleted: HashMap<&ArmId, StepId> = recorded
            .filter_map(|it| Some((&it.id, *steps_of.get(&it.id)?)))
            .collect();
        if deleted.is_empty() {
            continue;
        }
        let ids: Vec<&ArmId> = deleted.keys().copied().collect();
        let after = deleted.into_values().collect();
        if let Some(step) = children::forget(graph, live, node, &ids, after) {
            plan.steps.push(step);
        }
    }
}

/// What pruning does with one orphan.
#[derive(Debug, PartialEq)]
enum OrphanDecision {
    Delete {
        api_version: String,
    },
    /// The tags of the ownership marker are removed.
    ReleaseTags {
        api_version: String,
    },
    /// The ownership marker is removed from a text in `properties`.
    ReleaseText {
        member: &'static str,
        api_version: String,
    },
    /// It stays, for this reason.
    Keep(String),
}

/// What pruning does with each orphan.
struct OrphanDecisions(HashMap<ArmId, OrphanDecision>);

impl OrphanDecisions {
    fn new(graph: &Graph, live: &Live, orphans: &[FoundOrphan]) -> Self {
        let first = |orphan: &FoundOrphan| (orphan.id.clone(), decide(graph, live, orphan));
        let mut decisions = Self(orphans.iter().map(first).collect());
        // A resource that stays keeps its dependencies, and they keep theirs.
        loop {
            let next = orphans
                .iter()
                .filter(|orphan| decisions.is_deleted(&orphan.id))
                .find_map(|orphan| {
                    let why = decisions.reason_to_keep(graph, live, orphans, orphan)?;
                    Some((orphan, why))
                });
            let Some((orphan, why)) = next else {
                return decisions;
            };
            decisions
                .0
                .insert(orphan.id.clone(), OrphanDecision::Keep(why));
        }
    }

    fn is_deleted(&self, id: &ArmId) -> bool {
        matches!(self.0.get(id), Some(OrphanDecision::Delete { .. }))
    }

    /// Why an orphan that could be deleted stays, because of resources that stay.
    fn reason_to_keep(
        &self,
        graph: &Graph,
        live: &Live,
        orphans: &[FoundOrphan],
        orphan: &FoundOrphan,
    ) -> Option<String> {
        let mut staying = orphans.iter().filter(|other| !self.is_deleted(&other.id));
        let needs = |other: &&FoundOrphan| {
            orphan.id != other.id
                && (orphan.id.covers(&other.id) && !other.is(&ROLE_ASSIGNMENT)
                    || order::refers_to(live, other, &orphan.id))
        };
        if let Some(other) = staying.find(needs) {
            let title = described(other, live).title;
            return Some(format!("`{title}` needs it and stays"));
        }
        if orphan.marker_place() != MarkerPlace::Tags || orphan.holder.is_some() {
            return None;
        }
        // What is in an orphan that is deleted is checked there.
        let goes = |inner: &ArmId| {
            let around = std::iter::successors(Some(inner.clone()), ArmId::parent);
            let mut around = around.take_while(|around| *around != orphan.id);
            around.any(|around| self.is_deleted(&around))
        };
        match inside::staying(live, &graph.stack(&orphan.stack), &orphan.id, &goes) {
            Ok(staying) if staying.is_empty() => None,
            Ok(staying) => Some(format!(
                "it contains resources that stay: {}",
                inside::list(&staying)
            )),
            Err(why) => Some(why),
        }
    }
}

fn decide(graph: &Graph, live: &Live, orphan: &FoundOrphan) -> OrphanDecision {
    let api_version = live
        .known_type(&orphan.arm_type)
        .map(|known| known.api_version.clone());
    let unknown =
        || OrphanDecision::Keep(format!("no api-version is known for {}", orphan.arm_type));
    match orphan.proof {
        OrphanProof::Bound => {}
        OrphanProof::Listed => return unknown(),
        OrphanProof::Outdated => {
            let why = "its ownership marker is from an older version and could be a copy: declare it and apply once, or delete it by hand";
            return OrphanDecision::Keep(why.to_owned());
        }
    }
    match orphan.removal_policy {
        RemovalPolicy::Keep => match orphan.marker_place() {
            MarkerPlace::Tags => api_version.map_or_else(unknown, |api_version| {
                OrphanDecision::ReleaseTags { api_version }
            }),
            MarkerPlace::Text(member) => {
                api_version.map_or_else(unknown, |api_version| OrphanDecision::ReleaseText {
                    member,
                    api_version,
                })
            }
        },
        RemovalPolicy::Protect => OrphanDecision::Keep(format!(
            "it was protected when its entry was removed from the spec (`{ON_REMOVE_TAG}`)"
        )),
        RemovalPolicy::Delete => {
            let mut nodes = graph.nodes();
            match nodes.find(|node| orphan.id.covers(node.identity.place())) {
                Some(node) => OrphanDecision::Keep(format!(
                    "`{}` of the spec is in or on it",
                    node.subject.key
                )),
                None => api_version.map_or_else(unknown, |api_version| OrphanDecision::Delete {
                    api_version,
                }),
            }
        }
    }
}

/// The writable properties of the types that carry their ownership marker in a text. Azure fills in the others.
const WRITABLE: [&str; 14] = [
    "description",
    "notes",
    "roleDefinitionId",
    "principalId",
    "principalType",
    "condition",
    "conditionVersion",
    "delegatedManagedIdentityResourceId",
    "roleName",
    "type",
    "permissions",
    "assignableScopes",
    "level",
    "owners",
];

/// A step for an orphan.
struct Pruning<'a> {
    orphan: &'a FoundOrphan,
    /// Its live body.
    body: &'a Json,
    live: &'a Live,
    /// What the plan deletes, if something can be in the orphan.
    contains: Option<&'a Vec<ArmId>>,
    graph: &'a Graph,
    described: &'a Orphan,
    kind: &'static str,
    span: Span,
    after: Vec<StepId>,
}

impl Pruning<'_> {
    fn delete(self, api_version: &str) -> StepDraft {
        let guard = OwnershipGuard::for_orphan(self.graph, self.orphan);
        let deletion = match self.contains {
            Some(going) => Deletion::with_contents(guard, self.live, &self.orphan.id, going),
            None => Deletion::without_contents(guard),
        };
        let call = Call::delete(self.orphan.id.clone(), api_version, deletion);
        let why = format!(
            "stack `{}` owns it, and no entry of the spec declares it",
            self.orphan.stack
        );
        self.step(Action::Delete, why, call, Vec::new())
    }

    /// Removes the tags of the ownership marker and changes nothing else.
    fn release_tags(self, api_version: &str) -> StepDraft {
        let removed = [STACK_TAG, MARKER_TAG, ON_REMOVE_TAG].map(|name| Change {
            path: BodyPath::from_names(["tags", name]),
            before: tag(self.body, name).map(Json::from),
            after: None,
            immutable: false,
        });
        let change = removed[0].clone();
        let update = self.update(Value::Null, removed.to_vec(), UpdateScope::Tags);
        self.release(update, Value::Null, api_version, change)
    }

    /// Removes the ownership marker from a text and changes nothing else.
    fn release_text(self, member: &'static str, api_version: &str) -> StepDraft {
        let properties = self.body.get("properties");
        let before = properties.and_then(|properties| properties.get(member));
        let text = before.and_then(Json::as_str).unwrap_or("");
        let after = Value::String(TextMarker::remove_from(text));
        let wanted = Value::object([("properties", Value::object([(member, after.clone())]))]);
        let change = Change {
            path: BodyPath::from_names(["properties", member]),
            before: before.cloned(),
            after: Some(after),
            immutable: false,
        };
        let update = self.update(wanted.clone(), Vec::new(), UpdateScope::Members(&WRITABLE));
        self.release(update, wanted, api_version, change)
    }

    fn update(&self, wanted: Value, removed: Vec<Change>, scope: UpdateScope) -> Update {
        Update {
            wanted,
            base: Arc::new(self.body.clone()),
            rules: &[],
            ignore: Vec::new(),
            removed,
            ownership: ExpectedOwnership::Own(OwnershipGuard::for_orphan(self.graph, self.orphan)),
            scope,
        }
    }

    fn release(self, update: Update, body: Value, api_version: &str, change: Change) -> StepDraft {
        let call = Call {
            method: Method::Update(Box::new(update)),
            target: CallTarget::Id(self.orphan.id.clone()),
            api_version: api_version.to_owned(),
            body,
        };
        let why = "no entry of the spec declares it, and its entry had `onRemove: keep`".to_owned();
        self.step(Action::Release, why, call, vec![change])
    }

    fn step(self, action: Action, reason: String, call: Call, changes: Vec<Change>) -> StepDraft {
        StepDraft {
            subject: Subject {
                key: self.described.key.clone(),
                kind: self.kind,
                arm_type: ArmType {
                    name: self.orphan.arm_type.clone().into(),
                    api_version: call.api_version.clone().into(),
                },
                title: self.described.title.clone(),
                span: self.span,
                places: Arc::default(),
            },
            action,
            reason,
            changes,
            call,
            after: self.after,
            retry_causes: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
