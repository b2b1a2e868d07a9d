//! A simulated Azure and the five steps on it, as the command line composes them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use lazuli_arm::{
    Client, ClientOptions, Directory, Transport, Url,
    auth::{AuthMethod, credential},
};
use lazuli_core::{
    arm::ArmId,
    diagnostic::Diagnostics,
    export::{self, Export, Scene},
    graph::{Graph, Names, RoleName, Settings, build},
    live::Live,
    plan::{
        Consent, Plan, converge_with, needed_to_replace, orphans, principals_in_question, teardown,
    },
    reads::{self, Read},
    source::Sources,
    spec::{Inputs, load, no_files},
};
use lazuli_engine::{
    Bounds, Concern, Execution, Report, Silent, execute, find_roles, find_versions, observe,
    observe_each, observe_owned, observe_principals, observe_settled,
};
use lazuli_handlers::{REGISTRY, known_types, roles};
use lazuli_sim::{
    CALLER_SECRET, Caller, InProcess, LogEntry, Method, Request, SUBSCRIPTION, SimTime, Simulator,
    TENANT, TokioClock, World, WorldOptions,
};
use serde_json::Value as Json;
use tokio::sync::watch;

/// Agrees to have orphans pruned.
pub const PRUNE: Consent = Consent {
    prune: true,
    replace: Names(BTreeSet::new()),
};

/// A simulated Azure and clients of it.
pub struct Azure {
    pub simulator: Simulator,
    pub client: Client,
    pub directory: Option<Directory>,
}

impl Azure {
    /// An empty one. Must be called on a paused runtime.
    pub async fn new() -> Self {
        Self::with(WorldOptions::default()).await
    }

    pub async fn with(options: WorldOptions) -> Self {
        let caller = options.caller;
        let simulator =
            Simulator::new(World::new(options), TokioClock::starting_at(SimTime::EPOCH));
        Self::of(simulator, caller).await
    }

    /// The same one, logged in as another of the simulator's applications.
    pub async fn seen_by(&self, caller: Caller) -> Self {
        Self::of(self.simulator.clone(), caller).await
    }

    async fn of(simulator: Simulator, caller: Caller) -> Self {
        let transport = Transport::new(Arc::new(InProcess::new(simulator.clone())));
        Self::over(simulator, caller, transport).await
    }

    /// One that is reached in a way of one's own.
    pub async fn over(simulator: Simulator, caller: Caller, transport: Transport) -> Self {
        let url = Url::parse("https://sim.lazuli.invalid").unwrap();
        let endpoints = lazuli_arm::discover(&url, &transport)
            .await
            .expect("the simulator has metadata");
        let env = |name: &str| {
            let value = match name {
                "AZURE_TENANT_ID" => TENANT,
                "AZURE_CLIENT_ID" => caller.client_id(),
                "AZURE_CLIENT_SECRET" => CALLER_SECRET,
                _ => return None,
            };
            Some(value.to_owned())
        };
        let credential = credential(Some(AuthMethod::Environment), &env, &endpoints, &transport);
        let options = ClientOptions::default();
        let directory = Directory::new(
            &endpoints,
            credential.clone(),
            transport.clone(),
            options.clone(),
        );
        Self {
            simulator,
            client: Client::new(&endpoints, credential, transport, options),
            directory,
        }
    }

    /// The plan of a spec, which must have no mistakes.
    pub async fn plan(&self, text: &str) -> Plan {
        let (plan, found) = self.compare(text).await;
        assert!(!found.has_errors(), "{found:?}");
        plan
    }

    /// The plan of a spec that has no mistakes of its own, and what Azure makes a mistake of.
    pub async fn compare(&self, text: &str) -> (Plan, Diagnostics) {
        self.compare_with(text, &Consent::default()).await
    }

    /// The same, with what is agreed to.
    pub async fn compare_with(&self, text: &str, consent: &Consent) -> (Plan, Diagnostics) {
        let graph = self.graph(text).await;
        let mut reads = reads::needed(&graph);
        reads.extend(needed_to_replace(&graph, &consent.replace));
        let mut live = observe_settled(&self.client, &graph, &reads, &Silent)
            .await
            .expect("reads work");
        self.look_for_orphans(&graph, &mut live, consent.prune)
            .await;
        let principals = principals_in_question(&graph, &live);
        observe_principals(self.directory.as_ref(), &mut live, &principals).await;
        converge_with(&graph, &live, consent)
    }

