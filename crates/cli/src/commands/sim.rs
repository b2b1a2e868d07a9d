//! `lazuli sim`: serves the Azure simulator, resets it, or sends it one request.

use std::{
    fs::OpenOptions,
    net::IpAddr,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use clap::{Args, Subcommand, ValueEnum};
use lazuli_sim::{
    Caller, Clock, Latency, Method, Pace, Request, SUBSCRIPTION, SimTime, Simulator, Tls,
    TokioClock, World, WorldOptions,
};
use tokio::{
    net::TcpListener,
    runtime::{Builder, Runtime},
};

use super::init::shell_word;
use crate::{
    connection::{load_simulator, login_variable, world_path},
    error::{CommandError, Success},
    input::{describe, directory_of},
    output::json,
    output_file::cannot_write,
    stop,
    terminal::write_output,
};

const SERVE_EXAMPLES: &str = examples! {
    "lazuli sim serve shop                print the settings for other shells"
    "lazuli sim serve --in-memory --max-delay 0 --port 0"
};
const RESET_EXAMPLES: &str = examples! {
    "lazuli sim reset shop"
    "lazuli sim reset shop --caller reader"
};
const REQUEST_EXAMPLES: &str = examples! {
    "id=/subscriptions/00000000-0000-0000-0000-0000000a2c05"
    "lazuli sim request GET \"$id/resourceGroups?api-version=2025-04-01\""
};

#[derive(Debug, Subcommand)]
pub(crate) enum SimCommand {
    /// Serve the simulator over HTTPS to any ARM client
    Serve(ServeArgs),
    /// Start again with an empty simulated Azure
    Reset(ResetArgs),
    /// Send one request to the simulated Azure, like a manual change in the portal
    Request(RequestArgs),
}

/// The simulated world.
#[derive(Debug, Args)]
struct WorldArgs {
    /// The spec or directory that the world belongs to; it is stored there in .lazuli/sim.json
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,
}

#[derive(Debug, Args)]
#[command(after_help = SERVE_EXAMPLES)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    world: WorldArgs,
    /// Listen on this port; 0 selects a free port
    #[arg(long, default_value_t = 8443)]
    port: u16,
    /// Listen on this address [default: 127.0.0.1, which only this machine can reach]
    #[arg(long, value_name = "IP")]
    address: Option<IpAddr>,
    /// Add a host name to the certificate; may be repeated
    #[arg(long = "host", value_name = "NAME")]
    hosts: Vec<String>,
    /// Write the certificate authority to this file [default: .lazuli/sim-ca.pem next to the world]
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Start with an empty world that is not saved
    #[arg(long)]
    in_memory: bool,
    /// Delay every response
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0)]
    latency: u64,
    /// Enforce Azure's rate limits with 429: 250 reads plus 25 per second, 200 writes plus 10 per second
    #[arg(long)]
    throttle: bool,
    /// Limit the duration of operations, replication and propagation [default: as long as in Azure]
    #[arg(long, value_name = "SECONDS")]
    max_delay: Option<u64>,
    /// Append one JSON line per request to this file
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = RESET_EXAMPLES)]
pub(crate) struct ResetArgs {
    #[command(flatten)]
    world: WorldArgs,
    /// Set the seed of generated ids
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Set the role of the caller of --cloud sim
    #[arg(long, value_enum, default_value_t = CallerArg::Owner)]
    caller: CallerArg,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CallerArg {
    /// All permissions
    Owner,
    /// All permissions except for role assignments and locks
    Contributor,
    /// Read permissions only
    Reader,
}

#[derive(Debug, Args)]
#[command(after_help = REQUEST_EXAMPLES)]
pub(crate) struct RequestArgs {
    /// The method: GET, PUT, PATCH, POST or DELETE
    method: String,
    /// The path with its query: /subscriptions/...?api-version=...
    url: String,
    /// The body, as JSON
    body: Option<String>,
    /// The spec or directory that the world belongs to
    #[arg(long, value_name = "PATH", default_value = ".")]
    path: PathBuf,
}

pub(super) fn run(command: &SimCommand) -> Result<Success, CommandError> {
    match command {
        // The world handles one request at a time: a second thread would wait for the first.
        SimCommand::Serve(args) => {
            runtime(&mut Builder::new_current_thread())?.block_on(serve(args))
        }
        SimCommand::Reset(args) => reset(args),
        // Simulated time makes sessions with requests repeatable.
        SimCommand::Request(args) => {
            runtime(Builder::new_current_thread().start_paused(true))?.block_on(request(args))
        }
    }
}

fn runtime(builder: &mut Builder) -> Result<Runtime, CommandError> {
    builder.enable_all().build().map_err(to_command_error)
}

fn to_command_error(error: impl std::fmt::Display) -> CommandError {
    CommandError::new(error.to_string())
}

/// The file of the world next to a spec or directory. The path must exist: a typo would create another world.
fn find_world(path: &Path) -> Result<PathBuf, CommandError> {
    match path.exists() {
        true => Ok(world_path(&directory_of(path))),
        false => Err(CommandError::with_hint(
            format!("{} does not exist", path.display()),
            "pass the spec or directory that the world belongs to",
        )),
    }
}

async fn serve(args: &ServeArgs) -> Result<Success, CommandError> {
    let home = find_world(&args.world.path)?;
    let ca_file = args
        .ca_file
        .clone()
        .unwrap_or_else(|| home.with_file_name("sim-ca.pem"));
    let simulator = create_simulator(args, &home)?;
    let tls = Tls::with_authority(&ca_file, &args.hosts).map_err(to_command_error)?;
    let listener: TcpListener =
        lazuli_sim::bind(args.address, args.port)
            .await
            .map_err(|error| {
                CommandError::with_hint(
                    format!("cannot listen on port {}: {}", args.port, describe(&error)),
                    "choose another port with --port, or 0 for a free one",
                )
            })?;
    let address = listener.local_addr().map_err(to_command_error)?;
    print_settings(&address, &ca_file, simulator.world().options().caller)?;
    let shutdown = async {
        if !stop::interrupted().await {
            std::future::pending::<()>().await;
        }
    };
    lazuli_sim::serve(listener, tls, simulator, shutdown)
        .await
        .map_err(to_command_error)?;
    Ok(Success::Done)
}

/// The simulator behind the server.
fn create_simulator(args: &ServeArgs, home: &Path) -> Result<Simulator, CommandError> {
    let now = wall_clock();
    let options = WorldOptions::default();
    let simulator = if args.in_memory {
        Simulator::new(World::new(options), TokioClock::starting_at(now))
    } else {
        Simulator::open(home, options, |latest| {
            Box::new(TokioClock::starting_at(latest.max(now))) as Box<dyn Clock>
        })
        .map_err(to_command_error)?
    };
    let simulator = simulator
        .with_latency(Latency {
            read: args.latency,
            write: args.latency,
        })
        .with_pace(Pace {
            throttling: args.throttle,
            longest_delay: args.max_delay.map(|seconds| seconds.saturating_mul(1000)),
        });
    let Some(path) = &args.log else {
        return Ok(simulator);
    };
    let file = OpenOptions::new().append(true).create(true).open(path);
    let file = file.map_err(|error| cannot_write(path.display(), &error))?;
    Ok(simulator.with_log_file(file))
}

/// The time of day on the simulator's clock.
fn wall_clock() -> SimTime {
    let since_1970 = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    SimTime::from_secs(since_1970.saturating_sub(SimTime::EPOCH.unix_seconds()))
}

fn print_settings(
    address: &std::net::SocketAddr,
    ca_file: &Path,
    caller: Caller,
) -> Result<(), CommandError> {
    let host = if address.ip().is_loopback() {
        format!("localhost:{}", address.port())
    } else {
        address.to_string()
    };
    let names = ["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"];
    let exports = names.map(|name| {
        login_variable(caller, name)
            .map_or(String::new(), |value| format!("export {name}={value}\n"))
    });
    write_output(&format!(
        "# The simulator listens on https://{host}. Run in another shell:\n\
         export LAZULI_CLOUD=https://{host} SSL_CERT_FILE={}\n{}\
         export AZURE_SUBSCRIPTION_ID={SUBSCRIPTION}\n",
        shell_word(ca_file),
        exports.concat()
    ))
}

fn reset(args: &ResetArgs) -> Result<Success, CommandError> {
    let home = find_world(&args.world.path)?;
    if let Some(directory) = home.parent() {
        std::fs::create_dir_all(directory).map_err(to_command_error)?;
    }
    let caller = match args.caller {
        CallerArg::Owner => Caller::Owner,
        CallerArg::Contributor => Caller::Contributor,
        CallerArg::Reader => Caller::Reader,
    };
    lazuli_sim::reset(
        &home,
        WorldOptions {
            seed: args.seed,
            caller,
            ..WorldOptions::default()
        },
    )
    .map_err(to_command_error)?;
    write_output(&format!("Reset the simulator: {}\n", home.display()))?;
    Ok(Success::Done)
}

async fn request(args: &RequestArgs) -> Result<Success, CommandError> {
    let simulator = load_simulator(&find_world(&args.path)?)?;
    let method = Method::parse(&args.method.to_uppercase()).ok_or_else(|| {
        CommandError::with_hint(
            format!("`{}` is not a supported method", args.method),
            "use GET, PUT, PATCH, POST or DELETE",
        )
    })?;
    let world: World = simulator.world();
    let token = world.token(Caller::Owner, simulator.now());
    let mut request = Request::new(method, &args.url).with_bearer(&token);
    if let Some(body) = &args.body {
        let body = serde_json::from_str(body)
            .map_err(|error| CommandError::new(format!("the body is not valid JSON: {error}")))?;
        request = request.with_json(&body);
    }
    let response = simulator
        .send(request)
        .await
        .map_err(|_| CommandError::new("the simulator closed the connection"))?;
    let body = match response.body.is_empty() {
        true => String::new(),
        false => json(&response.json()),
    };
    write_output(&format!("{}\n{body}", response.status))?;
    if response.status < 400 {
        Ok(Success::Done)
    } else {
        Err(CommandError::new(format!(
            "the simulator returned status {}",
            response.status
        )))
    }
}
