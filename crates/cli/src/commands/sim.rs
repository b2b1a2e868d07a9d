//! `lazuli sim`: the simulated Azure as a server, emptied, or changed by hand.

use std::{
    fs::OpenOptions,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

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
    answer::json,
    args::{Sim, SimCaller, SimRequest, SimReset, SimServe},
    connection::{login, simulator, world_in},
    error::{CommandError, Success},
    input::{directory_of, why},
    stop,
    terminal::answer,
};

pub(super) fn run(command: &Sim) -> Result<Success, CommandError> {
    match command {
        // The world answers one request at a time: a second thread would wait for the first.
        Sim::Serve(args) => runtime(&mut Builder::new_current_thread())?.block_on(serve(args)),
        Sim::Reset(args) => reset(args),
        // On simulated time, so that a session with requests in it is repeatable.
        Sim::Request(args) => {
            runtime(Builder::new_current_thread().start_paused(true))?.block_on(request(args))
        }
    }
}

fn runtime(builder: &mut Builder) -> Result<Runtime, CommandError> {
    builder.enable_all().build().map_err(failed)
}

fn failed(error: impl std::fmt::Display) -> CommandError {
    CommandError::new(error.to_string())
}

/// Where the world beside a spec or directory is kept. A slip in the path would be another world.
fn world_beside(path: &Path) -> Result<PathBuf, CommandError> {
    match path.exists() {
        true => Ok(world_in(&directory_of(path))),
        false => Err(CommandError::with_hint(
            format!("there is no {}", path.display()),
            "name the spec or the directory beside which the world is kept",
        )),
    }
}

async fn serve(args: &SimServe) -> Result<Success, CommandError> {
    let home = world_beside(&args.world.path)?;
    let ca_file = args
        .ca_file
        .clone()
        .unwrap_or_else(|| home.with_file_name("sim-ca.pem"));
    let simulator = served(args, &home)?;
    let tls = Tls::with_authority(&ca_file, &args.hosts).map_err(failed)?;
    let listener: TcpListener =
        lazuli_sim::bind(args.address, args.port)
            .await
            .map_err(|error| {
                CommandError::with_hint(
                    format!("port {} cannot be listened on: {}", args.port, why(&error)),
                    "choose another with --port; 0 takes a free one",
                )
            })?;
    let address = listener.local_addr().map_err(failed)?;
    greet(&address, &ca_file, simulator.world().options().caller)?;
    let shutdown = async {
        if !stop::interrupted().await {
            std::future::pending::<()>().await;
        }
    };
    lazuli_sim::serve(listener, tls, simulator, shutdown)
        .await
        .map_err(failed)?;
    Ok(Success::Done)
}

/// The world behind the server, as the arguments say.
fn served(args: &SimServe, home: &Path) -> Result<Simulator, CommandError> {
    let now = wall_clock();
    let options = WorldOptions::default();
    let simulator = if args.in_memory {
        Simulator::new(World::new(options), TokioClock::starting_at(now))
    } else {
        Simulator::open(home, options, |latest| {
            Box::new(TokioClock::starting_at(latest.max(now))) as Box<dyn Clock>
        })
        .map_err(failed)?
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
    let file = file.map_err(|error| {
        CommandError::new(format!(
            "{} cannot be written: {}",
            path.display(),
            why(&error)
        ))
    })?;
    Ok(simulator.with_log_file(file))
}

/// The time of day as the simulator counts it.
fn wall_clock() -> SimTime {
    let since_1970 = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    SimTime::from_secs(since_1970.saturating_sub(SimTime::EPOCH.unix_seconds()))
}

fn greet(
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
        let value = login(caller, name).unwrap_or_default();
        format!("export {name}={value}\n")
    });
    answer(&format!(
        "# The simulator listens on https://{host}. In another shell:\n\
         export LAZULI_CLOUD=https://{host} SSL_CERT_FILE={}\n{}\
         export AZURE_SUBSCRIPTION_ID={SUBSCRIPTION}\n",
        shell_word(ca_file),
        exports.concat()
    ))
}

fn reset(args: &SimReset) -> Result<Success, CommandError> {
    let home = world_beside(&args.world.path)?;
    if let Some(directory) = home.parent() {
        std::fs::create_dir_all(directory).map_err(failed)?;
    }
    let caller = match args.caller {
        SimCaller::Owner => Caller::Owner,
        SimCaller::Contributor => Caller::Contributor,
        SimCaller::Reader => Caller::Reader,
    };
    lazuli_sim::reset(
        &home,
        WorldOptions {
            seed: args.seed,
            caller,
            ..WorldOptions::default()
        },
    )
    .map_err(failed)?;
    answer(&format!("{} is empty again.\n", home.display()))?;
    Ok(Success::Done)
}

async fn request(args: &SimRequest) -> Result<Success, CommandError> {
    let simulator = simulator(&world_beside(&args.path)?)?;
    let method = Method::parse(&args.method.to_uppercase()).ok_or_else(|| {
        CommandError::with_hint(
            format!("`{}` is no method", args.method),
            "it is GET, PUT, PATCH, POST or DELETE",
        )
    })?;
    let world: World = simulator.world();
    let token = world.token(Caller::Owner, simulator.now());
    let mut request = Request::new(method, &args.url).with_bearer(&token);
    if let Some(body) = &args.body {
        let body = serde_json::from_str(body)
            .map_err(|error| CommandError::new(format!("the body is no JSON: {error}")))?;
        request = request.with_json(&body);
    }
    let response = simulator
        .send(request)
        .await
        .map_err(|_| CommandError::new("the connection broke"))?;
    let body = match response.body.is_empty() {
        true => String::new(),
        false => json(&response.json()),
    };
    answer(&format!("{}\n{body}", response.status))?;
    if response.status < 400 {
        Ok(Success::Done)
    } else {
        Err(CommandError::new(format!(
            "the simulated Azure answered {}",
            response.status
        )))
    }
}
