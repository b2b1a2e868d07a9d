//! SQL servers and their databases. Each server has the system database `master`, which no caller can write.

use serde_json::json;

use super::call::Call;
use super::generic;
use super::kinds;
use super::model::World;
use super::path::Target;
use super::reply::{ArmError, Reply};
use super::state::Resource;
use crate::http::Method;

/// Handles servers and databases.
pub(crate) fn handle(world: &mut World, call: &Call<'_>) -> Result<Reply, ArmError> {
    check_writable(call, &call.target)?;
    let reply = generic::handle(world, call)?;
    let is_server = call.target.kind().eq_ignore_ascii_case(kinds::SQL_SERVER);
    if is_server && call.method() == Method::Put {
        create_master(world, call);
    }
    Ok(reply)
}

/// Rejects writes of a system database (REST reference, "Databases - Delete", `CannotUseReservedDatabaseName`).
pub(crate) fn check_writable(call: &Call<'_>, database: &Target) -> Result<(), ArmError> {
    let is_master = database.kind().eq_ignore_ascii_case(kinds::SQL_DATABASE)
        && database.name().eq_ignore_ascii_case("master");
    if call.method().is_read() || !is_master {
        return Ok(());
    }
    Err(ArmError::new(
        400,
        "CannotUseReservedDatabaseName",
        format!(
            "Cannot use reserved database name '{}' in this operation.",
            database.name()
        ),
    ))
}

/// Creates the database `master` of a server that does not have it yet.
fn create_master(world: &mut World, call: &Call<'_>) {
    let id = format!("{}/databases/master", call.target.id());
    let target = Target::parse(&id);
    let Some(server) = world.state.get(&call.target.key()) else {
        return;
    };
    if world.state.contains(&target.key()) {
        return;
    }
    let location = server.body["location"].clone();
    let sku = json!({ "name": "System", "tier": "System", "capacity": 0 });
    let database = world.guid();
    let body = json!({
        "sku": sku,
        "kind": "v12.0,system",
        "properties": {
            "collation": "SQL_Latin1_General_CP1_CI_AS",
            "maxSizeBytes": 32_212_254_720_u64,
            "status": "Online",
            "databaseId": database,
            "creationDate": call.now.iso(),
            "currentServiceObjectiveName": "System",
            "requestedServiceObjectiveName": "System",
            "catalogCollation": "SQL_Latin1_General_CP1_CI_AS",
            "zoneRedundant": false,
            "readScale": "Disabled",
            "currentSku": sku,
        },
        "location": location,
        "id": id,
        "name": "master",
        "type": "Microsoft.Sql/servers/databases",
    });
    let master = Resource::new(&target, body, call.now);
    world.state.insert(target.key(), master);
}
