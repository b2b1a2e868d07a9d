//! Waits for resources in transition as lines.

use std::{
    collections::HashMap,
    io::Write,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use lazuli_core::graph::NodeKey;
use lazuli_engine::{Event, Observer};

use crate::render::{report::format_duration, style::escape_control};

/// The interval at which a continued wait is written again.
const REPEAT: Duration = Duration::from_secs(60);

/// Writes a line when a resource is in transition, changes its state, or stays in it for another minute.
pub(super) struct WaitLines<W>(Mutex<WaitWriter<W>>);

struct WaitWriter<W> {
    to: W,
    last: HashMap<NodeKey, (String, Duration)>,
}

impl<W: Write> WaitWriter<W> {
    /// Writes in one call, so that other output does not split the line.
    fn write(&mut self, line: &str) {
        let _ = self.to.write_all(format!("{line}\n").as_bytes());
    }
}

impl<W: Write> WaitLines<W> {
    pub(super) fn new(to: W) -> Self {
        Self(Mutex::new(WaitWriter {
            to,
            last: HashMap::new(),
        }))
    }

    fn with<T>(&self, act: impl FnOnce(&mut WaitWriter<W>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<W: Write + Send> Observer for WaitLines<W> {
    fn event(&self, event: &Event<'_>) {
        match *event {
            Event::ResourceBusy { key, state, waited } => self.waiting(key, state, waited),
            Event::ResourceSettled { key, state, waited } => self.settled(key, state, waited),
            _ => {}
        }
    }
}

impl<W: Write> WaitLines<W> {
    fn waiting(&self, key: &NodeKey, state: &str, so_far: Duration) {
        self.with(|writer| {
            let is_written = writer
                .last
                .get(key)
                .is_some_and(|(last, at)| last == state && so_far < *at + REPEAT);
            if !is_written {
                let name = escape_control(&key.to_string());
                writer.write(&format!(
                    "{name}: waiting for a stable state ({}), {} so far",
                    escape_control(state),
                    format_duration(so_far)
                ));
                writer.last.insert(key.clone(), (state.to_owned(), so_far));
            }
        });
    }

    fn settled(&self, key: &NodeKey, state: Option<&str>, took: Duration) {
        let name = escape_control(&key.to_string());
        let end = state.map_or_else(|| "deleted".to_owned(), escape_control);
        self.with(|writer| {
            writer.write(&format!("{name}: {end} after {}", format_duration(took)));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::testing::step;
    use lazuli_core::plan::Action;

    #[test]
    fn wait_is_written_per_state_and_every_minute() {
        let lines = WaitLines::new(Vec::new());
        let key = step(Action::Create, "recordings", "storageAccount", "st")
            .subject
            .key;
        for second in 0..130 {
            let state = if second < 5 {
                "Creating"
            } else {
                "Resolving\u{1b}Dns"
            };
            lines.waiting(&key, state, Duration::from_secs(second));
        }
        lines.settled(&key, Some("Succeeded"), Duration::from_secs(130));
        lines.settled(&key, None, Duration::from_secs(3));
        let text = String::from_utf8(lines.0.into_inner().unwrap().to).unwrap();
        assert_eq!(
            text,
            "\
recordings: waiting for a stable state (Creating), 0s so far
recordings: waiting for a stable state (Resolving\\u{1b}Dns), 5s so far
recordings: waiting for a stable state (Resolving\\u{1b}Dns), 1m 5s so far
recordings: waiting for a stable state (Resolving\\u{1b}Dns), 2m 5s so far
recordings: Succeeded after 2m 10s
recordings: deleted after 3s
"
        );
    }
}
