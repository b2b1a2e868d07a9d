//! Graphs from a few lines of a spec, for the tests of kinds.

use lazuli_core::{
    diagnostic::{Code, Severity},
    graph::{Graph, Node, Settings, build},
    marker::{MARKER_TAG, TextMarker},
    source::{Sources, Span},
    spec::{Inputs, load, reject_files},
};
use serde_json::Value as Json;

use crate::REGISTRY;

pub(crate) const GROUP: &str =
    "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-cameras";

const HEAD: &str = "\
apiVersion: lazuli/v1
stack: cameras
subscription: 11111111-1111-1111-1111-111111111111
location: westeurope
resourceGroup: rg-cameras
resources:
";

/// A graph and the diagnostics of its spec.
pub(crate) struct BuiltStack {
    pub(crate) graph: Graph,
    pub(crate) diagnostics: Vec<ReportedDiagnostic>,
}

/// A diagnostic with the text at its position.
#[derive(Debug, PartialEq)]
pub(crate) struct ReportedDiagnostic {
    pub(crate) severity: Severity,
    pub(crate) code: Code,
    pub(crate) message: String,
    pub(crate) at: String,
    pub(crate) help: String,
}

/// Builds the resources of a stack. The lines may be indented as a whole.
pub(crate) fn stack(resources: &str) -> BuiltStack {
    stack_with(resources, &Settings::default())
}

/// Like [`stack`], with settings.
pub(crate) fn stack_with(resources: &str, settings: &Settings) -> BuiltStack {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let lines: Vec<&str> = resources
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let margin = lines
        .iter()
        .map(|line| indent(line))
        .min()
        .unwrap_or_default();
    let body: String = lines
        .iter()
        .map(|line| format!("  {}\n", &line[margin..]))
        .collect();
    let mut sources = Sources::default();
    let id = sources.add("stack.yaml", format!("{HEAD}{body}"));
    let (spec, mut diagnostics) = load(
        &sources,
        &[id],
        &Inputs {
            params: Vec::new(),
            env: &|_| None,
            file: &reject_files,
        },
    );
    let (graph, found) = build(&spec, REGISTRY, settings);
    diagnostics.extend(found);
    let at = |span: Option<Span>| {
        span.map(|span| sources.slice(span).to_owned())
            .unwrap_or_default()
    };
    let diagnostics = diagnostics
        .sorted()
        .into_iter()
        .map(|diagnostic| ReportedDiagnostic {
            severity: diagnostic.severity,
            code: diagnostic.code,
            message: diagnostic.message,
            at: at(diagnostic.span),
            help: diagnostic.help.unwrap_or_default(),
        })
        .collect();
    BuiltStack { graph, diagnostics }
}

/// Builds a stack. Panics on any diagnostic except [`Code::Retired`].
pub(crate) fn valid_graph(resources: &str) -> Graph {
    let built = stack(resources);
    assert!(
        built
            .diagnostics
            .iter()
            .all(|diagnostic| diagnostic.code == Code::Retired),
        "{:#?}",
        built.diagnostics
    );
    built.graph
}

impl BuiltStack {
    /// The codes of the errors with the text at their positions.
    pub(crate) fn errors(&self) -> Vec<(Code, &str)> {
        let errors = self
            .diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.severity == Severity::Error);
        errors
            .map(|diagnostic| (diagnostic.code, diagnostic.at.as_str()))
            .collect()
    }

    /// The only error.
    pub(crate) fn error(&self) -> &ReportedDiagnostic {
        let errors: Vec<_> = self
            .diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.severity == Severity::Error)
            .collect();
        assert_eq!(errors.len(), 1, "{errors:#?}");
        errors[0]
    }
}

/// The names of the nodes, in the order of the graph.
pub(crate) fn keys(graph: &Graph) -> Vec<String> {
    graph
        .nodes()
        .map(|node| node.subject.key.to_string())
        .collect()
}

/// The node with a name.
pub(crate) fn node<'g>(graph: &'g Graph, key: &str) -> &'g Node {
    graph
        .nodes()
        .find(|node| node.subject.key.to_string() == key)
        .unwrap_or_else(|| panic!("no `{key}` in {:?}", keys(graph)))
}

/// The body of a node, with unresolved outputs as written, and without the binding of its ownership marker.
pub(crate) fn body(graph: &Graph, key: &str) -> Json {
    let mut body = node(graph, key).body.to_display_json();
    if let Some(tags) = body.get_mut("tags").and_then(Json::as_object_mut) {
        assert!(tags.remove(MARKER_TAG).is_some(), "{key}");
    }
    for member in ["description", "notes"] {
        if let Some(Json::String(text)) = body.pointer_mut(&format!("/properties/{member}")) {
            *text = unbound(text);
        }
    }
    body
}

/// A text with an ownership marker, without the binding of the marker.
pub(crate) fn unbound(text: &str) -> String {
    let marker = TextMarker::find(text).unwrap();
    let binding = marker.binding.unwrap();
    text.replace(&format!("; {binding}"), "")
}

/// The dependencies of a node, with reasons.
pub(crate) fn dependencies(graph: &Graph, key: &str) -> Vec<(String, String)> {
    let dependencies = graph.dependencies(&node(graph, key).subject.key);
    dependencies
        .into_iter()
        .map(|(node, why)| (node.subject.key.to_string(), why.to_string()))
        .collect()
}
