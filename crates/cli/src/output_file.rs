//! Files that commands write: complete or absent, even after a crash or a loss of power.

use std::{
    fmt::Display,
    fs::File,
    io::{self, ErrorKind, Write},
    path::Path,
};

use tempfile::{Builder, NamedTempFile};

use crate::{error::CommandError, input::describe};

/// Writes a file. An existing file is replaced, and of a symbolic link the link, not its target.
pub(crate) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let file = write_temporary(path, text)?;
    file.persist(path).map_err(|error| error.error)?;
    sync_directory(path);
    Ok(())
}

/// Writes a new file. Fails with [`ErrorKind::AlreadyExists`] if anything is at the path, even a broken link.
pub(crate) fn create(path: &Path, text: &str) -> io::Result<()> {
    // Checked first, so that an existing file is reported even in a directory that is read-only.
    if path.symlink_metadata().is_ok() {
        return Err(ErrorKind::AlreadyExists.into());
    }
    let file = write_temporary(path, text)?;
    file.persist_noclobber(path).map_err(|error| error.error)?;
    sync_directory(path);
    Ok(())
}

/// The error for a file or directory that cannot be written.
pub(crate) fn cannot_write(path: impl Display, error: &io::Error) -> CommandError {
    CommandError::new(format!("{path} cannot be written: {}", describe(error)))
}

/// Writes a temporary file in the same directory. It is deleted unless it is persisted.
fn write_temporary(path: &Path, text: &str) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(".lazuli-").suffix(".tmp");
    // As for any new file, the umask restricts the permissions.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(parent(path))?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// The directory of a file; a bare file name is in the current directory.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// Makes a rename survive a loss of power. The file is complete without it, and not every file system can sync a
/// directory, so errors are ignored. On Windows, directories cannot be opened.
fn sync_directory(path: &Path) {
    let _ = File::open(parent(path)).and_then(|directory| directory.sync_all());
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[test]
    fn file_is_replaced_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.json");
        replace(&path, "old").unwrap();
        replace(&path, "new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(names(folder.path()), ["plan.json"]);
    }

    #[test]
    fn new_file_overwrites_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stack.yaml");
        create(&path, "first").unwrap();
        let error = create(&path, "second").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).unwrap(), "first");
        assert_eq!(names(folder.path()), ["stack.yaml"]);
    }

    #[test]
    fn file_that_cannot_be_replaced_leaves_no_temporary_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("directory");
        fs::create_dir_all(path.join("full")).unwrap();
        replace(&path, "text").unwrap_err();
        assert_eq!(names(folder.path()), ["directory"]);
    }

    #[cfg(unix)]
    #[test]
    fn file_has_the_permissions_of_any_new_file() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        let (plain, written) = (folder.path().join("plain"), folder.path().join("written"));
        File::create(&plain).unwrap();
        replace(&written, "text").unwrap();
        assert_eq!(mode(&written), mode(&plain));
    }

    #[cfg(unix)]
    #[test]
    fn link_is_replaced_and_its_target_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        fs::write(&target, "kept").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        replace(&link, "new").unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "kept");
        assert_eq!(fs::read_to_string(&link).unwrap(), "new");
    }
}
