//! The checks of `doctor` as text: status, name, result and what to do.

use super::{
    pluralize,
    style::{Style, Tint, labeled_block, wrap_block},
};

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CheckStatus {
    Ok,
    /// Some commands will fail.
    Warn,
    /// Every command will fail.
    Fail,
}

impl CheckStatus {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }

    fn tint(self) -> Tint {
        match self {
            Self::Ok => Tint::Green,
            Self::Warn => Tint::Yellow,
            Self::Fail => Tint::Red,
        }
    }
}

/// A check and its result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Check {
    pub(crate) status: CheckStatus,
    /// The name of the check, in one word.
    pub(crate) name: &'static str,
    /// The result.
    pub(crate) message: String,
    /// What to do, if anything.
    pub(crate) help: Option<String>,
}

impl Check {
    pub(crate) fn new(status: CheckStatus, name: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            name,
            message: message.into(),
            help: None,
        }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

const STATUS_COLUMNS: usize = 6;
const NAME_COLUMNS: usize = 14;

/// Renders the checks and a summary.
pub(crate) fn checks(checks: &[Check], style: &Style) -> String {
    let mut text = String::new();
    for check in checks {
        let indent = STATUS_COLUMNS + NAME_COLUMNS;
        let word = format!("{:STATUS_COLUMNS$}", check.status.word());
        let label = style.paint(check.status.tint(), &word);
        let label = format!("{label}{:NAME_COLUMNS$}", check.name);
        text.push_str(&labeled_block(&label, indent, &check.message, style.width));
        if let Some(help) = &check.help {
            text.push_str(&wrap_block(indent, &format!("help: {help}"), style.width));
        }
    }
    let count_of = |status| checks.iter().filter(|check| check.status == status).count();
    let summary = match (count_of(CheckStatus::Fail), count_of(CheckStatus::Warn)) {
        (0, 0) => "All checks passed.".to_owned(),
        (0, warnings) => format!("No check failed, {}.", pluralize(warnings, "warning")),
        (failures, 0) => format!("{} failed.", pluralize(failures, "check")),
        (failures, warnings) => format!(
            "{} failed, {}.",
            pluralize(failures, "check"),
            pluralize(warnings, "warning")
        ),
    };
    format!("{text}\n{}\n", style.paint(Tint::Strong, &summary))
}
