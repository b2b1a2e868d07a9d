//! Combinations of a storage account's properties that Azure rejects.

use lazuli_core::{
    diagnostic::{Code, Diagnostic, Diagnostics},
    facts::Field,
    graph::TypedEntry,
    node::Node,
    source::Span,
};

use super::{
    blobs::{BlobService, PublicAccess},
    props::{AccountKind, KeySource, StorageAccountProps},
};

fn is<T: PartialEq>(field: &Option<Field<T>>, value: T) -> bool {
    field.as_ref().and_then(Field::known) == Some(&value)
}

/// Whether a switch with the default off is off, as far as the spec knows.
fn is_off(field: &Option<Field<bool>>) -> bool {
    matches!(field, None | Some(Field::Known(false)))
}

pub(super) fn check(resource: &TypedEntry<'_, StorageAccountProps>, diagnostics: &mut Diagnostics) {
    let props = &resource.props;
    let mut refuse = |span: Span, message: String, help: &str| {
        diagnostics.push(Diagnostic::error(Code::Precondition, span, message).help(help));
    };

    let sku = props.sku.known().map(|sku| format!("{sku:?}"));
    match (props.account_kind.as_ref().and_then(Field::known), sku) {
        (Some(AccountKind::BlockBlobStorage), Some(sku)) if !sku.starts_with("Premium") => refuse(
            resource.span_of("sku"),
            format!("the account kind BlockBlobStorage requires a premium sku, not {sku}"),
            "use `sku: Premium_LRS` or `Premium_ZRS`",
        ),
        (Some(AccountKind::FileStorage), Some(sku)) if sku.starts_with("Standard_") => refuse(
            resource.span_of("sku"),
            format!("the account kind FileStorage does not support {sku}"),
            "use a sku that begins with Premium or StandardV2",
        ),
        (Some(AccountKind::BlobStorage), _) if props.access_tier.is_none() => refuse(
            resource.span_of("accountKind"),
            "the account kind BlobStorage requires `accessTier`".into(),
            "add `accessTier: Hot`, or remove `accountKind` for a general-purpose account",
        ),
        _ => {}
    }

    for (property, field) in [
        ("isSftpEnabled", &props.is_sftp_enabled),
        ("isNfsV3Enabled", &props.is_nfs_v3_enabled),
    ] {
        if is(field, true) && is_off(&props.is_hns_enabled) {
            refuse(
                resource.span_of(property),
                format!("`{property}` requires a hierarchical namespace"),
                "add `isHnsEnabled: true`; it is fixed at creation",
            );
        }
    }

    if let Some(encryption) = &props.encryption
        && is(&encryption.key_source, KeySource::KeyVault)
        && encryption.keyvaultproperties.is_none()
    {
        refuse(
            resource.span_of("encryption"),
            "a customer-managed key requires `keyvaultproperties`".into(),
            "add `keyname` and `keyvaulturi`",
        );
    }

    if is(&props.allow_blob_public_access, false) {
        let written = resource.resource().props.get("containers");
        for (name, container) in props.containers.iter().flatten() {
            let access = container
                .as_ref()
                .and_then(|container| container.public_access.as_ref());
            let public = access
                .and_then(Field::known)
                .is_some_and(|access| *access != PublicAccess::None);
            let place = written
                .and_then(|node| node.get(name))
                .and_then(|node| node.get("publicAccess"));
            if let Some(place) = place.filter(|_| public) {
                refuse(
                    place.span,
                    format!(
                        "the container `{name}` cannot allow public access: the account forbids it"
                    ),
                    "remove `publicAccess`, or set `allowBlobPublicAccess: true`",
                );
            }
        }
    }

    let service = resource.resource().props.get("blobService");
    if let (Some(written), Some(service)) = (
        service.and_then(|node| node.get("restorePolicy")),
        &props.blob_service,
    ) {
        restore(written, service, &mut refuse);
    }
}

/// Microsoft docs: "Point-in-time restore for block blobs", prerequisites.
fn restore(written: &Node, service: &BlobService, refuse: &mut impl FnMut(Span, String, &str)) {
    let Some(policy) = service
        .restore_policy
        .as_ref()
        .filter(|policy| policy.enabled == Field::Known(true))
    else {
        return;
    };
    let needs = [
        (
            "isVersioningEnabled",
            is_off(&service.is_versioning_enabled),
        ),
        (
            "changeFeed",
            service
                .change_feed
                .as_ref()
                .is_none_or(|feed| is_off(&feed.enabled)),
        ),
        (
            "deleteRetentionPolicy",
            service
                .delete_retention_policy
                .as_ref()
                .is_none_or(|kept| is_off(&kept.enabled)),
        ),
    ];
    let missing: Vec<_> = needs
        .into_iter()
        .filter(|(_, off)| *off)
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    if !missing.is_empty() {
        refuse(
            written.span,
            format!("`restorePolicy` also requires {}", missing.join(", ")),
            "enable them in `blobService`",
        );
    }
    let kept = service
        .delete_retention_policy
        .as_ref()
        .and_then(|kept| kept.days.as_ref()?.known());
    if let (Some(kept), Some(days)) = (kept, policy.days.as_ref().and_then(Field::known))
        && days >= kept
    {
        refuse(
            written.get("days").unwrap_or(written).span,
            format!(
                "blobs cannot be restored for {days} days if deleted blobs are kept for {kept}"
            ),
            "use fewer days than in `deleteRetentionPolicy`",
        );
    }
}
