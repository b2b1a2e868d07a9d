//! From texts to a spec, with every mistake of every document at once.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value as Json;
use uuid::Uuid;

use super::{
    Spanned, Spec, Stack,
    author::Author,
    fill::{Instances, Names, Resources, Scope},
    foreign::foreign,
};
use crate::{
    diagnostic::{Code, Diagnostic, Diagnostics},
    node::{Datum, Entry, Node},
    source::{SourceId, Sources, Span},
    template, yaml,
};

/// The version of the spec language, as `apiVersion` says it.
pub const API_VERSION: &str = "lazuli/v1";

/// What comes from outside of the texts.
pub struct Inputs<'a> {
    /// Values of parameters; of two for the same parameter, the later one counts.
    pub params: Vec<(String, ParamValue)>,
    /// Looks up an environment variable.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// Reads a file that a text names, by the name of the text and the path; or says why it cannot be read.
    pub file: &'a dyn Fn(&str, &str) -> Result<String, String>,
}

/// For texts that name no files.
pub fn no_files(_: &str, _: &str) -> Result<String, String> {
    Err("files cannot be read here".to_owned())
}

/// The value of a parameter from outside of the texts.
#[derive(Debug, Clone, PartialEq)]
pub struct ParamValue {
    /// The value.
    pub given: Given,
    /// Where it comes from, for messages: `--param`, `prod.json`.
    pub origin: String,
}

/// How a value is given.
#[derive(Debug, Clone, PartialEq)]
pub enum Given {
    /// Text, which becomes what the parameter's type says; lists and maps are written as JSON.
    Text(String),
    /// A value that has a type already.
    Json(Json),
}

/// Whether a stack can be called so.
pub fn is_stack_name(name: &str) -> bool {
    let is_of_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&name.len()) && name.bytes().all(is_of_name)
}

const KEYS: [&str; 9] = [
    "apiVersion",
    "stack",
    "subscription",
    "location",
    "resourceGroup",
    "tags",
    "ignoreTags",
    "parameters",
    "resources",
];

/// Loads texts: one stack a document. The spec is of use for checks even if the diagnostics have errors, but only
/// without errors for a plan.
///
/// Values that come from the environment or from parameters are not repeated in messages, except where they name a
/// stack, a resource or an instance.
pub fn load(sources: &Sources, ids: &[SourceId], inputs: &Inputs<'_>) -> (Spec, Diagnostics) {
    let mut author = Author::new(sources, inputs);
    let (mut spec, mut declared, mut readable) = (Spec::default(), BTreeSet::new(), true);
    let mut stacks = HashMap::new();
    for id in ids {
        let mut found = Diagnostics::default();
        let documents = yaml::parse(sources, *id, &mut found);
        readable &= !found.has_errors();
        found
            .iter()
            .for_each(|diagnostic| author.report(diagnostic.clone()));
        for document in &documents {
            let Some(stack) = author.document(document, &mut declared) else {
                continue;
            };
            spec.secret_params.extend(secret_params(document));
            author.stack_twice(&stack.name, &mut stacks);
            spec.stacks.push(stack);
        }
    }
    if readable {
        author.unused_parameters(&declared);
    }
    spec.secrets = std::mem::take(&mut author.secrets);
    (spec, author.into_diagnostics())
}

/// The names of the parameters that a document declares as secrets.
fn secret_params(document: &Node) -> impl Iterator<Item = String> + '_ {
    let params = document.get("parameters").map_or(&[][..], Node::entries);
    let is_secret = |entry: &&Entry| {
        let said = entry.value.get("secret");
        said.is_some_and(|node| matches!(node.datum, Datum::Bool(true)))
    };
    params
        .iter()
        .filter(is_secret)
        .map(|entry| entry.key.clone())
}

