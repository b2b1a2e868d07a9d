//! Comparison of property values.

use DiffLine::{Added, Context, Omission, Removed};
use serde_json::json;

use super::*;
use crate::render::testing::{change, step};

fn row(before: impl Into<Option<Json>>, after: impl Into<Option<Value>>) -> PropertyRow {
    let changes = vec![change("properties.value", before, after)];
    let step = Step {
        changes,
        ..step(Action::Update, "a", "resource", "a")
    };
    collect_rows(&step, &Style::default()).remove(0)
}

fn owned(line: &str) -> String {
    line.to_owned()
}

#[test]
fn whitespace_and_line_end_differences_are_visible() {
    let lines = row(json!("a\nb \nc\n"), Value::from("a\nb\nc  \n"))
        .to_diff()
        .lines;
    assert_eq!(
        lines,
        [
            Context(owned("a")),
            Removed(owned("b (1 trailing space)")),
            Removed(owned("c")),
            Added(owned("b")),
            Added(owned("c  (2 trailing spaces)")),
        ]
    );
    let ends = row(json!("a\r\n"), Value::from("a\n")).to_diff().lines;
    assert_eq!(ends, [Removed(owned("a\\r")), Added(owned("a"))]);
}

#[test]
fn json_in_strings_is_compared_as_json() {
    let lines = row(
        json!("{\"a\":1,\"b\":[1,2]}"),
        Value::from("{\"a\":1,\"b\":[1,3]}"),
    )
    .to_diff();
    assert_eq!(lines.remark, Some("JSON in a string"));
    let changed: Vec<_> = lines
        .lines
        .iter()
        .filter(|line| matches!(line, Removed(_) | Added(_)))
        .collect();
    assert_eq!(changed, [&Removed(owned("    2")), &Added(owned("    3"))]);

    let spaced = row(json!("{\"a\":1}"), Value::from("{ \"a\": 1 }")).to_diff();
    assert_eq!(spaced.remark, None, "the two are equal as JSON");
    assert_eq!(
        spaced.lines,
        [
            Removed(owned("\"{\\\"a\\\":1}\"")),
            Added(owned("\"{ \\\"a\\\": 1 }\"")),
        ]
    );
}

#[test]
fn lines_far_from_any_difference_are_omitted() {
    let text = |last: &str| format!("{}{last}\n", "same\n".repeat(50));
    let lines = row(
        json!(format!("x\n{}", text("y"))),
        Value::string(format!("z\n{}", text("w"))),
    )
    .to_diff()
    .lines;
    assert_eq!(lines.len(), 2 + 2 + 1 + 2 + 2);
    assert_eq!(lines.get(4), Some(&Omission));
}
