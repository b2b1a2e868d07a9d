//! Evaluation of queries: rows of tables pass through the stages.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::query::{
    Column, ColumnKind, Comparison, Layout, Operand, OrderKey, Predicate, Query, Source, Stage,
    TableName,
};
use super::row::Row;

/// The rows of a query, with its columns as members.
pub(super) fn run(query: &Query, tables: &mut dyn FnMut(TableName) -> Vec<Row>) -> Vec<Row> {
    let mut rows = tables(query.table);
    for stage in &query.stages {
        match stage {
            Stage::Where(predicate) => rows.retain(|row| holds(predicate, row)),
            Stage::Project(operands) => {
                for row in &mut rows {
                    let cells = operands.iter().map(|it| value(it, row).into_owned());
                    *row = Row::Cells(cells.collect());
                }
            }
            Stage::Union { own, legs } => {
                arrange(&mut rows, own);
                for leg in legs {
                    let mut others = run(&leg.query, tables);
                    arrange(&mut others, &leg.layout);
                    rows.append(&mut others);
                }
            }
            Stage::Order(keys) => rows.sort_by(|one, other| compare(one, other, keys)),
            Stage::Limit(count) => rows.truncate(*count),
            Stage::Count => rows = vec![Row::Cells(vec![Value::from(rows.len())])],
        }
    }
    rows
}

/// The row as an object.
pub(super) fn to_object(row: &Row, columns: &[Column]) -> Value {
    let members = columns.iter().enumerate();
    let members =
        members.map(|(index, column)| (column.name.clone(), row.cell(index).into_owned()));
    Value::Object(members.collect::<Map<_, _>>())
}

/// Moves the cells of rows to the columns of a union.
fn arrange(rows: &mut [Row], Layout(sources): &Layout) {
    let is_in_place = |(index, source): (usize, &Source)| *source == Source::Column(index);
    if sources.iter().enumerate().all(is_in_place) {
        return;
    }
    for row in rows {
        let cell = |source: &Source| match source {
            Source::Column(index) => row.cell(*index).into_owned(),
            Source::Absent(ColumnKind::Text) => Value::from(""),
            Source::Absent(ColumnKind::Dynamic) => Value::Null,
        };
        *row = Row::Cells(sources.iter().map(cell).collect());
    }
}

fn compare(one: &Row, other: &Row, keys: &[OrderKey]) -> Ordering {
    let by_key = |key: &OrderKey| {
        let (one, other) = (one.cell(key.column), other.cell(key.column));
        let order = text(&one).cmp(&text(&other));
        if key.is_descending {
            order.reverse()
        } else {
            order
        }
    };
    keys.iter().fold(Ordering::Equal, |order, key| {
        order.then_with(|| by_key(key))
    })
}

fn value<'a>(operand: &'a Operand, row: &'a Row) -> Cow<'a, Value> {
    match operand {
        Operand::Literal(text) => Cow::Owned(Value::from(text.as_str())),
        Operand::Column { index, members } => {
            let member = |value: &'a Value| {
                let mut members = members.iter();
                members.try_fold(value, |value, member| value.get(member))
            };
            match row.cell(*index) {
                Cow::Borrowed(cell) => Cow::Borrowed(member(cell).unwrap_or(&Value::Null)),
                // Computed cells are text, which has no members.
                owned => owned,
            }
        }
        Operand::ToLower(inner) => {
            let inner = value(inner, row);
            Cow::Owned(Value::from(text(&inner).to_lowercase()))
        }
        Operand::ToText(inner) => {
            let inner = value(inner, row);
            Cow::Owned(Value::from(text(&inner).into_owned()))
        }
    }
}

/// The value as text: JSON, except for strings; null is empty.
fn text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        Value::Null => Cow::Borrowed(""),
        other => Cow::Owned(other.to_string()),
    }
}

fn holds(predicate: &Predicate, row: &Row) -> bool {
    match predicate {
        Predicate::All(parts) => parts.iter().all(|part| holds(part, row)),
        Predicate::Any(parts) => parts.iter().any(|part| holds(part, row)),
        Predicate::Not(inner) => !holds(inner, row),
        Predicate::IsNotEmpty(operand) => !text(&value(operand, row)).is_empty(),
        Predicate::OneOf {
            operand,
            values,
            ignores_case,
        } => {
            let found = value(operand, row);
            let found = text(&found);
            values.iter().any(|value| match ignores_case {
                true => equal_ignoring_case(&found, value),
                false => *value == found,
            })
        }
        Predicate::Compare(left, comparison, right) => {
            let (left, right) = (value(left, row), value(right, row));
            let (left, right) = (text(&left), text(&right));
            match comparison {
                Comparison::Equal => left == right,
                Comparison::Different => left != right,
                Comparison::EqualIgnoringCase => equal_ignoring_case(&left, &right),
                Comparison::DifferentIgnoringCase => !equal_ignoring_case(&left, &right),
                Comparison::Has => has_term(&left.to_lowercase(), &right.to_lowercase()),
                Comparison::Contains => left.to_lowercase().contains(&right.to_lowercase()),
                Comparison::StartsWith => left.to_lowercase().starts_with(&right.to_lowercase()),
            }
        }
    }
}

fn equal_ignoring_case(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// Whether the text contains the term, with no letter or digit directly before or after it.
fn has_term(text: &str, term: &str) -> bool {
    let is_open = |c: Option<char>| !c.is_some_and(char::is_alphanumeric);
    text.match_indices(term).any(|(at, found)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text
            .get(at + found.len()..)
            .and_then(|after| after.chars().next());
        is_open(before) && is_open(after)
    })
}
