//! The ways in: specs, references, ids, answers of Azure, and a comparison with what Azure answers.

use std::time::{Duration, UNIX_EPOCH};

use azure_core::http::Url;
use lazuli_arm::{ArmError, ignore_waits};
use lazuli_core::{
    arm::ArmId,
    diagnostic::Diagnostics,
    graph::{Graph, Settings, build},
    live::Live,
    plan::{converge, list_reads_to_destroy, teardown},
    reads,
    source::Sources,
    spec::{Inputs, load, reject_files},
    template::Template,
    yaml,
};
use lazuli_engine::SilentObserver;
use lazuli_handlers::{REGISTRY, roles};
use lazuli_reconcile::{
    Catalog, Intent, LoadContext, PropagationLimits, ReconcileError, Reconciler, SpecTexts,
};
use lazuli_sim::SUBSCRIPTION;
use tokio::sync::watch;

use crate::{
    driver::Target,
    script::{ENDPOINT, Script},
};

/// The maximal length of the report of one failure, in characters.
const MAX_REPORT: usize = 20_000;

#[test]
fn arbitrary_spec_text_loads_and_plans_without_panic() {
    Target {
        name: "spec",
        seeds: &[
            "examples/video-analyzer/stack.yaml",
            "tests/converge/kinds/anything.yaml",
            "tests/converge/kinds/lifecycle.yaml",
            "tests/converge/kinds/platform.yaml",
            "tests/converge/kinds/storage.yaml",
            "tests/converge/kinds/video.yaml",
        ],
        words: &[
            "\n",
            " ",
            "  ",
            "\t",
            ": ",
            "- ",
            "[",
            "{",
            "}",
            "]",
            "&a ",
            "*a ",
            "<<: *a\n",
            "? ",
            "| ",
            ">-\n",
            "---\n",
            "...\n",
            "%YAML 1.2\n",
            "!!binary ",
            "!!python/object ",
            "# ",
            "'",
            "\"",
            "\\u0000",
            "\\x1b",
            "${",
            "}",
            "$${",
            "${group}",
            "${group.",
            "${params.",
            "${env.",
            "${each.key}",
            "${each.value}",
            "${each.value.",
            "[each.key]",
            "\u{202e}",
            "\u{feff}",
            "\u{0}",
            "../",
            "%2e%2e/",
            "/",
            "?",
            "#",
            "forEach: [a, b]\n",
            "forEach: { a: 1, b: 2 }\n",
            "    forEach: [0]\n",
            "existing: true\n",
            "dependsOn: [group]\n",
            "parameters:\n  p: { default: ${params.p} }\n",
            "scope: ",
            "principal: ",
            "kind: resource\n",
            "type: A.B/c@2020-01-01\n",
            "properties: {",
            "grants: authoritative\n",
            "99999999999999999999999",
            "1e999",
            ".nan",
            "~",
            "null",
            "true",
        ],
        cases: 64,
        check: check_spec,
    }
    .run();
}

#[test]
fn arbitrary_expression_text_loads_without_panic() {
    Target {
        name: "references",
        seeds: &[],
        words: &[
            "${",
            "}",
            "$",
            "$$",
            "$${",
            "[",
            "]",
            ".",
            "..",
            "each.key",
            "each.value",
            "params.",
            "env.",
            "group",
            "group[",
            "[each.key]",
            " ",
            "\n",
            "\u{0}",
            "\u{1b}[2J",
            "\u{202e}",
            "é",
            "\"",
            "'",
            "\\",
            "{",
        ],
        cases: 128,
        check: check_reference,
    }
    .run();
}

#[test]
fn paths_reach_only_the_segments_they_name() {
    Target {
        name: "ids",
        seeds: &[],
        words: &[
            "/",
            "//",
            "/./",
            "/../",
            "..",
            "%2f",
            "%2e%2e",
            "%25",
            "%00",
            "?",
            "#",
            "&",
            "=",
            ";",
            "@",
            ":",
            "\\",
            "{",
            "}",
            "\u{0}",
            "\r\n",
            " ",
            "é",
            "\u{202e}",
            "/providers/",
            "/subscriptions/",
            "/resourceGroups/",
            "https://evil.example/",
            "?api-version=1",
            "://",
        ],
        cases: 256,
        check: check_id,
    }
    .run();
}

