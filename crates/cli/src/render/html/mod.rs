//! A plan as one page for a browser: the graph as a drawing, and every step to be opened.
//!
//! The page loads nothing, and its policy lets it load nothing: its styles and its script are in it, and allowed by
//! their digests. Without scripts it says the same. All text goes through the escaping of [`maud`]; what is not escaped
//! is the drawing, which escapes for itself, and the files beside this one.

mod step;

use std::collections::HashMap;

use base64::{Engine, prelude::BASE64_STANDARD};
use lazuli_core::{graph::NodeKey, plan::Action};
use lazuli_handlers::REGISTRY;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use ring::digest::{SHA256, digest};

use self::step::steps;
use super::{
    Names,
    graph::{Figure, SVG_STYLE, figure},
    mark,
    notice::{Concerned, Line, Notice, Weight},
    object_of, plan as told,
    sheet::Sheet,
    style::clean,
};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The whole page.
pub(crate) fn plan(sheet: &Sheet<'_>) -> String {
    let summary = told::summary(sheet.plan);
    let style = unix(STYLE) + SVG_STYLE;
    let script = unix(SCRIPT);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(policy(&style, &script));
                meta name="referrer" content="no-referrer";
                meta name="color-scheme" content="light dark";
                meta name="generator" content={ "lazuli " (env!("CARGO_PKG_VERSION")) };
                title { (named(sheet.stacks)) ": " (summary.trim_end_matches('.')) }
                style { (PreEscaped(&style)) }
            }
            body {
                a.skip href="#steps" { "Skip to the steps" }
                header {
                    p.muted { (stacks(sheet.stacks)) }
                    h1 { (summary.trim_end_matches('.')) }
                    (counts(sheet))
                    @if let Some(part) = &sheet.plan.remarks.selection { p { (prose(&clean(&told::only(part)))) } }
                }
                main {
                    (notices(&sheet.notices()))
                    (drawing(sheet))
                    (steps(sheet))
                    (unchanged(sheet))
                }
                footer { p.muted { "Made by lazuli " (env!("CARGO_PKG_VERSION")) ". This page loads nothing and sends nothing." } }
                script { (PreEscaped(&script)) }
            }
        }
    };
    page.into_string() + "\n"
}

/// A file with the line ends that a browser makes of any, before it compares a digest.
fn unix(file: &str) -> String {
    file.replace("\r\n", "\n")
}