    /// The plan with orphans pruned.
    pub async fn plan_to_prune(&self, text: &str) -> Plan {
        let (plan, found) = self.compare_with(text, &PRUNE).await;
        assert!(!found.has_errors(), "{found:?}");
        plan
    }

    /// Finds what the stacks own, and, to prune, what that has to know.
    pub async fn look_for_orphans(&self, graph: &Graph, live: &mut Live, prune: bool) {
        let is_known = |id: &ArmId| graph.node_of(id).is_some();
        let owned = observe_owned(&self.client, graph.stack_scopes(), &is_known).await;
        live.absorb(owned.expect("reads work"));
        for (arm_type, known) in known_types(REGISTRY) {
            live.insert_type(arm_type, known);
        }
        if prune {
            let unknown = orphans::unknown_types(graph, live);
            find_versions(&self.client, &unknown, live)
                .await
                .expect("reads work");
            let closer = orphans::needed_to_prune(graph, live);
            let closer = observe(&self.client, graph, &closer).await;
            live.absorb(closer.expect("reads work"));
        }
    }

    /// A spec of what is live in resource groups, as the stack that owns most of it.
    pub async fn export(&self, groups: &[&str]) -> Export {
        let groups: Vec<ArmId> = groups
            .iter()
            .map(|name| ArmId::resource_group(SUBSCRIPTION, name))
            .collect();
        let first = export::reads::first(&groups, REGISTRY);
        let mut live = self.survey(&groups, &first).await;
        for (arm_type, known) in known_types(REGISTRY) {
            live.insert_type(arm_type, known);
        }
        let unknown = export::reads::unknown_types(&groups, &live);
        let found = find_versions(&self.client, &unknown, &mut live).await;
        found.expect("reads work");
        let second = export::reads::second(&scene(&groups, &live));
        live.absorb(self.survey(&groups, &second).await);
        let is_built_in = |guid: &str| roles::by_guid(guid).is_some();
        let third = export::reads::third(&scene(&groups, &live), &is_built_in);
        live.absorb(self.survey(&groups, &third).await);
        let owner = export::owner(&scene(&groups, &live));
        if let Some(owner) = &owner {
            let stack = format!("apiVersion: lazuli/v1\nstack: {owner}\n");
            let owned = observe_owned(&self.client, graph(&stack).stack_scopes(), &|_| true).await;
            live.absorb(owned.expect("reads work"));
        }
        let stack = owner.unwrap_or_else(|| export::stack_of(&groups[0]));
        export::export(&scene(&groups, &live), &stack)
    }

    async fn survey(&self, groups: &[ArmId], reads: &[Read]) -> Live {
        let (live, unanswered) = observe_each(&self.client, Concern::within(groups), reads).await;
        assert!(unanswered.is_empty(), "{unanswered:#?}");
        live
    }

    /// What there is of a graph.
    pub async fn observe(&self, graph: &Graph) -> Live {
        observe_settled(&self.client, graph, &reads::needed(graph), &Silent)
            .await
            .expect("reads work")
    }

    /// Plans and carries out.
    pub async fn apply(&self, text: &str) -> (Plan, Report) {
        let plan = self.plan(text).await;
        let report = self.execute(&plan).await;
        (plan, report)
    }

    /// As [`Azure::apply`], where every step must succeed.
    pub async fn converge(&self, text: &str) -> Plan {
        let (plan, report) = self.apply(text).await;
        let failures: Vec<_> = report
            .failures()
            .map(|(step, failure)| format!("{}: {failure}", plan.steps[step.0].subject.key))
            .collect();
        assert!(report.is_complete(), "{failures:#?}");
        plan
    }

    /// The graph of a spec, which must have no mistakes, with the roles that only Azure knows.
    pub async fn graph(&self, text: &str) -> Graph {
        let (graph, found) = self.check(text).await;
        assert!(!found.has_errors(), "{found:#?}");
        graph
    }

