//! Asks before anything is written.

use std::{collections::BTreeSet, io::BufRead};

use lazuli_core::plan::{MassDeletion, Plan};

use crate::{
    error::CommandError,
    terminal::{Terminal, tell},
};

/// Fails where nobody can be asked and `--yes` is not given; called before the first request.
pub(crate) fn can_ask(yes: bool, verb: &str, terminal: &Terminal) -> Result<(), CommandError> {
    if yes || terminal.can_ask {
        return Ok(());
    }
    Err(CommandError::with_hint(
        format!("{verb} asks before it writes, and there is no terminal to ask on"),
        "pass --yes to write without being asked",
    ))
}

/// Has the deletion of most of a stack confirmed by the stack's name: given beforehand, or typed. `--yes` is not enough.
pub(crate) fn razing(
    razed: &[MassDeletion],
    agreed: &[String],
    terminal: &Terminal,
) -> Result<(), CommandError> {
    for MassDeletion {
        stack,
        going,
        owned,
    } in razed.iter().filter(|one| !agreed.contains(&one.stack))
    {
        let what = format!("{going} of the {owned} resources that the stack `{stack}` owns");
        if !terminal.can_ask {
            return Err(CommandError::with_hint(
                format!("this would delete {what}"),
                format!(
                    "if it is meant, pass --yes-delete {stack}: --yes is not enough for so much"
                ),
            ));
        }
        tell(&format!(
            "\nThis deletes {what}. Type the name of the stack to go on: "
        ));
        if answer().as_deref() != Some(stack) {
            return Err(CommandError::new(
                "nothing was changed: the answer was not the name of the stack",
            ));
        }
    }
    Ok(())
}

/// Has the deletion of several stacks confirmed by the name of each, where nobody is asked: a directory names none.
pub(crate) fn several(plan: &Plan, agreed: &[String]) -> Result<(), CommandError> {
    let stacks: BTreeSet<&str> = plan
        .steps
        .iter()
        .map(|it| it.subject.key.stack.as_str())
        .collect();
    let is_open = |stack: &&str| !agreed.iter().any(|agreed| agreed == stack);
    let open: Vec<&str> = stacks.iter().copied().filter(is_open).collect();
    if stacks.len() < 2 || open.is_empty() {
        return Ok(());
    }
    let named = open.iter().map(|stack| format!("--yes-delete {stack}"));
    let named = named.collect::<Vec<_>>().join(" ");
    Err(CommandError::with_hint(
        format!("this would delete {} stacks", stacks.len()),
        format!("if it is meant, pass {named}: --yes is enough for one stack only"),
    ))
}

/// The answer, nothing after Ctrl-D.
fn answer() -> Option<String> {
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    if !answer.ends_with('\n') {
        // What is said next begins a line all the same.
        tell("\n");
    }
    read.ok()
        .filter(|bytes| *bytes > 0)
        .map(|_| answer.trim().to_owned())
}

/// Asks for a name; an empty answer is the usual one.
pub(crate) fn wish(question: &str, usual: String) -> Result<String, CommandError> {
    tell(&format!("{question} [{usual}]: "));
    match answer() {
        Some(given) if given.is_empty() => Ok(usual),
        Some(given) => Ok(given),
        None => Err(CommandError::new(
            "nothing was written: there was no answer",
        )),
    }
}

/// Asks; only `yes` is a yes.
pub(crate) fn ask(yes: bool, question: &str) -> Result<(), CommandError> {
    if yes {
        return Ok(());
    }
    tell(&format!("{question} Only `yes` is accepted: "));
    match answer().as_deref() {
        Some("yes") => Ok(()),
        _ => Err(CommandError::new(
            "nothing was changed: the answer was not `yes`",
        )),
    }
}
