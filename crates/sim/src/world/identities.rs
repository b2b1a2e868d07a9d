//! User-assigned identities and their federated credentials. This provider writes `resourcegroups` in ids.

use serde_json::{Value, json};

use super::call::Call;
use super::directory::TENANT;
use super::locations::{check_location, required_location};
use super::merge::{elements, tags, text};
use super::model::World;
use super::parents::check_parent;
use super::reply::{ArmError, Reply, resource_not_found};
use super::state::Resource;
use super::{lists, managed};
use crate::http::Method;

/// The maximum number of federated credentials of an identity.
const MAX_CREDENTIALS: usize = 20;

/// The id in the spelling of this provider.
fn provider_id(id: &str) -> String {
    id.replacen("/resourceGroups/", "/resourcegroups/", 1)
}

pub(crate) fn handle(world: &mut World, call: &Call<'_>) -> Result<Reply, ArmError> {
    if call.target.is_open() {
        return lists::collection(world, call);
    }
    let key = call.target.key();
    let old = world.state.get(&key).cloned();
    match (call.method(), old) {
        (Method::Put, old) => put(world, call, old),
        (Method::Delete, None) => Ok(Reply::empty(204)),
        (Method::Delete, Some(_)) => {
            world.remove_tree(&key);
            Ok(Reply::empty(200))
        }
        (Method::Post, _) => Err(call.not_allowed()),
        (_, None) => Err(resource_not_found(&call.target)),
        (Method::Get, Some(identity)) => Ok(Reply::json(200, identity.body)),
        (Method::Head, Some(_)) => Ok(Reply::empty(204)),
        (Method::Patch, Some(mut identity)) => {
            let body = call.json()?;
            if !body["tags"].is_null() {
                identity.body["tags"] = tags(&body);
            }
            let shown = identity.body.clone();
            world.state.insert(key, identity);
            Ok(Reply::json(200, shown))
        }
    }
}

fn put(world: &mut World, call: &Call<'_>, old: Option<Resource>) -> Result<Reply, ArmError> {
    let body = call.json()?;
    let location = required_location(&body)?;
    check_location(call, &location, old.as_ref())?;
    let key = call.target.key();
    let isolation = &body["properties"]["isolationScope"];
    if let Some(mut identity) = old {
        identity.body["tags"] = tags(&body);
        if !isolation.is_null() {
            identity.body["properties"]["isolationScope"] = isolation.clone();
        }
        let shown = identity.body.clone();
        world.state.insert(key, identity);
        return Ok(Reply::json(200, shown));
    }
    let id = provider_id(&call.target.id());
    let mut shown = json!({
        "location": location,
        "tags": tags(&body),
        "id": id,
        "name": call.target.name(),
        "type": "Microsoft.ManagedIdentity/userAssignedIdentities",
        "properties": {
            "tenantId": TENANT,
            "principalId": managed::create_principal(world, call),
            "clientId": world.guid(),
        },
    });
    if !isolation.is_null() {
        shown["properties"]["isolationScope"] = isolation.clone();
    }
    let identity = Resource::new(&call.target, shown.clone(), call.now);
    world.state.insert(key, identity);
    Ok(Reply::json(201, shown).header("Location", id))
}

pub(crate) fn handle_credential(world: &mut World, call: &Call<'_>) -> Result<Reply, ArmError> {
    check_parent(world, call)?;
    if call.target.is_open() {
        return lists::collection(world, call);
    }
    let Some(identity) = call.target.parent() else {
        return Err(resource_not_found(&call.target));
    };
    let key = call.target.key();
    match call.method() {
        Method::Put => put_credential(world, call, &identity),
        Method::Delete => {
            begin_write(world, call, &identity)?;
            let gone = world.state.remove(&key);
            Ok(Reply::empty(if gone.is_some() { 200 } else { 204 }))
        }
        Method::Get => world
            .state
            .get(&key)
            .map(|credential| Reply::json(200, credential.body.clone()))
            .ok_or_else(|| {
                ArmError::new(
                    404,
                    "NotFound",
                    format!(
                        "Resource '{}' was not found.",
                        provider_id(&call.target.id())
                    ),
                )
            }),
        _ => Err(call.not_allowed()),
    }
}

fn put_credential(world: &mut World, call: &Call<'_>, identity: &str) -> Result<Reply, ArmError> {
    let body = call.json()?;
    let field = |name: &str| text(&body, &format!("/properties/{name}")).to_owned();
    let (issuer, subject) = (field("issuer"), field("subject"));
    let audiences: Vec<&Value> = elements(&body["properties"]["audiences"]).collect();
    if issuer.is_empty() || subject.is_empty() || audiences.len() != 1 {
        return Err(ArmError::new(
            400,
            "BadRequest",
            "Issuer, subject and exactly one audience are required for a federated identity credential.",
        ));
    }
    let key = call.target.key();
    let siblings = format!(
        "{}/federatedidentitycredentials/",
        identity.to_ascii_lowercase()
    );
    let others = world
        .state
        .with_prefix(&siblings)
        .filter(|(other, _)| **other != key);
    let mut count = 0;
    for (_, other) in others {
        count += 1;
        if other.text("/properties/issuer") == issuer
            && other.text("/properties/subject") == subject
        {
            return Err(ArmError::new(
                409,
                "Conflict",
                format!(
                    "Issuer and subject combination already exists for this Managed Identity: issuer '{issuer}', subject '{subject}'."
                ),
            ));
        }
    }
    let exists = world.state.contains(&key);
    if !exists && count >= MAX_CREDENTIALS {
        return Err(ArmError::new(
            400,
            "BadRequest",
            format!(
                "Too many Federated Identity Credentials: an identity may have {MAX_CREDENTIALS} at most."
            ),
        ));
    }
    begin_write(world, call, identity)?;
    let id = provider_id(&call.target.id());
    let shown = json!({
        "id": id,
        "name": call.target.name(),
        "type": "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials",
        "properties": { "issuer": issuer, "subject": subject, "audiences": audiences },
    });
    let credential = Resource::new(&call.target, shown.clone(), call.now);
    world.state.insert(key, credential);
    Ok(if exists {
        Reply::json(200, shown)
    } else {
        Reply::json(201, shown).header("Location", id)
    })
}

/// Records a write of a credential until its end. Fails if it overlaps with another write for the same identity.
fn begin_write(world: &mut World, call: &Call<'_>, identity: &str) -> Result<(), ArmError> {
    let key = identity.to_ascii_lowercase();
    if world
        .credential_writes
        .get(&key)
        .is_some_and(|until| call.now < *until)
    {
        return Err(ArmError::new(
            409,
            "ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity",
            format!(
                "Too many Federated Identity Credentials are written concurrently for the managed identity '{}'. Concurrent Federated Identity Credentials writes under the same managed identity are not supported.",
                provider_id(identity)
            ),
        ));
    }
    let until = call.now.plus(call.request.duration);
    world.credential_writes.retain(|_, end| *end > call.now);
    world.credential_writes.insert(key, until);
    Ok(())
}
