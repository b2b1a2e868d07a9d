//! A changed value in a spec: the plan has only that change, and apply works in both directions.

use lazuli_core::{diagnostic::Code, plan::Action};

use super::SPECS;
use crate::harness::Azure;

/// The expected result of a change in a spec.
enum Expectation {
    /// One step on this node, with one change at this path.
    Update(&'static str, &'static str),
    /// An error at the changed value: this property of the spec is fixed at creation.
    Fixed(&'static str),
    /// No change.
    Same,
}
use Expectation::{Fixed, Same, Update};

/// A text that occurs once in a spec, its replacement, and the result.
type Row = (&'static str, &'static str, Expectation);

#[rustfmt::skip]
const PLATFORM: &[Row] = &[
    ("floor: 3", "floor: 4", Update("group", "tags.floor")),
    ("applications/cameras", "applications/videos", Fixed("managedBy")),
    ("name: rg-platform\n", "name: rg-platform\n    location: northeurope\n", Fixed("location")),
    ("isolationScope: Regional", "isolationScope: None", Update("deployer", "properties.isolationScope")),
    ("name: id-deployer", "name: id-deployer\n    location: northeurope", Fixed("location")),
    ("heads/main", "heads/next", Update("deployer/federatedCredentials/main", "properties.subject")),
    ("8a1b6c2e/", "8a1b6c2f/", Update("deployer/federatedCredentials/cluster", "properties.issuer")),
    ("api://AzureADTokenExchange", "api://other", Update("deployer/federatedCredentials/cluster", "properties.audiences")),
    ("Standard_LRS", "Standard_ZRS", Update("files", "sku.name")),
    ("StringEquals 'video'", "StringEquals 'audio'", Update("upload/Storage Blob Data Contributor", "properties.condition")),
    ("Uploads of the pipeline", "Uploads", Update("upload/Storage Blob Data Contributor", "properties.description")),
    ("${deployer.id}", "${files.id}", Fixed("delegatedManagedIdentityResourceId")),
    ("level: CanNotDelete", "level: ReadOnly", Update("keep", "properties.level")),
    ("Holds evidence.", "Holds proof.", Update("keep", "properties.notes")),
    ("0f0e0d0c", "0f0e0d0d", Update("keep", "properties.owners")),
];

#[rustfmt::skip]
const LIFECYCLE: &[Row] = &[
    ("enabled: true\n        type", "enabled: false\n        type", Update("named/lifecycle", "properties.policy.rules[by-change].enabled")),
    ("enabled: false, type", "enabled: true, type", Update("listed/lifecycle", "properties.policy.rules[by-change].enabled")),
    ("      - { name: by-age, definition: *by-age }\n", "", Update("listed/lifecycle", "properties.policy.rules[by-age]")),
];

#[rustfmt::skip]
const STORAGE: &[Row] = &[
    ("team: vision", "team: audio", Update("recordings", "tags.team")),
    ("Standard_GZRS", "Standard_RAGZRS", Update("recordings", "sku.name")),
    ("accessTier: Cool", "accessTier: Hot", Update("recordings", "properties.accessTier")),
    ("TLS1_3", "TLS1_2", Update("recordings", "properties.minimumTlsVersion")),
    ("allowSharedKeyAccess: false", "allowSharedKeyAccess: true", Update("recordings", "properties.allowSharedKeyAccess")),
    ("defaultAction: Deny\n", "defaultAction: Allow\n", Update("recordings", "properties.networkAcls.defaultAction")),
    ("Logging, Metrics", "AzureServices", Update("recordings", "properties.networkAcls.bypass")),
    ("        - { value: 198.51.100.7 }\n", "", Update("recordings", "properties.networkAcls.ipRules[198.51.100.7]")),
    ("systemAssigned: true", "systemAssigned: false", Update("recordings", "identity.type")),
    ("keyExpirationPeriodInDays: 90", "keyExpirationPeriodInDays: 60", Update("recordings", "properties.keyPolicy.keyExpirationPeriodInDays")),
    ("expirationAction: Block", "expirationAction: Log", Update("recordings", "properties.sasPolicy.expirationAction")),
    ("InternetRouting", "MicrosoftRouting", Update("recordings", "properties.routingPreference.routingChoice")),
    ("useSubDomainName: true", "useSubDomainName: false", Same),
    ("days: 14", "days: 21", Update("recordings/blobService", "properties.deleteRetentionPolicy.days")),
    ("[GET, HEAD, OPTIONS]", "[HEAD, GET, OPTIONS]", Same),
    ("maxAgeInSeconds: 3600", "maxAgeInSeconds: 60", Update("recordings/blobService", "properties.cors.corsRules[0].maxAgeInSeconds")),
    ("publicAccess: Blob", "publicAccess: Container", Update("recordings/containers/posters", "properties.publicAccess")),
    ("floor: third", "floor: fourth", Update("recordings/containers/posters", "properties.metadata.floor")),
    ("defaultEncryptionScope: frames", "defaultEncryptionScope: other", Fixed("defaultEncryptionScope")),
    ("ScopeOverride: true", "ScopeOverride: false", Fixed("denyEncryptionScopeOverride")),
    ("name: stpremium", "name: stpremium\n    isHnsEnabled: true", Fixed("isHnsEnabled")),
    ("name: stpremium", "name: stpremium\n    isHnsEnabled: false", Same),
    ("name: stpremium", "name: stpremium\n    immutableStorageWithVersioning: { enabled: true }", Fixed("immutableStorageWithVersioning.enabled")),
    ("dnsEndpointType: AzureDnsZone", "dnsEndpointType: Standard", Fixed("dnsEndpointType")),
    ("keyname: evidence", "keyname: proof", Update("evidence", "properties.encryption.keyvaultproperties.keyname")),
    ("InfrastructureEncryption: true", "InfrastructureEncryption: false", Fixed("encryption.requireInfrastructureEncryption")),
    ("queue: { enabled: true, keyType: Account }", "queue: { enabled: true, keyType: Service }", Fixed("encryption.services.queue.keyType")),
    ("Versioning:\n      enabled: true", "Versioning:\n      enabled: false", Fixed("immutableStorageWithVersioning.enabled")),
    ("InDays: 365", "InDays: 730", Update("evidence", "properties.immutableStorageWithVersioning.immutabilityPolicy.immutabilityPeriodSinceCreationInDays")),
    ("isNfsV3Enabled: true", "isNfsV3Enabled: false", Fixed("isNfsV3Enabled")),
    ("AllSquash: false", "AllSquash: true", Update("lake/containers/raw", "properties.enableNfsV3AllSquash")),
    ("SmbShareReader", "SmbShareContributor", Update("shares", "properties.azureFilesIdentityBasedAuthentication.defaultSharePermission")),
    ("accountType: Computer", "accountType: User", Update("shares", "properties.azureFilesIdentityBasedAuthentication.activeDirectoryProperties.accountType")),
    ("zones: [\"1\"]", "zones: [\"2\"]", Update("pinned", "zones")),
    ("microsoftlosangeles1", "microsoftnewyork1", Fixed("extendedLocation.name")),
];

#[rustfmt::skip]
const VIDEO: &[Row] = &[
    ("team: vision", "team: audio", Update("cameras", "tags.team")),
    ("publicNetworkAccess: Disabled\n", "publicNetworkAccess: Enabled\n", Update("cameras", "properties.publicNetworkAccess")),
    ("ingestion: { publicNetworkAccess: Disabled }", "ingestion: { publicNetworkAccess: Enabled }", Update("cameras", "properties.networkAccessControl.ingestion.publicNetworkAccess")),
    ("keys/cameras", "keys/videos", Update("cameras", "properties.encryption.keyVaultProperties.keyIdentifier")),
    ("audiences: [\"https://watch.", "audiences: [\"https://look.", Update("cameras/accessPolicies/guards", "properties.authentication.audiences")),
    ("value: third", "value: second", Update("cameras/accessPolicies/guards", "properties.authentication.claims[floor].value")),
    ("alg: RS256", "alg: RS512", Update("cameras/accessPolicies/guards", "properties.authentication.keys[first].alg")),
    ("            - { name: badge }\n", "", Update("cameras/accessPolicies/guards", "properties.authentication.claims[badge]")),
    ("publicNetworkAccess: Enabled\n", "publicNetworkAccess: Disabled\n", Update("videos", "properties.publicNetworkAccess")),
    ("name: vi-videos\n", "name: vi-videos\n    location: northeurope\n", Fixed("location")),
    ("accounts/oai-videos", "accounts/oai-reels", Update("reels", "properties.openAiServices.resourceId")),
    ("      userAssignedIdentity: ${archivist}\n", "      userAssignedIdentity: ${analyzer}\n", Update("reels", "properties.openAiServices.userAssignedIdentity")),
];

#[tokio::test(start_paused = true)]
async fn changed_value_of_the_platform_is_the_only_change() {
    check("platform", PLATFORM).await;
}

#[tokio::test(start_paused = true)]
async fn changed_lifecycle_rule_is_the_only_change() {
    check("lifecycle", LIFECYCLE).await;
}

#[tokio::test(start_paused = true)]
async fn changed_value_of_storage_is_the_only_change() {
    check("storage", STORAGE).await;
}

#[tokio::test(start_paused = true)]
async fn changed_value_of_a_video_account_is_the_only_change() {
    check("video", VIDEO).await;
}

async fn check(spec: &str, table: &[Row]) {
    let (_, text) = SPECS.iter().find(|(name, _)| *name == spec).unwrap();
    let azure = Azure::new().await;
    azure.converge(text).await;
    for row in table {
        check_row(&azure, text, row).await;
    }
    assert!(azure.plan(text).await.is_empty());
}

async fn check_row(azure: &Azure, text: &str, (old, new, expected): &Row) {
    assert_eq!(text.matches(old).count(), 1, "{old}");
    let changed = text.replacen(old, new, 1);
    let (plan, found) = azure.compare(&changed).await;
    let diagnostics: Vec<_> = found.iter().collect();
    match expected {
        Same => assert!(
            plan.is_empty() && diagnostics.is_empty(),
            "{new}: {plan:#?} {diagnostics:#?}"
        ),
        Fixed(path) => {
            let [diagnostic] = diagnostics.as_slice() else {
                panic!("{new}: {diagnostics:#?}")
            };
            assert_eq!(diagnostic.code, Code::Immutable);
            assert!(
                diagnostic.message.starts_with(&format!("`{path}`")),
                "{}",
                diagnostic.message
            );
            let line = |at: usize| changed[..at].matches('\n').count();
            let written = line(text.find(old).unwrap() + new.trim_end().len());
            assert_eq!(
                line(diagnostic.span.unwrap().range().start),
                written,
                "{new}"
            );
        }
        Update(key, path) => {
            let [step] = plan.steps.as_slice() else {
                panic!("{new}: {diagnostics:#?} {:#?}", plan.steps)
            };
            assert_eq!(
                (step.action, step.subject.key.to_string().as_str()),
                (Action::Update, *key)
            );
            let paths: Vec<_> = step.changes.iter().map(|change| &change.path).collect();
            assert_eq!(paths, [*path]);
            azure.simulator.clear_log();
            assert!(azure.execute(&plan).await.is_complete(), "{new}");
            assert_eq!(azure.writes().len(), 1, "{new}");
            let back = azure.plan(text).await;
            let paths = back.steps.iter().flat_map(|step| &step.changes);
            let paths: Vec<_> = paths.map(|change| &change.path).collect();
            assert_eq!(paths, [*path], "{new}");
            assert!(azure.execute(&back).await.is_complete(), "{new}");
        }
    }
}
