//! What a graph is built with in addition to the spec.

use std::collections::BTreeMap;

use crate::{arm::ArmId, declare::RoleName, secret::DigestKey};

/// What is given from outside of the spec.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// The subscription of stacks that do not say one.
    pub subscription: Option<String>,
    /// What Azure has under the role names that it was asked for: the ids of the definitions.
    pub roles: BTreeMap<RoleName, Vec<ArmId>>,
    /// How secrets that Azure does not answer are dealt with.
    pub secrets: SecretsPolicy,
}

/// How secrets that Azure does not answer are dealt with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecretsPolicy {
    /// The key of what tags keep of them.
    pub key: DigestKey,
    /// Whether all of them are sent again, changed or not.
    pub rewrite: bool,
}
