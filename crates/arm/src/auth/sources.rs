//! Finds the login methods that the environment configures.

use super::{
    AuthMethod,
    certificate::CertificateAssertion,
    chain::{CredentialSource, SourceState},
    github::GitHubAssertion,
    managed_identity,
};
use crate::cloud::Endpoints;
use azure_core::{
    cloud::{CloudConfiguration, CustomConfiguration},
    credentials::{Secret, TokenCredential},
    http::{ClientOptions, Transport},
};
use azure_identity::{
    AzureCliCredential, AzureCliCredentialOptions, AzureDeveloperCliCredential,
    AzureDeveloperCliCredentialOptions, AzurePipelinesCredential, AzurePipelinesCredentialOptions,
    ClientAssertionCredential, ClientAssertionCredentialOptions, ClientSecretCredential,
    ClientSecretCredentialOptions, WorkloadIdentityCredential, WorkloadIdentityCredentialOptions,
};
use std::{path::PathBuf, sync::Arc};

const TENANT_ID: &str = "AZURE_TENANT_ID";
const CLIENT_ID: &str = "AZURE_CLIENT_ID";
const CLIENT_SECRET: &str = "AZURE_CLIENT_SECRET";
const CERTIFICATE_PATH: &str = "AZURE_CLIENT_CERTIFICATE_PATH";
const FEDERATED_TOKEN_FILE: &str = "AZURE_FEDERATED_TOKEN_FILE";
const GITHUB_URL: &str = "ACTIONS_ID_TOKEN_REQUEST_URL";
const GITHUB_TOKEN: &str = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";
const PIPELINES_URL: &str = "SYSTEM_OIDCREQUESTURI";
const PIPELINES_TOKEN: &str = "SYSTEM_ACCESSTOKEN";
// The AzureCLI and AzurePowerShell tasks set these for their service connection.
const PIPELINES_CONNECTION: &str = "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID";
const PIPELINES_CLIENT_ID: &str = "AZURESUBSCRIPTION_CLIENT_ID";
const PIPELINES_TENANT_ID: &str = "AZURESUBSCRIPTION_TENANT_ID";

type Credential = azure_core::Result<Arc<dyn TokenCredential>>;

/// The login methods to try, in order. Without a `choice`, methods without any configuration are left out.
pub(super) fn sources(
    choice: Option<AuthMethod>,
    env: &dyn Fn(&str) -> Option<String>,
    endpoints: &Endpoints,
    transport: &Transport,
) -> Vec<CredentialSource> {
    let finder = SourceFinder {
        env,
        endpoints,
        transport,
        is_chosen: choice.is_some(),
    };
    AuthMethod::ALL
        .into_iter()
        .filter(|method| choice.is_none_or(|choice| choice == *method))
        .flat_map(|method| finder.find(method))
        .collect()
}

struct SourceFinder<'a> {
    env: &'a dyn Fn(&str) -> Option<String>,
    endpoints: &'a Endpoints,
    transport: &'a Transport,
    is_chosen: bool,
}

