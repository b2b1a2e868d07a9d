//! What `doctor` found, line by line: a word, what was looked at, what was found, and what to do about it.

use super::{
    count,
    style::{Style, Tint, block},
};

/// How it stands with one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// All is well.
    Ok,
    /// Some of what lazuli does will not work.
    Warn,
    /// Nothing of it will.
    Fail,
}

impl Mark {
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

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Check {
    pub(crate) mark: Mark,
    /// What was looked at, in a word.
    pub(crate) what: &'static str,
    /// What was found.
    pub(crate) says: String,
    /// What to do, where there is something to do.
    pub(crate) help: Option<String>,
}

impl Check {
    pub(crate) fn new(mark: Mark, what: &'static str, says: impl Into<String>) -> Self {
        Self {
            mark,
            what,
            says: says.into(),
            help: None,
        }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

const MARK: usize = 6;
const WHAT: usize = 14;

/// A line each, and a line that counts.
pub(crate) fn checks(checks: &[Check], style: &Style) -> String {
    let mut text = String::new();
    for check in checks {
        let body = block(MARK + WHAT, &check.says, style.width);
        let mark = style.paint(check.mark.tint(), &format!("{:MARK$}", check.mark.word()));
        let rest = body.get(MARK + WHAT..).unwrap_or_default();
        text.push_str(&format!("{mark}{:WHAT$}{rest}", check.what));
        if let Some(help) = &check.help {
            text.push_str(&block(MARK + WHAT, &format!("help: {help}"), style.width));
        }
    }
    let number = |mark: Mark| checks.iter().filter(|check| check.mark == mark).count();
    let closing = match (number(Mark::Fail), number(Mark::Warn)) {
        (0, 0) => "All is well.".to_owned(),
        (0, warnings) => format!("It works, with {}.", count(warnings, "warning")),
        (failures, 0) => format!("It does not work: {}.", count(failures, "failure")),
        (failures, warnings) => format!(
            "It does not work: {}, {}.",
            count(failures, "failure"),
            count(warnings, "warning")
        ),
    };
    format!("{text}\n{}\n", style.paint(Tint::Strong, &closing))
}
