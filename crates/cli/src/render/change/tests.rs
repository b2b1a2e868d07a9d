//! Values as they are compared.

use Compared::{Comes, Gone, LeftOut, Stays};
use serde_json::json;

use super::*;
use crate::render::testing::{change, step};

fn row(before: impl Into<Option<Json>>, after: impl Into<Option<Value>>) -> Row {
    let changes = vec![change("properties.value", before, after)];
    let step = Step {
        changes,
        ..step(Action::Update, "a", "resource", "a")
    };
    rows(&step, &Style::default()).remove(0)
}

fn owned(line: &str) -> String {
    line.to_owned()
}

#[test]
fn lines_that_look_the_same_are_told_apart() {
    let lines = row(json!("a\nb \nc\n"), Value::from("a\nb\nc  \n"))
        .lines()
        .lines;
    assert_eq!(
        lines,
        [
            Stays(owned("a")),
            Gone(owned("b (a space at the end)")),
            Gone(owned("c")),
            Comes(owned("b")),
            Comes(owned("c  (2 spaces at the end)")),
        ]
    );
    let ends = row(json!("a\r\n"), Value::from("a\n")).lines().lines;
    assert_eq!(ends, [Gone(owned("a\\r")), Comes(owned("a"))]);
}

#[test]
fn json_that_is_kept_as_text_is_compared_as_json() {
    let lines = row(
        json!("{\"a\":1,\"b\":[1,2]}"),
        Value::from("{\"a\":1,\"b\":[1,3]}"),
    )
    .lines();
    assert_eq!(lines.remark, Some("JSON as text"));
    let changed: Vec<_> = lines
        .lines
        .iter()
        .filter(|line| matches!(line, Gone(_) | Comes(_)))
        .collect();
    assert_eq!(changed, [&Gone(owned("    2")), &Comes(owned("    3"))]);

    let spaced = row(json!("{\"a\":1}"), Value::from("{ \"a\": 1 }")).lines();
    assert_eq!(spaced.remark, None, "as JSON the two are the same");
    assert_eq!(
        spaced.lines,
        [
            Gone(owned("\"{\\\"a\\\":1}\"")),
            Comes(owned("\"{ \\\"a\\\": 1 }\"")),
        ]
    );
}

#[test]
fn what_stays_far_from_any_difference_is_left_out() {
    let text = |last: &str| format!("{}{last}\n", "same\n".repeat(50));
    let lines = row(
        json!(format!("x\n{}", text("y"))),
        Value::string(format!("z\n{}", text("w"))),
    )
    .lines()
    .lines;
    assert_eq!(lines.len(), 2 + 2 + 1 + 2 + 2);
    assert_eq!(lines.get(4), Some(&LeftOut));
}
