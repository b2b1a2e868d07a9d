//! `Microsoft.Resources/tags`: the tags of any scope (REST reference, Tags - At Scope).

use serde_json::{Value, json};

use super::call::Call;
use super::model::World;
use super::path::Target;
use super::reply::{ArmError, Reply, resource_not_found};
use super::{policy, sql};
use crate::http::Method;

pub(crate) fn handle(world: &mut World, call: &Call<'_>) -> Result<Reply, ArmError> {
    let scope = Target::parse(&call.target.scope());
    let key = scope.key();
    let Some(mut resource) = world.state.get(&key).cloned() else {
        return Err(resource_not_found(&scope));
    };
    sql::check_writable(call, &scope)?;
    let old = match &resource.body["tags"] {
        Value::Object(tags) => tags.clone(),
        _ => serde_json::Map::new(),
    };
    let body_tags = || -> Result<serde_json::Map<String, Value>, ArmError> {
        match call.json()?["properties"]["tags"].take() {
            Value::Object(tags) => Ok(tags),
            Value::Null => Ok(serde_json::Map::new()),
            _ => Err(invalid(
                "The request content is invalid: 'tags' is not an object.",
            )),
        }
    };
    let contains = |tags: &serde_json::Map<String, Value>, name: &str| {
        tags.keys().any(|other| other.eq_ignore_ascii_case(name))
    };
    let tags = match call.method() {
        Method::Get => return Ok(Reply::json(200, to_json(call, &Value::Object(old)))),
        Method::Delete => serde_json::Map::new(),
        Method::Put => body_tags()?,
        Method::Patch => {
            let (operation, given) = (call.json()?["operation"].take(), body_tags()?);
            let mut tags: serde_json::Map<String, Value> = old
                .into_iter()
                .filter(|(name, _)| !contains(&given, name))
                .collect();
            match operation.as_str() {
                Some("Merge") => tags.extend(given),
                Some("Replace") => tags = given,
                Some("Delete") => {}
                _ => {
                    return Err(invalid("The operation must be Replace, Merge or Delete."));
                }
            }
            tags
        }
        _ => return Err(call.not_allowed()),
    };
    let mut body = Value::clone(&resource.body);
    body["tags"] = Value::Object(tags);
    policy::check_tags(world, call, &scope, &mut body)?;
    resource.body = body.into();
    let response = to_json(call, &resource.body["tags"]);
    world.state.insert(key, resource);
    Ok(match call.method() {
        Method::Delete => Reply::empty(200),
        _ => Reply::json(200, response),
    })
}

fn to_json(call: &Call<'_>, tags: &Value) -> Value {
    json!({
        "id": call.target.id(),
        "name": "default",
        "type": "Microsoft.Resources/tags",
        "properties": { "tags": tags },
    })
}

fn invalid(message: &str) -> ArmError {
    ArmError::gateway(400, "InvalidRequestContent", message.to_owned())
}
