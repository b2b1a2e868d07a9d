//! Reads specs and parameter files: files, directories, standard input.

use std::{
    collections::BTreeSet,
    env, fs,
    io::{self, Read},
    mem,
    path::{Path, PathBuf},
};

use lazuli_core::{
    diagnostic::{Code, Diagnostic, Diagnostics},
    graph::SecretsPolicy,
    node::Datum,
    saved::SavedPlan,
    secret::DigestKey,
    source::{SourceId, Sources},
    spec::{ParamInput, ParamValue},
    yaml,
};

use lazuli_reconcile::SpecTexts;

use crate::{
    args::{SecretArgs, SpecArgs},
    error::CommandError,
};

/// Reads all specs and parameter files on the command line. Unreadable specs are reported with the mistakes of the others,
/// unless there are no others or a parameter file is unreadable too.
pub(crate) fn read(args: &SpecArgs) -> Result<SpecTexts, CommandError> {
    let mut reader = Reader::default();
    for path in &args.paths {
        reader.read_spec(path);
    }
    let unreadable = mem::take(&mut reader.diagnostics);
    for path in &args.params_files {
        reader.read_params_file(path);
    }
    let given = |(name, value): &(String, String)| {
        (
            name.clone(),
            ParamValue {
                input: ParamInput::Text(value.clone()),
                origin: "--param".to_owned(),
            },
        )
    };
    reader.params.extend(args.params.iter().map(given));
    if reader.specs.is_empty() && !unreadable.has_errors() && !reader.diagnostics.has_errors() {
        let skipped = match reader.skipped {
            0 => String::new(),
            1 => ": 1 other YAML file was skipped".to_owned(),
            files => format!(": {files} other YAML files were skipped"),
        };
        return Err(no_spec(&skipped));
    }
    if reader.specs.is_empty() || reader.diagnostics.has_errors() {
        let mut found = unreadable;
        found.extend(reader.diagnostics);
        return Err(CommandError::Spec(Box::new(reader.sources), found));
    }
    Ok(SpecTexts {
        sources: reader.sources,
        specs: reader.specs,
        params: reader.params,
        unreadable,
    })
}

/// The error that there is no spec, with the reason.
pub(crate) fn no_spec(reason: &str) -> CommandError {
    CommandError::with_hint(
        format!("no spec found{reason}"),
        "a spec is a .yaml or .yml file that begins with `apiVersion: lazuli/v1`; run `lazuli init` to create one",
    )
}

/// The directory of a path on the command line.
pub(crate) fn directory_of(path: &Path) -> PathBuf {
    if path.is_dir() {
        return path.to_owned();
    }
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() && path != Path::new("-") => {
            parent.to_owned()
        }
        _ => PathBuf::from("."),
    }
}

/// The text of a file that a spec refers to, by its path from the spec.
pub(crate) fn read_neighbor(spec: &str, path: &str) -> Result<String, String> {
    let full = directory_of(Path::new(spec)).join(path);
    let mut text = String::new();
    let read = fs::File::open(full)
        .and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text));
    match read {
        Ok(bytes) if bytes as u64 > MAX_FILE_BYTES => {
            Err(format!("the file is larger than {MAX_FILE_BYTES} bytes"))
        }
        Ok(_) => Ok(text),
        Err(error) => Err(describe(&error)),
    }
}

/// The size limit of a file for a parameter.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// The environment variable with the key of secret digests in tags.
const SECRETS_KEY: &str = "LAZULI_SECRETS_KEY";

/// How to detect changed secrets that Azure does not return.
pub(crate) fn secrets_policy(args: &SecretArgs) -> SecretsPolicy {
    SecretsPolicy {
        key: DigestKey::new(option_from_environment(SECRETS_KEY)),
        rewrite: args.rewrite_secrets,
    }
}

/// An environment variable. A value that is not Unicode counts as unset.
pub(crate) fn environment(name: &str) -> Option<String> {
    env::var(name).ok()
}

/// An environment variable that replaces an option. An empty value counts as unset.
pub(crate) fn option_from_environment(name: &str) -> Option<String> {
    environment(name).filter(|value| !value.is_empty())
}

/// The message of an IO error, without the number of the operating system.
pub(crate) fn describe(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error ") {
        Some((words, _)) => words.to_lowercase(),
        None => text,
    }
}

/// Whether a text is meant to be a spec: it has `apiVersion:`, and mentions lazuli or a stack, as other tools do not.
fn is_spec(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines();
    let begins = |start: &str| text.lines().any(|line| line.starts_with(start));
    begins("apiVersion:")
        && (begins("stack:")
            || lines.any(|line| line.starts_with("apiVersion:") && line.contains("lazuli")))
}

