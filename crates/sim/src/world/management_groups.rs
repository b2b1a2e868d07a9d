//! Management groups: a tree of groups and subscriptions below the root group of the tenant (REST reference, "Management
//! Groups" and "Management Group Subscriptions", 2020-05-01).

use serde_json::{Value, json};

use super::call::Call;
use super::directory::{OTHER_SUBSCRIPTION, SUBSCRIPTION, TENANT};
use super::kinds;
use super::merge::text;
use super::model::World;
use super::path::Target;
use super::reply::{ArmError, Reply, resource_not_found};
use super::state::Resource;
use super::{assignments, authorization, operations, subscriptions};
use crate::catalogue;
use crate::http::Method;
use crate::sim_time::SimTime;

const TYPE: &str = "Microsoft.Management/managementGroups";
const MEMBER_TYPE: &str = "Microsoft.Management/managementGroups/subscriptions";
/// How long the creation or deletion of a group takes, in milliseconds.
const DURATION: u64 = 5_000;

/// Creates the root group, whose name is the id of the tenant (Microsoft docs "What are Azure management groups?").
pub(crate) fn create_root(world: &mut World) {
    let details = json!({ "version": 1, "updatedTime": SimTime::EPOCH.iso(), "updatedBy": TENANT });
    let body = group(TENANT, "Tenant Root Group", details);
    let target = Target::parse(&group_id(TENANT));
    let root = Resource::new(&target, body, SimTime::EPOCH);
    world.state.insert(target.key(), root);
}

fn group_id(name: &str) -> String {
    format!("/providers/{TYPE}/{name}")
}

fn group_key(name: &str) -> String {
    group_id(name).to_ascii_lowercase()
}

fn group(name: &str, display_name: &str, details: Value) -> Value {
    json!({
        "id": group_id(name),
        "type": TYPE,
        "name": name,
        "properties": { "tenantId": TENANT, "displayName": display_name, "details": details },
    })
}

impl World {
    /// The scopes in lowercase from the tenant to the target itself, including management groups. Role assignments and
    /// policies at these scopes apply to the target.
    pub(crate) fn scopes(&self, target: &Target) -> Vec<String> {
        let mut scopes = target.scopes();
        let mut next = match &target.subscription {
            Some(subscription) => Some(self.group_with(subscription)),
            None => target
                .management_group()
                .and_then(|name| self.group_above(&group_key(name))),
        };
        let mut groups = Vec::new();
        while let Some(group) = next.filter(|group| !groups.contains(group)) {
            next = self.group_above(&group);
            groups.push(group);
        }
        scopes.splice(1..1, groups.into_iter().rev());
        scopes
    }

    /// The key of the group that contains the subscription; by default the root group.
    fn group_with(&self, subscription: &str) -> String {
        let members = self.state.with_prefix("/providers/microsoft.management/");
        let mut members = members.map(|(_, member)| member);
        let member = members.find(|member| {
            member.kind == kinds::MANAGEMENT_GROUP_MEMBER
                && member.text("/name").eq_ignore_ascii_case(subscription)
        });
        match member {
            Some(member) => member.text("/properties/parent/id").to_ascii_lowercase(),
            None => group_key(TENANT),
        }
    }

    /// The key of the parent of a group.
    fn group_above(&self, key: &str) -> Option<String> {
        let parent = self.state.get(key)?.text("/properties/details/parent/id");
        (!parent.is_empty()).then(|| parent.to_ascii_lowercase())
    }

    /// The ids of all groups and subscriptions below a group.
    fn descendants(&self, key: &str) -> Vec<String> {
        let groups = self.state.with_prefix("/providers/microsoft.management/");
        let groups = groups.filter(|(_, group)| group.kind == kinds::MANAGEMENT_GROUP);
        let groups = groups.map(|(_, group)| group.id().to_owned());
        let subscriptions = [SUBSCRIPTION, OTHER_SUBSCRIPTION];
        groups
            .chain(subscriptions.map(|subscription| format!("/subscriptions/{subscription}")))
            .filter(|id| {
                let target = Target::parse(id);
                target.key() != key && self.scopes(&target).iter().any(|above| above == key)
            })
            .collect()
    }
}

