//! Reads the recordings: a file a recording, in it a JSON array of interactions in their order.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::Value as Json;

/// The recording of one scenario.
#[derive(Debug)]
pub struct Recording {
    /// The name of the file without its extension.
    pub name: String,
    /// Requests and their answers, in order. Requests ran side by side: neighbours need not belong together.
    pub interactions: Vec<Interaction>,
}

/// A request and its answer.
#[derive(Debug, Clone, Deserialize)]
pub struct Interaction {
    pub method: String,
    /// The path of the URL, without scheme, host and query.
    pub path: String,
    pub api_version: Option<String>,
    /// The other parameters of the query.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// Where it is not Azure Resource Manager's own.
    pub host: Option<String>,
    pub request_body: Option<Json>,
    pub status: u16,
    #[serde(default)]
    pub response_headers: BTreeMap<String, String>,
    /// JSON, or text as a JSON string.
    pub response_body: Option<Json>,
    /// Seconds since the first request.
    pub at_s: Option<u64>,
    /// How often a GET was answered so in a row.
    pub repeated: Option<u32>,
}

/// All recordings, by name; `None`, said aloud, where the folder does not exist.
pub fn all() -> Option<Vec<Recording>> {
    let folder = folder();
    let Ok(entries) = fs::read_dir(&folder) else {
        println!(
            "skipped: there are no recordings in {}; LAZULI_RECORDINGS names their folder",
            folder.display()
        );
        return None;
    };
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect();
    files.sort();
    let read = |path: PathBuf| Recording {
        name: path.file_stem().unwrap().to_string_lossy().into_owned(),
        interactions: serde_json::from_str(&fs::read_to_string(&path).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display())),
    };
    Some(files.into_iter().map(read).collect())
}

fn folder() -> PathBuf {
    match env::var_os("LAZULI_RECORDINGS") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/arm-recordings"),
    }
}
