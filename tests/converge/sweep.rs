//! Whatever goes wrong at whichever request: once it stops, a rerun makes the world what the spec says, and it stays so.
//!
//! An example is applied, healed and destroyed, and at every request of that each fault strikes once. docs/reliability.md
//! states the property. All examples take minutes: `LAZULI_SWEEP=all` sweeps them with every fault. Otherwise, one example
//! is swept with every fault, and its variants with a sample.

mod mishap;
mod shipped;
mod stage;

use lazuli_reconcile::Specs;
use lazuli_sim::{Fault, Faults, World};
use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};

use crate::{
    examples::{example, names},
    harness::load_text,
};

use mishap::Mishap;
use stage::{Inventory, Phase, Stage};

/// The example that is swept in any case: it has an account that waits for grants, and long-running operations.
const EXAMPLE: &str = "video-analyzer";
/// How many items a page has so that what the examples list is on one, and so that it is on several.
const ONE_PAGE: usize = 100;
const MANY_PAGES: usize = 1;

#[test]
fn one_fault_at_any_request_loses_nothing() {
    let swept = match std::env::var("LAZULI_SWEEP").as_deref() {
        Ok("all") => names(),
        _ => vec![EXAMPLE.to_owned()],
    };
    let struck: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = swept
            .into_iter()
            .map(|name| scope.spawn(move || paused(sweep(&name))))
            .collect();
        let ended = threads.into_iter().map(|thread| thread.join().unwrap());
        ended.sum()
    });
    println!("{struck} faults, none of which lost anything");
    assert!(struck > 500);
}

#[test]
fn one_fault_between_the_pages_of_a_list_loses_nothing() {
    let struck = paused(async {
        let Scene { spec, phases } = Scene::of(EXAMPLE, MANY_PAGES).await;
        let [_, healing, destroying] = &phases;
        let mut struck = 0;
        for (phase, world) in [healing, destroying] {
            let stage = at_the_start(world).await;
            assert!(stage.run(&spec, *phase).await);
            assert!(stage.pages() > 2, "{} further pages", stage.pages());
            struck +=
                sweep_phase(EXAMPLE, &spec, *phase, world, Coverage::from_environment()).await;
        }
        struck
    });
    assert!(struck > 100);
}

/// Of the example, only the resource group is wanted any longer.
#[test]
fn one_fault_while_orphans_are_pruned_loses_nothing() {
    let struck = paused(async {
        let Scene { phases, .. } = Scene::of(EXAMPLE, ONE_PAGE).await;
        let [.., (_, settled)] = &phases;
        let text = swept_text(EXAMPLE);
        let (less, _) = text.split_once("  analyzer:\n").unwrap();
        let less = loaded(less);
        let stage = at_the_start(settled).await;
        assert!(stage.run(&less, Phase::Prune).await);
        assert_eq!(
            stage.deletions(),
            6,
            "the identity, the accounts, role assignments"
        );
        sweep_phase(
            EXAMPLE,
            &less,
            Phase::Prune,
            settled,
            Coverage::from_environment(),
        )
        .await
    });
    assert!(struck > 50);
}

/// Of the example, the storage account is wanted as it cannot become.
#[test]
fn one_fault_while_an_account_is_replaced_loses_nothing() {
    let struck = paused(async {
        let Scene { phases, .. } = Scene::of(EXAMPLE, ONE_PAGE).await;
        let [.., (_, settled)] = &phases;
        let sku = "sku: Standard_LRS";
        let other = swept_text(EXAMPLE).replace(sku, &format!("{sku}\n    isHnsEnabled: true"));
        let other = loaded(&other);
        let stage = at_the_start(settled).await;
        assert!(!stage.run(&other, Phase::Converge).await);
        assert!(stage.run(&other, Phase::Replace).await);
        assert!(stage.deletions() > 0);
        sweep_phase(
            EXAMPLE,
            &other,
            Phase::Replace,
            settled,
            Coverage::from_environment(),
        )
        .await
    });
    assert!(struck > 50);
}

/// The spec of an example. The one that is always swept also assigns a role that only a request resolves.
fn swept_text(name: &str) -> String {
    let text = example(name);
    match name {
        EXAMPLE => format!(
            "{text}\n  watch:\n    kind: roleAssignment\n    principal: ${{analyzer}}\n    scope: ${{group}}\n    role: {}\n",
            stage::TENANT_ROLE
        ),
        _ => text,
    }
}

fn loaded(text: &str) -> Specs {
    load_text(text).expect("the spec has no mistakes")
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

/// An example, and the worlds that its phases begin in.
struct Scene {
    spec: Specs,
    phases: [(Phase, World); 3],
}

impl Scene {
    async fn of(name: &str, page_size: usize) -> Self {
        let mut empty = stage::with_foreigners(page_size).await;
        if name == EXAMPLE {
            empty = stage::with_surroundings(empty).await;
        }
        let spec = loaded(&swept_text(name));
        let settled = stage::settled(&empty, &spec).await;
        let mut drifted = stage::drifted(&settled).await;
        if name == EXAMPLE {
            drifted = stage::with_undeclared_grants(drifted).await;
        }
        Self {
            spec,
            phases: [
                (Phase::Converge, empty),
                (Phase::Converge, drifted),
                (Phase::Destroy, settled),
            ],
        }
    }
}

async fn sweep(name: &str) -> usize {
    let Scene { spec, phases } = Scene::of(name, ONE_PAGE).await;
    let mut struck = 0;
    for (phase, world) in &phases {
        struck += sweep_phase(name, &spec, *phase, world, Coverage::All).await;
    }
    struck
}

/// Which faults strike at a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coverage {
    /// Every fault.
    All,
    /// One fault in four, in turn.
    Sample,
}

