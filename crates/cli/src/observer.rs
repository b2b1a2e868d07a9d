//! Shows the events of a run on stderr.

use std::sync::{Mutex, PoisonError};

use lazuli_reconcile::{Event, Observer};

use crate::{
    progress,
    terminal::{Terminal, Tone},
};

/// Shows the events of a run, with one display for each phase of it.
pub(crate) struct TerminalObserver<'t> {
    terminal: &'t Terminal,
    display: Mutex<Option<Box<dyn Observer + Send>>>,
}

impl<'t> TerminalObserver<'t> {
    pub(crate) fn new(terminal: &'t Terminal) -> Self {
        Self {
            terminal,
            display: Mutex::new(None),
        }
    }

    fn note(&self, text: &str) {
        self.terminal.write_message(text, Tone::Note);
    }
}

impl Observer for TerminalObserver<'_> {
    fn event(&self, event: &Event<'_>) {
        let mut display = self.display.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::ReadStarted => *display = Some(progress::start_observation(self.terminal)),
            Event::ExecutionStarted { plan } => {
                *display = Some(progress::start_execution(plan, self.terminal));
            }
            Event::RegistrationStarted {
                subscription,
                namespace,
            } => {
                let subscription = subscription.name();
                self.note(&format!("{namespace}: registering in {subscription} ...\n"));
            }
            Event::RegistrationFinished { namespace, .. } => {
                self.note(&format!("{namespace}: registered\n"));
            }
            _ => {}
        }
        if let Some(display) = display.as_deref() {
            display.event(event);
        }
        if let Event::ReadFinished | Event::ExecutionFinished { .. } = event {
            *display = None;
        }
    }
}
