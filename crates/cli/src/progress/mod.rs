//! Progress of observations and executions on stderr.

mod board;
mod labels;
mod lines;
mod live;
mod log;
mod screen;
mod spinner;
#[cfg(test)]
mod testing;
mod wait_lines;

use std::io;

use lazuli_core::plan::Plan;
use lazuli_engine::{Observer, SilentObserver};

use crate::terminal::{Display, Terminal};
use labels::StepLabels;
use lines::ExecutionLines;
use live::LiveExecution;
use log::ProgressLog;
use spinner::ObservationSpinner;
use wait_lines::WaitLines;

/// Starts the display of an execution.
pub(crate) fn start_execution(plan: &Plan, terminal: &Terminal) -> Box<dyn Observer + Send> {
    let labels = StepLabels::from_plan(plan);
    match terminal.display {
        Display::Live => Box::new(LiveExecution::on_stderr(plan, terminal.err.clone())),
        Display::Lines => {
            let width = terminal.is_stderr_terminal.then_some(terminal.err.width);
            Box::new(ExecutionLines::new(io::stderr(), labels, width))
        }
        Display::Log => Box::new(ProgressLog { labels }),
        Display::Nothing => Box::new(SilentObserver),
    }
}

/// Starts the display of an observation.
pub(crate) fn start_observation(terminal: &Terminal) -> Box<dyn Observer + Send> {
    match terminal.display {
        Display::Live => Box::new(ObservationSpinner::on_stderr(&terminal.err)),
        Display::Lines => Box::new(WaitLines::new(io::stderr())),
        Display::Log => Box::new(ProgressLog {
            labels: StepLabels::default(),
        }),
        Display::Nothing => Box::new(SilentObserver),
    }
}