#[test]
fn arbitrary_responses_yield_bounded_errors() {
    Target {
        name: "answers",
        seeds: &[],
        words: RESPONSE_WORDS,
        cases: 96,
        check: check_responses,
    }
    .run();
}

#[test]
fn arbitrary_live_state_is_planned_and_applied_without_panic() {
    Target {
        name: "live",
        seeds: &[],
        words: RESPONSE_WORDS,
        cases: 64,
        check: check_live_state,
    }
    .run();
}

const RESPONSE_WORDS: &[&str] = &[
    "### 200\n\n",
    "### 201\n",
    "### 202\n",
    "### 204\n\n",
    "### 404\n\n",
    "### 409\n\n",
    "### 429\n",
    "### 500\n\n",
    "### 302\n",
    "### 99999\n",
    "\n\n",
    "retry-after: 0\n",
    "retry-after: 18446744073709551615\n",
    "retry-after: -1\n",
    "location: https://arm.local/op\n",
    "location: https://evil.example/op\n",
    "location: /op\n",
    "location: //evil.example/\n",
    "azure-asyncoperation: https://arm.local/status\n",
    "azure-asyncoperation: https://arm.local@evil.example/\n",
    "location: \u{0}\n",
    "{",
    "}",
    "[",
    "]",
    "[[[[[[[[",
    "{\"a\":",
    "null",
    "true",
    "-0",
    "1e999",
    "\"\"",
    ",",
    ":",
    "\"value\":",
    "\"nextLink\":",
    "\"nextLink\":\"https://evil.example/\"",
    "\"nextLink\":\"https://arm.local/next\"",
    "\"properties\":",
    "\"provisioningState\":",
    "\"Creating\"",
    "\"Succeeded\"",
    "\"Failed\"",
    "\"status\":\"InProgress\"",
    "\"status\":",
    "\"error\":",
    "\"code\":",
    "\"message\":",
    "\"details\":[",
    "\"innererror\":{",
    "\"id\":",
    "\"id\":\"/subscriptions/../x\"",
    "\"name\":",
    "\"type\":",
    "\"tags\":",
    "\"tags\":{\"lazuli-stack\":\"test\"}",
    "\"principalId\":",
    "\"roleDefinitionId\":",
    "\"description\":\"lazuli\"",
    "<html><title>",
    "</title>",
    "AADSTS700082:",
    "\\u0000",
    "\\ud800",
    "\u{1b}[2J",
    "\u{202e}",
];

/// Loads a text, builds its graph and plans it without live resources.
fn check_spec(bytes: &[u8]) {
    let Ok(text) = yaml::decode("input.yaml", bytes) else {
        return;
    };
    let (graph, found) = graph(&text);
    for diagnostic in found.iter() {
        let spans = diagnostic
            .span
            .iter()
            .chain(diagnostic.related.iter().map(|label| &label.span));
        for span in spans {
            assert!(
                span.start <= span.end && span.end as usize <= text.len(),
                "{diagnostic:?}"
            );
        }
    }
    // Without an error, a name cannot change the type or the depth of an id.
    for node in graph.nodes().filter(|_| !found.has_errors()) {
        if let Some(id) = node.id() {
            assert_eq!(
                ArmId::parse(id.as_str()).as_ref(),
                Some(id),
                "{}",
                node.subject.key
            );
            let of_type = id
                .arm_type()
                .is_some_and(|arm_type| node.subject.arm_type.is(&arm_type));
            let is_group = node
                .subject
                .arm_type
                .is("Microsoft.Resources/resourceGroups");
            assert!(
                of_type || is_group,
                "{id} is not a {}",
                node.subject.arm_type
            );
        }
    }
    let live = Live::default();
    let (plan, _) = converge(&graph, &live);
    assert!(plan.steps.len() <= graph.len());
    assert!(teardown(&graph, &live).is_empty());
    let _ = (
        reads::list_reads(&graph),
        list_reads_to_destroy(&graph, REGISTRY.child_types),
    );
}

