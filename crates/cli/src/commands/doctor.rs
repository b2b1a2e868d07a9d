//! `lazuli doctor`: whether lazuli can work here: login, Azure, clocks, subscriptions, rights, resource providers. Sends
//! reads only.

use std::time::{Duration, SystemTime};

use lazuli_arm::{ArmError, Caller, Client, Quiet};
use lazuli_core::{facts::PermissionPurpose, permissions::allows};
use lazuli_handlers::REGISTRY;
use serde_json::Value as Json;

use crate::{
    args::Doctor,
    connection::{Connection, Session},
    error::{CommandError, Success},
    render::doctor::{
        Check,
        CheckStatus::{self, Fail, Ok as Well, Warn},
        checks,
    },
    terminal::{Terminal, answer},
};

const SUBSCRIPTIONS_API: &str = "2022-12-01";
const PROVIDERS_API: &str = "2021-04-01";
const AUTHORIZATION_API: &str = "2022-04-01";
/// Microsoft Entra ID refuses assertions of clocks that differ by more (Microsoft docs "Access token claims": validators
/// allow for five minutes).
const SKEW_REFUSED: Duration = Duration::from_secs(5 * 60);
const SKEW_NOTICED: Duration = Duration::from_secs(60);
/// A token that ends sooner is told: a login by `az` may have to be renewed.
const ENDS_SOON: Duration = Duration::from_secs(5 * 60);
/// Of the subscriptions that can be seen, so many are looked at where none is named.
const MOST: usize = 5;

pub(super) fn run(args: &Doctor, terminal: &Terminal) -> Result<Success, CommandError> {
    let connection = Connection::new(&args.azure, std::slice::from_ref(&args.path))?;
    let found = connection.runtime()?.block_on(async {
        match connection.open().await {
            Ok(session) => Ok(examine(args, &connection, &session).await),
            Err(CommandError::Azure(refusals)) => Ok(refusals
                .iter()
                .map(|refusal| refused(Fail, "azure", &refusal.error))
                .collect()),
            Err(other) => Err(other),
        }
    })?;
    answer(&checks(&found, &terminal.out))?;
    match found.iter().any(|check| check.mark == Fail) {
        true => Err(CommandError::Incomplete),
        false => Ok(Success::Done),
    }
}

async fn examine(args: &Doctor, connection: &Connection, session: &Session) -> Vec<Check> {
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
            found.push(refused(Fail, "azure", &error));
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
            "{} answers, and shows {}",
            session.place,
            crate::render::count(visible.len(), "subscription")
        ),
    ));
    found.push(clock(listed.date, (session.now)()));
    let ids = |subscription: &&Json| subscription["subscriptionId"].as_str().map(str::to_owned);
    let mut wanted = args.subscriptions.clone();
    if wanted.is_empty() {
        wanted.extend(connection.default_subscription());
    }
    if wanted.is_empty() {
        wanted.extend(visible.iter().take(MOST).filter_map(ids));
    }
    if wanted.is_empty() {
        found.push(
            Check::new(Fail, "subscription", "none is named, and none can be seen").help(
                "name one by --subscription; who is logged in needs a role on it, Reader at least",
            ),
        );
    }
    for id in wanted {
        found.extend(of_subscription(client, &id, &caller).await);
    }
    found
}

fn not_logged_in(why: &str) -> Check {
    Check::new(Fail, "login", why)
        .help("az login on your own machine; --auth METHOD -v says more of one way to log in")
}

fn logged_in(caller: &Caller, method: Option<&str>, now: SystemTime) -> Check {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "unknown".to_owned());
    let left = caller
        .expires_at
        .map(|ends| ends.duration_since(now).unwrap_or_default());
    let ends = match left {
        Some(left) => format!("its token ends in {} min", left.as_secs() / 60),
        None => "when its token ends is unknown".to_owned(),
    };
    let says = format!(
        "by {}, as {}\nobject id {}\ntenant {}\n{ends}",
        method.unwrap_or("a way of its own"),
        text(&caller.name),
        text(&caller.object_id),
        text(&caller.tenant),
    );
    match left.is_some_and(|left| left < ENDS_SOON) {
        true => Check::new(Warn, "login", says)
            .help("it is renewed where the way to log in can do so; if not, log in again"),
        false => Check::new(Well, "login", says),
    }
}

/// The clock of this machine against Azure's.
fn clock(azure: Option<SystemTime>, here: SystemTime) -> Check {
    let Some(azure) = azure else {
        return Check::new(
            Warn,
            "clock",
            "Azure's answer does not say what time it is there",
        );
    };
    let (skew, which) = match here.duration_since(azure) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(behind) => (behind.duration(), "behind"),
    };
    let says = format!("{} s {which} Azure's", skew.as_secs());
    let mark = match skew {
        skew if skew > SKEW_REFUSED => Fail,
        skew if skew > SKEW_NOTICED => Warn,
        _ => return Check::new(Well, "clock", "as Azure's"),
    };
    Check::new(mark, "clock", says)
        .help("set it by a time server: beyond 5 min logins and tokens are refused")
}

