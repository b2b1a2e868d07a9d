//! Runs the binary against a simulated Azure with latency, and prints time, memory and requests:
//! `cargo bench --bench run -- --units 10,100 --latency 30`. docs/performance.md explains the output.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    missing_docs,
    unreachable_pub
)]

mod bound;
mod process;
mod requests;
mod server;
mod table;
mod units;

use std::{fs, path::Path};

use clap::Parser;
use serde::Serialize;

use bound::Bound;
use process::Usage;
use requests::Counts;
use server::Server;

/// What to measure.
#[derive(Debug, Clone, Parser)]
struct Options {
    /// Numbers of units of five resources each; one run per number
    #[arg(long, value_delimiter = ',', default_values_t = [1, 10, 100, 1000])]
    units: Vec<usize>,
    /// Latency of every response in milliseconds
    #[arg(long, default_value_t = 30)]
    latency: u64,
    /// Throttle requests like Azure
    #[arg(long)]
    throttle: bool,
    /// Maximum duration of operations in seconds
    #[arg(long, default_value_t = 0)]
    max_delay: u64,
    /// Number of runs of commands that write nothing; the median is reported
    #[arg(long, default_value_t = 3)]
    samples: usize,
    /// Print JSON instead of tables
    #[arg(long)]
    json: bool,
    /// Passed by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

/// The measurement of one command.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Measurement {
    units: usize,
    phase: Phase,
    #[serde(flatten)]
    usage: Usage,
    #[serde(flatten)]
    bound: Bound,
    requests: Counts,
}

/// The measured commands, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum Phase {
    Create,
    PlanNothing,
    ApplyNothing,
    PlanDrift,
    ApplyDrift,
    Destroy,
}

impl Phase {
    const ALL: [Self; 6] = [
        Self::Create,
        Self::PlanNothing,
        Self::ApplyNothing,
        Self::PlanDrift,
        Self::ApplyDrift,
        Self::Destroy,
    ];

    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Create | Self::ApplyNothing | Self::ApplyDrift => &["apply", "--yes"],
            Self::PlanNothing | Self::PlanDrift => &["plan"],
            Self::Destroy => &["destroy", "--yes"],
        }
    }

    fn is_write(self) -> bool {
        matches!(self, Self::Create | Self::ApplyDrift | Self::Destroy)
    }

    /// Text that the command must print, so that no failed command is measured.
    fn expected_output(self) -> &'static str {
        match self {
            Self::Create => " created",
            Self::PlanNothing | Self::ApplyNothing => "No changes",
            Self::PlanDrift => "1 to update",
            Self::ApplyDrift => "1 updated",
            Self::Destroy => " deleted",
        }
    }
}

fn main() {
    let options = Options::parse();
    eprintln!(
        "the simulator alone: {:.0} requests per second",
        rate(&options)
    );
    let mut measured = Vec::new();
    for units in &options.units {
        measured.extend(measure(*units, &options));
    }
    if options.json {
        println!("{}", serde_json::to_string_pretty(&measured).unwrap());
    } else {
        print!("{}", table::render(&measured));
    }
}

/// Requests per second of the simulator without latency.
fn rate(options: &Options) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let at_once = Options {
        latency: 0,
        throttle: false,
        ..options.clone()
    };
    let server = Server::start(folder.path(), &at_once);
    let rate = server.rate();
    server.stop();
    rate
}

/// Runs all phases in one world.
fn measure(units: usize, options: &Options) -> Vec<Measurement> {
    let folder = tempfile::tempdir().unwrap();
    let spec = folder.path().join("bench.yaml");
    fs::write(&spec, units::spec(units)).unwrap();
    let mut server = Server::start(folder.path(), options);
    let measured = Phase::ALL
        .into_iter()
        .map(|phase| {
            if phase == Phase::PlanDrift {
                server.drift();
            }
            let (usage, requests) = run(&mut server, &spec, phase, options);
            eprintln!("{units} units: {phase:?} took {:.2} s", usage.wall);
            Measurement {
                units,
                phase,
                usage,
                bound: Bound::new(units, phase, options),
                requests,
            }
        })
        .collect();
    let usage = server.stop();
    eprintln!(
        "{units} units: the simulator used {:.2} s of CPU",
        usage.cpu
    );
    measured
}

/// The run with the median duration.
fn run(server: &mut Server, spec: &Path, phase: Phase, options: &Options) -> (Usage, Counts) {
    let samples = if phase.is_write() {
        1
    } else {
        options.samples.max(1)
    };
    let mut runs: Vec<(Usage, Counts)> = (0..samples)
        .map(|_| {
            server.reset_requests();
            let usage = process::lazuli(
                phase.arguments(),
                spec,
                server.variables(),
                phase.expected_output(),
            );
            (usage, server.requests())
        })
        .collect();
    runs.sort_by(|(left, _), (right, _)| left.wall.total_cmp(&right.wall));
    runs.swap_remove(samples / 2)
}
