//! A fault at any request: once faults end, a rerun converges the world to the spec, and the next plan is empty.
//!
//! An example is applied, repaired after drift and destroyed, and each fault occurs once at every request of these runs.
//! docs/reliability.md states the property. All examples take minutes: `LAZULI_SWEEP=all` sweeps them with every fault.
//! Otherwise, one example is swept with every fault, and its variants with a sample.

mod injected_fault;
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

use injected_fault::InjectedFault;
use stage::{Inventory, Phase, Stage};

/// The example that is always swept: it has an account that depends on grants, and long-running operations.
const EXAMPLE: &str = "video-analyzer";
/// Page sizes with which each list of the examples has one page, and several pages.
const ONE_PAGE: usize = 100;
const MANY_PAGES: usize = 1;

#[test]
fn one_fault_at_any_request_loses_nothing() {
    let swept = match std::env::var("LAZULI_SWEEP").as_deref() {
        Ok("all") => names(),
        _ => vec![EXAMPLE.to_owned()],
    };
    let count: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = swept
            .into_iter()
            .map(|name| scope.spawn(move || run_paused(sweep(&name))))
            .collect();
        let counts = threads.into_iter().map(|thread| thread.join().unwrap());
        counts.sum()
    });
    println!("{count} faults, no resource lost");
    assert!(count > 500);
}

#[test]
fn one_fault_between_the_pages_of_a_list_loses_nothing() {
    let count = run_paused(async {
        let Scene { spec, phases } = Scene::new(EXAMPLE, MANY_PAGES).await;
        let [_, healing, destroying] = &phases;
        let mut count = 0;
        for (phase, world) in [healing, destroying] {
            let stage = start_stage(world).await;
            assert!(stage.run(&spec, *phase).await.is_ok());
            assert!(
                stage.further_pages() > 2,
                "{} further pages",
                stage.further_pages()
            );
            count += sweep_phase(EXAMPLE, &spec, *phase, world, Coverage::from_environment()).await;
        }
        count
    });
    assert!(count > 100);
}