/// Everything about one subscription; nothing more of one that cannot be seen.
async fn of_subscription(client: &Client, id: &str, caller: &Caller) -> Vec<Check> {
    let path = format!("/subscriptions/{id}");
    let subscription = match client.get(&path, SUBSCRIPTIONS_API, &Quiet).await {
        found if is_absent(&found) => {
            let says = format!("{id} is not there, or may not be seen");
            let help = "look at the GUID and the tenant, and for a role on it: Reader at least";
            return vec![Check::new(Fail, "subscription", says).help(help)];
        }
        Ok(found) => found.unwrap_or_default(),
        Err(error) => return vec![refused(Fail, "subscription", &error)],
    };
    let name = subscription["displayName"].as_str().unwrap_or_default();
    let state = subscription["state"].as_str().unwrap_or_default();
    let says = format!("{name} ({id})");
    let mut found = vec![match state {
        "Enabled" => Check::new(Well, "subscription", says),
        state => Check::new(Warn, "subscription", format!("{says} is {state}"))
            .help("nothing can be written to it until it is enabled again"),
    }];
    found.extend(rights(client, &path, caller).await);
    found.push(providers(client, &path).await);
    found
}

/// Azure says of a subscription in more than one way that it is not there.
fn is_absent(found: &Result<Option<Json>, ArmError>) -> bool {
    match found {
        Ok(found) => found.is_none(),
        Err(error) => matches!(
            error.code.as_deref(),
            Some("SubscriptionNotFound" | "InvalidSubscriptionId")
        ),
    }
}

/// What lazuli typically does, and what it takes.
struct Use {
    what: &'static str,
    /// What becomes of it without.
    lacking: &'static str,
    mark: CheckStatus,
    /// The purpose of the permissions that are needed.
    purpose: PermissionPurpose,
    role: &'static str,
}

const USES: [Use; 4] = [
    Use {
        what: "read",
        lacking: "plan cannot look at everything",
        mark: Fail,
        purpose: PermissionPurpose::Read,
        role: "Reader",
    },
    Use {
        what: "write",
        lacking: "apply cannot make, change or delete resources",
        mark: Warn,
        purpose: PermissionPurpose::Write,
        role: "Contributor",
    },
    Use {
        what: "grants",
        lacking: "apply cannot give roles",
        mark: Warn,
        purpose: PermissionPurpose::AssignRoles,
        role: "Role Based Access Control Administrator",
    },
    Use {
        what: "locks",
        lacking: "apply cannot make locks and custom roles",
        mark: Warn,
        purpose: PermissionPurpose::ManageLocks,
        role: "User Access Administrator",
    },
];

async fn rights(client: &Client, subscription: &str, caller: &Caller) -> Vec<Check> {
    let path = format!("{subscription}/providers/Microsoft.Authorization/permissions");
    let permissions = match client.list_all(&path, AUTHORIZATION_API, &[], &Quiet).await {
        Ok(permissions) => Json::from(permissions),
        Err(error) => return vec![refused(Warn, "rights", &error)],
    };
    let who = caller.object_id.as_deref().unwrap_or("who is logged in");
    USES.iter()
        .map(|case| right(case, &permissions, who))
        .collect()
}

fn right(case: &Use, permissions: &Json, who: &str) -> Check {
    let missing: Vec<&str> = REGISTRY
        .permissions(case.purpose)
        .filter(|action| !allows(permissions, action))
        .collect();
    if missing.is_empty() {
        return Check::new(Well, case.what, "allowed on the whole subscription");
    }
    let says = format!(
        "not on the whole subscription: {}, for want of\n  {}",
        case.lacking,
        missing.join("\n  ")
    );
    let help = format!(
        "the role {} for {who} gives it, here or on a resource group",
        case.role
    );
    Check::new(case.mark, case.what, says).help(help)
}

/// The providers of all kinds that Azure still offers.
async fn providers(client: &Client, subscription: &str) -> Check {
    let namespaces = REGISTRY.provider_namespaces();
    let mut missing = Vec::new();
    for namespace in &namespaces {
        let path = format!("{subscription}/providers/{namespace}");
        match client.get(&path, PROVIDERS_API, &Quiet).await {
            Ok(Some(provider)) if provider["registrationState"] == "Registered" => {}
            Ok(_) => missing.push(*namespace),
            Err(error) => return refused(Warn, "providers", &error),
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
        .help("lazuli apply --register-providers registers those that a plan needs")
}

fn refused(mark: CheckStatus, what: &'static str, error: &ArmError) -> Check {
    let check = Check::new(mark, what, error.to_string());
    match what {
        "azure" => check.help("look at --cloud, at the network and its proxy, and at --ca-file where a company's own certificates are in use"),
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
    fn a_clock_is_told_beyond_a_minute_and_fails_beyond_five() {
        let mark = |here: u64| clock(Some(at(1000)), at(here)).mark;
        assert_eq!([mark(1000), mark(940), mark(1060)], [Well; 3]);
        assert_eq!([mark(939), mark(1300)], [Warn; 2]);
        assert_eq!([mark(699), mark(1301)], [Fail; 2]);
        assert_eq!(clock(None, at(0)).mark, Warn);
        assert_eq!(clock(Some(at(1000)), at(600)).says, "400 s behind Azure's");
    }

    #[test]
    fn a_token_that_ends_soon_is_told() {
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
    fn what_is_lacking_is_told_by_its_actions_with_the_role_that_gives_it() {
        let [_, write, grants, _] = &USES;
        let contributor =
            json!([{ "actions": ["*"], "notActions": ["Microsoft.Authorization/*/Write"] }]);
        assert_eq!(right(write, &contributor, "o").mark, Well);
        let lacking = right(grants, &contributor, "o");
        assert_eq!(lacking.mark, Warn);
        assert!(
            lacking
                .says
                .ends_with("for want of\n  Microsoft.Authorization/roleAssignments/write")
        );
        assert!(
            lacking
                .help
                .unwrap()
                .contains("Role Based Access Control Administrator for o")
        );
    }
}