pub(crate) fn handle(world: &mut World, call: &Call<'_>) -> Result<Reply, ArmError> {
    let key = call.target.key();
    let found = world
        .state
        .get(&key)
        .filter(|group| group.ready <= call.now);
    match (call.method(), found) {
        (Method::Put, _) => put(world, call, &key),
        (Method::Get, Some(group)) => Ok(Reply::json(200, group.body.clone())),
        (Method::Get, None) => Err(not_found(call.target.name())),
        (Method::Delete, None) => Ok(Reply::empty(204)),
        (Method::Delete, Some(_)) => {
            if key == group_key(TENANT) || !world.descendants(&key).is_empty() {
                return Err(bad_request(
                    "Cannot delete a management group that is the root or has children.",
                ));
            }
            world.state.remove_tree(&key);
            Ok(accepted(world, call, "delete"))
        }
        _ => Err(call.not_allowed()),
    }
}

fn not_found(name: &str) -> ArmError {
    let message = format!("Management group '{name}' cannot be found");
    ArmError::new(404, "NotFound", message)
}

fn bad_request(message: &str) -> ArmError {
    ArmError::new(400, "BadRequest", message)
}

fn put(world: &mut World, call: &Call<'_>, key: &str) -> Result<Reply, ArmError> {
    let body = if call.request.body.is_empty() {
        Value::Null
    } else {
        call.json()?
    };
    let name = call.target.name();
    let is_valid = |c: char| c.is_ascii_alphanumeric() || "-_().".contains(c);
    if name.len() > 90 || !name.chars().all(is_valid) {
        return Err(bad_request("The management group id is not valid."));
    }
    let old = world.state.get(key).cloned();
    let parent = resolve_parent(world, call, &body, old.as_ref())?;
    let given = text(&body, "/properties/displayName");
    let display_name = match (given, &old) {
        ("", Some(old)) => old.text("/properties/displayName"),
        ("", None) => name,
        (given, _) => given,
    };
    let version = old
        .as_ref()
        .and_then(|old| old.body["properties"]["details"]["version"].as_u64())
        .map_or(1, |version| version + 1);
    let details = json!({
        "version": version,
        "updatedTime": call.now.iso(),
        "updatedBy": call.principal,
        "parent": parent,
    });
    let body = group(name, display_name, details);
    let mut created = Resource::new(&call.target, body.clone(), call.now);
    if old.is_some() {
        world.state.insert(key.to_owned(), created);
        return Ok(Reply::json(200, body));
    }
    created.ready = call.now.plus(world.delay(DURATION));
    world.state.insert(key.to_owned(), created);
    // The creator of a group becomes its owner (Microsoft docs "Create management groups").
    let grant = world.guid();
    assignments::grant(
        world,
        &call.principal,
        catalogue::OWNER,
        &group_id(name),
        &grant,
    );
    Ok(accepted(world, call, "create"))
}

/// The `parent` of a group: the one in the body, else the previous one, else the root group. Null for the root group
/// itself.
fn resolve_parent(
    world: &World,
    call: &Call<'_>,
    body: &Value,
    old: Option<&Resource>,
) -> Result<Value, ArmError> {
    let key = call.target.key();
    let before = old.map(|old| old.body["properties"]["details"]["parent"].clone());
    let id = match (text(body, "/properties/details/parent/id"), before) {
        ("", Some(before)) => return Ok(before),
        ("", None) => group_id(TENANT),
        (id, _) => id.to_owned(),
    };
    let target = Target::parse(&id);
    let Some(parent) = world.state.get(&target.key()) else {
        return Err(not_found(target.name()));
    };
    if key == group_key(TENANT) || world.scopes(&target).contains(&key) {
        return Err(bad_request("A management group cannot be below itself."));
    }
    if target.key() != group_key(TENANT) {
        authorization::require(world, call, &format!("{TYPE}/write"), &target)?;
    }
    Ok(json!({
        "id": parent.id(),
        "name": parent.text("/name"),
        "displayName": parent.text("/properties/displayName"),
    }))
}

