//! Reads the recordings: each file is one recording, a JSON array of interactions in order.

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
    /// Name of the file without its extension.
    pub name: String,
    /// Requests and their responses, in order. Requests ran concurrently: neighbors may be unrelated.
    pub interactions: Vec<Interaction>,
}

/// A request and its response.
#[derive(Debug, Clone, Deserialize)]
pub struct Interaction {
    pub method: String,
    /// The path of the URL, without scheme, host and query.
    pub path: String,
    pub api_version: Option<String>,
    /// Other parameters of the query.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// Absent for the host of Azure Resource Manager.
    pub host: Option<String>,
    pub request_body: Option<Json>,
    pub status: u16,
    #[serde(default)]
    pub response_headers: BTreeMap<String, String>,
    /// JSON, or text as a JSON string.
    pub response_body: Option<Json>,
    /// Seconds since the first request.
    pub at_s: Option<u64>,
    /// Number of successive GET requests with the same response.
    pub repeated: Option<u32>,
}

/// All recordings, sorted by name. Prints a message and returns `None` if the folder does not exist.
pub fn load_all() -> Option<Vec<Recording>> {
    let folder = folder();
    let Ok(entries) = fs::read_dir(&folder) else {
        println!(
            "skipped: {} has no recordings: set LAZULI_RECORDINGS to their folder",
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
