//! What happens while a plan is executed, told on standard error.

mod lines;
mod live;
mod settling;
mod words;

use std::io;

use lazuli_engine::Events;

use crate::render::style::Style;
use lines::Lines;
use live::Live;
pub(crate) use settling::SettlingLines;

/// Progress on standard error: lines that move where it is a terminal, otherwise a line whenever something changes.
pub(crate) fn for_terminal(is_terminal: bool, style: &Style) -> Box<dyn Events + Send> {
    if is_terminal {
        Box::new(Live::on_stderr(style.clone()))
    } else {
        Box::new(Lines::new(io::stderr()))
    }
}
