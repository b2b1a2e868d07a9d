//! Lists of all types show changes late, as in Azure: apply, plan and destroy work nevertheless.

use lazuli_core::plan::Action;
use lazuli_sim::WorldOptions;

use crate::harness::{Azure, spec};

#[tokio::test(start_paused = true)]
async fn late_lists_neither_change_a_second_plan_nor_stop_destroy() {
    let text = spec(
        "  id: { kind: userAssignedIdentity, name: id-test }\n  net: { kind: resource, type: Microsoft.Network/virtualNetworks@2024-01-01, name: net, body: { properties: {} } }\n",
    );
    for seed in 0..5 {
        let azure = Azure::with_options(WorldOptions {
            seed,
            list_lag: 120_000,
            ..WorldOptions::default()
        })
        .await;
        // The second run meets resources of the first one that are deleted and still listed.
        for _ in 0..2 {
            azure.converge(&text).await;
            assert!(azure.plan(&text).await.is_empty(), "seed {seed}");
            let plan = azure.teardown(&text).await;
            assert_eq!(plan.steps.iter().count(), 3, "seed {seed}");
            assert!(azure.execute(&plan).await.is_complete(), "seed {seed}");
            let again = azure.plan(&text).await;
            let creates = again
                .steps
                .iter()
                .filter(|step| step.action == Action::Create);
            assert_eq!(creates.count(), 3, "seed {seed}");
        }
    }
}
