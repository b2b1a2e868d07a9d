//! `videoIndexer`: a Video Indexer account.

mod checks;
pub mod props;
#[cfg(test)]
mod tests;

use lazuli_core::{
    diagnostic::{Code, Diagnostic, Diagnostics},
    facts::{Facts, Family, NameRule, OutputDoc, Place, Rule},
    graph::{EntryContext, ImpliedDependency, Nodes, ReferenceTarget, Surroundings, TypedEntry},
    kind::{EntryOf, Handler},
    lift::{LiftSource, LiftedEntry},
    node::{Datum, Node},
    value::{Object, Value},
};

pub use props::VideoIndexerProps;

use crate::{
    arm_types,
    identity::{self, AssignedIdentities},
    link::ResourceLink,
    storage_access,
    storage_account::StorageAccount,
    user_assigned_identity::UserAssignedIdentity,
};

/// Handles `videoIndexer`.
///
/// `accountId` can be set in Azure to connect a classic account. Those were retired on 2024-06-30 (Microsoft docs:
/// "Create an Azure AI Video Indexer account"), so here it is an output only.
pub struct VideoIndexer;

/// Properties outside of `properties` in ARM's body, and those that have another form in it.
const NOT_AS_WRITTEN: &[&str] = &["identity", "storage", "storageServices", "openAiServices"];

impl Handler for VideoIndexer {
    const FACTS: Facts = Facts {
        kind: "videoIndexer",
        arm_type: Some(arm_types::VIDEO_INDEXER),
        place: Place::ResourceGroup,
        name: Some(NameRule {
            length: 3..=50,
            is_valid: |name| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'),
            description: "3 to 50 letters, digits and `-`",
        }),
        tags: true,
        location: true,
        listed: true,
        body: None,
        rules: &[
            Rule::Immutable("location"),
            Rule::AnyCase("identity.type"),
            Rule::ReadOnly("identity.userAssignedIdentities.*.principalId"),
            Rule::ReadOnly("identity.userAssignedIdentities.*.clientId"),
            Rule::ReadOnly("properties.tenantId"),
            Rule::ReadOnly("properties.accountId"),
            Rule::ReadOnly("properties.accountName"),
            Rule::ReadOnly("properties.totalSecondsIndexed"),
            Rule::ReadOnly("properties.totalMinutesIndexed"),
            Rule::ReadOnly("properties.privateEndpointConnections"),
            Rule::ReadOnly("properties.provisioningState"),
        ],
        outputs: OUTPUTS,
        retired: None,
        family: Family::Other,
        permissions: &[],
        linked_actions: &[],
        creation: None,
    };
    type Props = VideoIndexerProps;
    type Links<'a> = LinkedResources<'a>;

    fn link<'a>(
        entry: &TypedEntry<'a, VideoIndexerProps>,
        nodes: &mut Nodes,
    ) -> Option<LinkedResources<'a>> {
        LinkedResources::new(entry, nodes)
    }

    fn declare(resource: &EntryOf<'_, Self>, nodes: &mut Nodes) {
        let Some(id) = resource.placement().id.clone() else {
            return;
        };
        let uses = &resource.links;
        let mut body = resource.envelope(nodes);
        body.insert("identity".into(), uses.identities.body());
        let mut properties = Object::from([(
            "storageServices".to_owned(),
            service(Value::string(uses.storage.id.as_str()), &uses.reached_by),
        )]);
        if let Some(open_ai) = &uses.open_ai {
            let account = open_ai.node.get("resourceId");
            let account = account.map_or(Value::Null, |node| resource.resolve(node, nodes));
            let open_ai = service(account, &open_ai.reached_by);
            properties.insert("openAiServices".into(), open_ai);
        }
        properties.extend(resource.properties_except(NOT_AS_WRITTEN, nodes));
        body.insert("properties".into(), Value::Object(properties));
        nodes.push(resource.draft(id, body));
    }

    fn lift(found: &mut LiftSource<'_>) -> Option<LiftedEntry> {
        let account = found
            .at("properties.storageServices.resourceId")?
            .as_str()?;
        let reached_by = found.text("properties.storageServices.userAssignedIdentity");
        let identity = identity::lift(found, reached_by)?;
        let mut props = Object::from([("identity".to_owned(), identity)]);
        let first = identity::user_assigned(found, reached_by).first().copied();
        let is_usual = match (first, reached_by) {
            (Some(first), Some(reached_by)) => first.eq_ignore_ascii_case(reached_by),
            (first, reached_by) => first.is_none() && reached_by.is_none(),
        };
        if is_usual {
            props.insert("storage".into(), Value::string(account));
            props.extend(found.properties_except(&["identity", "storage", "storageServices"]));
        } else {
            props.extend(found.properties_except(&["identity", "storage"]));
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

    /// The roles of an identity of the account's own cannot be assigned before the account exists.
    fn implies(resource: &EntryOf<'_, Self>) -> Vec<ImpliedDependency> {
        let uses = &resource.links;
        let needs = uses.reached_by.iter().filter_map(|identity| {
            let (who, on) = (identity.shown(), uses.storage.shown());
            let why = format!("the account can use `{on}` only when `{who}` has its roles there");
            storage_access::waits_for_grants(identity, &uses.storage, why)
        });
        needs.collect()
    }
}

const OUTPUTS: &[OutputDoc] = &[
    OutputDoc {
        name: "accountId",
        path: "properties.accountId",
        doc: "The id of the account in the Video Indexer API.",
    },
    OutputDoc {
        name: "accountName",
        path: "properties.accountName",
        doc: "The name of the account in the Video Indexer API.",
    },
    OutputDoc {
        name: "principalId",
        path: "identity.principalId",
        doc: "The object id of the system-assigned identity.",
    },
    OutputDoc {
        name: "tenantId",
        path: "properties.tenantId",
        doc: "The tenant of the account.",
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
];

/// The resources that an account uses. Without a user-assigned identity, the system-assigned one accesses them.
pub struct LinkedResources<'a> {
    identities: AssignedIdentities<'a>,
    storage: ResourceLink<'a>,
    reached_by: Option<ResourceLink<'a>>,
    open_ai: Option<OpenAi<'a>>,
}

struct OpenAi<'a> {
    node: &'a Node,
    reached_by: Option<ResourceLink<'a>>,
}

