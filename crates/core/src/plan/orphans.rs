//! Orphans: what a stack owns and no entry of the spec names. They are listed; pruned, they go in an order that Azure
//! accepts, or are let go where their mark says so.

mod order;

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use serde_json::{Value as Json, json};

use super::{
    Action, Call, CallTarget, KeptResource, MassDeletion, Method, Orphan, Plan, StepId,
    step::StepDraft,
};
use crate::{
    arm::{ArmId, ArmType},
    diff::Change,
    graph::{Grant, Graph, Identity, NodeKey},
    live::{KnownType, Live, LiveGrant, Owned},
    mark::{Afterlife, ON_REMOVE_TAG, STACK_TAG, TextMark},
    reads::Read,
    source::Span,
    spec::Address,
    subject::Subject,
    value::Value,
};

const GROUP: &str = "Microsoft.Resources/resourceGroups";
const GRANT: &str = "Microsoft.Authorization/roleAssignments";
const ROLE: &str = "Microsoft.Authorization/roleDefinitions";
const LOCK: &str = "Microsoft.Authorization/locks";
/// The tags of a resource as a resource of their own.
const TAGS: ArmType = ArmType::new("Microsoft.Resources/tags", "2021-04-01");

/// The types of orphans that no kind knows, each with the subscription that can tell the versions of its provider.
pub fn unknown_types(graph: &Graph, live: &Live) -> BTreeSet<(ArmId, String)> {
    let unknown = find(graph, live).into_iter().filter_map(|orphan| {
        let subscription = ArmId::subscription(orphan.id.subscription_id()?);
        let known = live.known_type(&orphan.arm_type);
        known.is_none().then_some((subscription, orphan.arm_type))
    });
    unknown.collect()
}

/// The reads that pruning needs beside: each orphan in full, for what it refers to goes after it; and what else is in the
/// groups among them.
pub fn needed_to_prune(graph: &Graph, live: &Live) -> Vec<Read> {
    let mut reads = Vec::new();
    for orphan in find(graph, live) {
        if orphan.is(GROUP) {
            reads.push(Read::Contents(orphan.id));
        } else if !is_right(&orphan)
            && let Some(known) = live.known_type(&orphan.arm_type)
        {
            reads.push(Read::Resource {
                id: orphan.id,
                api_version: known.api_version.clone(),
            });
        }
    }
    reads
}

/// The orphans, for a plan that leaves them alone.
pub(super) fn list(graph: &Graph, live: &Live) -> Vec<Orphan> {
    let found = find(graph, live).into_iter();
    found.map(|orphan| described(&orphan, live)).collect()
}

/// What the stacks of the graph own and no node stands for.
fn find(graph: &Graph, live: &Live) -> Vec<Owned> {
    let is_of_spec = |owned: &Owned| {
        graph
            .stack_scopes()
            .iter()
            .any(|home| home.stack == owned.stack)
    };
    let entries = graph.nodes().filter_map(|node| match &node.identity {
        Identity::Grant(grant) => Some((&node.subject.key, grant)),
        Identity::Resource(_) => None,
    });
    let entries: Vec<(&NodeKey, &Grant)> = entries.collect();
    let declared = entries
        .iter()
        .filter_map(|(_, grant)| live.grant(graph, grant));
    let declared: HashSet<&ArmId> = declared.map(|grant| &grant.id).collect();
    let is_made_anew = |owned: &Owned| {
        let grant = LiveGrant::parse(owned.body.clone());
        let mark = TextMark::on(&owned.body, "description");
        grant.zip(mark).is_some_and(|(grant, mark)| {
            entries
                .iter()
                .any(|(key, wanted)| mark.is_of(key) && grant.is_of(wanted))
        })
    };
    let mut found: Vec<Owned> = live
        .owned()
        .filter(|owned| is_of_spec(owned))
        .filter(|owned| graph.node_of(&owned.id).is_none() && !declared.contains(&owned.id))
        .filter(|owned| !owned.is(GRANT) || !is_made_anew(owned))
        .map(Cow::into_owned)
        .collect();
    found.sort_by(|left, right| (&left.stack, &left.id).cmp(&(&right.stack, &right.id)));
    found
}

/// Grants, roles and locks say in lists all that there is to say.
fn is_right(owned: &Owned) -> bool {
    [GRANT, ROLE, LOCK].iter().any(|right| owned.is(right))
}

