//! The simulated Azure: options, state, and the way of a request through identity, rights, locks and providers.

mod assignments;
mod authorization;
mod body;
mod definitions;
mod directory;
mod generic;
mod graph;
mod groups;
mod identities;
mod indexer;
mod limits;
mod lists;
mod locks;
mod managed;
mod management_groups;
mod media;
mod merge;
mod operations;
mod path;
mod policy;
mod reply;
mod secrets;
mod state;
mod storage;
mod subscriptions;
mod tags;
#[cfg(test)]
mod testing;
mod tokens;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

pub use directory::{
    CALLER_SECRET, Caller, GROUP_OBJECT_IDS, OTHER_SUBSCRIPTION, SUBSCRIPTION, TENANT,
    USER_OBJECT_ID,
};

use crate::http::{Method, Request, Response};
use crate::sim_time::SimTime;
use body::Body;
use directory::Principal;
use limits::Limits;
use operations::Operation;
use path::Target;
pub(crate) use reply::ArmError;
use reply::{Reply, group_not_found};
use state::{Failure, Resource, State};

/// How a world behaves. Times are milliseconds of simulated time.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WorldOptions {
    /// Decides every GUID that the world makes.
    pub seed: u64,
    /// The application that an in-process client signs in as.
    pub caller: Caller,
    /// Until a new identity is known to the directory, a grant without `principalType` is refused with
    /// `PrincipalNotFound` (recorded: 1 to 37 s).
    pub principal_replication: u64,
    /// The same for a grant that names its `principalType` (recorded: none).
    pub typed_principal_replication: u64,
    /// Until the name of a new custom role counts as taken, so that another role can be given it.
    pub role_name_replication: u64,
    /// Until a new custom role can be given: before, a grant of it is refused with `RoleDefinitionDoesNotExist`.
    pub role_replication: u64,
    /// Until a new grant takes effect for whoever calls ARM.
    pub grant_propagation: u64,
    /// Until a new grant opens data to a managed identity, as Video Analyzer checks it.
    pub data_grant_propagation: u64,
    /// How long a storage account takes (recorded: 21 to 52 s).
    pub storage_creation: u64,
    /// How long the deletion of a group takes (recorded with core types: median 22 s).
    pub group_deletion: u64,
    /// How long a Video Analyzer account takes.
    pub media_creation: u64,
    /// Entries on a page of a list.
    pub page_size: usize,
    /// Whether more requests than ARM's token buckets allow are refused with 429.
    pub throttling: bool,
    /// Storage account names that somebody else in the world has.
    pub taken_names: BTreeSet<String>,
}

impl Default for WorldOptions {
    fn default() -> Self {
        Self {
            seed: 0,
            caller: Caller::Owner,
            principal_replication: 8_000,
            typed_principal_replication: 0,
            role_name_replication: 0,
            role_replication: 0,
            grant_propagation: 0,
            data_grant_propagation: 20_000,
            storage_creation: 25_000,
            group_deletion: 20_000,
            media_creation: 10_000,
            page_size: 100,
            throttling: false,
            taken_names: BTreeSet::from(["stlazulitaken".to_owned()]),
        }
    }
}

/// How a process runs a world, whatever the world was made with. It is not kept in files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// Whether more requests than ARM's token buckets allow are refused with 429.
    pub throttling: bool,
    /// The longest that anything takes which takes time in Azure, in milliseconds. No limit if there is none.
    pub longest_delay: Option<u64>,
}

/// A tenant with its subscriptions, resources, grants and running operations.
///
/// # Guarantees
///
/// The same options, requests and times give the same answers, byte for byte. There is no clock, no randomness and no
/// I/O in here. Time never runs backwards: a `now` before the latest one seen counts as that one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct World {
    options: WorldOptions,
    counter: u64,
    latest: SimTime,
    state: State,
    principals: BTreeMap<String, Principal>,
    operations: BTreeMap<String, Operation>,
    /// Storage account names in use, with the key of the account.
    account_names: BTreeMap<String, String>,
    /// `{subscription}/{namespace}` of providers registered since the start, and when the registration is through.
    registrations: BTreeMap<String, SimTime>,
    /// Groups going away, by when they are gone.
    deadlines: BTreeSet<(SimTime, String)>,
    /// Identities whose federated credentials are being written, and until when.
    credential_writes: BTreeMap<String, SimTime>,
    #[serde(skip)]
    pace: Pace,
    #[serde(skip)]
    tokens: tokens::Known,
    #[serde(skip)]
    limits: Limits,
    #[serde(skip)]
    served: u64,
    #[serde(skip)]
    just_started: Option<String>,
}

