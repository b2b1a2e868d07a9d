//! `lazuli init`: creates a commented spec to start from, and checks it before it is written.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use clap::Args;

use crate::{
    args, confirm,
    error::{CommandError, Success},
    output_file::{self, cannot_write},
    starter::{Starter, StarterNames, check_spec, fill_starter},
    terminal::{Terminal, write_output},
};

const SPEC: &str = "stack.yaml";
const GITIGNORE: &str = ".gitignore";
/// The directory of the simulator's world, next to a spec.
const LAZULI_DIR: &str = ".lazuli/";
const LOCATION: &str = "westeurope";
/// The stack name if the directory has no usable name.
const DEFAULT_STACK: &str = "first";

const EXAMPLES: &str = examples! {
    "lazuli init shop                     ask for names, and create shop/stack.yaml"
    "lazuli init shop --kind videoIndexer --yes"
};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct InitArgs {
    /// The directory for stack.yaml; created if it does not exist
    #[arg(value_name = "DIR", default_value = ".")]
    directory: PathBuf,
    /// Choose the resources of the spec
    #[arg(long, value_enum, default_value_t = Starter::StorageAccount)]
    kind: Starter,
    /// Set the name of the stack [default: the name of the directory]
    #[arg(long, value_name = "NAME", value_parser = args::parse_stack)]
    stack: Option<String>,
    /// Set the region [default: westeurope]
    #[arg(long, value_name = "REGION")]
    location: Option<String>,
    /// Set the resource group [default: rg-STACK]
    #[arg(long, value_name = "NAME")]
    resource_group: Option<String>,
    /// Accept the defaults without asking
    #[arg(long)]
    yes: bool,
}

pub(super) fn run(args: &InitArgs, terminal: &Terminal) -> Result<Success, CommandError> {
    let path = args.directory.join(SPEC);
    if path.symlink_metadata().is_ok() {
        return Err(already_exists(&path));
    }
    let names = choose_names(args, terminal)?;
    let text = fill_starter(args.kind, &names);
    check_spec(&path, &text)?;
    fs::create_dir_all(&args.directory)
        .map_err(|error| cannot_write(args.directory.display(), &error))?;
    match output_file::create(&path, &text) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return Err(already_exists(&path));
        }
        written => written.map_err(|error| cannot_write(path.display(), &error))?,
    }
    let gitignore = write_gitignore(&args.directory)?;
    write_output(&summarize(args, &path, &gitignore))?;
    Ok(Success::Done)
}

/// The names from the command line, the prompts, or the defaults.
fn choose_names(args: &InitArgs, terminal: &Terminal) -> Result<StarterNames, CommandError> {
    let is_open = args.stack.is_none() || args.location.is_none() || args.resource_group.is_none();
    if is_open && !args.yes && !terminal.can_ask {
        return Err(CommandError::with_hint(
            "init asks for names, but stdin is not a terminal",
            "pass --yes to accept the defaults, or --stack, --location and --resource-group",
        ));
    }
    let prompt = |given: &Option<String>, question: &str, default: String| match given {
        Some(given) => Ok(given.clone()),
        None if args.yes => Ok(default),
        None => confirm::prompt(question, default),
    };
    let default = derive_stack_name(&args.directory);
    let stack = prompt(&args.stack, "Stack name", default)?;
    let stack = args::parse_stack(&stack).map_err(|hint| {
        CommandError::with_hint(format!("`{stack}` is not a valid stack name"), hint)
    })?;
    let location = prompt(&args.location, "Region", LOCATION.to_owned())?;
    let group = prompt(
        &args.resource_group,
        "Resource group",
        format!("rg-{stack}"),
    )?;
    Ok(StarterNames {
        stack,
        location,
        group,
    })
}

/// A stack name from the name of a directory.
fn derive_stack_name(directory: &Path) -> String {
    let full = fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
    let name = full.file_name().map(|name| name.to_string_lossy());
    let name = name.unwrap_or_default();
    let kept = |character: char| match character.to_ascii_lowercase() {
        kept @ ('a'..='z' | '0'..='9') => kept,
        _ => '-',
    };
    let stack: String = name.chars().map(kept).take(40).collect();
    match stack.trim_matches('-') {
        "" => DEFAULT_STACK.to_owned(),
        stack => stack.to_owned(),
    }
}

/// The state of the .gitignore file.
enum GitIgnore {
    Written,
    Complete,
    /// It exists, and does not list the directory of lazuli.
    Incomplete,
}

fn write_gitignore(directory: &Path) -> Result<GitIgnore, CommandError> {
    let path = directory.join(GITIGNORE);
    match output_file::create(&path, &format!("{LAZULI_DIR}\n")) {
        Ok(()) => Ok(GitIgnore::Written),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let text = fs::read_to_string(&path).unwrap_or_default();
            let is_listed = text
                .lines()
                .any(|line| line.trim().trim_matches('/') == ".lazuli");
            Ok(match is_listed {
                true => GitIgnore::Complete,
                false => GitIgnore::Incomplete,
            })
        }
        Err(error) => Err(cannot_write(path.display(), &error)),
    }
}

fn summarize(args: &InitArgs, path: &Path, gitignore: &GitIgnore) -> String {
    let path = path.display();
    let text = match gitignore {
        GitIgnore::Written => format!("Created {path} and {GITIGNORE}"),
        GitIgnore::Complete => format!("Created {path}"),
        GitIgnore::Incomplete => {
            format!("Created {path}; add {LAZULI_DIR} to the existing {GITIGNORE}")
        }
    };
    let place = shell_word(&args.directory);
    format!(
        "{text}.\nTry it without Azure:  lazuli apply {place} --cloud sim\nThen, after az login:  lazuli plan {place}\n"
    )
}

/// A path as a shell argument.
pub(super) fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |character: char| character.is_alphanumeric() || "-_./".contains(character);
    match text.chars().all(is_plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

fn already_exists(path: &Path) -> CommandError {
    CommandError::with_hint(
        format!(
            "{} already exists: init does not overwrite files",
            path.display()
        ),
        "choose another directory: `lazuli init DIR`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_with_special_characters_are_quoted_for_shells() {
        assert_eq!(shell_word(Path::new("it's here")), r"'it'\''s here'");
    }

    #[test]
    fn default_stack_name_comes_from_the_directory() {
        assert_eq!(
            derive_stack_name(Path::new("/none/My Cameras!")),
            "my-cameras"
        );
        assert_eq!(derive_stack_name(Path::new("/none/___")), DEFAULT_STACK);
    }
}