fn described(orphan: &Owned, live: &Live) -> Orphan {
    let grant = LiveGrant::parse(orphan.body.clone()).filter(|_| orphan.is(GRANT));
    let named = live.grant_of_id(&orphan.id);
    let title = match (named.or(grant.as_ref()), orphan.id.parent()) {
        (Some(grant), _) => format!("{} on {}", grant.role_shown(), grant.scope.name()),
        (None, Some(scope)) if orphan.is(LOCK) => {
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
        afterlife: orphan.afterlife,
    }
}

/// Plans what becomes of the orphans. Those steps wait for all others, for what is taken out of a spec may be in use
/// until the rest of the spec is as wanted; deletions of locks wait for nothing.
pub(super) fn prune(graph: &Graph, live: &Live, plan: &mut Plan) {
    let orphans = find(graph, live);
    let fates = Fates::of(graph, live, &orphans);
    let waited: HashSet<StepId> = plan.steps.iter().flat_map(|s| s.after.clone()).collect();
    let last = plan.steps.iter().map(|step| step.id);
    let last: Vec<StepId> = last.filter(|id| !waited.contains(id)).collect();
    let mut steps_of: HashMap<&ArmId, StepId> = HashMap::new();
    for (orphan, before) in order::of_deletion(&orphans, live) {
        let Some(span) = span_of(graph, &orphan.stack) else {
            continue;
        };
        let mut after: Vec<StepId> = before
            .iter()
            .filter_map(|before| steps_of.get(&before.id).copied())
            .collect();
        if !orphan.is(LOCK) {
            after.extend(&last);
        }
        let described = described(orphan, live);
        let acting = Acting {
            orphan,
            described: &described,
            known: live.known_type(&orphan.arm_type),
            span,
            after,
        };
        let step = match fates.0.get(&orphan.id) {
            Some(Fate::Goes) => acting.deletion(),
            Some(Fate::LetGo) => acting.release(),
            Some(Fate::Stays(why)) => {
                plan.remarks.kept.push(KeptResource {
                    key: described.key,
                    why: why.clone(),
                });
                continue;
            }
            None => continue,
        };
        steps_of.insert(&orphan.id, plan.steps.push(step));
    }
    let going = |stack: &str| {
        let goes = |orphan: &&Owned| fates.0.get(&orphan.id) == Some(&Fate::Goes);
        let of_stack = orphans.iter().filter(|orphan| orphan.stack == stack);
        of_stack.filter(goes).count()
    };
    let mut owned_by: HashMap<String, usize> = HashMap::new();
    for owned in live.owned() {
        *owned_by.entry(owned.stack.clone()).or_default() += 1;
    }
    for home in graph.stack_scopes() {
        let going = going(&home.stack);
        let owned = owned_by.get(&home.stack).copied().unwrap_or(0);
        let is_empty = !graph
            .nodes()
            .any(|node| node.subject.key.stack == home.stack);
        if going * 2 > owned || is_empty && going > 0 {
            plan.remarks.mass_deletions.push(MassDeletion {
                stack: home.stack.clone(),
                going,
                owned,
            });
        }
    }
}

fn span_of(graph: &Graph, stack: &str) -> Option<Span> {
    let home = graph.stack_scopes().iter().find(|home| home.stack == stack);
    home.map(|home| home.span)
}

#[derive(Debug, PartialEq)]
enum Fate {
    Goes,
    LetGo,
    Stays(String),
}

/// What becomes of each orphan.
struct Fates(HashMap<ArmId, Fate>);

impl Fates {
    fn of(graph: &Graph, live: &Live, orphans: &[Owned]) -> Self {
        let first = |orphan: &Owned| (orphan.id.clone(), first_fate(graph, live, orphan));
        let mut fates = Self(orphans.iter().map(first).collect());
        // What stays keeps what holds it, which may be in something else again.
        loop {
            let next = orphans
                .iter()
                .filter(|orphan| fates.0.get(&orphan.id) == Some(&Fate::Goes))
                .find_map(|orphan| Some((orphan, fates.keeper(live, orphans, orphan)?)));
            let Some((orphan, why)) = next else {
                return fates;
            };
            fates.0.insert(orphan.id.clone(), Fate::Stays(why));
        }
    }

    /// Why something that could go has to stay, for the sake of what stays.
    fn keeper(&self, live: &Live, orphans: &[Owned], orphan: &Owned) -> Option<String> {
        let goes = |id: &ArmId| self.0.get(id) == Some(&Fate::Goes);
        let staying = orphans.iter().filter(|other| !goes(&other.id));
        let needs = |other: &&Owned| {
            orphan.id != other.id
                && (orphan.id.covers(&other.id) && !other.is(GRANT)
                    || order::refers(live, other, &orphan.id))
        };
        if let Some(other) = staying.into_iter().find(needs) {
            let name = described(other, live).title;
            return Some(format!("`{name}`, which stays, needs it"));
        }
        if !orphan.is(GROUP) {
            return None;
        }
        let Some(inside) = live.contents(&orphan.id) else {
            return Some("what is in it is not known".to_owned());
        };
        let strangers: Vec<&str> = inside
            .iter()
            .filter(|inside| !goes(inside))
            .map(ArmId::name)
            .collect();
        (!strangers.is_empty()).then(|| format!("it holds what stays: {}", strangers.join(", ")))
    }
}

fn first_fate(graph: &Graph, live: &Live, orphan: &Owned) -> Fate {
    let in_spec = graph
        .nodes()
        .find(|node| orphan.id.covers(node.identity.place()));
    match orphan.afterlife {
        Afterlife::Keep => Fate::LetGo,
        Afterlife::Protect => Fate::Stays(format!(
            "it was protected when its entry left the spec (`{ON_REMOVE_TAG}`)"
        )),
        Afterlife::Delete => match (in_spec, live.known_type(&orphan.arm_type)) {
            (Some(node), _) => {
                Fate::Stays(format!("`{}` of the spec is in or on it", node.subject.key))
            }
            (None, None) => Fate::Stays(format!(
                "no api-version of its type {} is known",
                orphan.arm_type
            )),
            (None, Some(_)) => Fate::Goes,
        },
    }
}

/// An orphan that something is done to.
struct Acting<'a> {
    orphan: &'a Owned,
    described: &'a Orphan,
    known: Option<&'a KnownType>,
    span: Span,
    after: Vec<StepId>,
}