/// One ARM request with everything known about it.
struct Call<'a> {
    request: &'a Request,
    now: SimTime,
    target: Target,
    /// The object id of who calls.
    principal: String,
}

impl Call<'_> {
    fn method(&self) -> Method {
        self.request.method
    }

    /// The same call with another request.
    fn with<'r>(&self, request: &'r Request) -> Call<'r> {
        Call {
            request,
            target: self.target.clone(),
            principal: self.principal.clone(),
            now: self.now,
        }
    }

    /// The body: an object, in which those members that every type shares are objects too.
    fn json(&self) -> Result<Value, ArmError> {
        let refuse = |why: &str| {
            Err(ArmError::gateway(
                400,
                "InvalidRequestContent",
                format!("The request content was invalid and could not be deserialized: '{why}'."),
            ))
        };
        let Ok(body @ Value::Object(_)) = serde_json::from_slice(&self.request.body) else {
            return refuse("the body is not a JSON object");
        };
        let shared = ["properties", "identity", "tags", "sku"];
        match shared.iter().find(|member| {
            let value = &body[**member];
            !value.is_null() && !value.is_object()
        }) {
            Some(member) => refuse(&format!("'{member}' is not an object")),
            None => Ok(body),
        }
    }

    /// An absolute URL on the host that the client addressed, with the request's api-version.
    fn link(&self, path: &str, query: &str) -> String {
        format!(
            "https://{}{path}?{query}api-version={}",
            self.request.host(),
            self.request.query("api-version").unwrap_or_default()
        )
    }

    fn not_allowed(&self) -> ArmError {
        ArmError::gateway(
            405,
            "MethodNotAllowed",
            format!(
                "The requested resource does not support http method '{}'.",
                self.method().as_str()
            ),
        )
    }
}

impl World {
    /// A world with one tenant, two subscriptions, three applications with their grants, and nothing else.
    pub fn new(options: WorldOptions) -> Self {
        let mut world = Self {
            options,
            counter: 0,
            latest: SimTime::EPOCH,
            state: State::default(),
            principals: BTreeMap::new(),
            operations: BTreeMap::new(),
            account_names: BTreeMap::new(),
            registrations: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            credential_writes: BTreeMap::new(),
            pace: Pace::default(),
            tokens: tokens::Known::new(),
            limits: Limits::default(),
            served: 0,
            just_started: None,
        };
        management_groups::furnish(&mut world);
        directory::furnish(&mut world);
        world
    }

    /// Runs the world at another pace.
    pub fn set_pace(&mut self, pace: Pace) {
        self.pace = pace;
    }

    /// The options that the world was made with.
    pub fn options(&self) -> &WorldOptions {
        &self.options
    }

    /// The latest time that the world has seen.
    pub fn latest(&self) -> SimTime {
        self.latest
    }

    /// Grows with every change worth keeping; reads leave it alone.
    pub fn revision(&self) -> u64 {
        self.state.revision()
    }

    /// A valid access token for ARM, as the token endpoint gives it to that application.
    pub fn token(&self, caller: Caller, now: SimTime) -> String {
        tokens::issue(self, caller, "https://management.azure.com", now)
    }

    /// Answers one request.
    pub fn handle(&mut self, request: &Request, now: SimTime) -> Response {
        self.latest = self.latest.max(now);
        let now = self.latest;
        self.served += 1;
        self.just_started = None;
        groups::settle(self, now);
        let reply = self
            .answer(request, now)
            .unwrap_or_else(ArmError::into_reply);
        let mut response = reply.into_response();
        if request.method == Method::Head {
            response.body.clear();
        }
        self.limits
            .annotate(self.served, request, now, &mut response);
        response
    }

