//! A live resource differs in a leaf, or lacks a leaf or mapping: the plan contains exactly those leaves.

use std::collections::HashMap;

use lazuli_core::{
    arm::ArmId,
    diagnostic::Code,
    facts::Rule,
    graph::{Graph, Identity, Node, NodeKey},
    live::Live,
    marker::{self, Marker, TextMarker},
    plan::{Action, converge},
};
use serde_json::{Value as Json, json};

use super::{SPECS, settled::Settled};
use crate::harness::graph;

/// A value that is wanted and compared.
#[derive(Debug, Clone)]
struct Leaf {
    /// Where it is in a body, as a JSON pointer; that of the whole list for a list.
    pointer: String,
    /// Where a plan says that it is.
    path: String,
    fixed: bool,
}

impl Leaf {
    /// The leaf when a mapping that it is below is gone: a list in there is gone as one.
    fn seen_from(&self, mapping: &str) -> Self {
        let below = &self.path[mapping.len()..];
        let end = below.find('[').unwrap_or(below.len());
        Self {
            path: format!("{mapping}{}", &below[..end]),
            ..self.clone()
        }
    }
}

/// The leaves below a mapping of a wanted body.
struct Branch {
    pointer: String,
    leaves: Vec<Leaf>,
}

/// What Azure could show of a node instead, and the leaves that then differ.
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
            *value = another(value);
            // A resource of any type stays in its region.
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
        let gone = single.chain(walk.branches).map(|branch| {
            let mut body = live.clone();
            remove(&mut body, &branch.pointer);
            Drift {
                before: None,
                body,
                leaves: branch.leaves,
            }
        });
        gone.collect()
    })
    .await;
}