impl<'a> LinkedResources<'a> {
    /// Reads `identity`, `storage`, `storageServices` and `openAiServices`; `None` if one of them is not valid.
    fn new(resource: &EntryContext<'a>, nodes: &mut Nodes) -> Option<Self> {
        let entry = resource.resource();
        let written = |property: &str| {
            let node = entry.props.get(property);
            node.filter(|node| node.datum != Datum::Null)
        };
        let identities = AssignedIdentities::read(resource, entry.props.get("identity")?, nodes)?;
        let open_ai = match written("openAiServices") {
            Some(node) => Some(OpenAi {
                node,
                reached_by: user_assigned(resource, node, nodes)?,
            }),
            None => None,
        };
        let (account, reached_by) = match (written("storage"), written("storageServices")) {
            (Some(short), None) => {
                let first = identities.user.first().cloned();
                (short, first)
            }
            (None, Some(services)) => (
                services.get("resourceId")?,
                user_assigned(resource, services, nodes)?,
            ),
            (Some(_), Some(services)) => {
                nodes.report(
                    Diagnostic::error(
                        Code::ValueNotAllowed,
                        services.span,
                        "`storage` and `storageServices` cannot be combined",
                    )
                    .help("remove one of them"),
                );
                return None;
            }
            (None, None) => {
                nodes.report(
                    Diagnostic::error(
                        Code::MissingKey,
                        entry.span,
                        format!("`{}` requires `storage`", entry.address),
                    )
                    .help("add a reference to a storageAccount: `storage: ${name}`"),
                );
                return None;
            }
        };
        Some(Self {
            identities,
            storage: ResourceLink::to::<StorageAccount>(resource, account, nodes)?,
            reached_by,
            open_ai,
        })
    }
}

/// The identity that a service names, if any; `None` if it is not an identity.
fn user_assigned<'a>(
    resource: &EntryContext<'a>,
    service: &Node,
    nodes: &mut Nodes,
) -> Option<Option<ResourceLink<'a>>> {
    let named = service.get("userAssignedIdentity");
    match named.filter(|node| node.datum != Datum::Null) {
        Some(node) => ResourceLink::to::<UserAssignedIdentity>(resource, node, nodes).map(Some),
        None => Some(None),
    }
}

/// ARM's `storageServices` and `openAiServices`.
fn service(account: Value, reached_by: &Option<ResourceLink<'_>>) -> Value {
    let mut service = vec![("resourceId", account)];
    if let Some(identity) = reached_by {
        service.push(("userAssignedIdentity", Value::string(identity.id.as_str())));
    }
    Value::object(service)
}

/// The account as the owner of its system-assigned identity.
fn itself<'a>(resource: &EntryContext<'a>) -> Option<ResourceLink<'a>> {
    Some(ResourceLink {
        id: resource.placement().id.clone()?,
        span: resource.span_of("identity"),
        target: Some(ReferenceTarget {
            resource: resource.resource(),
            placement: resource.placement(),
        }),
    })
}
