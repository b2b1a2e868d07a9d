//! The lock file of a world, which makes one process at a time its owner.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::error::{StoreError, io_error};
use super::file::{create_directory, with_suffix};

const RETRY_INTERVAL: Duration = Duration::from_millis(5);

/// How long to wait for the lock. A process holds it for the few milliseconds of a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct LockTimeout {
    /// The wait after which a warning is logged.
    pub(super) warn: Duration,
    /// The wait after which acquiring the lock fails.
    pub(super) fail: Duration,
}

impl Default for LockTimeout {
    fn default() -> Self {
        Self {
            warn: Duration::from_secs(3),
            fail: Duration::from_secs(60),
        }
    }
}

/// The acquired lock. It is released when this value is dropped or the process ends.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Waits until no other process holds the lock of this world.
    pub(super) fn acquire(world: &Path, timeout: LockTimeout) -> Result<Self, StoreError> {
        let path = with_suffix(world, ".lock");
        let start = Instant::now();
        let mut has_warned = false;
        loop {
            let file = open(&path)?;
            match file.try_lock() {
                Ok(()) if is_at(&file, &path) => return Ok(Self { _file: file }),
                // The directory was deleted in the meantime: this lock protects nothing.
                Ok(()) => continue,
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(io_error("lock", &path)(error)),
            }
            let elapsed = start.elapsed();
            if elapsed >= timeout.fail {
                return Err(StoreError::Locked {
                    path,
                    seconds: elapsed.as_secs(),
                });
            }
            if elapsed >= timeout.warn && !has_warned {
                has_warned = true;
                tracing::warn!("waiting for another process to release {}", path.display());
            }
            thread::sleep(RETRY_INTERVAL);
        }
    }
}

fn open(path: &PathBuf) -> Result<File, StoreError> {
    create_directory(path)?;
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(io_error("open", path))
}

/// Whether the open file is still the one at the path.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(open), Ok(current)) => (open.dev(), open.ino()) == (current.dev(), current.ino()),
        _ => false,
    }
}

/// Other systems than Unix do not delete an open file.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}
