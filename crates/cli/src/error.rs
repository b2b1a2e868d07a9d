//! The result of a command: success, changes, or an error that is printed once, here.

use std::process::ExitCode;

use lazuli_arm::ArmError;
use lazuli_core::{diagnostic::Diagnostics, source::Sources};
use lazuli_reconcile::{LoadError, ReconcileError, Rejection};

use crate::{
    failed_request::FailedRequest,
    input,
    render::{self, style::Tint},
    terminal::{Terminal, Tone},
};

/// The result of a command that succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Success {
    /// The command succeeded.
    Done,
    /// The plan has changes, and `--detailed-exitcode` is set.
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
    /// The specs have mistakes.
    Spec(Box<Sources>, Diagnostics),
    /// Requests outside of steps failed.
    Azure(Vec<FailedRequest>),
    /// Steps failed; the report has been printed.
    Incomplete,
    /// Any other error, with a hint.
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
                terminal.write_message(&text, Tone::Error);
            }
            Self::Azure(requests) => {
                terminal.write_message(
                    &render::failure::render_requests(&requests, style),
                    Tone::Error,
                );
            }
            Self::Incomplete => {}
            Self::Other { message, hint } => {
                let mut text = render::render_message("error:", Tint::Red, &message, style);
                if let Some(hint) = hint {
                    text += &render::render_message("help:", Tint::Strong, &hint, style);
                }
                terminal.write_message(&text, Tone::Error);
            }
        }
    }
}

impl From<ArmError> for CommandError {
    fn from(error: ArmError) -> Self {
        Self::Azure(vec![error.into()])
    }
}

impl From<Box<Rejection>> for CommandError {
    fn from(rejection: Box<Rejection>) -> Self {
        Self::Spec(Box::new(rejection.sources), rejection.diagnostics)
    }
}

impl From<LoadError> for CommandError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Rejected(rejection) => rejection.into(),
            LoadError::NoStacks => input::no_spec(": the file is empty"),
        }
    }
}

impl From<ReconcileError> for CommandError {
    fn from(error: ReconcileError) -> Self {
        match error {
            ReconcileError::Rejected(rejection) => rejection.into(),
            ReconcileError::Unreadable(errors) => {
                Self::Azure(errors.into_iter().map(|one| one.error.into()).collect())
            }
        }
    }
}
