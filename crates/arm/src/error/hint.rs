//! Hints: what to do next, as one imperative sentence.

use super::{kind::ErrorKind, report::ErrorReport, transient::TransientCause};
use crate::well_known::{AUTHORIZATION_PROVIDER, ROLE_ASSIGNMENTS};

const LOG_IN: &str =
    "Run `az login`, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET";

/// The hint for an error, if there is one.
pub(super) fn hint(error: &ErrorReport) -> Option<String> {
    let text = match &error.kind {
        ErrorKind::NotLoggedIn => return Some(not_logged_in(error)),
        ErrorKind::Forbidden { action, scope, .. } => {
            let specific = by_code(error);
            return specific.or_else(|| Some(forbidden(action.as_deref(), scope.as_deref())));
        }
        ErrorKind::PolicyDenied { policies } => return Some(policy_denied(policies)),
        ErrorKind::Throttled => return Some(throttled(error)),
        ErrorKind::Locked => {
            "Remove the management lock from this scope, then run the command again"
        }
        ErrorKind::NameTaken => "Choose another name: it must be unique across Azure",
        ErrorKind::Network => {
            "Check the connection, DNS, and the proxy settings HTTPS_PROXY and NO_PROXY"
        }
        ErrorKind::Tls => {
            "If you trust the CA that signed this certificate, pass it with --ca-file FILE or SSL_CERT_FILE"
        }
        ErrorKind::Timeout | ErrorKind::Unavailable => {
            "Run the command again: it keeps completed changes and waits for running operations"
        }
        ErrorKind::OperationFailed
            if error.transient_cause == Some(TransientCause::Interrupted) =>
        {
            "Run the command again: Azure interrupted the operation"
        }
        ErrorKind::Conflict | ErrorKind::InvalidRequest | ErrorKind::OperationFailed
            if error.transient_cause == Some(TransientCause::Busy) =>
        {
            "Run the command again when the other operation on the resource has finished"
        }
        ErrorKind::Conflict
        | ErrorKind::InvalidRequest
        | ErrorKind::OperationFailed
        | ErrorKind::NotFound => return by_code(error),
        ErrorKind::Protocol if error.transient_cause.is_some() => {
            "Run the command again. If the error remains, check the proxies and gateways between this machine and \
             Azure, and HTTPS_PROXY and NO_PROXY"
        }
        ErrorKind::Protocol => return None,
    };
    Some(text.to_owned())
}

/// Advice on errors of Microsoft Entra, by a part of their text: an AADSTS number, or words of a tool.
pub(super) const ENTRA: &[(&str, &str)] = &[
    (
        "AADSTS90002",
        "Check AZURE_TENANT_ID and --cloud: this cloud has no such tenant",
    ),
    (
        "AADSTS900023",
        "Set AZURE_TENANT_ID to the GUID or a domain of the tenant",
    ),
    (
        "AADSTS50020",
        "Run `az login --tenant TENANT` with an account that is a member of the tenant",
    ),
    (
        "AADSTS50076",
        "Run `az login` again: multi-factor authentication is required",
    ),
    (
        "AADSTS50079",
        "Run `az login` again: multi-factor authentication is required",
    ),
    (
        "AADSTS50158",
        "Run `az login --tenant TENANT`: the tenant requires another sign-in step",
    ),
    (
        "AADSTS700016",
        "Check AZURE_CLIENT_ID and AZURE_TENANT_ID: the tenant has no such application",
    ),
    (
        "AADSTS7000215",
        "Set AZURE_CLIENT_SECRET to the value of the client secret, not to its ID",
    ),
    (
        "AADSTS7000222",
        "Create a new client secret and set AZURE_CLIENT_SECRET: the current one has expired",
    ),
    (
        "AADSTS700027",
        "Register a valid certificate with the application: this one is unknown or has expired",
    ),
    (
        "AADSTS7000229",
        "Run `az ad sp create --id CLIENT-ID`: the application has no service principal in this tenant",
    ),
    (
        "AADSTS70021",
        "Add a federated credential to the application that matches issuer, subject and audience of the token",
    ),
    (
        "AADSTS700213",
        "Add a federated credential to the application that matches the subject of the token",
    ),
    (
        "AADSTS700024",
        "Check the clock of this machine: the assertion is not valid at this time",
    ),
    ("AADSTS70043", "Run `az login` again: the login has expired"),
    (
        "AADSTS700082",
        "Run `az login` again: the login has expired",
    ),
    (
        "AADSTS53003",
        "Ask an administrator of the tenant: a conditional access policy blocks this sign-in",
    ),
    ("Please run 'az login'", "Run `az login`"),
    ("azd auth login", "Run `azd auth login`"),
];

/// Advice on an error of Microsoft Entra with this message.
pub(crate) fn entra(message: &str) -> Option<&'static str> {
    ENTRA
        .iter()
        .find(|(part, _)| {
            message.split_once(part).is_some_and(|(_, rest)| {
                !part.starts_with("AADSTS") || !rest.starts_with(|c: char| c.is_ascii_digit())
            })
        })
        .map(|(_, advice)| *advice)
}

