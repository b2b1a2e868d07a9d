//! The checks of `lazuli doctor`: login, Azure, clock, subscriptions, permissions, resource providers.

use std::time::{Duration, SystemTime};

use lazuli_arm::{ArmError, Caller, Client, ignore_waits};
use lazuli_core::{
    arm::types::{PERMISSIONS, PROVIDERS_VERSION, SUBSCRIPTION},
    facts::PermissionPurpose,
    permissions::allows,
};
use lazuli_handlers::REGISTRY;
use serde_json::Value as Json;

use crate::{
    connection::Session,
    render::doctor::{
        Check,
        CheckStatus::{self, Fail, Ok as Well, Warn},
    },
};

/// Microsoft Entra ID rejects assertions beyond this clock skew (Microsoft docs "Access token claims": validators allow
/// for five minutes).
const SKEW_REJECTED: Duration = Duration::from_secs(5 * 60);
const SKEW_REPORTED: Duration = Duration::from_secs(60);
/// A token that expires sooner is a warning: a login by `az` may have to be renewed.
const EXPIRES_SOON: Duration = Duration::from_secs(5 * 60);
/// The number of visible subscriptions to check without `--subscription`.
const MAX_SUBSCRIPTIONS: usize = 5;

/// Runs all checks. Without `subscriptions`, the first visible ones are checked.
pub(crate) async fn run_checks(session: &Session, subscriptions: &[String]) -> Vec<Check> {
    let client = &session.client;
    let caller = match client.log_in().await {
        Ok(caller) => caller,
        Err(why) => return vec![report_failed_login(&why)],
    };
    let method = session.login.method().await;
    let mut found = vec![check_login(&caller, method, (session.now)())];
    let listed = match client
        .get_with_date("/subscriptions", &SUBSCRIPTION.api_version)
        .await
    {
        Ok(listed) => listed,
        Err(error) => {
            found.push(report_error(Fail, "azure", &error));
            return found;
        }
    };
    let visible: Vec<&Json> = listed.body["value"]
        .as_array()
        .into_iter()
        .flatten()
        .collect();
    found.push(Check::new(
        Well,
        "azure",
        format!(
            "{} responds; {} visible",
            session.place,
            crate::render::pluralize(visible.len(), "subscription")
        ),
    ));
    found.push(check_clock(listed.date, (session.now)()));
    let ids = |subscription: &&Json| subscription["subscriptionId"].as_str().map(str::to_owned);
    let mut checked = subscriptions.to_vec();
    if checked.is_empty() {
        checked.extend(visible.iter().take(MAX_SUBSCRIPTIONS).filter_map(ids));
    }
    if checked.is_empty() {
        found.push(
            Check::new(Fail, "subscription", "no subscription is visible to the caller")
                .help("assign the caller a role on a subscription, at least Reader, or check the tenant of the login"),
        );
    }
    for id in checked {
        found.extend(check_subscription(client, &id, &caller).await);
    }
    found
}

fn report_failed_login(why: &str) -> Check {
    Check::new(Fail, "login", why)
        .help("run 'az login', or pass --auth METHOD -v to see why a login method fails")
}

fn check_login(caller: &Caller, method: Option<&str>, now: SystemTime) -> Check {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "unknown".to_owned());
    let left = caller
        .expires_at
        .map(|ends| ends.duration_since(now).unwrap_or(Duration::ZERO));
    let ends = match left {
        Some(left) => format!("token expires in {} min", left.as_secs() / 60),
        None => "token expiry is unknown".to_owned(),
    };
    let message = format!(
        "logged in with {} as {}\nobject id {}\ntenant {}\n{ends}",
        method.unwrap_or("an unknown method"),
        text(&caller.name),
        text(&caller.object_id),
        text(&caller.tenant),
    );
    match left.is_some_and(|left| left < EXPIRES_SOON) {
        true => Check::new(Warn, "login", message)
            .help("log in again, unless the login method renews tokens"),
        false => Check::new(Well, "login", message),
    }
}

