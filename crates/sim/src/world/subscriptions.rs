//! Subscriptions, tenants, regions, and the registration of resource providers.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::directory::{OTHER_SUBSCRIPTION, SUBSCRIPTION, TENANT};
use super::path::Target;
use super::reply::{ArmError, Reply};
use super::{Call, World, authorization};
use crate::http::Method;

/// The regions, short and long. The list is that of ARM's own message on an unknown region.
const REGIONS: &[(&str, &str)] = &[
    ("centralus", "Central US"),
    ("eastasia", "East Asia"),
    ("southeastasia", "Southeast Asia"),
    ("eastus", "East US"),
    ("eastus2", "East US 2"),
    ("westus", "West US"),
    ("westus2", "West US 2"),
    ("northcentralus", "North Central US"),
    ("southcentralus", "South Central US"),
    ("westcentralus", "West Central US"),
    ("northeurope", "North Europe"),
    ("westeurope", "West Europe"),
    ("japaneast", "Japan East"),
    ("japanwest", "Japan West"),
    ("brazilsouth", "Brazil South"),
    ("australiasoutheast", "Australia Southeast"),
    ("australiaeast", "Australia East"),
    ("westindia", "West India"),
    ("southindia", "South India"),
    ("centralindia", "Central India"),
    ("canadacentral", "Canada Central"),
    ("canadaeast", "Canada East"),
    ("uksouth", "UK South"),
    ("ukwest", "UK West"),
    ("koreacentral", "Korea Central"),
    ("koreasouth", "Korea South"),
    ("francecentral", "France Central"),
    ("southafricanorth", "South Africa North"),
    ("uaenorth", "UAE North"),
    ("australiacentral", "Australia Central"),
    ("switzerlandnorth", "Switzerland North"),
    ("germanywestcentral", "Germany West Central"),
    ("norwayeast", "Norway East"),
    ("swedencentral", "Sweden Central"),
    ("polandcentral", "Poland Central"),
    ("italynorth", "Italy North"),
    ("jioindiawest", "Jio India West"),
    ("westus3", "West US 3"),
    ("australiacentral2", "Australia Central 2"),
];

/// Providers that a new subscription has registered.
const REGISTERED: &[&str] = &[
    "Microsoft.Authorization",
    "Microsoft.Resources",
    "Microsoft.Features",
    "Microsoft.Storage",
    "Microsoft.ManagedIdentity",
    "Microsoft.Media",
    "Microsoft.VideoIndexer",
    "Microsoft.Insights",
    "Microsoft.KeyVault",
    "Microsoft.Network",
    "Microsoft.Compute",
    "Microsoft.Web",
    "Microsoft.OperationalInsights",
    "Microsoft.PolicyInsights",
];

/// Providers that exist and wait to be registered.
const UNREGISTERED: &[&str] = &[
    "Microsoft.AlertsManagement",
    "Microsoft.ApiManagement",
    "Microsoft.App",
    "Microsoft.AppConfiguration",
    "Microsoft.Batch",
    "Microsoft.Cache",
    "Microsoft.Cdn",
    "Microsoft.CognitiveServices",
    "Microsoft.Communication",
    "Microsoft.ContainerInstance",
    "Microsoft.ContainerRegistry",
    "Microsoft.ContainerService",
    "Microsoft.DBforMySQL",
    "Microsoft.DBforPostgreSQL",
    "Microsoft.DataFactory",
    "Microsoft.DataProtection",
    "Microsoft.DatabaseWatcher",
    "Microsoft.Devices",
    "Microsoft.DocumentDB",
    "Microsoft.EventGrid",
    "Microsoft.EventHub",
    "Microsoft.KubernetesConfiguration",
    "Microsoft.Kusto",
    "Microsoft.MachineLearningServices",
    "Microsoft.Monitor",
    "Microsoft.NotificationHubs",
    "Microsoft.Search",
    "Microsoft.ServiceBus",
    "Microsoft.SignalRService",
    "Microsoft.Sql",
    "Microsoft.Synapse",
];

