//! `lazuli init`: a commented spec to begin with, which is without mistakes before it is written.

use std::{
    fs::{self, File},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use lazuli_core::{
    graph::{Settings, build},
    source::Sources,
    spec::{Inputs, load, no_files},
};
use lazuli_handlers::REGISTRY;
use uuid::Uuid;

use super::validate::NO_SUBSCRIPTION;
use crate::{
    args::{self, Init, Starter},
    confirm,
    error::{CommandError, Success},
    input::why,
    terminal::{Terminal, answer},
};

const SPEC: &str = "stack.yaml";
const GITIGNORE: &str = ".gitignore";
/// What the simulator and saved answers keep beside a spec.
const KEPT: &str = ".lazuli/";
const LOCATION: &str = "westeurope";
/// What a stack is called that has no directory to be called after.
const STACK: &str = "first";

pub(super) fn run(args: &Init, terminal: &Terminal) -> Result<Success, CommandError> {
    let path = args.directory.join(SPEC);
    if path.symlink_metadata().is_ok() {
        return Err(taken(&path));
    }
    let wishes = wishes(args, terminal)?;
    let text = spec(args.kind, &wishes);
    check(&path, &text)?;
    fs::create_dir_all(&args.directory).map_err(|error| unwritten(&args.directory, &error))?;
    match write_new(&path, &text) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(taken(&path)),
        written => written.map_err(|error| unwritten(&path, &error))?,
    }
    let ignored = ignore(&args.directory)?;
    answer(&told(args, &path, ignored))?;
    Ok(Success::Done)
}

/// What differs from one spec to the next.
struct Wishes {
    stack: String,
    location: String,
    group: String,
}

fn wishes(args: &Init, terminal: &Terminal) -> Result<Wishes, CommandError> {
    let is_open = args.stack.is_none() || args.location.is_none() || args.resource_group.is_none();
    if is_open && !args.yes && !terminal.can_ask {
        return Err(CommandError::with_hint(
            "init asks for names, and there is no terminal to ask on",
            "pass --yes to take the usual ones, or --stack, --location and --resource-group",
        ));
    }
    let wish = |given: &Option<String>, question: &str, usual: String| match given {
        Some(given) => Ok(given.clone()),
        None if args.yes => Ok(usual),
        None => confirm::wish(question, usual),
    };
    let usual = stack_of(&args.directory);
    let stack = wish(&args.stack, "Name of the stack", usual)?;
    let stack = args::stack(&stack)
        .map_err(|why| CommandError::with_hint(format!("`{stack}` cannot name a stack"), why))?;
    let location = wish(&args.location, "Region", LOCATION.to_owned())?;
    let group = wish(
        &args.resource_group,
        "Resource group",
        format!("rg-{stack}"),
    )?;
    Ok(Wishes {
        stack,
        location,
        group,
    })
}

/// A stack called after the directory.
fn stack_of(directory: &Path) -> String {
    let full = fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
    let name = full.file_name().unwrap_or_default().to_string_lossy();
    let kept = |character: char| match character.to_ascii_lowercase() {
        kept @ ('a'..='z' | '0'..='9') => kept,
        _ => '-',
    };
    let stack: String = name.chars().map(kept).take(40).collect();
    match stack.trim_matches('-') {
        "" => STACK.to_owned(),
        stack => stack.to_owned(),
    }
}

fn spec(starter: Starter, wishes: &Wishes) -> String {
    let template = match starter {
        Starter::StorageAccount => include_str!("../starters/storageAccount.yaml"),
        Starter::VideoIndexer => include_str!("../starters/videoIndexer.yaml"),
        Starter::Resource => include_str!("../starters/resource.yaml"),
    };
    let Wishes {
        stack,
        location,
        group,
    } = wishes;
    // Names that are taken once in the world get an end of their own.
    let end = Uuid::new_v4().simple().to_string();
    let end = end.get(..6).unwrap_or_default();
    let letters: String = stack
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(14)
        .collect();
    template
        .replace("id-@stack@", &scalar(&format!("id-{stack}")))
        .replace("vi-@stack@", &scalar(&format!("vi-{stack}")))
        .replace("@stack@", &scalar(stack))
        .replace("@location@", &scalar(location))
        .replace("@group@", &scalar(group))
        .replace("@storage@", &format!("st{letters}{end}"))
        .replace("@vault@", &format!("kv-{letters}{end}"))
}

