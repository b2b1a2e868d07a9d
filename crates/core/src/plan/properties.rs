//! Properties of graph, diff and plan that hold for every spec, tested on random ones.

use std::collections::HashSet;

use proptest::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::{
    Action, CallTarget, Consent, Method, Plan, converge, converge_part, teardown, teardown_part,
};
use crate::{
    arm::{ArmId, ArmType},
    diagnostic::{Code, Diagnostics},
    facts::{Facts, Family, NameRule, OutputDoc, Place, Rule},
    graph::{
        Closure, Grant, Graph, Identity, Marker, Names, NodeKey, Nodes, Selection, Settings,
        TypedEntry, build,
    },
    kind::{Handler, Registry, kind},
    live::Live,
    marker::MarkerTarget,
    source::Sources,
    spec::{Inputs, load, reject_files},
    value::{Output, Value},
};

/// A resource with any properties.
struct TestResource;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct TestResourceProps {
    /// Outputs of other resources.
    #[serde(default)]
    #[allow(dead_code)]
    links: Vec<String>,
    /// A size.
    #[allow(dead_code)]
    size: Option<i64>,
    /// A label.
    #[allow(dead_code)]
    label: Option<String>,
}

impl Handler for TestResource {
    const FACTS: Facts = Facts {
        kind: "thing",
        arm_type: Some(ArmType::new("Test.Things/things", "2026-01-01")),
        place: Place::ResourceGroup,
        name: Some(NameRule {
            length: 1..=20,
            is_valid: |_| true,
            description: "1 to 20 characters",
        }),
        tags: true,
        location: true,
        listed: true,
        body: None,
        rules: &[Rule::ReadOnly("properties.serial")],
        outputs: &[OutputDoc {
            name: "serial",
            path: "properties.serial",
            doc: "A number Azure gives",
        }],
        retired: None,
        family: Family::Other,
        permissions: &[],
        linked_actions: &[],
        creation: None,
    };
    type Props = TestResourceProps;
    type Links<'a> = ();

    fn link(_: &TypedEntry<'_, TestResourceProps>, _: &mut Nodes) -> Option<()> {
        Some(())
    }

    fn declare(resource: &TypedEntry<'_, TestResourceProps>, nodes: &mut Nodes) {
        let mut body = resource.envelope(nodes);
        body.insert(
            "properties".into(),
            Value::Object(resource.properties_except(&[], nodes)),
        );
        if let Some(id) = resource.placement().id.clone() {
            nodes.push(resource.draft(id, body));
        }
    }
}

/// A role assignment to an identity.
struct TestGrant;

#[derive(Deserialize, JsonSchema)]
struct TestGrantProps {
    /// The principal of the grant.
    #[allow(dead_code)]
    to: String,
    /// The scope of the grant.
    #[allow(dead_code)]
    scope: String,
}

impl Handler for TestGrant {
    const FACTS: Facts = Facts {
        kind: "grant",
        arm_type: Some(ArmType::new(
            "Microsoft.Authorization/roleAssignments",
            "2022-04-01",
        )),
        place: Place::Nameless,
        name: None,
        tags: false,
        location: false,
        listed: true,
        body: None,
        rules: &[],
        outputs: &[],
        retired: None,
        family: Family::Other,
        permissions: &[],
        linked_actions: &[],
        creation: None,
    };
    type Props = TestGrantProps;
    type Links<'a> = ();

    fn link(_: &TypedEntry<'_, TestGrantProps>, _: &mut Nodes) -> Option<()> {
        Some(())
    }

