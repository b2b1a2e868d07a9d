//! Azure differs in one leaf, or lacks one, or a whole mapping: the plan names those leaves and no others.

use lazuli_core::{
    arm::ArmId,
    diagnostic::Code,
    graph::{Graph, Identity, Node},
    kind::Rule,
    live::Live,
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

#[tokio::test(start_paused = true)]
async fn a_leaf_that_is_another_is_the_one_change() {
    for_each_node(|world, node, wanted| {
        let leaves = Walk::of(node, wanted).leaves;
        for leaf in leaves.iter().filter(|leaf| !is_id_key(&leaf.pointer)) {
            let mut body = world.body(node).clone();
            let value = body.pointer_mut(&leaf.pointer).unwrap();
            *value = another(value);
            let before = value.clone();
            world.expect(node, body, std::slice::from_ref(leaf), Some(&before));
        }
        leaves.len()
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_leaf_or_a_mapping_that_is_gone_is_the_one_change() {
    for_each_node(|world, node, wanted| {
        let walk = Walk::of(node, wanted);
        let single = walk.leaves.iter().map(|leaf| Branch {
            pointer: leaf.pointer.clone(),
            leaves: vec![leaf.clone()],
        });
        let gone: Vec<Branch> = single.chain(walk.branches).collect();
        for branch in &gone {
            let mut body = world.body(node).clone();
            remove(&mut body, &branch.pointer);
            world.expect(node, body, &branch.leaves, None);
        }
        gone.len()
    })
    .await;
}

/// Runs `check` on every node of every spec and its wanted body. It says how much it has checked.
async fn for_each_node(check: impl Fn(&World<'_>, &Node, &Json) -> usize) {
    for (name, text) in SPECS {
        let settled = Settled::of(text).await;
        let graph = graph(text);
        let world = World {
            graph: &graph,
            settled: &settled,
        };
        let mut checked = 0;
        for node in graph.nodes() {
            let wanted = node.body.fill(&|output| settled.find(output));
            checked += check(&world, node, &wanted.to_json().unwrap());
        }
        assert!(checked > 20, "{name}: {checked}");
    }
}

struct World<'a> {
    graph: &'a Graph,
    settled: &'a Settled,
}

impl World<'_> {
    fn body(&self, node: &Node) -> &Json {
        &self.settled.live[&node.key]
    }

    /// Plans as if Azure showed this body of the node, and expects changes of these leaves.
    fn expect(&self, changed: &Node, body: Json, leaves: &[Leaf], before: Option<&Json>) {
        let mut live = Live::default();
        for node in self.graph.nodes() {
            let is_changed = node.key == changed.key;
            let body = if is_changed { &body } else { self.body(node) };
            match &node.identity {
                Identity::Resource(id) => live.insert_as(id.clone(), body.clone()),
                Identity::Grant(_) => live.insert(body.clone()),
            }
        }
        let (plan, found) = converge(self.graph, &live);
        let what = format!("{}: {leaves:?}", changed.key);
        let fixed: Vec<&Leaf> = leaves.iter().filter(|leaf| leaf.fixed).collect();
        let said: Vec<_> = found.iter().collect();
        assert_eq!(said.len(), fixed.len(), "{what}: {said:#?}");
        for (said, leaf) in said.iter().zip(&fixed) {
            assert_eq!(said.code, Code::Immutable, "{what}");
            let named = format!("`{}` of `{}`", leaf.path, changed.key);
            assert!(said.message.starts_with(&named), "{what}: {}", said.message);
        }
        if !fixed.is_empty() || leaves.is_empty() {
            assert!(plan.is_empty(), "{what}: {:#?}", plan.steps);
            return;
        }
        let [step] = plan.steps.as_slice() else {
            panic!("{what}: {:#?}", plan.steps);
        };
        assert_eq!((step.action, &step.key), (Action::Update, &changed.key));
        let paths: Vec<_> = step.changes.iter().map(|change| &change.path).collect();
        let wanted: Vec<_> = leaves.iter().map(|leaf| &leaf.path).collect();
        assert_eq!(paths, wanted, "{what}");
        assert!(
            step.changes
                .iter()
                .all(|change| change.before.as_ref() == before),
            "{what}"
        );
    }
}

/// What the service does not let stand as it is: any other value of the same type.
fn another(value: &Json) -> Json {
    match value {
        Json::Bool(value) => json!(!value),
        Json::Number(number) => json!(number.as_f64().unwrap() + 1.0),
        Json::Array(items) => json!(items[1..]),
        Json::String(text) => json!(format!("{text}x")),
        other => panic!("{other} is no leaf"),
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
    ArmId::looks_like(&split(pointer).1)
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
            Json::Array(items) if let Some(key) = self.key_of(ruled) => {
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

    fn key_of(&self, ruled: &str) -> Option<&'static str> {
        self.rules.iter().find_map(|rule| match rule {
            Rule::Keyed(path, key) if *path == ruled => Some(*key),
            _ => None,
        })
    }

    fn is_fixed(&self, ruled: &str) -> bool {
        self.rules.iter().any(|rule| match rule {
            Rule::Immutable(path) => ruled == *path || ruled.starts_with(&format!("{path}.")),
            _ => false,
        })
    }
}
