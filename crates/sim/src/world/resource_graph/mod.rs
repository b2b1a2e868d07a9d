//! Azure Resource Graph: queries over the resources of all subscriptions that the caller can read (REST reference,
//! "Resources - Resources", 2021-03-01 and 2022-10-01).

mod evaluate;
mod lexer;
mod parser;
mod query;
pub(crate) mod quota;
mod row;
mod tables;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::call::Call;
use super::model::World;
use super::options::WorldOptions;
use super::reply::{ArmError, Reply};
use crate::http::Method;
use query::{Query, QueryError};
use quota::Allowance;
use tables::{QueryScope, TableReader};

const API_VERSIONS: [&str; 2] = ["2021-03-01", "2022-10-01"];
/// The maximum and default number of rows in a response.
const MAX_ROWS: usize = 1000;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct QueryRequest {
    query: String,
    subscriptions: Option<Vec<String>>,
    management_groups: Option<Vec<String>>,
    #[serde(default)]
    options: QueryOptions,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct QueryOptions {
    #[serde(rename = "resultFormat")]
    _result_format: Option<ResultFormat>,
    #[serde(rename = "$top")]
    top: Option<usize>,
    #[serde(rename = "$skip")]
    skip: Option<usize>,
    #[serde(rename = "$skipToken")]
    skip_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum ResultFormat {
    ObjectArray,
}

/// `POST /providers/Microsoft.ResourceGraph/resources`.
pub(crate) fn handle(world: &mut World, call: &Call<'_>) -> Result<Reply, ArmError> {
    if call.method() != Method::Post {
        return Err(call.not_allowed());
    }
    if !API_VERSIONS.contains(&call.api_version) {
        return Err(ArmError::gateway(
            400,
            "InvalidApiVersionParameter",
            format!(
                "The api-version '{}' is invalid. The supported versions are '{}'.",
                call.api_version,
                API_VERSIONS.join(",")
            ),
        ));
    }
    let is_limited = world.options.throttling || world.pace.throttling;
    let allowance = world.quota.take(&call.principal, call.now, is_limited);
    let [remaining, resets_after] = headers(allowance);
    if !allowance.is_granted {
        let throttled = throttled().header("Retry-After", allowance.resets_after);
        return Err(throttled
            .header(remaining.0, remaining.1)
            .header(resets_after.0, resets_after.1));
    }
    match answer(world, call) {
        Ok(body) => Ok(Reply::json(200, body)
            .header(remaining.0, remaining.1)
            .header(resets_after.0, resets_after.1)),
        Err(error) => Err(error
            .header(remaining.0, remaining.1)
            .header(resets_after.0, resets_after.1)),
    }
}

fn headers(allowance: Allowance) -> [(&'static str, String); 2] {
    [
        ("x-ms-user-quota-remaining", allowance.remaining.to_string()),
        (
            "x-ms-user-quota-resets-after",
            format!("00:00:{:02}", allowance.resets_after),
        ),
    ]
}

fn throttled() -> ArmError {
    let details = json!([{
        "code": "RateLimiting",
        "message": "Client application has been throttled and should not attempt to repeat the request until an amount of time has elapsed. Please see https://aka.ms/resourcegraph-throttling for help.",
    }]);
    ArmError::new(
        429,
        "RateLimiting",
        "The quota of queries of this principal is used.",
    )
    .details(details)
}

fn answer(world: &World, call: &Call<'_>) -> Result<Value, ArmError> {
    let request: QueryRequest =
        serde_json::from_slice(&call.request.body).map_err(|error| bad_request(&error))?;
    let query = parser::parse(&request.query).map_err(|error| invalid_query(&error))?;
    let page = Page::new(&request.options, &query, &world.options)?;
    let scope = QueryScope::new(world, request.subscriptions, request.management_groups);
    let mut reader = TableReader::new(world, call, scope);
    let rows = evaluate::run(&query, &mut |table| reader.rows(table));
    let end = page.start.saturating_add(page.size).min(rows.len());
    let shown = rows.get(page.start..end).unwrap_or_default();
    let data: Vec<Value> = shown
        .iter()
        .map(|row| evaluate::to_object(row, &query.columns))
        .collect();
    let has_more = end < rows.len();
    let is_truncated = has_more && !query.has_pages();
    let mut answer = json!({
        "totalRecords": rows.len(),
        "count": data.len(),
        "data": data,
        "facets": [],
        "resultTruncated": if is_truncated { "true" } else { "false" },
    });
    if has_more && !is_truncated {
        answer["$skipToken"] = Value::from(URL_SAFE_NO_PAD.encode(end.to_string()));
    }
    Ok(answer)
}

/// The part of the rows that a response shows.
struct Page {
    start: usize,
    size: usize,
}

impl Page {
    fn new(
        options: &QueryOptions,
        query: &Query,
        world_options: &WorldOptions,
    ) -> Result<Self, ArmError> {
        let top = options.top.unwrap_or(MAX_ROWS);
        if !(1..=MAX_ROWS).contains(&top) {
            return Err(bad_request(&format!(
                "The value of '$top' is {top}: it must be between 1 and {MAX_ROWS}."
            )));
        }
        // A world whose lists have shorter pages than by default has them here too.
        let usual = WorldOptions::default().page_size;
        let size = match world_options.page_size {
            size if size < usual => top.min(size.max(1)),
            _ => top,
        };
        let start = match &options.skip_token {
            // A limit of the query overrides `$skip` (Microsoft docs "Working with large Azure resource data sets").
            None if query.is_limited() => 0,
            None => options.skip.unwrap_or(0),
            Some(token) => decode(token)
                .ok_or_else(|| bad_request(&format!("The skip token '{token}' is invalid.")))?,
        };
        Ok(Self { start, size })
    }
}

fn decode(token: &str) -> Option<usize> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    String::from_utf8(bytes).ok()?.parse().ok()
}

fn bad_request(error: &dyn std::fmt::Display) -> ArmError {
    let message = format!("The request is invalid or not simulated: {error}");
    let details = json!([{ "code": "InvalidRequest", "message": message }]);
    ArmError::new(400, "BadRequest", message).details(details)
}

fn invalid_query(QueryError(reason): &QueryError) -> ArmError {
    let message = format!("The query is invalid or not simulated. {reason}");
    let details = json!([{ "code": "InvalidQuery", "message": message }]);
    ArmError::new(400, "BadRequest", message).details(details)
}