pub fn graph(text: &str) -> (Graph, Diagnostics) {
    let mut sources = Sources::default();
    let id = sources.add("input.yaml", text);
    let inputs = Inputs {
        params: Vec::new(),
        env: &|name| (name.len() % 2 == 0).then(|| "value".to_owned()),
        file: &reject_files,
    };
    let (spec, mut found) = load(&sources, &[id], &inputs);
    let settings = Settings {
        subscription: Some(SUBSCRIPTION.to_owned()),
        ..Settings::default()
    };
    let (graph, more) = build(&spec, REGISTRY, &settings);
    found.extend(more);
    (graph, found)
}

/// Parses an expression alone and in every place of a spec that allows one.
fn check_reference(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Err(errors) = Template::parse(&text) {
        assert!(!errors.is_empty());
        for error in errors {
            assert!(text.get(error.range.clone()).is_some(), "{error:?}");
        }
    }
    // JSON is YAML, and needs no other escapes here.
    let quoted = serde_json::to_string(&text).unwrap();
    check_spec(
        format!(
            "apiVersion: lazuli/v1\nstack: test\nlocation: westeurope\nresourceGroup: rg-test\nparameters: {{ p: {{ default: {quoted} }} }}\n\
             resources:\n  group: {{ kind: resourceGroup, name: rg-test, tags: {{ a: {quoted}, b: \"${{params.p}}\" }} }}\n\
             \x20 each: {{ kind: resourceGroup, forEach: {{ a: {quoted} }}, name: {quoted}, dependsOn: [{quoted}] }}\n\
             \x20 id: {{ kind: userAssignedIdentity, name: \"${{group.name}}\", tags: {{ x: {quoted} }} }}\n"
        )
        .as_bytes(),
    );
}

/// A request reaches exactly the segments that its path names, or is not sent.
fn check_id(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(id) = ArmId::parse(&text) {
        let mut ancestor = Some(id.clone());
        for _ in 0..=id.as_str().len() {
            ancestor = ancestor.and_then(|id| id.parent());
        }
        assert_eq!(ancestor, None, "{id} has an unbounded number of parents");
        let _ = (id.arm_type(), id.group(), id.root(), id.name().len());
    }
    for (path, version) in [
        (text.to_string(), "2020-01-01".to_owned()),
        (
            format!("/subscriptions/s/resourceGroups/{text}"),
            "2020-01-01".to_owned(),
        ),
        ("/subscriptions/s".to_owned(), text.to_string()),
    ] {
        let script = Script::parse(b"### 200\n\n{}");
        let sent = run_paused(async { script.client().get(&path, &version, &ignore_waits).await });
        let urls = script.urls();
        let Some(url) = urls.first() else {
            assert!(sent.is_err());
            continue;
        };
        let segments: Vec<String> = url.path_segments().unwrap().map(decode_segment).collect();
        let named: Vec<&str> = path.strip_prefix('/').unwrap().split('/').collect();
        assert_eq!(segments, named, "{url}");
        let query: Vec<_> = url.query_pairs().collect();
        assert_eq!(query.len(), 1, "{url}");
        assert_eq!(query[0], ("api-version".into(), version.into()), "{url}");
        assert!(
            url.as_str().starts_with(ENDPOINT) && url.fragment().is_none(),
            "{url}"
        );
    }
}

fn decode_segment(segment: &str) -> String {
    // A query decodes like a segment, except for the plus sign, which is encoded here.
    let url = Url::parse(&format!("https://x/?a={segment}")).unwrap();
    url.query_pairs().next().unwrap().1.into_owned()
}

