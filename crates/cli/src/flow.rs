//! The first steps of every command: read, load, build, ask for what only Azure knows; and observe.

use std::{collections::BTreeSet, time::Duration};

use lazuli_arm::Client;
use lazuli_core::{
    arm::ArmId,
    diagnostic::{Code, Diagnostic, Diagnostics, Severity},
    graph::{self, Closure, Graph, SecretsPolicy, Selection, Settings, StackScope},
    inventory,
    live::Live,
    plan::{Consent, Plan, converge_part, needed_to_replace, orphans, principals_in_question},
    reads::{self, Read},
    secret::Secret,
    source::Sources,
    spec::{Inputs, Spec, load},
};
use lazuli_engine::{
    Bounds, Execution, ObserveError, Report, Settling, execute, find_roles, find_versions, observe,
    observe_owned, observe_principals, observe_settled,
};
use lazuli_handlers::{REGISTRY, known_types, roles};
use tokio::time::Instant;

use crate::{
    args,
    connection::Session,
    error::{CommandError, Success},
    input,
    progress::{self, WaitRecorder},
    refusal::refusals,
    render, stop,
    terminal::{Terminal, Tone},
};

/// How many steps are under way at once, most of them waiting for Azure. How many requests are, the client finds out.
const STEPS_AT_ONCE: usize = 512;

/// A spec without mistakes, as a graph.
pub(crate) struct Loaded {
    pub(crate) sources: Sources,
    pub(crate) graph: Graph,
    pub(crate) stacks: Vec<String>,
    /// The names of parameters that a document declares as secrets.
    pub(crate) secret_params: BTreeSet<String>,
}

/// Specs and their graph, as far as it is known without asking Azure.
pub(crate) struct Specs {
    sources: Sources,
    spec: Spec,
    settings: Settings,
    graph: Graph,
    said_of_text: Diagnostics,
    said_of_graph: Diagnostics,
}

