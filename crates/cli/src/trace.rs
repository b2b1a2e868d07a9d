//! The file of `--trace`: every request of a run, a line of JSON each, without secrets.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use lazuli_arm::Trace;
use serde::Serialize;

use crate::{error::CommandError, input::describe, render::style::harmless_json};

/// A new file that nobody else can read.
#[derive(Debug, Clone)]
pub(crate) struct TraceFile(Arc<Mutex<File>>);

/// The first line: what wrote the others.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Head<'a> {
    format: &'static str,
    lazuli: &'static str,
    system: &'a str,
}

impl TraceFile {
    /// Makes the file. One that is there is not overwritten: what it has may still be needed.
    pub(crate) fn create(path: &Path) -> Result<Self, CommandError> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(|error| {
            CommandError::with_hint(
                format!(
                    "the trace cannot be written to {}: {}",
                    path.display(),
                    describe(&error)
                ),
                "--trace takes the name of a file that is not there yet, in a directory that is",
            )
        })?;
        let trace = Self(Arc::new(Mutex::new(file)));
        trace.line(&Head {
            format: "lazuli/trace/v1",
            lazuli: env!("CARGO_PKG_VERSION"),
            system: std::env::consts::OS,
        });
        Ok(trace)
    }

    /// What records into the file, by a clock.
    pub(crate) fn recorder(
        &self,
        now: impl Fn() -> SystemTime + Send + Sync + 'static,
    ) -> Arc<Trace> {
        let file = self.clone();
        Trace::new(now, move |exchange| file.line(exchange))
    }

    /// What cannot be written is lost: a trace never fails a run.
    fn line(&self, line: &impl Serialize) {
        let Ok(text) = serde_json::to_string(line) else {
            return;
        };
        let text = harmless_json(&text) + "\n";
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = file.write_all(text.as_bytes());
    }
}
