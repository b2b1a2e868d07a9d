//! Runs the binary against a simulated Azure with latency, and prints what it took:
//! `cargo bench --bench run -- --units 10,100 --latency 30`. docs/performance.md says how to read it.

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
    /// How many units, each five resources; one run for each number
    #[arg(long, value_delimiter = ',', default_values_t = [1, 10, 100, 1000])]
    units: Vec<usize>,
    /// How long every answer takes, in milliseconds
    #[arg(long, default_value_t = 30)]
    latency: u64,
    /// Refuse what is beyond Azure's token buckets
    #[arg(long)]
    throttle: bool,
    /// The longest that operations take, in seconds
    #[arg(long, default_value_t = 0)]
    max_delay: u64,
    /// How often commands that write nothing are run; the median counts
    #[arg(long, default_value_t = 3)]
    samples: usize,
    /// Print JSON instead of tables
    #[arg(long)]
    json: bool,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

/// What one command took.
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

/// The commands that are measured, in their order.
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

    fn writes(self) -> bool {
        matches!(self, Self::Create | Self::ApplyDrift | Self::Destroy)
    }

    /// What the command must print, so that nothing else is measured.
    fn prints(self) -> &'static str {
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
        "the simulator alone: {:.0} requests a second",
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

/// How many requests a second the simulator answers without latency.
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

/// One world from nothing to nothing.
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
                bound: Bound::of(units, phase, options),
                requests,
            }
        })
        .collect();
    let served = server.stop();
    eprintln!(
        "{units} units: the simulator used {:.2} s of CPU",
        served.cpu
    );
    measured
}

/// The median of as many runs as the phase allows.
fn run(server: &mut Server, spec: &Path, phase: Phase, options: &Options) -> (Usage, Counts) {
    let samples = if phase.writes() {
        1
    } else {
        options.samples.max(1)
    };
    let mut runs: Vec<(Usage, Counts)> = (0..samples)
        .map(|_| {
            server.forget_requests();
            let usage =
                process::lazuli(phase.arguments(), spec, server.variables(), phase.prints());
            (usage, server.requests())
        })
        .collect();
    runs.sort_by(|(left, _), (right, _)| left.wall.total_cmp(&right.wall));
    runs.swap_remove(samples / 2)
}
