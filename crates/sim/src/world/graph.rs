//! Microsoft Graph, as far as asking goes which principals exist (Microsoft docs "directoryObject: getByIds").

use serde_json::{Value, json};
use uuid::Uuid;

use super::directory::Caller;
use super::merge::elements;
use super::reply::{ArmError, Reply};
use super::{World, tokens};
use crate::http::{Method, Request};
use crate::sim_time::SimTime;

/// Where Graph is on the host of the world; tokens for it have an audience that ends like this.
pub(crate) const PATH: &str = "/graph";
/// The most ids of one request.
const MOST_IDS: usize = 1000;

/// Answers what is asked of Graph; `None` for the rest.
pub(crate) fn handle(
    world: &mut World,
    request: &Request,
    now: SimTime,
) -> Option<Result<Reply, ArmError>> {
    let path = request.path.strip_prefix(PATH)?;
    path.starts_with('/')
        .then(|| answer(world, request, path, now))
}

fn answer(
    world: &mut World,
    request: &Request,
    path: &str,
    now: SimTime,
) -> Result<Reply, ArmError> {
    let bearer = tokens::authenticate(world, request, now)?;
    if !bearer.is_for_graph() {
        return Err(ArmError::new(
            401,
            "InvalidAuthenticationToken",
            "Access token validation failure. Invalid audience.",
        ));
    }
    if request.method != Method::Post
        || !path.eq_ignore_ascii_case("/v1.0/directoryObjects/getByIds")
    {
        return Err(ArmError::new(
            400,
            "BadRequest",
            format!("Resource not found for the segment '{path}'."),
        ));
    }
    if !Caller::of_object(&bearer.principal).is_some_and(Caller::may_read_directory) {
        return Err(ArmError::new(
            403,
            "Authorization_RequestDenied",
            "Insufficient privileges to complete the operation.",
        ));
    }
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    Ok(Reply::json(200, objects(world, request, &body)?))
}

/// The principals with the ids of a question, of the types that it names, if it names any.
fn objects(world: &World, request: &Request, body: &Value) -> Result<Value, ArmError> {
    let refuse = |why: String| Err(ArmError::new(400, "Request_BadRequest", why));
    let ids: Vec<&str> = elements(&body["ids"]).filter_map(Value::as_str).collect();
    if ids.len() > MOST_IDS {
        return refuse(format!(
            "Number of included identifiers cannot exceed '{MOST_IDS}'."
        ));
    }
    if ids.iter().any(|id| Uuid::try_parse(id).is_err()) {
        return refuse("Invalid GUID specified.".to_owned());
    }
    let types: Vec<&str> = elements(&body["types"]).filter_map(Value::as_str).collect();
    let is_asked = |kind: &str| {
        let named = |name: &&str| {
            name.eq_ignore_ascii_case(kind) || name.eq_ignore_ascii_case("directoryObject")
        };
        types.is_empty() || types.iter().any(named)
    };
    let found: Vec<Value> = ids
        .iter()
        .map(|id| id.to_ascii_lowercase())
        .filter_map(|id| Some((world.principals.get(&id)?, id)))
        .filter(|(principal, _)| is_asked(&principal.kind))
        .map(|(principal, id)| json!({ "@odata.type": odata_type(&principal.kind), "id": id }))
        .collect();
    Ok(json!({
        "@odata.context": format!("https://{}{PATH}/v1.0/$metadata#directoryObjects", request.host()),
        "value": found,
    }))
}

/// `#microsoft.graph.servicePrincipal`
fn odata_type(kind: &str) -> String {
    let (first, rest) = kind.split_at_checked(1).unwrap_or((kind, ""));
    format!("#microsoft.graph.{}{rest}", first.to_ascii_lowercase())
}