/// Compares the clock of this machine with Azure's.
fn check_clock(azure: Option<SystemTime>, here: SystemTime) -> Check {
    let Some(azure) = azure else {
        return Check::new(
            Warn,
            "clock",
            "the response of Azure has no date, so the clock cannot be checked",
        );
    };
    let (skew, which) = match here.duration_since(azure) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(behind) => (behind.duration(), "behind"),
    };
    let message = format!("{} s {which} the clock of Azure", skew.as_secs());
    let status = match skew {
        skew if skew > SKEW_REJECTED => Fail,
        skew if skew > SKEW_REPORTED => Warn,
        _ => return Check::new(Well, "clock", "in sync with Azure"),
    };
    Check::new(status, "clock", message)
        .help("synchronize the clock of this machine with a time server: Azure rejects logins and tokens if it is more than 5 min off")
}

/// Checks one subscription; if it is not visible, only that.
async fn check_subscription(client: &Client, id: &str, caller: &Caller) -> Vec<Check> {
    let path = format!("/subscriptions/{id}");
    let subscription = match client
        .get(&path, &SUBSCRIPTION.api_version, &ignore_waits)
        .await
    {
        found if is_absent(&found) => {
            let message = format!("{id} does not exist or is not visible");
            let help = "check the GUID and the tenant, and assign the caller a role on it, at least Reader";
            return vec![Check::new(Fail, "subscription", message).help(help)];
        }
        Ok(found) => found.unwrap_or(Json::Null),
        Err(error) => return vec![report_error(Fail, "subscription", &error)],
    };
    let name = subscription["displayName"].as_str().unwrap_or("unnamed");
    let state = subscription["state"]
        .as_str()
        .unwrap_or("in an unknown state");
    let message = format!("{name} ({id})");
    let mut found = vec![match state {
        "Enabled" => Check::new(Well, "subscription", message),
        state => Check::new(Warn, "subscription", format!("{message} is {state}"))
            .help("enable it in the Azure portal: until then it is read-only"),
    }];
    found.extend(check_permissions(client, &path, caller).await);
    found.push(check_providers(client, &path).await);
    found
}

/// Whether a subscription does not exist. Azure reports that in several ways.
fn is_absent(found: &Result<Option<Json>, ArmError>) -> bool {
    match found {
        Ok(found) => found.is_none(),
        Err(error) => matches!(
            error.code.as_deref(),
            Some("SubscriptionNotFound" | "InvalidSubscriptionId")
        ),
    }
}

/// A typical task of lazuli, and the permissions for it.
struct Task {
    name: &'static str,
    /// What fails without the permissions.
    lacking: &'static str,
    status: CheckStatus,
    /// The purpose of the required permissions.
    purpose: PermissionPurpose,
    /// A role with the permissions.
    role: &'static str,
}

const TASKS: [Task; 4] = [
    Task {
        name: "read",
        lacking: "plan cannot read all resources",
        status: Fail,
        purpose: PermissionPurpose::Read,
        role: "Reader",
    },
    Task {
        name: "write",
        lacking: "apply cannot create, update or delete resources",
        status: Warn,
        purpose: PermissionPurpose::Write,
        role: "Contributor",
    },
    Task {
        name: "grants",
        lacking: "apply cannot assign roles",
        status: Warn,
        purpose: PermissionPurpose::AssignRoles,
        role: "Role Based Access Control Administrator",
    },
    Task {
        name: "locks",
        lacking: "apply cannot create locks and custom roles",
        status: Warn,
        purpose: PermissionPurpose::ManageLocks,
        role: "User Access Administrator",
    },
];

