//! What a comparison waits for before there is a plan, as lines on standard error.

use std::{
    collections::HashMap,
    io::Write,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use lazuli_core::graph::NodeKey;
use lazuli_engine::{Event, Observer};

use crate::render::{report::duration, style::clean};

/// How often a wait that goes on is told again.
const AGAIN: Duration = Duration::from_secs(60);

/// A line when a resource is found unready, changes its state, or is waited for another minute.
pub(super) struct SettlingLines<W>(Mutex<Told<W>>);

struct Told<W> {
    to: W,
    last: HashMap<NodeKey, (String, Duration)>,
}

impl<W: Write> Told<W> {
    /// A line at once: in parts it could be torn by others.
    fn say(&mut self, line: &str) {
        let _ = self.to.write_all(format!("{line}\n").as_bytes());
    }
}

impl<W: Write> SettlingLines<W> {
    pub(super) fn new(to: W) -> Self {
        Self(Mutex::new(Told {
            to,
            last: HashMap::new(),
        }))
    }

    fn with<T>(&self, act: impl FnOnce(&mut Told<W>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<W: Write + Send> Observer for SettlingLines<W> {
    fn event(&self, event: &Event<'_>) {
        match *event {
            Event::ResourceBusy { key, state, waited } => self.waiting(key, state, waited),
            Event::ResourceSettled { key, state, waited } => self.settled(key, state, waited),
            _ => {}
        }
    }
}

impl<W: Write> SettlingLines<W> {
    fn waiting(&self, key: &NodeKey, state: &str, so_far: Duration) {
        self.with(|told| {
            let is_told = told
                .last
                .get(key)
                .is_some_and(|(last, at)| last == state && so_far < *at + AGAIN);
            if !is_told {
                let (name, shown) = (clean(&key.to_string()), clean(state));
                let so_far_shown = duration(so_far);
                told.say(&format!(
                    "{name}: waiting until Azure is done with it ({shown}), {so_far_shown} so far"
                ));
                told.last.insert(key.clone(), (state.to_owned(), so_far));
            }
        });
    }

    fn settled(&self, key: &NodeKey, state: Option<&str>, took: Duration) {
        let name = clean(&key.to_string());
        let end = state.map_or_else(|| "gone".to_owned(), clean);
        self.with(|told| {
            told.say(&format!("{name}: {end} after {}", duration(took)));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::testing::step;
    use lazuli_core::plan::Action;

    #[test]
    fn a_wait_is_told_by_its_state_and_every_minute() {
        let lines = SettlingLines::new(Vec::new());
        let key = step(Action::Create, "recordings", "storageAccount", "st").key;
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
recordings: waiting until Azure is done with it (Creating), 0s so far
recordings: waiting until Azure is done with it (Resolving\\u{1b}Dns), 5s so far
recordings: waiting until Azure is done with it (Resolving\\u{1b}Dns), 1m 5s so far
recordings: waiting until Azure is done with it (Resolving\\u{1b}Dns), 2m 5s so far
recordings: Succeeded after 2m 10s
recordings: gone after 3s
"
        );
    }
}
