//! The file of `--trace`: one JSON line per request of a run, without secrets.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use lazuli_arm::Trace;
use serde::Serialize;

use crate::{error::CommandError, input::describe, render::style::escape_json};

/// A new file that only its owner can read.
#[derive(Debug, Clone)]
pub(crate) struct TraceFile(Arc<Mutex<File>>);

/// The first line: the program that wrote the file.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TraceHeader<'a> {
    format: &'static str,
    lazuli: &'static str,
    system: &'a str,
}

impl TraceFile {
    /// Creates the file. An existing file is not overwritten.
    pub(crate) fn create(path: &Path) -> Result<Self, CommandError> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(|error| {
            CommandError::with_hint(
                format!(
                    "cannot write the trace to {}: {}",
                    path.display(),
                    describe(&error)
                ),
                "pass --trace the path of a new file in an existing directory",
            )
        })?;
        let trace = Self(Arc::new(Mutex::new(file)));
        trace.write_line(&TraceHeader {
            format: "lazuli/trace/v1",
            lazuli: env!("CARGO_PKG_VERSION"),
            system: std::env::consts::OS,
        });
        Ok(trace)
    }

    /// A recorder that writes each exchange to the file, with times of the clock `now`.
    pub(crate) fn recorder(
        &self,
        now: impl Fn() -> SystemTime + Send + Sync + 'static,
    ) -> Arc<Trace> {
        let file = self.clone();
        Trace::new(now, move |exchange| file.write_line(exchange))
    }

    /// Errors are ignored: a trace never fails a run.
    fn write_line(&self, line: &impl Serialize) {
        let Ok(text) = serde_json::to_string(line) else {
            return;
        };
        let text = escape_json(&text) + "\n";
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = file.write_all(text.as_bytes());
    }
}
