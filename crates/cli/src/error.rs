//! How a command ends: well, with changes, or with an error that is printed once, here.

use std::process::ExitCode;

use lazuli_arm::ArmError;
use lazuli_core::{diagnostic::Diagnostics, source::Sources};

use crate::{
    render::{
        self,
        style::{Tint, clean_lines},
    },
    terminal::{Terminal, tell},
};

/// How a command that did its work ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Success {
    /// All is well.
    Done,
    /// There are changes, and the caller wants to know (`--detailed-exitcode`).
    Changes,
}

impl Success {
    pub(crate) fn exit_code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Done => 0,
            Self::Changes => 2,
        })
    }
}

/// Why a command ends with exit code 1.
#[derive(Debug)]
pub(crate) enum CommandError {
    /// Mistakes of the author.
    Spec(Box<Sources>, Diagnostics),
    /// Azure's refusals outside of steps.
    Azure(Vec<ArmError>),
    /// Steps failed; the report has been printed.
    Incomplete,
    /// Anything else, and what to do about it.
    Other {
        /// What is wrong.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
}

impl CommandError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self::Other {
            message: message.into(),
            hint: None,
        }
    }

    pub(crate) fn with_hint(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Other {
            message: message.into(),
            hint: Some(hint.into()),
        }
    }

    pub(crate) fn print(self, terminal: &Terminal) {
        let style = &terminal.err;
        match self {
            Self::Spec(sources, found) => {
                tell(&render::diagnostics::diagnostics(
                    &sources,
                    &found.sorted(),
                    style,
                ));
            }
            Self::Azure(errors) => tell(&render::failure::arm_errors(&errors, style)),
            Self::Incomplete => {}
            Self::Other { message, hint } => {
                let error = style.paint(Tint::Red, "error:");
                tell(&format!("{error} {}\n", clean_lines(&message)));
                if let Some(hint) = hint {
                    let help = style.paint(Tint::Strong, "help:");
                    tell(&format!("{help} {}\n", clean_lines(&hint)));
                }
            }
        }
    }
}

impl From<ArmError> for CommandError {
    fn from(error: ArmError) -> Self {
        Self::Azure(vec![error])
    }
}