/// The response 202 for an operation on a group, with both polling headers.
fn accepted(world: &mut World, call: &Call<'_>, verb: &str) -> Reply {
    let name = call.target.name();
    let operation = operation_id(verb, name);
    let ends = call.now.plus(world.delay(DURATION));
    operations::start(world, operation, call.target.key(), call.now, ends);
    let results = format!("/providers/Microsoft.Management/operationResults/{verb}");
    let status = format!("{results}/asyncOperation/status/managementGroups/{name}");
    let result = format!("{results}/managementGroups/{name}");
    Reply::json(202, status_of(name, "NotStarted"))
        .header("Azure-AsyncOperation", call.link(&status, ""))
        .header("Location", call.link(&result, ""))
        .header("Retry-After", world.retry_after(5))
}

fn operation_id(verb: &str, name: &str) -> String {
    format!("{verb} {name}").to_ascii_lowercase()
}

fn status_of(name: &str, status: &str) -> Value {
    json!({ "id": group_id(name), "type": TYPE, "name": name, "status": status })
}

/// `GET /providers/Microsoft.Management/operationResults/...`
pub(crate) fn poll(world: &World, call: &Call<'_>) -> Result<Reply, ArmError> {
    let name = call.target.name();
    let pairs = call.target.last().map(|block| block.pairs.as_slice());
    let Some(pairs @ [(_, verb), ..]) = pairs else {
        return Err(not_found(name));
    };
    let id = operation_id(verb, name);
    let Some(operation) = world.operations.get(&id) else {
        return Err(not_found(name));
    };
    let document = operations::status_document(call, &id, operation);
    if pairs.len() > 2 {
        return Ok(Reply::json(200, document));
    }
    let status = text(&document, "/status");
    let code = if status == "InProgress" { 202 } else { 200 };
    let reply = Reply::json(code, status_of(name, status));
    Ok(match code {
        202 => reply.header("Location", call.link(&call.request.path, "")),
        _ => reply,
    })
}

/// `.../managementGroups/{group}/subscriptions/{subscription}`: moves a subscription into the group. DELETE moves it back
/// below the root group.
pub(crate) fn handle_member(world: &mut World, call: &Call<'_>) -> Result<Reply, ArmError> {
    let Some(group) = call.target.management_group() else {
        return Err(resource_not_found(&call.target));
    };
    let member = call.target.name().to_ascii_lowercase();
    let subscription = Target::parse(&format!("/subscriptions/{member}"));
    if !world.state.contains(&group_key(group)) {
        return Err(not_found(group));
    }
    subscriptions::check(&subscription)?;
    let key = call.target.key();
    match call.method() {
        Method::Get => match world.state.get(&key) {
            Some(member) => Ok(Reply::json(200, member.body.clone())),
            None => Err(resource_not_found(&call.target)),
        },
        Method::Put => {
            let action = "Microsoft.Authorization/roleAssignments/write";
            authorization::require(world, call, action, &subscription)?;
            let before = format!("{}/subscriptions/{member}", world.group_with(&member));
            world.state.remove(&before);
            let body = json!({
                "id": format!("{}/subscriptions/{member}", group_id(group)),
                "type": MEMBER_TYPE,
                "name": member,
                "properties": { "tenant": TENANT, "parent": { "id": group_id(group) }, "state": "Active" },
            });
            let resource = Resource::new(&call.target, body.clone(), call.now);
            world.state.insert(key, resource);
            Ok(Reply::json(200, body))
        }
        Method::Delete => Ok(match world.state.remove(&key) {
            Some(_) => Reply::empty(200),
            None => Reply::empty(204),
        }),
        _ => Err(call.not_allowed()),
    }
}

/// `GET .../managementGroups/{group}/descendants`
pub(crate) fn list_descendants(world: &World, call: &Call<'_>) -> Result<Reply, ArmError> {
    if call.method() != Method::Get {
        return Err(call.not_allowed());
    }
    let entry = |id: String| {
        let target = Target::parse(&id);
        let (kind, name, parent) = match &target.subscription {
            Some(name) => (
                "/subscriptions",
                name.as_str(),
                Some(world.group_with(name)),
            ),
            None => (TYPE, target.name(), world.group_above(&target.key())),
        };
        let parent = parent.and_then(|parent| world.state.get(&parent));
        let parent = parent.map(Resource::id);
        json!({ "id": id, "type": kind, "name": name, "properties": { "parent": { "id": parent } } })
    };
    let descendants = world.descendants(&call.target.key()).into_iter();
    let value: Vec<Value> = descendants.map(entry).collect();
    Ok(Reply::json(200, json!({ "value": value })))
}