impl Coverage {
    /// Every fault with `LAZULI_SWEEP=all`, and otherwise a sample.
    fn from_environment() -> Self {
        match std::env::var("LAZULI_SWEEP").as_deref() {
            Ok("all") => Self::All,
            _ => Self::Sample,
        }
    }

    fn includes(self, fault: usize, request: u64) -> bool {
        self == Self::All || (fault as u64 + request).is_multiple_of(4)
    }
}

/// Applies each fault once at every request of a phase, and returns how many faults occurred.
async fn sweep_phase(
    name: &str,
    spec: &Specs,
    phase: Phase,
    world: &World,
    coverage: Coverage,
) -> usize {
    let (requests, wanted) = undisturbed(world, spec, phase).await;
    let mut struck = 0;
    for (number, mishap) in Mishap::ALL.iter().enumerate() {
        for at in (0..requests).filter(|at| coverage.includes(number, *at)) {
            let stage = at_the_start(world).await;
            stage.run_with(spec, phase, *mishap, at).await;
            let found = after_a_rerun(&stage, spec, phase).await;
            assert_eq!(
                found, wanted,
                "{name}: {phase:?} with {mishap:?} at request {at} of {requests}"
            );
            struck += 1;
        }
    }
    struck
}

#[test]
fn every_example_succeeds_without_faults() {
    for name in names() {
        paused(async {
            let Scene { spec, phases } = Scene::of(&name, ONE_PAGE).await;
            for (phase, world) in &phases {
                let (requests, after) = undisturbed(world, &spec, *phase).await;
                assert!(requests > 0 && after.is_at_rest(), "{name}: {phase:?}");
            }
        });
    }
}

#[test]
fn two_faults_lose_nothing() {
    paused(async {
        let Scene { spec, phases } = Scene::of(EXAMPLE, ONE_PAGE).await;
        for (phase, world) in &phases {
            let (requests, wanted) = undisturbed(world, &spec, *phase).await;
            let faults = Mishap::ALL.iter().filter_map(|mishap| mishap.fault());
            let faults: Vec<Fault> = faults.collect();
            for (number, first) in (0..requests).step_by(3).enumerate() {
                let one = &faults[number % faults.len()];
                let other = &faults[(number / 2 + 3) % faults.len()];
                let second = first + 1 + number as u64 % 5;
                let stage = at_the_start(world).await;
                let schedule = Faults::none()
                    .at(first, one.clone())
                    .at(second, other.clone());
                stage.run_under(&spec, *phase, schedule).await;
                let found = after_a_rerun(&stage, &spec, *phase).await;
                assert_eq!(
                    found, wanted,
                    "{phase:?}: {one:?} at {first}, {other:?} at {second}"
                );
            }
        }
    });
}

#[test]
fn concurrent_runs_converge_wherever_one_overtakes_the_other() {
    paused(async {
        let Scene { spec, phases } = Scene::of(EXAMPLE, ONE_PAGE).await;
        for (phase, world) in &phases {
            let (requests, wanted) = undisturbed(world, &spec, *phase).await;
            for at in 0..requests {
                let stage = at_the_start(world).await;
                stage.run_around(&spec, *phase, at).await;
                let found = after_a_rerun(&stage, &spec, *phase).await;
                assert_eq!(
                    found, wanted,
                    "{phase:?}, overtaken at request {at} of {requests}"
                );
            }
        }
    });
}

/// Many faults at once, at random. `LAZULI_SEED` repeats a run.
#[test]
fn storm_of_faults_loses_nothing() {
    let seed = std::env::var("LAZULI_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or(7);
    println!("LAZULI_SEED={seed}");
    paused(async {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let mut random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let faults = Mishap::ALL.iter().filter_map(|mishap| mishap.fault());
        let faults: Vec<Fault> = faults.collect();
        let Scene { spec, phases } = Scene::of(EXAMPLE, ONE_PAGE).await;
        for (phase, world) in &phases {
            let (requests, wanted) = undisturbed(world, &spec, *phase).await;
            for _ in 0..10 {
                let mut schedule = Faults::none();
                for at in 0..3 * requests {
                    let number = random.next_u32() as usize;
                    if number.is_multiple_of(3) {
                        schedule = schedule.at(at, faults[number / 3 % faults.len()].clone());
                    }
                }
                let stage = at_the_start(world).await;
                stage.run_under(&spec, *phase, schedule).await;
                let found = after_a_rerun(&stage, &spec, *phase).await;
                assert_eq!(found, wanted, "{phase:?}");
            }
        }
    });
}

async fn at_the_start(world: &World) -> Stage {
    let stage = Stage::new(world.clone()).await;
    stage.count_from_here();
    stage
}

/// The number of requests of a phase, and the resources after it.
async fn undisturbed(world: &World, spec: &Specs, phase: Phase) -> (u64, Inventory) {
    let stage = at_the_start(world).await;
    assert!(stage.run(spec, phase).await, "{phase:?} works undisturbed");
    let requests = stage.requests();
    (requests, stage.inventory(spec, phase).await)
}

/// The resources once no more faults occur.
async fn after_a_rerun(stage: &Stage, spec: &Specs, phase: Phase) -> Inventory {
    stage.calm();
    assert!(
        stage.run(spec, phase).await,
        "a rerun of {phase:?} ends well"
    );
    stage.inventory(spec, phase).await
}
