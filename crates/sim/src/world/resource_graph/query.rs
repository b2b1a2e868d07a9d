//! Queries of Azure Resource Graph after parsing: a table, and the stages that its rows pass.

/// The columns of every table, in Azure's order, and whether they hold JSON values instead of text.
const COLUMNS: [(&str, ColumnKind); 16] = [
    ("id", ColumnKind::Text),
    ("name", ColumnKind::Text),
    ("type", ColumnKind::Text),
    ("tenantId", ColumnKind::Text),
    ("kind", ColumnKind::Text),
    ("location", ColumnKind::Text),
    ("resourceGroup", ColumnKind::Text),
    ("subscriptionId", ColumnKind::Text),
    ("managedBy", ColumnKind::Text),
    ("sku", ColumnKind::Dynamic),
    ("plan", ColumnKind::Dynamic),
    ("properties", ColumnKind::Dynamic),
    ("tags", ColumnKind::Dynamic),
    ("identity", ColumnKind::Dynamic),
    ("zones", ColumnKind::Dynamic),
    ("extendedLocation", ColumnKind::Dynamic),
];

/// The type of a column: text, which is empty if it is absent, or any JSON value, which is null if it is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ColumnKind {
    Text,
    Dynamic,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: ColumnKind,
}

/// The columns of every table.
pub(super) fn table_columns() -> Vec<Column> {
    let column = |(name, kind): (&str, _)| Column {
        name: name.to_owned(),
        kind,
    };
    COLUMNS.into_iter().map(column).collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TableName {
    Resources,
    Containers,
    Authorization,
}

impl TableName {
    /// Parses the name of a table, which is case-insensitive.
    pub(super) fn parse(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "resources" => Self::Resources,
            "resourcecontainers" => Self::Containers,
            "authorizationresources" => Self::Authorization,
            _ => return None,
        })
    }
}

#[derive(Clone, Debug)]
pub(super) struct Query {
    pub(super) table: TableName,
    pub(super) stages: Vec<Stage>,
    /// The columns of the result.
    pub(super) columns: Vec<Column>,
}

impl Query {
    /// Whether a result that is longer than a page has further pages (Microsoft docs "Paging results"): not if the query
    /// limits it, or if no column is text.
    pub(super) fn has_pages(&self) -> bool {
        !self.is_limited() && self.columns.iter().any(|it| it.kind == ColumnKind::Text)
    }

    /// Whether the query, or a part of it, limits the number of its rows.
    pub(super) fn is_limited(&self) -> bool {
        self.stages.iter().any(|stage| match stage {
            Stage::Limit(_) => true,
            Stage::Union { legs, .. } => legs.iter().any(|leg| leg.query.is_limited()),
            _ => false,
        })
    }
}

#[derive(Clone, Debug)]
pub(super) enum Stage {
    Where(Predicate),
    Project(Vec<Operand>),
    /// The rows so far, with `own` columns in the result, followed by those of the legs.
    Union {
        own: Layout,
        legs: Vec<Leg>,
    },
    Order(Vec<OrderKey>),
    Limit(usize),
    Count,
}

#[derive(Clone, Debug)]
pub(super) struct Leg {
    pub(super) query: Query,
    pub(super) layout: Layout,
}

/// For each column of a union, where a leg has it.
#[derive(Clone, Debug)]
pub(super) struct Layout(pub(super) Vec<Source>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Column(usize),
    /// The leg does not have the column.
    Absent(ColumnKind),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct OrderKey {
    pub(super) column: usize,
    pub(super) is_descending: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Predicate {
    All(Vec<Predicate>),
    Any(Vec<Predicate>),
    Not(Box<Predicate>),
    Compare(Operand, Comparison, Operand),
    OneOf {
        operand: Operand,
        values: Vec<String>,
        ignores_case: bool,
    },
    IsNotEmpty(Operand),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    EqualIgnoringCase,
    Different,
    DifferentIgnoringCase,
    Has,
    Contains,
    StartsWith,
}

#[derive(Clone, Debug)]
pub(super) enum Operand {
    Literal(String),
    /// A member of the value in a column; the value itself without members.
    Column {
        index: usize,
        members: Vec<String>,
    },
    ToLower(Box<Operand>),
    ToText(Box<Operand>),
}

/// What is invalid in a query, or not simulated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct QueryError(pub(super) String);

impl QueryError {
    pub(super) fn not_simulated(what: &str, name: &str) -> Self {
        Self(format!("The {what} '{name}' is not simulated."))
    }
}
