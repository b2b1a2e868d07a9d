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

use crate::{
    args::{Secrets, Specs},
    error::CommandError,
};

/// The texts of one run.
pub(crate) struct Texts {
    pub(crate) sources: Sources,
    pub(crate) specs: Vec<SourceId>,
    pub(crate) params: Vec<(String, ParamValue)>,
    /// What is to be said of specs that cannot be read.
    pub(crate) unread: Diagnostics,
}

/// Reads everything that the command line names. Without any spec, or without all values of parameters, there is nothing
/// to be said of the rest.
pub(crate) fn read(args: &Specs) -> Result<Texts, CommandError> {
    let mut reader = Reader::default();
    for path in &args.paths {
        reader.spec(path);
    }
    let unread = mem::take(&mut reader.diagnostics);
    for path in &args.params_files {
        reader.params_file(path);
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
    if reader.specs.is_empty() && !unread.has_errors() && !reader.diagnostics.has_errors() {
        let passed_over = match reader.passed_over {
            0 => String::new(),
            1 => "; 1 file of YAML there is something else".to_owned(),
            files => format!("; {files} files of YAML there are something else"),
        };
        return Err(no_spec(&passed_over));
    }
    if reader.specs.is_empty() || reader.diagnostics.has_errors() {
        let mut said = unread;
        said.extend(reader.diagnostics);
        return Err(CommandError::Spec(Box::new(reader.sources), said));
    }
    Ok(Texts {
        sources: reader.sources,
        specs: reader.specs,
        params: reader.params,
        unread,
    })
}

/// That nothing is asked for, with what is there instead.
pub(crate) fn no_spec(instead: &str) -> CommandError {
    CommandError::with_hint(
        format!("there is no spec in what was given{instead}"),
        "a spec is a .yaml or .yml file that begins with `apiVersion: lazuli/v1`; `lazuli init` writes one",
    )
}

/// The directory that belongs to a path on the command line: where the simulator's world is kept.
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

/// The text of a file that a spec names, by a path from where the spec is.
pub(crate) fn file_beside(spec: &str, path: &str) -> Result<String, String> {
    let full = directory_of(Path::new(spec)).join(path);
    let mut text = String::new();
    let read = fs::File::open(full)
        .and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text));
    match read {
        Ok(bytes) if bytes as u64 > MAX_FILE_BYTES => {
            Err(format!("it has more than {MAX_FILE_BYTES} bytes"))
        }
        Ok(_) => Ok(text),
        Err(error) => Err(why(&error)),
    }
}

/// How much text a parameter may have from a file.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// The environment variable with the key of what tags keep of secrets.
const SECRETS_KEY: &str = "LAZULI_SECRETS_KEY";

/// How secrets that Azure does not answer are dealt with.
pub(crate) fn secrets(args: &Secrets) -> SecretsPolicy {
    SecretsPolicy {
        key: DigestKey::new(option_from_environment(SECRETS_KEY)),
        rewrite: args.rewrite_secrets,
    }
}

/// An environment variable; one that is not Unicode counts as not set.
pub(crate) fn environment(name: &str) -> Option<String> {
    env::var(name).ok()
}

/// An environment variable that stands in for an option; an empty one counts as not set.
pub(crate) fn option_from_environment(name: &str) -> Option<String> {
    environment(name).filter(|value| !value.is_empty())
}

/// Why a file cannot be used, without the number that the system has for it.
pub(crate) fn why(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error ") {
        Some((words, _)) => words.to_lowercase(),
        None => text,
    }
}

/// Whether a text means to be a spec: it says `apiVersion:`, and lazuli or a stack, which other tools do not.
fn is_spec(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines();
    let begins = |start: &str| text.lines().any(|line| line.starts_with(start));
    begins("apiVersion:")
        && (begins("stack:")
            || lines.any(|line| line.starts_with("apiVersion:") && line.contains("lazuli")))
}

/// What a file is, by the end of its name, that is no YAML and made for another tool.
fn foreign(path: &Path) -> Option<&'static str> {
    match path.extension()?.to_str()? {
        "bicep" | "bicepparam" => Some("a file of Bicep, not a spec of lazuli"),
        "tf" | "tfvars" => Some("a file of Terraform, not a spec of lazuli"),
        "tfstate" => Some("the state of Terraform, not a spec of lazuli"),
        _ => None,
    }
}

#[derive(Default)]
struct Reader {
    sources: Sources,
    specs: Vec<SourceId>,
    seen: BTreeSet<PathBuf>,
    /// Files of YAML in directories that are something else.
    passed_over: usize,
    params: Vec<(String, ParamValue)>,
    diagnostics: Diagnostics,
}

impl Reader {
    fn spec(&mut self, path: &Path) {
        if path == Path::new("-") {
            let mut bytes = Vec::new();
            let limit = yaml::MAX_BYTES as u64 + 1;
            match io::stdin().lock().take(limit).read_to_end(&mut bytes) {
                Ok(_) => self.take("<stdin>", &bytes),
                Err(error) => self.unreadable(Path::new("<stdin>"), &why(&error)),
            }
        } else if path.is_dir() {
            let mut files = Vec::new();
            self.collect(path, &mut files);
            files.sort();
            for file in files {
                self.file(&file, true);
            }
        } else {
            self.file(path, false);
        }
    }

    fn collect(&mut self, directory: &Path, files: &mut Vec<PathBuf>) {
        let entries = match fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(error) => return self.unreadable(directory, &why(&error)),
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
                self.collect(&path, files);
            } else if yaml {
                files.push(path);
            }
        }
    }

    /// In a directory, YAML that is something else is passed over.
    fn file(&mut self, path: &Path, in_directory: bool) {
        if let Some(what) = foreign(path) {
            let message = format!("{} is {what}", path.display());
            let said = Diagnostic::error(Code::Unreadable, None, message);
            return self
                .diagnostics
                .push(said.help("`lazuli init` writes a spec to begin with"));
        }
        let Some(bytes) = self.bytes(path) else {
            return;
        };
        if in_directory && !is_spec(&bytes) {
            tracing::info!("{}: passed over, it is no spec", path.display());
            self.passed_over += 1;
            return;
        }
        let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if self.seen.insert(real) {
            self.take(&path.display().to_string(), &bytes);
        }
    }

    fn bytes(&mut self, path: &Path) -> Option<Vec<u8>> {
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
                self.unreadable(path, &why(&error));
                None
            }
        }
    }

    fn take(&mut self, name: &str, bytes: &[u8]) {
        if SavedPlan::is_one(bytes) {
            let why = "it is a saved plan: give its file to `lazuli apply`";
            return self.unreadable(Path::new(name), why);
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

    fn params_file(&mut self, path: &Path) {
        let name = path.display().to_string();
        let Some(bytes) = self.bytes(path) else {
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
                            "a parameter file is a mapping, not {}",
                            document.type_name()
                        ),
                    )
                    .help("write a line `name: value` for each parameter"),
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

    fn unreadable(&mut self, path: &Path, why: &str) {
        self.diagnostics.push(Diagnostic::error(
            Code::Unreadable,
            None,
            format!("{} cannot be read: {why}", path.display()),
        ));
    }
}
