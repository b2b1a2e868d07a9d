//! A live resource has a different or missing leaf or a missing mapping: the plan contains exactly those leaves.

use std::collections::HashMap;

use lazuli_core::{
    arm::ArmId,
    body_path::{BodyPath, Level},
    diagnostic::Code,
    facts::Rule,
    graph::{Graph, Identity, Node, NodeKey},
    live::Live,
    marker::{MarkerClaim, claim},
    plan::{Action, converge},
    stack::StackIdentity,
};
use serde_json::{Value as Json, json};

use super::{SPECS, applied::AppliedSpec};
use crate::harness::graph;

/// A value that is wanted and compared.
#[derive(Debug, Clone)]
struct Leaf {
    /// Its JSON pointer in a body; for a list, that of the whole list.
    pointer: String,
    /// Its path in a plan.
    path: BodyPath,
    fixed: bool,
}

impl Leaf {
    /// The leaf that a plan shows when a mapping above this leaf is missing: a list is then missing as a whole.
    fn removed_with(&self, mapping: &BodyPath) -> Self {
        let below = self.path.levels()[mapping.levels().len()..].iter();
        let names = below.map_while(|level| match level {
            Level::Member(name) => Some(name),
            Level::Item(_) => None,
        });
        Self {
            path: names.fold(mapping.clone(), |path, name| path.member(name)),
            ..self.clone()
        }
    }
}

/// The leaves below a mapping of a wanted body.
struct Branch {
    pointer: String,
    leaves: Vec<Leaf>,
}

/// A live body of a node, and the leaves that differ from the spec.
struct Drift {
    body: Json,
    leaves: Vec<Leaf>,
    before: Option<Json>,
}

