//! Which lazuli a document is for: the version of the spec language, and the versions that it requires.

use semver::{Version, VersionReq};

use super::{foreign::detect_foreign, load::API_VERSION, loader::Loader};
use crate::{
    diagnostic::{Code, Diagnostic},
    node::Node,
};

/// The version of this lazuli.
const VERSION: &str = env!("CARGO_PKG_VERSION");

impl Loader<'_> {
    /// Checks what a document says about versions. Returns `false` if the document cannot be loaded: everything else that
    /// it says can have another meaning. A document without a version is loaded after the mistake was reported.
    pub(super) fn check_versions(&mut self, document: &Node) -> bool {
        if let Some((key, format)) = detect_foreign(document) {
            let span = document
                .entry(key)
                .map_or(document.span, |entry| entry.key_span);
            let message = format!("this document is {format}, not a lazuli spec");
            let help =
                format!("add `apiVersion: {API_VERSION}`, or run `lazuli init` to create a spec");
            self.report(Diagnostic::error(Code::BadVersion, span, message).help(help));
            return false;
        }
        self.check_requirement(document) && self.check_language(document)
    }

    fn check_language(&mut self, document: &Node) -> bool {
        let help = format!("write `apiVersion: {API_VERSION}`");
        let Some(version) = document.get("apiVersion") else {
            let message = "the document has no `apiVersion`";
            self.report(Diagnostic::error(Code::MissingKey, document.span, message).help(help));
            return true;
        };
        let text = version.as_str();
        if text == Some(API_VERSION) {
            return true;
        }
        let (message, help) = match text.and_then(newer_language) {
            Some(newer) => (
                format!(
                    "the document uses `lazuli/v{newer}`, and lazuli {VERSION} reads `{API_VERSION}`"
                ),
                format!("install a lazuli that reads `lazuli/v{newer}`"),
            ),
            None => (
                format!("the `apiVersion` is not supported: use `{API_VERSION}`"),
                help,
            ),
        };
        self.report(Diagnostic::error(Code::BadVersion, version.span, message).help(help));
        false
    }

    /// Checks `requires`: the versions of lazuli that may load the document.
    fn check_requirement(&mut self, document: &Node) -> bool {
        let Some(node) = document.get("requires") else {
            return true;
        };
        let Some(text) = self.string("`requires`", node) else {
            return true;
        };
        let Ok(required) = VersionReq::parse(&text.value) else {
            let message = "`requires` is not a valid requirement for versions of lazuli";
            let diagnostic = Diagnostic::error(Code::ValueNotAllowed, node.span, message);
            self.report(
                diagnostic.help("use a comparison, such as `\">=0.2\"` or `\">=0.2, <1\"`"),
            );
            return true;
        };
        let is_met = Version::parse(VERSION).is_ok_and(|version| required.matches(&version));
        if !is_met {
            let message = format!(
                "the document requires lazuli {}, and this is lazuli {VERSION}",
                text.value
            );
            let help = format!("install lazuli {}", text.value);
            self.report(Diagnostic::error(Code::BadVersion, node.span, message).help(help));
        }
        is_met
    }
}

/// The number of a newer version of the spec language.
fn newer_language(text: &str) -> Option<u32> {
    let number: u32 = text.strip_prefix("lazuli/v")?.parse().ok()?;
    (number > 1).then_some(number)
}