async fn check_permissions(client: &Client, subscription: &str, caller: &Caller) -> Vec<Check> {
    let path = format!("{subscription}/providers/{}", PERMISSIONS.name);
    let permissions = match client
        .list_all(&path, &PERMISSIONS.api_version, &[], &ignore_waits)
        .await
    {
        Ok(permissions) => Json::from(permissions),
        Err(error) => return vec![report_error(Warn, "permissions", &error)],
    };
    let who = caller.object_id.as_deref().unwrap_or("the caller");
    TASKS
        .iter()
        .map(|task| check_task(task, &permissions, who))
        .collect()
}

fn check_task(task: &Task, permissions: &Json, who: &str) -> Check {
    let missing: Vec<&str> = REGISTRY
        .permissions(task.purpose)
        .filter(|action| !allows(permissions, action))
        .collect();
    if missing.is_empty() {
        return Check::new(Well, task.name, "allowed on the whole subscription");
    }
    let message = format!(
        "not allowed on the whole subscription: {} without\n  {}",
        task.lacking,
        missing.join("\n  ")
    );
    let help = format!(
        "assign the role {} to {who}, on the subscription or on a resource group",
        task.role
    );
    Check::new(task.status, task.name, message).help(help)
}

/// Checks the resource providers of all kinds that Azure still offers.
async fn check_providers(client: &Client, subscription: &str) -> Check {
    let namespaces = REGISTRY.provider_namespaces();
    let mut missing = Vec::new();
    for namespace in &namespaces {
        let path = format!("{subscription}/providers/{namespace}");
        match client.get(&path, PROVIDERS_VERSION, &ignore_waits).await {
            Ok(Some(provider)) if provider["registrationState"] == "Registered" => {}
            Ok(_) => missing.push(*namespace),
            Err(error) => return report_error(Warn, "providers", &error),
        }
    }
    let names: Vec<&str> = namespaces.into_iter().collect();
    if missing.is_empty() {
        return Check::new(
            Well,
            "providers",
            format!("registered: {}", names.join(", ")),
        );
    }
    let message = format!("not registered: {}", missing.join(", "));
    Check::new(Warn, "providers", message)
        .help("run 'lazuli apply --register-providers' to register the providers that a plan needs")
}

/// A check that failed with an error.
pub(crate) fn report_error(status: CheckStatus, name: &'static str, error: &ArmError) -> Check {
    let check = Check::new(status, name, error.to_string());
    match name {
        "azure" => check.help("check --cloud, the network, the proxy, and --ca-file if your network uses a private certificate authority"),
        _ => check,
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use serde_json::json;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn clock_warns_beyond_one_minute_and_fails_beyond_five() {
        let status = |here: u64| check_clock(Some(at(1000)), at(here)).status;
        assert_eq!([status(1000), status(940), status(1060)], [Well; 3]);
        assert_eq!([status(939), status(1300)], [Warn; 2]);
        assert_eq!([status(699), status(1301)], [Fail; 2]);
        assert_eq!(check_clock(None, at(0)).status, Warn);
        assert_eq!(
            check_clock(Some(at(1000)), at(600)).message,
            "400 s behind the clock of Azure"
        );
    }

    #[test]
    fn token_that_expires_soon_is_a_warning() {
        let status = |left: u64| {
            let caller = Caller {
                expires_at: Some(at(1000 + left)),
                ..Caller::default()
            };
            check_login(&caller, Some("Azure CLI"), at(1000)).status
        };
        assert_eq!((status(300), status(299)), (Well, Warn));
    }

    #[test]
    fn missing_permissions_are_listed_with_a_role_that_has_them() {
        let [_, write, grants, _] = &TASKS;
        let contributor =
            json!([{ "actions": ["*"], "notActions": ["Microsoft.Authorization/*/Write"] }]);
        assert_eq!(check_task(write, &contributor, "o").status, Well);
        let lacking = check_task(grants, &contributor, "o");
        assert_eq!(lacking.status, Warn);
        assert!(
            lacking
                .message
                .ends_with("without\n  Microsoft.Authorization/roleAssignments/write")
        );
        assert!(
            lacking
                .help
                .unwrap()
                .contains("Role Based Access Control Administrator to o")
        );
    }
}
