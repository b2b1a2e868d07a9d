//! A world in a file that several processes may share.
//!
//! Whoever holds the lock of `sim.json.lock` beside `sim.json` owns the world, from reading it to writing it. It is
//! written beside, synced and renamed, so that the file holds the world before a request or after it, never a part, at
//! whatever moment a process dies or a disk is full. Each writing begins with a stamp of its own, by which the others
//! see that the world has changed since they read it.

mod lock;

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::time::SimTime;
use crate::world::{Pace, World, WorldOptions};
use lock::{Lock, Patience};

/// The version of the file's form.
const FORMAT: u32 = 1;

/// Why a world could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file system refused.
    #[error("cannot {verb} {}: {source}", path.display())]
    Io {
        /// What was tried.
        verb: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file holds something else.
    #[error("{} holds no simulated world: {source}. Reset the simulator, or move the file away", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The file was written by another version.
    #[error("{} has format {found}, and this version reads format {FORMAT}. Reset the simulator", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// The format that it says it has.
        found: u32,
    },
    /// Another process does not let go of the world.
    #[error(
        "another process has held {} for {seconds} s. Processes share a world request by request, so that one hangs or is suspended: end it",
        path.display()
    )]
    Held {
        /// The lock.
        path: PathBuf,
        /// How long it was waited for.
        seconds: u64,
    },
}

#[derive(Serialize)]
struct Written<'a> {
    format: u32,
    stamp: String,
    world: &'a World,
}

#[derive(Deserialize)]
struct FormatOnly {
    format: u32,
}

#[derive(Deserialize)]
struct Loaded {
    world: World,
}

/// How far a file is read to know its stamp.
const HEAD: usize = 64;

/// How a file begins: format and stamp.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Head(Vec<u8>);

/// Replaces the world in the file by a new one.
///
/// # Errors
///
/// When the file cannot be written.
pub fn reset(path: &Path, options: WorldOptions) -> Result<(), StoreError> {
    let _lock = Lock::acquire(path, Patience::USUAL)?;
    write(path, &World::new(options)).map(drop)
}

/// How many milliseconds of simulated time may pass before the file is told.
const SAVED_EVERY: u64 = 1_000;

/// A world that follows its file.
#[derive(Debug)]
pub(crate) struct Store {
    path: PathBuf,
    options: WorldOptions,
    world: World,
    /// The file that `world` is what is in; `None` where it is in no file.
    head: Option<Head>,
    /// The time that the file knows.
    saved: SimTime,
    pace: Pace,
    patience: Patience,
}

impl Store {
    /// Reads the world, or makes it with `options` if there is none.
    pub(crate) fn open(path: &Path, options: WorldOptions) -> Result<Self, StoreError> {
        let patience = Patience::USUAL;
        let _lock = Lock::acquire(path, patience)?;
        let (world, head) = match read(path)? {
            Some((world, head)) => (world, head),
            None => {
                let world = World::new(options.clone());
                let head = write(path, &world)?;
                (world, head)
            }
        };
        Ok(Self {
            path: path.to_owned(),
            options,
            saved: world.latest(),
            world,
            head: Some(head),
            pace: Pace::default(),
            patience,
        })
    }

    pub(crate) fn world(&self) -> &World {
        &self.world
    }

    /// Runs the world at that pace, whoever wrote it.
    pub(crate) fn set_pace(&mut self, pace: Pace) {
        self.pace = pace;
        self.world.set_pace(pace);
    }

    /// Lets `act` work on the newest world, and saves it if that changed it. Where it cannot be saved, nothing of what
    /// `act` did stays.
    pub(crate) fn transact<T>(
        &mut self,
        act: impl FnOnce(&mut World) -> T,
    ) -> Result<T, StoreError> {
        let _lock = Lock::acquire(&self.path, self.patience)?;
        if self.head.is_none() || self.head != head(&self.path)? {
            self.head = None;
            (self.world, self.head) = match read(&self.path)? {
                Some((world, head)) => (world, Some(head)),
                None => (World::new(self.options.clone()), None),
            };
            self.world.set_pace(self.pace);
            self.saved = self.world.latest();
        }
        let revision = self.world.revision();
        let result = act(&mut self.world);
        // Time passes without changes, too: what is under way would else begin again with the next process.
        let has_aged = self.world.latest().since(self.saved) >= SAVED_EVERY;
        if self.world.revision() != revision || has_aged {
            // An unsaved change must not outlive a failed save: the next request reads the file again.
            self.head = None;
            self.head = Some(write(&self.path, &self.world)?);
            self.saved = self.world.latest();
        }
        Ok(result)
    }
}

fn failed(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError + use<> {
    let path = path.to_owned();
    move |source| StoreError::Io { verb, path, source }
}

fn make_directory(file: &Path) -> Result<(), StoreError> {
    match directory_of(file) {
        Some(directory) => fs::create_dir_all(directory).map_err(failed("create", directory)),
        None => Ok(()),
    }
}

fn directory_of(file: &Path) -> Option<&Path> {
    file.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
}

/// How the file begins, if it is there.
fn head(path: &Path) -> Result<Option<Head>, StoreError> {
    let mut bytes = Vec::new();
    match File::open(path).and_then(|file| file.take(HEAD as u64).read_to_end(&mut bytes)) {
        Ok(_) => Ok(Some(Head(bytes))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", path)(error)),
    }
}

fn head_of(bytes: &[u8]) -> Head {
    Head(bytes.iter().copied().take(HEAD).collect())
}

fn read(path: &Path) -> Result<Option<(World, Head)>, StoreError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("read", path)(error)),
    };
    let corrupt = |source| StoreError::Corrupt {
        path: path.to_owned(),
        source,
    };
    let FormatOnly { format } = serde_json::from_slice(&bytes).map_err(corrupt)?;
    if format != FORMAT {
        return Err(StoreError::Format {
            path: path.to_owned(),
            found: format,
        });
    }
    let Loaded { world } = serde_json::from_slice(&bytes).map_err(corrupt)?;
    Ok(Some((world, head_of(&bytes))))
}

/// Writes beside, syncs, renames, syncs the directory. What was written of a world that does not fit is taken away.
fn write(path: &Path, world: &World) -> Result<Head, StoreError> {
    let bytes = serde_json::to_vec(&Written {
        format: FORMAT,
        stamp: Uuid::new_v4().to_string(),
        world,
    })
    .map_err(|source| StoreError::Corrupt {
        path: path.to_owned(),
        source,
    })?;
    let temporary = with_suffix(path, ".new");
    let written = File::create(&temporary)
        .and_then(|mut file| file.write_all(&bytes).and_then(|()| file.sync_all()))
        .map_err(failed("write", &temporary))
        .and_then(|()| fs::rename(&temporary, path).map_err(failed("replace", path)));
    if let Err(error) = written {
        // It may be the very file that fills the disk. That it stays is no worse: the next writing replaces it.
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    sync_directory(path)?;
    Ok(head_of(&bytes))
}

/// Makes the rename outlive a loss of power.
#[cfg(unix)]
fn sync_directory(path: &Path) -> Result<(), StoreError> {
    let directory = directory_of(path).unwrap_or(Path::new("."));
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(failed("sync", directory))
}

/// Elsewhere directories cannot be synced.
#[cfg(not(unix))]
fn sync_directory(_: &Path) -> Result<(), StoreError> {
    Ok(())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests;
