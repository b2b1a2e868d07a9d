//! The checks of `lazuli doctor`: login, Azure, clock, subscriptions, permissions, resource providers.

use std::time::{Duration, SystemTime};

use lazuli_arm::{ArmError, Caller, Client, ignore_waits};
use lazuli_core::{facts::PermissionPurpose, permissions::allows};
use lazuli_handlers::REGISTRY;
use serde_json::Value as Json;

use crate::{
    connection::Session,
    render::doctor::{
        Check,
        CheckStatus::{self, Fail, Ok as Well, Warn},
    },
};

const SUBSCRIPTIONS_API: &str = "2022-12-01";
const PROVIDERS_API: &str = "2021-04-01";
const AUTHORIZATION_API: &str = "2022-04-01";
/// Microsoft Entra ID rejects assertions beyond this clock skew (Microsoft docs "Access token claims": validators allow
/// for five minutes).
const SKEW_REJECTED: Duration = Duration::from_secs(5 * 60);
const SKEW_REPORTED: Duration = Duration::from_secs(60);
/// A token that expires sooner is a warning: a login by `az` may have to be renewed.
const EXPIRES_SOON: Duration = Duration::from_secs(5 * 60);
/// The number of visible subscriptions that are checked if none is given.
const MAX_SUBSCRIPTIONS: usize = 5;

/// Runs all checks. `subscriptions` are checked; without any, those that are visible.
pub(crate) async fn run_checks(session: &Session, subscriptions: &[String]) -> Vec<Check> {
    let client = &session.client;
    let caller = match client.log_in().await {
        Ok(caller) => caller,
        Err(why) => return vec![not_logged_in(&why)],
    };
    let method = session.login.method().await;
    let mut found = vec![logged_in(&caller, method, (session.now)())];
    let listed = match client
        .get_with_date("/subscriptions", SUBSCRIPTIONS_API)
        .await
    {
        Ok(listed) => listed,
        Err(error) => {
            found.push(failed(Fail, "azure", &error));
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
            "{} responds, and shows {}",
            session.place,
            crate::render::pluralize(visible.len(), "subscription")
        ),
    ));
    found.push(clock(listed.date, (session.now)()));
    let ids = |subscription: &&Json| subscription["subscriptionId"].as_str().map(str::to_owned);
    let mut wanted = subscriptions.to_vec();
    if wanted.is_empty() {
        wanted.extend(visible.iter().take(MAX_SUBSCRIPTIONS).filter_map(ids));
    }
    if wanted.is_empty() {
        found.push(
            Check::new(Fail, "subscription", "none is given, and none is visible")
                .help("pass --subscription; the caller needs a role on it, at least Reader"),
        );
    }
    for id in wanted {
        found.extend(check_subscription(client, &id, &caller).await);
    }
    found
}

fn not_logged_in(why: &str) -> Check {
    Check::new(Fail, "login", why)
        .help("run 'az login', or pass --auth METHOD -v to see why a method fails")
}

fn logged_in(caller: &Caller, method: Option<&str>, now: SystemTime) -> Check {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "unknown".to_owned());
    let left = caller
        .expires_at
        .map(|ends| ends.duration_since(now).unwrap_or(Duration::ZERO));
    let ends = match left {
        Some(left) => format!("token expires in {} min", left.as_secs() / 60),
        None => "token expiry is unknown".to_owned(),
    };
    let says = format!(
        "by {}, as {}\nobject id {}\ntenant {}\n{ends}",
        method.unwrap_or("another method"),
        text(&caller.name),
        text(&caller.object_id),
        text(&caller.tenant),
    );
    match left.is_some_and(|left| left < EXPIRES_SOON) {
        true => Check::new(Warn, "login", says)
            .help("log in again if the login method does not renew tokens"),
        false => Check::new(Well, "login", says),
    }
}

/// Compares the clock of this machine with Azure's.
fn clock(azure: Option<SystemTime>, here: SystemTime) -> Check {
    let Some(azure) = azure else {
        return Check::new(Warn, "clock", "the response has no date to compare with");
    };
    let (skew, which) = match here.duration_since(azure) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(behind) => (behind.duration(), "behind"),
    };
    let says = format!("{} s {which} Azure's", skew.as_secs());
    let mark = match skew {
        skew if skew > SKEW_REJECTED => Fail,
        skew if skew > SKEW_REPORTED => Warn,
        _ => return Check::new(Well, "clock", "in sync with Azure's"),
    };
    Check::new(mark, "clock", says)
        .help("synchronize it with a time server: beyond 5 min, logins and tokens are rejected")
}

