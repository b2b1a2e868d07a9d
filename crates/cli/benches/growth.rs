//! How parsing, building, comparing and planning grow with the number of resources: `cargo bench --bench growth --features bench`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub
)]

use std::{hint::black_box, time::Duration};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use harness::Azure;
use lazuli_core::{
    graph::{Settings, build},
    live::Live,
    plan::converge,
    source::Sources,
    spec::{Inputs, load, reject_files},
};
use lazuli_handlers::REGISTRY;
use lazuli_sim::SUBSCRIPTION;
use tokio::runtime::Builder;

#[allow(dead_code)]
#[path = "../../../tests/converge/harness.rs"]
mod harness;
#[allow(dead_code)]
#[path = "run/units.rs"]
mod units;

/// Approximate numbers of resources, in units of five.
const SIZES: [usize; 4] = [10, 100, 1_000, 10_000];

fn growth(criterion: &mut Criterion) {
    for size in SIZES {
        let text = units::spec(size / units::RESOURCES);
        let mut sources = Sources::default();
        let id = sources.add("bench.yaml", text.as_str());
        let parse = || {
            let inputs = Inputs {
                params: Vec::new(),
                env: &|_| None,
                file: &reject_files,
            };
            load(&sources, &[id], &inputs)
        };
        let settings = Settings {
            subscription: Some(SUBSCRIPTION.to_owned()),
            ..Settings::default()
        };
        let spec = parse().0;
        let graph = build(&spec, REGISTRY, &settings).0;
        let live = converge_live(&text);
        let empty = Live::default();
        assert!(converge(&graph, &live).0.steps.is_empty());

        let mut measure = |what: &str, work: &dyn Fn()| {
            let mut group = criterion.benchmark_group(what);
            group.throughput(Throughput::Elements(size as u64));
            group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
                bencher.iter(work);
            });
        };
        measure("parse", &|| drop(black_box(parse())));
        measure("build", &|| {
            drop(black_box(build(&spec, REGISTRY, &settings)));
        });
        measure("diff", &|| drop(black_box(converge(&graph, &live))));
        measure("plan", &|| drop(black_box(converge(&graph, &empty))));
    }
}

/// The live state after the spec was applied.
fn converge_live(text: &str) -> Live {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let azure = Azure::new().await;
        azure.converge(text).await;
        azure.observe(&harness::graph(text)).await
    })
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = growth
}
criterion_main!(benches);