impl Author<'_> {
    /// A document; nothing for one that is not of this spec language.
    fn document(&mut self, document: &Node, declared: &mut BTreeSet<String>) -> Option<Stack> {
        if !matches!(document.datum, Datum::Map(_)) {
            self.wrong_type("a document", "a mapping", document);
            return None;
        }
        if !self.version(document) {
            return None;
        }
        self.known_keys(document, &KEYS, "a document");
        let params = self.parameters(document.get("parameters"));
        declared.extend(params.keys().cloned());

        let scope = Scope {
            params: Some(&params),
            resources: Resources::Unchecked,
            each: None,
        };
        let entries = document
            .get("resources")
            .map_or(&[][..], |node| self.entries("`resources`", node));
        let names = self.names(entries, scope);
        let scope = Scope {
            resources: Resources::Named(&names),
            ..scope
        };

        let mut resources = Vec::with_capacity(entries.len());
        for entry in entries {
            match names.get(entry.key.as_str()) {
                Some(Instances::Each(instances)) => {
                    for (key, value) in instances {
                        let value = self.fill(
                            value,
                            Scope {
                                each: Some((key, None)),
                                ..scope
                            },
                        );
                        let scope = Scope {
                            each: Some((key, Some(&value))),
                            ..scope
                        };
                        resources.extend(self.resource(entry, Some(key), scope));
                    }
                }
                Some(Instances::One) => resources.extend(self.resource(entry, None, scope)),
                Some(Instances::Unknown) | None => {}
            }
        }
        Some(Stack {
            name: self.stack_name(document, scope),
            subscription: self
                .header(document, "subscription", scope)
                .and_then(|node| self.subscription(&node)),
            location: self
                .header(document, "location", scope)
                .map(|node| Spanned {
                    value: self.string("`location`", &node).map(|said| said.value),
                    span: node.span,
                }),
            resource_group: self
                .header(document, "resourceGroup", scope)
                .and_then(|node| self.text("`resourceGroup`", node)),
            tags: self
                .header(document, "tags", scope)
                .map(|node| self.tags(node))
                .unwrap_or_default(),
            ignore_tags: self
                .header(document, "ignoreTags", scope)
                .map(|node| self.strings("`ignoreTags`", &node))
                .unwrap_or_default(),
            resources,
        })
    }

    fn header(&mut self, document: &Node, key: &str, scope: Scope<'_>) -> Option<Node> {
        document.get(key).map(|node| self.fill(node, scope))
    }

    /// Whether the document is written for this version; one that does not say is taken to be.
    fn version(&mut self, document: &Node) -> bool {
        if let Some((key, what)) = foreign(document) {
            let span = document
                .entry(key)
                .map_or(document.span, |entry| entry.key_span);
            let message = format!("this is {what}, not a spec of lazuli");
            let help =
                format!("a spec begins with `apiVersion: {API_VERSION}`; `lazuli init` writes one");
            self.report(Diagnostic::error(Code::BadVersion, span, message).help(help));
            return false;
        }
        let help = format!("write `apiVersion: {API_VERSION}`");
        let Some(version) = document.get("apiVersion") else {
            let message = "the document does not say its `apiVersion`";
            self.report(Diagnostic::error(Code::MissingKey, document.span, message).help(help));
            return true;
        };
        if version.as_str() == Some(API_VERSION) {
            return true;
        }
        let message =
            format!("this version of the spec language is not known; lazuli reads `{API_VERSION}`");
        self.report(Diagnostic::error(Code::BadVersion, version.span, message).help(help));
        false
    }

    fn stack_name(&mut self, document: &Node, scope: Scope<'_>) -> Spanned<String> {
        let Some(node) = self.header(document, "stack", scope) else {
            let diagnostic = Diagnostic::error(
                Code::MissingKey,
                document.span,
                "the document has no `stack`",
            );
            self.report(
                diagnostic.help("name the unit that it describes, for example `stack: cameras`"),
            );
            return Spanned {
                value: String::new(),
                span: document.span,
            };
        };
        let Some(name) = self.string("`stack`", &node) else {
            return Spanned {
                value: String::new(),
                span: node.span,
            };
        };
        if !is_stack_name(&name.value) {
            let message = "the name of a stack is 1 to 63 lower-case letters, digits and `-`";
            self.error(Code::ValueNotAllowed, name.span, message);
        }
        name
    }

    fn stack_twice(&mut self, name: &Spanned<String>, stacks: &mut HashMap<String, Span>) {
        if name.value.is_empty() {
            return;
        }
        if let Some(first) = stacks.get(&name.value) {
            let message = format!("two documents are named `{}`", name.value);
            let diagnostic = Diagnostic::error(Code::DuplicateStack, name.span, message);
            self.report(diagnostic.related(*first, "the first one"));
        } else {
            stacks.insert(name.value.clone(), name.span);
        }
    }

    fn subscription(&mut self, node: &Node) -> Option<Spanned<String>> {
        let subscription = self.string("`subscription`", node)?;
        if subscription.value.len() == 36 && Uuid::try_parse(&subscription.value).is_ok() {
            return Some(subscription);
        }
        let diagnostic = Diagnostic::error(
            Code::ValueNotAllowed,
            node.span,
            "`subscription` is not a subscription id",
        );
        self.report(
            diagnostic.help("a subscription id looks like 00000000-0000-0000-0000-000000000000"),
        );
        None
    }

    /// What stands under `resources`, and the instances of what has a forEach.
    fn names<'n>(&mut self, entries: &'n [Entry], scope: Scope<'_>) -> Names<'n> {
        let mut left = Self::instances_allowed();
        let mut names = Names::with_capacity(entries.len());
        for entry in entries {
            self.resource_name(entry);
            let instances = match &entry.value.datum {
                Datum::Map(_) | Datum::Null => match entry.value.get("forEach") {
                    Some(node) => self.instances(node, scope, &mut left),
                    None => Instances::One,
                },
                _ => {
                    self.wrong_type(
                        &format!("the resource `{}`", entry.key),
                        "a mapping",
                        &entry.value,
                    );
                    Instances::Unknown
                }
            };
            names.insert(&entry.key, instances);
        }
        names
    }

    fn resource_name(&mut self, entry: &Entry) {
        let name = entry.key.as_str();
        if ["params", "env", "each"].contains(&name) {
            let message = format!(
                "`{name}` cannot name a resource: it has a meaning of its own in expressions"
            );
            self.error(Code::ValueNotAllowed, entry.key_span, message);
        } else if !template::is_name(name) {
            let message = format!("`{name}` cannot name a resource");
            let help = "a name is letters, digits, `_` and `-`, and begins with a letter or `_`";
            self.report(
                Diagnostic::error(Code::ValueNotAllowed, entry.key_span, message).help(help),
            );
        }
    }
}
