//! `lazuli explain`: what a kind, a property or the code of a mistake means, from the same source as the reference.

use lazuli_arm::{KnownCode, known_codes};
use lazuli_core::{
    diagnostic::{Code, did_you_mean},
    kind::Kind,
};
use lazuli_handlers::{
    REGISTRY,
    properties::{self, PropertyDoc},
};

use crate::{
    args::Explain,
    error::{CommandError, Success},
    render::explain as render,
    terminal::{Terminal, answer},
};

/// How the document itself is called, beside the kinds.
const DOCUMENT: &str = "stack";

pub(super) fn run(args: &Explain, terminal: &Terminal) -> Result<Success, CommandError> {
    let style = &terminal.out;
    let text = match &args.what {
        None => render::kinds(style),
        Some(what) => explained(what, |found| match found {
            Found::Code(code) => render::code(code, style),
            Found::Azure(known) => render::azure_code(known, style),
            Found::Kind(kind) => render::kind(kind, style),
            Found::PropertyDoc(of, property, all) => render::property(of, property, all, style),
            Found::Document(all) => render::document(all, style),
        })?,
    };
    answer(&text)?;
    Ok(Success::Done)
}

/// What a word on the command line stands for.
enum Found<'a> {
    Code(Code),
    /// A code of Azure.
    Azure(&'a KnownCode),
    Kind(&'static dyn Kind),
    /// The name before the path, the property, and all that it is among.
    PropertyDoc(&'a str, &'a PropertyDoc, &'a [PropertyDoc]),
    Document(&'a [PropertyDoc]),
}

/// Looks up a code of lazuli or of Azure, a kind (by its name or its type), or a property of one, and gives what becomes of it.
fn explained(what: &str, show: impl Fn(Found<'_>) -> String) -> Result<String, CommandError> {
    if let Ok(code) = what.parse() {
        return Ok(show(Found::Code(code)));
    }
    let of_azure = known_codes();
    let is_it = |known: &&KnownCode| known.code.eq_ignore_ascii_case(what);
    if let Some(known) = of_azure.iter().find(is_it) {
        return Ok(show(Found::Azure(known)));
    }
    if is_like_a_code(what) {
        return Err(no_such_code(what));
    }
    if let Some(kind) = REGISTRY.of_type(what) {
        return Ok(show(Found::Kind(kind)));
    }
    if what.contains('/') {
        return Err(CommandError::with_hint(
            format!("no kind is of the type `{what}`"),
            "`kind: resource` takes any type: see `lazuli explain resource`",
        ));
    }
    let (name, path) = what.split_once('.').unwrap_or((what, ""));
    let path = properties::plain(path);
    if name.eq_ignore_ascii_case(DOCUMENT) {
        let all = properties::of_document(REGISTRY);
        return match path.is_empty() {
            true => Ok(show(Found::Document(&all))),
            false => Ok(show(Found::PropertyDoc(
                DOCUMENT,
                find("a document", DOCUMENT, &path, &all)?,
                &all,
            ))),
        };
    }
    let kind = REGISTRY.kinds.iter().copied();
    let kind = kind
        .into_iter()
        .find(|kind| kind.facts().kind.eq_ignore_ascii_case(name));
    let Some(kind) = kind else {
        return Err(no_such_kind(name));
    };
    if path.is_empty() {
        return Ok(show(Found::Kind(kind)));
    }
    let name = kind.facts().kind;
    let mut all = properties::of_kind(kind);
    all.extend(properties::shared(kind.facts()));
    if let Some(output) = kind
        .facts()
        .outputs
        .iter()
        .find(|output| output.name == path)
        && !all.iter().any(|property| property.path == path)
    {
        return Ok(render::output(name, output));
    }
    let property = find(&format!("a {name}"), name, &path, &all)?;
    Ok(show(Found::PropertyDoc(name, property, &all)))
}

fn is_like_a_code(what: &str) -> bool {
    let digits = what.get(2..).unwrap_or_default();
    let begins = what
        .get(..2)
        .is_some_and(|start| start.eq_ignore_ascii_case("LZ"));
    begins && !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn no_such_code(what: &str) -> CommandError {
    let (first, last) = (Code::ALL.first(), Code::ALL.last());
    let hint = match (first, last) {
        (Some(first), Some(last)) => format!("codes go from {first} to {last}"),
        _ => String::new(),
    };
    CommandError::with_hint(format!("there is no code `{what}`"), hint)
}

fn no_such_kind(name: &str) -> CommandError {
    let is_property = |kind: &&&'static dyn Kind| {
        let own = properties::of_kind(**kind);
        own.iter()
            .any(|property| property.path.eq_ignore_ascii_case(name))
    };
    let names = REGISTRY.names().chain([DOCUMENT]);
    let hint = did_you_mean(name, names)
        .or_else(|| {
            let of = REGISTRY.kinds.iter().find(is_property)?.facts().kind;
            Some(format!(
                "for a property, name the kind as well: `lazuli explain {of}.{name}`"
            ))
        })
        .unwrap_or_else(|| "`lazuli explain` lists the kinds; codes look like LZ0012".to_owned());
    CommandError::with_hint(format!("there is no kind `{name}`"), hint)
}

/// The property at a plain path, whatever the case.
fn find<'p>(
    whole: &str,
    name: &str,
    path: &str,
    all: &'p [PropertyDoc],
) -> Result<&'p PropertyDoc, CommandError> {
    let at = |path: &str| {
        let is_it = |property: &&PropertyDoc| property.plain_path().eq_ignore_ascii_case(path);
        all.iter().find(is_it)
    };
    if let Some(property) = at(path) {
        return Ok(property);
    }
    let mut known = "";
    let mut end = path.len();
    while let Some(dot) = path[..end].rfind('.') {
        end = dot;
        if at(&path[..end]).is_some() {
            known = &path[..end];
            break;
        }
    }
    let unknown = path[known.len()..].trim_start_matches('.');
    let unknown = unknown.split('.').next().unwrap_or(unknown);
    let message = match known {
        "" => format!("{whole} has no property `{unknown}`"),
        known => format!("`{known}` has no property `{unknown}`"),
    };
    let within = |property: &&PropertyDoc| property.is_directly_within(known);
    let names: Vec<String> = all
        .iter()
        .filter(within)
        .map(|property| last(&property.plain_path()).to_owned())
        .collect();
    let deeper = all
        .iter()
        .map(PropertyDoc::plain_path)
        .find(|plain| last(plain).eq_ignore_ascii_case(unknown));
    let listed = match known {
        "" => format!("`lazuli explain {name}` lists them"),
        known => format!("`lazuli explain {name}.{known}` lists them"),
    };
    let hint = match names.is_empty() {
        true => format!("`{known}` has no properties of its own"),
        false => did_you_mean(unknown, names.iter().map(String::as_str))
            .or_else(|| deeper.map(|path| format!("there is `{name}.{path}`")))
            .unwrap_or(listed),
    };
    Err(CommandError::with_hint(message, hint))
}

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}