/// The description of a file for another tool, by its extension.
fn describe_foreign_file(path: &Path) -> Option<&'static str> {
    match path.extension()?.to_str()? {
        "bicep" | "bicepparam" => Some("a Bicep file, not a lazuli spec"),
        "tf" | "tfvars" => Some("a Terraform file, not a lazuli spec"),
        "tfstate" => Some("a Terraform state file, not a lazuli spec"),
        _ => None,
    }
}

#[derive(Default)]
struct Reader {
    sources: Sources,
    specs: Vec<SourceId>,
    seen: BTreeSet<PathBuf>,
    /// The number of YAML files in directories that are not specs.
    skipped: usize,
    params: Vec<(String, ParamValue)>,
    diagnostics: Diagnostics,
}

impl Reader {
    fn read_spec(&mut self, path: &Path) {
        if path == Path::new("-") {
            let mut bytes = Vec::new();
            let limit = yaml::MAX_BYTES as u64 + 1;
            match io::stdin().lock().take(limit).read_to_end(&mut bytes) {
                Ok(_) => self.add_spec("<stdin>", &bytes),
                Err(error) => self.report_unreadable(Path::new("<stdin>"), &describe(&error)),
            }
        } else if path.is_dir() {
            let mut files = Vec::new();
            self.collect_files(path, &mut files);
            files.sort();
            for file in files {
                self.read_file(&file, true);
            }
        } else {
            self.read_file(path, false);
        }
    }

    fn collect_files(&mut self, directory: &Path, files: &mut Vec<PathBuf>) {
        let entries = match fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(error) => return self.report_unreadable(directory, &describe(&error)),
        };
        for path in entries.flatten().map(|entry| entry.path()) {
            let hidden = path
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with('.'));
            let yaml = path
                .extension()
                .is_some_and(|ending| ending == "yaml" || ending == "yml");
            if path.is_symlink() && path.is_dir() || hidden {
                continue;
            }
            if path.is_dir() {
                self.collect_files(&path, files);
            } else if yaml {
                files.push(path);
            }
        }
    }

    /// Reads a file. In a directory, YAML files that are not specs are skipped.
    fn read_file(&mut self, path: &Path, in_directory: bool) {
        if let Some(what) = describe_foreign_file(path) {
            let message = format!("{} is {what}", path.display());
            let found = Diagnostic::error(Code::Unreadable, None, message);
            return self
                .diagnostics
                .push(found.help("run `lazuli init` to create a spec"));
        }
        let Some(bytes) = self.read_bytes(path) else {
            return;
        };
        if in_directory && !is_spec(&bytes) {
            tracing::info!("{}: skipped because it is not a spec", path.display());
            self.skipped += 1;
            return;
        }
        let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if self.seen.insert(real) {
            self.add_spec(&path.display().to_string(), &bytes);
        }
    }

    fn read_bytes(&mut self, path: &Path) -> Option<Vec<u8>> {
        let read = || -> io::Result<Vec<u8>> {
            let file = fs::File::open(path)?;
            let mut bytes = Vec::new();
            file.take(yaml::MAX_BYTES as u64 + 1)
                .read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        match read() {
            Ok(bytes) => Some(bytes),
            Err(error) => {
                self.report_unreadable(path, &describe(&error));
                None
            }
        }
    }

    fn add_spec(&mut self, name: &str, bytes: &[u8]) {
        if SavedPlan::has_format(bytes) {
            let why = "it is a saved plan: run `lazuli apply` with it";
            return self.report_unreadable(Path::new(name), why);
        }
        if let Some(id) = self.decode(name, bytes) {
            self.specs.push(id);
        }
    }

    fn decode(&mut self, name: &str, bytes: &[u8]) -> Option<SourceId> {
        match yaml::decode(name, bytes) {
            Ok(text) => Some(self.sources.add(name, text)),
            Err(diagnostic) => {
                self.diagnostics.push(diagnostic);
                None
            }
        }
    }

    fn read_params_file(&mut self, path: &Path) {
        let name = path.display().to_string();
        let Some(bytes) = self.read_bytes(path) else {
            return;
        };
        let Some(id) = self.decode(&name, &bytes) else {
            return;
        };
        for document in yaml::parse(&self.sources, id, &mut self.diagnostics) {
            if !matches!(document.datum, Datum::Map(_)) {
                self.diagnostics.push(
                    Diagnostic::error(
                        Code::WrongType,
                        document.span,
                        format!(
                            "a parameter file must be a mapping, not {}",
                            document.type_name()
                        ),
                    )
                    .help("write one line `name: value` per parameter"),
                );
            }
            for entry in document.entries() {
                let input = ParamInput::Json(entry.value.to_json());
                self.params.push((
                    entry.key.clone(),
                    ParamValue {
                        input,
                        origin: name.clone(),
                    },
                ));
            }
        }
    }

    fn report_unreadable(&mut self, path: &Path, why: &str) {
        self.diagnostics.push(Diagnostic::error(
            Code::Unreadable,
            None,
            format!("{} cannot be read: {why}", path.display()),
        ));
    }
}
