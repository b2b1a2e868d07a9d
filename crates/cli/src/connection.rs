//! To which Azure a command speaks: a cloud over the network, or the simulator in this process.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use lazuli_arm::{
    ArmError, Client, ClientOptions, Cloud, Directory, Endpoints, Jitter, Trace, Transport,
    TransportOptions, Url,
    auth::{self, AuthMethod, Login, azure_cli_subscription},
};
use lazuli_core::secret::Secret;
use lazuli_sim::{
    CALLER_SECRET, Caller, InProcess, SUBSCRIPTION, Simulator, StoreError, TENANT, TokioClock,
    WorldOptions,
};
use tokio::runtime::{Builder, Runtime};
use uuid::Uuid;

use crate::{
    args::Azure,
    error::CommandError,
    input::{directory_of, environment, option_from_environment},
    trace::TraceFile,
};

/// The Azure that a command was pointed at, before anything is sent.
pub(crate) struct Connection {
    to: Destination,
    trace: Option<PathBuf>,
}

enum Destination {
    /// A cloud over the network.
    Network(Box<Network>),
    /// The simulator, its world kept in a file.
    Simulator(PathBuf),
}

/// How to reach a cloud.
pub(crate) struct Network {
    cloud: Cloud,
    auth: Option<AuthMethod>,
    transport: Transport,
}

/// The endpoint by which the simulator in this process is known to the client. No request leaves the process.
const IN_PROCESS: &str = "https://sim.lazuli.invalid";

impl Connection {
    /// What `--cloud` names. The simulator's world is kept beside the first of the specs.
    pub(crate) fn new(args: &Azure, specs: &[PathBuf]) -> Result<Self, CommandError> {
        let trace = args.trace.clone();
        if args.cloud().eq_ignore_ascii_case("sim") {
            let beside = specs
                .first()
                .map_or_else(|| PathBuf::from("."), |path| directory_of(path));
            return Ok(Self {
                to: Destination::Simulator(world_in(&beside)),
                trace,
            });
        }
        let cloud = Cloud::parse(args.cloud()).map_err(|error| {
            CommandError::with_hint(
                error.to_string(),
                "it is public, usgov, china, sim, or the https:// URL of an ARM endpoint",
            )
        })?;
        let options = TransportOptions {
            ca_file: args
                .ca_file
                .clone()
                .or_else(|| option_from_environment("SSL_CERT_FILE").map(PathBuf::from)),
        };
        let transport = lazuli_arm::transport(&options)
            .map_err(|error| CommandError::new(error.to_string()))?;
        let network = Network {
            cloud,
            auth: args.auth,
            transport,
        };
        Ok(Self {
            to: Destination::Network(Box::new(network)),
            trace,
        })
    }

    /// The subscription of stacks that say none, where the command line says none either.
    pub(crate) fn default_subscription(&self) -> Option<String> {
        match &self.to {
            Destination::Simulator(_) => Some(SUBSCRIPTION.to_owned()),
            Destination::Network(network) => option_from_environment("AZURE_SUBSCRIPTION_ID")
                .or_else(|| {
                    let has_cli = !matches!(network.cloud, Cloud::Url(_));
                    has_cli
                        .then(|| azure_cli_subscription(&environment))
                        .flatten()
                        .map(|default| default.id)
                }),
        }
    }

    /// The environment as specs see it: the simulator has a subscription of its own, whatever the shell says.
    pub(crate) fn environment(&self, name: &str) -> Option<String> {
        match &self.to {
            Destination::Simulator(_) if name == "AZURE_SUBSCRIPTION_ID" => {
                Some(SUBSCRIPTION.to_owned())
            }
            _ => environment(name),
        }
    }

    /// The runtime of the command. The simulator's has a clock that runs ahead whenever everybody waits.
    pub(crate) fn runtime(&self) -> Result<Runtime, CommandError> {
        let simulated = matches!(self.to, Destination::Simulator(_));
        Builder::new_current_thread()
            .enable_all()
            .start_paused(simulated)
            .build()
            .map_err(|error| {
                CommandError::new(format!("the asynchronous runtime does not start: {error}"))
            })
    }

    /// Opens the connection: finds the endpoints, prepares to log in. Must be called on the runtime.
    pub(crate) async fn open(&self) -> Result<Session, CommandError> {
        let trace = self.trace.as_deref().map(TraceFile::create).transpose()?;
        let trace = trace.as_ref();
        let session = match &self.to {
            Destination::Network(network) => network.open(trace).await?,
            Destination::Simulator(path) => open_simulator(path, trace).await?,
        };
        let (place, run) = (&session.place, session.client.correlation_id());
        tracing::info!(%place, correlation_id = %run, "connected");
        Ok(session)
    }
}

