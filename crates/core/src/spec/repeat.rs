//! Loads `forEach`: the instances of a repeated resource.

use indexmap::{IndexMap, map};

use super::{
    fill::{ExpressionScope, Instances},
    loader::{Loader, scalar_text},
};
use crate::{
    diagnostic::{Code, Diagnostic},
    node::{Datum, Node},
    source::Span,
    template,
};

/// The limit of instances in a document.
pub(super) const MAX_INSTANCES: usize = 10_000;

impl Loader<'_> {
    /// Loads the instances of a `forEach`. `left` is how many more instances the document may have.
    pub(super) fn instances(
        &mut self,
        node: &Node,
        scope: ExpressionScope<'_>,
        left: &mut usize,
    ) -> Instances {
        let filled = self.fill(node, scope);
        let mut instances = IndexMap::new();
        match filled.datum {
            Datum::Seq(items) => {
                for item in items {
                    match scalar_text(&item) {
                        Some(key) => self.add_instance(&mut instances, key, item.span, item),
                        None => self.report_invalid_key(&item),
                    }
                }
            }
            Datum::Map(entries) => {
                for entry in entries {
                    self.add_instance(&mut instances, entry.key, entry.key_span, entry.value);
                }
            }
            _ => {
                let filled = Node {
                    span: filled.span,
                    ..filled
                };
                self.unless_unresolved(&filled, |loader| {
                    let message = format!(
                        "`forEach` must be a list or a mapping, not {}",
                        filled.type_name()
                    );
                    loader.error(Code::BadForEach, filled.span, message);
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
                let message = format!(
                    "`forEach` creates too many instances: a stack can have at most {MAX_INSTANCES}"
                );
                self.error(Code::BadForEach, node.span, message);
                Instances::Unknown
            }
        }
    }

    fn add_instance(
        &mut self,
        instances: &mut IndexMap<String, Node>,
        key: String,
        span: Span,
        value: Node,
    ) {
        if !template::is_key(&key) {
            let message = "this value is not a valid instance key";
            let help = "use text without brackets, braces, quotes and `$`";
            self.report(Diagnostic::error(Code::BadForEach, span, message).help(help));
            return;
        }
        match instances.entry(key) {
            map::Entry::Vacant(vacant) => {
                vacant.insert(value);
            }
            map::Entry::Occupied(first) => {
                let message = format!("the key `{}` occurs twice in this `forEach`", first.key());
                let diagnostic = Diagnostic::error(Code::BadForEach, span, message);
                self.report(diagnostic.related(first.get().span, "first used here"));
            }
        }
    }

    fn report_invalid_key(&mut self, item: &Node) {
        self.unless_unresolved(item, |loader| {
            let message = match item.datum {
                Datum::Template(_) => "an instance key must be known before apply".to_owned(),
                _ => format!(
                    "an item of a `forEach` list must be a string, a number or a boolean, not {}",
                    item.type_name()
                ),
            };
            let help =
                "use a mapping: its keys name the instances, and its values can have any type";
            loader.report(Diagnostic::error(Code::BadForEach, item.span, message).help(help));
        });
    }
}
