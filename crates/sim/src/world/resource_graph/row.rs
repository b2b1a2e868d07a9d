//! Rows of queries: resources as they are, or cells that a stage computed.

use std::borrow::Cow;

use serde_json::Value;

use crate::world::body::Body;
use crate::world::directory::TENANT;
use crate::world::locations::region;
use crate::world::merge::text;
use crate::world::path::Target;

/// A row. A resource has the columns of every table.
#[derive(Clone, Debug)]
pub(super) enum Row {
    Resource {
        body: Body,
        /// The type in lowercase.
        kind: String,
    },
    Cells(Vec<Value>),
}

impl Row {
    /// The value in a column; null if the row does not have the column.
    pub(super) fn cell(&self, column: usize) -> Cow<'_, Value> {
        match self {
            Self::Cells(cells) => Cow::Borrowed(cells.get(column).unwrap_or(&Value::Null)),
            Self::Resource { body, kind } => resource_cell(body, kind, column),
        }
    }
}

/// The columns of every table in the order of [`super::query::table_columns`].
fn resource_cell<'a>(body: &'a Body, kind: &str, column: usize) -> Cow<'a, Value> {
    let own = |text: String| Cow::Owned(Value::from(text));
    let target = || Target::parse(text(body, "/id"));
    let member = |name: &str| Cow::Borrowed(body.get(name).unwrap_or(&Value::Null));
    match column {
        0 => own(text(body, "/id").to_owned()),
        1 => own(text(body, "/name").to_owned()),
        2 => own(kind.to_owned()),
        3 => own(TENANT.to_owned()),
        4 => own(text(body, "/kind").to_owned()),
        5 => own(region(text(body, "/location"))),
        6 => own(target().group.unwrap_or_default().to_ascii_lowercase()),
        7 => own(target().subscription.unwrap_or_default()),
        8 => own(text(body, "/managedBy").to_owned()),
        9 => member("sku"),
        10 => member("plan"),
        11 => member("properties"),
        12 => member("tags"),
        13 => member("identity"),
        14 => member("zones"),
        15 => member("extendedLocation"),
        _ => Cow::Owned(Value::Null),
    }
}