/// Checks one subscription; if it is not visible, only that.
async fn check_subscription(client: &Client, id: &str, caller: &Caller) -> Vec<Check> {
    let path = format!("/subscriptions/{id}");
    let subscription = match client.get(&path, SUBSCRIPTIONS_API, &ignore_waits).await {
        found if is_absent(&found) => {
            let says = format!("{id} does not exist or is not visible");
            let help =
                "check the GUID and the tenant; the caller needs a role on it, at least Reader";
            return vec![Check::new(Fail, "subscription", says).help(help)];
        }
        Ok(found) => found.unwrap_or(Json::Null),
        Err(error) => return vec![failed(Fail, "subscription", &error)],
    };
    let name = subscription["displayName"].as_str().unwrap_or("unnamed");
    let state = subscription["state"]
        .as_str()
        .unwrap_or("in an unknown state");
    let says = format!("{name} ({id})");
    let mut found = vec![match state {
        "Enabled" => Check::new(Well, "subscription", says),
        state => Check::new(Warn, "subscription", format!("{says} is {state}"))
            .help("it is read-only until it is enabled again"),
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

/// What lazuli typically does, and the permissions for it.
struct Task {
    what: &'static str,
    /// What does not work without the permissions.
    lacking: &'static str,
    mark: CheckStatus,
    /// The purpose of the required permissions.
    purpose: PermissionPurpose,
    /// A role with the permissions.
    role: &'static str,
}

const TASKS: [Task; 4] = [
    Task {
        what: "read",
        lacking: "plan cannot read all resources",
        mark: Fail,
        purpose: PermissionPurpose::Read,
        role: "Reader",
    },
    Task {
        what: "write",
        lacking: "apply cannot create, update or delete resources",
        mark: Warn,
        purpose: PermissionPurpose::Write,
        role: "Contributor",
    },
    Task {
        what: "grants",
        lacking: "apply cannot assign roles",
        mark: Warn,
        purpose: PermissionPurpose::AssignRoles,
        role: "Role Based Access Control Administrator",
    },
    Task {
        what: "locks",
        lacking: "apply cannot create locks and custom roles",
        mark: Warn,
        purpose: PermissionPurpose::ManageLocks,
        role: "User Access Administrator",
    },
];

async fn check_permissions(client: &Client, subscription: &str, caller: &Caller) -> Vec<Check> {
    let path = format!("{subscription}/providers/Microsoft.Authorization/permissions");
    let permissions = match client
        .list_all(&path, AUTHORIZATION_API, &[], &ignore_waits)
        .await
    {
        Ok(permissions) => Json::from(permissions),
        Err(error) => return vec![failed(Warn, "permissions", &error)],
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
        return Check::new(Well, task.what, "allowed on the whole subscription");
    }
    let says = format!(
        "not on the whole subscription: {} without\n  {}",
        task.lacking,
        missing.join("\n  ")
    );
    let help = format!(
        "assign the role {} to {who}, here or on a resource group",
        task.role
    );
    Check::new(task.mark, task.what, says).help(help)
}

/// Checks the resource providers of all kinds that Azure still offers.
async fn check_providers(client: &Client, subscription: &str) -> Check {
    let namespaces = REGISTRY.provider_namespaces();
    let mut missing = Vec::new();
    for namespace in &namespaces {
        let path = format!("{subscription}/providers/{namespace}");
        match client.get(&path, PROVIDERS_API, &ignore_waits).await {
            Ok(Some(provider)) if provider["registrationState"] == "Registered" => {}
            Ok(_) => missing.push(*namespace),
            Err(error) => return failed(Warn, "providers", &error),
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
    let says = format!("not registered: {}", missing.join(", "));
    Check::new(Warn, "providers", says)
        .help("run 'lazuli apply --register-providers' to register those that a plan needs")
}

/// A check that failed with an error.
pub(crate) fn failed(mark: CheckStatus, what: &'static str, error: &ArmError) -> Check {
    let check = Check::new(mark, what, error.to_string());
    match what {
        "azure" => check.help("check --cloud, the network and its proxy, and --ca-file if your company has its own certificates"),
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
        let mark = |here: u64| clock(Some(at(1000)), at(here)).mark;
        assert_eq!([mark(1000), mark(940), mark(1060)], [Well; 3]);
        assert_eq!([mark(939), mark(1300)], [Warn; 2]);
        assert_eq!([mark(699), mark(1301)], [Fail; 2]);
        assert_eq!(clock(None, at(0)).mark, Warn);
        assert_eq!(clock(Some(at(1000)), at(600)).says, "400 s behind Azure's");
    }

    #[test]
    fn token_that_expires_soon_is_a_warning() {
        let mark = |left: u64| {
            let caller = Caller {
                expires_at: Some(at(1000 + left)),
                ..Caller::default()
            };
            logged_in(&caller, Some("Azure CLI"), at(1000)).mark
        };
        assert_eq!((mark(300), mark(299)), (Well, Warn));
    }

    #[test]
    fn missing_permissions_are_listed_with_a_role_that_has_them() {
        let [_, write, grants, _] = &TASKS;
        let contributor =
            json!([{ "actions": ["*"], "notActions": ["Microsoft.Authorization/*/Write"] }]);
        assert_eq!(check_task(write, &contributor, "o").mark, Well);
        let lacking = check_task(grants, &contributor, "o");
        assert_eq!(lacking.mark, Warn);
        assert!(
            lacking
                .says
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
