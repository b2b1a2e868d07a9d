//! A plan for a comment on a pull request.

use lazuli_core::plan::Action;

use super::{
    details, fence, headline, line, marker, of_stacks,
    page::{Part, Rank, page},
    properties,
};
use crate::render::{
    Names,
    escape::escaped,
    markdown::code,
    object_of, plan as told,
    sheet::Sheet,
    style::{Style, block},
};

/// A notice of more lines than this is shown by its head, to be opened.
const FEW_LINES: usize = 12;

/// The whole plan: the summary, what should be known, and every step to be opened.
pub(crate) fn plan(sheet: &Sheet<'_>) -> String {
    let plan = sheet.plan;
    let summary = told::summary(plan);
    let head = format!(
        "{}## {}\n\n{}",
        marker("plan", sheet.stacks),
        summary.trim_end_matches('.'),
        of_stacks(sheet.stacks)
    );
    let mut parts = about(sheet);
    parts.extend(steps(sheet));
    parts.extend(unchanged(sheet));
    page(&head, &parts, "`lazuli plan` shows all of it.")
}

/// What is to be known before the steps.
pub(super) fn about(sheet: &Sheet<'_>) -> Vec<Part> {
    let only = sheet.plan.remarks.selection.as_ref().map(told::only);
    let only = only.map(|only| fence("text", &block(0, &only, Style::PAGE.width)));
    let notices = sheet.notices();
    let notices = notices.iter().map(|notice| {
        let text = fence("diff", &notice.text(&Style::PAGE));
        match notice.lines.len() <= FEW_LINES {
            true => text,
            false => {
                let headline = format!("{} {}", escaped(notice.sign), code(&notice.head));
                details(&headline, &text)
            }
        }
    });
    let all = only.into_iter().chain(notices);
    all.map(|text| Part(vec![(Rank::Notices, text)])).collect()
}

fn steps(sheet: &Sheet<'_>) -> Vec<Part> {
    let names = Names::of_plan(sheet.plan);
    let steps = sheet.plan.steps.iter().map(|step| {
        let headline = headline(step, names);
        let (open, closed) = ranks(step.action);
        Part(vec![
            (open, details(&headline, &properties(step, sheet.sources))),
            (closed, line(&headline)),
        ])
    });
    steps.collect()
}

/// What the properties of a step are, and what the step itself is.
pub(super) fn ranks(action: Action) -> (Rank, Rank) {
    match action {
        Action::Create => (Rank::MadeDetails, Rank::Made),
        _ => (Rank::ChangeDetails, Rank::Changes),
    }
}

fn unchanged(sheet: &Sheet<'_>) -> Option<Part> {
    let plan = sheet.plan;
    if !sheet.shows_unchanged || plan.remarks.unchanged.is_empty() {
        return None;
    }
    let names = Names::of_plan(plan);
    let items = plan.remarks.unchanged.iter().map(|key| {
        let object = sheet.graph.node(key).map(object_of).unwrap_or_default();
        format!("<li>{} {}</li>\n", code(&names.name(key)), code(&object))
    });
    let headline = escaped(&format!("= {} unchanged", plan.remarks.unchanged.len()));
    let list = format!("<ul>\n{}</ul>\n\n", items.collect::<String>());
    Some(Part(vec![(Rank::Unchanged, details(&headline, &list))]))
}
