//! From texts to a graph, as far as it can be known without a request.

use std::{collections::BTreeSet, sync::Arc};

use lazuli_core::{
    diagnostic::{Diagnostics, Gap},
    graph::{self, Graph, SecretsPolicy, Settings, Shapes},
    secret::Secret,
    source::{SourceId, Sources},
    spec::{self, Inputs, ParamValue, Spec},
};

use crate::{
    catalog::Catalog,
    error::{LoadError, Rejection, fail_on_errors},
};

/// The texts of specs.
#[derive(Debug, Clone, Default)]
pub struct SpecTexts {
    /// All texts, also those of parameter files.
    pub sources: Sources,
    /// The texts that are specs.
    pub specs: Vec<SourceId>,
    /// The values of parameters. Of several values for a parameter, the last one counts.
    pub params: Vec<(String, ParamValue)>,
    /// Mistakes about specs that could not be read at all.
    pub unreadable: Diagnostics,
}

impl SpecTexts {
    /// One spec without values for parameters.
    pub fn from_spec(name: impl Into<String>, text: impl Into<String>) -> Self {
        let mut sources = Sources::default();
        let id = sources.add(name, text);
        Self {
            sources,
            specs: vec![id],
            ..Self::default()
        }
    }
}

/// What specs may refer to beyond their texts, and what applies where they are silent.
pub struct LoadContext<'a> {
    /// The subscription of stacks that do not name one.
    pub subscription: Option<String>,
    /// How to detect changed secrets that Azure does not return.
    pub secrets: SecretsPolicy,
    /// The value of an environment variable.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// The text of a file, by the name of the spec that refers to it and the path in the spec; or why it cannot be read.
    pub file: &'a dyn Fn(&str, &str) -> Result<String, String>,
}

impl LoadContext<'static> {
    /// A context without environment variables and files.
    pub fn isolated(subscription: Option<String>) -> Self {
        Self {
            subscription,
            secrets: SecretsPolicy::default(),
            env: &|_| None,
            file: &spec::reject_files,
        }
    }
}

/// Specs without definite mistakes. Roles that only Azure knows are unresolved.
#[derive(Clone)]
pub struct Specs {
    catalog: Catalog,
    shapes: Arc<Shapes>,
    sources: Sources,
    spec: Spec,
    settings: Settings,
    graph: Graph,
    text_diagnostics: Diagnostics,
    graph_diagnostics: Diagnostics,
}

/// Stacks without mistakes, ready to be planned.
#[derive(Debug, Clone)]
pub struct Stacks {
    /// The texts.
    pub sources: Sources,
    /// The resources and their dependencies.
    pub graph: Graph,
    /// The names of the stacks.
    pub names: Vec<String>,
    /// The names of parameters that are declared secret.
    pub secret_params: BTreeSet<String>,
    /// Warnings about the specs.
    pub warnings: Diagnostics,
}

/// Loads texts and builds their graph.
///
/// # Errors
/// All mistakes in the texts at once, unless all of them depend on roles that only Azure knows.
pub fn load(
    catalog: &Catalog,
    texts: SpecTexts,
    context: LoadContext<'_>,
) -> Result<Specs, LoadError> {
    let inputs = Inputs {
        params: texts.params,
        env: context.env,
        file: context.file,
    };
    let (spec, found) = spec::load(&texts.sources, &texts.specs, &inputs);
    let found = match texts.unreadable.is_empty() {
        true => found,
        false => found.split(Gap::UnreadableSpec).definite,
    };
    let mut text_diagnostics = texts.unreadable;
    text_diagnostics.extend(found);
    let settings = Settings {
        subscription: context.subscription,
        secrets: context.secrets,
        ..Settings::default()
    };
    let shapes = Arc::new(Shapes::compile(&spec, catalog.registry));
    let (graph, graph_diagnostics) =
        { graph::build_with(&spec, catalog.registry, &settings, &shapes) };
    tracing::info!(
        texts = texts.specs.len(),
        stacks = spec.stacks.len(),
        resources = graph.len(),
        "read the specs"
    );
    let definite = graph_diagnostics.clone().split(Gap::UnresolvedRoles);
    if text_diagnostics.has_errors() || definite.definite.has_errors() {
        let mut diagnostics = text_diagnostics;
        diagnostics.extend(graph_diagnostics);
        return Err(LoadError::Rejected(Box::new(Rejection {
            sources: texts.sources,
            diagnostics,
        })));
    }
    if spec.stacks.is_empty() {
        return Err(LoadError::NoStacks);
    }
    Ok(Specs {
        catalog: *catalog,
        shapes,
        sources: texts.sources,
        spec,
        settings,
        graph,
        text_diagnostics,
        graph_diagnostics,
    })
}

impl Specs {
    /// The graph, with unresolved roles.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The texts.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// All secrets in the specs and their parameters.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        let in_bodies = self.graph.nodes().flat_map(|node| node.body.secrets());
        self.spec.secrets.iter().chain(in_bodies)
    }

    /// Builds the graph again with roles that Azure returned.
    pub(crate) fn with_roles(
        self,
        roles: impl IntoIterator<Item = (graph::RoleName, Vec<lazuli_core::arm::ArmId>)>,
    ) -> Self {
        let settings = Settings {
            roles: roles.into_iter().collect(),
            ..self.settings
        };
        let (graph, graph_diagnostics) =
            graph::build_with(&self.spec, self.catalog.registry, &settings, &self.shapes);
        Self {
            settings,
            graph,
            graph_diagnostics,
            ..self
        }
    }

    /// The stacks, without asking Azure for unresolved roles.
    ///
    /// # Errors
    /// All mistakes in the specs, also provisional ones.
    pub fn into_stacks(self) -> Result<Stacks, Box<Rejection>> {
        let mut diagnostics = self.text_diagnostics;
        diagnostics.extend(self.graph_diagnostics);
        let warnings = fail_on_errors(&self.sources, diagnostics)?;
        let names = self.spec.stacks.into_iter();
        Ok(Stacks {
            sources: self.sources,
            graph: self.graph,
            names: names.map(|stack| stack.name.value).collect(),
            secret_params: self.spec.secret_params,
            warnings,
        })
    }
}
