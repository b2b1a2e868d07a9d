//! A simulated Azure, and a reconciler for it.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use lazuli_arm::{
    Client, ClientOptions, Directory, Jitter, Transport, Url,
    auth::{AuthMethod, credential},
};
use lazuli_core::{
    arm::ArmId,
    diagnostic::Diagnostics,
    export::Export,
    graph::{Graph, Names},
    live::Live,
    plan::{Consent, OrphanPolicy, Plan},
    reads,
};
use lazuli_engine::observe_settled;
use lazuli_handlers::{REGISTRY, roles};
use lazuli_reconcile::{
    Catalog, Difference, ExportScope, Intent, LoadContext, LoadError, PropagationLimits,
    ReconcileError, Reconciler, Report, SilentObserver, SpecTexts, Specs, Stacks, load,
};
use lazuli_sim::{
    CALLER_SECRET, Caller, InProcess, LogEntry, Method, Request, SUBSCRIPTION, SimTime, Simulator,
    TENANT, TokioClock, World, WorldOptions,
};
use serde_json::Value as Json;
use tokio::sync::watch;

/// The kinds and built-in roles.
pub const CATALOG: Catalog = Catalog {
    registry: REGISTRY,
    role_name: |guid| roles::by_guid(guid).map(|role| role.name),
};

/// Consent to prune orphans.
pub const PRUNE: Consent = Consent {
    orphans: OrphanPolicy::Prune,
    replace: Names(BTreeSet::new()),
};

/// A simulated Azure and clients of it.
pub struct Azure {
    pub simulator: Simulator,
    pub client: Client,
    pub directory: Option<Directory>,
    clock: Box<dyn Fn() -> SystemTime + Sync>,
}

/// No jitter, as with `--cloud sim`: every wait has its maximum length.
#[derive(Debug)]
struct LongestWait;

impl Jitter for LongestWait {
    fn up_to(&self, longest: Duration) -> Duration {
        longest
    }
}

impl Azure {
    /// An empty Azure. Must be called on a paused runtime.
    pub async fn new() -> Self {
        Self::with_options(WorldOptions::default()).await
    }

    pub async fn with_options(options: WorldOptions) -> Self {
        let caller = options.caller;
        let simulator =
            Simulator::new(World::new(options), TokioClock::starting_at(SimTime::EPOCH));
        Self::from_simulator(simulator, caller).await
    }

    /// A client of the same Azure for another caller.
    pub async fn as_caller(&self, caller: Caller) -> Self {
        Self::from_simulator(self.simulator.clone(), caller).await
    }

    async fn from_simulator(simulator: Simulator, caller: Caller) -> Self {
        let transport = Transport::new(Arc::new(InProcess::new(simulator.clone())));
        Self::with_transport(simulator, caller, transport).await
    }

    /// A client of Azure with a custom transport.
    pub async fn with_transport(
        simulator: Simulator,
        caller: Caller,
        transport: Transport,
    ) -> Self {
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
        let options = ClientOptions {
            jitter: Arc::new(LongestWait),
            ..ClientOptions::default()
        };
        let directory = Directory::new(
            &endpoints,
            credential.clone(),
            transport.clone(),
            options.clone(),
        );
        let clock = {
            let simulator = simulator.clone();
            move || UNIX_EPOCH + Duration::from_secs(simulator.now().unix_seconds())
        };
        Self {
            simulator,
            client: Client::new(&endpoints, credential, transport, options),
            directory,
            clock: Box::new(clock),
        }
    }

