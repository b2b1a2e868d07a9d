//! What those who keep data in a storage account demand of it, and of the identity that reaches it. Known before any
//! request.

use lazuli_core::{
    arm::same_location,
    diagnostic::{Code, Diagnostic},
    graph::{EntryContext, Implied, Surroundings},
};

use crate::{link::ResourceLink, roles};

/// The storage is in another region than the account that uses it.
pub(crate) fn in_another_region(
    resource: &EntryContext<'_>,
    storage: &ResourceLink<'_>,
) -> Option<Diagnostic> {
    let there = storage.target.as_ref()?.placed.location.as_deref()?;
    let here = resource.placed().location.as_deref()?;
    (!same_location(there, here)).then(|| {
        let shown = storage.shown();
        Diagnostic::error(
            Code::Precondition,
            storage.span,
            format!("`{shown}` is in {there}, and the account that uses it in {here}"),
        )
    })
}

/// The storage is premium, or of none of the kinds that are taken.
pub(crate) fn wrong_sort(
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
        .map(|(at, sku)| (at, format!("`{shown}` is premium storage ({sku})")));
    let kind = written("accountKind")
        .filter(|(_, kind)| !kinds.contains(kind))
        .map(|(at, kind)| (at, format!("`{shown}` is an account of kind {kind}")));
    let refuse = |(at, message)| {
        Diagnostic::error(Code::Precondition, storage.span, message)
            .related(at, "here")
            .help(help)
    };
    premium.into_iter().chain(kind).map(refuse).collect()
}

/// Roles that the identity needs on the storage or above it, and that no grant of the spec gives. Of each row one is
/// enough, and the first is advised. Of an identity that only is looked up, the grants may be made elsewhere.
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
            .is_some_and(|role| around.grants(&target.placed.key, role.guid, &storage.id))
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
        "give it the roles, under `resources`:\n\n  {name}:\n    kind: roleAssignment\n    principal: {principal}\n    \
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
        .related(identity.span, "the identity that reaches it")
        .help(grant),
    )
}

/// That the account waits for the grants of its identity on the storage.
pub(crate) fn waits_for_grants(
    identity: &ResourceLink<'_>,
    storage: &ResourceLink<'_>,
    why: String,
) -> Option<Implied> {
    Some(Implied::GrantsOf {
        principal: identity.target.as_ref()?.placed.key.clone(),
        on: storage.id.clone(),
        why,
    })
}

/// A name for an entry: letters, digits and `-`; instances of a forEach lose their brackets.
fn entry_name(wish: &str) -> String {
    let name: String = wish
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    name.trim_matches('-').to_owned()
}