    fn declare(resource: &TypedEntry<'_, TestGrantProps>, nodes: &mut Nodes) {
        let principal = resource
            .target("to")
            .and_then(|target| resource.output(&target, "serial"));
        let (Some(principal), Some(scope)) = (principal, resource.placement().scope.clone()) else {
            return;
        };
        let grant = Grant {
            scope: scope.clone(),
            role: "role".into(),
            role_name: "Role".into(),
            principal,
        };
        let target = MarkerTarget::from_grant(&grant.scope, &grant.role);
        let properties = Value::object([
            ("principalId", grant.principal.clone()),
            (
                "roleDefinitionId",
                Value::from("/providers/Microsoft.Authorization/roleDefinitions/role"),
            ),
            (
                "description",
                Value::string(resource.marked_text(None, &target)),
            ),
        ]);
        let mut draft = resource.draft(
            scope,
            [("properties".to_owned(), properties)]
                .into_iter()
                .collect(),
        );
        draft.identity = Identity::Grant(grant);
        draft.marker = Marker::Text("description");
        nodes.push(draft);
    }
}

const REGISTRY: Registry = Registry::new(&[kind::<TestResource>(), kind::<TestGrant>()]);

/// An entry of a random spec, and the earlier entries that it refers to.
#[derive(Debug, Clone)]
struct Recipe {
    size: i64,
    label: String,
    links: Vec<prop::sample::Index>,
    grant_on: Option<prop::sample::Index>,
}

fn recipe() -> impl Strategy<Value = Recipe> {
    let links = prop::collection::vec(any::<prop::sample::Index>(), 0..3);
    (
        any::<i64>(),
        "[ -~]{0,12}",
        links,
        any::<Option<prop::sample::Index>>(),
    )
        .prop_map(|(size, label, links, grant_on)| Recipe {
            size,
            label,
            links,
            grant_on,
        })
}

fn spec_from_recipes(recipes: &[Recipe]) -> String {
    let mut text = String::from(
        "apiVersion: lazuli/v1\nstack: s\nsubscription: 00000000-0000-0000-0000-000000000001\nlocation: here\n\
         resourceGroup: rg\nresources:\n",
    );
    for (at, recipe) in recipes.iter().enumerate() {
        let label = json!(recipe.label.replace('$', ""));
        text += &format!(
            "  t{at}:\n    kind: thing\n    name: t{at}\n    size: {}\n    label: {label}\n",
            recipe.size
        );
        if at > 0 {
            let links: HashSet<usize> = recipe.links.iter().map(|link| link.index(at)).collect();
            let links: Vec<String> = links
                .iter()
                .map(|link| format!("\"${{t{link}.serial}}\""))
                .collect();
            text += &format!("    links: [{}]\n", links.join(", "));
            if let Some(on) = &recipe.grant_on {
                text += &format!(
                    "  g{at}:\n    kind: grant\n    to: ${{t{at}}}\n    scope: ${{t{}}}\n",
                    on.index(at)
                );
            }
        }
    }
    text
}

fn build_graph(text: &str) -> (Graph, Diagnostics) {
    let mut sources = Sources::default();
    let id = sources.add("spec.yaml", text);
    let (spec, mut found) = load(
        &sources,
        &[id],
        &Inputs {
            params: Vec::new(),
            env: &|_| None,
            file: &reject_files,
        },
    );
    let (graph, more) = build(&spec, REGISTRY, &Settings::default());
    found.extend(more);
    (graph, found)
}

/// Live state that accepts every write and gives each new resource a serial number.
struct World(Live, u64);

