//! What Video Indexer demands of the storage and the identity of an account (Microsoft docs: "Create an Azure AI Video
//! Indexer account", "Configure Video Indexer to work with storage accounts behind firewall"). Known before any
//! request.

use lazuli_core::{
    diagnostic::{Code, Diagnostic, Diagnostics, Severity},
    graph::{EntryContext, Surroundings},
    node::Node,
    source::Span,
};

use super::{Uses, itself};
use crate::{
    identity::Assigned,
    link::ResourceLink,
    storage_access::{in_another_region, missing_roles, wrong_sort},
};

/// The roles that the identity must hold on the storage.
const NEEDED: &[&[&str]] = &[&["Storage Blob Data Contributor", "Storage Blob Data Owner"]];

pub(super) fn check(
    resource: &EntryContext<'_>,
    uses: &Uses<'_>,
    around: &Surroundings<'_>,
    diagnostics: &mut Diagnostics,
) {
    let storage = &uses.storage;
    let region = in_another_region(resource, storage)
        .map(|said| warning(said).help("Microsoft advises to have both in the same region"));
    let sort = wrong_sort(
        storage,
        &["StorageV2"],
        "the storage must be standard and general-purpose v2: `sku: Standard_LRS`, `accountKind: StorageV2`",
    );
    let shown = format!("`{}`", storage.shown());
    let access = unassigned(&uses.identities, &uses.reached_by, storage.span, &shown)
        .or_else(|| lacks_roles(resource, uses, around));
    let open_ai = uses.open_ai.as_ref().and_then(|used| {
        let span = used.node.get("resourceId").unwrap_or(used.node).span;
        unassigned(&uses.identities, &used.reached_by, span, "Azure OpenAI")
    });
    let found = region.into_iter().chain(sort).chain(shut_out(storage));
    let found = found.chain(access).chain(open_ai);
    found.for_each(|diagnostic| diagnostics.push(diagnostic));
}

fn warning(diagnostic: Diagnostic) -> Diagnostic {
    Diagnostic {
        severity: Severity::Warning,
        ..diagnostic
    }
}

/// Something is reached with an identity that the account does not have.
fn unassigned(
    identities: &Assigned<'_>,
    reached_by: &Option<ResourceLink<'_>>,
    span: Span,
    what: &str,
) -> Option<Diagnostic> {
    let (with, help) = match reached_by {
        Some(identity) if identities.find(&identity.id).is_some() => return None,
        None if identities.own => return None,
        Some(_) => (
            "with an identity that the account does not have",
            "add the identity to `identity`",
        ),
        None => (
            "with the account's own identity, and it has none",
            "name a `userAssignedIdentity`, or write `identity: { systemAssigned: true }`",
        ),
    };
    let message = format!("{what} is reached {with}");
    Some(Diagnostic::error(Code::Precondition, span, message).help(help))
}

/// Only a warning of an identity of the account's own: others may grant its roles once the account is there.
fn lacks_roles(
    resource: &EntryContext<'_>,
    uses: &Uses<'_>,
    around: &Surroundings<'_>,
) -> Option<Diagnostic> {
    match &uses.reached_by {
        Some(identity) => missing_roles(identity, &uses.storage, NEEDED, around),
        None => missing_roles(&itself(resource)?, &uses.storage, NEEDED, around).map(warning),
    }
}

/// The storage keeps out the services that Azure trusts, of which Video Indexer is one.
fn shut_out(storage: &ResourceLink<'_>) -> Option<Diagnostic> {
    let acls = storage.target.as_ref()?.resource.props.get("networkAcls")?;
    let bypass = acls.get("bypass")?;
    let denies = acls.get("defaultAction").and_then(Node::as_str) == Some("Deny");
    if !denies || bypass.as_str()?.contains("AzureServices") {
        return None;
    }
    let message = format!(
        "the network rules of `{}` keep the account out",
        storage.shown()
    );
    Some(
        Diagnostic::warning(Code::Precondition, storage.span, message)
            .related(bypass.span, "here")
            .help("let the services that Azure trusts through: `bypass: AzureServices`"),
    )
}