/// How long a registration takes, in milliseconds.
const REGISTRATION: u64 = 10_000;

pub(crate) fn is_region(short: &str) -> bool {
    REGIONS.iter().any(|(name, _)| *name == short)
}

/// The regions in ARM's order, with commas between.
pub(crate) fn region_list() -> String {
    let names: Vec<&str> = REGIONS.iter().map(|(name, _)| *name).collect();
    names.join(",")
}

/// A subscription in the path must be one of the two.
pub(crate) fn exists(target: &Target) -> Result<(), ArmError> {
    match &target.subscription {
        Some(id)
            if ![SUBSCRIPTION, OTHER_SUBSCRIPTION]
                .iter()
                .any(|known| known.eq_ignore_ascii_case(id)) =>
        {
            Err(ArmError::gateway(
                404,
                "SubscriptionNotFound",
                format!("The subscription '{id}' could not be found."),
            ))
        }
        _ => Ok(()),
    }
}

/// Paths at the tenant and at a subscription that name no provider.
pub(crate) fn handle(world: &World, call: &Call<'_>, rest: &[&str]) -> Result<Reply, ArmError> {
    if call.method() != Method::Get {
        return Err(call.not_allowed());
    }
    let body = match (&call.target.subscription, rest) {
        (None, ["subscriptions"]) => {
            let visible = [SUBSCRIPTION, OTHER_SUBSCRIPTION].into_iter().filter(|id| {
                let target = Target::parse(&format!("/subscriptions/{id}"));
                let read = "Microsoft.Resources/subscriptions/read";
                authorization::allows(world, &call.principal, read, &target, call.now)
            });
            list(visible.map(subscription).collect())
        }
        (None, ["tenants"]) => list(vec![json!({
            "id": format!("/tenants/{TENANT}"),
            "tenantId": TENANT,
            "displayName": "Lazuli Simulator",
            "tenantCategory": "Home",
        })]),
        (Some(id), []) => subscription(&id.to_ascii_lowercase()),
        (Some(id), ["locations"]) => list(
            REGIONS
                .iter()
                .map(|(name, long)| {
                    json!({
                        "id": format!("/subscriptions/{id}/locations/{name}"),
                        "name": name,
                        "displayName": long,
                        "regionalDisplayName": long,
                        "type": "Region",
                    })
                })
                .collect(),
        ),
        (Some(id), ["providers"]) => list(
            REGISTERED
                .iter()
                .chain(UNREGISTERED)
                .map(|namespace| describe(world, call, id, namespace))
                .collect(),
        ),
        (None, ["providers"]) => list(
            REGISTERED
                .iter()
                .chain(UNREGISTERED)
                .map(|namespace| json!({ "namespace": namespace, "resourceTypes": [] }))
                .collect(),
        ),
        _ => {
            return Err(ArmError::gateway(
                404,
                "NotFound",
                format!("No resource is at the path '{}'.", call.request.path),
            ));
        }
    };
    Ok(Reply::json(200, body))
}

fn list(value: Vec<Value>) -> Value {
    json!({ "value": value })
}

fn subscription(id: &str) -> Value {
    let name = if id == SUBSCRIPTION {
        "Simulated"
    } else {
        "Simulated, the other one"
    };
    json!({
        "id": format!("/subscriptions/{id}"),
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": id,
        "tenantId": TENANT,
        "displayName": name,
        "state": "Enabled",
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "PayAsYouGo_2014-09-01",
            "spendingLimit": "Off",
        },
    })
}

/// `GET /subscriptions/{s}/providers/{ns}`.
pub(crate) fn provider(world: &World, call: &Call<'_>) -> Result<Reply, ArmError> {
    let (namespace, subscription) = known(call)?;
    if call.method() != Method::Get {
        return Err(call.not_allowed());
    }
    Ok(Reply::json(
        200,
        describe(world, call, subscription, namespace),
    ))
}

