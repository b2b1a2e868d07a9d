//! `lazuli schema`: the JSON Schema of a spec, for editors.

use crate::error::{CommandError, Success};

pub(super) fn run() -> Result<Success, CommandError> {
    println!("{:#}", lazuli_handlers::schema());
    Ok(Success::Done)
}
