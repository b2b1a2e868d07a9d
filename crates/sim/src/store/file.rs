//! Files of a store: names next to the world's file, its directory, and atomic replacement.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::Builder;

use super::error::{StoreError, io_error};

/// Suffix of the file that is written before it replaces the world's file.
const TEMPORARY: &str = ".new";

/// Replaces the file by `bytes`: writes a temporary file in the same directory, syncs it, renames it, and syncs the
/// directory. The file has its old or its new content at any time, even after a crash or a loss of power.
///
/// Only one process may write at a time. The name of the temporary file is therefore fixed, and a file that a killed
/// process left behind is overwritten. A temporary file that could not be completed is deleted.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let directory = directory_or_current(path);
    let name = path.file_name().unwrap_or(path.as_os_str());
    let failed = io_error("write", &with_suffix(path, TEMPORARY));
    let mut temporary = match Builder::new()
        .prefix(name)
        .suffix(TEMPORARY)
        .rand_bytes(0)
        .make_in(directory, |path| File::create(path))
    {
        Ok(temporary) => temporary,
        Err(error) => return Err(failed(error)),
    };
    let file = temporary.as_file_mut();
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .map_err(failed)?;
    temporary
        .persist(path)
        .map_err(|error| io_error("replace", path)(error.error))?;
    sync_directory(directory)
}

/// Makes a rename in the directory survive a loss of power.
#[cfg(unix)]
fn sync_directory(directory: &Path) -> Result<(), StoreError> {
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(io_error("sync", directory))
}

/// Only Unix can sync directories.
#[cfg(not(unix))]
fn sync_directory(_: &Path) -> Result<(), StoreError> {
    Ok(())
}

/// Creates the directory of the file.
pub(super) fn create_directory(file: &Path) -> Result<(), StoreError> {
    let directory = directory_or_current(file);
    fs::create_dir_all(directory).map_err(io_error("create", directory))
}

/// The directory of the file; a bare file name is in the current directory.
fn directory_or_current(file: &Path) -> &Path {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// The path with `suffix` appended to its name.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
