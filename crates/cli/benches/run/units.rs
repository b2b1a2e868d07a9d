//! The measured spec: units of an identity, a storage account, two grants and a Video Indexer account each.

use std::fmt::Write as _;

/// Azure resources in a unit.
pub const RESOURCES: usize = 5;

/// The number of resource groups: one per ten units.
pub fn groups(units: usize) -> usize {
    (units / 10).max(1)
}

/// A spec with this number of units.
pub fn spec(units: usize) -> String {
    let mut text = String::from(
        "apiVersion: lazuli/v1\nstack: bench\nlocation: westeurope\ntags: { team: vision }\nresources:\n",
    );
    for group in 0..groups(units) {
        let _ = writeln!(
            text,
            "  group{group}: {{ kind: resourceGroup, name: rg-bench-{group} }}"
        );
    }
    for unit in 0..units {
        let group = unit % groups(units);
        let _ = write!(
            text,
            "\x20 identity{unit}: {{ kind: userAssignedIdentity, name: id-bench-{unit}, resourceGroup: rg-bench-{group} }}
\x20 storage{unit}: {{ kind: storageAccount, name: stbench{unit}, resourceGroup: rg-bench-{group}, sku: Standard_LRS, minimumTlsVersion: TLS1_2 }}
\x20 access{unit}: {{ kind: roleAssignment, principal: '${{identity{unit}}}', scope: '${{storage{unit}}}', roles: [Storage Blob Data Contributor, Reader] }}
\x20 account{unit}: {{ kind: videoIndexer, name: vi-bench-{unit}, resourceGroup: rg-bench-{group}, identity: '${{identity{unit}}}', storage: '${{storage{unit}}}' }}
"
        );
    }
    text
}