/// An open connection.
pub(crate) struct Session {
    /// The client.
    pub(crate) client: Client,
    /// By which way it is logged in.
    pub(crate) login: Login,
    /// What the client speaks to, for people.
    pub(crate) place: String,
    /// The directory, if the cloud names one.
    pub(crate) directory: Option<Directory>,
    /// The time of day, in the world that the client speaks to.
    pub(crate) now: Box<dyn Fn() -> SystemTime + Sync>,
    /// What records the requests, if anything does.
    trace: Option<Arc<Trace>>,
}

impl Session {
    /// Keeps these secrets out of errors and of the trace, wherever Azure repeats them.
    pub(crate) fn conceal(&self, secrets: &[&Secret]) {
        self.client.conceal(secrets.iter().copied());
        if let Some(trace) = &self.trace {
            trace.conceal(secrets.iter().copied());
        }
    }

    fn new(
        endpoints: &Endpoints,
        login: Login,
        transport: Transport,
        options: ClientOptions,
        now: Box<dyn Fn() -> SystemTime + Sync>,
    ) -> Self {
        let credential = login.credential();
        let directory = Directory::new(
            endpoints,
            credential.clone(),
            transport.clone(),
            options.clone(),
        );
        Self {
            client: Client::new(endpoints, credential, transport, options),
            login,
            place: endpoints.resource_manager.origin().ascii_serialization(),
            directory,
            now,
            trace: None,
        }
    }
}

impl Network {
    async fn open(&self, trace: Option<&TraceFile>) -> Result<Session, ArmError> {
        let trace = trace.map(|file| file.recorder(SystemTime::now));
        let transport = watched(self.transport.clone(), trace.as_ref());
        let endpoints = self.cloud.endpoints(&transport).await?;
        let login = auth::login(self.auth, &environment, &endpoints, &transport);
        let session = Session::new(
            &endpoints,
            login,
            transport,
            ClientOptions::default(),
            Box::new(SystemTime::now),
        );
        Ok(Session { trace, ..session })
    }
}

/// The transport, recorded where there is a trace.
fn watched(transport: Transport, trace: Option<&Arc<Trace>>) -> Transport {
    match trace {
        Some(trace) => trace.over(transport),
        None => transport,
    }
}

async fn open_simulator(path: &Path, trace: Option<&TraceFile>) -> Result<Session, CommandError> {
    let simulator = simulator(path)?;
    let caller = simulator.world().options().caller;
    let now = {
        let simulator = simulator.clone();
        move || UNIX_EPOCH + Duration::from_secs(simulator.now().unix_seconds())
    };
    let trace = trace.map(|file| file.recorder(now.clone()));
    let transport = Transport::new(Arc::new(InProcess::new(simulator.clone())));
    let transport = watched(transport, trace.as_ref());
    let endpoints = in_process_endpoints(&transport).await?;
    let logged_in = auth::login(
        Some(AuthMethod::Environment),
        &|name| login(caller, name),
        &endpoints,
        &transport,
    );
    // A run on the simulator is repeatable, to the last id in its output.
    let options = ClientOptions {
        correlation_id: Uuid::from_u128(simulator.now().0.into()),
        jitter: Arc::new(LongestWait),
        ..ClientOptions::default()
    };
    let session = Session::new(&endpoints, logged_in, transport, options, Box::new(now));
    Ok(Session {
        place: "the simulator".to_owned(),
        trace,
        ..session
    })
}

/// No jitter: every wait is as long as it may be.
#[derive(Debug)]
struct LongestWait;

impl Jitter for LongestWait {
    fn up_to(&self, longest: Duration) -> Duration {
        longest
    }
}

async fn in_process_endpoints(transport: &Transport) -> Result<Endpoints, CommandError> {
    let url = Url::parse(IN_PROCESS).map_err(|error| CommandError::new(error.to_string()))?;
    Ok(lazuli_arm::discover(&url, transport).await?)
}

/// The variables by which an application of the simulator logs in.
pub(crate) fn login(caller: Caller, name: &str) -> Option<String> {
    let value = match name {
        "AZURE_TENANT_ID" => TENANT,
        "AZURE_CLIENT_ID" => caller.client_id(),
        "AZURE_CLIENT_SECRET" => CALLER_SECRET,
        _ => return None,
    };
    Some(value.to_owned())
}

/// Where the simulator's world is kept beside specs.
pub(crate) fn world_in(directory: &Path) -> PathBuf {
    directory.join(".lazuli").join("sim.json")
}

/// The simulator on tokio's clock, from where its world stopped.
pub(crate) fn simulator(path: &Path) -> Result<Simulator, CommandError> {
    Simulator::open(path, WorldOptions::default(), |latest| {
        Box::new(TokioClock::starting_at(latest))
    })
    .map_err(|error| match error {
        StoreError::Corrupt { .. } | StoreError::Format { .. } => CommandError::with_hint(
            error.to_string(),
            "`lazuli sim reset` makes the simulated Azure empty again",
        ),
        StoreError::Io { .. } | StoreError::Locked { .. } => CommandError::new(error.to_string()),
    })
}
