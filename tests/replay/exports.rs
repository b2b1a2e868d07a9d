//! Recorded resources export to specs without changes: as a generic resource, and as the kind of their type.

use std::collections::{BTreeMap, BTreeSet};

use lazuli_core::{
    arm::ArmId,
    export::{self, Export, Scene, only_adds_markers},
    graph::{Settings, build},
    kind::{Registry, kind},
    live::{KnownType, Live},
    plan::converge,
    source::Sources,
    spec::{Inputs, load, reject_files},
};
use lazuli_handlers::{REGISTRY, resource::AnyResource, resource_group::ResourceGroup};
use serde_json::{Value as Json, json};

use crate::{
    pairs::{self, Pair},
    recordings,
};

/// Resource groups and generic resources.
const GENERIC: Registry = Registry::new(&[kind::<ResourceGroup>(), kind::<AnyResource>()]);

#[test]
fn recorded_resources_export_to_specs_without_changes() {
    let Some(recordings) = recordings::load_all() else {
        return;
    };
    let pairs = pairs::from_recordings(&recordings);
    let (mut exported, mut types) = (0, BTreeSet::new());
    let mut misses: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for pair in &pairs {
        for registry in [GENERIC, REGISTRY] {
            let Some((live, group)) = live(pair) else {
                continue;
            };
            let groups = [group];
            let scene = Scene {
                groups: &groups,
                live: &live,
                registry,
            };
            let export = export::export(&scene, "replay");
            exported += 1;
            types.insert(pair.arm_type.to_lowercase());
            for miss in differences(&export, &live, registry) {
                let place = format!("{} {miss}", pair.arm_type);
                misses
                    .entry(place)
                    .or_default()
                    .push(pair.recording.to_owned());
            }
            let in_group = format!(" {}/", groups[0]).to_lowercase();
            let text = export.text.to_lowercase();
            assert!(!text.contains(&in_group), "{}", export.text);
        }
    }
    println!("exported: {exported} of {} types", types.len());
    assert!(
        misses.is_empty(),
        "{} of {exported}: {misses:#?}",
        misses.len()
    );
}

/// The response as the only resource of its group; `None` outside of a group, or if it is not a resource.
fn live(pair: &Pair<'_>) -> Option<(Live, ArmId)> {
    let id = ArmId::parse(pair.path)?;
    let group = id.group()?;
    if id == group
        || pair
            .arm_type
            .to_lowercase()
            .starts_with("microsoft.authorization/")
    {
        return None;
    }
    let mut live = Live::default();
    let body = json!({ "id": group.as_str(), "name": group.name(), "location": "westus" });
    live.insert_as(group.clone(), body);
    let mut body = pair.read.clone();
    body["tags"] = match body["tags"].take() {
        Json::Object(tags) => Json::Object(tags),
        _ => json!({}),
    };
    live.insert_as(id.clone(), body);
    live.insert_contents(group.clone(), vec![id]);
    let known = KnownType {
        kind: "resource",
        api_version: pair.api_version.to_owned(),
    };
    live.insert_type(&pair.arm_type, known);
    Some((live, group))
}

/// The changes in the plan of the export, and the errors in its text.
fn differences(export: &Export, live: &Live, registry: Registry) -> Vec<String> {
    let mut sources = Sources::default();
    let id = sources.add("export.yaml", &export.text);
    let inputs = Inputs {
        params: Vec::new(),
        env: &|_| None,
        file: &reject_files,
    };
    let (spec, mut found) = load(&sources, &[id], &inputs);
    let (graph, more) = build(&spec, registry, &Settings::default());
    found.extend(more);
    let (plan, more) = converge(&graph, live);
    found.extend(more);
    let steps = plan.steps.iter().filter(|step| !only_adds_markers(step));
    let changes = steps.flat_map(|step| &step.changes);
    let changes = changes.filter(|change| change.path != "tags.lazuli-stack");
    let mistakes = found.has_errors().then(|| {
        let messages: Vec<&str> = found
            .iter()
            .map(|diagnostic| diagnostic.message.as_str())
            .collect();
        format!("{}\n{}", messages.join("; "), export.text)
    });
    let shown = |change: &lazuli_core::diff::Change| {
        format!("{} {:?} {:?}", change.path, change.before, change.after)
    };
    changes.map(shown).chain(mistakes).collect()
}