/// From the command line to the graph. Mistakes end the command, all of them at once; but for roles that Azure may
/// know.
pub(crate) fn read_specs(
    args: &args::Specs,
    default_subscription: Option<String>,
    secrets: SecretsPolicy,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Specs, CommandError> {
    let subscription = args.subscription.clone().or(default_subscription);
    specs_of(input::read(args)?, subscription, secrets, env)
}

/// As [`read_specs`], of texts that have been read.
pub(crate) fn specs_of(
    texts: input::Texts,
    subscription: Option<String>,
    secrets: SecretsPolicy,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Specs, CommandError> {
    let inputs = Inputs {
        params: texts.params,
        env,
        file: &input::file_beside,
    };
    let (spec, said) = load(&texts.sources, &texts.specs, &inputs);
    // A spec that cannot be read may declare the parameters that no other does.
    let all_read = texts.unread.is_empty();
    let is_sure = |said: &&Diagnostic| all_read || said.code != Code::UnusedParameter;
    let mut said_of_text = texts.unread;
    let sure = said.iter().filter(is_sure).cloned();
    sure.for_each(|said| said_of_text.push(said));
    let settings = Settings {
        subscription,
        secrets,
        ..Settings::default()
    };
    let (graph, said_of_graph) = graph::build(&spec, REGISTRY, &settings);
    tracing::info!(
        texts = texts.specs.len(),
        stacks = spec.stacks.len(),
        resources = graph.len(),
        "read the specs"
    );
    let specs = Specs {
        sources: texts.sources,
        spec,
        settings,
        graph,
        said_of_text,
        said_of_graph,
    };
    let is_final =
        |said: &Diagnostic| said.severity == Severity::Error && said.code != Code::UnknownRole;
    if specs
        .said_of_text
        .iter()
        .chain(specs.said_of_graph.iter())
        .any(is_final)
    {
        let mut said = specs.said_of_text;
        said.extend(specs.said_of_graph);
        return Err(CommandError::Spec(Box::new(specs.sources), said));
    }
    if specs.spec.stacks.is_empty() {
        return Err(input::no_spec(": it is empty"));
    }
    Ok(specs)
}

impl Specs {
    /// Asks Azure for the roles that only it knows. Mistakes end the command; warnings are printed.
    pub(crate) async fn ask(
        mut self,
        session: &Session,
        terminal: &Terminal,
    ) -> Result<Loaded, CommandError> {
        let in_bodies = self.graph.nodes().flat_map(|node| node.body.secrets());
        let secrets: Vec<&Secret> = self.spec.secrets.iter().chain(in_bodies).collect();
        session.conceal(&secrets);
        if !self.graph.open_roles().is_empty() {
            self.settings.roles = find_roles(&session.client, self.graph.open_roles())
                .await
                .map_err(failed)?;
            (self.graph, self.said_of_graph) = graph::build(&self.spec, REGISTRY, &self.settings);
        }
        self.unasked(terminal)
    }

    /// Leaves open what only Azure knows. Mistakes end the command; warnings are printed.
    pub(crate) fn unasked(self, terminal: &Terminal) -> Result<Loaded, CommandError> {
        let Self {
            sources,
            spec,
            graph,
            said_of_text: mut said,
            said_of_graph,
            ..
        } = self;
        said.extend(said_of_graph);
        pass(&sources, said, terminal)?;
        let secret_params = spec.secret_params;
        let stacks = spec
            .stacks
            .into_iter()
            .map(|stack| stack.name.value)
            .collect();
        Ok(Loaded {
            sources,
            graph,
            stacks,
            secret_params,
        })
    }
}

pub(crate) fn failed(errors: Vec<ObserveError>) -> CommandError {
    let errors = errors.into_iter();
    CommandError::Azure(errors.map(|ObserveError { error }| error.into()).collect())
}

/// Ends the command if there are errors; prints what there is otherwise.
pub(crate) fn pass(
    sources: &Sources,
    found: Diagnostics,
    terminal: &Terminal,
) -> Result<(), CommandError> {
    if found.has_errors() {
        return Err(CommandError::Spec(Box::new(sources.clone()), found));
    }
    if !found.is_empty() {
        let found = found.sorted();
        let text = render::diagnostics::diagnostics(sources, &found, &terminal.err);
        terminal.tell(&text, Tone::Warning);
    }
    Ok(())
}

/// Sends the reads, and waits for what Azure is still working on.
pub(crate) async fn observe_all(
    client: &Client,
    loaded: &Loaded,
    reads: &[Read],
    terminal: &Terminal,
) -> Result<Live, CommandError> {
    observe_telling(
        client,
        loaded,
        reads,
        &*progress::start_observation(terminal),
    )
    .await
}

async fn observe_telling(
    client: &Client,
    loaded: &Loaded,
    reads: &[Read],
    told: &dyn Settling,
) -> Result<Live, CommandError> {
    let (graph, sources) = (&loaded.graph, &loaded.sources);
    let mut live = observe_settled(client, graph, reads, told)
        .await
        .map_err(|errors| CommandError::Azure(refusals(errors, graph, sources)))?;
    name(&mut live);
    tracing::info!(
        reads = reads.len(),
        resources = graph.len(),
        "looked at Azure"
    );
    Ok(live)
}

/// The part of the graph that names choose. Names that nothing has end the command.
pub(crate) fn part(
    loaded: &Loaded,
    targets: &args::Targets,
    along: Closure,
    terminal: &Terminal,
) -> Result<Selection, CommandError> {
    let names = targets.names();
    let unknown = names.unknown(&loaded.graph, "--target");
    pass(&loaded.sources, unknown, terminal)?;
    Ok(Selection::new(&loaded.graph, &names, along))
}

/// Compares Azure with the specs, or a part of them. The directory is asked only about grants that nobody declared, and
/// those that the spec gives by an object id.
pub(crate) async fn compare(
    loaded: &Loaded,
    session: &Session,
    consent: &Consent,
    targets: &args::Targets,
    terminal: &Terminal,
) -> Result<(Plan, Live), CommandError> {
    let part = part(loaded, targets, Closure::Dependencies, terminal)?;
    let graph = &loaded.graph;
    let client = &session.client;
    let unknown = consent.replace.unknown(graph, "--allow-replace");
    pass(&loaded.sources, unknown, terminal)?;
    let mut reads = reads::needed(graph);
    reads.extend(needed_to_replace(graph, &consent.replace));
    let mut live = match part.is_all() {
        true => observe_with_owned(client, loaded, &reads, terminal).await?,
        false => observe_all(client, loaded, &reads, terminal).await?,
    };
    if part.is_all() && consent.prune {
        look_closer(client, graph, &mut live).await?;
    }
    name(&mut live);
    let principals = principals_in_question(graph, &live);
    observe_principals(session.directory.as_ref(), &mut live, &principals).await;
    let (plan, found) = converge_part(graph, &live, consent, &part);
    pass(&loaded.sources, found, terminal)?;
    Ok((plan, live))
}

/// As [`observe_all`], and what the stacks own beside.
pub(crate) async fn observe_with_owned(
    client: &Client,
    loaded: &Loaded,
    reads: &[Read],
    terminal: &Terminal,
) -> Result<Live, CommandError> {
    let graph = &loaded.graph;
    let is_known = |id: &ArmId| graph.node_of(id).is_some();
    let owned = || observe_owned(client, graph.stack_scopes(), &is_known);
    let told = progress::start_observation(terminal);
    let told = WaitRecorder::new(&*told);
    let (live, found) = tokio::join!(observe_telling(client, loaded, reads, &told), owned());
    let mut live = live?;
    // What was waited for may have taken orphans along.
    let found = match told.has_waited() {
        true => owned().await,
        false => found,
    };
    live.absorb(found.map_err(failed)?);
    Ok(live)
}

/// Reads what pruning has to know of what the stacks own.
async fn look_closer(client: &Client, graph: &Graph, live: &mut Live) -> Result<(), CommandError> {
    name(live);
    let unknown = orphans::unknown_types(graph, live);
    find_versions(client, &unknown, live)
        .await
        .map_err(failed)?;
    let closer = orphans::needed_to_prune(graph, live);
    let closer = observe(client, graph, &closer).await.map_err(failed)?;
    live.absorb(closer);
    Ok(())
}

/// Finds what the stacks of these homes own, and what becomes of each of it later.
pub(crate) async fn find_owned(
    client: &Client,
    homes: &[StackScope],
) -> Result<Live, CommandError> {
    let reads = inventory::needed(homes);
    let (live, owned) = tokio::join!(
        observe(client, homes, &reads),
        observe_owned(client, homes, &|_| false),
    );
    let mut live = live.map_err(failed)?;
    live.absorb(owned.map_err(failed)?);
    name(&mut live);
    Ok(live)
}

/// Puts the names of roles and kinds to what was found.
pub(crate) fn name(live: &mut Live) {
    live.name_roles(|guid| roles::by_guid(guid).map(|role| role.name));
    for (arm_type, known) in known_types(REGISTRY) {
        live.insert_type(arm_type, known);
    }
}

/// A plan on its way, and how long refusals that pass by themselves are waited out.
pub(crate) struct Undertaking<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) bounds: Bounds,
}

/// A plan that was carried out.
pub(crate) struct Carried {
    pub(crate) report: Report,
    /// How long all of it took.
    pub(crate) took: Duration,
}

impl Carried {
    /// How the command ends.
    pub(crate) fn success(&self) -> Result<Success, CommandError> {
        match self.report.is_complete() {
            true => Ok(Success::Done),
            false => Err(CommandError::Incomplete),
        }
    }
}

/// Executes a plan and shows how it goes.
pub(crate) async fn carry_out(
    undertaking: Undertaking<'_>,
    session: &Session,
    terminal: &Terminal,
) -> Carried {
    let Undertaking { plan, bounds } = undertaking;
    tracing::info!(steps = plan.steps.len(), "carrying the plan out");
    let events = progress::start_execution(plan, terminal);
    let execution = Execution {
        client: &session.client,
        at_once: STEPS_AT_ONCE,
        bounds,
        now: &*session.now,
        stop: stop::on_ctrl_c(terminal.clone()),
        events: &*events,
    };
    let began = Instant::now();
    let report = execute(plan, execution).await;
    Carried {
        report,
        took: began.elapsed(),
    }
}
