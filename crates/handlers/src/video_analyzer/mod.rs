//! `videoAnalyzer`: a Video Analyzer account, its access policies and edge modules.

mod checks;
pub mod props;
#[cfg(test)]
mod tests;

use lazuli_core::{
    arm::ArmId,
    diagnostic::{Code, Diagnostic, Diagnostics},
    facts::{Facts, Family, NameRule, OutputDoc, PartOf, Place, Rule},
    graph::{EntryContext, ImpliedDependency, Nodes, Surroundings, TypedEntry},
    kind::{EntryOf, Handler},
    lift::{LiftSource, LiftedEntry},
    node::{Datum, Node},
    source::Span,
    value::{Object, Value},
};

pub use props::VideoAnalyzerProps;
use serde_json::{Map, Value as Json};

use crate::{
    arm_types,
    identity::{self, AssignedIdentities},
    link::{ResourceLink, each},
    storage_access,
    storage_account::StorageAccount,
    user_assigned_identity::UserAssignedIdentity,
};

/// Handles `videoAnalyzer`.
pub struct VideoAnalyzer;

/// Properties that have another form in ARM's body, or become child resources.
const NOT_AS_WRITTEN: &[&str] = &["identity", "storage", "accessPolicies", "edgeModules"];

const ACCESS_POLICIES: &str = "accessPolicies";
const EDGE_MODULES: &str = "edgeModules";

const ACCESS_POLICY_RULES: &[Rule] = &[
    Rule::Set("properties.authentication.issuers"),
    Rule::Set("properties.authentication.audiences"),
    Rule::Keyed("properties.authentication.claims", "name"),
    Rule::Keyed("properties.authentication.keys", "kid"),
];
const EDGE_MODULE_RULES: &[Rule] = &[Rule::ReadOnly("properties.edgeModuleId")];

