//! The simulated Azure: how a request passes authentication, throttling, authorization, locks and policy to the code of
//! its resource type.

mod assignments;
mod authorization;
mod body;
mod call;
mod conditions;
mod definitions;
mod directory;
mod filter;
mod generic;
mod graph;
mod groups;
mod identities;
mod indexer;
mod kinds;
mod limits;
mod list_lag;
mod lists;
mod locations;
mod locks;
mod managed;
mod management_groups;
mod media;
mod merge;
mod model;
mod operations;
mod options;
mod parents;
mod path;
mod policy;
mod populate;
mod reply;
mod resource_graph;
mod secrets;
mod sign_in;
mod sql;
mod state;
mod storage;
mod subscriptions;
mod tags;
#[cfg(test)]
mod testing;
mod tokens;
mod vaults;

use call::Call;
use path::Target;
use reply::{Reply, group_not_found};
use state::Failure;

pub use directory::{
    CALLER_SECRET, Caller, GROUP_OBJECT_IDS, OTHER_SUBSCRIPTION, SUBSCRIPTION, TENANT,
    USER_OBJECT_ID,
};
pub use model::World;
pub use options::{Pace, WorldOptions};
pub(crate) use reply::ArmError;

use crate::http::{Method, Request, Response};
use crate::sim_time::SimTime;

impl World {
    /// A world with one tenant, two subscriptions, and three applications with their role assignments.
    pub fn new(options: WorldOptions) -> Self {
        let mut world = Self::empty(options);
        populate::populate(&mut world);
        world
    }

    /// A valid access token for ARM, as the token endpoint issues it to the application.
    pub fn token(&self, caller: Caller, now: SimTime) -> String {
        let audience = "https://management.azure.com";
        tokens::issue(self.options.seed, caller, audience, now)
    }

    /// Handles a request.
    pub fn handle(&mut self, request: &Request, now: SimTime) -> Response {
        self.latest = self.latest.max(now);
        let now = self.latest;
        self.served += 1;
        self.last_operation = None;
        groups::finish_deletions(self, now);
        self.set_lag_time(now);
        let reply = self
            .respond(request, now)
            .unwrap_or_else(ArmError::into_reply);
        let mut response = reply.into_response();
        if request.method == Method::Head {
            response.body.clear();
        }
        self.limits
            .annotate(self.served, request, now, &mut response);
        response
    }

    /// Handles a read like a replica that does not have the last change of the resource yet.
    pub fn handle_stale(&mut self, request: &Request, now: SimTime) -> Response {
        if !request.method.is_read() {
            return self.handle(request, now);
        }
        // Deletions that are due must not be applied to the previous state.
        groups::finish_deletions(self, self.latest.max(now));
        let target = Target::parse(&request.path);
        let scope = if target.is_open() {
            target.scope()
        } else {
            target.id()
        }
        .to_ascii_lowercase();
        self.state.swap_previous(&scope);
        let response = self.handle(request, now);
        self.state.swap_previous(&scope);
        response
    }

    /// Makes the operation that the last request started fail. Returns false if the request started none.
    pub fn fail_last_operation(&mut self, code: &str, message: &str) -> bool {
        let failure = Failure {
            code: code.to_owned(),
            message: message.to_owned(),
        };
        self.last_operation
            .take()
            .is_some_and(|id| operations::fail(self, &id, &failure))
    }

    fn respond(&mut self, request: &Request, now: SimTime) -> Result<Reply, ArmError> {
        if let Some(reply) = sign_in::handle(self, request, now) {
            return reply;
        }
        if let Some(reply) = graph::handle(self, request, now) {
            return reply;
        }
        let seed = self.options.seed;
        let claims = self.tokens.authenticate(seed, request, now)?;
        let principal = claims.into_arm_principal()?;
        let Some(api_version) = request.query("api-version") else {
            return Err(ArmError::gateway(
                400,
                "MissingApiVersionParameter",
                "The api-version query parameter (?api-version=) is required for all requests.",
            ));
        };
        let target = Target::parse(&request.path);
        let call = Call {
            request,
            api_version,
            now,
            target,
            principal,
        };
        subscriptions::check(&call.target)?;
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
        parents::check_scope(self, call)?;
        if !call.method().is_read() {
            subscriptions::check_registration(self, call)?;
            locks::check(self, call)?;
            conditions::check(self, call)?;
        }
        // The effect Modify comes before Deny (Microsoft docs "Azure Policy definitions effect basics").
        let modified = policy::modify(self, call);
        let modified = modified.as_ref().map(|request| call.with_request(request));
        let call = modified.as_ref().unwrap_or(call);
        policy::check(self, call)?;
        self.execute(call)
    }

    /// Passes an authorized request to the code of its resource type.
    fn execute(&mut self, call: &Call<'_>) -> Result<Reply, ArmError> {
        match call.target.kind().to_ascii_lowercase().as_str() {
            kinds::IDENTITY => identities::handle(self, call),
            kinds::FEDERATED_CREDENTIAL => identities::handle_credential(self, call),
            kinds::ROLE_ASSIGNMENT => assignments::handle(self, call),
            kinds::ROLE_DEFINITION => definitions::handle(self, call),
            kinds::PERMISSIONS => authorization::list_permissions(self, call),
            kinds::LOCK => locks::handle(self, call),
            kinds::POLICY_ASSIGNMENT => policy::handle(self, call),
            kinds::POLICY_EXEMPTION => policy::handle_exemption(self, call),
            kinds::POLICY_DEFINITION => policy::get_definition(call),
            kinds::POLICY_RESTRICTIONS => policy::check_restrictions(self, call),
            kinds::TAGS => tags::handle(self, call),
            kinds::STORAGE_NAME_CHECK => storage::check_name(self, call),
            kinds::RESOURCE_GRAPH => resource_graph::handle(self, call),
            kinds::SQL_SERVER | kinds::SQL_DATABASE => sql::handle(self, call),
            kinds::VIDEO_ANALYZER => media::handle(self, call),
            kinds::KEY_VAULT => vaults::handle(self, call),
            kinds::VIDEO_INDEXER => indexer::handle(self, call),
            kind if kind.starts_with(kinds::STORAGE_ACCOUNT) => storage::handle(self, call),
            kinds::MANAGEMENT_GROUP => {
                if call.target.is_open() {
                    return Err(call.not_allowed());
                }
                management_groups::handle(self, call)
            }
            kinds::MANAGEMENT_GROUP_MEMBER => management_groups::handle_member(self, call),
            kinds::MANAGEMENT_GROUP_DESCENDANTS => management_groups::list_descendants(self, call),
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
                lists::list_resources(self, call)
            }
            (Some(_), None, ["operationresults", _]) => operations::poll_deletion(self, call),
            (_, None, _) => subscriptions::handle(self, call, &rest),
            _ => Err(call.not_allowed()),
        }
    }

    /// Checks that the resource group in the path exists, and for a write that it is not being deleted.
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
}

#[cfg(test)]
mod tests;