    /// A reconciler without an observer.
    pub fn reconciler(&self) -> Reconciler<'_> {
        Reconciler {
            client: &self.client,
            directory: self.directory.as_ref(),
            catalog: CATALOG,
            clock: &*self.clock,
            observer: &SilentObserver,
        }
    }

    /// The stacks of a spec, with resolved roles.
    pub async fn resolve(&self, text: &str) -> Result<Stacks, ReconcileError> {
        let specs = load_text(text).map_err(to_reconcile_error)?;
        self.reconciler().resolve(specs).await
    }

    /// A plan with the live state that it was made from. The spec and the intent must be valid.
    pub async fn difference(&self, text: &str, intent: &Intent) -> Difference {
        let stacks = self.resolve(text).await.expect("the spec is valid");
        let difference = self.reconciler().plan(&stacks, intent).await;
        difference.unwrap_or_else(|error| panic!("{error:#?}"))
    }

    /// The plan of a valid spec.
    pub async fn plan(&self, text: &str) -> Plan {
        self.difference(text, &Intent::converge()).await.plan
    }

    /// The plan of a valid spec, and the diagnostics that depend on live state. The plan is empty if there are errors.
    pub async fn compare(&self, text: &str) -> (Plan, Diagnostics) {
        self.compare_with(text, &Consent::default()).await
    }

    /// Like [`Azure::compare`], with consent to deletions.
    pub async fn compare_with(&self, text: &str, consent: &Consent) -> (Plan, Diagnostics) {
        let intent = Intent::Converge {
            consent: consent.clone(),
            targets: Names::default(),
        };
        self.compare_for(text, &intent).await
    }

    /// Like [`Azure::compare`], for any intent.
    pub async fn compare_for(&self, text: &str, intent: &Intent) -> (Plan, Diagnostics) {
        let stacks = self.resolve(text).await.expect("the spec is valid");
        match self.reconciler().plan(&stacks, intent).await {
            Ok(difference) => (difference.plan, difference.warnings),
            Err(ReconcileError::Rejected(rejection)) => (Plan::default(), rejection.diagnostics),
            Err(error) => panic!("{error:#?}"),
        }
    }

    /// The plan that prunes orphans.
    pub async fn plan_to_prune(&self, text: &str) -> Plan {
        let (plan, found) = self.compare_with(text, &PRUNE).await;
        assert!(!found.has_errors(), "{found:?}");
        plan
    }

    /// The plan that deletes everything the stack owns.
    pub async fn teardown(&self, text: &str) -> Plan {
        self.difference(text, &Intent::destroy()).await.plan
    }

    /// Exports resource groups as the stack that owns most of their resources.
    pub async fn export(&self, groups: &[&str]) -> Export {
        let groups = groups.iter();
        let scope = ExportScope {
            groups: groups
                .map(|name| ArmId::resource_group(SUBSCRIPTION, name))
                .collect(),
            stack: None,
        };
        let live = self.reconciler().export(&scope).await;
        let live = live.unwrap_or_else(|error| panic!("{error:#?}"));
        assert!(live.unreadable.is_empty(), "{:#?}", live.unreadable);
        live.export
    }

    /// The live state of a graph.
    pub async fn observe(&self, graph: &Graph) -> Live {
        observe_settled(
            &self.client,
            graph,
            &reads::list_reads(graph),
            &SilentObserver,
        )
        .await
        .expect("reads work")
    }

    /// Plans and executes; steps may fail.
    pub async fn apply(&self, text: &str) -> (Plan, Report) {
        let plan = self.plan(text).await;
        let report = self.execute(&plan).await;
        (plan, report)
    }

    /// Like [`Azure::apply`]; panics unless every step succeeds.
    pub async fn converge(&self, text: &str) -> Plan {
        let (plan, report) = self.apply(text).await;
        let failures: Vec<_> = report
            .failures()
            .map(|(step, failure)| format!("{}: {failure}", plan[step].subject.key))
            .collect();
        assert!(report.is_complete(), "{failures:#?}");
        plan
    }

    /// The graph of a valid spec, with resolved roles.
    pub async fn graph(&self, text: &str) -> Graph {
        let stacks = self.resolve(text).await;
        stacks.unwrap_or_else(|error| panic!("{error:#?}")).graph
    }

    /// The diagnostics of a spec, with resolved roles.
    pub async fn check(&self, text: &str) -> Diagnostics {
        match self.resolve(text).await {
            Ok(stacks) => stacks.warnings,
            Err(ReconcileError::Rejected(rejection)) => rejection.diagnostics,
            Err(error) => panic!("{error:#?}"),
        }
    }

    pub async fn execute(&self, plan: &Plan) -> Report {
        let (_keep, stop) = watch::channel(false);
        self.execute_until(plan, stop).await
    }

    pub async fn execute_until(&self, plan: &Plan, stop: watch::Receiver<bool>) -> Report {
        let limits = PropagationLimits::default();
        self.reconciler().execute(plan, limits, stop).await
    }

    /// Sends a request outside of lazuli, as the owner, and returns the body of the response.
    pub async fn send_directly(&self, method: Method, url: &str, body: Option<Json>) -> Json {
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

    /// The write requests since the log was cleared: no requests for tokens, and no queries.
    pub fn writes(&self) -> Vec<LogEntry> {
        let is_write = |entry: &LogEntry| {
            let queries = [
                "/oauth2/",
                "/graph/",
                "/providers/Microsoft.ResourceGraph/resources?",
            ];
            let is_query = queries.iter().any(|query| entry.url.contains(query));
            !entry.method.is_read() && !is_query
        };
        self.simulator.log().into_iter().filter(is_write).collect()
    }
}

/// Loads a spec for the simulator's subscription.
pub fn load_text(text: &str) -> Result<Specs, LoadError> {
    let context = LoadContext::isolated(Some(SUBSCRIPTION.to_owned()));
    load(&CATALOG, SpecTexts::from_spec("spec.yaml", text), context)
}

/// Converts a load error. Panics if the spec has no stacks.
pub fn to_reconcile_error(error: LoadError) -> ReconcileError {
    match error {
        LoadError::Rejected(rejection) => ReconcileError::Rejected(rejection),
        LoadError::NoStacks => panic!("{error}"),
    }
}

/// The graph of a valid spec, with unresolved roles.
pub fn graph(text: &str) -> Graph {
    let stacks = load_text(text).map(|specs| specs.into_stacks().expect("the spec is valid"));
    stacks.unwrap_or_else(|error| panic!("{error:#?}")).graph
}

/// The diagnostics of a spec without a request.
pub fn check(text: &str) -> Diagnostics {
    match load_text(text).map(Specs::into_stacks) {
        Ok(Ok(stacks)) => stacks.warnings,
        Ok(Err(rejection)) | Err(LoadError::Rejected(rejection)) => rejection.diagnostics,
        Err(error) => panic!("{error}"),
    }
}

/// A spec with a resource group and these resources.
pub fn spec(resources: &str) -> String {
    format!(
        "apiVersion: lazuli/v1\nstack: test\nlocation: westeurope\nresourceGroup: rg-test\nresources:\n\
         \x20 group: {{ kind: resourceGroup, name: rg-test }}\n{resources}"
    )
}
