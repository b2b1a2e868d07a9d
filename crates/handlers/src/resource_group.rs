//! `resourceGroup`: the container that other resources live in.

use lazuli_core::{
    arm::ArmType,
    facts::{Facts, NameRule, OutputDoc, Place, Rule},
    graph::{Declared, Nodes},
    kind::Handler,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// Handles `resourceGroup`.
pub struct ResourceGroup;

/// A resource group: what other resources live in. Deleting it deletes all of them.
///
/// ```yaml
/// group:
///   kind: resourceGroup
///   name: rg-cameras
///   location: westeurope
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Props {
    /// The id of the resource that manages the group, for groups that a managed application owns.
    pub managed_by: Option<String>,
}

impl Handler for ResourceGroup {
    const FACTS: Facts = Facts {
        kind: "resourceGroup",
        arm_type: Some(ArmType::new(
            "Microsoft.Resources/resourceGroups",
            "2025-04-01",
        )),
        place: Place::Subscription,
        name: Some(NameRule {
            length: 1..=90,
            takes: |name| {
                name.chars()
                    .all(|c| c.is_alphanumeric() || "_-.()".contains(c))
                    && !name.ends_with('.')
            },
            says: "1 to 90 letters, digits, `_`, `-`, `.`, `(` and `)`, and do not end in `.`",
        }),
        tags: true,
        location: true,
        listed: true,
        body: None,
        rules: &[
            Rule::Immutable("location"),
            Rule::ReadOnly("properties.provisioningState"),
        ],
        outputs: &[OutputDoc {
            name: "provisioningState",
            path: "properties.provisioningState",
            doc: "How far Azure is with it; `Succeeded` when it is there.",
        }],
        retired: None,
    };
    type Props = Props;

    fn declare(resource: &Declared<'_, Props>, nodes: &mut Nodes) {
        let Some(id) = resource.placed().id.clone() else {
            return;
        };
        let mut body = resource.envelope(nodes);
        body.extend(resource.properties_except(&[], nodes));
        nodes.push(resource.draft(id, body));
    }
}

#[cfg(test)]
mod tests {
    use lazuli_core::diagnostic::Code;
    use serde_json::json;

    use crate::testing::{GROUP, body, node, sound, stack};

    #[test]
    fn a_group_has_its_location_and_its_tags() {
        let graph = sound(
            "group: { kind: resourceGroup, name: rg-cameras, location: West Europe, tags: { team: vision } }",
        );
        assert_eq!(node(&graph, "group").id().unwrap().as_str(), GROUP);
        assert_eq!(
            body(&graph, "group"),
            json!({ "location": "westeurope", "tags": { "team": "vision", "lazuli-stack": "cameras" } })
        );
    }

    #[test]
    fn its_manager_stands_beside_its_properties() {
        let graph = sound("group: { kind: resourceGroup, name: rg, managedBy: /subscriptions/x }");
        assert_eq!(body(&graph, "group")["managedBy"], "/subscriptions/x");
    }

    #[test]
    fn names_that_azure_refuses() {
        for name in ["ends-in.", "has space", &"x".repeat(91)] {
            let built = stack(&format!("group: {{ kind: resourceGroup, name: '{name}' }}"));
            assert_eq!(built.error().code, Code::BadName, "{name}");
        }
    }
}