    /// Answers a read as a replica would that has not yet seen the last change of what is read.
    pub fn handle_stale(&mut self, request: &Request, now: SimTime) -> Response {
        if !request.method.is_read() {
            return self.handle(request, now);
        }
        // What is due happens before the swap, else it would happen to the past.
        groups::settle(self, self.latest.max(now));
        let target = Target::parse(&request.path);
        let scope = if target.is_open() {
            target.scope()
        } else {
            target.id()
        }
        .to_ascii_lowercase();
        self.state.swap_with_before(&scope);
        let response = self.handle(request, now);
        self.state.swap_with_before(&scope);
        response
    }

    /// Lets the operation that the last request started end badly. False if it started none.
    pub fn fail_last_operation(&mut self, code: &str, message: &str) -> bool {
        let failure = Failure {
            code: code.to_owned(),
            message: message.to_owned(),
        };
        self.just_started
            .take()
            .is_some_and(|id| operations::fail(self, &id, &failure))
    }

    fn answer(&mut self, request: &Request, now: SimTime) -> Result<Reply, ArmError> {
        if let Some(answer) = tokens::handle(self, request, now) {
            return answer;
        }
        if let Some(answer) = graph::handle(self, request, now) {
            return answer;
        }
        let principal = tokens::authenticate(self, request, now)?.for_arm()?;
        if request.query("api-version").is_none() {
            return Err(ArmError::gateway(
                400,
                "MissingApiVersionParameter",
                "The api-version query parameter (?api-version=) is required for all requests.",
            ));
        }
        let target = Target::parse(&request.path);
        let call = Call {
            request,
            now,
            target,
            principal,
        };
        subscriptions::exists(&call.target)?;
        if self.options.throttling || self.pace.throttling {
            self.limits.take(&call)?;
        }
        authorization::authorize(self, &call)?;
        self.dispatch(&call)
    }

    fn dispatch(&mut self, call: &Call<'_>) -> Result<Reply, ArmError> {
        let target = &call.target;
        let Some(block) = target.last() else {
            return self.dispatch_without_provider(call);
        };
        if block.pairs.is_empty() && target.blocks.len() == 1 && target.group.is_none() {
            match block
                .open
                .as_deref()
                .map(str::to_ascii_lowercase)
                .as_deref()
            {
                None => return subscriptions::provider(self, call),
                Some("register") => return subscriptions::register(self, call),
                _ => {}
            }
        }
        self.check_group(call)?;
        self.check_extended(call)?;
        if !call.method().is_read() {
            subscriptions::check_registration(self, call)?;
            locks::refuse(self, call)?;
        }
        // What modifies comes before what denies (Microsoft docs "Azure Policy definitions effect basics").
        let modified = policy::modified(self, call);
        let modified = modified.as_ref().map(|request| call.with(request));
        let call = modified.as_ref().unwrap_or(call);
        policy::refuse(self, call)?;
        self.carry_out(call)
    }

    /// Hands a request that may be made to those who know its type.
    fn carry_out(&mut self, call: &Call<'_>) -> Result<Reply, ArmError> {
        match call.target.kind().to_ascii_lowercase().as_str() {
            "microsoft.managedidentity/userassignedidentities" => identities::handle(self, call),
            "microsoft.managedidentity/userassignedidentities/federatedidentitycredentials" => {
                identities::credential(self, call)
            }
            "microsoft.authorization/roleassignments" => assignments::handle(self, call),
            "microsoft.authorization/roledefinitions" => definitions::handle(self, call),
            "microsoft.authorization/permissions" => authorization::list_permissions(self, call),
            "microsoft.authorization/locks" => locks::handle(self, call),
            "microsoft.authorization/policyassignments" => policy::handle(self, call),
            "microsoft.authorization/policyexemptions" => policy::exemption(self, call),
            "microsoft.authorization/policydefinitions" => policy::definition(call),
            "microsoft.policyinsights/checkpolicyrestrictions" => policy::check(self, call),
            tags::KIND => tags::handle(self, call),
            "microsoft.storage/checknameavailability" => storage::check_name(self, call),
            "microsoft.media/videoanalyzers" => media::handle(self, call),
            "microsoft.videoindexer/accounts" => indexer::handle(self, call),
            kind if kind.starts_with("microsoft.storage/storageaccounts") => {
                storage::handle(self, call)
            }
            "microsoft.management/managementgroups" => {
                if call.target.is_open() {
                    return Err(call.not_allowed());
                }
                management_groups::handle(self, call)
            }
            "microsoft.management/managementgroups/subscriptions" => {
                management_groups::member(self, call)
            }
            "microsoft.management/managementgroups/descendants" => {
                management_groups::list_descendants(self, call)
            }
            kind if kind.starts_with("microsoft.management/operationresults/") => {
                management_groups::poll(self, call)
            }
            kind if kind.contains("/locations/") => operations::poll(self, call),
            _ => generic::handle(self, call),
        }
    }