/// Text as a value in YAML, in quotes unless it is plainly a word.
fn scalar(text: &str) -> String {
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

/// Fails, before anything is written, where what was wished for makes a spec with mistakes.
fn check(path: &Path, text: &str) -> Result<(), CommandError> {
    let mut sources = Sources::default();
    let id = sources.add(path.display().to_string(), text);
    let inputs = Inputs {
        params: Vec::new(),
        env: &|_| None,
        file: &no_files,
    };
    let (spec, mut found) = load(&sources, &[id], &inputs);
    let settings = Settings {
        subscription: Some(NO_SUBSCRIPTION.to_owned()),
        ..Settings::default()
    };
    found.extend(build(&spec, REGISTRY, &settings).1);
    match found.is_empty() {
        true => Ok(()),
        false => Err(CommandError::Spec(Box::new(sources), found)),
    }
}

fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    File::create_new(path)?.write_all(text.as_bytes())
}

/// What became of the list of what git passes over.
enum Ignored {
    Written,
    /// It was there; whether it names what lazuli keeps.
    Found {
        names_it: bool,
    },
}

fn ignore(directory: &Path) -> Result<Ignored, CommandError> {
    let path = directory.join(GITIGNORE);
    match write_new(&path, &format!("{KEPT}\n")) {
        Ok(()) => Ok(Ignored::Written),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let text = fs::read_to_string(&path).unwrap_or_default();
            let names_it = text
                .lines()
                .any(|line| line.trim().trim_matches('/') == ".lazuli");
            Ok(Ignored::Found { names_it })
        }
        Err(error) => Err(unwritten(&path, &error)),
    }
}

fn told(args: &Init, path: &Path, ignored: Ignored) -> String {
    let mut text = format!("{} is written", path.display());
    match ignored {
        Ignored::Written => text.push_str(&format!(", and {GITIGNORE}")),
        Ignored::Found { names_it: true } => {}
        Ignored::Found { names_it: false } => {
            text.push_str(&format!("; add {KEPT} to the {GITIGNORE} that is there"));
        }
    }
    let place = shell_word(&args.directory);
    format!(
        "{text}.\nTry it without Azure:  lazuli apply {place} --cloud sim\nThen, after az login:  lazuli plan {place}\n"
    )
}

/// A path as an argument in a shell.
pub(super) fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |character: char| character.is_alphanumeric() || "-_./".contains(character);
    match text.chars().all(is_plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

fn taken(path: &Path) -> CommandError {
    CommandError::with_hint(
        format!(
            "{} is there already, and init overwrites nothing",
            path.display()
        ),
        "name another directory: `lazuli init DIR`",
    )
}

fn unwritten(path: &Path, error: &std::io::Error) -> CommandError {
    let path: PathBuf = path.to_owned();
    CommandError::new(format!(
        "{} cannot be written: {}",
        path.display(),
        why(error)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_text_whatever_they_look_like() {
        assert_eq!(scalar("cameras-2"), "cameras-2");
        assert_eq!(scalar("2024"), "\"2024\"");
        assert_eq!(scalar("True"), "\"True\"");
        assert_eq!(scalar("a: b # c"), "\"a: b # c\"");
        assert_eq!(shell_word(Path::new("it's here")), r"'it'\''s here'");
    }

    #[test]
    fn every_starter_is_without_mistakes_for_the_longest_and_the_strangest_names() {
        for starter in [
            Starter::StorageAccount,
            Starter::VideoIndexer,
            Starter::Resource,
        ] {
            for stack in ["a", "1234", "cameras-of-the-northern-plant-and-more"] {
                let wishes = Wishes {
                    stack: stack.to_owned(),
                    location: "West Europe".to_owned(),
                    group: format!("rg-{stack}"),
                };
                let text = spec(starter, &wishes);
                assert!(
                    !text.contains('@') || starter == Starter::Resource,
                    "{text}"
                );
                assert!(check(Path::new(SPEC), &text).is_ok(), "{text}");
            }
        }
    }

    #[test]
    fn a_stack_is_called_after_its_directory() {
        assert_eq!(stack_of(Path::new("/none/My Cameras!")), "my-cameras");
        assert_eq!(stack_of(Path::new("/none/___")), STACK);
    }
}