    /// The graph of a spec with the roles that only Azure knows, and what is wrong.
    pub async fn check(&self, text: &str) -> (Graph, Diagnostics) {
        let (graph, found) = check(text);
        if graph.open_roles().is_empty() {
            return (graph, found);
        }
        let roles = find_roles(&self.client, graph.open_roles())
            .await
            .expect("reads work");
        check_with(text, roles)
    }

    /// The plan that takes a spec away.
    pub async fn teardown(&self, text: &str) -> Plan {
        let graph = self.graph(text).await;
        let live = observe_settled(
            &self.client,
            &graph,
            &reads::needed_to_destroy(&graph),
            &Silent,
        )
        .await
        .expect("reads work");
        teardown(&graph, &live)
    }

    pub async fn execute(&self, plan: &Plan) -> Report {
        let (_keep, stop) = watch::channel(false);
        self.execute_until(plan, stop).await
    }

    pub async fn execute_until(&self, plan: &Plan, stop: watch::Receiver<bool>) -> Report {
        let simulator = self.simulator.clone();
        let now = move || UNIX_EPOCH + Duration::from_secs(simulator.now().unix_seconds());
        let execution = Execution {
            client: &self.client,
            at_once: 8,
            bounds: Bounds::default(),
            now: &now,
            stop,
            events: &Silent,
        };
        execute(plan, execution).await
    }

    /// Sends a request behind lazuli's back, as the owner, and gives the answer's body.
    pub async fn by_hand(&self, method: Method, url: &str, body: Option<Json>) -> Json {
        let token = self
            .simulator
            .world()
            .token(Caller::Owner, self.simulator.now());
        let mut request = Request::new(method, url).with_bearer(&token);
        if let Some(body) = body {
            request = request.with_json(&body);
        }
        let response = self.simulator.send(request).await.expect("no fault");
        assert!(
            response.status < 400,
            "{} {}",
            response.status,
            response.json()
        );
        if response.body.is_empty() {
            Json::Null
        } else {
            response.json()
        }
    }

    /// What was written since the log was cleared. Asking for tokens and in the directory is no writing.
    pub fn writes(&self) -> Vec<LogEntry> {
        let is_write = |entry: &LogEntry| {
            let only_asks = entry.url.contains("/oauth2/") || entry.url.starts_with("/graph/");
            !entry.method.is_read() && !only_asks
        };
        self.simulator.log().into_iter().filter(is_write).collect()
    }
}

fn scene<'a>(groups: &'a [ArmId], live: &'a Live) -> Scene<'a> {
    Scene {
        groups,
        live,
        registry: REGISTRY,
    }
}

/// The graph of a spec, which must have no mistakes.
pub fn graph(text: &str) -> Graph {
    let (graph, found) = check(text);
    assert!(!found.has_errors(), "{found:#?}");
    graph
}

/// The graph of a spec and what is wrong with it.
pub fn check(text: &str) -> (Graph, Diagnostics) {
    check_with(text, BTreeMap::new())
}

/// The same, with what Azure answers about roles.
fn check_with(text: &str, roles: BTreeMap<RoleName, Vec<ArmId>>) -> (Graph, Diagnostics) {
    let mut sources = Sources::default();
    let id = sources.add("spec.yaml", text);
    let (spec, mut found) = load(
        &sources,
        &[id],
        &Inputs {
            params: Vec::new(),
            env: &|_| None,
            file: &no_files,
        },
    );
    let (graph, more) = build(
        &spec,
        REGISTRY,
        &Settings {
            subscription: Some(SUBSCRIPTION.to_owned()),
            roles,
            ..Settings::default()
        },
    );
    found.extend(more);
    (graph, found)
}

/// The head of a document, for specs in tests.
pub fn spec(resources: &str) -> String {
    format!(
        "apiVersion: lazuli/v1\nstack: test\nlocation: westeurope\nresourceGroup: rg-test\nresources:\n\
         \x20 group: {{ kind: resourceGroup, name: rg-test }}\n{resources}"
    )
}
