//! Requirements of Video Indexer on the storage and identity of an account (Microsoft docs: "Create an Azure AI Video
//! Indexer account", "Configure Video Indexer to work with storage accounts behind firewall"). Checked without a
//! request.

use lazuli_core::{
    diagnostic::{Code, Diagnostic, Diagnostics, Severity},
    graph::{EntryContext, Surroundings},
    node::Node,
    source::Span,
};

use super::{LinkedResources, itself};
use crate::{
    identity::AssignedIdentities,
    link::ResourceLink,
    storage_access::{in_another_region, missing_roles, unsupported_storage},
};

/// The roles that the identity needs on the storage.
const NEEDED: &[&[&str]] = &[&["Storage Blob Data Contributor", "Storage Blob Data Owner"]];

pub(super) fn check(
    resource: &EntryContext<'_>,
    uses: &LinkedResources<'_>,
    around: &Surroundings<'_>,
    diagnostics: &mut Diagnostics,
) {
    let storage = &uses.storage;
    let region = in_another_region(resource, storage)
        .map(|message| warning(message).help("Microsoft recommends the same region for both"));
    let sort = unsupported_storage(
        storage,
        &["StorageV2"],
        "use standard general-purpose v2 storage: `sku: Standard_LRS`, `accountKind: StorageV2`",
    );
    let shown = format!("`{}`", storage.shown());
    let access = unassigned(&uses.identities, &uses.reached_by, storage.span, &shown)
        .or_else(|| lacks_roles(resource, uses, around));
    let open_ai = uses.open_ai.as_ref().and_then(|used| {
        let span = used.node.get("resourceId").unwrap_or(used.node).span;
        unassigned(&uses.identities, &used.reached_by, span, "Azure OpenAI")
    });
    let found = region
        .into_iter()
        .chain(sort)
        .chain(check_network_access(storage));
    let found = found.chain(access).chain(open_ai);
    found.for_each(|diagnostic| diagnostics.push(diagnostic));
}

fn warning(diagnostic: Diagnostic) -> Diagnostic {
    Diagnostic {
        severity: Severity::Warning,
        ..diagnostic
    }
}

/// The error for a resource that is accessed with an identity that the account lacks.
fn unassigned(
    identities: &AssignedIdentities<'_>,
    reached_by: &Option<ResourceLink<'_>>,
    span: Span,
    what: &str,
) -> Option<Diagnostic> {
    let (with, help) = match reached_by {
        Some(identity) if identities.find(&identity.id).is_some() => return None,
        None if identities.own => return None,
        Some(_) => (
            "an identity that the account lacks",
            "add the identity to `identity`",
        ),
        None => (
            "the system-assigned identity, which the account lacks",
            "name a `userAssignedIdentity`, or add `identity: { systemAssigned: true }`",
        ),
    };
    let message = format!("{what} is accessed with {with}");
    Some(Diagnostic::error(Code::Precondition, span, message).help(help))
}

/// Only a warning for a system-assigned identity: its roles may be assigned elsewhere once the account exists.
fn lacks_roles(
    resource: &EntryContext<'_>,
    uses: &LinkedResources<'_>,
    around: &Surroundings<'_>,
) -> Option<Diagnostic> {
    match &uses.reached_by {
        Some(identity) => missing_roles(identity, &uses.storage, NEEDED, around),
        None => missing_roles(&itself(resource)?, &uses.storage, NEEDED, around).map(warning),
    }
}

/// The error for storage whose rules block trusted Azure services, such as Video Indexer.
fn check_network_access(storage: &ResourceLink<'_>) -> Option<Diagnostic> {
    let acls = storage.target.as_ref()?.resource.props.get("networkAcls")?;
    let bypass = acls.get("bypass")?;
    let denies = acls.get("defaultAction").and_then(Node::as_str) == Some("Deny");
    if !denies || bypass.as_str()?.contains("AzureServices") {
        return None;
    }
    let message = format!(
        "the network rules of `{}` block the account",
        storage.shown()
    );
    Some(
        Diagnostic::warning(Code::Precondition, storage.span, message)
            .related(bypass.span, "here")
            .help("allow trusted Azure services: `bypass: AzureServices`"),
    )
}
