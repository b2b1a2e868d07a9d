//! Documents that are made for another tool and given to lazuli by mistake.

use crate::node::Node;

/// What a document is that is made for another tool, and the key that shows it.
pub(super) fn foreign(document: &Node) -> Option<(&'static str, &'static str)> {
    let text = |key: &str| document.get(key).and_then(Node::as_str).unwrap_or_default();
    let has = |key: &str| document.entry(key).is_some();
    let schema = text("$schema").to_ascii_lowercase();
    let is_ours = text("apiVersion").contains("lazuli") || has("stack");
    let known = [
        (
            schema.contains("deploymentparameters"),
            "$schema",
            "a parameter file of an ARM template",
        ),
        (
            schema.contains("deploymenttemplate"),
            "$schema",
            "an ARM template",
        ),
        (
            has("apiVersion") && has("kind"),
            "kind",
            "a Kubernetes manifest",
        ),
        (
            has("services") && !has("resources"),
            "services",
            "a Compose file",
        ),
        (has("terraform"), "terraform", "a Terraform configuration"),
        (has("provider"), "provider", "a Terraform configuration"),
        (
            has("jobs") && (has("on") || has("trigger")),
            "jobs",
            "a workflow of a pipeline",
        ),
    ];
    let found = known.into_iter().find(|(is_so, ..)| *is_so && !is_ours);
    found.map(|(_, key, what)| (key, what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{diagnostic::Diagnostics, source::Sources, yaml};

    fn taken_for(text: &str) -> Option<&'static str> {
        let mut sources = Sources::default();
        let source = sources.add("stack.yaml", text);
        let documents = yaml::parse(&sources, source, &mut Diagnostics::default());
        let document = documents.first().unwrap();
        let (key, what) = foreign(document)?;
        assert!(document.entry(key).is_some(), "{key} is not in {text}");
        Some(what)
    }

    #[test]
    fn documents_of_other_tools_are_known_by_what_only_they_have() {
        for (text, what) in [
            ("apiVersion: v1\nkind: Pod", "a Kubernetes manifest"),
            (
                "$schema: https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
                "an ARM template",
            ),
            (
                "$schema: https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#",
                "a parameter file of an ARM template",
            ),
            ("services: { web: { image: nginx } }", "a Compose file"),
            ("provider: { azurerm: {} }", "a Terraform configuration"),
            ("on: push\njobs: {}", "a workflow of a pipeline"),
        ] {
            assert_eq!(taken_for(text), Some(what), "{text}");
        }
    }

    #[test]
    fn a_spec_with_mistakes_is_still_a_spec() {
        for text in [
            "apiVersion: lazuli/v2\nkind: x",
            "apiVersion: lazuly/v1\nstack: a\nkind: x",
            "stack: a\nservices: {}",
            "resources: {}",
        ] {
            assert_eq!(taken_for(text), None, "{text}");
        }
    }
}
