//! A world, a client of it through a connection that can fail, and its resources.

use std::collections::BTreeMap;

use lazuli_arm::Transport;
use lazuli_core::{
    graph::Names,
    plan::{Consent, OrphanPolicy},
};
use lazuli_reconcile::{Intent, ReconcileError, Specs};
use lazuli_sim::{
    Caller, Faults, InProcess, LogEntry, Method, Request, Simulator, TokioClock, USER_OBJECT_ID,
    World, WorldOptions,
};
use serde_json::{Value as Json, json};

use super::injected_fault::{FaultyTransport, InjectedFault};
use crate::harness::Azure;

/// What a run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Converge,
    /// Orphans are pruned as well.
    Prune,
    /// The entry `recordings` may be replaced.
    Replace,
    Destroy,
}

impl Phase {
    fn intent(self) -> Intent {
        let replaced = (self == Self::Replace).then(|| "recordings".to_owned());
        match self {
            Self::Destroy => Intent::destroy(),
            Self::Converge | Self::Prune | Self::Replace => Intent::Converge {
                consent: Consent {
                    orphans: match self {
                        Self::Prune => OrphanPolicy::Prune,
                        _ => OrphanPolicy::List,
                    },
                    replace: Names(replaced.into_iter().collect()),
                },
                targets: Names::default(),
            },
        }
    }
}

/// All resources by lowercase id, and role assignments by scope, role and description, each with its tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inventory {
    resources: BTreeMap<String, String>,
    /// The bodies of the resources of another stack.
    foreign: Vec<String>,
    /// Whether another run sends no write.
    is_at_rest: bool,
}

impl Inventory {
    /// Whether the resources of another stack have these bodies.
    pub fn has_foreign(&self, bodies: &[String]) -> bool {
        self.foreign == bodies
    }

    /// Whether another run sends no write.
    pub fn is_at_rest(&self) -> bool {
        self.is_at_rest
    }
}

pub struct Stage {
    azure: Azure,
    transport: FaultyTransport,
}

impl Stage {
    pub async fn new(world: World) -> Self {
        let start = world.latest();
        Self::from_simulator(Simulator::new(world, TokioClock::starting_at(start))).await
    }

    /// Another process in the same world.
    pub async fn second_process(&self) -> Self {
        Self::from_simulator(self.azure.simulator.clone()).await
    }

    pub async fn from_simulator(simulator: Simulator) -> Self {
        let transport = FaultyTransport::new(InProcess::new(simulator.clone()));
        let shared = Transport::new(std::sync::Arc::new(transport.clone()));
        let azure = Azure::with_transport(simulator, Caller::Owner, shared).await;
        Self { azure, transport }
    }

    pub fn reset_requests(&self) {
        self.azure.simulator.clear_log();
    }

    pub fn requests(&self) -> u64 {
        self.azure.simulator.log().len() as u64
    }

    /// The requests since the last reset.
    pub fn log(&self) -> Vec<LogEntry> {
        self.azure.simulator.log()
    }

    /// The number of requests for a further page of a list.
    pub fn further_pages(&self) -> usize {
        let log = self.azure.simulator.log();
        let is_further = |url: &str| url.contains("skiptoken");
        log.iter().filter(|entry| is_further(&entry.url)).count()
    }

    /// The number of DELETE requests.
    pub fn deletions(&self) -> usize {
        let log = self.azure.simulator.log();
        let deletions = log.iter().filter(|entry| entry.method == Method::Delete);
        deletions.count()
    }

    /// Runs a phase as the command does after it has loaded the spec, up to the recheck. The error is why it fails.
    pub async fn run(&self, spec: &Specs, phase: Phase) -> Result<(), String> {
        let reconciler = self.azure.reconciler();
        let why = |error: ReconcileError| format!("{error:?}");
        let stacks = reconciler.resolve(spec.clone()).await.map_err(why)?;
        let difference = reconciler.plan(&stacks, &phase.intent()).await;
        let plan = &difference.map_err(why)?.plan;
        if plan.is_empty() {
            return Ok(());
        }
        let findings = reconciler.preflight(plan).await;
        if let Some(finding) = findings.iter().find(|finding| finding.is_certain()) {
            return Err(format!("{finding:?}"));
        }
        let report = self.azure.execute(plan).await;
        if let Some((step, failure)) = report.failures().next() {
            return Err(format!("{}: {failure}", plan[step].subject.key));
        }
        if report.is_complete() && phase != Phase::Destroy {
            reconciler.recheck(&stacks, plan).await;
        }
        match report.is_complete() {
            true => Ok(()),
            false => Err("it was interrupted".to_owned()),
        }
    }

    /// Runs a phase with one fault; it may fail.
    pub async fn run_with_fault(
        &self,
        spec: &Specs,
        phase: Phase,
        injected: InjectedFault,
        at: u64,
    ) {
        match injected.simulator_fault() {
            Some(fault) => self
                .azure
                .simulator
                .set_faults(Faults::none().at(at, fault)),
            None => self.transport.schedule(at, injected),
        }
        tokio::select! {
            _ = self.run(spec, phase) => {}
            () = self.transport.wait_until_killed() => {}
        }
    }

