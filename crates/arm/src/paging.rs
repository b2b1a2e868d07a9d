//! Lists of resources, read page by page.

use crate::{
    client::Client,
    error::{ArmError, ErrorKind},
    path::is_trusted,
    wait::OnWait,
};
use azure_core::http::{Method, Url};
use serde::{
    Deserializer,
    de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;
use std::{collections::HashSet, fmt};

/// Maximum number of pages, more than any subscription has: ends a list of a faulty server.
const MOST_PAGES: usize = 10_000;

/// How a list was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ListSummary {
    /// Pages that were read.
    pub pages: usize,
    /// Items that were passed on.
    pub items: usize,
    /// False if the scope itself, such as the resource group, does not exist.
    pub found: bool,
}

impl Client {
    /// Lists a collection and passes each item to `on_item` as its page arrives. A scope that does not exist has no
    /// items.
    ///
    /// # Errors
    ///
    /// As [`Client::get`], and a protocol error for a `nextLink` to a host outside of ARM or to an earlier page.
    pub async fn list(
        &self,
        path: &str,
        api_version: &str,
        query: &[(&str, &str)],
        on_item: &mut (dyn FnMut(Value) + Send),
        on_wait: &OnWait<'_>,
    ) -> Result<ListSummary, ArmError> {
        let mut url = self.url(Method::Get, path, api_version, query)?;
        let mut summary = ListSummary::default();
        let mut visited = HashSet::new();
        loop {
            let response = match self.read(&url, path, on_wait).await {
                Ok(response) => response,
                Err(error) if error.is_absence() && summary.pages == 0 => {
                    return Ok(summary);
                }
                Err(error) => return Err(error),
            };
            summary.found = true;
            summary.pages += 1;
            let next = read_page(&response.body, &mut |item| {
                summary.items += 1;
                on_item(item);
            })
            .map_err(|error| {
                broken(path, &format!("The page of the list is not valid: {error}"))
            })?;
            let Some(next) = next.filter(|link| !link.is_empty()) else {
                return Ok(summary);
            };
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
        on_wait: &OnWait<'_>,
    ) -> Result<Vec<Value>, ArmError> {
        let mut items = Vec::new();
        self.list(
            path,
            api_version,
            query,
            &mut |item| items.push(item),
            on_wait,
        )
        .await?;
        Ok(items)
    }

    fn next_page(&self, path: &str, link: &str, visited: &HashSet<Url>) -> Result<Url, ArmError> {
        let url = self
            .endpoint()
            .join(link)
            .map_err(|_| broken(path, "The `nextLink` of the page is not a URL"))?;
        if !is_trusted(self.endpoint(), &url) {
            let host = url.host_str().unwrap_or("no host").to_owned();
            return Err(broken(
                path,
                &format!("The `nextLink` of the page leads to {host}, a host outside of Azure"),
            ));
        }
        if visited.contains(&url) || visited.len() >= MOST_PAGES {
            return Err(broken(
                path,
                "The list does not end: its `nextLink` repeats a page, or it has more than 10,000 pages",
            ));
        }
        Ok(url)
    }
}

fn broken(path: &str, message: &str) -> ArmError {
    ArmError::new(Method::Get, path, ErrorKind::Protocol, message)
}

/// Passes on the items of a page one by one, so that only one of them is in memory, and returns the link to the next
/// page: `{"value": [...], "nextLink": "..."}`, or a bare array.
fn read_page(
    body: &[u8],
    on_item: &mut (dyn FnMut(Value) + Send),
) -> serde_json::Result<Option<String>> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let next = json.deserialize_any(PageVisitor(on_item))?;
    json.end()?;
    Ok(next)
}

type OnItem<'f> = &'f mut (dyn FnMut(Value) + Send);

struct PageVisitor<'f>(OnItem<'f>);

impl<'de> Visitor<'de> for PageVisitor<'_> {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a page with the list `value`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut page: A) -> Result<Self::Value, A::Error> {
        let (mut next, mut has_items) = (None, false);
        while let Some(key) = page.next_key::<String>()? {
            match key.as_str() {
                "value" => {
                    page.next_value_seed(ItemsVisitor(&mut *self.0))?;
                    has_items = true;
                }
                "nextLink" => next = page.next_value()?,
                _ => {
                    page.next_value::<IgnoredAny>()?;
                }
            }
        }
        match has_items {
            true => Ok(next),
            false => Err(A::Error::missing_field("value")),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error> {
        ItemsVisitor(self.0).visit_seq(items).map(|()| None)
    }
}

struct ItemsVisitor<'f>(OnItem<'f>);

impl<'de> DeserializeSeed<'de> for ItemsVisitor<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ItemsVisitor<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of items")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element()? {
            (self.0)(item);
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "paging_tests.rs"]
mod tests;
