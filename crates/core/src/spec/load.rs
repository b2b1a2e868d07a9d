//! Loads texts into a spec and reports the mistakes of all documents.

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use super::{
    Spanned, Spec, Stack,
    fill::{ExpressionScope, Instances, InstancesByName, VisibleResources},
    inputs::Inputs,
    loader::Loader,
    repeat::MAX_INSTANCES,
};
use crate::{
    diagnostic::{Code, Diagnostic, Diagnostics},
    node::{Datum, Entry, Node},
    source::{SourceId, Sources, Span},
    stack::StackId,
    template, yaml,
};

/// The supported value of `apiVersion`.
pub const API_VERSION: &str = "lazuli/v1";

/// Whether a text is a valid stack name.
pub fn is_stack_name(name: &str) -> bool {
    let is_valid = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&name.len()) && name.bytes().all(is_valid)
}

const KEYS: [&str; 11] = [
    "apiVersion",
    "stack",
    "id",
    "requires",
    "subscription",
    "location",
    "resourceGroup",
    "tags",
    "ignoreTags",
    "parameters",
    "resources",
];

/// Loads texts into a spec with one stack per document. If the diagnostics contain errors, the spec is fit for further
/// checks but not for a plan.
///
/// Messages do not repeat values that come from the environment or from parameters, except names of stacks, resources
/// and instances.
pub fn load(sources: &Sources, ids: &[SourceId], inputs: &Inputs<'_>) -> (Spec, Diagnostics) {
    let mut loader = Loader::new(sources, inputs);
    let (mut spec, mut declared, mut is_complete) = (Spec::default(), BTreeSet::new(), true);
    let mut stacks = HashMap::new();
    for id in ids {
        let mut diagnostics = Diagnostics::default();
        let documents = yaml::parse(sources, *id, &mut diagnostics);
        is_complete &= !diagnostics.has_errors();
        diagnostics
            .iter()
            .for_each(|diagnostic| loader.report(diagnostic.clone()));
        for document in &documents {
            let Some(stack) = loader.document(document, &mut declared) else {
                continue;
            };
            spec.secret_params.extend(secret_params(document));
            loader.report_duplicate_stack(&stack.name, &mut stacks);
            spec.stacks.push(stack);
        }
    }
    if is_complete {
        loader.report_unused_parameters(&declared);
    }
    spec.secrets = std::mem::take(&mut loader.secrets);
    (spec, loader.into_diagnostics())
}

/// The names of the parameters that a document declares as secrets.
fn secret_params(document: &Node) -> impl Iterator<Item = String> + '_ {
    let params = document.get("parameters").map_or(&[][..], Node::entries);
    let is_secret = |entry: &&Entry| {
        let secret = entry.value.get("secret");
        secret.is_some_and(|node| matches!(node.datum, Datum::Bool(true)))
    };
    params
        .iter()
        .filter(is_secret)
        .map(|entry| entry.key.clone())
}

