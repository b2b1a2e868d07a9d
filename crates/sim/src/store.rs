//! A world in a file that several processes can share.
//!
//! A process owns the world in `sim.json` while it holds the lock of `sim.json.lock`: it reads the file, handles requests
//! and replaces the file atomically. Each version of the file begins with a unique stamp, so that another process
//! notices a change without reading the whole file.

mod error;
mod file;
mod lock;

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::sim_time::SimTime;
use crate::world::{Pace, World, WorldOptions};
pub use error::StoreError;
use error::{FORMAT, io_error};
use lock::{Lock, LockTimeout};

/// The file as it is written: the stamp comes before the world.
#[derive(Serialize)]
struct WorldFile<'a> {
    format: u32,
    stamp: String,
    world: &'a World,
}

#[derive(Deserialize)]
struct FormatField {
    format: u32,
}

#[derive(Deserialize)]
struct WorldField {
    world: World,
}

/// The number of bytes that include the format and the stamp.
const HEADER_LENGTH: usize = 64;

/// The first bytes of the file, which identify its version.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Header(Vec<u8>);

impl Header {
    fn from_file(bytes: &[u8]) -> Self {
        Self(bytes.iter().copied().take(HEADER_LENGTH).collect())
    }

    /// The header of the file at the path; `None` if the file does not exist.
    fn read(path: &Path) -> Result<Option<Self>, StoreError> {
        let mut bytes = Vec::new();
        let length = HEADER_LENGTH as u64;
        match File::open(path).and_then(|file| file.take(length).read_to_end(&mut bytes)) {
            Ok(_) => Ok(Some(Self(bytes))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io_error("read", path)(error)),
        }
    }
}

/// Replaces the world in the file with a new one.
///
/// # Errors
///
/// If the file cannot be written.
pub fn reset(path: &Path, options: WorldOptions) -> Result<(), StoreError> {
    let _lock = Lock::acquire(path, LockTimeout::default())?;
    write(path, &World::new(options)).map(drop)
}

/// The simulated time, in milliseconds, after which an otherwise unchanged world is saved.
const SAVE_INTERVAL: u64 = 1_000;

/// A world in memory that is synchronized with its file at each transaction.
#[derive(Debug)]
pub(crate) struct Store {
    path: PathBuf,
    options: WorldOptions,
    world: World,
    /// The version of the file that `world` equals; `None` if `world` is not saved.
    header: Option<Header>,
    /// The latest simulated time in the file.
    saved: SimTime,
    pace: Pace,
    timeout: LockTimeout,
}

impl Store {
    /// Reads the world, or creates it with `options` if the file does not exist.
    pub(crate) fn open(path: &Path, options: WorldOptions) -> Result<Self, StoreError> {
        let timeout = LockTimeout::default();
        let _lock = Lock::acquire(path, timeout)?;
        let (world, header) = match read(path)? {
            Some((world, header)) => (world, header),
            None => {
                let world = World::new(options.clone());
                let header = write(path, &world)?;
                (world, header)
            }
        };
        Ok(Self {
            path: path.to_owned(),
            options,
            saved: world.latest(),
            world,
            header: Some(header),
            pace: Pace::default(),
            timeout,
        })
    }

    pub(crate) fn world(&self) -> &World {
        &self.world
    }

    /// Sets the pace of this process; it also applies to versions of the world that other processes write.
    pub(crate) fn set_pace(&mut self, pace: Pace) {
        self.pace = pace;
        self.world.set_pace(pace);
    }

    /// Runs `act` on the latest version of the world and saves the world if it changed. If saving fails, all effects of
    /// `act` are discarded.
    pub(crate) fn transact<T>(
        &mut self,
        act: impl FnOnce(&mut World) -> T,
    ) -> Result<T, StoreError> {
        let _lock = Lock::acquire(&self.path, self.timeout)?;
        if self.header.is_none() || self.header != Header::read(&self.path)? {
            self.header = None;
            (self.world, self.header) = match read(&self.path)? {
                Some((world, header)) => (world, Some(header)),
                None => (World::new(self.options.clone()), None),
            };
            self.world.set_pace(self.pace);
            self.saved = self.world.latest();
        }
        let revision = self.world.revision();
        let result = act(&mut self.world);
        // Time is saved even without changes. Otherwise, operations in progress would start over in the next process.
        let has_aged = self.world.latest().since(self.saved) >= SAVE_INTERVAL;
        if self.world.revision() != revision || has_aged {
            // If saving fails, the next transaction reads the file and drops the unsaved change.
            self.header = None;
            self.header = Some(write(&self.path, &self.world)?);
            self.saved = self.world.latest();
        }
        Ok(result)
    }
}

fn read(path: &Path) -> Result<Option<(World, Header)>, StoreError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_error("read", path)(error)),
    };
    let FormatField { format } = serde_json::from_slice(&bytes).map_err(corrupt(path))?;
    if format != FORMAT {
        return Err(StoreError::Format {
            path: path.to_owned(),
            found: format,
        });
    }
    let WorldField { world } = serde_json::from_slice(&bytes).map_err(corrupt(path))?;
    Ok(Some((world, Header::from_file(&bytes))))
}

fn write(path: &Path, world: &World) -> Result<Header, StoreError> {
    let bytes = serde_json::to_vec(&WorldFile {
        format: FORMAT,
        stamp: Uuid::new_v4().to_string(),
        world,
    })
    .map_err(corrupt(path))?;
    file::replace(path, &bytes)?;
    Ok(Header::from_file(&bytes))
}

fn corrupt(path: &Path) -> impl FnOnce(serde_json::Error) -> StoreError + use<> {
    let path = path.to_owned();
    move |source| StoreError::Corrupt { path, source }
}

#[cfg(test)]
mod tests;
