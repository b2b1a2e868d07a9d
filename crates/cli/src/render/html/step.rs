//! The steps of a plan on a page, each with its reason, its properties and its dependencies.

use lazuli_core::plan::Step;
use maud::{Markup, html};

use super::prose;
use crate::render::{
    NodeNames, action_sign,
    change::{DiffLine, PropertyRow, collect_rows},
    describe_step, format_line,
    plan_view::PlanView,
    style::{Style, escape_control},
};

pub(super) fn steps(view: &PlanView<'_>) -> Markup {
    let plan = view.plan;
    let names = NodeNames::from_plan(plan);
    html! {
        section aria-labelledby="steps" {
            h2 id="steps" tabindex="-1" { "Steps" }
            @if plan.steps.is_empty() {
                p { "No steps." }
            } @else {
                div.tools #tools hidden {
                    button.open type="button" { "Open all" }
                    button.close type="button" { "Close all" }
                }
            }
            @for step in &plan.steps {
                (step_box(step, view, names))
            }
        }
    }
}

fn step_box(step: &Step, view: &PlanView<'_>, names: NodeNames) -> Markup {
    let rows = collect_rows(step, &Style::PAGE);
    let dependencies = step.after.iter().map(|id| &view.plan[*id]);
    let dependencies: Vec<&Step> = dependencies.collect();
    html! {
        details class={ "fold is-" (step.action) } {
            summary {
                span.sign { (action_sign(step.action).0) } " " span.word { (step.action) } " "
                code.who { (names.name(&step.subject.key)) } " " span.muted { (describe_step(step)) }
            }
            div.inside id={ "step-" (step.id.0) } {
                p.muted.reason {
                    span { (prose(&escape_control(&step.reason))) } " "
                    code { (format_line(step.subject.span, view.sources)) }
                }
                @for row in &rows { (property(row)) }
                @if !dependencies.is_empty() {
                    p.muted {
                        "Depends on"
                        @for (at, other) in dependencies.iter().enumerate() {
                            @if at > 0 { "," }
                            " " a href={ "#step-" (other.id.0) } { (names.name(&other.subject.key)) }
                        }
                    }
                }
            }
        }
    }
}

fn property(row: &PropertyRow) -> Markup {
    let inline = row.to_inline_on_page();
    let diff = match inline {
        Some(_) => None,
        None => Some(row.to_diff()),
    };
    let remark = diff.as_ref().and_then(|diff| diff.remark);
    html! {
        div.property {
            div.whole[diff.is_some()] {
                code { (row.label) }
                @if row.is_fixed { " " span.muted { "(fixed at creation)" } }
                @if let Some(remark) = remark { " " span.muted { "(" (remark) ")" } }
            }
            @if let Some((before, after)) = &inline {
                div.values {
                    @if let Some(before) = before {
                        del { span.screen-reader { "before: " } code { "- " (before) } }
                        span.arrow aria-hidden="true" { "→" }
                    }
                    ins { span.screen-reader { "after: " } code { "+ " (after) } }
                }
            }
            @if let Some(diff) = &diff {
                pre.whole { @for line in &diff.lines { (diff_line(line)) } }
            }
        }
    }
}

fn diff_line(line: &DiffLine) -> Markup {
    html! {
        @match line {
            DiffLine::Removed(line) => span.removed { "- " (line) },
            DiffLine::Added(line) => span.added { "+ " (line) },
            DiffLine::Context(line) => span { "  " (line) },
            DiffLine::Omission => span.omission { "..." },
        }
    }
}
