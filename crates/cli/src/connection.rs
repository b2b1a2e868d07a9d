//! The connection of a command: to a cloud over the network, or to the simulator in this process.

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
    args::AzureArgs,
    error::CommandError,
    input::{directory_of, environment, option_from_environment},
    trace::TraceFile,
};

/// The Azure environment of a command, before any request.
pub(crate) struct Connection {
    destination: Destination,
    trace: Option<PathBuf>,
}

enum Destination {
    /// A cloud over the network.
    Network(Box<Network>),
    /// The simulator, with the file of its world.
    Simulator(PathBuf),
}

/// How to reach a cloud.
pub(crate) struct Network {
    cloud: Cloud,
    auth: Option<AuthMethod>,
    transport: Transport,
}

/// The endpoint of the simulator in this process. No request leaves the process.
const IN_PROCESS: &str = "https://sim.lazuli.invalid";

impl Connection {
    /// The environment that `--cloud` names. The simulator's world is stored next to the first spec.
    pub(crate) fn new(args: &AzureArgs, specs: &[PathBuf]) -> Result<Self, CommandError> {
        let trace = args.trace.clone();
        if args.cloud().eq_ignore_ascii_case("sim") {
            let neighbor = specs
                .first()
                .map_or_else(|| PathBuf::from("."), |path| directory_of(path));
            return Ok(Self {
                destination: Destination::Simulator(world_path(&neighbor)),
                trace,
            });
        }
        let cloud = Cloud::parse(args.cloud()).map_err(|error| {
            CommandError::with_hint(
                error.to_string(),
                "use public, usgov, china, sim, or the https:// URL of an ARM endpoint",
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
            destination: Destination::Network(Box::new(network)),
            trace,
        })
    }

    /// The subscription if neither the stack nor the command line names one.
    pub(crate) fn default_subscription(&self) -> Option<String> {
        match &self.destination {
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

    /// An environment variable as specs see it: the simulator has its own subscription.
    pub(crate) fn environment(&self, name: &str) -> Option<String> {
        match &self.destination {
            Destination::Simulator(_) if name == "AZURE_SUBSCRIPTION_ID" => {
                Some(SUBSCRIPTION.to_owned())
            }
            _ => environment(name),
        }
    }

    /// The subscription from an option, or the default. It must be a GUID.
    pub(crate) fn subscription_or_default(
        &self,
        given: Option<String>,
    ) -> Result<String, CommandError> {
        let given = given.or_else(|| self.default_subscription());
        let given = given.ok_or_else(|| {
            CommandError::with_hint(
                "no subscription is set",
                "pass --subscription, set AZURE_SUBSCRIPTION_ID, or run `az account set`",
            )
        })?;
        match Uuid::try_parse(&given) {
            Ok(guid) => Ok(guid.hyphenated().to_string()),
            Err(_) => Err(CommandError::new(format!(
                "`{given}` is not a valid subscription id: use a GUID"
            ))),
        }
    }

    /// The runtime of the command. With the simulator, its clock advances whenever all tasks wait.
    pub(crate) fn runtime(&self) -> Result<Runtime, CommandError> {
        let simulated = matches!(self.destination, Destination::Simulator(_));
        Builder::new_current_thread()
            .enable_all()
            .start_paused(simulated)
            .build()
            .map_err(|error| {
                CommandError::new(format!(
                    "the asynchronous runtime cannot be started: {error}"
                ))
            })
    }

    /// Opens the connection: discovers the endpoints and prepares the login. Must be called on the runtime.
    pub(crate) async fn open(&self) -> Result<Session, CommandError> {
        let trace = self.trace.as_deref().map(TraceFile::create).transpose()?;
        let trace = trace.as_ref();
        let session = match &self.destination {
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
    /// The login.
    pub(crate) login: Login,
    /// The name of the environment, for messages.
    pub(crate) place: String,
    /// The directory, if the cloud has one.
    pub(crate) directory: Option<Directory>,
    /// The time of day in the environment.
    pub(crate) now: Box<dyn Fn() -> SystemTime + Sync>,
    /// The recorder of requests, with `--trace`.
    trace: Option<Arc<Trace>>,
}

impl Session {
    /// Masks secrets in the trace, wherever Azure repeats them.
    pub(crate) fn conceal<'s>(&self, secrets: impl IntoIterator<Item = &'s Secret>) {
        if let Some(trace) = &self.trace {
            trace.conceal(secrets);
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
        let transport = record_requests(self.transport.clone(), trace.as_ref());
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

/// The transport, with a recorder if there is one.
fn record_requests(transport: Transport, trace: Option<&Arc<Trace>>) -> Transport {
    match trace {
        Some(trace) => trace.over(transport),
        None => transport,
    }
}

async fn open_simulator(path: &Path, trace: Option<&TraceFile>) -> Result<Session, CommandError> {
    let simulator = load_simulator(path)?;
    let caller = simulator.world().options().caller;
    let now = {
        let simulator = simulator.clone();
        move || UNIX_EPOCH + Duration::from_secs(simulator.now().unix_seconds())
    };
    let trace = trace.map(|file| file.recorder(now.clone()));
    let transport = Transport::new(Arc::new(InProcess::new(simulator.clone())));
    let transport = record_requests(transport, trace.as_ref());
    let endpoints = discover_in_process(&transport).await?;
    let logged_in = auth::login(
        Some(AuthMethod::Environment),
        &|name| login_variable(caller, name),
        &endpoints,
        &transport,
    );
    // A run on the simulator is repeatable, including all ids in its output.
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

/// No jitter: every wait has its maximum length.
#[derive(Debug)]
struct LongestWait;

impl Jitter for LongestWait {
    fn up_to(&self, longest: Duration) -> Duration {
        longest
    }
}

async fn discover_in_process(transport: &Transport) -> Result<Endpoints, CommandError> {
    let url = Url::parse(IN_PROCESS).map_err(|error| CommandError::new(error.to_string()))?;
    Ok(lazuli_arm::discover(&url, transport).await?)
}

/// The environment variables for the login of a simulated application.
pub(crate) fn login_variable(caller: Caller, name: &str) -> Option<String> {
    let value = match name {
        "AZURE_TENANT_ID" => TENANT,
        "AZURE_CLIENT_ID" => caller.client_id(),
        "AZURE_CLIENT_SECRET" => CALLER_SECRET,
        _ => return None,
    };
    Some(value.to_owned())
}

/// The file of the simulator's world next to specs.
pub(crate) fn world_path(directory: &Path) -> PathBuf {
    directory.join(".lazuli").join("sim.json")
}

/// The simulator on tokio's clock, starting at the time when its world was saved.
pub(crate) fn load_simulator(path: &Path) -> Result<Simulator, CommandError> {
    Simulator::open(path, WorldOptions::default(), |latest| {
        Box::new(TokioClock::starting_at(latest))
    })
    .map_err(|error| match error {
        StoreError::Corrupt { .. } | StoreError::Format { .. } => CommandError::with_hint(
            error.to_string(),
            "run `lazuli sim reset` to start with an empty world",
        ),
        StoreError::Io { .. } | StoreError::Locked { .. } => CommandError::new(error.to_string()),
    })
}
