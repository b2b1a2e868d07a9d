//! `resourceGroup`: a container of resources.

use lazuli_core::{
    facts::{Facts, Family, NameRule, OutputDoc, PermissionPurpose, Place, Rule},
    graph::{Nodes, TypedEntry},
    kind::Handler,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::arm_types;

/// Handles `resourceGroup`.
pub struct ResourceGroup;

/// A resource group: a container of resources. Its deletion deletes all of them.
///
/// ```yaml
/// group:
///   kind: resourceGroup
///   name: rg-cameras
///   location: westeurope
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResourceGroupProps {
    /// The id of the managed application that owns the group.
    pub managed_by: Option<String>,
}

impl Handler for ResourceGroup {
    const FACTS: Facts = Facts {
        kind: "resourceGroup",
        arm_type: Some(arm_types::RESOURCE_GROUP),
        place: Place::Subscription,
        name: Some(NameRule {
            length: 1..=90,
            is_valid: |name| {
                name.chars()
                    .all(|c| c.is_alphanumeric() || "_-.()".contains(c))
                    && !name.ends_with('.')
            },
            description: "1 to 90 letters, digits, `_`, `-`, `.`, `(` and `)`, without a trailing `.`",
        }),
        tags: true,
        location: true,
        listed: true,
        body: None,
        rules: &[
            Rule::Immutable("location"),
            Rule::Immutable("managedBy"),
            Rule::ReadOnly("properties.provisioningState"),
        ],
        outputs: &[OutputDoc {
            name: "provisioningState",
            path: "properties.provisioningState",
            doc: "The state of provisioning: `Succeeded` when complete.",
        }],
        retired: None,
        family: Family::Group,
        permissions: &[
            (
                PermissionPurpose::Read,
                "Microsoft.Resources/subscriptions/resourceGroups/read",
            ),
            (
                PermissionPurpose::Write,
                "Microsoft.Resources/subscriptions/resourceGroups/write",
            ),
        ],
        linked_actions: &[],
        creation: None,
    };
    type Props = ResourceGroupProps;
    type Links<'a> = ();

    fn link(_: &TypedEntry<'_, ResourceGroupProps>, _: &mut Nodes) -> Option<()> {
        Some(())
    }

    fn declare(resource: &TypedEntry<'_, ResourceGroupProps>, nodes: &mut Nodes) {
        let Some(id) = resource.placement().id.clone() else {
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

    use crate::testing::{GROUP, body, node, stack, valid_graph};

    #[test]
    fn group_has_location_and_tags() {
        let graph = valid_graph(
            "group: { kind: resourceGroup, name: rg-cameras, location: West Europe, tags: { team: vision } }",
        );
        assert_eq!(node(&graph, "group").id().unwrap().as_str(), GROUP);
        assert_eq!(
            body(&graph, "group"),
            json!({ "location": "westeurope", "tags": { "team": "vision", "lazuli-stack": "cameras" } })
        );
    }

    #[test]
    fn managed_by_is_outside_of_properties() {
        let graph =
            valid_graph("group: { kind: resourceGroup, name: rg, managedBy: /subscriptions/x }");
        assert_eq!(body(&graph, "group")["managedBy"], "/subscriptions/x");
    }

    #[test]
    fn invalid_names_are_rejected() {
        for name in ["ends-in.", "has space", &"x".repeat(91)] {
            let built = stack(&format!("group: {{ kind: resourceGroup, name: '{name}' }}"));
            assert_eq!(built.error().code, Code::BadName, "{name}");
        }
    }
}
