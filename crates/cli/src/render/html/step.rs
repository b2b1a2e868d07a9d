//! The steps of a plan on a page, each with its reason, its properties and what it waits for.

use lazuli_core::plan::Step;
use maud::{Markup, html};

use super::prose;
use crate::render::{
    Names,
    change::{Compared, Row, rows},
    line_of, mark, object,
    sheet::Sheet,
    style::{Style, clean},
};

pub(super) fn steps(sheet: &Sheet<'_>) -> Markup {
    let plan = sheet.plan;
    let names = Names::of_plan(plan);
    html! {
        section aria-labelledby="steps" {
            h2 id="steps" tabindex="-1" { "Steps" }
            @if plan.steps.is_empty() {
                p { "There is nothing to do." }
            } @else {
                div.tools #tools hidden {
                    button.open type="button" { "Open all" }
                    button.close type="button" { "Close all" }
                }
            }
            @for step in &plan.steps {
                (one(step, sheet, names))
            }
        }
    }
}

fn one(step: &Step, sheet: &Sheet<'_>, names: Names) -> Markup {
    let rows = rows(step, &Style::PAGE);
    let waits = step
        .after
        .iter()
        .filter_map(|id| sheet.plan.steps.get(id.0));
    let waits: Vec<&Step> = waits.collect();
    html! {
        details class={ "fold is-" (step.action) } {
            summary {
                span.mark { (mark(step.action).0) } " " span.word { (step.action) } " "
                code.who { (names.name(&step.subject.key)) } " " span.muted { (object(step)) }
            }
            div.inside id={ "step-" (step.id.0) } {
                p.muted.why-and-where {
                    span { (prose(&clean(&step.reason))) } " "
                    code { (line_of(step.subject.span, sheet.sources)) }
                }
                @for row in &rows { (property(row)) }
                @if !waits.is_empty() {
                    p.muted {
                        "Waits for"
                        @for (at, other) in waits.iter().enumerate() {
                            @if at > 0 { "," }
                            " " a href={ "#step-" (other.id.0) } { (names.name(&other.subject.key)) }
                        }
                    }
                }
            }
        }
    }
}

fn property(row: &Row) -> Markup {
    let beside = row.beside_on_a_page();
    let lines = match beside {
        Some(_) => None,
        None => Some(row.lines()),
    };
    let remark = lines.as_ref().and_then(|lines| lines.remark);
    html! {
        div.property {
            div.whole[lines.is_some()] {
                code { (row.label) }
                @if row.is_fixed { " " span.muted { "(fixed at creation)" } }
                @if let Some(remark) = remark { " " span.muted { "(" (remark) ")" } }
            }
            @if let Some((before, after)) = &beside {
                div.values {
                    @if let Some(before) = before {
                        del { span.aloud { "before: " } code { "- " (before) } }
                        span.arrow aria-hidden="true" { "→" }
                    }
                    ins { span.aloud { "after: " } code { "+ " (after) } }
                }
            }
            @if let Some(lines) = &lines {
                pre.whole { @for line in &lines.lines { (compared(line)) } }
            }
        }
    }
}

fn compared(line: &Compared) -> Markup {
    html! {
        @match line {
            Compared::Gone(line) => span.gone { "- " (line) },
            Compared::Comes(line) => span.comes { "+ " (line) },
            Compared::Stays(line) => span { "  " (line) },
            Compared::LeftOut => span.between { "..." },
        }
    }
}