/// What the page may do: show itself.
fn policy(style: &str, script: &str) -> String {
    let digest = |text: &str| BASE64_STANDARD.encode(digest(&SHA256, text.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        digest(style),
        digest(script)
    )
}

/// `cameras`, or `12 stacks`, for the name of a tab.
fn named(stacks: &[String]) -> String {
    match stacks {
        [stack] => clean(stack),
        stacks => format!("{} stacks", stacks.len()),
    }
}

fn stacks(stacks: &[String]) -> Markup {
    html! {
        @if stacks.len() == 1 { "Stack" } @else { "Stacks" }
        @for (at, stack) in stacks.iter().enumerate() {
            @if at > 0 { "," }
            " " code { (clean(stack)) }
        }
    }
}

/// The sign, the word and the count of what there is.
fn counts(sheet: &Sheet<'_>) -> Markup {
    let plan = sheet.plan;
    let counted = Action::ALL.map(|action| (action, plan.count(action)));
    html! {
        ul.counts {
            @for (action, count) in counted.into_iter().filter(|(_, count)| *count > 0) {
                li class={ "is-" (action) } {
                    span.mark { (mark(action).0) } " " (count) " " span.word { (action) }
                }
            }
            @if !plan.remarks.unchanged.is_empty() {
                li { span.mark { "=" } " " (plan.remarks.unchanged.len()) " " a href="#unchanged" { "unchanged" } }
            }
        }
    }
}

/// Text with names in backticks, as lazuli writes it.
fn prose(text: &str) -> Markup {
    let pieces: Vec<&str> = text.split('`').collect();
    let is_paired = pieces.len() % 2 == 1;
    html! {
        @if is_paired {
            @for (at, piece) in pieces.iter().enumerate() {
                @if at % 2 == 1 { code { (piece) } } @else { (piece) }
            }
        } @else {
            (text)
        }
    }
}

fn notices(notices: &[Notice]) -> Markup {
    html! {
        @if !notices.is_empty() {
            section aria-labelledby="notices" {
                h2 id="notices" { "To know" }
                @for notice in notices { (notice_shown(notice)) }
            }
        }
    }
}

fn notice_shown(notice: &Notice) -> Markup {
    let weight = match notice.weight {
        Weight::Error => "error",
        Weight::Warning => "warning",
        Weight::Note => "note",
        Weight::Aside => "aside",
    };
    html! {
        div class={ "notice " (weight) } {
            p.title { span.mark { (notice.sign) } " " (prose(&notice.head)) }
            @for line in &notice.lines {
                @match line {
                    Line::Text(id) if id.starts_with('/') => p { code { (id) } },
                    Line::Text(text) => p { (prose(text)) },
                    Line::Help(text) => p.muted { "help: " (prose(text)) },
                    Line::Step(step) => (concerned(step)),
                }
            }
        }
    }
}

fn concerned(step: &Concerned) -> Markup {
    let class = format!(
        "is-{}{}",
        step.action,
        if step.is_inner { " inner" } else { "" }
    );
    html! {
        p class=(class) {
            span.mark { (mark(step.action).0) } " "
            a href={ "#step-" (step.step.0) } { code { (step.name) } }
            @if let Some(place) = &step.place { " " span.muted { (place) } }
        }
    }
}

/// The drawing, and what is not in it.
fn drawing(sheet: &Sheet<'_>) -> Markup {
    let plan = sheet.plan;
    let unchanged = plan.remarks.unchanged.iter();
    let places: HashMap<&NodeKey, String> = unchanged
        .map(|key| (key, "#unchanged".to_owned()))
        .chain(
            plan.steps
                .iter()
                .map(|step| (&step.subject.key, format!("#step-{}", step.id.0))),
        )
        .collect();
    let link = |key: &NodeKey| places.get(key).cloned();
    let shown = figure(sheet.graph, plan, REGISTRY, &link);
    html! {
        section aria-labelledby="graph" {
            h2 id="graph" { "Graph" }
            @match shown {
                Figure::Whole(svg) => {
                    p.muted { "An arrow points at what is waited for. A resource leads to its step." }
                    (canvas(&svg))
                }
                Figure::Changes { svg, left_out } => {
                    p.muted {
                        "Only what changes and what is next to it: " (left_out) " more resources are not drawn. "
                        "An arrow points at what is waited for. A resource leads to its step."
                    }
                    (canvas(&svg))
                }
                Figure::TooLarge { resources } => {
                    p.muted { "There are too many resources to be drawn: " (resources) ". Plan a part of them with --target to see it." }
                }
            }
        }
    }
}

fn canvas(svg: &str) -> Markup {
    html! {
        div.figure role="region" aria-label="Drawing of the graph" tabindex="0" { (PreEscaped(svg)) }
    }
}

fn unchanged(sheet: &Sheet<'_>) -> Markup {
    let plan = sheet.plan;
    let names = Names::of_plan(plan);
    html! {
        @if !plan.remarks.unchanged.is_empty() {
            section aria-label="Unchanged" {
                h2 { "Unchanged" }
                details.fold open[sheet.shows_unchanged] {
                    summary { span.mark { "=" } " " (plan.remarks.unchanged.len()) " as the spec wants" }
                    div.inside id="unchanged" {
                        ul {
                            @for key in &plan.remarks.unchanged {
                                li {
                                    code { (names.name(key)) } " "
                                    span.muted { (sheet.graph.node(key).map(object_of).unwrap_or_default()) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
