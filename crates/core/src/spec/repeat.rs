//! `forEach`: the instances of a repeated resource.

use indexmap::{IndexMap, map};

use super::{
    author::{Author, scalar_text},
    fill::{Instances, Scope},
};
use crate::{
    diagnostic::{Code, Diagnostic},
    node::{Datum, Node},
    source::Span,
    template,
};

/// How many instances one forEach, and all of a document together, may have.
const MAX_INSTANCES: usize = 10_000;

impl Author<'_> {
    /// The instances that a forEach asks for. `left` is how many the document may still have.
    pub(super) fn instances(
        &mut self,
        node: &Node,
        scope: Scope<'_>,
        left: &mut usize,
    ) -> Instances {
        let filled = self.fill(node, scope);
        let mut instances = IndexMap::new();
        match filled.datum {
            Datum::Seq(items) => {
                for item in items {
                    match scalar_text(&item) {
                        Some(key) => self.instance(&mut instances, key, item.span, item),
                        None => self.no_key(&item),
                    }
                }
            }
            Datum::Map(entries) => {
                for entry in entries {
                    self.instance(&mut instances, entry.key, entry.key_span, entry.value);
                }
            }
            _ => {
                let filled = Node {
                    span: filled.span,
                    ..filled
                };
                self.unless_unresolved(&filled, |author| {
                    let message = format!(
                        "`forEach` takes a list or a mapping, not {}",
                        filled.type_name()
                    );
                    author.error(Code::BadForEach, filled.span, message);
                });
                return Instances::Unknown;
            }
        }
        match left.checked_sub(instances.len()) {
            Some(remaining) => {
                *left = remaining;
                Instances::Each(instances)
            }
            None => {
                let message =
                    format!("a stack can have at most {MAX_INSTANCES} instances by `forEach`");
                self.error(Code::BadForEach, node.span, message);
                Instances::Unknown
            }
        }
    }

    /// How many instances a document may have.
    pub(super) fn instances_allowed() -> usize {
        MAX_INSTANCES
    }

    fn instance(
        &mut self,
        instances: &mut IndexMap<String, Node>,
        key: String,
        span: Span,
        value: Node,
    ) {
        if !template::is_key(&key) {
            let message =
                "this cannot be the key of an instance, because no reference could name it";
            let help = "a key is not empty, and has no brackets, braces, quotes or `$`";
            self.report(Diagnostic::error(Code::BadForEach, span, message).help(help));
            return;
        }
        match instances.entry(key) {
            map::Entry::Vacant(vacant) => {
                vacant.insert(value);
            }
            map::Entry::Occupied(first) => {
                let message = format!("the key `{}` stands twice in this forEach", first.key());
                let diagnostic = Diagnostic::error(Code::BadForEach, span, message);
                self.report(diagnostic.related(first.get().span, "first written here"));
            }
        }
    }

    fn no_key(&mut self, item: &Node) {
        self.unless_unresolved(item, |author| {
            let message = match item.datum {
                Datum::Template(_) => {
                    "the key of an instance must be known before the run".to_owned()
                }
                _ => format!(
                    "an item of a forEach list is text, a number or a boolean, not {}",
                    item.type_name()
                ),
            };
            let help =
                "write a mapping: its keys name the instances, and its values can be anything";
            author.report(Diagnostic::error(Code::BadForEach, item.span, message).help(help));
        });
    }
}
