//! The login methods and their names.

use std::{fmt, str::FromStr};

/// A login method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuthMethod {
    /// A service principal, from `AZURE_TENANT_ID`, `AZURE_CLIENT_ID` and either `AZURE_CLIENT_SECRET`
    /// or `AZURE_CLIENT_CERTIFICATE_PATH`.
    Environment,
    /// The service account of a Kubernetes pod, from `AZURE_FEDERATED_TOKEN_FILE`.
    WorkloadIdentity,
    /// A GitHub Actions job with `id-token: write`.
    GitHub,
    /// A service connection of Azure Pipelines.
    AzurePipelines,
    /// The managed identity of the machine or app that runs lazuli.
    ManagedIdentity,
    /// The account that is logged in to `az`.
    AzureCli,
    /// The account that is logged in to `azd`.
    AzureDeveloperCli,
}

/// The text is not the name of a login method.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a valid login method: use one of {names}", names = AuthMethod::ALL.map(AuthMethod::name).join(", "))]
pub struct InvalidAuthMethod(String);

impl AuthMethod {
    /// All methods, in the order in which they are tried.
    pub const ALL: [Self; 7] = [
        Self::Environment,
        Self::WorkloadIdentity,
        Self::GitHub,
        Self::AzurePipelines,
        Self::ManagedIdentity,
        Self::AzureCli,
        Self::AzureDeveloperCli,
    ];

    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::WorkloadIdentity => "workload-identity",
            Self::GitHub => "github",
            Self::AzurePipelines => "azure-pipelines",
            Self::ManagedIdentity => "managed-identity",
            Self::AzureCli => "azure-cli",
            Self::AzureDeveloperCli => "azure-developer-cli",
        }
    }
}

impl fmt::Display for AuthMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for AuthMethod {
    type Err = InvalidAuthMethod;

    fn from_str(text: &str) -> Result<Self, InvalidAuthMethod> {
        Self::ALL
            .into_iter()
            .find(|method| method.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| InvalidAuthMethod(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_to_their_methods() {
        for method in AuthMethod::ALL {
            assert_eq!(method.to_string().parse(), Ok(method));
        }
        let error = "kerberos".parse::<AuthMethod>().unwrap_err();
        assert!(error.to_string().contains("azure-cli, azure-developer-cli"));
    }
}
