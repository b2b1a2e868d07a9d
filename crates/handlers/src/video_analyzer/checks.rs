//! What Azure demands of the storage and the identity of a Video Analyzer account. Known before any request.

use lazuli_core::{
    arm::same_location,
    diagnostic::{Code, Diagnostic, Diagnostics},
    graph::{Declared, Surroundings, Target},
    node::Node,
};

use super::{Links, Props, UsedStorage};
use crate::{link::Link, roles};

/// The roles that the identity must hold on the storage.
const NEEDED: [&str; 2] = ["Storage Blob Data Contributor", "Reader"];

pub(super) fn check(
    resource: &Declared<'_, Props>,
    links: &Links<'_>,
    around: &Surroundings<'_>,
    diagnostics: &mut Diagnostics,
) {
    for used in &links.storage {
        place(resource, used, diagnostics);
        if let Some(target) = &used.account.target {
            sort(&used.account, target, diagnostics);
        }
        match links.identity(&used.identity) {
            Some(identity) => grants(resource, identity, &used.account, around, diagnostics),
            None => diagnostics.push(
                Diagnostic::error(
                    Code::Precondition,
                    used.account.span,
                    format!(
                        "`{}` is reached with an identity that the account does not have",
                        used.account.shown()
                    ),
                )
                .help("add the identity to `identity`"),
            ),
        }
    }
}

/// The storage is in the account's region and subscription.
fn place(resource: &Declared<'_, Props>, used: &UsedStorage<'_>, diagnostics: &mut Diagnostics) {
    let (own, storage) = (resource.placed(), &used.account);
    let shown = storage.shown();
    let there = storage.id.subscription_id().unwrap_or_default();
    if !there.eq_ignore_ascii_case(&own.subscription) {
        diagnostics.push(
            Diagnostic::error(
                Code::Precondition,
                storage.span,
                format!("`{shown}` is in another subscription than the account that uses it"),
            )
            .note(format!("in {there}, the account in {}", own.subscription))
            .help("both must be in the same subscription"),
        );
    }
    let there = storage
        .target
        .as_ref()
        .and_then(|target| target.placed.location.as_deref());
    if let (Some(there), Some(here)) = (there, own.location.as_deref())
        && !same_location(there, here)
    {
        diagnostics.push(
            Diagnostic::error(
                Code::Precondition,
                storage.span,
                format!("`{shown}` is in {there}, and the account that uses it in {here}"),
            )
            .help("both must be in the same region"),
        );
    }
}

/// The storage is a standard general-purpose account.
fn sort(storage: &Link<'_>, target: &Target<'_>, diagnostics: &mut Diagnostics) {
    let written = |property: &str| target.resource.props.get(property);
    let mut refuse = |node: &Node, message: String| {
        diagnostics.push(
            Diagnostic::error(Code::Precondition, storage.span, message)
                .related(node.span, "here")
                .help("the storage must be standard and general-purpose: `sku: Standard_LRS`, `accountKind: StorageV2`"),
        );
    };
    if let Some((node, sku)) = written("sku").and_then(|node| Some((node, node.as_str()?)))
        && sku.starts_with("Premium")
    {
        refuse(
            node,
            format!("`{}` is premium storage ({sku})", storage.shown()),
        );
    }
    if let Some((node, kind)) = written("accountKind").and_then(|node| Some((node, node.as_str()?)))
        && !matches!(kind, "StorageV2" | "Storage")
    {
        refuse(
            node,
            format!("`{}` is an account of kind {kind}", storage.shown()),
        );
    }
}

/// The identity holds the roles on the storage or above it. Of an identity that only is looked up, the grants may be
/// made elsewhere.
fn grants(
    resource: &Declared<'_, Props>,
    identity: &Link<'_>,
    storage: &Link<'_>,
    around: &Surroundings<'_>,
    diagnostics: &mut Diagnostics,
) {
    let Some(target) = identity
        .target
        .as_ref()
        .filter(|target| !target.resource.existing)
    else {
        return;
    };
    let held = |name: &str| {
        roles::by_name(name)
            .is_some_and(|role| around.grants(&target.placed.key, role.guid, &storage.id))
    };
    let missing: Vec<&str> = NEEDED.into_iter().filter(|role| !held(role)).collect();
    if missing.is_empty() {
        return;
    }
    let (who, on) = (identity.shown(), storage.shown());
    let grant = format!(
        "give it the roles, under `resources`:\n\n  {name}:\n    kind: roleAssignment\n    principal: {principal}\n    \
         scope: {scope}\n    roles: [{roles}]",
        name = entry_name(resource, &format!("{who}-on-{on}")),
        principal = identity.written(),
        scope = storage.written(),
        roles = missing.join(", "),
    );
    let (noun, list) = (
        if missing.len() == 1 { "role" } else { "roles" },
        missing.join(" and "),
    );
    diagnostics.push(
        Diagnostic::error(
            Code::MissingGrant,
            storage.span,
            format!("`{who}` lacks the {noun} {list} on `{on}`"),
        )
        .related(identity.span, "the identity that reaches it")
        .help(grant),
    );
}

/// A name for an entry: letters, digits and `-`; instances of a forEach lose their brackets.
fn entry_name(resource: &Declared<'_, Props>, wish: &str) -> String {
    let name: String = wish
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let name = name.trim_matches('-');
    if name.is_empty() {
        format!("{}-access", resource.resource().address.resource)
    } else {
        name.to_owned()
    }
}
