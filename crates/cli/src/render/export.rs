//! What to know of an exported spec: what is not in it, and what `plan` says of it.

use std::{collections::BTreeMap, path::Path};

use lazuli_arm::ArmError;
use lazuli_core::{
    arm::ArmId,
    export::{Export, Note, only_marks},
    plan::Plan,
};

use super::{
    count,
    style::{Style, Tint, block, clean},
};

const NOTE: &str = "note:";

/// What is not in the spec, or not as it is in Azure, and why.
pub(crate) fn notes(export: &Export, refused: &[ArmError], style: &Style) -> String {
    let mut text = String::new();
    let mut say = |said: String| {
        let said = block(0, &format!("{NOTE} {}", clean(&said)), style.width);
        text.push_str(&said.replacen(NOTE, &style.paint(Tint::Yellow, NOTE), 1));
    };
    let mut foreign: BTreeMap<&str, usize> = BTreeMap::new();
    let mut existing: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for note in &export.notes {
        match note {
            Note::Unread(id) => say(format!("{id} is left out: {}", why(id, refused))),
            Note::NoWords(id) => say(format!("{id} is left out: a spec has no words for it")),
            Note::NoVersion(id) => say(format!("{id} is left out: {}", no_version(id, refused))),
            Note::Plain { entry, kind } => say(format!(
                "`{entry}` is written in ARM's own words, without what belongs to it: the kind {kind} cannot say it"
            )),
            Note::Existing { entry, stack } => {
                existing
                    .entry(stack)
                    .or_default()
                    .push(format!("`{entry}`"));
            }
            Note::Foreign { stack, .. } => *foreign.entry(stack).or_default() += 1,
            Note::Secrets { entry, paths } => say(format!(
                "`{entry}` is without {}, where secrets can be: {}. A parameter with `secret: true` can give them",
                count(paths.len(), "value"),
                paths.join(", ")
            )),
            Note::Withheld(entry) => say(format!(
                "`{entry}` has secrets that Azure does not answer: a parameter with `secret: true` can give them"
            )),
            Note::Unsaid { entry, paths } => say(format!(
                "`{entry}` is without {} that its kind cannot say: {}",
                count(paths.len(), "value"),
                paths.join(", ")
            )),
        }
    }
    for error in refused.iter().filter(|error| is_part(error, export)) {
        let code = error.code.as_ref().unwrap_or(&error.message);
        say(format!(
            "{} is left out: Azure does not answer it ({code})",
            error.path
        ));
    }
    for (stack, entries) in existing {
        let (are, them) = match entries.len() {
            1 => ("is", "it"),
            _ => ("are", "them"),
        };
        say(format!(
            "{} {are} only looked up (`existing: true`): the stack `{stack}` owns {them}",
            entries.join(", ")
        ));
    }
    for (stack, number) in foreign {
        say(match number {
            1 => format!("1 grant or lock is left out: the stack `{stack}` owns it"),
            _ => format!("{number} grants and locks are left out: the stack `{stack}` owns them"),
        });
    }
    text
}

/// Whether what was refused is neither a resource nor the version of a type, which are told by themselves.
fn is_part(error: &ArmError, export: &Export) -> bool {
    let place = ArmId::parse(&error.path);
    let is_told = |note: &Note| matches!(note, Note::Unread(id) if place.as_ref() == Some(id));
    let is_in_group = place.as_ref().is_some_and(|place| place.group().is_some());
    is_in_group && !export.notes.iter().any(is_told)
}

fn why(id: &ArmId, refused: &[ArmError]) -> String {
    let error = refused
        .iter()
        .find(|error| ArmId::parse(&error.path).as_ref() == Some(id));
    match error {
        Some(error) => {
            let code = error.code.as_ref().unwrap_or(&error.message);
            format!("Azure does not answer it ({code})")
        }
        None => "Azure lists it and does not answer it".to_owned(),
    }
}

fn no_version(id: &ArmId, refused: &[ArmError]) -> String {
    let arm_type = id.arm_type().unwrap_or_default();
    let (provider, _) = arm_type.split_once('/').unwrap_or_default();
    let provider = format!("/providers/{provider}").to_lowercase();
    let is_of_it = |error: &&ArmError| error.path.to_lowercase().ends_with(&provider);
    match refused.iter().find(is_of_it) {
        Some(error) => format!(
            "in which version its type is asked for could not be read ({})",
            error.code.as_ref().unwrap_or(&error.message)
        ),
        None => "its provider names no version to ask for its type in".to_owned(),
    }
}

/// How many entries there are, and what `plan` says of them.
pub(crate) fn outcome(export: &Export, plan: &Plan, place: Option<&Path>, style: &Style) -> String {
    let entries = match export.entries {
        1 => "1 entry".to_owned(),
        number => format!("{number} entries"),
    };
    let file = place.map_or_else(|| "FILE".to_owned(), |place| place.display().to_string());
    let marks = plan.steps.iter().filter(|step| only_marks(step)).count();
    let others = plan.steps.len() - marks;
    let mut said = format!("Exported {entries} as the stack `{}`. ", export.stack);
    said.push_str(&match (marks, others) {
        (0, 0) => format!("`lazuli plan {file}` shows no changes."),
        (marks, 0) => format!(
            "Nobody owns {marks} of them: `lazuli apply {file}` marks them as the stack's, and changes nothing else."
        ),
        (_, others) => format!(
            "`lazuli plan {file}` shows {}: look at it before anything is applied.",
            count(others, "change")
        ),
    });
    if !plan.remarks.orphans.is_empty() {
        said.push_str(&format!(
            " The stack owns {} more that {} not exported: plan lists what no entry names, and `--prune` deletes it. \
             `--stack` gives the spec another name.",
            count(plan.remarks.orphans.len(), "resource"),
            if plan.remarks.orphans.len() == 1 { "is" } else { "are" }
        ));
    }
    block(0, &clean(&said), style.width)
}