impl World {
    fn execute(mut self, graph: &Graph, plan: &Plan) -> Self {
        let mut done = HashSet::new();
        for step in &plan.steps {
            assert!(
                step.after.iter().all(|before| done.contains(before)),
                "{} precedes a dependency",
                step.subject.key
            );
            done.insert(step.id);
            assert!(matches!(
                step.call.method,
                Method::Create(_) | Method::Update(_)
            ));
            let find = |output: &Output| {
                let id = graph.node(&output.of)?.id()?;
                output.find(self.0.resource(id)?).cloned()
            };
            let id = step
                .call
                .target
                .resolve(&find)
                .expect("the dependencies of a step are done");
            let mut body = step
                .call
                .body
                .fill(&find)
                .to_json()
                .expect("every unresolved output is known by now");
            if let Json::Object(members) = &mut body {
                members.insert("id".into(), json!(id.as_str().to_uppercase()));
                let is_grant = matches!(step.call.target, CallTarget::Grant(_));
                members.insert(
                    "type".into(),
                    json!(if is_grant {
                        "Microsoft.Authorization/roleAssignments"
                    } else {
                        "T"
                    }),
                );
                let properties = members
                    .entry("properties")
                    .or_insert_with(|| Json::Object(Map::new()));
                self.1 += 1;
                if step.action == Action::Create {
                    properties["serial"] = json!(format!("n{}", self.1));
                }
                properties["scope"] = json!(id.parent().map(|scope| scope.to_string()));
            }
            self.0.insert(body);
        }
        let ids = self.0.resources().map(|(id, _)| id.clone());
        let ids: Vec<ArmId> = ids.collect();
        for group in ids.iter().filter_map(ArmId::group) {
            let inside = ids.iter().filter(|id| group.covers(id) && **id != group);
            self.0
                .insert_contents(group.clone(), inside.cloned().collect());
        }
        self
    }
}

