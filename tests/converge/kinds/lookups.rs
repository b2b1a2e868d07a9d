//! Existing resources are never written, and must exist.

use std::collections::BTreeSet;

use lazuli_core::{
    diagnostic::{Code, Severity},
    facts::Place,
};
use lazuli_handlers::REGISTRY;

use super::SPECS;
use crate::harness::{Azure, check, graph};

/// Every kind that can be looked up, from the stack `video` and [`MORE`], which create them.
const LOOKED_UP: &str = r#"
apiVersion: lazuli/v1
stack: guests
location: westeurope
resourceGroup: rg-video
tags: { team: guests }
resources:
  group: { kind: resourceGroup, name: rg-video, existing: true }
  analyzer: { kind: userAssignedIdentity, name: id-analyzer, existing: true }
  recordings: { kind: storageAccount, name: strecordings, existing: true }
  cameras: { kind: videoAnalyzer, name: vacameras, existing: true }
  videos: { kind: videoIndexer, name: vi-videos, existing: true }
  keep: { kind: managementLock, name: keep, scope: "${recordings}", existing: true }
  watcher: { kind: roleDefinition, name: Watcher, assignableScopes: ["${group}"], existing: true }
  zone: { kind: resource, type: Microsoft.Network/privateDnsZones@2024-06-01, name: a.example, existing: true }
"#;

const MORE: &str = r#"
  keep: { kind: managementLock, name: keep, scope: "${recordings}", level: CanNotDelete }
  watcher: { kind: roleDefinition, name: Watcher, assignableScopes: ["${group}"], actions: ["*/read"] }
  zone: { kind: resource, type: Microsoft.Network/privateDnsZones@2024-06-01, name: a.example, location: global }
"#;

fn video() -> String {
    let (_, text) = SPECS.iter().find(|(name, _)| *name == "video").unwrap();
    format!("{text}{MORE}")
}

#[test]
fn every_kind_with_an_id_has_an_existing_entry() {
    let graph = graph(LOOKED_UP);
    let here: BTreeSet<&str> = graph.nodes().map(|node| node.subject.kind).collect();
    let facts = REGISTRY.kinds.iter().map(|kind| kind.facts());
    let with_id = facts.filter(|facts| facts.place != Place::Nameless);
    assert_eq!(here, with_id.map(|facts| facts.kind).collect());
}

#[tokio::test(start_paused = true)]
async fn existing_resource_is_never_written() {
    let azure = Azure::new().await;
    azure.converge(&video()).await;
    azure.simulator.clear_log();

    let plan = azure.converge(LOOKED_UP).await;
    assert!(plan.is_empty(), "{:#?}", plan.steps);
    assert_eq!(plan.remarks.unchanged.len(), 8);
    let down = azure.teardown(LOOKED_UP).await;
    assert!(down.is_empty(), "{:#?}", down.steps);
    assert_eq!(azure.writes(), []);

    let guest = "  guest: { kind: roleAssignment, principal: \"${analyzer}\", scope: \"${cameras}\", role: Reader }\n";
    let plan = azure.converge(&format!("{LOOKED_UP}{guest}")).await;
    let keys: Vec<_> = plan
        .steps
        .iter()
        .map(|step| step.subject.key.to_string())
        .collect();
    assert_eq!(keys, ["guest/Reader"], "others may refer to it");
    assert_eq!(azure.writes().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn missing_existing_resource_is_an_error() {
    let azure = Azure::new().await;
    let (plan, found) = azure.compare(LOOKED_UP).await;
    assert!(plan.is_empty());
    let codes: Vec<_> = found.iter().map(|diagnostic| diagnostic.code).collect();
    assert_eq!(codes, [Code::NotFound; 8]);
    for diagnostic in found.iter() {
        let span = diagnostic.span.unwrap().range();
        let line = LOOKED_UP[span.start..].lines().next().unwrap();
        assert!(line.contains("existing: true"), "{line}");
    }
}

#[test]
fn role_assignment_cannot_be_existing() {
    let found = check(&format!(
        "{LOOKED_UP}  access: {{ kind: roleAssignment, scope: \"${{recordings}}\", existing: true }}\n"
    ));
    let errors = found
        .iter()
        .filter(|diagnostic| diagnostic.severity == Severity::Error);
    let codes: Vec<_> = errors.map(|diagnostic| diagnostic.code).collect();
    assert_eq!(codes, [Code::UnknownKey]);
}