    /// Runs a phase with a schedule of faults; it may fail.
    pub async fn run_with_faults(&self, spec: &Specs, phase: Phase, faults: Faults) {
        self.azure.simulator.set_faults(faults);
        let _ = self.run(spec, phase).await;
    }

    /// Runs a phase that is held at a request while another process runs the same phase from start to end.
    pub async fn run_overtaken(&self, spec: &Specs, phase: Phase, at: u64) {
        let other = self.second_process().await;
        self.transport.schedule(at, InjectedFault::Held);
        let meanwhile = async {
            self.transport.wait_until_held().await;
            let _ = other.run(spec, phase).await;
            self.transport.release();
            std::future::pending::<()>().await;
        };
        tokio::select! {
            _ = self.run(spec, phase) => {}
            () = meanwhile => {}
        }
    }

    pub fn end_faults(&self) {
        self.azure.simulator.set_faults(Faults::none());
        self.transport.clear();
    }

    pub async fn inventory(&self, spec: &Specs, phase: Phase) -> Inventory {
        self.azure.simulator.clear_log();
        let is_done = self.run(spec, phase).await.is_ok();
        let is_at_rest = is_done && self.azure.writes().is_empty();
        let mut resources = BTreeMap::new();
        let lists = [
            "/resourceGroups?api-version=2025-04-01",
            "/resources?api-version=2025-04-01",
            "/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01",
            "/providers/Microsoft.Authorization/locks?api-version=2020-05-01",
        ];
        let has_roles = spec
            .graph()
            .nodes()
            .any(|node| node.subject.kind == "roleDefinition");
        let roles = "/providers/Microsoft.Authorization/roleDefinitions?api-version=2022-04-01&$filter=type%20eq%20'CustomRole'";
        for list in lists.into_iter().chain(has_roles.then_some(roles)) {
            for item in &list_all(&self.azure, list).await {
                let (key, tags) = inventory_entry(item);
                let twice = resources.insert(key, tags);
                assert_eq!(twice, None, "{item:#}");
            }
        }
        Inventory {
            resources,
            foreign: self.foreign_resources().await,
            is_at_rest,
        }
    }

    /// The bodies of the resources of another stack.
    pub async fn foreign_resources(&self) -> Vec<String> {
        let mut bodies = Vec::new();
        for url in [foreign_group(), foreign_identity(), foreign_assignment()] {
            let body = self.azure.send_directly(Method::Get, &url, None).await;
            bodies.push(body.to_string());
        }
        bodies
    }
}

/// The key of a resource and its tags. Ids that Azure generates differ between runs and are left out.
fn inventory_entry(item: &Json) -> (String, String) {
    let text = |pointer: &str| {
        let found = item.pointer(pointer).and_then(Json::as_str);
        found.unwrap_or_default().to_lowercase()
    };
    if text("/type") == "microsoft.authorization/roleassignments" {
        let key = ["scope", "roleDefinitionId", "description"]
            .map(|member| text(&format!("/properties/{member}")))
            .join(" ");
        return (key, String::new());
    }
    let tags: BTreeMap<String, String> = item["tags"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), value.to_string()))
        .collect();
    (text("/id"), format!("{tags:?}"))
}

const SUBSCRIPTION_URL: &str = "/subscriptions/00000000-0000-0000-0000-0000000a2c05";

/// All pages of a list of the subscription.
async fn list_all(azure: &Azure, what: &str) -> Vec<Json> {
    let mut items = Vec::new();
    let mut next = Some(format!("{SUBSCRIPTION_URL}{what}"));
    while let Some(url) = next {
        let page = azure.send_directly(Method::Get, &url, None).await;
        items.extend(page["value"].as_array().unwrap().iter().cloned());
        let link = page["nextLink"].as_str();
        next = link.and_then(|link| Some(link[link.find("/subscriptions/")?..].to_owned()));
    }
    items
}

fn foreign_group() -> String {
    format!("{SUBSCRIPTION_URL}/resourceGroups/rg-theirs?api-version=2025-04-01")
}

fn foreign_identity() -> String {
    format!(
        "{SUBSCRIPTION_URL}/resourceGroups/rg-theirs/providers/Microsoft.ManagedIdentity/\
         userAssignedIdentities/id-theirs?api-version=2024-11-30"
    )
}

fn foreign_assignment() -> String {
    format!(
        "{SUBSCRIPTION_URL}/resourceGroups/rg-theirs/providers/Microsoft.Authorization/\
         roleAssignments/7d0c1f0e-0000-4000-8000-00000000beef?api-version=2022-04-01"
    )
}