/// The names of the chosen nodes.
fn choose_names(graph: &Graph, chosen: &[prop::sample::Index]) -> Names {
    let keys: Vec<String> = graph
        .nodes()
        .map(|node| node.subject.key.to_string())
        .collect();
    let names = chosen
        .iter()
        .map(|index| keys[index.index(keys.len())].clone());
    Names(names.collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn second_plan_is_empty(recipes in prop::collection::vec(recipe(), 1..12)) {
        let (graph, found) = build_graph(&spec_from_recipes(&recipes));
        prop_assert!(!found.has_errors(), "{found:?}");
        let (plan, found) = converge(&graph, &Live::default());
        prop_assert!(!found.has_errors());
        prop_assert_eq!(plan.steps.len(), graph.len());
        let world = World(Live::default(), 0).execute(&graph, &plan);
        let (second, found) = converge(&graph, &world.0);
        prop_assert!(!found.has_errors());
        prop_assert!(second.is_empty(), "{:#?}", second.steps);
        prop_assert_eq!(second.remarks.unchanged.len(), graph.len());
    }

    #[test]
    fn equal_specs_give_equal_plans(recipes in prop::collection::vec(recipe(), 1..12)) {
        let text = spec_from_recipes(&recipes);
        let plans = [(); 2].map(|()| converge(&build_graph(&text).0, &Live::default()).0);
        prop_assert_eq!(&plans[0], &plans[1]);
    }

    #[test]
    fn one_changed_property_is_one_step_with_one_change(
        recipes in prop::collection::vec(recipe(), 1..8),
        which in any::<prop::sample::Index>(),
    ) {
        let (graph, _) = build_graph(&spec_from_recipes(&recipes));
        let (plan, _) = converge(&graph, &Live::default());
        let World(mut live, _) = World(Live::default(), 0).execute(&graph, &plan);
        let name = format!("t{}", which.index(recipes.len()));
        let node = graph.nodes().find(|node| node.subject.key.to_string() == name).unwrap();
        let id = node.id().unwrap().clone();
        let mut body = live.resource(&id).unwrap().clone();
        body["properties"]["size"] = json!("elsewhere");
        live.insert(body);
        let (repair, _) = converge(&graph, &live);
        prop_assert_eq!(repair.steps.len(), 1);
        let step = &repair.steps[0];
        prop_assert_eq!(step.subject.key.to_string(), name);
        prop_assert_eq!(step.changes.len(), 1);
        prop_assert_eq!(step.changes[0].path.to_string(), "properties.size");
        prop_assert!(step.call.body.get("properties").unwrap().get("serial").is_none(), "read-only is never sent");
    }

    #[test]
    fn teardown_deletes_dependents_before_their_dependencies(
        recipes in prop::collection::vec(recipe(), 1..10),
    ) {
        let (graph, _) = build_graph(&spec_from_recipes(&recipes));
        let (plan, _) = converge(&graph, &Live::default());
        let World(live, _) = World(Live::default(), 0).execute(&graph, &plan);
        let down = teardown(&graph, &live);
        prop_assert_eq!(down.count(Action::Delete), graph.len());
        for step in &down.steps {
            let deleted: HashSet<_> = down.steps[..step.id.0].iter().map(|step| &step.subject.key).collect();
            for (dependent, _) in graph.dependents(&step.subject.key) {
                prop_assert!(deleted.contains(&dependent.subject.key), "{} is deleted before {}", step.subject.key, dependent.subject.key);
            }
        }
    }

    #[test]
    fn selection_is_exactly_the_closure_of_its_targets(
        recipes in prop::collection::vec(recipe(), 1..12),
        chosen in prop::collection::vec(any::<prop::sample::Index>(), 1..3),
        closure in prop::sample::select(vec![Closure::Dependencies, Closure::Dependents]),
    ) {
        let (graph, _) = build_graph(&spec_from_recipes(&recipes));
        let names = choose_names(&graph, &chosen);
        let selection = Selection::new(&graph, &names, closure);
        let beyond = |key: &NodeKey| match closure {
            Closure::Dependencies => (graph.dependencies(key), graph.dependents(key)),
            Closure::Dependents => (graph.dependents(key), graph.dependencies(key)),
        };
        for node in graph.nodes().filter(|node| selection.has(&node.subject.key)) {
            let (needed, needing) = beyond(&node.subject.key);
            prop_assert!(needed.iter().all(|(other, _)| selection.has(&other.subject.key)), "{}", node.subject.key);
            let is_needed = needing.iter().any(|(other, _)| selection.has(&other.subject.key));
            prop_assert!(is_needed || names.name(&node.subject.key), "{} is selected without a reason", node.subject.key);
        }
        let summary = selection.summary().unwrap();
        let count = graph.nodes().filter(|node| selection.has(&node.subject.key)).count();
        prop_assert_eq!(count + summary.left_out, graph.len());
        prop_assert_eq!(summary.others + names.0.len(), count);
    }

    #[test]
    fn selection_and_then_the_rest_converge_like_a_single_plan(
        recipes in prop::collection::vec(recipe(), 1..12),
        chosen in prop::collection::vec(any::<prop::sample::Index>(), 1..3),
    ) {
        let (graph, _) = build_graph(&spec_from_recipes(&recipes));
        let selection = Selection::new(&graph, &choose_names(&graph, &chosen), Closure::Dependencies);
        let only = |live: &Live| {
            let (plan, found) = converge_part(&graph, live, &Consent::default(), &selection);
            assert!(!found.has_errors());
            plan
        };
        let first = only(&Live::default());
        prop_assert!(first.steps.iter().all(|step| selection.has(&step.subject.key)));
        prop_assert_eq!(first.steps.len() + selection.summary().unwrap().left_out, graph.len());
        let world = World(Live::default(), 0).execute(&graph, &first);
        prop_assert!(only(&world.0).is_empty());
        let (rest, _) = converge(&graph, &world.0);
        prop_assert!(rest.steps.iter().all(|step| !selection.has(&step.subject.key)));
        let world = world.execute(&graph, &rest);
        prop_assert!(converge(&graph, &world.0).0.is_empty());
        prop_assert!(only(&world.0).is_empty());
    }

    #[test]
    fn teardown_of_a_selection_deletes_no_dependency_of_a_remaining_resource(
        recipes in prop::collection::vec(recipe(), 1..10),
        chosen in prop::collection::vec(any::<prop::sample::Index>(), 1..3),
    ) {
        let (graph, _) = build_graph(&spec_from_recipes(&recipes));
        let (plan, _) = converge(&graph, &Live::default());
        let World(live, _) = World(Live::default(), 0).execute(&graph, &plan);
        let selection = Selection::new(&graph, &choose_names(&graph, &chosen), Closure::Dependents);
        let down = teardown_part(&graph, &live, &selection);
        prop_assert_eq!(down.steps.len() + selection.summary().unwrap().left_out, graph.len());
        let is_deleted = |key: &NodeKey| down.steps.iter().any(|step| step.subject.key == *key);
        for node in graph.nodes().filter(|node| !is_deleted(&node.subject.key)) {
            prop_assert!(graph.dependencies(&node.subject.key).iter().all(|(needed, _)| !is_deleted(&needed.subject.key)));
        }
        for step in &down.steps {
            let deleted: HashSet<_> = down.steps[..step.id.0].iter().map(|step| &step.subject.key).collect();
            prop_assert!(graph.dependents(&step.subject.key).iter().all(|(one, _)| deleted.contains(&one.subject.key)));
        }
    }

    #[test]
    fn teardown_deletes_no_resource_of_another_stack(recipes in prop::collection::vec(recipe(), 1..6)) {
        let text = spec_from_recipes(&recipes);
        let (graph, _) = build_graph(&text);
        let (plan, _) = converge(&graph, &Live::default());
        let World(live, _) = World(Live::default(), 0).execute(&graph, &plan);
        let (other, _) = build_graph(&text.replace("stack: s\n", "stack: other\n"));
        let down = teardown(&other, &live);
        prop_assert!(down.is_empty());
        prop_assert_eq!(down.remarks.kept.len(), graph.len());
        let (_, found) = converge(&other, &live);
        prop_assert!(found.iter().any(|diagnostic| diagnostic.code == Code::ForeignOwner));
    }
}

#[test]
fn cycle_is_reported_with_its_path() {
    let (_, found) = build_graph(
        "apiVersion: lazuli/v1\nstack: s\nsubscription: 00000000-0000-0000-0000-000000000001\nlocation: here\n\
         resourceGroup: rg\nresources:\n  a: { kind: thing, name: a, label: \"${c.serial}\" }\n  \
         b: { kind: thing, name: b, label: \"${a.serial}\" }\n  c: { kind: thing, name: c, dependsOn: [b] }\n",
    );
    let cycle = found
        .iter()
        .find(|diagnostic| diagnostic.code == Code::ReferenceCycle)
        .unwrap();
    assert_eq!(
        cycle.message,
        "resources depend on each other in a cycle: a → c → b → a"
    );
    assert_eq!(
        cycle.related[1].text,
        "`c` depends on `b`: it is listed in dependsOn"
    );
}

#[test]
fn role_assignment_matches_under_any_name() {
    let text = "apiVersion: lazuli/v1\nstack: s\nsubscription: 00000000-0000-0000-0000-000000000001\nlocation: here\n\
                resourceGroup: rg\nresources:\n  a: { kind: thing, name: a }\n  g: { kind: grant, to: \"${a}\", scope: \"${a}\" }\n";
    let (graph, found) = build_graph(text);
    assert!(!found.has_errors(), "{found:?}");
    let (plan, _) = converge(&graph, &Live::default());
    let World(live, _) = World(Live::default(), 0).execute(&graph, &plan);
    let grant = &live.grants()[0];
    let mut renamed = Live::default();
    let thing = graph.nodes().find_map(|node| node.id()).unwrap();
    renamed.insert(live.resource(thing).unwrap().clone());
    let mut body = grant.body.clone();
    let elsewhere = grant
        .id
        .as_str()
        .replace(grant.id.name(), "00000000-0000-0000-0000-00000000abcd");
    body["id"] = json!(ArmId::parse(&elsewhere).unwrap().as_str());
    renamed.insert(body);
    assert!(converge(&graph, &renamed).0.is_empty());
}