impl Loader<'_> {
    /// Loads a document. Returns `None` if it does not use this spec language.
    fn document(&mut self, document: &Node, declared: &mut BTreeSet<String>) -> Option<Stack> {
        if !matches!(document.datum, Datum::Map(_)) {
            self.wrong_type("a document", "a mapping", document);
            return None;
        }
        if !self.check_versions(document) {
            return None;
        }
        self.check_keys(document, &KEYS, "a document");
        let params = self.parameters(document.get("parameters"));
        declared.extend(params.keys().cloned());

        let scope = ExpressionScope {
            params: Some(&params),
            resources: VisibleResources::Any,
            each: None,
        };
        let entries = document
            .get("resources")
            .map_or(&[][..], |node| self.entries("`resources`", node));
        let names = self.instances_by_name(entries, scope);
        let scope = ExpressionScope {
            resources: VisibleResources::Named(&names),
            ..scope
        };

        let mut resources = Vec::with_capacity(entries.len());
        for entry in entries {
            match names.get(entry.key.as_str()) {
                Some(Instances::Each(instances)) => {
                    for (key, value) in instances {
                        let value = self.fill(
                            value,
                            ExpressionScope {
                                each: Some((key, None)),
                                ..scope
                            },
                        );
                        let scope = ExpressionScope {
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
            id: self
                .header(document, "id", scope)
                .and_then(|node| self.stack_id(&node)),
            subscription: self
                .header(document, "subscription", scope)
                .and_then(|node| self.subscription(&node)),
            location: self
                .header(document, "location", scope)
                .map(|node| Spanned {
                    value: self
                        .string("`location`", &node)
                        .map(|location| location.value),
                    span: node.span,
                }),
            resource_group: self
                .header(document, "resourceGroup", scope)
                .and_then(|node| self.text("`resourceGroup`", node)),
            tags: self
                .header(document, "tags", scope)
                .map_or_else(Vec::new, |node| self.tags(node)),
            ignore_tags: self
                .header(document, "ignoreTags", scope)
                .map_or_else(Vec::new, |node| self.strings("`ignoreTags`", &node)),
            resources,
        })
    }

    fn header(&mut self, document: &Node, key: &str, scope: ExpressionScope<'_>) -> Option<Node> {
        document.get(key).map(|node| self.fill(node, scope))
    }

    fn stack_name(&mut self, document: &Node, scope: ExpressionScope<'_>) -> Spanned<String> {
        let Some(node) = self.header(document, "stack", scope) else {
            let diagnostic = Diagnostic::error(
                Code::MissingKey,
                document.span,
                "the document has no `stack`",
            );
            self.report(diagnostic.help("add a name for the stack, for example `stack: cameras`"));
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
            // Without the value, which may come from the environment.
            let message =
                "the stack name is not valid: use 1 to 63 lowercase letters, digits and hyphens";
            self.error(Code::ValueNotAllowed, name.span, message);
        }
        name
    }

    fn stack_id(&mut self, node: &Node) -> Option<StackId> {
        let text = self.string("`id`", node)?;
        let id = StackId::parse(&text.value);
        if id.is_none() {
            let message = "the stack id is not valid: use 8 to 64 letters, digits and hyphens, such as a GUID";
            self.error(Code::ValueNotAllowed, text.span, message);
        }
        id
    }

    fn report_duplicate_stack(
        &mut self,
        name: &Spanned<String>,
        stacks: &mut HashMap<String, Span>,
    ) {
        if name.value.is_empty() {
            return;
        }
        if let Some(first) = stacks.get(&name.value) {
            let message = format!("two documents have the stack name `{}`", name.value);
            let diagnostic = Diagnostic::error(Code::DuplicateStack, name.span, message);
            self.report(diagnostic.related(*first, "first used here"));
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
            "`subscription` is not a valid subscription id",
        );
        self.report(diagnostic.help("use a GUID, such as 00000000-0000-0000-0000-000000000000"));
        None
    }

    /// The entries under `resources` by name, with the instances of each `forEach`.
    fn instances_by_name<'n>(
        &mut self,
        entries: &'n [Entry],
        scope: ExpressionScope<'_>,
    ) -> InstancesByName<'n> {
        let mut left = MAX_INSTANCES;
        let mut names = InstancesByName::with_capacity(entries.len());
        for entry in entries {
            self.check_resource_name(entry);
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

    fn check_resource_name(&mut self, entry: &Entry) {
        let name = entry.key.as_str();
        if ["params", "env", "each"].contains(&name) {
            let message = format!(
                "`{name}` is not a valid resource name: the word is reserved for expressions"
            );
            self.error(Code::ValueNotAllowed, entry.key_span, message);
        } else if !template::is_name(name) {
            let message = format!("`{name}` is not a valid resource name");
            let help = "use letters, digits, `_` and `-`, and start with a letter or `_`";
            self.report(
                Diagnostic::error(Code::ValueNotAllowed, entry.key_span, message).help(help),
            );
        }
    }
}
