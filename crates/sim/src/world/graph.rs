//! Microsoft Graph: the existence of principals (Microsoft docs "directoryObject: getByIds").

use serde_json::{Value, json};
use uuid::Uuid;

use super::directory::Caller;
use super::merge::elements;
use super::model::World;
use super::reply::{ArmError, Reply};
use super::tokens::GRAPH_PATH;
use crate::http::{Method, Request};
use crate::sim_time::SimTime;

/// The maximum number of ids in one request.
const MAX_IDS: usize = 1000;

/// Handles requests to Graph; returns `None` for all others.
pub(crate) fn handle(
    world: &mut World,
    request: &Request,
    now: SimTime,
) -> Option<Result<Reply, ArmError>> {
    let path = request.path.strip_prefix(GRAPH_PATH)?;
    path.starts_with('/')
        .then(|| respond(world, request, path, now))
}

fn respond(
    world: &mut World,
    request: &Request,
    path: &str,
    now: SimTime,
) -> Result<Reply, ArmError> {
    let seed = world.options.seed;
    let claims = world.tokens.authenticate(seed, request, now)?;
    if !claims.is_for_graph() {
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
    if !Caller::from_object_id(&claims.principal).is_some_and(Caller::can_read_directory) {
        return Err(ArmError::new(
            403,
            "Authorization_RequestDenied",
            "Insufficient privileges to complete the operation.",
        ));
    }
    let Ok(body) = serde_json::from_slice(&request.body) else {
        return Err(ArmError::new(
            400,
            "BadRequest",
            "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.",
        ));
    };
    Ok(Reply::json(200, objects(world, request, &body)?))
}

/// The principals with the ids in the body, limited to the types in the body if there are any.
fn objects(world: &World, request: &Request, body: &Value) -> Result<Value, ArmError> {
    let invalid = |message: String| Err(ArmError::new(400, "Request_BadRequest", message));
    let ids: Vec<&str> = elements(&body["ids"]).filter_map(Value::as_str).collect();
    if ids.len() > MAX_IDS {
        return invalid(format!(
            "Number of included identifiers cannot exceed '{MAX_IDS}'."
        ));
    }
    if ids.iter().any(|id| Uuid::try_parse(id).is_err()) {
        return invalid("Invalid GUID specified.".to_owned());
    }
    let types: Vec<&str> = elements(&body["types"]).filter_map(Value::as_str).collect();
    let is_requested = |kind: &str| {
        let matches = |name: &&str| {
            name.eq_ignore_ascii_case(kind) || name.eq_ignore_ascii_case("directoryObject")
        };
        types.is_empty() || types.iter().any(matches)
    };
    let found: Vec<Value> = ids
        .iter()
        .map(|id| id.to_ascii_lowercase())
        .filter_map(|id| Some((world.principals.get(&id)?, id)))
        .filter(|(principal, _)| is_requested(&principal.kind))
        .map(|(principal, id)| json!({ "@odata.type": odata_type(&principal.kind), "id": id }))
        .collect();
    Ok(json!({
        "@odata.context": format!("https://{}{GRAPH_PATH}/v1.0/$metadata#directoryObjects", request.host()),
        "value": found,
    }))
}

/// `#microsoft.graph.servicePrincipal`
fn odata_type(kind: &str) -> String {
    let (first, rest) = kind.split_at_checked(1).unwrap_or((kind, ""));
    format!("#microsoft.graph.{}{rest}", first.to_ascii_lowercase())
}
