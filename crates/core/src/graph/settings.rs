//! What a graph is built with in addition to the spec.

use std::collections::BTreeMap;

use crate::{arm::ArmId, declare::RoleName, secret::DigestKey};

/// What a graph is built with in addition to the spec.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// The subscription of stacks that do not set one.
    pub subscription: Option<String>,
    /// The ids of the role definitions that Azure has for each role name.
    pub roles: BTreeMap<RoleName, Vec<ArmId>>,
    /// The policy for secrets that Azure does not return.
    pub secrets: SecretsPolicy,
}

/// The policy for secrets that Azure does not return.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecretsPolicy {
    /// The key of the digests in tags.
    pub key: DigestKey,
    /// Whether all secrets are sent again, changed or not.
    pub rewrite: bool,
}
