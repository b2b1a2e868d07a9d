//! A world in a file that several processes may share.
//!
//! Beside `sim.json` lies `sim.json.lock`: whoever holds its lock owns the world, and the number in it tells the others
//! that the world has changed since they read it. The world itself is replaced by a rename, so that it is whole after
//! a crash at any moment.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::time::SimTime;
use crate::world::{World, WorldOptions};

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
}

#[derive(Serialize)]
struct Written<'a> {
    format: u32,
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

/// Replaces the world in the file by a new one.
///
/// # Errors
///
/// When the file cannot be written.
pub fn reset(path: &Path, options: WorldOptions) -> Result<(), StoreError> {
    let mut lock = Lock::open(path)?;
    lock.acquire()?;
    let written = write(path, &World::new(options), &mut lock);
    lock.release();
    written.map(drop)
}

/// How many milliseconds of simulated time may pass before the file is told.
const SAVED_EVERY: u64 = 1_000;

/// A world that follows its file.
#[derive(Debug)]
pub(crate) struct Store {
    path: PathBuf,
    options: WorldOptions,
    world: World,
    generation: u64,
    /// The time that the file knows.
    saved: SimTime,
    lock: Lock,
}

impl Store {
    /// Reads the world, or makes it with `options` if there is none.
    pub(crate) fn open(path: &Path, options: WorldOptions) -> Result<Self, StoreError> {
        if let Some(parent) = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
        {
            fs::create_dir_all(parent).map_err(failed("create", parent))?;
        }
        let mut lock = Lock::open(path)?;
        lock.acquire()?;
        let opened = (|| {
            let generation = lock.generation()?;
            let (world, generation) = match read(path)? {
                Some(world) => (world, generation),
                None => {
                    let world = World::new(options.clone());
                    let generation = write(path, &world, &mut lock)?;
                    (world, generation)
                }
            };
            Ok((world, generation))
        })();
        lock.release();
        let (world, generation) = opened?;
        Ok(Self {
            path: path.to_owned(),
            options,
            saved: world.latest(),
            world,
            generation,
            lock,
        })
    }

    pub(crate) fn world(&self) -> &World {
        &self.world
    }

    /// Lets `act` work on the newest world, and saves it if that changed it.
    pub(crate) fn transact<T>(
        &mut self,
        act: impl FnOnce(&mut World) -> T,
    ) -> Result<T, StoreError> {
        self.lock.acquire()?;
        let done = self.transact_locked(act);
        self.lock.release();
        done
    }

    fn transact_locked<T>(&mut self, act: impl FnOnce(&mut World) -> T) -> Result<T, StoreError> {
        let generation = self.lock.generation()?;
        if generation != self.generation {
            self.world = read(&self.path)?.unwrap_or_else(|| World::new(self.options.clone()));
            self.generation = generation;
            self.saved = self.world.latest();
        }
        let revision = self.world.revision();
        let result = act(&mut self.world);
        // Time passes without changes, too: what is under way would else begin again with the next process.
        let has_aged = self.world.latest().since(self.saved) >= SAVED_EVERY;
        if self.world.revision() != revision || has_aged {
            // An unsaved change must not outlive a failed save: the next request reads the file again.
            self.generation = u64::MAX;
            self.generation = write(&self.path, &self.world, &mut self.lock)?;
            self.saved = self.world.latest();
        }
        Ok(result)
    }
}

fn failed(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError + use<> {
    let path = path.to_owned();
    move |source| StoreError::Io { verb, path, source }
}

fn read(path: &Path) -> Result<Option<World>, StoreError> {
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
    Ok(Some(world))
}

/// Writes beside, syncs, renames; the generation goes up first, so that a crash in between costs a needless read only.
fn write(path: &Path, world: &World, lock: &mut Lock) -> Result<u64, StoreError> {
    let temporary = with_suffix(path, ".new");
    let generation = lock.advance()?;
    let mut file = File::create(&temporary).map_err(failed("create", &temporary))?;
    let bytes = serde_json::to_vec(&Written {
        format: FORMAT,
        world,
    })
    .map_err(|source| StoreError::Corrupt {
        path: path.to_owned(),
        source,
    })?;
    file.write_all(&bytes)
        .and_then(|()| file.sync_all())
        .map_err(failed("write", &temporary))?;
    fs::rename(&temporary, path).map_err(failed("replace", path))?;
    Ok(generation)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

#[derive(Debug)]
struct Lock {
    path: PathBuf,
    file: File,
}

impl Lock {
    fn open(world: &Path) -> Result<Self, StoreError> {
        let path = with_suffix(world, ".lock");
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed("open", &path))?;
        Ok(Self { path, file })
    }

    fn acquire(&self) -> Result<(), StoreError> {
        self.file.lock().map_err(failed("lock", &self.path))
    }

    fn release(&self) {
        // Failing to unlock is no reason to fail: closing the file unlocks it as well.
        if let Err(error) = self.file.unlock() {
            tracing::warn!(%error, "could not unlock the simulator's world");
        }
    }

    fn generation(&mut self) -> Result<u64, StoreError> {
        let mut text = String::new();
        self.file
            .rewind()
            .and_then(|()| self.file.read_to_string(&mut text))
            .map_err(failed("read", &self.path))?;
        Ok(text.trim().parse().unwrap_or(0))
    }

    fn advance(&mut self) -> Result<u64, StoreError> {
        let next = self.generation()?.wrapping_add(1);
        self.file
            .set_len(0)
            .and_then(|()| self.file.rewind())
            .and_then(|()| self.file.write_all(next.to_string().as_bytes()))
            .map_err(failed("write", &self.path))?;
        Ok(next)
    }
}

#[cfg(test)]
mod tests;
