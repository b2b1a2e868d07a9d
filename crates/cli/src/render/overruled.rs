//! What Azure keeps although another value was sent.

use lazuli_arm::ArmError;
use lazuli_core::{
    diff::{Change, lifted},
    plan::ServerOverride,
};

use super::{
    Names, count,
    style::{Style, Tint, block, clean},
};

/// How far what is said stands in.
const INDENT: usize = 4;

/// Each value once, and what to do about it; nothing where there is none. Refusals are why the next plan does not know.
pub(crate) fn overruled(found: &[ServerOverride], refusals: &[ArmError], style: &Style) -> String {
    let changes = || found.iter().flat_map(|found| &found.changes);
    if changes().next().is_none() {
        return String::new();
    }
    let names = Names::of(found.iter().map(|found| &found.key));
    let values = count(changes().count(), "value");
    let title = format!("Azure kept {values} although another was sent:");
    let mut text = format!("\n{}\n", style.paint(Tint::Yellow, &title));
    for found in found {
        for change in &found.changes {
            let line = format!("{}: {}", names.name(&found.key), kept(change));
            text.push_str(&block(INDENT, &clean(&line), style.width));
        }
    }
    text.push_str(&match refusals.first() {
        None => block(
            0,
            "It is remembered, and no drift to the next plan. To say so in the spec, write what Azure keeps, or name \
             the property in `ignore`.",
            style.width,
        ),
        Some(why) => {
            let says = format!(
                "It could not be remembered in a tag ({why}), and the next plan will show it again. Name the property \
                 in `ignore`, or in `ignoreTags` of the document."
            );
            block(0, &clean(&says), style.width)
        }
    });
    text
}

/// `tags.costCentre is "42", not "7"`
fn kept(change: &Change) -> String {
    let shown = |value: Option<String>| value.unwrap_or_else(|| "nothing".to_owned());
    let before = shown(change.before.as_ref().map(ToString::to_string));
    let after = change.after.as_ref();
    let after = shown(after.map(|value| value.to_display_json().to_string()));
    format!("{} is {before}, not {after}", lifted(&change.path))
}