/// The new spec contains only the resource group of the example.
#[test]
fn one_fault_while_orphans_are_pruned_loses_nothing() {
    let count = run_paused(async {
        let Scene { phases, .. } = Scene::new(EXAMPLE, ONE_PAGE).await;
        let [.., (_, settled)] = &phases;
        let text = swept_text(EXAMPLE);
        let (less, _) = text.split_once("  analyzer:\n").unwrap();
        let less = load_spec(less);
        let stage = start_stage(settled).await;
        assert!(stage.run(&less, Phase::Prune).await.is_ok());
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
    assert!(count > 50);
}

/// The new spec changes an immutable property of the storage account of the example.
#[test]
fn one_fault_while_an_account_is_replaced_loses_nothing() {
    let count = run_paused(async {
        let Scene { phases, .. } = Scene::new(EXAMPLE, ONE_PAGE).await;
        let [.., (_, settled)] = &phases;
        let sku = "sku: Standard_LRS";
        let other = swept_text(EXAMPLE).replace(sku, &format!("{sku}\n    isHnsEnabled: true"));
        let other = load_spec(&other);
        let stage = start_stage(settled).await;
        assert!(stage.run(&other, Phase::Converge).await.is_err());
        assert!(stage.run(&other, Phase::Replace).await.is_ok());
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
    assert!(count > 50);
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

fn load_spec(text: &str) -> Specs {
    load_text(text).expect("the spec has no mistakes")
}

/// Runs on a paused clock, which advances only while all tasks wait.
fn run_paused<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(future)
}

/// An example, and the worlds in which its phases begin.
struct Scene {
    spec: Specs,
    phases: [(Phase, World); 3],
}

impl Scene {
    async fn new(name: &str, page_size: usize) -> Self {
        let mut empty = stage::world_with_foreign_resources(page_size).await;
        if name == EXAMPLE {
            empty = stage::add_role_and_policy(empty).await;
        }
        let spec = load_spec(&swept_text(name));
        let settled = stage::converge_world(&empty, &spec).await;
        let mut drifted = stage::drift_world(&settled).await;
        if name == EXAMPLE {
            drifted = stage::add_undeclared_grants(drifted).await;
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
    let Scene { spec, phases } = Scene::new(name, ONE_PAGE).await;
    let mut count = 0;
    for (phase, world) in &phases {
        count += sweep_phase(name, &spec, *phase, world, Coverage::All).await;
    }
    count
}

/// Which faults are injected at a request.
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
    let (requests, wanted) = run_without_faults(world, spec, phase).await;
    let mut count = 0;
    for (number, injected) in InjectedFault::ALL.iter().enumerate() {
        for at in (0..requests).filter(|at| coverage.includes(number, *at)) {
            let stage = start_stage(world).await;
            stage.run_with_fault(spec, phase, *injected, at).await;
            let what = format!("{name}: {phase:?} with {injected:?} at request {at} of {requests}");
            let found = rerun(&stage, spec, phase, &what).await;
            assert_eq!(found, wanted, "{what}");
            count += 1;
        }
    }
    count
}

#[test]
fn every_example_succeeds_without_faults() {
    for name in names() {
        run_paused(async {
            let Scene { spec, phases } = Scene::new(&name, ONE_PAGE).await;
            for (phase, world) in &phases {
                let (requests, after) = run_without_faults(world, &spec, *phase).await;
                assert!(requests > 0 && after.is_at_rest(), "{name}: {phase:?}");
            }
        });
    }
}

#[test]
fn two_faults_lose_nothing() {
    run_paused(async {
        let Scene { spec, phases } = Scene::new(EXAMPLE, ONE_PAGE).await;
        for (phase, world) in &phases {
            let (requests, wanted) = run_without_faults(world, &spec, *phase).await;
            let faults = InjectedFault::ALL
                .iter()
                .filter_map(|injected| injected.simulator_fault());
            let faults: Vec<Fault> = faults.collect();
            for (number, first) in (0..requests).step_by(3).enumerate() {
                let one = &faults[number % faults.len()];
                let other = &faults[(number / 2 + 3) % faults.len()];
                let second = first + 1 + number as u64 % 5;
                let stage = start_stage(world).await;
                let schedule = Faults::none()
                    .at(first, one.clone())
                    .at(second, other.clone());
                stage.run_with_faults(&spec, *phase, schedule).await;
                let what = format!("{phase:?}: {one:?} at {first}, {other:?} at {second}");
                let found = rerun(&stage, &spec, *phase, &what).await;
                assert_eq!(found, wanted, "{what}");
            }
        }
    });
}

#[test]
fn concurrent_runs_converge_wherever_one_overtakes_the_other() {
    run_paused(async {
        let Scene { spec, phases } = Scene::new(EXAMPLE, ONE_PAGE).await;
        for (phase, world) in &phases {
            let (requests, wanted) = run_without_faults(world, &spec, *phase).await;
            for at in 0..requests {
                let stage = start_stage(world).await;
                stage.run_overtaken(&spec, *phase, at).await;
                let what = format!("{phase:?}, overtaken at request {at} of {requests}");
                let found = rerun(&stage, &spec, *phase, &what).await;
                assert_eq!(found, wanted, "{what}");
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
    run_paused(async {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let mut random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let faults = InjectedFault::ALL
            .iter()
            .filter_map(|injected| injected.simulator_fault());
        let faults: Vec<Fault> = faults.collect();
        let Scene { spec, phases } = Scene::new(EXAMPLE, ONE_PAGE).await;
        for (phase, world) in &phases {
            let (requests, wanted) = run_without_faults(world, &spec, *phase).await;
            for _ in 0..10 {
                let mut schedule = Faults::none();
                for at in 0..3 * requests {
                    let number = random.next_u32() as usize;
                    if number.is_multiple_of(3) {
                        schedule = schedule.at(at, faults[number / 3 % faults.len()].clone());
                    }
                }
                let stage = start_stage(world).await;
                stage.run_with_faults(&spec, *phase, schedule).await;
                let found = rerun(&stage, &spec, *phase, "a storm").await;
                assert_eq!(found, wanted, "{phase:?}");
            }
        }
    });
}

async fn start_stage(world: &World) -> Stage {
    let stage = Stage::new(world.clone()).await;
    stage.reset_requests();
    stage
}

/// The number of requests of a phase, and the resources after it.
async fn run_without_faults(world: &World, spec: &Specs, phase: Phase) -> (u64, Inventory) {
    let stage = start_stage(world).await;
    assert!(
        stage.run(spec, phase).await.is_ok(),
        "{phase:?} succeeds without faults"
    );
    let requests = stage.requests();
    let inventory = stage.inventory(spec, phase).await;
    let before = start_stage(world).await.foreign_resources().await;
    assert!(inventory.has_foreign(&before), "{phase:?}: {inventory:?}");
    (requests, inventory)
}

/// Ends all faults and runs the phase again. Returns the resources.
async fn rerun(stage: &Stage, spec: &Specs, phase: Phase, what: &str) -> Inventory {
    stage.end_faults();
    if let Err(why) = stage.run(spec, phase).await {
        panic!("a rerun of {phase:?} fails after {what}: {why}");
    }
    stage.inventory(spec, phase).await
}
