//! Who owns the world: one process at a time, by the lock of a file beside it.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::{StoreError, failed, make_directory, with_suffix};

/// How often a lock that another holds is tried again.
const TRY_EVERY: Duration = Duration::from_millis(5);

/// How long the lock is waited for. It is held while one request is answered, so for milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// After that, the wait is told.
    pub(super) tell: Duration,
    /// After that, it is an error.
    pub(super) give_up: Duration,
}

impl Patience {
    pub(super) const USUAL: Self = Self {
        tell: Duration::from_secs(3),
        give_up: Duration::from_secs(60),
    };
}

/// The lock while it is held; dropped, it is free. A process that dies frees it as well.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Waits until nobody else holds the lock of this world.
    pub(super) fn acquire(world: &Path, patience: Patience) -> Result<Self, StoreError> {
        let path = with_suffix(world, ".lock");
        let began = Instant::now();
        let mut is_told = false;
        loop {
            let file = open(&path)?;
            match file.try_lock() {
                Ok(()) if is_still_there(&file, &path) => return Ok(Self { _file: file }),
                // Somebody deleted the directory of the world meanwhile: that lock is nobody's any more.
                Ok(()) => continue,
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(failed("lock", &path)(error)),
            }
            let waited = began.elapsed();
            if waited >= patience.give_up {
                return Err(StoreError::Held {
                    path,
                    seconds: waited.as_secs(),
                });
            }
            if waited >= patience.tell && !is_told {
                is_told = true;
                tracing::warn!("waiting for another process that holds {}", path.display());
            }
            thread::sleep(TRY_EVERY);
        }
    }
}

fn open(path: &PathBuf) -> Result<File, StoreError> {
    make_directory(path)?;
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(failed("open", path))
}

#[cfg(unix)]
fn is_still_there(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(ours), Ok(there)) => (ours.dev(), ours.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

/// Elsewhere a file that is open is not deleted.
#[cfg(not(unix))]
fn is_still_there(_: &File, _: &Path) -> bool {
    true
}
