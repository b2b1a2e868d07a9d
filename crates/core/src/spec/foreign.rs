//! Detects documents of other tools.

use crate::node::Node;

/// The key by which a document of another tool is recognized, and the name of its format.
pub(super) fn detect_foreign(document: &Node) -> Option<(&'static str, &'static str)> {
    let text = |key: &str| document.get(key).and_then(Node::as_str).unwrap_or("");
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
            "a CI workflow",
        ),
    ];
    let detected = known.into_iter().find(|(matches, ..)| *matches);
    detected
        .filter(|_| !is_ours)
        .map(|(_, key, format)| (key, format))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{diagnostic::Diagnostics, source::Sources, yaml};

    fn detected_format(text: &str) -> Option<&'static str> {
        let mut sources = Sources::default();
        let source = sources.add("stack.yaml", text);
        let documents = yaml::parse(&sources, source, &mut Diagnostics::default());
        let document = documents.first().unwrap();
        let (key, format) = detect_foreign(document)?;
        assert!(document.entry(key).is_some(), "{key} is not in {text}");
        Some(format)
    }

    #[test]
    fn documents_of_other_tools_are_detected_by_their_keys() {
        for (text, format) in [
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
            ("on: push\njobs: {}", "a CI workflow"),
        ] {
            assert_eq!(detected_format(text), Some(format), "{text}");
        }
    }

    #[test]
    fn invalid_specs_are_not_detected_as_other_formats() {
        for text in [
            "apiVersion: lazuli/v2\nkind: x",
            "apiVersion: lazuly/v1\nstack: a\nkind: x",
            "stack: a\nservices: {}",
            "resources: {}",
        ] {
            assert_eq!(detected_format(text), None, "{text}");
        }
    }
}
