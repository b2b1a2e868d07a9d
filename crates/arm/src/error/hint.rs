//! What to do next, in one or two plain sentences.

use super::{ErrorKind, ErrorReport, WaitFor};

const LOG_IN: &str =
    "Run `az login`, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET";

/// The advice for an error, where there is any.
pub(super) fn hint(error: &ErrorReport) -> Option<String> {
    match &error.kind {
        ErrorKind::NotLoggedIn => Some(not_logged_in(error)),
        ErrorKind::Forbidden { action, scope, .. } => Some(forbidden(action.as_deref(), scope.as_deref())),
        ErrorKind::PolicyDenied { policies } if policies.is_empty() => {
            Some("Change the spec to comply with the policy, or ask for an exemption".to_owned())
        }
        ErrorKind::PolicyDenied { policies } => Some(format!(
            "Change the spec to comply with {}, or ask for an exemption",
            policies.join(", ")
        )),
        ErrorKind::Locked => Some("A management lock protects this scope: remove the lock, then run again".to_owned()),
        ErrorKind::NameTaken => {
            Some("Choose another name: this one must be unique in all of Azure, and is in use".to_owned())
        }
        ErrorKind::Throttled => Some(match error.retry_after {
            Some(wait) => format!("Azure limits the rate of requests: run again in {} s", wait.as_secs()),
            None => "Azure limits the rate of requests: run again in a few minutes".to_owned(),
        }),
        ErrorKind::Network => {
            Some("Check the connection, DNS, and the proxy settings HTTPS_PROXY and NO_PROXY".to_owned())
        }
        ErrorKind::Tls => Some(
            "Name the CA that signed this certificate with --ca-file FILE or SSL_CERT_FILE, if you trust it".to_owned(),
        ),
        ErrorKind::Timeout | ErrorKind::Unavailable => {
            Some("Run again: what was done is kept, and what is still going on is waited for".to_owned())
        }
        ErrorKind::OperationFailed if error.wait_for == Some(WaitFor::Broken) => {
            Some("Run again: Azure broke it off, and may not the next time".to_owned())
        }
        ErrorKind::Conflict | ErrorKind::Refused | ErrorKind::OperationFailed
            if error.wait_for == Some(WaitFor::Busy) =>
        {
            Some("Another operation is going on there: run again when it has ended".to_owned())
        }
        ErrorKind::Conflict | ErrorKind::Refused | ErrorKind::OperationFailed | ErrorKind::NotFound => by_code(error),
        ErrorKind::Protocol => None,
    }
}

/// Advice on the errors of Microsoft Entra, by what stands in their text: an AADSTS number, or words of a tool.
pub(super) const ENTRA: &[(&str, &str)] = &[
    (
        "AADSTS90002",
        "No such tenant in this cloud: check AZURE_TENANT_ID and --cloud",
    ),
    (
        "AADSTS900023",
        "AZURE_TENANT_ID is neither a GUID nor a domain of a tenant",
    ),
    (
        "AADSTS50020",
        "This account is not a member of the tenant: run `az login --tenant TENANT`",
    ),
    (
        "AADSTS50076",
        "Multi-factor authentication is required: run `az login` again",
    ),
    (
        "AADSTS50079",
        "Multi-factor authentication is required: run `az login` again",
    ),
    (
        "AADSTS50158",
        "The tenant asks for a further sign-in step: run `az login --tenant TENANT`",
    ),
    (
        "AADSTS700016",
        "The application is not in this tenant: check AZURE_CLIENT_ID and AZURE_TENANT_ID",
    ),
    (
        "AADSTS7000215",
        "The client secret is wrong: AZURE_CLIENT_SECRET must be the secret's value, not its ID",
    ),
    (
        "AADSTS7000222",
        "The client secret has expired: make a new one and set AZURE_CLIENT_SECRET",
    ),
    (
        "AADSTS700027",
        "The certificate is not registered with the application, or has expired",
    ),
    (
        "AADSTS7000229",
        "The application has no service principal in this tenant: run `az ad sp create --id CLIENT-ID`",
    ),
    (
        "AADSTS70021",
        "No federated credential of the application matches issuer, subject and audience of the token",
    ),
    (
        "AADSTS700213",
        "No federated credential of the application matches the subject of the token",
    ),
    (
        "AADSTS700024",
        "The assertion is not valid at this time: check the clock of this machine",
    ),
    ("AADSTS70043", "The login has expired: run `az login` again"),
    (
        "AADSTS700082",
        "The login has expired: run `az login` again",
    ),
    (
        "AADSTS53003",
        "A conditional access policy of the tenant blocks this sign-in",
    ),
    ("Please run 'az login'", "Run `az login`"),
    ("azd auth login", "Run `azd auth login`"),
];