impl Acting<'_> {
    fn deletion(self) -> StepDraft {
        let call = Call::delete(self.orphan.id.clone(), self.version());
        let why = format!(
            "the stack `{}` owns it, and no entry of the spec names it",
            self.orphan.stack
        );
        self.step(Action::Delete, why, call, Vec::new())
    }

    /// The mark comes off, and nothing else changes.
    fn release(self) -> StepDraft {
        let (path, before, after, call) = match self.text_member() {
            Some(member) => self.without_words(member),
            None => self.without_tags(),
        };
        let change = Change {
            path,
            before,
            after,
            immutable: false,
        };
        let why = "no entry of the spec names it, and `onRemove: keep` was said of it".to_owned();
        self.step(Action::Release, why, call, vec![change])
    }

    fn without_tags(&self) -> (String, Option<Json>, Option<Value>, Call) {
        let stack = Value::string(&self.orphan.stack);
        let keep = Value::from(Afterlife::KEEP_WORD);
        let tags = Value::object([(STACK_TAG, stack), (ON_REMOVE_TAG, keep)]);
        let call = Call {
            method: Method::Patch,
            target: CallTarget::Id(self.orphan.id.provider_child(&TAGS.name, "default")),
            api_version: TAGS.api_version.into_owned(),
            body: Value::object([
                ("operation", "Delete".into()),
                ("properties", Value::object([("tags", tags)])),
            ]),
        };
        let before = json!(self.orphan.stack);
        (format!("tags.{STACK_TAG}"), Some(before), None, call)
    }

    /// The member of its properties that the mark is a part of.
    fn text_member(&self) -> Option<&'static str> {
        let members = [
            (GRANT, "description"),
            (ROLE, "description"),
            (LOCK, "notes"),
        ];
        let member = members.iter().find(|(of, _)| self.orphan.is(of));
        member.map(|(_, member)| *member)
    }

    fn without_words(&self, member: &str) -> (String, Option<Json>, Option<Value>, Call) {
        /// What is sent; all else is filled in by Azure.
        const SENT: [&str; 12] = [
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
        let properties = self.orphan.body.get("properties").and_then(Json::as_object);
        let sent = properties
            .into_iter()
            .flatten()
            .filter(|(name, value)| SENT.contains(&name.as_str()) && !value.is_null());
        let mut sent: Vec<(&str, Value)> = sent
            .map(|(name, value)| (name.as_str(), Value::from(value.clone())))
            .collect();
        let before = properties.and_then(|properties| properties.get(member));
        let text = before.and_then(Json::as_str).unwrap_or_default();
        let after = Value::String(TextMark::taken_off(text));
        sent.push((member, after.clone()));
        let call = Call {
            method: Method::Put,
            target: CallTarget::Id(self.orphan.id.clone()),
            api_version: self.version(),
            body: Value::object([("properties", Value::object(sent))]),
        };
        let path = format!("properties.{member}");
        (path, before.cloned(), Some(after), call)
    }

    fn version(&self) -> String {
        let known = self.known.map(|known| known.api_version.clone());
        known.unwrap_or_default()
    }

    fn step(self, action: Action, reason: String, call: Call, changes: Vec<Change>) -> StepDraft {
        StepDraft {
            subject: Subject {
                key: self.described.key.clone(),
                kind: self.known.map_or("resource", |known| known.kind),
                arm_type: ArmType {
                    name: self.orphan.arm_type.clone().into(),
                    api_version: self.version().into(),
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
