//! Queries of Azure Resource Graph. What it returns is a cache of Azure, and only of what the caller can read.

use crate::{
    client::Client,
    error::{ArmError, ErrorKind},
    wait::ignore_waits,
};
use azure_core::http::Method;
use serde_json::{Value, json};

const PATH: &str = "/providers/Microsoft.ResourceGraph/resources";
const API_VERSION: &str = "2022-10-01";
/// Maximum number of rows of a page (REST reference, "Resources", `QueryRequestOptions`).
const PAGE: usize = 1000;
/// Maximum number of pages: ends a result of a faulty server.
const MOST_PAGES: usize = 1000;

impl Client {
    /// Returns the rows of a query over all subscriptions that the caller can read.
    ///
    /// # Errors
    ///
    /// As [`Client::post`], and a protocol error for an incomplete result.
    pub async fn query_resource_graph(&self, query: &str) -> Result<Vec<Value>, ArmError> {
        let mut rows = Vec::new();
        let mut token = Value::Null;
        for _ in 0..MOST_PAGES {
            let mut options = json!({ "resultFormat": "objectArray", "$top": PAGE });
            if token.is_string() {
                options["$skipToken"] = token;
            }
            let body = json!({ "query": query, "options": options });
            let sent = self.post(PATH, API_VERSION, Some(&body), &ignore_waits);
            let mut page = sent.await?.result.unwrap_or_default();
            match page.get_mut("data").map(Value::take) {
                Some(Value::Array(data)) => rows.extend(data),
                _ => return Err(broken("The result has no list `data`")),
            }
            token = page
                .get_mut("$skipToken")
                .map(Value::take)
                .unwrap_or_default();
            let is_cut = page.get("resultTruncated").and_then(Value::as_str) == Some("true");
            match (token.is_string(), is_cut) {
                (true, _) => {}
                (false, false) => return Ok(rows),
                (false, true) => return Err(broken("The result is incomplete")),
            }
        }
        Err(broken("The result does not end"))
    }
}

fn broken(message: &str) -> ArmError {
    ArmError::new(Method::Post, PATH, ErrorKind::Protocol, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        client::tests::client,
        testing::{FakeTransport, reply},
    };

    fn page(data: Value, more: Value) -> Value {
        let mut page = json!({ "data": data, "resultTruncated": "false" });
        for (name, value) in more.as_object().unwrap() {
            page[name] = value.clone();
        }
        page
    }

    #[tokio::test(start_paused = true)]
    async fn result_is_read_page_by_page() {
        let fake = FakeTransport::new(vec![
            reply(200, &[], page(json!([1]), json!({ "$skipToken": "next" }))),
            reply(200, &[], page(json!([2]), json!({}))),
        ]);
        let rows = client(&fake).query_resource_graph("resources").await;
        assert_eq!(rows.unwrap(), [1, 2]);
        let second = &fake.received()[1].body;
        assert!(second.contains("\"$skipToken\":\"next\""), "{second}");
    }

    #[tokio::test(start_paused = true)]
    async fn incomplete_result_is_an_error() {
        for body in [
            page(json!([1]), json!({ "resultTruncated": "true" })),
            json!({}),
        ] {
            let fake = FakeTransport::new(vec![reply(200, &[], body.clone())]);
            let error = client(&fake).query_resource_graph("resources").await;
            assert_eq!(error.unwrap_err().kind, ErrorKind::Protocol, "{body}");
        }
    }
}
