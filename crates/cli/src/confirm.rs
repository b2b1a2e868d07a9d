//! Asks before anything is written.

use std::io::{BufRead, Write};

use crate::{error::CommandError, terminal::Terminal};

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

/// Asks; only `yes` is a yes.
pub(crate) fn ask(yes: bool, question: &str) -> Result<(), CommandError> {
    if yes {
        return Ok(());
    }
    let mut answer = String::new();
    eprint!("{question} Only `yes` is accepted: ");
    let _ = std::io::stderr().flush();
    let read = std::io::stdin().lock().read_line(&mut answer);
    match read {
        Ok(_) if answer.trim() == "yes" => Ok(()),
        _ => Err(CommandError::new(
            "nothing was changed: the answer was not `yes`",
        )),
    }
}