impl Handler for VideoAnalyzer {
    const FACTS: Facts = Facts {
        kind: "videoAnalyzer",
        arm_type: Some(arm_types::VIDEO_ANALYZER),
        place: Place::ResourceGroup,
        name: Some(NameRule {
            length: 3..=24,
            is_valid: |name| {
                name.chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
            },
            description: "3 to 24 lowercase letters and digits",
        }),
        tags: true,
        location: true,
        listed: true,
        body: None,
        rules: &[
            Rule::Immutable("location"),
            Rule::Keyed("properties.storageAccounts", "id"),
            Rule::Keyed("properties.iotHubs", "id"),
            Rule::AnyCase("identity.type"),
            Rule::ReadOnly("identity.userAssignedIdentities.*.principalId"),
            Rule::ReadOnly("identity.userAssignedIdentities.*.clientId"),
            Rule::ReadOnly("properties.storageAccounts[].status"),
            Rule::ReadOnly("properties.iotHubs[].status"),
            Rule::ReadOnly("properties.encryption.status"),
            Rule::ReadOnly("properties.encryption.keyVaultProperties.currentKeyIdentifier"),
            Rule::ReadOnly("properties.endpoints"),
            Rule::ReadOnly("properties.privateEndpointConnections"),
            Rule::ReadOnly("properties.provisioningState"),
        ],
        outputs: &[
            OutputDoc {
                name: "endpoints",
                path: "properties.endpoints",
                doc: "The service URLs, a list: `endpoints.0.endpointUrl`.",
            },
            OutputDoc {
                name: "privateEndpointConnections",
                path: "properties.privateEndpointConnections",
                doc: "The private endpoints of the account.",
            },
            OutputDoc {
                name: "provisioningState",
                path: "properties.provisioningState",
                doc: "The state of provisioning: `Succeeded` when complete.",
            },
        ],
        retired: Some(
            "Azure retired Video Analyzer on 2022-11-30: only the simulator still runs it; \
             use `videoIndexer` instead",
        ),
        family: Family::Other,
        permissions: &[],
        linked_actions: &[],
        creation: None,
    };
    type Props = VideoAnalyzerProps;
    type Links<'a> = Links<'a>;
    const PARTS: &'static [PartOf] = &[
        PartOf {
            path: ACCESS_POLICIES,
            arm_type: arm_types::ACCESS_POLICY,
        },
        PartOf {
            path: EDGE_MODULES,
            arm_type: arm_types::EDGE_MODULE,
        },
    ];

    fn link<'a>(
        entry: &TypedEntry<'a, VideoAnalyzerProps>,
        nodes: &mut Nodes,
    ) -> Option<Links<'a>> {
        Links::new(entry, nodes)
    }

    fn declare(resource: &EntryOf<'_, Self>, nodes: &mut Nodes) {
        let Some(id) = resource.placement().id.clone() else {
            return;
        };
        let links = &resource.links;
        let mut body = resource.envelope(nodes);
        body.insert("identity".into(), links.identities.body());
        let storage = links.storage.iter().map(|used| {
            let identity = Value::object([(
                "userAssignedIdentity",
                Value::string(used.identity.as_str()),
            )]);
            Value::object([
                ("id", Value::string(used.account.id.as_str())),
                ("identity", identity),
            ])
        });
        let mut properties = Object::from([(
            "storageAccounts".to_owned(),
            Value::Array(storage.collect()),
        )]);
        properties.extend(resource.properties_except(NOT_AS_WRITTEN, nodes));
        body.insert("properties".into(), Value::Object(properties));
        nodes.push(resource.draft(id.clone(), body));

        children(resource, ACCESS_POLICIES, nodes, |nodes, name, settings| {
            let body = Object::from([("properties".to_owned(), Value::Object(settings))]);
            let part = format!("accessPolicies/{name}");
            nodes.push(resource.child(
                part,
                id.child("accessPolicies", name),
                arm_types::ACCESS_POLICY,
                body,
                ACCESS_POLICY_RULES,
            ));
        });
        children(resource, EDGE_MODULES, nodes, |nodes, name, _| {
            let body = Object::from([("properties".to_owned(), Value::object::<String>([]))]);
            let part = format!("edgeModules/{name}");
            nodes.push(resource.child(
                part,
                id.child("edgeModules", name),
                arm_types::EDGE_MODULE,
                body,
                EDGE_MODULE_RULES,
            ));
        });
    }

    fn lift(found: &mut LiftSource<'_>) -> Option<LiftedEntry> {
        let used = found.at("properties.storageAccounts")?.as_array()?;
        let reached_by = |used: &Json| {
            used["identity"]["userAssignedIdentity"]
                .as_str()
                .map(str::to_owned)
        };
        let first = reached_by(used.first()?)?;
        let identity = identity::lift(found, Some(&first))?;
        let usual = *identity::user_assigned(found, Some(&first)).first()?;
        if matches!(identity, Value::Object(_)) {
            return None;
        }
        let storage = used.iter().map(|used| {
            let id = Value::string(used["id"].as_str()?);
            let identity = reached_by(used)?;
            Some(match identity.eq_ignore_ascii_case(usual) {
                true => id,
                false => Value::object([("id", id), ("identity", Value::String(identity))]),
            })
        });
        let mut storage: Vec<Value> = storage.collect::<Option<_>>()?;
        let storage = match storage.len() {
            1 => storage.remove(0),
            _ => Value::Array(storage),
        };
        let mut props = Object::from([
            ("identity".to_owned(), identity),
            ("storage".to_owned(), storage),
        ]);
        let elsewhere = [NOT_AS_WRITTEN, &["storageAccounts"]].concat();
        props.extend(found.properties_except(&elsewhere));
        let policies: Map<String, Json> = found
            .parts(ACCESS_POLICIES)
            .map(|(name, body)| (name.to_owned(), body["properties"].clone()))
            .collect();
        if !policies.is_empty() {
            let policies = found.shaped(ACCESS_POLICIES, &Json::Object(policies));
            props.extend(policies.map(|policies| (ACCESS_POLICIES.to_owned(), policies)));
        }
        let modules = found
            .parts(EDGE_MODULES)
            .map(|(name, _)| Value::string(name));
        let modules: Vec<Value> = modules.collect();
        if !modules.is_empty() {
            props.insert(EDGE_MODULES.into(), Value::Array(modules));
        }
        Some(found.to_entry(props))
    }

    fn check(
        resource: &EntryOf<'_, Self>,
        around: &Surroundings<'_>,
        diagnostics: &mut Diagnostics,
    ) {
        checks::check(resource, &resource.links, around, diagnostics);
    }

    fn implies(resource: &EntryOf<'_, Self>) -> Vec<ImpliedDependency> {
        let links = &resource.links;
        let needs = links.storage.iter().filter_map(|used| {
            let identity = links.identities.find(&used.identity)?;
            let why = format!(
                "Azure accepts the account only when `{}` has its roles on `{}`",
                identity.shown(),
                used.account.shown()
            );
            storage_access::waits_for_grants(identity, &used.account, why)
        });
        needs.collect()
    }
}