/// Sends every request of the client to a service with arbitrary bodies, errors, pages and operations.
fn check_responses(bytes: &[u8]) {
    const ID: &str = "/subscriptions/s/resourceGroups/g/providers/A.B/c/n";
    const V: &str = "2020-01-01";
    let body = serde_json::json!({});
    for act in 0..5 {
        let script = Script::parse(bytes);
        let client = script.client();
        let failure = run_paused(async {
            match act {
                0 => client.get(ID, V, &ignore_waits).await.err(),
                1 => client.list_all(ID, V, &[], &ignore_waits).await.err(),
                2 => client.put(ID, V, &body, &ignore_waits).await.err(),
                3 => client.delete(ID, V, &ignore_waits).await.err(),
                _ => client.post(ID, V, Some(&body), &ignore_waits).await.err(),
            }
        });
        failure.iter().for_each(assert_harmless);
        script.urls();
    }
    let script = Script::parse(bytes);
    let hour = Duration::from_secs(3600);
    let client = script.client();
    let result = run_paused(async { client.wait_for_resource(ID, V, hour, &ignore_waits).await });
    result.err().iter().for_each(assert_harmless);
    script.urls();
}

/// The report of a failure has a bounded length and no control characters.
fn assert_harmless(error: &ArmError) {
    let report = format!("{error}{}", error.hint().unwrap_or_default());
    assert!(
        report.chars().count() <= MAX_REPORT,
        "{} characters",
        report.len()
    );
    assert!(
        report.chars().all(|c| c == '\n' || !c.is_control()),
        "{report:?}"
    );
}

fn assert_harmless_failure(error: ReconcileError) {
    if let ReconcileError::Unreadable(errors) = error {
        errors
            .iter()
            .for_each(|failed| assert_harmless(&failed.error));
    }
}

/// The kinds and built-in roles.
const CATALOG: Catalog = Catalog {
    registry: REGISTRY,
    role_name: |guid| roles::by_guid(guid).map(|role| role.name),
};

/// The spec that is compared with arbitrary responses.
pub const COMPARED: &str = "\
apiVersion: lazuli/v1
stack: test
location: westeurope
resourceGroup: rg-test
resources:
  group: { kind: resourceGroup, name: rg-test, grants: authoritative }
  id: { kind: userAssignedIdentity, name: id-test, tags: { a: b } }
  media:
    kind: storageAccount
    name: stlazulimedia
    sku: Standard_LRS
    minimumTlsVersion: TLS1_2
    networkAcls: { defaultAction: Deny, ipRules: [{ value: 1.2.3.4 }] }
    containers: { cam: {} }
  access: { kind: roleAssignment, principal: \"${id}\", scope: \"${media}\", role: Reader }
  keep: { kind: managementLock, name: keep, scope: \"${media}\", level: CanNotDelete }
  any: { kind: resource, type: Microsoft.Web/sites@2024-04-01, name: any, body: { properties: { a: [{ name: x, b: 1 }], id: \"${id}\" } } }
";

/// Reads, plans and executes the plan on a service that returns anything.
fn check_live_state(bytes: &[u8]) {
    let script = Script::parse(bytes);
    let client = script.client();
    let reconciler = Reconciler {
        client: &client,
        directory: None,
        catalog: CATALOG,
        clock: &|| UNIX_EPOCH,
        observer: &SilentObserver,
    };
    let texts = SpecTexts::from_spec("input.yaml", COMPARED);
    let context = LoadContext::isolated(Some(SUBSCRIPTION.to_owned()));
    let specs = lazuli_reconcile::load(&CATALOG, texts, context).expect("the spec has no mistakes");
    run_paused(async {
        let stacks = match reconciler.resolve(specs).await {
            Ok(stacks) => stacks,
            Err(error) => return assert_harmless_failure(error),
        };
        for intent in [Intent::converge(), Intent::destroy()] {
            let plan = match reconciler.plan(&stacks, &intent).await {
                Ok(difference) => difference.plan,
                Err(error) => {
                    assert_harmless_failure(error);
                    continue;
                }
            };
            reconciler.preflight(&plan).await;
            let (_keep, stop) = watch::channel(false);
            let limits = PropagationLimits::default();
            let report = reconciler.execute(&plan, limits, stop).await;
            assert_eq!(report.outcomes.len(), plan.steps.len());
            reconciler.recheck(&stacks, &plan).await;
        }
    });
    script.urls();
}

fn run_paused<T>(act: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(act)
}
