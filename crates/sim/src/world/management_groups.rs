//! Management groups: a tree below the tenant's root group, in which every subscription hangs (REST reference,
//! "Management Groups" and "Management Group Subscriptions", 2020-05-01).

use serde_json::{Value, json};

use super::directory::{self, OTHER_SUBSCRIPTION, SUBSCRIPTION, TENANT};
use super::merge::text;
use super::path::Target;
use super::reply::{ArmError, Reply, resource_not_found};
use super::state::Resource;
use super::{Call, World, authorization, operations};
use crate::catalogue;
use crate::http::Method;
use crate::sim_time::SimTime;

const TYPE: &str = "Microsoft.Management/managementGroups";
const MEMBER_TYPE: &str = "Microsoft.Management/managementGroups/subscriptions";
/// How long making or deleting one takes.
const DURATION: u64 = 5_000;

/// Makes the root group, whose name is the tenant's (Microsoft docs "What are Azure management groups?").
pub(crate) fn furnish(world: &mut World) {
    let details = json!({ "version": 1, "updatedTime": SimTime::EPOCH.iso(), "updatedBy": TENANT });
    let body = group(TENANT, "Tenant Root Group", details);
    let target = Target::parse(&id_of(TENANT));
    let root = Resource::new(&target, body, SimTime::EPOCH);
    world.state.insert(target.key(), root);
}

fn id_of(name: &str) -> String {
    format!("/providers/{TYPE}/{name}")
}

fn key_of(name: &str) -> String {
    id_of(name).to_ascii_lowercase()
}

fn group(name: &str, display_name: &str, details: Value) -> Value {
    json!({
        "id": id_of(name),
        "type": TYPE,
        "name": name,
        "properties": { "tenantId": TENANT, "displayName": display_name, "details": details },
    })
}

/// The name of the group that a path addresses or that is above what it addresses.
pub(crate) fn name(target: &Target) -> Option<&str> {
    let block = target.blocks.first()?;
    let (kind, name) = block.pairs.first()?;
    let is_one = target.subscription.is_none()
        && format!("{}/{kind}", block.namespace).eq_ignore_ascii_case(TYPE);
    is_one.then_some(name.as_str())
}

/// Whether the request makes a group that is not there yet, which everybody in the directory may do below the root
/// group (Microsoft docs "Create management groups").
pub(crate) fn is_made_by(world: &World, call: &Call<'_>) -> bool {
    call.method() == Method::Put
        && call.target.kind().eq_ignore_ascii_case(TYPE)
        && !world.state.contains(&call.target.key())
}

impl World {
    /// Every scope from the tenant to the target itself, management groups included, in lower case: where a grant or
    /// a policy counts.
    pub(crate) fn scopes(&self, target: &Target) -> Vec<String> {
        let mut scopes = target.scopes();
        let mut next = match &target.subscription {
            Some(subscription) => Some(self.group_with(subscription)),
            None => name(target).and_then(|name| self.group_above(&key_of(name))),
        };
        let mut groups = Vec::new();
        while let Some(group) = next.filter(|group| !groups.contains(group)) {
            next = self.group_above(&group);
            groups.push(group);
        }
        scopes.splice(1..1, groups.into_iter().rev());
        scopes
    }

    /// The key of the group that a subscription is in; where nobody put it elsewhere, the root group.
    fn group_with(&self, subscription: &str) -> String {
        let members = self.state.starting("/providers/microsoft.management/");
        let mut members = members.map(|(_, member)| member);
        let member = members.find(|member| {
            member.kind.eq_ignore_ascii_case(MEMBER_TYPE)
                && member.text("/name").eq_ignore_ascii_case(subscription)
        });
        match member {
            Some(member) => member.text("/properties/parent/id").to_ascii_lowercase(),
            None => key_of(TENANT),
        }
    }

    fn group_above(&self, key: &str) -> Option<String> {
        let parent = self.state.get(key)?.text("/properties/details/parent/id");
        (!parent.is_empty()).then(|| parent.to_ascii_lowercase())
    }

