//! A kind that is defined outside of the product, and a registry that contains it.

#![allow(dead_code, reason = "most properties are read by their names alone")]

use lazuli_core::{
    arm::ArmType,
    diagnostic::{Code, Diagnostic, Diagnostics},
    facts::{
        CreationCheck, CreationFinding, CreationObstacle, CreationQuestion, CreationRequest, Facts,
        Family, Field, NameRule, NewResource, OutputDoc, PermissionPurpose, Place, Rule,
    },
    graph::{Nodes, Surroundings, TypedEntry},
    kind::{EntryOf, Handler, Registry, kind},
    value::Value,
};
use lazuli_handlers::{resource::AnyResource, resource_group::ResourceGroup};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

/// The kinds of a test: a container, the kind of its own, and everything else.
pub(crate) const REGISTRY: Registry = Registry::new(&[
    kind::<ResourceGroup>(),
    kind::<KeyVault>(),
    kind::<AnyResource>(),
]);

/// Handles `keyVault`.
pub(crate) struct KeyVault;

/// A key vault: keys, secrets and certificates.
///
/// ```yaml
/// secrets:
///   kind: keyVault
///   name: kv-cameras
///   tenantId: 8a1b6c2e-0000-4000-8000-1234567890ab
///   sku: { family: A, name: standard }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct KeyVaultProps {
    /// The tenant whose principals can use the vault.
    pub tenant_id: String,
    /// The pricing tier.
    pub sku: VaultSku,
    /// Whether Azure roles control access to data. Azure's default is false.
    pub enable_rbac_authorization: Option<Field<bool>>,
    /// Whether a deleted vault cannot be purged early.
    pub enable_purge_protection: Option<Field<bool>>,
    /// The days for which a deleted vault is kept. Azure's default is 90.
    pub soft_delete_retention_in_days: Option<Field<u32>>,
}

/// The pricing tier of a key vault.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct VaultSku {
    /// The family: always `A`.
    pub family: String,
    /// The tier: `standard` or `premium`.
    pub name: String,
}

impl Handler for KeyVault {
    const FACTS: Facts = Facts {
        kind: "keyVault",
        arm_type: Some(ArmType::new("Microsoft.KeyVault/vaults", "2024-11-01")),
        place: Place::ResourceGroup,
        name: Some(NameRule {
            length: 3..=24,
            is_valid: |name| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'),
            description: "3 to 24 letters, digits and `-`",
        }),
        tags: true,
        location: true,
        listed: true,
        body: None,
        rules: &[
            Rule::Immutable("location"),
            Rule::ReadOnly("properties.vaultUri"),
            Rule::ReadOnly("properties.provisioningState"),
        ],
        outputs: &[OutputDoc {
            name: "vaultUri",
            path: "properties.vaultUri",
            doc: "The URL of the vault.",
        }],
        retired: None,
        family: Family::Storage,
        permissions: &[(PermissionPurpose::Read, "Microsoft.KeyVault/vaults/read")],
        linked_actions: &[],
        creation: Some(CreationCheck {
            question,
            detail: |_, _| None,
            finding,
            deletion_frees_name: false,
        }),
    };
    type Props = KeyVaultProps;
    type Links<'a> = ();

    fn link(_: &TypedEntry<'_, KeyVaultProps>, _: &mut Nodes) -> Option<()> {
        Some(())
    }

    fn declare(entry: &EntryOf<'_, Self>, nodes: &mut Nodes) {
        let Some(id) = entry.placement().id.clone() else {
            return;
        };
        let mut body = entry.envelope(nodes);
        let properties = entry.properties_except(&[], nodes);
        body.insert("properties".into(), Value::Object(properties));
        nodes.push(entry.draft(id, body));
    }

    fn check(entry: &EntryOf<'_, Self>, _: &Surroundings<'_>, diagnostics: &mut Diagnostics) {
        let days = entry.props.soft_delete_retention_in_days.as_ref();
        if let Some(days) = days.and_then(Field::known)
            && !(7..=90).contains(days)
        {
            let span = entry.span_of("softDeleteRetentionInDays");
            let message = format!("a deleted vault cannot be kept for {days} days");
            let diagnostic = Diagnostic::error(Code::Precondition, span, message);
            diagnostics.push(diagnostic.help("use 7 to 90 days"));
        }
    }
}

fn question(vault: &NewResource<'_>) -> Option<CreationQuestion> {
    let subscription = vault.subscription()?;
    Some(CreationQuestion {
        path: format!("{subscription}/providers/Microsoft.KeyVault/deletedVaults"),
        api_version: "2022-07-01",
        request: CreationRequest::List,
        topic: "whether a deleted vault holds the name".to_owned(),
        permission: "Microsoft.KeyVault/deletedVaults/read",
    })
}

fn finding(vault: &NewResource<'_>, deleted: &Json, _: Option<&Json>) -> Option<CreationFinding> {
    let name = vault.id.name();
    let mut names = deleted
        .as_array()?
        .iter()
        .filter_map(|it| it["name"].as_str());
    names.find(|other| *other == name)?;
    Some(CreationFinding {
        obstacle: CreationObstacle::SoftDeleted {
            until: None,
            can_purge: true,
        },
        summary: format!("a deleted vault holds the name {name}"),
        help: "choose another name".to_owned(),
    })
}
