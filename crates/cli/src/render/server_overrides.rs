//! Server overrides: values that Azure stores instead of those that were sent.

use lazuli_arm::ArmError;
use lazuli_core::{diff::Change, plan::ServerOverride};

use super::{
    NodeNames, pluralize,
    style::{Style, Tint, escape_control, wrap_block},
};

const INDENT: usize = 4;

/// Lists the overrides with what to do; empty if there are none. `errors` are the errors that prevented their
/// recording.
pub(crate) fn render_overrides(
    found: &[ServerOverride],
    errors: &[ArmError],
    style: &Style,
) -> String {
    let changes = || found.iter().flat_map(|found| &found.changes);
    if changes().next().is_none() {
        return String::new();
    }
    let names = NodeNames::from_keys(found.iter().map(|found| &found.key));
    let overrides = pluralize(changes().count(), "server override");
    let title = format!("{overrides}: Azure stores a different value than the one sent:");
    let mut text = format!("\n{}\n", style.paint(Tint::Yellow, &title));
    for found in found {
        for change in &found.changes {
            let line = format!("{}: {}", names.name(&found.key), describe_override(change));
            text.push_str(&wrap_block(INDENT, &escape_control(&line), style.width));
        }
    }
    text.push_str(&match errors.first() {
        None => wrap_block(
            0,
            "Recorded in a tag, so that the next plan shows no difference. To resolve it, write Azure's value in \
             the spec, or add the property to `ignore`.",
            style.width,
        ),
        Some(why) => {
            let text = format!(
                "Could not be recorded in a tag ({why}), so that the next plan shows a difference again. Add the \
                 property to `ignore`, or the tag to `ignoreTags` of the stack document."
            );
            wrap_block(0, &escape_control(&text), style.width)
        }
    });
    text
}

/// `tags.costCentre is "42", not "7"`
fn describe_override(change: &Change) -> String {
    let or_none = |value: Option<String>| value.unwrap_or_else(|| "(none)".to_owned());
    let before = or_none(change.before.as_ref().map(ToString::to_string));
    let after = change.after.as_ref();
    let after = or_none(after.map(|value| value.to_display_json().to_string()));
    format!("{} is {before}, not {after}", change.path.lifted())
}
