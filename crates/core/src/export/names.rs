//! What entries are called: after what they stand for, each by a name of its own.

use std::collections::HashSet;

use super::candidates::Candidate;
use crate::{arm::ArmId, facts::Place, template::is_name};

/// Words that an expression begins with.
const TAKEN: [&str; 3] = ["params", "env", "each"];

/// Gives out names.
#[derive(Debug, Default)]
pub(super) struct Names(HashSet<String>);

impl Names {
    /// The name of an entry. What is to be called alike is told apart by its type, and then by a number.
    pub(super) fn give(&mut self, wished: &str, arm_type: &str) -> String {
        let wished = name_of(wished);
        let last = arm_type.rsplit('/').next().unwrap_or(arm_type);
        let by_type = name_of(&format!("{wished}-{last}"));
        let numbered = (2..).map(|number| format!("{by_type}-{number}"));
        let mut wishes = [wished, by_type.clone()].into_iter().chain(numbered);
        let free = wishes
            .find(|name| !TAKEN.contains(&name.as_str()) && self.0.insert(name.to_lowercase()));
        free.unwrap_or(by_type)
    }
}

/// Text as the name of an entry: a letter first, then letters, digits, `-` and `_`.
fn name_of(text: &str) -> String {
    let mut name = String::new();
    for character in text.chars() {
        match character {
            kept if kept.is_ascii_alphanumeric() || kept == '_' => name.push(kept),
            _ if name.is_empty() || name.ends_with('-') => {}
            _ => name.push('-'),
        }
    }
    let name = name.trim_end_matches('-');
    match name.chars().next() {
        None => "entry".to_owned(),
        Some(first) if first.is_ascii_digit() => format!("_{name}"),
        Some(_) => name.to_owned(),
    }
}

/// What a candidate is to be called. `called` says what others are.
pub(super) fn wish(
    candidate: &Candidate,
    stack: &str,
    is_only_group: bool,
    called: &dyn Fn(&ArmId) -> Option<String>,
    principal: &dyn Fn(&str) -> Option<String>,
) -> String {
    let own = candidate.mark.as_ref().filter(|mark| mark.stack == stack);
    if let Some(entry) = own
        .and_then(|mark| mark.entry.as_deref())
        .filter(|it| is_name(it))
    {
        return entry.to_owned();
    }
    let text = |name: &str| candidate.body["properties"][name].as_str();
    match candidate.kind.facts().place {
        Place::Subscription if is_only_group => "group".to_owned(),
        Place::Nameless => {
            let who = text("principalId").unwrap_or_default();
            let who = principal(who).unwrap_or_else(|| {
                let what = text("principalType").unwrap_or("principal").to_lowercase();
                let (start, _) = who.split_once('-').unwrap_or((who, ""));
                format!("{what}-{start}")
            });
            let place = candidate.place.as_ref();
            let place = place.map(|place| {
                called(place).unwrap_or_else(|| match place.parent() {
                    None if place.subscription_id().is_some() => "subscription".to_owned(),
                    _ => place.name().to_owned(),
                })
            });
            format!("access-{who}-to-{}", place.unwrap_or_default())
        }
        Place::Root(_) => text("roleName").unwrap_or_default().to_lowercase(),
        _ => {
            let id = &candidate.live_id;
            let behind = id.as_str().rsplit_once("/providers/");
            let names = behind.map(|(_, path)| path.split('/').skip(2).step_by(2));
            names.map_or_else(
                || id.name().to_owned(),
                |names| names.collect::<Vec<_>>().join("-"),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_can_be_referred_to_and_is_given_once() {
        let mut names = Names::default();
        let mut give = |wished: &str| names.give(wished, "Microsoft.Network/routeTables");
        for (wished, given) in [
            ("rt-a", "rt-a"),
            ("RT-A", "RT-A-routeTables"),
            ("rt-a", "rt-a-routeTables-2"),
            ("1.example", "_1-example"),
            ("(it's) odd_", "it-s-odd_"),
            ("東京", "entry"),
            ("--", "entry-routeTables"),
            ("each", "each-routeTables"),
            ("\u{1b}[2J", "_2J"),
        ] {
            let name = give(wished);
            assert_eq!(name, given, "{wished}");
            assert!(is_name(&name), "{name}");
        }
    }
}
