//! Looks up what `lazuli explain` explains: a kind, a property, the stack document, or an error code.

use lazuli_arm::{KnownCode, known_codes};
use lazuli_core::{
    body_path::BodyPath,
    diagnostic::{Code, did_you_mean},
    facts::OutputDoc,
    kind::Kind,
};
use lazuli_handlers::{
    REGISTRY,
    properties::{self, PropertyDoc},
};

use crate::error::CommandError;

/// The name of the stack document among the kinds.
pub(crate) const DOCUMENT: &str = "stack";

/// What can be explained.
pub(crate) enum Topic {
    /// A diagnostic of lazuli.
    Code(Code),
    /// An error code of Azure.
    AzureCode(KnownCode),
    /// A kind.
    Kind(&'static dyn Kind),
    /// A property.
    Property(PropertyTopic),
    /// A value that Azure returns and other entries can refer to.
    Output {
        /// The kind.
        kind: &'static str,
        /// The value.
        output: &'static OutputDoc,
    },
    /// The stack document.
    Document(Vec<PropertyDoc>),
}

/// A property, with all properties of the same kind.
pub(crate) struct PropertyTopic {
    /// The name of the kind, or of the stack document.
    pub(crate) owner: &'static str,
    /// All properties of the owner.
    pub(crate) all: Vec<PropertyDoc>,
    /// The index of the property among them.
    index: usize,
}

impl PropertyTopic {
    pub(crate) fn property(&self) -> &PropertyDoc {
        &self.all[self.index]
    }
}

impl Topic {
    /// Finds the topic of a word: a code of lazuli or Azure, a kind by its name or ARM type, or a property.
    pub(crate) fn find(word: &str) -> Result<Self, CommandError> {
        if let Ok(code) = word.parse() {
            return Ok(Self::Code(code));
        }
        let matches = |known: &KnownCode| known.code.eq_ignore_ascii_case(word);
        if let Some(known) = known_codes().into_iter().find(matches) {
            return Ok(Self::AzureCode(known));
        }
        if is_like_a_code(word) {
            return Err(unknown_code(word));
        }
        if let Some(kind) = REGISTRY.of_type(word) {
            return Ok(Self::Kind(kind));
        }
        if word.contains('/') {
            return Err(CommandError::with_hint(
                format!("no kind has the type `{word}`"),
                "use `kind: resource`, which supports any type: see `lazuli explain resource`",
            ));
        }
        let (name, path) = word.split_once('.').unwrap_or((word, ""));
        let path = properties::plain(&BodyPath::parse(path));
        if name.eq_ignore_ascii_case(DOCUMENT) {
            let all = properties::of_document(REGISTRY);
            return match path.is_root() {
                true => Ok(Self::Document(all)),
                false => find_property("the stack document", DOCUMENT, &path, all),
            };
        }
        let mut kinds = REGISTRY.kinds.iter().copied();
        let Some(kind) = kinds.find(|kind| kind.facts().kind.eq_ignore_ascii_case(name)) else {
            return Err(unknown_kind(name));
        };
        if path.is_root() {
            return Ok(Self::Kind(kind));
        }
        let facts = kind.facts();
        let mut all = properties::of_kind(kind);
        all.extend(properties::shared(facts));
        let output = facts
            .outputs
            .iter()
            .find(|output| path == BodyPath::from_names([output.name]));
        if let Some(output) = output.filter(|_| !all.iter().any(|property| property.path == path)) {
            return Ok(Self::Output {
                kind: facts.kind,
                output,
            });
        }
        find_property(&format!("`{}`", facts.kind), facts.kind, &path, all)
    }
}

fn is_like_a_code(word: &str) -> bool {
    let (Some(start), Some(digits)) = (word.get(..2), word.get(2..)) else {
        return false;
    };
    start.eq_ignore_ascii_case("LZ")
        && !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn unknown_code(word: &str) -> CommandError {
    let message = format!("error code `{word}` does not exist");
    match (Code::ALL.first(), Code::ALL.last()) {
        (Some(first), Some(last)) => {
            CommandError::with_hint(message, format!("use a code from {first} to {last}"))
        }
        _ => CommandError::new(message),
    }
}

fn unknown_kind(name: &str) -> CommandError {
    let has_property = |kind: &&&'static dyn Kind| {
        let own = properties::of_kind(**kind);
        let path = BodyPath::parse(name);
        own.iter()
            .any(|property| property.path.has_same_names(&path))
    };
    let names = REGISTRY.names().chain([DOCUMENT]);
    let hint = did_you_mean(name, names)
        .or_else(|| {
            let kind = REGISTRY.kinds.iter().find(has_property)?.facts().kind;
            Some(format!(
                "for a property, add the kind: `lazuli explain {kind}.{name}`"
            ))
        })
        .unwrap_or_else(|| {
            "run `lazuli explain` to list the kinds; codes look like LZ0012".to_owned()
        });
    CommandError::with_hint(format!("kind `{name}` does not exist"), hint)
}

/// Finds the property at a plain path, ignoring case. `owner` is its kind for messages.
fn find_property(
    owner: &str,
    name: &'static str,
    path: &BodyPath,
    all: Vec<PropertyDoc>,
) -> Result<Topic, CommandError> {
    let at = |path: &BodyPath| {
        let matches = |property: &PropertyDoc| property.plain_path().has_same_names(path);
        all.iter().position(matches)
    };
    if let Some(index) = at(path) {
        return Ok(Topic::Property(PropertyTopic {
            owner: name,
            all,
            index,
        }));
    }
    let mut around = std::iter::successors(path.parent(), BodyPath::parent);
    let known = around.find(|around| at(around).is_some());
    let known = known.unwrap_or_default();
    let unknown = path.names().nth(known.levels().len()).unwrap_or("");
    let message = match known.is_root() {
        true => format!("{owner} has no property `{unknown}`"),
        false => format!("`{known}` has no property `{unknown}`"),
    };
    let within = |property: &&PropertyDoc| property.is_directly_within(&known);
    let names: Vec<String> = all
        .iter()
        .filter(within)
        .map(|property| property.plain_path().name().to_owned())
        .collect();
    let deeper = all
        .iter()
        .map(PropertyDoc::plain_path)
        .find(|plain| plain.name().eq_ignore_ascii_case(unknown));
    let listed = match known.is_root() {
        true => format!("run `lazuli explain {name}` to list its properties"),
        false => format!("run `lazuli explain {name}.{known}` to list its properties"),
    };
    let hint = match names.is_empty() {
        true => format!("`{known}` has no nested properties"),
        false => did_you_mean(unknown, names.iter().map(String::as_str))
            .or_else(|| deeper.map(|path| format!("did you mean `{name}.{path}`?")))
            .unwrap_or(listed),
    };
    Err(CommandError::with_hint(message, hint))
}