/// Advice on the errors of Microsoft Entra.
pub(crate) fn entra(message: &str) -> Option<&'static str> {
    ENTRA
        .iter()
        .find(|(mark, _)| {
            message.split_once(mark).is_some_and(|(_, rest)| {
                !mark.starts_with("AADSTS") || !rest.starts_with(|c: char| c.is_ascii_digit())
            })
        })
        .map(|(_, advice)| *advice)
}

fn not_logged_in(error: &ErrorReport) -> String {
    if let Some(advice) = entra(&error.message) {
        return advice.to_owned();
    }
    if error.has_code("InvalidAuthenticationTokenTenant") {
        return "The login is for another tenant than the subscription's: run `az login --tenant TENANT`, or set \
                AZURE_TENANT_ID"
            .to_owned();
    }
    LOG_IN.to_owned()
}

/// The scope on which a role would be granted: for an assignment, a lock or the like, what it is on.
fn granted_on(scope: &str) -> &str {
    let extension = "/providers/microsoft.authorization/";
    match scope.to_ascii_lowercase().find(extension) {
        Some(at) if at > 0 => &scope[..at],
        _ => scope,
    }
}

fn forbidden(action: Option<&str>, scope: Option<&str>) -> String {
    let role = match action.map(str::to_ascii_lowercase) {
        Some(action) if action.starts_with("microsoft.authorization/roleassignments/") => {
            "Role Based Access Control Administrator"
        }
        Some(action) if action.starts_with("microsoft.authorization/") => {
            "Owner or User Access Administrator"
        }
        Some(action) if action.ends_with("/read") => "Reader",
        _ => "Contributor",
    };
    let scope = scope.map_or("the scope", granted_on);
    format!(
        "A role with this right is needed, such as {role} on {scope}. A fresh grant can take ten minutes to work"
    )
}

/// Advice on single codes. `NAMESPACE` is the one that the message quotes.
pub(super) const BY_CODE: &[(&[&str], &str)] = &[
    (
        &["MissingSubscriptionRegistration"],
        "Run `az provider register --namespace NAMESPACE`",
    ),
    (
        &["SubscriptionNotFound", "InvalidSubscriptionId"],
        "Check the subscription id, and that the login is for its tenant and cloud",
    ),
    (
        &["PrincipalNotFound"],
        "Check the principal id: it is not an object of the subscription's tenant",
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
        "It exists in another location, which cannot be changed: set that location in the spec, or delete it first",
    ),
    (&["SkuNotAvailable"], "Choose another SKU or location"),
    (
        &["QuotaExceeded", "RoleAssignmentLimitExceeded"],
        "Ask Azure for a higher limit, or remove what is not needed",
    ),
    (
        &["ReadOnlyDisabledSubscription", "SubscriptionNotActive"],
        "The subscription is disabled: check its billing",
    ),
    (
        &["NoRegisteredProviderFound", "InvalidApiVersionParameter"],
        "Choose an api-version and location that the resource type has; the message lists them",
    ),
    (
        &["CannotDeleteResource"],
        "Delete what is nested in it first; the message names some",
    ),
    (
        &[
            "InUseSubnetCannotBeDeleted",
            "PublicIPAddressCannotBeDeleted",
        ],
        "Delete what uses it first; the message names it",
    ),
];

fn by_code(error: &ErrorReport) -> Option<String> {
    let code = error.code.as_deref()?;
    let (_, advice) = BY_CODE.iter().find(|(codes, _)| codes.contains(&code))?;
    let namespace = error.message.split('\'').nth(1).unwrap_or("NAMESPACE");
    Some(advice.replace("NAMESPACE", namespace))
}
