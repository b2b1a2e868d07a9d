//! What happens while Azure is looked at and a plan is executed, told on standard error.

mod board;
mod lines;
mod live;
mod logged;
mod looking;
mod screen;
mod settling;
mod words;

use std::io;

use lazuli_core::plan::Plan;
use lazuli_engine::{Observer, Silent};

use crate::terminal::{Display, Terminal};
use lines::Lines;
use live::Live;
use logged::Logged;
use looking::Looking;
use settling::SettlingLines;
use words::Words;

/// How a plan that is carried out is told of.
pub(crate) fn of_run(plan: &Plan, terminal: &Terminal) -> Box<dyn Observer + Send> {
    let words = Words::of(plan);
    match terminal.display {
        Display::Live => Box::new(Live::on_stderr(plan, terminal.err.clone())),
        Display::Lines => {
            let width = terminal.is_seen.then_some(terminal.err.width);
            Box::new(Lines::new(io::stderr(), words, width))
        }
        Display::Log => Box::new(Logged { words }),
        Display::Nothing => Box::new(Silent),
    }
}

/// How it is told that Azure is looked at, and what that waits for.
pub(crate) fn of_looking(terminal: &Terminal) -> Box<dyn Observer + Send> {
    match terminal.display {
        Display::Live => Box::new(Looking::on_stderr(&terminal.err)),
        Display::Lines => Box::new(SettlingLines::new(io::stderr())),
        Display::Log => Box::new(Logged {
            words: Words::default(),
        }),
        Display::Nothing => Box::new(Silent),
    }
}
