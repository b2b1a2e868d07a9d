//! Requirements of Azure on the storage and identity of a Video Analyzer account. Checked without a request.

use lazuli_core::{
    diagnostic::{Code, Diagnostic, Diagnostics},
    graph::{EntryContext, Surroundings},
};

use super::{LinkedStorage, Links};
use crate::storage_access::{in_another_region, missing_roles, unsupported_storage};

/// The roles that the identity needs on the storage.
const NEEDED: &[&[&str]] = &[&["Storage Blob Data Contributor"], &["Reader"]];

pub(super) fn check(
    resource: &EntryContext<'_>,
    links: &Links<'_>,
    around: &Surroundings<'_>,
    diagnostics: &mut Diagnostics,
) {
    for used in &links.storage {
        in_another_subscription(resource, used, diagnostics);
        let region = in_another_region(resource, &used.account);
        let region =
            region.map(|said| said.help("move one of them: both must be in the same region"));
        let sort = unsupported_storage(
            &used.account,
            &["StorageV2", "Storage"],
            "use standard general-purpose storage: `sku: Standard_LRS`, `accountKind: StorageV2`",
        );
        let access = match links.identities.find(&used.identity) {
            Some(identity) => missing_roles(identity, &used.account, NEEDED, around),
            None => Some(
                Diagnostic::error(
                    Code::Precondition,
                    used.account.span,
                    format!(
                        "`{}` is accessed with an identity that the account lacks",
                        used.account.shown()
                    ),
                )
                .help("add the identity to `identity`"),
            ),
        };
        let found = region.into_iter().chain(sort).chain(access);
        found.for_each(|diagnostic| diagnostics.push(diagnostic));
    }
}

fn in_another_subscription(
    resource: &EntryContext<'_>,
    used: &LinkedStorage<'_>,
    diagnostics: &mut Diagnostics,
) {
    let (own, storage) = (resource.placement(), &used.account);
    let Some(there) = storage.id.subscription_id() else {
        return;
    };
    if !there.eq_ignore_ascii_case(&own.subscription) {
        let shown = storage.shown();
        diagnostics.push(
            Diagnostic::error(
                Code::Precondition,
                storage.span,
                format!("`{shown}` and the account that uses it are in different subscriptions"),
            )
            .note(format!(
                "storage in {there}, account in {}",
                own.subscription
            ))
            .help("move one of them: both must be in the same subscription"),
        );
    }
}
