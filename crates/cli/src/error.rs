//! How a command ends: well, with changes, or with an error that is printed once, here.

use std::process::ExitCode;

use lazuli_arm::ArmError;
use lazuli_core::{diagnostic::Diagnostics, source::Sources};

use crate::{
    refusal::Refusal,
    render::{self, style::Tint},
    terminal::{Terminal, Tone},
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
    Azure(Vec<Refusal>),
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
                let found = found.sorted();
                let text = render::diagnostics::diagnostics(&sources, &found, style);
                terminal.tell(&text, Tone::Error);
            }
            Self::Azure(refusals) => {
                terminal.tell(&render::failure::refusals(&refusals, style), Tone::Error);
            }
            Self::Incomplete => {}
            Self::Other { message, hint } => {
                let mut text = render::said("error:", Tint::Red, &message, style);
                if let Some(hint) = hint {
                    text += &render::said("help:", Tint::Strong, &hint, style);
                }
                terminal.tell(&text, Tone::Error);
            }
        }
    }
}

impl From<ArmError> for CommandError {
    fn from(error: ArmError) -> Self {
        Self::Azure(vec![error.into()])
    }
}
