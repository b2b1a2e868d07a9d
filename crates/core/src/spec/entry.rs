//! Loads an entry of `resources`: the keys that all kinds share, and the properties of the kind.

use super::{
    Address, GrantsPolicy, OnRemove, Resource, Spanned, Tag,
    fill::{ExpressionScope, ForEachReference, Instances, VisibleResources},
    loader::{Loader, listing, scalar_text},
};
use crate::{
    body_path::{BodyPath, Level},
    diagnostic::{Code, Diagnostic},
    node::{Datum, Entry, Node},
    template::{self, Expr, Instance, Reference},
};

/// The keys that resources of every kind support.
pub const COMMON_KEYS: [&str; 13] = [
    "kind",
    "name",
    "existing",
    "dependsOn",
    "protect",
    "ignore",
    "onRemove",
    "grants",
    "tags",
    "location",
    "resourceGroup",
    "subscription",
    "forEach",
];

impl Loader<'_> {
    /// Loads one instance of an entry. Returns `None` if it has no valid `kind`.
    pub(super) fn resource(
        &mut self,
        entry: &Entry,
        key: Option<&str>,
        scope: ExpressionScope<'_>,
    ) -> Option<Resource> {
        let mut kind = None;
        let mut props = Vec::new();
        let mut resource = Resource {
            address: Address {
                resource: entry.key.clone(),
                instance: key.map(str::to_owned),
            },
            span: entry.key_span,
            kind: Spanned {
                value: String::new(),
                span: entry.key_span,
            },
            name: None,
            existing: false,
            depends_on: Vec::new(),
            protect: false,
            ignore: Vec::new(),
            on_remove: OnRemove::default(),
            grants: GrantsPolicy::default(),
            tags: Vec::new(),
            location: None,
            resource_group: None,
            subscription: None,
            props: Node {
                span: entry.value.span,
                datum: Datum::Null,
            },
        };
        for property in entry.value.entries() {
            match property.key.as_str() {
                "forEach" => continue,
                "dependsOn" => {
                    resource.depends_on = self.depends_on(&property.value, scope);
                    continue;
                }
                _ => {}
            }
            let filled = self.fill_entry(property, scope);
            let value = filled.value;
            match filled.key.as_str() {
                "kind" => kind = Some(self.string("`kind`", &value)),
                "name" => resource.name = self.text("`name`", value),
                "existing" => resource.existing = self.boolean("`existing`", &value),
                "protect" => resource.protect = self.boolean("`protect`", &value),
                "ignore" => resource.ignore = self.ignored_paths(&value),
                "onRemove" => {
                    let words = [("delete", OnRemove::Delete), ("keep", OnRemove::Keep)];
                    resource.on_remove = self.one_of("onRemove", &value, words);
                }
                "grants" => {
                    let words = [
                        ("report", GrantsPolicy::Report),
                        ("authoritative", GrantsPolicy::Authoritative),
                    ];
                    resource.grants = self.one_of("grants", &value, words);
                }
                "tags" => resource.tags = self.tags(value),
                "location" => resource.location = self.text("`location`", value),
                "resourceGroup" => resource.resource_group = self.text("`resourceGroup`", value),
                "subscription" => resource.subscription = self.text("`subscription`", value),
                _ => props.push(Entry { value, ..filled }),
            }
        }
        resource.props.datum = Datum::Map(props);
        let Some(kind) = kind else {
            let message = format!("the resource `{}` has no `kind`", entry.key);
            let diagnostic = Diagnostic::error(Code::MissingKey, entry.key_span, message);
            self.report(diagnostic.help("add a kind, for example `kind: storageAccount`"));
            return None;
        };
        resource.kind = kind?;
        Some(resource)
    }

    /// Loads tags; numbers and booleans become text.
    pub(super) fn tags(&mut self, node: Node) -> Vec<Tag> {
        self.entries("`tags`", &node);
        let Datum::Map(entries) = node.datum else {
            return Vec::new();
        };
        let mut tags = Vec::with_capacity(entries.len());
        for entry in entries {
            let Entry { key, value, .. } = entry;
            if entry.key_template.is_some() {
                let message = format!(
                    "the tag name `{key}` must be known before apply and cannot refer to a resource"
                );
                self.error(Code::UnknownBeforeApply, entry.key_span, message);
                continue;
            }
            let datum = match (&value.datum, scalar_text(&value)) {
                (Datum::Template(_), _) => value.datum,
                // A number keeps the digits of the source text: `1.10`.
                (Datum::Number(number), Some(text)) => {
                    let written = self.sources.slice(value.span);
                    let same = written
                        .parse::<f64>()
                        .is_ok_and(|parsed| Some(parsed) == number.as_f64());
                    Datum::String(if same { written.to_owned() } else { text })
                }
                (_, Some(text)) => Datum::String(text),
                (_, None) => {
                    self.wrong_type(
                        &format!("the tag `{key}`"),
                        "a string, a number or a boolean",
                        &value,
                    );
                    continue;
                }
            };
            tags.push(Tag {
                key,
                value: Node {
                    span: value.span,
                    datum,
                },
            });
        }
        tags
    }

    /// Loads a string or a list of strings.
    pub(super) fn strings(&mut self, what: &str, node: &Node) -> Vec<Spanned<String>> {
        match &node.datum {
            Datum::Null => Vec::new(),
            Datum::Seq(items) => items
                .iter()
                .filter_map(|item| self.string(&format!("an item of {what}"), item))
                .collect(),
            _ => self.string(what, node).into_iter().collect(),
        }
    }

    /// Loads the paths of `ignore`. An item of a list has no path of its own: its position can change.
    fn ignored_paths(&mut self, node: &Node) -> Vec<Spanned<String>> {
        let paths = self.strings("`ignore`", node);
        for path in &paths {
            let parsed = BodyPath::parse(&path.value);
            let is_single =
                |level: &Level<'_>| matches!(level, Level::Item(label) if !label.is_empty());
            if parsed.levels().iter().any(is_single) {
                let message = "`ignore` cannot select single items of a list";
                let help = format!("write `{}` for all items", parsed.without_labels());
                self.report(
                    Diagnostic::error(Code::ValueNotAllowed, path.span, message).help(help),
                );
            }
        }
        paths
    }

    /// Loads one of a fixed set of words. Returns the default for any other value.
    fn one_of<T: Copy + Default, const N: usize>(
        &mut self,
        key: &str,
        node: &Node,
        words: [(&str, T); N],
    ) -> T {
        let Some(word) = self.string(&format!("`{key}`"), node) else {
            return T::default();
        };
        if let Some((_, meaning)) = words.iter().find(|(name, _)| *name == word.value) {
            return *meaning;
        }
        let names = words.map(|(name, _)| name);
        let help = self.hint(&word.value, names);
        let message = format!("`{key}` must be one of {}", listing(names));
        self.report(Diagnostic::error(Code::ValueNotAllowed, word.span, message).maybe_help(help));
        T::default()
    }

    /// Loads `dependsOn`: names, `name[key]`, or references to resources. The name of a resource with a `forEach` means
    /// all of its instances.
    fn depends_on(&mut self, node: &Node, scope: ExpressionScope<'_>) -> Vec<Spanned<Address>> {
        let items = match &node.datum {
            Datum::Null => &[],
            Datum::Seq(items) => items.as_slice(),
            _ => std::slice::from_ref(node),
        };
        let mut addresses = Vec::new();
        for item in items {
            let Some(reference) = self.dependency(item, scope) else {
                continue;
            };
            let place = template::locate(self.sources, item.span, &reference.to_string());
            let reference =
                self.reference(&reference, place, scope, ForEachReference::AllInstances);
            let keys = match (scope.resources, reference.instance) {
                (_, Some(Instance::Key(key))) => vec![Some(key)],
                (VisibleResources::Named(names), _) => match names.get(reference.resource.as_str())
                {
                    Some(Instances::Each(keys)) => keys.keys().cloned().map(Some).collect(),
                    _ => vec![None],
                },
                _ => vec![None],
            };
            for instance in keys {
                let value = Address {
                    resource: reference.resource.clone(),
                    instance,
                };
                if !self.take_room(item.span, value.resource.len()) {
                    return addresses;
                }
                addresses.push(Spanned {
                    value,
                    span: item.span,
                });
            }
        }
        addresses
    }

    fn dependency(&mut self, item: &Node, scope: ExpressionScope<'_>) -> Option<Reference> {
        // The caller checks references, because here the name of a resource can mean all instances.
        let is_reference = matches!(&item.datum, Datum::Template(template) if matches!(template.single(), Some(Expr::Resource(_))));
        let filled = if is_reference {
            item.clone()
        } else {
            self.fill(item, scope)
        };
        let expr = match &filled.datum {
            Datum::String(name) => Expr::parse(name).ok(),
            Datum::Template(template) => template.single().cloned(),
            _ => None,
        };
        match expr {
            Some(Expr::Resource(reference)) if reference.path.is_empty() => Some(reference),
            _ => {
                self.unless_unresolved(&filled, |loader| {
                    let message = "`dependsOn` must name resources of this stack";
                    loader.error(Code::UnknownReference, item.span, message);
                });
                None
            }
        }
    }
}