/// The identities and storage accounts that an account uses.
pub struct Links<'a> {
    identities: AssignedIdentities<'a>,
    storage: Vec<LinkedStorage<'a>>,
}

/// A storage account, and the identity that accesses it.
struct LinkedStorage<'a> {
    account: ResourceLink<'a>,
    identity: ArmId,
}

impl<'a> Links<'a> {
    /// Reads `identity` and `storage`; `None` if one of them is not valid.
    fn new(resource: &EntryContext<'a>, nodes: &mut Nodes) -> Option<Self> {
        let entry = resource.resource();
        let props = &entry.props;
        for property in ["identity", "storage"] {
            if each(props.get(property)).is_empty() {
                let message = format!("`{}` requires `{property}`", entry.address);
                nodes.report(Diagnostic::error(
                    Code::MissingKey,
                    resource.span_of(property),
                    message,
                ));
            }
        }
        let identities = AssignedIdentities::read(resource, props.get("identity")?, nodes)?;
        let first = identities.user.first()?.id.clone();
        let storage: Vec<_> = each(props.get("storage"))
            .iter()
            .filter_map(|node| {
                let (account, identity) = match &node.datum {
                    Datum::Map(_) => (node.get("id")?, node.get("identity")),
                    _ => (node, None),
                };
                let account = ResourceLink::to::<StorageAccount>(resource, account, nodes)?;
                let identity = match identity {
                    Some(node) => {
                        ResourceLink::to::<UserAssignedIdentity>(resource, node, nodes)?.id
                    }
                    None => first.clone(),
                };
                Some(LinkedStorage { account, identity })
            })
            .collect();
        (!storage.is_empty()).then_some(Self {
            identities,
            storage,
        })
    }
}

/// Child resources: a mapping from names to settings, or a list of names.
fn children(
    resource: &EntryContext<'_>,
    property: &str,
    nodes: &mut Nodes,
    mut push: impl FnMut(&mut Nodes, &str, Object),
) {
    let Some(written) = resource.resource().props.get(property) else {
        return;
    };
    let listed = written
        .items()
        .iter()
        .filter_map(|item| Some((item.as_str()?, item.span, None)));
    let mapped = written
        .entries()
        .iter()
        .map(|entry| (entry.key.as_str(), entry.key_span, Some(&entry.value)));
    let all: Vec<(&str, Span, Option<&Node>)> = listed.chain(mapped).collect();
    for (name, span, settings) in all {
        if !(1..=32).contains(&name.len())
            || !name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        {
            nodes.report(
                Diagnostic::error(
                    Code::BadName,
                    span,
                    format!("`{name}` is not a valid name in `{property}`"),
                )
                .help("use 1 to 32 letters, digits, `-` and `_`"),
            );
            continue;
        }
        let settings = match settings.map(|node| resource.resolve(node, nodes)) {
            Some(Value::Object(settings)) => settings,
            _ => Object::new(),
        };
        push(nodes, name, settings);
    }
}
