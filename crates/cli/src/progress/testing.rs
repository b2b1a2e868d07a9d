//! A terminal for tests of redrawn lines.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, Ordering},
    },
};

use indicatif::TermLike;

/// Records text and cursor movements, with a width that can change.
#[derive(Debug, Clone)]
pub(super) struct RecordingTerm(Arc<(Mutex<String>, AtomicU16)>);

impl RecordingTerm {
    pub(super) fn new(width: u16) -> Self {
        Self(Arc::new((Mutex::default(), AtomicU16::new(width))))
    }

    pub(super) fn resize(&self, width: u16) {
        self.0.1.store(width, Ordering::SeqCst);
    }

    /// Returns what was recorded since the last call.
    pub(super) fn take(&self) -> String {
        std::mem::take(&mut *self.0.0.lock().unwrap())
    }

    fn record(&self, text: &str) -> io::Result<()> {
        self.0.0.lock().unwrap().push_str(text);
        Ok(())
    }
}

impl TermLike for RecordingTerm {
    fn width(&self) -> u16 {
        self.0.1.load(Ordering::SeqCst)
    }

    fn height(&self) -> u16 {
        24
    }

    fn move_cursor_up(&self, rows: usize) -> io::Result<()> {
        self.record(&format!("<up {rows}>"))
    }

    fn move_cursor_down(&self, rows: usize) -> io::Result<()> {
        self.record(&format!("<down {rows}>"))
    }

    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.record(&format!("{text}\n"))
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.record(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.record("<clear>")
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}
