//! Tests of the failed reads that an export tolerates.

use super::*;

#[test]
fn export_tolerates_only_rejected_reads_in_its_groups() {
    let group = ArmId::resource_group("s", "rg");
    let account = group.provider_child("Microsoft.Storage/storageAccounts", "st");
    let mut live = Live::default();
    live.insert_contents(group.clone(), vec![account.clone()]);
    let api_version = || "2025-06-01".to_owned();
    let service = Read::Resource {
        id: account.child("blobServices", "default"),
        api_version: api_version(),
    };
    let containers = Read::Collection {
        path: format!("{account}/blobServices/default/containers"),
        api_version: api_version(),
    };
    let accounts = Read::Collection {
        path: format!("{group}/providers/Microsoft.Storage/storageAccounts"),
        api_version: api_version(),
    };
    let groups = std::slice::from_ref(&group);
    let is_tolerated = |read: &Read, kind: ErrorKind| is_tolerated(read, &kind, &live, groups);
    let denied = ErrorKind::Forbidden {
        action: None,
        scope: None,
        object_id: None,
    };
    assert!(is_tolerated(&service, ErrorKind::InvalidRequest));
    assert!(is_tolerated(&containers, ErrorKind::Conflict));
    assert!(!is_tolerated(&containers, denied));
    assert!(!is_tolerated(&accounts, ErrorKind::InvalidRequest));
    assert!(!is_tolerated(
        &Read::Grants(group.clone()),
        ErrorKind::InvalidRequest
    ));
}
