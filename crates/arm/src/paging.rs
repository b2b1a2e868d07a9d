//! Lists, page by page.

use crate::{
    client::Client,
    error::{ArmError, ErrorKind},
    path::is_trusted,
    progress::Progress,
};
use azure_core::http::{Method, Url};
use serde::{
    Deserializer,
    de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;
use std::{collections::HashSet, fmt};

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
            let next = read_page(&answer.body, &mut |item| {
                listing.items += 1;
                on_item(item);
            })
            .map_err(|error| broken(path, &format!("The answer to a list is broken: {error}")))?;
            let Some(next) = next.filter(|link| !link.is_empty()) else {
                return Ok(listing);
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

/// Hands over the items of a page one by one, so that no more than one of them is in memory, and returns the link to the
/// next: `{"value": [...], "nextLink": "..."}`, or a bare array.
fn read_page(
    body: &[u8],
    on_item: &mut (dyn FnMut(Value) + Send),
) -> serde_json::Result<Option<String>> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let next = json.deserialize_any(Page(on_item))?;
    json.end()?;
    Ok(next)
}

type OnItem<'f> = &'f mut (dyn FnMut(Value) + Send);

struct Page<'f>(OnItem<'f>);

impl<'de> Visitor<'de> for Page<'_> {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a page with the list `value`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut page: A) -> Result<Self::Value, A::Error> {
        let (mut next, mut has_items) = (None, false);
        while let Some(key) = page.next_key::<String>()? {
            match key.as_str() {
                "value" => {
                    page.next_value_seed(Items(&mut *self.0))?;
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
        Items(self.0).visit_seq(items).map(|()| None)
    }
}

struct Items<'f>(OnItem<'f>);

impl<'de> DeserializeSeed<'de> for Items<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Items<'_> {
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
