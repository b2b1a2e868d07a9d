//! Azure accepts only one change of an identity's federated credentials at a time.

use lazuli_sim::{Latency, LogEntry};

use crate::harness::{Azure, spec};

fn identity(name: &str, credentials: usize) -> String {
    let credentials: String = (0..credentials)
        .map(|nth| {
            format!(
                "      c{nth:02}: {{ issuer: https://issuer.example, subject: {name}-{nth} }}\n"
            )
        })
        .collect();
    format!(
        "  {name}:\n    kind: userAssignedIdentity\n    name: id-{name}\n    federatedCredentials:\n{credentials}"
    )
}

#[tokio::test(start_paused = true)]
async fn credentials_are_written_one_at_a_time_and_block_nothing_else() {
    let azure = Azure::new().await;
    azure.converge(&spec("")).await;
    azure.simulator.clear_log();
    let latency = Latency {
        read: 20,
        write: 500,
    };
    let simulator = azure.simulator.clone().with_latency(latency);
    let text = spec(&format!("{}{}", identity("many", 20), identity("few", 3)));
    azure.converge(&text).await;

    let of = |identity: &str| -> Vec<LogEntry> {
        let path = format!("/{identity}/federatedIdentityCredentials/");
        let writes = azure.writes().into_iter();
        writes.filter(|entry| entry.url.contains(&path)).collect()
    };
    let (many, few) = (of("id-many"), of("id-few"));
    assert_eq!((many.len(), few.len()), (20, 3), "each is sent once");
    assert!(
        simulator
            .log()
            .iter()
            .all(|entry| entry.status != Some(409))
    );
    for pair in many.windows(2) {
        assert!(pair[1].at.since(pair[0].at) >= latency.write, "{pair:#?}");
    }
    assert!(few[2].at < many[5].at, "{few:#?}");
    assert!(azure.plan(&text).await.is_empty());

    let down = azure.teardown(&text).await;
    assert!(azure.execute(&down).await.is_complete());
    assert!(
        simulator
            .log()
            .iter()
            .all(|entry| entry.status != Some(409))
    );
}
