//! From data to text for a person. Every renderer is a pure function that returns whole lines.

pub(crate) mod diagnostics;
pub(crate) mod failure;
pub(crate) mod graph;
pub(crate) mod plan;
pub(crate) mod report;
pub(crate) mod style;
#[cfg(test)]
pub(crate) mod testing;

use std::collections::BTreeSet;

use lazuli_core::{
    graph::NodeKey,
    plan::{Action, Plan, Step},
};
use style::{Style, Tint, clean};

/// How nodes are called: by their address, and with the stack before it where there are several stacks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Names {
    with_stack: bool,
}

impl Names {
    /// The names for these nodes together.
    pub(crate) fn of<'a>(keys: impl IntoIterator<Item = &'a NodeKey>) -> Self {
        let stacks: BTreeSet<&str> = keys.into_iter().map(|key| key.stack.as_str()).collect();
        Self {
            with_stack: stacks.len() > 1,
        }
    }

    /// The names for everything in a plan.
    pub(crate) fn of_plan(plan: &Plan) -> Self {
        let steps = plan.steps.iter().map(|step| &step.key);
        let kept = plan.kept.iter().map(|kept| &kept.key);
        Self::of(steps.chain(&plan.unchanged).chain(kept))
    }

    /// `recordings`, or `cameras:recordings`.
    pub(crate) fn name(self, key: &NodeKey) -> String {
        match self.with_stack {
            true => clean(&format!("{}:{key}", key.stack)),
            false => clean(&key.to_string()),
        }
    }
}

/// The mark of an action, and its colour.
fn mark(action: Action) -> (&'static str, Tint) {
    match action {
        Action::Create => ("+", Tint::Green),
        Action::Update => ("~", Tint::Yellow),
        Action::Delete => ("-", Tint::Red),
    }
}

/// `storageAccount stcameras`: what a step acts on.
pub(crate) fn object(step: &Step) -> String {
    clean(&format!("{} {}", step.kind, step.subject))
}

/// `+ recordings  storageAccount stcameras`, in two lines where one is too narrow.
fn heading(step: &Step, names: Names, style: &Style) -> String {
    let (mark, tint) = mark(step.action);
    let name = names.name(&step.key);
    let object = object(step);
    let head = style.paint(tint, &format!("{mark} {name}"));
    if 4 + style::columns(&name) + style::columns(&object) <= style.width {
        return format!("{head}  {object}\n");
    }
    format!("{head}\n{}", style::block(4, &object, style.width))
}

/// `1 error`, `2 errors`.
pub(crate) fn count(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}
