//! `resource`: any resource type of Azure, in ARM's own words.

use lazuli_core::{
    facts::{Facts, Family, NameRule, OutputDoc, Place},
    graph::{ImpliedDependency, Marker, Nodes, TypedEntry},
    kind::Handler,
    lift::{LiftSource, LiftedEntry},
    value::{Object, Value},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value as Json};

/// Handles `resource`.
pub struct AnyResource;

/// Any resource of Azure Resource Manager, written as in its reference. The properties in `body` are compared by the
/// rules for all types.
///
/// ```yaml
/// vault:
///   kind: resource
///   type: Microsoft.KeyVault/vaults@2024-11-01
///   name: kv-cameras
///   body:
///     properties:
///       tenantId: 72f988bf-86f1-41af-91ab-2d7cd011db47
///       sku: { family: A, name: standard }
///       enableRbacAuthorization: true
/// secrets-log:
///   kind: resource
///   type: Microsoft.Insights/diagnosticSettings@2021-05-01-preview
///   name: to-storage
///   scope: ${vault}
///   body:
///     properties:
///       storageAccountId: ${recordings}
///       logs: [{ categoryGroup: audit, enabled: true }]
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AnyResourceProps {
    /// The type and its api-version: `Microsoft.KeyVault/vaults@2024-11-01`.
    pub r#type: String,
    /// The parent of a nested resource: a reference or an id. Without it, the name contains all names:
    /// `server/database`.
    pub parent: Option<String>,
    /// The scope of an extension resource: a reference or an id; `/` is the tenant.
    pub scope: Option<String>,
    /// The body in ARM's form: `properties`, `sku`, `identity` and so on. Keys can contain references. `location: null`
    /// omits location and tags.
    pub body: Option<Map<String, Json>>,
}

impl Handler for AnyResource {
    const FACTS: Facts = Facts {
        kind: "resource",
        arm_type: None,
        place: Place::Written,
        name: Some(NameRule {
            length: 1..=512,
            is_valid: |name| {
                name.split('/').all(|part| {
                    !part.is_empty()
                        && !part
                            .chars()
                            .any(|c| c.is_control() || "<>%&\\?#{}".contains(c))
                })
            },
            description: "1 to 512 characters without `<`, `>`, `%`, `&`, `\\`, `?`, `#`, `{` and `}`",
        }),
        tags: true,
        location: true,
        listed: false,
        body: Some("body"),
        rules: &[],
        outputs: &[OutputDoc {
            name: "principalId",
            path: "identity.principalId",
            doc: "The object id of its own identity, if it has one.",
        }],
        retired: None,
        family: Family::Other,
        permissions: &[],
        linked_actions: &[],
        creation: None,
    };
    type Props = AnyResourceProps;
    type Links<'a> = ();

    fn link(_: &TypedEntry<'_, AnyResourceProps>, _: &mut Nodes) -> Option<()> {
        Some(())
    }

    fn declare(resource: &TypedEntry<'_, AnyResourceProps>, nodes: &mut Nodes) {
        let placement = resource.placement();
        let Some(id) = placement.id.clone() else {
            return;
        };
        let mut body = match resource.value("body", nodes) {
            Some(Value::Object(body)) => body,
            _ => Object::new(),
        };
        // `null` states that the resource has no location.
        if body.get("location") == Some(&Value::Null) {
            body.shift_remove("location");
        }
        let has_tags = placement.location.is_some() && id.is_top_level()
            || body.contains_key("tags")
            || !resource.resource().tags.is_empty();
        let mut envelope = resource.envelope(nodes);
        if let Some(Value::Object(tags)) = envelope.shift_remove("tags").filter(|_| has_tags) {
            let written = body.shift_remove("tags");
            let mut all = match written {
                Some(Value::Object(written)) => written,
                _ => Object::new(),
            };
            all.extend(tags);
            body.insert("tags".into(), Value::Object(all));
        }
        body.extend(envelope.into_iter().filter(|(key, _)| key != "tags"));
        let mut draft = resource.draft(id, body);
        if !has_tags {
            draft.marker = Marker::Parent;
        }
        nodes.push(draft);
    }

    fn lift(found: &mut LiftSource<'_>) -> Option<LiftedEntry> {
        let id = found.id();
        let mut props = Object::from([(
            "type".to_owned(),
            Value::String(found.arm_type().to_string()),
        )]);
        let above = id.parent()?;
        let inside = id.as_str().get(above.as_str().len()..)?;
        let is_extension = inside.to_ascii_lowercase().starts_with("/providers/");
        let mut name = id.name().to_owned();
        if is_extension && !id.is_top_level() {
            props.insert("scope".into(), Value::string(above.as_str()));
        } else if !is_extension && found.reference(&above).is_some() {
            props.insert("parent".into(), Value::string(above.as_str()));
        } else if !is_extension {
            let provider = id.as_str().to_ascii_lowercase().rfind("/providers/")?;
            let segments = id.as_str().get(provider..)?.split('/').skip(4);
            let names: Vec<&str> = segments.step_by(2).collect();
            name = names.join("/");
        }
        let mut body = found.writable();
        body.retain(|name, _| !["location", "tags"].contains(&name.as_str()));
        if id.is_top_level() && found.text("location").is_none() {
            body.insert("location".into(), Value::Null);
        }
        props.insert("body".into(), Value::Object(body));
        Some(LiftedEntry { name, props })
    }

    /// An identity of the resource needs its roles on the resources that the entry refers to.
    fn implies(resource: &TypedEntry<'_, AnyResourceProps>) -> Vec<ImpliedDependency> {
        let Some(body) = resource.resource().props.get("body") else {
            return Vec::new();
        };
        let Some(identity) = body.get("identity") else {
            return Vec::new();
        };
        let identities = resource.targets_below(identity);
        let others = resource.targets_below(body);
        let pairs = identities.iter().flat_map(|identity| {
            others
                .iter()
                .filter(|other| other.placement.key != identity.placement.key)
                .map(move |other| (identity, other))
        });
        pairs
            .filter_map(|(identity, other)| {
                Some(ImpliedDependency::RoleAssignmentsOf {
                    principal: identity.placement.key.clone(),
                    on: other.placement.id.clone()?,
                    why: format!(
                        "it uses the identity `{}` on `{}`",
                        identity.resource.address, other.resource.address
                    ),
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
