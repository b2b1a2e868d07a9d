//! Asks for confirmation before the first write.

use std::{collections::BTreeSet, io::BufRead};

use lazuli_core::plan::{MassDeletion, Plan};

use crate::{
    error::CommandError,
    terminal::{Terminal, write_message},
};

/// Fails if confirmation is needed and stdin is not a terminal. Called before the first request.
pub(crate) fn fail_unless_possible(
    yes: bool,
    verb: &str,
    terminal: &Terminal,
) -> Result<(), CommandError> {
    if yes || terminal.can_ask {
        return Ok(());
    }
    Err(CommandError::with_hint(
        format!("{verb} asks for confirmation, but stdin is not a terminal"),
        "review the output of `lazuli plan`, then pass --yes",
    ))
}

/// Confirms that most of a stack or a resource group that its spec does not name loses resources, by the stack's name:
/// passed as an option, or typed. `--yes` is not enough.
pub(crate) fn mass_deletion(
    deletions: &[MassDeletion],
    confirmed: &[String],
    terminal: &Terminal,
) -> Result<(), CommandError> {
    for MassDeletion {
        stack,
        going,
        owned,
        unnamed_groups,
    } in deletions
        .iter()
        .filter(|one| !confirmed.contains(&one.stack))
    {
        let mut what = format!("{going} of the {owned} resources that stack `{stack}` owns");
        if !unnamed_groups.is_empty() {
            let groups = unnamed_groups.join(", ");
            what.push_str(&format!(
                ", some of them in resource groups that the spec does not name: {groups}"
            ));
        }
        if !terminal.can_ask {
            return Err(CommandError::with_hint(
                format!("the plan deletes {what}"),
                format!(
                    "review the plan; to confirm, pass --yes-delete {stack} in addition to --yes"
                ),
            ));
        }
        write_message(&format!(
            "\nThis deletes {what}. Type the name of the stack to confirm: "
        ));
        if read_answer().as_deref() != Some(stack) {
            return Err(CommandError::new(
                "no changes were made: the stack name was not confirmed",
            ));
        }
    }
    Ok(())
}

/// Confirms the deletion of several stacks by the name of each if `--yes` is given: a directory does not show which stacks
/// it contains.
pub(crate) fn several_stacks(plan: &Plan, confirmed: &[String]) -> Result<(), CommandError> {
    let stacks: BTreeSet<&str> = plan
        .steps
        .iter()
        .map(|it| it.subject.key.stack.as_str())
        .collect();
    let is_unconfirmed = |stack: &&str| !confirmed.iter().any(|confirmed| confirmed == stack);
    let unconfirmed: Vec<&str> = stacks.iter().copied().filter(is_unconfirmed).collect();
    if stacks.len() < 2 || unconfirmed.is_empty() {
        return Ok(());
    }
    let options = unconfirmed
        .iter()
        .map(|stack| format!("--yes-delete {stack}"));
    let options = options.collect::<Vec<_>>().join(" ");
    Err(CommandError::with_hint(
        format!("the plan deletes resources of {} stacks", stacks.len()),
        format!("--yes confirms one stack only: review the plan, then pass {options}"),
    ))
}

/// Reads one line; `None` after Ctrl-D.
fn read_answer() -> Option<String> {
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    if !answer.ends_with('\n') {
        // The next output must start on a new line.
        write_message("\n");
    }
    read.ok()
        .filter(|bytes| *bytes > 0)
        .map(|_| answer.trim().to_owned())
}

/// Prompts for a name. Empty input accepts the default.
pub(crate) fn prompt(question: &str, default: String) -> Result<String, CommandError> {
    write_message(&format!("{question} [{default}]: "));
    match read_answer() {
        Some(given) if given.is_empty() => Ok(default),
        Some(given) => Ok(given),
        None => Err(CommandError::new(
            "no file was created: the prompt was not answered",
        )),
    }
}

/// Asks for confirmation. Only `yes` confirms.
pub(crate) fn ask(yes: bool, question: &str) -> Result<(), CommandError> {
    if yes {
        return Ok(());
    }
    write_message(&format!("{question} Type `yes` to confirm: "));
    match read_answer().as_deref() {
        Some("yes") => Ok(()),
        _ => Err(CommandError::new(
            "no changes were made: the plan was not confirmed",
        )),
    }
}
