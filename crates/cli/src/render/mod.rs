//! From data to text for a person. Every renderer is a pure function that returns whole lines.

mod change;
pub(crate) mod diagnostics;
pub(crate) mod doctor;
mod escape;
pub(crate) mod explain;
pub(crate) mod export;
pub(crate) mod failure;
mod grants;
pub(crate) mod graph;
pub(crate) mod html;
pub(crate) mod inventory;
pub(crate) mod locks;
pub(crate) mod markdown;
pub(crate) mod notice;
mod orphans;
pub(crate) mod overruled;
pub(crate) mod plan;
pub(crate) mod preflight;
pub(crate) mod report;
pub(crate) mod roles;
pub(crate) mod sheet;
pub(crate) mod style;
#[cfg(test)]
pub(crate) mod testing;

use std::collections::BTreeSet;

use lazuli_core::{
    arm::ArmType,
    graph::{Node, NodeKey},
    kind::Handler,
    plan::{Action, Plan, Step},
    source::{Sources, Span},
};
use lazuli_handlers::resource::AnyResource;
use style::{Style, Tint, clean};

/// How nodes are called: by their address, and with the stack before it where there are several stacks.
#[derive(Debug, Clone, Copy, Default)]
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
        let steps = plan.steps.iter().map(|step| &step.subject.key);
        let kept = plan.remarks.kept.iter().map(|kept| &kept.key);
        let orphans = plan.remarks.orphans.iter().map(|orphan| &orphan.key);
        Self::of(
            steps
                .chain(&plan.remarks.unchanged)
                .chain(kept)
                .chain(orphans),
        )
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
        Action::Adopt => (">", Tint::Yellow),
        Action::Update => ("~", Tint::Yellow),
        Action::Replace => ("±", Tint::Red),
        Action::Delete => ("-", Tint::Red),
        Action::Release => ("<", Tint::Yellow),
    }
}

/// `stack.yaml:7`: in which line of the specs something stands.
fn line_of(span: Span, sources: &Sources) -> String {
    let source = sources.get(span.source);
    let name = source.map(|source| source.name.as_str());
    let line = sources.position(span).line;
    clean(&format!("{}:{line}", name.unwrap_or_default()))
}

/// `stack.yaml:9:3`: where something stands in the specs.
pub(crate) fn place(span: Span, sources: &Sources) -> String {
    let column = sources.position(span).column;
    format!("{}:{column}", line_of(span, sources))
}

/// The mark of an action as a style can show it: in ASCII where it must be, in a word where it is read aloud.
pub(crate) fn sign(action: Action, style: &Style) -> (String, Tint) {
    let (sign, tint) = mark(action);
    let shown = match sign {
        _ if style.plain => format!("{action}:"),
        "±" if style.ascii => "-/+".to_owned(),
        sign => sign.to_owned(),
    };
    (shown, tint)
}

/// `storageAccount stcameras`: what a step acts on. A nested resource is called by the end of its type: `containers
/// recordings`; a resource of any type by that type: `Microsoft.KeyVault/vaults kv-cameras`.
pub(crate) fn object(step: &Step) -> String {
    called(
        step.subject.kind,
        &step.subject.arm_type,
        &step.subject.title,
    )
}

/// The same of what no step acts on.
fn object_of(node: &Node) -> String {
    called(
        node.subject.kind,
        &node.subject.arm_type,
        &node.subject.title,
    )
}

fn called(kind: &str, arm_type: &ArmType, subject: &str) -> String {
    let what = match arm_type.name.splitn(3, '/').nth(2) {
        _ if kind == AnyResource::FACTS.kind => &arm_type.name,
        Some(nested) => nested.rsplit('/').next().unwrap_or(nested),
        None => kind,
    };
    clean(&format!("{what} {subject}"))
}

/// Ids with everything before the provider left out: `…/Microsoft.Storage/storageAccounts/stcameras`. The resource
/// group and subscription are those of the spec nearly always; where they are the difference, ids are not shortened.
fn short_ids(text: &str, ellipsis: &str) -> String {
    const START: &str = "/subscriptions/";
    const PROVIDERS: &str = "/providers/";
    let mut short = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(START) {
        let (before, id) = rest.split_at(start);
        let end = id.find(['"', ' ', '\n']).unwrap_or(id.len());
        let (id, after) = id.split_at(end);
        short.push_str(before);
        match id.find(PROVIDERS) {
            Some(at) => {
                short.push_str(ellipsis);
                short.push_str(&id[at + PROVIDERS.len() - 1..]);
            }
            None => short.push_str(id),
        }
        rest = after;
    }
    short + rest
}

/// `+ recordings  storageAccount stcameras`, in two lines where one is too narrow.
fn heading(step: &Step, names: Names, style: &Style) -> String {
    let (sign, tint) = sign(step.action, style);
    let head = format!("{sign} {}", names.name(&step.subject.key));
    beside_or_below(&head, tint, &object(step), style)
}

/// What something is called, and what it is: beside that, or where there is no room, below it.
fn beside_or_below(head: &str, tint: Tint, object: &str, style: &Style) -> String {
    match style::columns(head) + 2 + style::columns(object) <= style.width {
        true => format!("{}  {object}\n", style.paint(tint, head)),
        false => {
            style::hanging(head, Some(tint), [0, 2], style) + &style::block(4, object, style.width)
        }
    }
}

/// `error: nothing was changed`: what is said outside of any text, with the colour of its first word.
pub(crate) fn said(word: &str, tint: Tint, text: &str, style: &Style) -> String {
    let lines = style::block(0, &format!("{word} {text}"), style.width);
    match lines.strip_prefix(word) {
        Some(rest) => format!("{}{rest}", style.paint(tint, word)),
        None => lines,
    }
}

/// `6 to create, 1 to update, 0 to delete`: how many steps a plan has of each action, in the words given. Of those that
/// are seldom, nothing is said where there is none.
fn tally(plan: &Plan, words: impl Fn(Action) -> &'static str) -> String {
    let is_told = |action| matches!(action, Action::Create | Action::Update | Action::Delete);
    let counts = Action::ALL.map(|action| (action, plan.count(action)));
    counts
        .into_iter()
        .filter(|(action, count)| *count > 0 || is_told(*action))
        .map(|(action, count)| format!("{count} {}", words(action)))
        .collect::<Vec<_>>()
        .join(", ")
}

/// `1 error`, `2 errors`.
pub(crate) fn count(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}
