//! Text for people. Every renderer is a pure function that returns whole lines.

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
pub(crate) mod plan;
pub(crate) mod plan_view;
pub(crate) mod preflight;
pub(crate) mod report;
pub(crate) mod roles;
pub(crate) mod server_overrides;
pub(crate) mod style;
#[cfg(test)]
pub(crate) mod testing;

use std::collections::BTreeSet;

use lazuli_core::{
    arm::ArmType,
    graph::{Node, NodeKey},
    kind::Handler,
    plan::{Action, Plan, Step, StepId},
    source::{Sources, Span},
};
use lazuli_handlers::resource::AnyResource;
use style::{Style, Tint, escape_control};

/// How nodes are named: by their address, prefixed with the stack if there are several stacks.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct NodeNames {
    with_stack: bool,
}

impl NodeNames {
    pub(crate) fn from_keys<'a>(keys: impl IntoIterator<Item = &'a NodeKey>) -> Self {
        let stacks: BTreeSet<&str> = keys.into_iter().map(|key| key.stack.as_str()).collect();
        Self {
            with_stack: stacks.len() > 1,
        }
    }

    pub(crate) fn from_plan(plan: &Plan) -> Self {
        let steps = plan.steps.iter().map(|step| &step.subject.key);
        let kept = plan.remarks.kept.iter().map(|kept| &kept.key);
        let orphans = plan.remarks.orphans.iter().map(|orphan| &orphan.key);
        Self::from_keys(
            steps
                .chain(&plan.remarks.unchanged)
                .chain(kept)
                .chain(orphans),
        )
    }

    /// `recordings`, or `cameras:recordings`.
    pub(crate) fn name(self, key: &NodeKey) -> String {
        match self.with_stack {
            true => escape_control(&format!("{}:{key}", key.stack)),
            false => escape_control(&key.to_string()),
        }
    }

    /// The name of a step of the plan.
    fn step_name(self, plan: &Plan, id: StepId) -> String {
        self.name(&plan[id].subject.key)
    }
}

fn action_sign(action: Action) -> (&'static str, Tint) {
    match action {
        Action::Create => ("+", Tint::Green),
        Action::Adopt => (">", Tint::Yellow),
        Action::Update => ("~", Tint::Yellow),
        Action::Replace => ("±", Tint::Red),
        Action::Delete => ("-", Tint::Red),
        Action::Release => ("<", Tint::Yellow),
    }
}

/// The sign of an action in ASCII or as a word, where the style requires it.
fn styled_sign(action: Action, style: &Style) -> (String, Tint) {
    let (sign, tint) = action_sign(action);
    let text = match sign {
        _ if style.plain => format!("{action}:"),
        "±" if style.ascii => "-/+".to_owned(),
        sign => sign.to_owned(),
    };
    (text, tint)
}

/// The name of the file that a span points into.
fn source_name(span: Span, sources: &Sources) -> &str {
    let source = sources.get(span.source);
    source.map_or("(unknown file)", |source| source.name.as_str())
}

/// `stack.yaml:7`
fn format_line(span: Span, sources: &Sources) -> String {
    let line = sources.position(span).line;
    escape_control(&format!("{}:{line}", source_name(span, sources)))
}

/// `stack.yaml:9:3`
pub(crate) fn format_position(span: Span, sources: &Sources) -> String {
    let column = sources.position(span).column;
    format!("{}:{column}", format_line(span, sources))
}

/// `storageAccount stcameras`: the resource of a step. A nested resource is described by the end of its type
/// (`containers recordings`), a resource of any type by that type (`Microsoft.KeyVault/vaults kv-cameras`).
pub(crate) fn describe_step(step: &Step) -> String {
    describe(
        step.subject.kind,
        &step.subject.arm_type,
        &step.subject.title,
    )
}

/// Like [`describe_step`], for a node without a step; empty for a key that the graph does not have.
fn describe_node(node: Option<&Node>) -> String {
    node.map_or_else(String::new, |node| {
        describe(
            node.subject.kind,
            &node.subject.arm_type,
            &node.subject.title,
        )
    })
}

fn describe(kind: &str, arm_type: &ArmType, subject: &str) -> String {
    let what = match arm_type.name.splitn(3, '/').nth(2) {
        _ if kind == AnyResource::FACTS.kind => &arm_type.name,
        Some(nested) => nested.rsplit('/').next().unwrap_or(nested),
        None => kind,
    };
    escape_control(&format!("{what} {subject}"))
}

/// Shortens ids to what follows the resource group: `…/Microsoft.Storage/storageAccounts/stcameras`.
///
/// Only for values without a counterpart: two ids may differ in the part that is left out.
fn shorten_ids(text: &str, ellipsis: &str) -> String {
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
fn render_heading(step: &Step, names: NodeNames, style: &Style) -> String {
    let (sign, tint) = styled_sign(step.action, style);
    let head = format!("{sign} {}", names.name(&step.subject.key));
    render_pair(&head, tint, &describe_step(step), style)
}

/// A name and a description, which is placed below the name where there is no room next to it.
fn render_pair(head: &str, tint: Tint, description: &str, style: &Style) -> String {
    match style::columns(head) + 2 + style::columns(description) <= style.width {
        true => format!("{}  {description}\n", style.paint(tint, head)),
        false => {
            style::wrap_hanging(head, Some(tint), [0, 2], style)
                + &style::wrap_block(4, description, style.width)
        }
    }
}

/// `error: nothing was changed`, with the label in color.
pub(crate) fn render_message(label: &str, tint: Tint, text: &str, style: &Style) -> String {
    let lines = style::wrap_block(0, &format!("{label} {text}"), style.width);
    match lines.strip_prefix(label) {
        Some(rest) => format!("{}{rest}", style.paint(tint, label)),
        None => lines,
    }
}

/// `6 to create, 1 to update, 0 to delete`: the number of steps of each action. Adopt, replace and release are listed
/// only if there are any.
fn format_counts(plan: &Plan, words: impl Fn(Action) -> &'static str) -> String {
    let is_always_listed =
        |action| matches!(action, Action::Create | Action::Update | Action::Delete);
    let counts = Action::ALL.map(|action| (action, plan.count(action)));
    counts
        .into_iter()
        .filter(|(action, count)| *count > 0 || is_always_listed(*action))
        .map(|(action, count)| format!("{count} {}", words(action)))
        .collect::<Vec<_>>()
        .join(", ")
}

/// `1 error`, `2 errors`.
pub(crate) fn pluralize(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}