/// Plans every spec as if Azure showed one drift of each node, then the next of each, until all were seen.
async fn check(drifts_of: impl Fn(&Json, Walk<'_>) -> Vec<Drift>) {
    for (name, text) in SPECS {
        let settled = Settled::of(text).await;
        let graph = graph(text);
        let mut drifts: HashMap<&NodeKey, Vec<Drift>> = HashMap::new();
        for node in graph.nodes() {
            let wanted = node.body.fill(&|output| settled.find(output));
            let walk = Walk::of(node, &wanted.to_json().unwrap());
            drifts.insert(
                &node.subject.key,
                drifts_of(&settled.live[&node.subject.key], walk),
            );
        }
        let count: usize = drifts.values().map(Vec::len).sum();
        assert!(count > 20, "{name}: {count}");
        while drifts.values().any(|left| !left.is_empty()) {
            let round = drifts.iter_mut();
            let round = round.filter_map(|(key, left)| Some((*key, left.pop()?)));
            expect(&graph, &settled, &round.collect());
        }
    }
}

fn expect(graph: &Graph, settled: &Settled, drifts: &HashMap<&NodeKey, Drift>) {
    let mut live = Live::default();
    for node in graph.nodes() {
        let drift = drifts.get(&node.subject.key).map(|drift| &drift.body);
        let body = drift.unwrap_or(&settled.live[&node.subject.key]).clone();
        match &node.identity {
            Identity::Resource(id) => live.insert_as(id.clone(), body),
            Identity::Grant(_) => live.insert(body),
        }
    }
    let (plan, found) = converge(graph, &live);
    assert!(found.iter().all(|said| said.code == Code::Immutable));
    for node in graph.nodes() {
        let Some(drift) = drifts.get(&node.subject.key) else {
            continue;
        };
        let what = format!("{}: {:?}", node.subject.key, drift.leaves);
        let paths = |fixed: bool| {
            let leaves = drift.leaves.iter().filter(move |leaf| leaf.fixed || !fixed);
            leaves.map(|leaf| leaf.path.as_str()).collect::<Vec<_>>()
        };
        let said = found.iter().map(|said| said.message.as_str());
        let of_node = format!("` of `{}` is fixed at creation", node.subject.key);
        let refused = said.filter_map(|said| said.strip_suffix(&of_node)?.strip_prefix('`'));
        let fixed = paths(true).into_iter();
        let fixed = fixed.map(|path| path.strip_prefix("properties.").unwrap_or(path));
        assert!(refused.eq(fixed), "{what}: {found:#?}");

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

/// Whether a body carries the mark of a stack, where the node's type takes one.
fn is_marked(node: &Node, body: &Json) -> bool {
    match node.marker {
        Marker::Tag => marker::owner(body).is_some(),
        Marker::Text(member) => TextMarker::on(body, member).is_some(),
        Marker::Parent => true,
    }
}

/// What the service does not let stand as it is: any other value of the same type.
fn another(value: &Json) -> Json {
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

/// What makes a grant this one, and what makes a resource this stack's: no change, but another resource.
const IDENTITY: &[&str] = &[
    "tags.lazuli-stack",
    "properties.principalId",
    "properties.roleDefinitionId",
];

impl<'a> Walk<'a> {
    fn of(node: &'a Node, wanted: &Json) -> Self {
        let mut walk = Self {
            rules: node.rules,
            leaves: Vec::new(),
            branches: Vec::new(),
        };
        walk.value(wanted, "", "", "");
        walk
    }

    fn value(&mut self, value: &Json, pointer: &str, path: &str, ruled: &str) {
        let is_written_only = |rule: &Rule| matches!(rule, Rule::WriteOnly(path) if *path == ruled);
        if self.rules.iter().any(is_written_only) || IDENTITY.contains(&path) {
            return;
        }
        match value {
            Json::Object(members) if !members.is_empty() => {
                let first = self.leaves.len();
                for (name, value) in members {
                    let escaped = name.replace('~', "~0").replace('/', "~1");
                    let below =
                        |path: &str| format!("{path}.{name}").trim_start_matches('.').to_owned();
                    self.value(
                        value,
                        &format!("{pointer}/{escaped}"),
                        &below(path),
                        &below(ruled),
                    );
                }
                let is_shared = ["", "properties", "tags"].contains(&path);
                if !is_shared {
                    let leaves = self.leaves[first..].iter().map(|leaf| leaf.seen_from(path));
                    let mut leaves: Vec<_> = leaves.collect();
                    leaves.dedup_by(|left, right| left.path == right.path);
                    let pointer = pointer.to_owned();
                    self.branches.push(Branch { pointer, leaves });
                }
            }
            Json::Array(items) if let Some(key) = self.key_of(ruled, items) => {
                for (at, item) in items.iter().enumerate() {
                    let label = item[key].as_str().unwrap();
                    let (path, ruled) = (format!("{path}[{label}]"), format!("{ruled}[]"));
                    for (name, value) in item
                        .as_object()
                        .unwrap()
                        .iter()
                        .filter(|(name, _)| *name != key)
                    {
                        let pointer = format!("{pointer}/{at}/{name}");
                        self.value(
                            value,
                            &pointer,
                            &format!("{path}.{name}"),
                            &format!("{ruled}.{name}"),
                        );
                    }
                }
            }
            Json::Object(_) if !is_id_key(pointer) => {}
            _ => self.leaves.push(Leaf {
                pointer: pointer.to_owned(),
                path: path.to_owned(),
                fixed: self.is_fixed(ruled),
            }),
        }
    }

    fn key_of(&self, ruled: &str, items: &[Json]) -> Option<&'static str> {
        let declared = self.rules.iter().find_map(|rule| match rule {
            Rule::Keyed(path, key) if *path == ruled => Some(Some(*key)),
            Rule::Set(path) if *path == ruled => Some(None),
            _ => None,
        });
        let calls_all = |key: &&str| items.iter().all(|item| item[*key].is_string());
        declared.unwrap_or_else(|| ["name", "id"].into_iter().find(calls_all))
    }

    fn is_fixed(&self, ruled: &str) -> bool {
        self.rules.iter().any(|rule| match rule {
            Rule::Immutable(path) => ruled == *path || ruled.starts_with(&format!("{path}.")),
            _ => false,
        })
    }
}