#[tokio::test(start_paused = true)]
async fn different_leaf_is_the_only_change() {
    check(|live, walk| {
        let leaves = walk.leaves.into_iter();
        let leaves = leaves.filter(|leaf| !is_id_key(&leaf.pointer));
        let drifts = leaves.map(|leaf| {
            let mut body = live.clone();
            let value = body.pointer_mut(&leaf.pointer).unwrap();
            *value = different_value(value);
            // No resource can move to another region.
            let fixed = leaf.fixed || leaf.pointer == "/location";
            Drift {
                before: Some(value.clone()),
                body,
                leaves: vec![Leaf { fixed, ..leaf }],
            }
        });
        drifts.collect()
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn missing_leaf_or_mapping_is_the_only_change() {
    check(|live, walk| {
        let single = walk.leaves.into_iter().map(|leaf| Branch {
            pointer: leaf.pointer.clone(),
            leaves: vec![leaf],
        });
        let drifts = single.chain(walk.branches).map(|branch| {
            let mut body = live.clone();
            remove(&mut body, &branch.pointer);
            Drift {
                before: None,
                body,
                leaves: branch.leaves,
            }
        });
        drifts.collect()
    })
    .await;
}

/// Plans every spec with one drift of each node at a time, until all drifts are planned.
async fn check(drifts_of: impl Fn(&Json, Walk<'_>) -> Vec<Drift>) {
    for (name, text) in SPECS {
        let applied = AppliedSpec::new(text).await;
        let graph = graph(text);
        let mut drifts: HashMap<&NodeKey, Vec<Drift>> = HashMap::new();
        for node in graph.nodes() {
            let wanted = node.body.fill(&|output| applied.find_output(output));
            let walk = Walk::new(node, &wanted.to_json().unwrap());
            drifts.insert(
                &node.subject.key,
                drifts_of(&applied.live[&node.subject.key], walk),
            );
        }
        let count: usize = drifts.values().map(Vec::len).sum();
        assert!(count > 20, "{name}: {count}");
        while drifts.values().any(|left| !left.is_empty()) {
            let round = drifts.iter_mut();
            let round = round.filter_map(|(key, left)| Some((*key, left.pop()?)));
            assert_plan(&graph, &applied, &round.collect());
        }
    }
}

fn assert_plan(graph: &Graph, applied: &AppliedSpec, drifts: &HashMap<&NodeKey, Drift>) {
    let mut live = Live::default();
    for node in graph.nodes() {
        let drift = drifts.get(&node.subject.key).map(|drift| &drift.body);
        let body = drift.unwrap_or(&applied.live[&node.subject.key]).clone();
        match &node.identity {
            Identity::Resource(id) => live.insert_as(id.clone(), body),
            Identity::Grant(_) => live.insert(body),
        }
    }
    let (plan, found) = converge(graph, &live);
    assert!(
        found
            .iter()
            .all(|diagnostic| diagnostic.code == Code::Immutable)
    );
    for node in graph.nodes() {
        let Some(drift) = drifts.get(&node.subject.key) else {
            continue;
        };
        let what = format!("{}: {:?}", node.subject.key, drift.leaves);
        let paths = |fixed: bool| {
            let leaves = drift.leaves.iter().filter(move |leaf| leaf.fixed || !fixed);
            leaves.map(|leaf| &leaf.path).collect::<Vec<_>>()
        };
        let messages = found.iter().map(|diagnostic| diagnostic.message.as_str());
        let of_node = format!("` of `{}` is fixed at creation", node.subject.key);
        let rejected =
            messages.filter_map(|message| message.strip_suffix(&of_node)?.strip_prefix('`'));
        let fixed = paths(true).into_iter();
        let fixed = fixed.map(|path| path.lifted().to_string());
        assert!(rejected.eq(fixed), "{what}: {found:#?}");

        let steps = plan
            .steps
            .iter()
            .filter(|step| step.subject.key == node.subject.key);
        let steps: Vec<_> = steps.collect();
        if drift.leaves.is_empty() || !paths(true).is_empty() {
            assert!(steps.is_empty(), "{what}: {steps:#?}");
            continue;
        }
        let [step] = steps.as_slice() else {
            panic!("{what}: {:#?}", plan.steps);
        };
        let expected = match is_marked(node, &drift.body) {
            true => Action::Update,
            false => Action::Adopt,
        };
        assert_eq!(step.action, expected, "{what}");
        let changed = step.changes.iter().map(|change| &change.path);
        assert_eq!(changed.collect::<Vec<_>>(), paths(false), "{what}");
        let mut before = step.changes.iter().map(|change| &change.before);
        assert!(before.all(|before| *before == drift.before), "{what}");
    }
    let others = plan
        .steps
        .iter()
        .filter(|step| !drifts.contains_key(&step.subject.key));
    assert_eq!(others.count(), 0);
}

/// Whether a body has a marker that was not copied from another resource.
fn is_marked(node: &Node, body: &Json) -> bool {
    let id = ArmId::parse(body["id"].as_str().unwrap()).unwrap();
    let stack = StackIdentity::from_name(&node.subject.key.stack);
    let Some(place) = node.marker.place() else {
        return true;
    };
    let claim = claim(&stack, &id, body, place);
    !matches!(claim, None | Some(MarkerClaim::Copied))
}

/// A different value of the same type.
fn different_value(value: &Json) -> Json {
    match value {
        Json::Bool(value) => json!(!value),
        Json::Number(number) => json!(number.as_f64().unwrap() + 1.0),
        Json::Array(items) => json!(items[1..]),
        Json::String(text) => json!(format!("{text}x")),
        other => panic!("{other} is not a leaf"),
    }
}

fn remove(body: &mut Json, pointer: &str) {
    let (parent, name) = split(pointer);
    let parent = body.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    assert!(parent.remove(&name).is_some(), "{pointer}");
}

fn split(pointer: &str) -> (&str, String) {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    (parent, name.replace("~1", "/").replace("~0", "~"))
}

fn is_id_key(pointer: &str) -> bool {
    ArmId::resembles_id(&split(pointer).1)
}

struct Walk<'a> {
    rules: &'a [Rule],
    leaves: Vec<Leaf>,
    branches: Vec<Branch>,
}

/// Properties that identify a grant or the owner of a resource: a difference is another resource, not a change.
const IDENTITY: &[&str] = &[
    "tags.lazuli-stack",
    "properties.principalId",
    "properties.roleDefinitionId",
];

impl<'a> Walk<'a> {
    fn new(node: &'a Node, wanted: &Json) -> Self {
        let mut walk = Self {
            rules: node.rules,
            leaves: Vec::new(),
            branches: Vec::new(),
        };
        walk.value(wanted, "", &BodyPath::root());
        walk
    }

    fn value(&mut self, value: &Json, pointer: &str, path: &BodyPath) {
        let is_write_only =
            |rule: &Rule| matches!(rule, Rule::WriteOnly(rule) if path.matches(rule));
        let is_identity = IDENTITY.iter().any(|identity| path == identity);
        if is_identity || self.rules.iter().any(is_write_only) {
            return;
        }
        match value {
            Json::Object(members) if !members.is_empty() => {
                let first = self.leaves.len();
                for (name, value) in members {
                    let escaped = name.replace('~', "~0").replace('/', "~1");
                    self.value(value, &format!("{pointer}/{escaped}"), &path.member(name));
                }
                let is_shared = ["", "properties", "tags"]
                    .iter()
                    .any(|shared| path == shared);
                if !is_shared {
                    let leaves = self.leaves[first..]
                        .iter()
                        .map(|leaf| leaf.removed_with(path));
                    let mut leaves: Vec<_> = leaves.collect();
                    leaves.dedup_by(|left, right| left.path == right.path);
                    let pointer = pointer.to_owned();
                    self.branches.push(Branch { pointer, leaves });
                }
            }
            Json::Array(items) if let Some(key) = self.key_of(path, items) => {
                for (at, item) in items.iter().enumerate() {
                    let label = item[key].as_str().unwrap();
                    let path = path.item(label);
                    for (name, value) in item
                        .as_object()
                        .unwrap()
                        .iter()
                        .filter(|(name, _)| *name != key)
                    {
                        let pointer = format!("{pointer}/{at}/{name}");
                        self.value(value, &pointer, &path.member(name));
                    }
                }
            }
            Json::Object(_) if !is_id_key(pointer) => {}
            _ => self.leaves.push(Leaf {
                pointer: pointer.to_owned(),
                path: path.clone(),
                fixed: self.is_fixed(path),
            }),
        }
    }

    fn key_of(&self, path: &BodyPath, items: &[Json]) -> Option<&'static str> {
        let declared = self.rules.iter().find_map(|rule| match rule {
            Rule::Keyed(rule, key) if path.matches(rule) => Some(Some(*key)),
            Rule::Set(rule) if path.matches(rule) => Some(None),
            _ => None,
        });
        let identifies_all = |key: &&str| items.iter().all(|item| item[*key].is_string());
        declared.unwrap_or_else(|| ["name", "id"].into_iter().find(identifies_all))
    }

    fn is_fixed(&self, path: &BodyPath) -> bool {
        let is_fixed = |rule: &Rule| matches!(rule, Rule::Immutable(rule) if path.is_within(rule));
        self.rules.iter().any(is_fixed)
    }
}
