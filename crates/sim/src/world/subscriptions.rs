//! Subscriptions, tenants, locations, and the registration of resource providers.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::authorization;
use super::call::Call;
use super::directory::{OTHER_SUBSCRIPTION, SUBSCRIPTION, TENANT};
use super::locations::REGIONS;
use super::model::World;
use super::path::Target;
use super::reply::{ArmError, Reply};
use crate::http::Method;

/// Providers that are registered in a new subscription.
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

/// Providers that are not registered in a new subscription.
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
const REGISTRATION_TIME: u64 = 10_000;

/// Checks that the subscription in the path exists.
pub(crate) fn check(target: &Target) -> Result<(), ArmError> {
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

/// Handles paths at the tenant and at a subscription without a provider.
pub(crate) fn handle(world: &World, call: &Call<'_>, rest: &[&str]) -> Result<Reply, ArmError> {
    if call.method() != Method::Get {
        return Err(call.not_allowed());
    }
    let body = match (&call.target.subscription, rest) {
        (None, ["subscriptions"]) => {
            let visible = [SUBSCRIPTION, OTHER_SUBSCRIPTION].into_iter().filter(|id| {
                let target = Target::parse(&format!("/subscriptions/{id}"));
                let read = "Microsoft.Resources/subscriptions/read";
                authorization::is_permitted(world, &call.principal, read, &target, call.now)
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
        (Some(_), ["providers"]) => list(
            REGISTERED
                .iter()
                .chain(UNREGISTERED)
                .map(|namespace| describe(world, call, namespace))
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
                format!("No resource was found at the path '{}'.", call.request.path),
            ));
        }
    };
    Ok(Reply::json(200, body))
}

fn list(value: Vec<Value>) -> Value {
    json!({ "value": value })
}

/// The body of a subscription.
pub(crate) fn subscription(id: &str) -> Value {
    let name = if id == SUBSCRIPTION {
        "Simulated"
    } else {
        "Simulated 2"
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

/// `GET /subscriptions/{subscription}/providers/{namespace}`.
pub(crate) fn provider(world: &World, call: &Call<'_>) -> Result<Reply, ArmError> {
    let namespace = provider_namespace(call)?;
    if call.method() != Method::Get {
        return Err(call.not_allowed());
    }
    Ok(Reply::json(200, describe(world, call, namespace)))
}

/// `POST /subscriptions/{subscription}/providers/{namespace}/register`.
pub(crate) fn register(world: &mut World, call: &Call<'_>) -> Result<Reply, ArmError> {
    let namespace = provider_namespace(call)?;
    let Some(subscription) = &call.target.subscription else {
        return Err(call.not_allowed());
    };
    if call.method() != Method::Post {
        return Err(call.not_allowed());
    }
    let key = registration_key(subscription, namespace);
    if !REGISTERED.contains(&namespace) && !world.registrations.contains_key(&key) {
        let ends = call.now.plus(world.delay(REGISTRATION_TIME));
        world.registrations.insert(key, ends);
        world.state.touch();
    }
    Ok(Reply::json(200, describe(world, call, namespace)))
}

fn registration_key(subscription: &str, namespace: &str) -> String {
    format!("{subscription}/{namespace}").to_ascii_lowercase()
}

/// The namespace in the path, in the spelling of the provider.
fn provider_namespace(call: &Call<'_>) -> Result<&'static str, ArmError> {
    let Some(block) = call.target.last() else {
        return Err(call.not_allowed());
    };
    let namespace = block.namespace.as_str();
    REGISTERED
        .iter()
        .chain(UNREGISTERED)
        .find(|known| known.eq_ignore_ascii_case(namespace))
        .copied()
        .ok_or_else(|| {
            ArmError::gateway(
                404,
                "InvalidResourceNamespace",
                format!("The resource namespace '{namespace}' is invalid."),
            )
        })
}

fn describe(world: &World, call: &Call<'_>, namespace: &str) -> Value {
    let subscription = call.target.subscription_id();
    json!({
        "id": format!("{subscription}/providers/{namespace}"),
        "namespace": namespace,
        "registrationPolicy": "RegistrationRequired",
        "registrationState": registration_state(world, call, namespace),
        "resourceTypes": types(world, &subscription, namespace),
    })
}

/// The types of a provider that have resources in the subscription. The simulator accepts any type and therefore has no
/// complete list.
fn types(world: &World, subscription: &str, namespace: &str) -> Vec<Value> {
    let start = format!("{}/", namespace.to_ascii_lowercase());
    let scope = subscription.to_ascii_lowercase();
    let kinds: BTreeSet<&str> = world
        .state
        .tree(&scope)
        .filter_map(|(_, resource)| resource.kind.strip_prefix(&start))
        .collect();
    let describe = |kind: &str| {
        json!({
            "resourceType": kind,
            "locations": [],
            "apiVersions": ["2099-01-01-preview", "2024-11-01", "2023-07-01"],
            "capabilities": "CrossResourceGroupResourceMove, SupportsTags, SupportsLocation",
        })
    };
    kinds.into_iter().map(describe).collect()
}

fn registration_state(world: &World, call: &Call<'_>, namespace: &str) -> &'static str {
    if REGISTERED.contains(&namespace) {
        return "Registered";
    }
    let subscription = call.target.subscription.as_ref();
    let key = subscription.map(|subscription| registration_key(subscription, namespace));
    match key.and_then(|key| world.registrations.get(&key)) {
        Some(end) if *end <= call.now => "Registered",
        Some(_) => "Registering",
        None => "NotRegistered",
    }
}

/// Checks that the provider of the type is registered in the subscription, which writes require.
pub(crate) fn check_registration(world: &World, call: &Call<'_>) -> Result<(), ArmError> {
    if call.target.subscription.is_none() {
        return Ok(());
    }
    let namespace = provider_namespace(call)?;
    if registration_state(world, call, namespace) == "Registered" {
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