/// A world with resources of another stack, whose lists have the given page size.
pub async fn world_with_foreign_resources(page_size: usize) -> World {
    let options = WorldOptions {
        page_size,
        ..WorldOptions::default()
    };
    let azure = Azure::with_options(options).await;
    let body = json!({ "location": "westeurope", "tags": { "lazuli-stack": "theirs" } });
    let put =
        async |url: String, body: Json| azure.send_directly(Method::Put, &url, Some(body)).await;
    put(foreign_group(), body.clone()).await;
    let made = put(foreign_identity(), body).await;
    let given = json!({ "properties": {
        "principalId": made["properties"]["principalId"],
        "principalType": "ServicePrincipal",
        "description": "Reads (lazuli-stack: theirs; access)",
        "roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7",
    } });
    put(foreign_assignment(), given).await;
    azure.simulator.world()
}

/// The world with a role of the tenant, and with a policy that overrides a tag.
pub async fn add_role_and_policy(world: World) -> World {
    let stage = Stage::new(world).await;
    for (url, body) in role_and_policy() {
        stage
            .azure
            .send_directly(Method::Put, &url, Some(body))
            .await;
    }
    stage.azure.simulator.world()
}

/// The world with an undeclared role assignment on every resource group of the stack.
pub async fn add_undeclared_grants(world: World) -> World {
    let stage = Stage::new(world).await;
    let azure = &stage.azure;
    for group in list_all(azure, "/resourceGroups?api-version=2025-04-01").await {
        let id = group["id"].as_str().unwrap();
        if !id.ends_with("/rg-theirs") {
            let (url, body) = undeclared_grant(id);
            azure.send_directly(Method::Put, &url, Some(body)).await;
        }
    }
    azure.simulator.world()
}

/// The URLs and bodies of a role of the tenant, and of a policy that overrides a tag of the examples: "Add or replace a
/// tag on resources".
pub fn role_and_policy() -> [(String, Json); 2] {
    let role = json!({ "properties": {
        "roleName": TENANT_ROLE,
        "type": "CustomRole",
        "permissions": [{ "actions": ["*/read"], "notActions": [], "dataActions": [], "notDataActions": [] }],
        "assignableScopes": [SUBSCRIPTION_URL],
    } });
    let policy = json!({ "properties": {
        "policyDefinitionId": "/providers/Microsoft.Authorization/policyDefinitions/5ffd78d9-436d-4b41-a421-5baa819e3008",
        "parameters": { "tagName": { "value": "team" }, "tagValue": { "value": "platform" } },
    } });
    let authorization = format!("{SUBSCRIPTION_URL}/providers/Microsoft.Authorization");
    let role_name = "7d0c1f0e-0000-4000-8000-0000000000aa";
    [
        (
            format!("{authorization}/roleDefinitions/{role_name}?api-version=2022-04-01"),
            role,
        ),
        (
            format!("{authorization}/policyAssignments/team?api-version=2023-04-01"),
            policy,
        ),
    ]
}

/// The URL of a resource group.
pub fn group_url(name: &str) -> String {
    format!("{SUBSCRIPTION_URL}/resourceGroups/{name}?api-version=2025-04-01")
}

/// The URL and body of an undeclared role assignment: a plan looks its principal up in the directory.
pub fn undeclared_grant(group: &str) -> (String, Json) {
    let id = "7d0c1f0e-0000-4000-8000-0000000000bb";
    let url = format!(
        "{group}/providers/Microsoft.Authorization/roleAssignments/{id}?api-version=2022-04-01"
    );
    let body = json!({ "properties": {
        "principalId": USER_OBJECT_ID,
        "principalType": "User",
        "roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7",
    } });
    (url, body)
}

/// A custom role of the tenant: only a request resolves its name.
pub const TENANT_ROLE: &str = "Watchkeeper";

/// The world after the spec was applied.
pub async fn converge_world(world: &World, spec: &Specs) -> World {
    let stage = Stage::new(world.clone()).await;
    assert!(stage.run(spec, Phase::Converge).await.is_ok());
    stage.azure.simulator.world()
}

/// The world after all tags and role assignments of the stack were removed outside of lazuli.
pub async fn drift_world(world: &World) -> World {
    let stage = Stage::new(world.clone()).await;
    let azure = &stage.azure;
    for resource in list_all(azure, "/resources?api-version=2025-04-01").await {
        let id = resource["id"].as_str().unwrap();
        let is_own = resource["tags"]["lazuli-stack"].is_string() && !id.contains("/rg-theirs/");
        if is_own {
            let url =
                format!("{id}/providers/Microsoft.Resources/tags/default?api-version=2021-04-01");
            let none = json!({ "properties": { "tags": {} } });
            azure.send_directly(Method::Put, &url, Some(none)).await;
        }
    }
    let grants = "/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01";
    for grant in list_all(azure, grants).await {
        let description = grant["properties"]["description"].as_str();
        let is_own =
            |text: &str| text.contains("lazuli-stack") && !text.contains("lazuli-stack: theirs");
        if description.is_some_and(is_own) {
            let url = format!("{}?api-version=2022-04-01", grant["id"].as_str().unwrap());
            let token = azure.simulator.token(Caller::Owner);
            let delete = Request::new(Method::Delete, &url).with_bearer(&token);
            // A lock may deny it.
            let _ = azure.simulator.send(delete).await;
        }
    }
    azure.simulator.world()
}
