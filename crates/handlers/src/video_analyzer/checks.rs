//! What Azure demands of the storage and the identity of a Video Analyzer account. Known before any request.

use lazuli_core::{
    diagnostic::{Code, Diagnostic, Diagnostics},
    graph::{EntryContext, Surroundings},
};

use super::{Links, UsedStorage};
use crate::storage_access::{in_another_region, missing_roles, wrong_sort};

/// The roles that the identity must hold on the storage.
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
        let region = region.map(|said| said.help("both must be in the same region"));
        let sort = wrong_sort(
            &used.account,
            &["StorageV2", "Storage"],
            "the storage must be standard and general-purpose: `sku: Standard_LRS`, `accountKind: StorageV2`",
        );
        let access = match links.identities.find(&used.identity) {
            Some(identity) => missing_roles(identity, &used.account, NEEDED, around),
            None => Some(
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
        };
        let found = region.into_iter().chain(sort).chain(access);
        found.for_each(|diagnostic| diagnostics.push(diagnostic));
    }
}

fn in_another_subscription(
    resource: &EntryContext<'_>,
    used: &UsedStorage<'_>,
    diagnostics: &mut Diagnostics,
) {
    let (own, storage) = (resource.placed(), &used.account);
    let Some(there) = storage.id.subscription_id() else {
        return;
    };
    if !there.eq_ignore_ascii_case(&own.subscription) {
        let shown = storage.shown();
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
}
