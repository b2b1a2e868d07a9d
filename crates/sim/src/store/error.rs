//! Errors of the file that holds a world.

use std::io;
use std::path::{Path, PathBuf};

/// The version of the file format.
pub(super) const FORMAT: u32 = 1;

/// Why a world could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file system reported an error.
    #[error("cannot {verb} {}: {source}", path.display())]
    Io {
        /// The operation that failed.
        verb: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The file is not a world.
    #[error("{} is not a simulated world: {source}. Move the file away, or reset the simulator", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// The parse error.
        source: serde_json::Error,
    },
    /// The file was written by another version.
    #[error("{} has format {found}, but this version reads format {FORMAT}. Reset the simulator", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// The format that the file declares.
        found: u32,
    },
    /// Another process does not release the lock of the world.
    #[error(
        "{} has been locked by another process for {seconds} s. The lock is held for one request at a time, so that process hangs or is suspended: end it",
        path.display()
    )]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// The time spent waiting for it.
        seconds: u64,
    },
}

/// Adds the operation and the path to an I/O error.
pub(super) fn io_error(
    verb: &'static str,
    path: &Path,
) -> impl FnOnce(io::Error) -> StoreError + use<> {
    let path = path.to_owned();
    move |source| StoreError::Io { verb, path, source }
}