    fn dispatch_without_provider(&mut self, call: &Call<'_>) -> Result<Reply, ArmError> {
        let target = &call.target;
        let rest: Vec<String> = target
            .rest
            .iter()
            .map(|word| word.to_ascii_lowercase())
            .collect();
        let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
        match (&target.subscription, &target.group, rest.as_slice()) {
            (Some(_), Some(_), []) => groups::handle(self, call),
            (Some(_), None, ["resourcegroups"]) => groups::list(self, call),
            (Some(_), group, ["resources"]) => {
                if group.is_some() {
                    self.check_group(call)?;
                }
                lists::resources(self, call)
            }
            (Some(_), None, ["operationresults", _]) => operations::poll_deletion(self, call),
            (_, None, _) => subscriptions::handle(self, call, &rest),
            _ => Err(call.not_allowed()),
        }
    }

    /// The group in the path must be there, and not on its way out when something is written.
    fn check_group(&self, call: &Call<'_>) -> Result<(), ArmError> {
        let Some(name) = &call.target.group else {
            return Ok(());
        };
        let group = self
            .state
            .get(&call.target.base().to_ascii_lowercase())
            .ok_or_else(|| group_not_found(name))?;
        if group.deleting.is_some() && matches!(call.method(), Method::Put | Method::Patch) {
            return Err(ArmError::gateway(
                409,
                "ResourceGroupBeingDeleted",
                format!(
                    "The resource group '{name}' is in deprovisioning state and cannot perform this operation."
                ),
            ));
        }
        Ok(())
    }

    /// What an extension resource hangs on must be there.
    fn check_extended(&self, call: &Call<'_>) -> Result<(), ArmError> {
        if call.target.blocks.len() < 2 {
            return Ok(());
        }
        let scope = Target::parse(&call.target.scope());
        if self.state.contains(&scope.key()) || storage::is_default_child(self, &scope) {
            Ok(())
        } else {
            Err(reply::resource_not_found(&scope))
        }
    }

    /// How long something takes that usually takes so long, in milliseconds.
    fn takes(&self, usual: u64) -> u64 {
        self.pace
            .longest_delay
            .map_or(usual, |longest| usual.min(longest))
    }

    /// After how many seconds to ask again, where that is usually so many.
    fn retry_after(&self, usual: u64) -> u64 {
        self.takes(usual * 1000).div_ceil(1000)
    }

    /// The next GUID of this world.
    fn guid(&mut self) -> String {
        self.counter += 1;
        self.state.touch();
        let name = format!("{}/{}", self.options.seed, self.counter);
        Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).to_string()
    }

    /// What a GET shows of a resource at that time.
    fn view(&self, resource: &Resource, now: SimTime) -> Body {
        let word = if resource.deleting.is_some() {
            Some("Deleting")
        } else if now < resource.ready {
            Some(storage::word_while_created(resource, now))
        } else {
            resource.failure.as_ref().map(|_| "Failed")
        };
        let mut body = resource.body.clone();
        if let Some(word) = word
            && let Some(state) = body.pointer_mut("/properties/provisioningState")
        {
            *state = Value::from(word);
        }
        if body.has_secrets() {
            secrets::conceal(&mut body);
        }
        body
    }
}

#[cfg(test)]
mod tests;