impl SourceFinder<'_> {
    fn find(&self, method: AuthMethod) -> Vec<CredentialSource> {
        match method {
            AuthMethod::Environment => self.environment(),
            AuthMethod::WorkloadIdentity => self.workload_identity().into_iter().collect(),
            AuthMethod::GitHub => self.github().into_iter().collect(),
            AuthMethod::AzurePipelines => self.azure_pipelines().into_iter().collect(),
            AuthMethod::ManagedIdentity => vec![self.managed_identity()],
            AuthMethod::AzureCli => vec![self.azure_cli()],
            AuthMethod::AzureDeveloperCli => vec![self.azure_developer_cli()],
        }
    }

    fn environment(&self) -> Vec<CredentialSource> {
        let sources: Vec<_> = [self.client_secret(), self.client_certificate()]
            .into_iter()
            .flatten()
            .collect();
        if sources.is_empty() && self.is_chosen {
            let missing =
                format!("neither {CLIENT_SECRET} nor {CERTIFICATE_PATH} is set: set one of them");
            return vec![incomplete("environment", missing)];
        }
        sources
    }

    fn client_secret(&self) -> Option<CredentialSource> {
        let label = "client secret";
        let secret = Secret::new(self.var(CLIENT_SECRET)?);
        let options = self.client_options();
        Some(
            self.needs(label, [TENANT_ID, CLIENT_ID], move |[tenant, client]| {
                let options = ClientSecretCredentialOptions {
                    client_options: options.clone(),
                };
                Ok(ClientSecretCredential::new(
                    &tenant,
                    client,
                    secret.clone(),
                    Some(options),
                )?)
            }),
        )
    }

    fn client_certificate(&self) -> Option<CredentialSource> {
        let label = "client certificate";
        let path = PathBuf::from(self.var(CERTIFICATE_PATH)?);
        let options = self.client_options();
        let authority = self.endpoints.authority.clone();
        Some(
            self.needs(label, [TENANT_ID, CLIENT_ID], move |[tenant, client]| {
                let audience = authority.join(&format!("/{tenant}/oauth2/v2.0/token"))?;
                let assertion = CertificateAssertion::read(&path, &client, &audience)?;
                assertion_credential(tenant, client, assertion, &options)
            }),
        )
    }

    fn workload_identity(&self) -> Option<CredentialSource> {
        let label = "workload identity";
        let Some(file) = self.var(FEDERATED_TOKEN_FILE) else {
            return self.unset(label, format!("{FEDERATED_TOKEN_FILE} is not set"));
        };
        let options = self.client_options();
        Some(
            self.needs(label, [TENANT_ID, CLIENT_ID], move |[tenant, client]| {
                let options = WorkloadIdentityCredentialOptions {
                    credential_options: ClientAssertionCredentialOptions {
                        client_options: options.clone(),
                    },
                    client_id: Some(client),
                    tenant_id: Some(tenant),
                    token_file_path: Some(PathBuf::from(&file)),
                };
                Ok(WorkloadIdentityCredential::new(Some(options))?)
            }),
        )
    }

    fn github(&self) -> Option<CredentialSource> {
        let label = "GitHub Actions";
        let (Some(url), Some(token)) = (self.var(GITHUB_URL), self.var(GITHUB_TOKEN)) else {
            return self.unset(
                label,
                format!(
                    "{GITHUB_URL} is not set: add `id-token: write` to the permissions of the job"
                ),
            );
        };
        let token = Secret::new(token);
        let options = self.client_options();
        let audience = github_audience(self.endpoints);
        Some(
            self.needs(label, [TENANT_ID, CLIENT_ID], move |[tenant, client]| {
                let assertion =
                    GitHubAssertion::new(&url, token.clone(), audience, options.clone())?;
                assertion_credential(tenant, client, assertion, &options)
            }),
        )
    }

    fn azure_pipelines(&self) -> Option<CredentialSource> {
        let label = "Azure Pipelines";
        if self.var(PIPELINES_URL).is_none() {
            return self.unset(label, format!("{PIPELINES_URL} is not set"));
        }
        let tenant = self.first_set(PIPELINES_TENANT_ID, TENANT_ID);
        let client = self.first_set(PIPELINES_CLIENT_ID, CLIENT_ID);
        let options = self.client_options();
        let needed = [tenant, client, PIPELINES_CONNECTION, PIPELINES_TOKEN];
        Some(
            self.needs(label, needed, move |[tenant, client, connection, token]| {
                let options = AzurePipelinesCredentialOptions {
                    credential_options: ClientAssertionCredentialOptions {
                        client_options: options.clone(),
                    },
                };
                Ok(AzurePipelinesCredential::new(
                    tenant,
                    client,
                    &connection,
                    token,
                    Some(options),
                )?)
            }),
        )
    }

    fn managed_identity(&self) -> CredentialSource {
        let client_id = self.var(CLIENT_ID);
        let local_endpoint = ["IDENTITY_ENDPOINT", "MSI_ENDPOINT"]
            .iter()
            .any(|name| self.var(name).is_some());
        let options = self.client_options();
        let transport = self.transport.clone();
        ready("managed identity", move || {
            let probe = (!local_endpoint).then(|| transport.clone());
            managed_identity::credential(client_id.clone(), options.clone(), probe)
        })
    }

    fn azure_cli(&self) -> CredentialSource {
        let tenant_id = self.var(TENANT_ID);
        ready("Azure CLI", move || {
            let options = AzureCliCredentialOptions {
                tenant_id: tenant_id.clone(),
                ..Default::default()
            };
            Ok(AzureCliCredential::new(Some(options))?)
        })
    }

    fn azure_developer_cli(&self) -> CredentialSource {
        let tenant_id = self.var(TENANT_ID);
        ready("Azure Developer CLI", move || {
            let options = AzureDeveloperCliCredentialOptions {
                tenant_id: tenant_id.clone(),
                ..Default::default()
            };
            Ok(AzureDeveloperCliCredential::new(Some(options))?)
        })
    }

    /// A variable that is set and not empty.
    fn var(&self, name: &str) -> Option<String> {
        (self.env)(name).filter(|value| !value.trim().is_empty())
    }

    fn first_set(&self, name: &'static str, other: &'static str) -> &'static str {
        if self.var(name).is_some() {
            name
        } else {
            other
        }
    }

    /// A source that needs these variables, or an incomplete one with those that are missing.
    fn needs<const N: usize>(
        &self,
        label: &'static str,
        names: [&'static str; N],
        build: impl Fn([String; N]) -> Credential + Send + Sync + 'static,
    ) -> CredentialSource {
        let values: Vec<String> = names.iter().filter_map(|name| self.var(name)).collect();
        match <[String; N]>::try_from(values) {
            Ok(values) => ready(label, move || build(values.clone())),
            Err(_) => {
                let missing = names.into_iter().filter(|name| self.var(name).is_none());
                let missing: Vec<_> = missing.collect();
                let verb = if missing.len() == 1 { "is" } else { "are" };
                incomplete(label, format!("{} {verb} not set", missing.join(" and ")))
            }
        }
    }

    /// An unconfigured source, which is reported only if the user chose it.
    fn unset(&self, label: &'static str, reason: String) -> Option<CredentialSource> {
        self.is_chosen.then(|| incomplete(label, reason))
    }

    /// The transport and authority of this cloud.
    fn client_options(&self) -> ClientOptions {
        let mut cloud = CustomConfiguration::default();
        cloud.authority_host = self.endpoints.authority.to_string();
        ClientOptions {
            transport: Some(self.transport.clone()),
            cloud: Some(Arc::new(CloudConfiguration::from(cloud))),
            ..Default::default()
        }
    }
}

