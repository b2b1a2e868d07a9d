//! User-assigned identities and their federated credentials, with the API's own `resourcegroups` in ids.

use serde_json::{Value, json};

use super::directory::TENANT;
use super::merge::{elements, region, tags, text};
use super::path::Target;
use super::reply::{ArmError, Reply, resource_not_found};
use super::state::Resource;
use super::{Call, World, lists, managed};
use crate::http::Method;

/// Federated credentials that one identity may have.
const MOST_CREDENTIALS: usize = 20;

/// The id as this provider writes it.
fn own_spelling(id: &str) -> String {
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
            world.forget_tree(&key);
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
    let location = region(text(&body, "/location"));
    if location.is_empty() {
        return Err(ArmError::gateway(
            400,
            "LocationRequired",
            "The location property is required for this definition.",
        ));
    }
    super::generic::check_location(call, &location, old.as_ref())?;
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
    let id = own_spelling(&call.target.id());
    let mut shown = json!({
        "location": location,
        "tags": tags(&body),
        "id": id,
        "name": call.target.name(),
        "type": "Microsoft.ManagedIdentity/userAssignedIdentities",
        "properties": {
            "tenantId": TENANT,
            "principalId": managed::new_principal(world, call),
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

pub(crate) fn credential(world: &mut World, call: &Call<'_>) -> Result<Reply, ArmError> {
    super::generic::check_parent(world, call)?;
    if call.target.is_open() {
        return lists::collection(world, call);
    }
    let key = call.target.key();
    match call.method() {
        Method::Put => put_credential(world, call),
        Method::Delete => {
            begin_write(world, call)?;
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
                        own_spelling(&call.target.id())
                    ),
                )
            }),
        _ => Err(call.not_allowed()),
    }
}

fn put_credential(world: &mut World, call: &Call<'_>) -> Result<Reply, ArmError> {
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
    let prefix = key
        .rsplit_once('/')
        .map(|(prefix, _)| format!("{prefix}/"))
        .unwrap_or_default();
    let others = world
        .state
        .starting(&prefix)
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
    if !exists && count >= MOST_CREDENTIALS {
        return Err(ArmError::new(
            400,
            "BadRequest",
            format!(
                "Too many Federated Identity Credentials: an identity may have {MOST_CREDENTIALS} at most."
            ),
        ));
    }
    begin_write(world, call)?;
    let id = own_spelling(&call.target.id());
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

/// Two writes of credentials of one identity must not overlap.
fn begin_write(world: &mut World, call: &Call<'_>) -> Result<(), ArmError> {
    let parent = call.target.parent().unwrap_or_default();
    let key = Target::parse(&parent).key();
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
                own_spelling(&parent)
            ),
        ));
    }
    let until = call.now.plus(call.request.duration);
    world.credential_writes.retain(|_, end| *end > call.now);
    world.credential_writes.insert(key, until);
    Ok(())
}