fn not_logged_in(error: &ErrorReport) -> String {
    if let Some(advice) = entra(&error.message) {
        return advice.to_owned();
    }
    if error.has_code("InvalidAuthenticationTokenTenant") {
        return "Run `az login --tenant TENANT`, or set AZURE_TENANT_ID: the login is for another tenant than the \
                subscription"
            .to_owned();
    }
    LOG_IN.to_owned()
}

fn policy_denied(policies: &[String]) -> String {
    let policies = match policies {
        [] => "the policy".to_owned(),
        names => names.join(", "),
    };
    format!("Change the spec to comply with {policies}, or ask for an exemption")
}

fn throttled(error: &ErrorReport) -> String {
    let when = match error.retry_after {
        Some(pause) => format!("in {} s", pause.as_secs()),
        None => "in a few minutes".to_owned(),
    };
    format!("Run the command again {when}: Azure limits the rate of requests")
}

/// The scope at which a role is assigned: for a role assignment, a lock or the like, the scope that contains it.
fn assignable_scope(scope: &str) -> &str {
    let extension = format!("/providers/{AUTHORIZATION_PROVIDER}/");
    match scope.to_ascii_lowercase().find(&extension) {
        Some(at) if at > 0 => &scope[..at],
        _ => scope,
    }
}

fn forbidden(action: Option<&str>, scope: Option<&str>) -> String {
    let in_provider = |action: &str, parent: &str| {
        action
            .strip_prefix(parent)
            .is_some_and(|rest| rest.starts_with('/'))
    };
    let role = match action.map(str::to_ascii_lowercase) {
        Some(action) if in_provider(&action, ROLE_ASSIGNMENTS) => {
            "Role Based Access Control Administrator"
        }
        Some(action) if in_provider(&action, AUTHORIZATION_PROVIDER) => {
            "Owner or User Access Administrator"
        }
        Some(action) if action.ends_with("/read") => "Reader",
        _ => "Contributor",
    };
    let scope = scope.map_or("the scope", assignable_scope);
    format!(
        "Assign a role with this permission, such as {role} on {scope}. A new role assignment can take ten minutes to \
         take effect"
    )
}

/// Advice on single codes. `NAMESPACE` stands for the namespace that the message quotes.
pub(super) const BY_CODE: &[(&[&str], &str)] = &[
    (
        &["MissingSubscriptionRegistration"],
        "Run `az provider register --namespace NAMESPACE`",
    ),
    (
        &["SubscriptionNotFound", "InvalidSubscriptionId"],
        "Check the subscription id, and that the login is for the tenant and cloud of the subscription",
    ),
    (
        &["PrincipalNotFound"],
        "Check the principal id: the tenant of the subscription has no such object",
    ),
    (
        &[
            "LocationNotAvailableForResourceGroup",
            "LocationNotAvailableForResourceType",
            "RequestDisallowedByAzure",
        ],
        "Choose another location",
    ),
    (
        &["InvalidResourceLocation", "InvalidResourceGroupLocation"],
        "Set the existing location in the spec: the resource exists, and its location cannot change",
    ),
    (&["SkuNotAvailable"], "Choose another SKU or location"),
    (
        &["QuotaExceeded", "RoleAssignmentLimitExceeded"],
        "Request a higher quota from Azure, or delete resources that you do not need",
    ),
    (
        &["ReadOnlyDisabledSubscription", "SubscriptionNotActive"],
        "Check the billing of the subscription: it is disabled",
    ),
    (
        &["NoRegisteredProviderFound", "InvalidApiVersionParameter"],
        "Choose an api-version and location that the resource type supports: the message lists them",
    ),
    (
        &[
            "AccessPolicyNotConfiguredForKeyVault",
            "AzureKeyVaultMissingPermissions",
            "KeyVaultAccessForbidden",
            "KeyVaultAuthenticationFailure",
            "UserErrorCMKKeyVaultAuthFailure",
        ],
        "Give the identity that reads the key a role on the vault, such as Key Vault Crypto Service Encryption User, and \
         check the firewall of the vault",
    ),
    (
        &["RoleScopeBeingRemovedContainsAssignments"],
        "Delete the role assignments at the scope that the message names, or keep it in `assignableScopes`",
    ),
    (
        &["CannotDeleteResource"],
        "Delete the nested resources first: the message names some of them",
    ),
    (
        &[
            "InUseSubnetCannotBeDeleted",
            "PublicIPAddressCannotBeDeleted",
        ],
        "Delete the dependent resource first: the message names it",
    ),
];

fn by_code(error: &ErrorReport) -> Option<String> {
    let code = error.code.as_deref()?;
    let (_, advice) = BY_CODE.iter().find(|(codes, _)| codes.contains(&code))?;
    let namespace = error.message.split('\'').nth(1).unwrap_or("NAMESPACE");
    Some(advice.replace("NAMESPACE", namespace))
}
