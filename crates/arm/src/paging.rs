//! Lists, page by page.

use crate::{
    client::{Client, json_of},
    error::{ArmError, ErrorKind},
    path::is_trusted,
    progress::Progress,
};
use azure_core::http::{Method, Url};
use serde_json::Value;
use std::collections::HashSet;

/// More pages than any subscription has: a server that never ends a list is not followed further.
const MOST_PAGES: usize = 10_000;

/// What a list went through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Listing {
    /// Requests that it took.
    pub pages: usize,
    /// Items that were handed over.
    pub items: usize,
    /// False when the scope itself, such as the resource group, is not there.
    pub found: bool,
}

impl Client {
    /// Lists a collection and hands each item to `on_item` as its page arrives. A scope that is not
    /// there has no items.
    ///
    /// # Errors
    ///
    /// Failures as of [`Client::get`], and a protocol error for a `nextLink` that leads away from
    /// ARM or in a circle.
    pub async fn list(
        &self,
        path: &str,
        api_version: &str,
        query: &[(&str, &str)],
        on_item: &mut (dyn FnMut(Value) + Send),
        progress: &dyn Progress,
    ) -> Result<Listing, ArmError> {
        let mut url = self.url(Method::Get, path, api_version, query)?;
        let mut listing = Listing::default();
        let mut visited = HashSet::new();
        loop {
            let answer = match self.send(Method::Get, &url, path, None, progress).await {
                Ok(answer) => answer,
                Err(error) if error.is_absence() && listing.pages == 0 => {
                    return Ok(listing);
                }
                Err(error) => return Err(error),
            };
            listing.found = true;
            listing.pages += 1;
            if answer.status == 204 {
                return Ok(listing);
            }
            let (items, next) = page(json_of(Method::Get, path, &answer)?)
                .ok_or_else(|| broken(path, "The answer to a list has no items"))?;
            for item in items {
                listing.items += 1;
                on_item(item);
            }
            let Some(next) = next else { return Ok(listing) };
            visited.insert(url.clone());
            url = self.next_page(path, &next, &visited)?;
        }
    }

    /// Lists a collection into memory.
    ///
    /// # Errors
    ///
    /// As [`Client::list`].
    pub async fn list_all(
        &self,
        path: &str,
        api_version: &str,
        query: &[(&str, &str)],
        progress: &dyn Progress,
    ) -> Result<Vec<Value>, ArmError> {
        let mut items = Vec::new();
        self.list(
            path,
            api_version,
            query,
            &mut |item| items.push(item),
            progress,
        )
        .await?;
        Ok(items)
    }

    fn next_page(&self, path: &str, link: &str, visited: &HashSet<Url>) -> Result<Url, ArmError> {
        let url = self
            .endpoint()
            .join(link)
            .map_err(|_| broken(path, "The link to the next page is not a URL"))?;
        if !is_trusted(self.endpoint(), &url) {
            let host = url.host_str().unwrap_or("no host").to_owned();
            return Err(broken(
                path,
                &format!("The link to the next page leads to another host, {host}"),
            ));
        }
        if visited.contains(&url) || visited.len() >= MOST_PAGES {
            return Err(broken(
                path,
                "The links to the next page do not come to an end",
            ));
        }
        Ok(url)
    }
}

fn broken(path: &str, message: &str) -> ArmError {
    ArmError::told(Method::Get, path, ErrorKind::Protocol, message)
}

/// Items and link of a page: `{"value": [...], "nextLink": "..."}`, or a bare array.
fn page(body: Value) -> Option<(Vec<Value>, Option<String>)> {
    match body {
        Value::Array(items) => Some((items, None)),
        Value::Object(mut page) => {
            let next = page
                .get("nextLink")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let next = (!next.is_empty()).then(|| next.to_owned());
            match page.remove("value") {
                Some(Value::Array(items)) => Some((items, next)),
                Some(Value::Null) => Some((Vec::new(), next)),
                _ => None,
            }
        }
        _ => None,
    }
}

#[cfg(test)]
#[path = "paging_tests.rs"]
mod tests;