    /// The ids of what is in a group: groups and subscriptions, of theirs too.
    fn descendants(&self, key: &str) -> Vec<String> {
        let groups = self.state.starting("/providers/microsoft.management/");
        let groups = groups.filter(|(_, group)| group.kind.eq_ignore_ascii_case(TYPE));
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
            if key == key_of(TENANT) || !world.descendants(&key).is_empty() {
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
    let sound = |c: char| c.is_ascii_alphanumeric() || "-_().".contains(c);
    if name.len() > 90 || !name.chars().all(sound) {
        return Err(bad_request("The management group id is not valid."));
    }
    let old = world.state.get(key).cloned();
    let parent = wanted_parent(world, call, &body, old.as_ref())?;
    let given = text(&body, "/properties/displayName");
    let display_name = match (given, &old) {
        ("", Some(old)) => old.text("/properties/displayName"),
        ("", None) => name,
        (given, _) => given,
    };
    let version = old.as_ref().map_or(0, |old| {
        let version = &old.body["properties"]["details"]["version"];
        version.as_u64().unwrap_or_default()
    });
    let details = json!({
        "version": version + 1,
        "updatedTime": call.now.iso(),
        "updatedBy": call.principal,
        "parent": parent,
    });
    let body = group(name, display_name, details);
    let mut made = Resource::new(&call.target, body.clone(), call.now);
    if old.is_some() {
        world.state.insert(key.to_owned(), made);
        return Ok(Reply::json(200, body));
    }
    made.ready = call.now.plus(world.takes(DURATION));
    world.state.insert(key.to_owned(), made);
    // Whoever makes a group is its owner (Microsoft docs "Create management groups").
    let grant = world.guid();
    directory::grant(
        world,
        &call.principal,
        catalogue::OWNER,
        &id_of(name),
        &grant,
    );
    Ok(accepted(world, call, "create"))
}

/// `parent` as a group shows it: what the body names, else what it was, else the root group. Null for the root group.
fn wanted_parent(
    world: &World,
    call: &Call<'_>,
    body: &Value,
    old: Option<&Resource>,
) -> Result<Value, ArmError> {
    let key = call.target.key();
    let before = old.map(|old| old.body["properties"]["details"]["parent"].clone());
    let id = match (text(body, "/properties/details/parent/id"), before) {
        ("", Some(before)) => return Ok(before),
        ("", None) => id_of(TENANT),
        (id, _) => id.to_owned(),
    };
    let target = Target::parse(&id);
    let Some(parent) = world.state.get(&target.key()) else {
        return Err(not_found(target.name()));
    };
    if key == key_of(TENANT) || world.scopes(&target).contains(&key) {
        return Err(bad_request("A management group cannot be below itself."));
    }
    if target.key() != key_of(TENANT) {
        authorization::demand(world, call, &format!("{TYPE}/write"), &target)?;
    }
    Ok(json!({
        "id": parent.id(),
        "name": parent.text("/name"),
        "displayName": parent.text("/properties/displayName"),
    }))
}

/// `202` for an operation on a group, with both headers by which it is followed.
fn accepted(world: &mut World, call: &Call<'_>, verb: &str) -> Reply {
    let name = call.target.name();
    let operation = operation_id(verb, name);
    let ends = call.now.plus(world.takes(DURATION));
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
    json!({ "id": id_of(name), "type": TYPE, "name": name, "status": status })
}

/// `GET /providers/Microsoft.Management/operationResults/...`
pub(crate) fn poll(world: &World, call: &Call<'_>) -> Result<Reply, ArmError> {
    let name = call.target.name();
    let pairs = call.target.last().map(|block| block.pairs.as_slice());
    let verb = pairs.and_then(|pairs| pairs.first()).map(|(_, verb)| verb);
    let id = operation_id(verb.map(String::as_str).unwrap_or_default(), name);
    let Some(operation) = world.operations.get(&id) else {
        return Err(not_found(name));
    };
    let document = operations::document(call, &id, operation);
    if pairs.is_some_and(|pairs| pairs.len() > 2) {
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

/// `.../managementGroups/{group}/subscriptions/{subscription}`: puts a subscription into the group, or takes it out,
/// which puts it below the root group again.
pub(crate) fn member(world: &mut World, call: &Call<'_>) -> Result<Reply, ArmError> {
    let group = name(&call.target).unwrap_or_default().to_owned();
    let member = call.target.name().to_ascii_lowercase();
    let subscription = Target::parse(&format!("/subscriptions/{member}"));
    if !world.state.contains(&key_of(&group)) {
        return Err(not_found(&group));
    }
    super::subscriptions::exists(&subscription)?;
    let key = call.target.key();
    match call.method() {
        Method::Get => match world.state.get(&key) {
            Some(member) => Ok(Reply::json(200, member.body.clone())),
            None => Err(resource_not_found(&call.target)),
        },
        Method::Put => {
            let action = "Microsoft.Authorization/roleAssignments/write";
            authorization::demand(world, call, action, &subscription)?;
            let before = format!("{}/subscriptions/{member}", world.group_with(&member));
            world.state.remove(&before);
            let body = json!({
                "id": format!("{}/subscriptions/{member}", id_of(&group)),
                "type": MEMBER_TYPE,
                "name": member,
                "properties": { "tenant": TENANT, "parent": { "id": id_of(&group) }, "state": "Active" },
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
        let (kind, name, above) = match &target.subscription {
            Some(name) => ("/subscriptions", name.clone(), world.group_with(name)),
            None => {
                let above = world.group_above(&target.key()).unwrap_or_default();
                (TYPE, target.name().to_owned(), above)
            }
        };
        let parent = world.state.get(&above).map(Resource::id);
        json!({ "id": id, "type": kind, "name": name, "properties": { "parent": { "id": parent } } })
    };
    let descendants = world.descendants(&call.target.key()).into_iter();
    let value: Vec<Value> = descendants.map(entry).collect();
    Ok(Reply::json(200, json!({ "value": value })))
}
