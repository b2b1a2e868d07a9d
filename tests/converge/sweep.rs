//! Whatever goes wrong at whichever request: once it stops, a rerun makes the world what the spec says, and it stays so.
//!
//! Every example is applied, healed and destroyed, and at every request of that each fault strikes once. docs/reliability.md
//! says which property this is.

mod mishap;
mod stage;

use lazuli_core::graph::Graph;
use lazuli_sim::World;

use crate::examples::{example, names};

use mishap::Mishap;
use stage::{Inventory, Phase, Stage};

/// All examples, each in a thread of its own.
#[test]
fn one_fault_at_any_request_loses_nothing() {
    let struck: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = names()
            .into_iter()
            .filter(|name| std::env::var("ONLY").is_ok_and(|only| only == *name))
            .map(|name| scope.spawn(move || paused(sweep(&name))))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    println!("{struck} faults, none of which lost anything");
    assert!(struck > 1_000);
}

/// Runs on a clock that stands still while there is something to do.
fn paused<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(future)
}

async fn sweep(name: &str) -> usize {
    let text = example(name);
    let empty = stage::with_foreigners().await;
    let graph = stage::graph(&empty, &text).await;
    let settled = stage::settled(&empty, &graph).await;
    let drifted = stage::drifted(&settled).await;
    let mut struck = 0;
    for (phase, world) in [
        (Phase::Converge, &empty),
        (Phase::Converge, &drifted),
        (Phase::Destroy, &settled),
    ] {
        let began = std::time::Instant::now();
        let (requests, wanted) = undisturbed(world, &graph, phase).await;
        for mishap in Mishap::ALL {
            for at in 0..requests {
                let found = disturbed(world, &graph, phase, *mishap, at).await;
                assert_eq!(
                    found, wanted,
                    "{name}: {phase:?} with {mishap:?} at request {at} of {requests}"
                );
                struck += 1;
            }
        }
        println!(
            "{name} {phase:?}: {requests} requests, {struck} in {:?}",
            began.elapsed()
        );
    }
    struck
}

/// How many requests a phase takes, and what is there thereafter.
async fn undisturbed(world: &World, graph: &Graph, phase: Phase) -> (u64, Inventory) {
    let stage = Stage::new(world.clone()).await;
    stage.count_from_here();
    assert!(stage.run(graph, phase).await, "{phase:?} works undisturbed");
    let requests = stage.requests();
    (requests, stage.inventory(graph, phase).await)
}

/// What is there after a phase in which something went wrong, and a rerun.
async fn disturbed(
    world: &World,
    graph: &Graph,
    phase: Phase,
    mishap: Mishap,
    at: u64,
) -> Inventory {
    let stage = Stage::new(world.clone()).await;
    stage.count_from_here();
    stage.run_with(graph, phase, mishap, at).await;
    stage.calm();
    assert!(
        stage.run(graph, phase).await,
        "the rerun of {phase:?} after {mishap:?} at {at} ends well"
    );
    stage.inventory(graph, phase).await
}