/// `POST /subscriptions/{s}/providers/{ns}/register`.
pub(crate) fn register(world: &mut World, call: &Call<'_>) -> Result<Reply, ArmError> {
    let (namespace, subscription) = known(call)?;
    if call.method() != Method::Post {
        return Err(call.not_allowed());
    }
    let key = format!("{subscription}/{namespace}").to_ascii_lowercase();
    if !REGISTERED.contains(&namespace) && !world.registrations.contains_key(&key) {
        let ends = call.now.plus(world.takes(REGISTRATION));
        world.registrations.insert(key, ends);
        world.state.touch();
    }
    Ok(Reply::json(
        200,
        describe(world, call, subscription, namespace),
    ))
}

fn known<'a>(call: &'a Call<'_>) -> Result<(&'static str, &'a str), ArmError> {
    let asked = call
        .target
        .last()
        .map(|block| block.namespace.as_str())
        .unwrap_or_default();
    let namespace = REGISTERED
        .iter()
        .chain(UNREGISTERED)
        .find(|known| known.eq_ignore_ascii_case(asked))
        .ok_or_else(|| invalid_namespace(asked))?;
    Ok((
        namespace,
        call.target.subscription.as_deref().unwrap_or_default(),
    ))
}

fn invalid_namespace(namespace: &str) -> ArmError {
    ArmError::gateway(
        404,
        "InvalidResourceNamespace",
        format!("The resource namespace '{namespace}' is invalid."),
    )
}

fn describe(world: &World, call: &Call<'_>, subscription: &str, namespace: &str) -> Value {
    json!({
        "id": format!("/subscriptions/{subscription}/providers/{namespace}"),
        "namespace": namespace,
        "registrationPolicy": "RegistrationRequired",
        "registrationState": registration(world, call, subscription, namespace),
        "resourceTypes": types(world, subscription, namespace),
    })
}

/// The types of a provider of which the subscription has resources: the simulator takes any other as well, and so has no
/// list of them.
fn types(world: &World, subscription: &str, namespace: &str) -> Vec<Value> {
    let start = format!("{}/", namespace.to_ascii_lowercase());
    let scope = format!("/subscriptions/{}", subscription.to_ascii_lowercase());
    let kinds: BTreeSet<&str> = world
        .state
        .tree(&scope)
        .filter_map(|(_, resource)| resource.kind.strip_prefix(&start))
        .collect();
    let described = |kind: &str| {
        json!({
            "resourceType": kind,
            "locations": [],
            "apiVersions": ["2099-01-01-preview", "2024-11-01", "2023-07-01"],
            "capabilities": "CrossResourceGroupResourceMove, SupportsTags, SupportsLocation",
        })
    };
    kinds.into_iter().map(described).collect()
}

fn registration(
    world: &World,
    call: &Call<'_>,
    subscription: &str,
    namespace: &str,
) -> &'static str {
    let key = format!("{subscription}/{namespace}").to_ascii_lowercase();
    if REGISTERED
        .iter()
        .any(|known| known.eq_ignore_ascii_case(namespace))
    {
        return "Registered";
    }
    match world.registrations.get(&key) {
        Some(done) if *done <= call.now => "Registered",
        Some(_) => "Registering",
        None => "NotRegistered",
    }
}

/// A write needs the provider of its type registered in its subscription.
pub(crate) fn check_registration(world: &World, call: &Call<'_>) -> Result<(), ArmError> {
    let Some(subscription) = &call.target.subscription else {
        return Ok(());
    };
    let (namespace, _) = known(call)?;
    if registration(world, call, subscription, namespace) == "Registered" {
        return Ok(());
    }
    let message = format!(
        "The subscription is not registered to use namespace '{namespace}'. See https://aka.ms/rps-not-found for how to register subscriptions."
    );
    let details = json!([{
        "code": "MissingSubscriptionRegistration",
        "target": namespace,
        "message": message,
    }]);
    Err(ArmError::gateway(409, "MissingSubscriptionRegistration", message).details(details))
}
