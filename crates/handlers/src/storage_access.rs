//! Requirements of services that keep data in a storage account, on the account and on the identity that accesses it.
//! Checked without a request.

use lazuli_core::{
    arm::same_location,
    diagnostic::{Code, Diagnostic},
    graph::{EntryContext, ImpliedDependency, Surroundings},
};

use crate::{link::ResourceLink, roles};

/// The error for storage in another region than the account that uses it.
pub(crate) fn in_another_region(
    resource: &EntryContext<'_>,
    storage: &ResourceLink<'_>,
) -> Option<Diagnostic> {
    let there = storage.target.as_ref()?.placement.location.as_deref()?;
    let here = resource.placement().location.as_deref()?;
    (!same_location(there, here)).then(|| {
        let shown = storage.shown();
        Diagnostic::error(
            Code::Precondition,
            storage.span,
            format!("`{shown}` is in {there}, but the account that uses it is in {here}"),
        )
    })
}

/// The errors for premium storage, and for storage of another kind than the accepted ones.
pub(crate) fn unsupported_storage(
    storage: &ResourceLink<'_>,
    kinds: &[&str],
    help: &str,
) -> Vec<Diagnostic> {
    let shown = storage.shown();
    let written = |property: &str| {
        let node = storage.target.as_ref()?.resource.props.get(property)?;
        Some((node.span, node.as_str()?))
    };
    let premium = written("sku")
        .filter(|(_, sku)| sku.starts_with("Premium"))
        .map(|(at, sku)| (at, format!("`{shown}` uses premium storage ({sku})")));
    let kind = written("accountKind")
        .filter(|(_, kind)| !kinds.contains(kind))
        .map(|(at, kind)| (at, format!("`{shown}` has the account kind {kind}")));
    let refuse = |(at, message)| {
        Diagnostic::error(Code::Precondition, storage.span, message)
            .related(at, "here")
            .help(help)
    };
    premium.into_iter().chain(kind).map(refuse).collect()
}

/// The error for roles that the identity needs on the storage or above and that no role assignment of the spec gives.
/// One role of each row suffices; the first one is recommended. The roles of an `existing` identity may be assigned
/// elsewhere.
pub(crate) fn missing_roles(
    identity: &ResourceLink<'_>,
    storage: &ResourceLink<'_>,
    needed: &[&[&str]],
    around: &Surroundings<'_>,
) -> Option<Diagnostic> {
    let target = identity.target.as_ref()?;
    if target.resource.existing {
        return None;
    }
    let held = |name: &&str| {
        roles::by_name(name)
            .is_some_and(|role| around.grants(&target.placement.key, role.guid, &storage.id))
    };
    let missing: Vec<&str> = needed
        .iter()
        .filter(|row| !row.iter().any(held))
        .filter_map(|row| row.first().copied())
        .collect();
    if missing.is_empty() {
        return None;
    }
    let (who, on) = (identity.shown(), storage.shown());
    let grant = format!(
        "assign the roles, under `resources`:\n\n  {name}:\n    kind: roleAssignment\n    principal: {principal}\n    \
         scope: {scope}\n    roles: [{roles}]",
        name = entry_name(&format!("{who}-on-{on}")),
        principal = identity.written(),
        scope = storage.written(),
        roles = missing.join(", "),
    );
    let (noun, list) = (
        if missing.len() == 1 { "role" } else { "roles" },
        missing.join(" and "),
    );
    Some(
        Diagnostic::error(
            Code::MissingGrant,
            storage.span,
            format!("`{who}` lacks the {noun} {list} on `{on}`"),
        )
        .related(identity.span, "the identity that accesses it")
        .help(grant),
    )
}

/// The dependency of the account on the role assignments of its identity on the storage.
pub(crate) fn waits_for_grants(
    identity: &ResourceLink<'_>,
    storage: &ResourceLink<'_>,
    why: String,
) -> Option<ImpliedDependency> {
    Some(ImpliedDependency::RoleAssignmentsOf {
        principal: identity.target.as_ref()?.placement.key.clone(),
        on: storage.id.clone(),
        why,
    })
}

/// A valid entry name: letters, digits and `-`, without the brackets of forEach instances.
fn entry_name(wish: &str) -> String {
    let name: String = wish
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    name.trim_matches('-').to_owned()
}
