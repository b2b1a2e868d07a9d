//! Arguments that several commands share.

use std::{path::PathBuf, time::Duration};

use clap::{
    Args, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};
use lazuli_arm::auth::AuthMethod;
use lazuli_core::{
    graph::Names,
    plan::{Consent, OrphanPolicy},
    spec::is_stack_name,
};
use lazuli_reconcile::{PropagationLimits, ProviderPolicy};
use uuid::Uuid;

/// How to show progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressMode {
    /// Moving lines on a terminal, otherwise one line per change
    Auto,
    /// Moving lines if stderr is a terminal
    Live,
    /// One line per change
    Plain,
    /// No progress
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines of text
    Text,
    /// One JSON object per line
    Json,
}

/// The specs and their parameters.
#[derive(Debug, Args)]
pub(crate) struct SpecArgs {
    /// Files, directories (with all .yaml and .yml files below them), or - for standard input
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Set the value of a parameter; may be repeated
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = parse_parameter)]
    pub(crate) params: Vec<(String, String)>,
    /// Read values of parameters from a YAML or JSON file; may be repeated, later files take precedence
    #[arg(long = "params-file", value_name = "FILE")]
    pub(crate) params_files: Vec<PathBuf>,
    /// Use this subscription for stacks that do not set one [env: AZURE_SUBSCRIPTION_ID]
    #[arg(long, value_name = "GUID", value_parser = parse_subscription)]
    pub(crate) subscription: Option<String>,
}

/// How long to retry while changes propagate.
#[derive(Debug, Args)]
pub(crate) struct PropagationArgs {
    /// Retry a 403 for this long after the role assignment that allows the request is created
    #[arg(long, value_name = "SECONDS", default_value_t = PropagationLimits::default().grant.as_secs())]
    pub(crate) grant_propagation: u64,
    /// Retry PrincipalNotFound for this long after an identity is created
    #[arg(long, value_name = "SECONDS", default_value_t = PropagationLimits::default().principal.as_secs())]
    pub(crate) principal_replication: u64,
    /// Retry RoleDefinitionDoesNotExist for this long after a custom role is created
    #[arg(long, value_name = "SECONDS", default_value_t = PropagationLimits::default().role.as_secs())]
    pub(crate) role_replication: u64,
}

impl PropagationArgs {
    pub(crate) fn limits(&self) -> PropagationLimits {
        PropagationLimits {
            grant: Duration::from_secs(self.grant_propagation),
            principal: Duration::from_secs(self.principal_replication),
            role: Duration::from_secs(self.role_replication),
            ..PropagationLimits::default()
        }
    }
}

/// What to do about problems that are known before the first step.
#[derive(Debug, Args)]
pub(crate) struct PreflightArgs {
    /// Register the resource providers that the plan needs
    #[arg(long, conflicts_with = "skip_preflight")]
    pub(crate) register_providers: bool,
    /// Apply without preflight checks: steps that Azure rejects fail, and all others are executed
    #[arg(long)]
    pub(crate) skip_preflight: bool,
}

impl PreflightArgs {
    pub(crate) fn providers(&self) -> ProviderPolicy {
        match self.register_providers {
            true => ProviderPolicy::Register,
            false => ProviderPolicy::Report,
        }
    }
}

/// How to treat secrets that Azure does not return.
#[derive(Debug, Args)]
pub(crate) struct SecretArgs {
    /// Send all secrets that Azure does not return, even unchanged ones
    #[arg(long)]
    pub(crate) rewrite_secrets: bool,
}

/// How to treat resources that the stacks own and the specs no longer declare.
#[derive(Debug, Args)]
pub(crate) struct OrphanArgs {
    /// Delete resources that a stack owns and its spec no longer declares
    #[arg(long, conflicts_with = "target")]
    pub(crate) prune: bool,
}

/// Which entries may be replaced.
#[derive(Debug, Args)]
pub(crate) struct ReplaceArgs {
    /// Delete and recreate this entry if it cannot be updated in place; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(crate) allow_replace: Vec<String>,
}

impl ReplaceArgs {
    /// The deletions that the caller agrees to.
    pub(crate) fn consent(&self, orphans: &OrphanArgs) -> Consent {
        Consent {
            orphans: match orphans.prune {
                true => OrphanPolicy::Prune,
                false => OrphanPolicy::List,
            },
            replace: Names(self.allow_replace.iter().cloned().collect()),
        }
    }
}

/// The entries that a plan is about; all of them by default.
#[derive(Debug, Args)]
pub(crate) struct TargetArgs {
    /// Limit the plan to this entry, instance or part and its dependencies (destroy: its dependents); may be repeated
    #[arg(long, value_name = "NAME")]
    pub(crate) target: Vec<String>,
}

impl TargetArgs {
    pub(crate) fn names(&self) -> Names {
        Names(self.target.iter().cloned().collect())
    }
}

/// The stacks whose deletion is confirmed beforehand.
#[derive(Debug, Args)]
pub(crate) struct MassDeletionArgs {
    /// Confirm that most or all resources of this stack are deleted; may be repeated
    #[arg(long, value_name = "STACK")]
    pub(crate) yes_delete: Vec<String>,
}

/// Which Azure to use, and how to log in.
#[derive(Debug, Args)]
pub(crate) struct AzureArgs {
    /// Use this cloud: public, usgov, china, sim, or the URL of an ARM endpoint [default: public]
    #[arg(
        long,
        value_name = "CLOUD",
        env = "LAZULI_CLOUD",
        hide_env_values = true
    )]
    pub(crate) cloud: Option<String>,
    /// Log in with this method only [default: the first one that is configured and works]
    #[arg(long, value_name = "METHOD", value_parser = auth_method_parser())]
    pub(crate) auth: Option<AuthMethod>,
    /// Trust additional certificate authorities from a PEM file [env: SSL_CERT_FILE]
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Record every request, without secrets, in a new file to attach to a bug report
    #[arg(long, value_name = "FILE")]
    pub(crate) trace: Option<PathBuf>,
}

impl AzureArgs {
    /// The cloud that is named explicitly.
    pub(crate) fn named_cloud(&self) -> Option<&str> {
        self.cloud.as_deref().filter(|cloud| !cloud.is_empty())
    }

    pub(crate) fn cloud(&self) -> &str {
        self.named_cloud().unwrap_or("public")
    }
}

/// Parses `NAME=VALUE`.
fn parse_parameter(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| "use NAME=VALUE".to_owned())
}

/// Parses the name of a stack.
pub(crate) fn parse_stack(text: &str) -> Result<String, String> {
    match is_stack_name(text) {
        true => Ok(text.to_owned()),
        false => Err("use 1 to 63 lowercase letters, digits and `-`".to_owned()),
    }
}

/// Parses the GUID of a subscription.
pub(crate) fn parse_subscription(text: &str) -> Result<String, String> {
    match Uuid::try_parse(text) {
        Ok(guid) => Ok(guid.hyphenated().to_string()),
        Err(_) => Err("use a GUID from `az account list`".to_owned()),
    }
}

fn auth_method_parser() -> impl TypedValueParser<Value = AuthMethod> {
    PossibleValuesParser::new(AuthMethod::ALL.map(AuthMethod::name))
        .try_map(|name| name.parse::<AuthMethod>())
}
