//! Notes about an exported spec: what it does not have, and what `plan` shows for it.

use std::{collections::BTreeMap, path::Path};

use lazuli_arm::ArmError;
use lazuli_core::{
    arm::ArmId,
    body_path::BodyPath,
    export::{Export, Note, only_adds_markers},
    plan::Plan,
};

use super::{
    pluralize, render_message,
    style::{Style, Tint, escape_control, wrap_block},
};

const NOTE: &str = "note:";

/// Renders what is not in the spec, or differs from Azure, and why. `errors` are failed reads.
pub(crate) fn notes(export: &Export, errors: &[ArmError], style: &Style) -> String {
    let mut text = String::new();
    let mut add = |note: String| {
        text.push_str(&render_message(
            NOTE,
            Tint::Yellow,
            &escape_control(&note),
            style,
        ))
    };
    let mut foreign: BTreeMap<&str, usize> = BTreeMap::new();
    let mut existing: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for note in &export.notes {
        match note {
            Note::Unreadable(id) => add(format!("{id} is omitted: {}", explain_unread(id, errors))),
            Note::Unsupported(id) => add(format!("{id} is omitted: no kind supports it")),
            Note::NoVersion(id) => add(format!(
                "{id} is omitted: {}",
                explain_no_version(id, errors)
            )),
            Note::Generic { entry, kind } => add(format!(
                "`{entry}` is exported as `kind: resource` without its child resources: kind {kind} does not support it"
            )),
            Note::Existing { entry, stack } => {
                existing
                    .entry(stack)
                    .or_default()
                    .push(format!("`{entry}`"));
            }
            Note::Foreign { stack, .. } => *foreign.entry(stack).or_default() += 1,
            Note::Secrets { entry, paths } => add(format!(
                "`{entry}` is exported without {} that may be secrets: {}. Pass them in parameters with `secret: true`",
                pluralize(paths.len(), "value"),
                list_paths(paths)
            )),
            Note::UnverifiableSecrets(entry) => add(format!(
                "`{entry}` has secrets that Azure does not return: pass them in parameters with `secret: true`"
            )),
            Note::Inexpressible { entry, paths } => add(format!(
                "`{entry}` is exported without {} that its kind does not support: {}",
                pluralize(paths.len(), "value"),
                list_paths(paths)
            )),
        }
    }
    for error in errors.iter().filter(|error| lacks_note(error, export)) {
        let code = error.code.as_ref().unwrap_or(&error.message);
        add(format!(
            "{} is omitted: Azure does not return it ({code})",
            error.path
        ));
    }
    for (stack, entries) in existing {
        let (verb, object) = match entries.len() {
            1 => ("is", "it"),
            _ => ("are", "them"),
        };
        add(format!(
            "{} {verb} exported with `existing: true`: stack `{stack}` owns {object}",
            entries.join(", ")
        ));
    }
    for (stack, number) in foreign {
        add(match number {
            1 => format!("1 role assignment or lock is omitted: stack `{stack}` owns it"),
            _ => format!(
                "{number} role assignments and locks are omitted: stack `{stack}` owns them"
            ),
        });
    }
    text
}

fn list_paths(paths: &[BodyPath]) -> String {
    let paths: Vec<String> = paths.iter().map(ToString::to_string).collect();
    paths.join(", ")
}

/// Whether an error has no note of its own: it is neither about a resource nor about the API version of a type.
fn lacks_note(error: &ArmError, export: &Export) -> bool {
    let id = ArmId::parse(&error.path);
    let is_about =
        |note: &Note| matches!(note, Note::Unreadable(unread) if id.as_ref() == Some(unread));
    let is_in_group = id.as_ref().is_some_and(|id| id.group().is_some());
    is_in_group && !export.notes.iter().any(is_about)
}

fn explain_unread(id: &ArmId, errors: &[ArmError]) -> String {
    let error = errors
        .iter()
        .find(|error| ArmId::parse(&error.path).as_ref() == Some(id));
    match error {
        Some(error) => {
            let code = error.code.as_ref().unwrap_or(&error.message);
            format!("Azure does not return it ({code})")
        }
        None => "Azure lists it but does not return it".to_owned(),
    }
}

fn explain_no_version(id: &ArmId, errors: &[ArmError]) -> String {
    let arm_type = id.arm_type();
    let provider = arm_type
        .as_deref()
        .and_then(|arm_type| arm_type.split('/').next());
    let suffix = provider.map(|provider| format!("/providers/{provider}").to_lowercase());
    let is_about_provider = |error: &&ArmError| {
        let path = error.path.to_lowercase();
        suffix.as_ref().is_some_and(|suffix| path.ends_with(suffix))
    };
    match errors.iter().find(is_about_provider) {
        Some(error) => format!(
            "cannot read the API versions of its type ({})",
            error.code.as_ref().unwrap_or(&error.message)
        ),
        None => "its provider lists no API version for its type".to_owned(),
    }
}

/// The number of exported entries, and what `plan` shows for them.
pub(crate) fn outcome(export: &Export, plan: &Plan, file: Option<&Path>, style: &Style) -> String {
    let entries = match export.entries {
        1 => "1 entry".to_owned(),
        number => format!("{number} entries"),
    };
    let file = file.map_or_else(|| "FILE".to_owned(), |file| file.display().to_string());
    let unmarked = plan
        .steps
        .iter()
        .filter(|step| only_adds_markers(step))
        .count();
    let others = plan.steps.len() - unmarked;
    let mut text = format!("Exported {entries} as stack `{}`. ", export.stack);
    text.push_str(&match (unmarked, others) {
        (0, 0) => format!("`lazuli plan {file}` shows no changes."),
        (unmarked, 0) => format!(
            "Ownership markers are missing on {}: `lazuli apply {file}` adds them and changes nothing else.",
            pluralize(unmarked, "resource")
        ),
        (_, others) => format!(
            "`lazuli plan {file}` shows {}: review the plan before you apply it.",
            pluralize(others, "change")
        ),
    });
    if !plan.remarks.orphans.is_empty() {
        text.push_str(&format!(
            " The stack also owns {} without an entry in the spec: `lazuli plan` lists them as orphans. To leave them \
             alone, export with another stack name (`--stack`).",
            pluralize(plan.remarks.orphans.len(), "resource")
        ));
    }
    wrap_block(0, &escape_control(&text), style.width)
}