fn ready(
    label: &'static str,
    build: impl Fn() -> Credential + Send + Sync + 'static,
) -> CredentialSource {
    CredentialSource {
        label,
        state: SourceState::Ready(Box::new(build)),
    }
}

fn incomplete(label: &'static str, missing: String) -> CredentialSource {
    CredentialSource {
        label,
        state: SourceState::Incomplete(missing),
    }
}

fn assertion_credential(
    tenant: String,
    client: String,
    assertion: impl azure_identity::ClientAssertion + 'static,
    options: &ClientOptions,
) -> Credential {
    let options = ClientAssertionCredentialOptions {
        client_options: options.clone(),
    };
    Ok(ClientAssertionCredential::new(
        tenant,
        client,
        assertion,
        Some(options),
    )?)
}

/// The audience for each cloud (Microsoft docs "Workload identity federation").
fn github_audience(endpoints: &Endpoints) -> &'static str {
    match endpoints.authority.host_str() {
        Some(host) if host.ends_with(".us") => "api://AzureADTokenExchangeUSGov",
        Some(host) if host.ends_with(".cn") => "api://AzureADTokenExchangeChina",
        _ => "api://AzureADTokenExchange",
    }
}

#[cfg(test)]
#[path = "sources_tests.rs"]
mod tests;
