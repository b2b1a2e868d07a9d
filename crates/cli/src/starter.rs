//! The specs that `lazuli init` starts from.

use std::path::Path;

use clap::ValueEnum;
use lazuli_reconcile::{LoadContext, SpecTexts, load};
use uuid::Uuid;

use crate::{
    error::CommandError,
    flow::{CATALOG, PLACEHOLDER_SUBSCRIPTION},
};

/// A spec to start from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Starter {
    /// A storage account, an identity and its role assignment on the account
    #[value(name = "storageAccount")]
    StorageAccount,
    /// A Video Indexer account with its storage account and identity
    #[value(name = "videoIndexer")]
    VideoIndexer,
    /// A key vault in ARM's own properties, as for any other type
    #[value(name = "resource")]
    Resource,
}

/// The names that a starter is filled with.
pub(crate) struct StarterNames {
    pub(crate) stack: String,
    pub(crate) location: String,
    pub(crate) group: String,
}

/// Fills a starter.
pub(crate) fn fill_starter(starter: Starter, names: &StarterNames) -> String {
    let template = match starter {
        Starter::StorageAccount => include_str!("starters/storageAccount.yaml"),
        Starter::VideoIndexer => include_str!("starters/videoIndexer.yaml"),
        Starter::Resource => include_str!("starters/resource.yaml"),
    };
    let StarterNames {
        stack,
        location,
        group,
    } = names;
    // Globally unique names get a random suffix.
    let mut end = Uuid::new_v4().simple().to_string();
    end.truncate(6);
    let letters: String = stack
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(14)
        .collect();
    template
        .replace("id-@stack@", &quote_scalar(&format!("id-{stack}")))
        .replace("vi-@stack@", &quote_scalar(&format!("vi-{stack}")))
        .replace("@id@", &Uuid::new_v4().to_string())
        .replace("@stack@", &quote_scalar(stack))
        .replace("@location@", &quote_scalar(location))
        .replace("@group@", &quote_scalar(group))
        .replace("@storage@", &format!("st{letters}{end}"))
        .replace("@vault@", &format!("kv-{letters}{end}"))
}

/// Text as a YAML value, in quotes unless it is a plain word.
fn quote_scalar(text: &str) -> String {
    let is_word = text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.()".contains(&byte))
        && !["true", "false", "null"].contains(&text.to_ascii_lowercase().as_str());
    match is_word {
        true => text.to_owned(),
        false => serde_json::Value::from(text).to_string(),
    }
}

/// Fails if a spec has mistakes or warnings, such as an invalid resource group name.
pub(crate) fn check_spec(path: &Path, text: &str) -> Result<(), CommandError> {
    let texts = SpecTexts::from_spec(path.display().to_string(), text);
    let context = LoadContext::isolated(Some(PLACEHOLDER_SUBSCRIPTION.to_owned()));
    let stacks = load(&CATALOG, texts, context)?.into_stacks()?;
    match stacks.warnings.is_empty() {
        true => Ok(()),
        false => Err(CommandError::Spec(
            Box::new(stacks.sources),
            stacks.warnings,
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_look_like_other_types_are_quoted() {
        assert_eq!(quote_scalar("cameras-2"), "cameras-2");
        assert_eq!(quote_scalar("2024"), "\"2024\"");
        assert_eq!(quote_scalar("True"), "\"True\"");
        assert_eq!(quote_scalar("a: b # c"), "\"a: b # c\"");
    }

    #[test]
    fn every_starter_is_valid_for_long_and_unusual_names() {
        for starter in [
            Starter::StorageAccount,
            Starter::VideoIndexer,
            Starter::Resource,
        ] {
            for stack in ["a", "1234", "cameras-of-the-northern-plant-and-more"] {
                let names = StarterNames {
                    stack: stack.to_owned(),
                    location: "West Europe".to_owned(),
                    group: format!("rg-{stack}"),
                };
                let text = fill_starter(starter, &names);
                assert!(
                    !text.contains('@') || starter == Starter::Resource,
                    "{text}"
                );
                assert!(check_spec(Path::new("stack.yaml"), &text).is_ok(), "{text}");
            }
        }
    }
}
