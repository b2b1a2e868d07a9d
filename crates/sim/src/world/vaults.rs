//! Key vaults: stored like types without special behavior, with the URI that the service gives them.

use serde_json::{Value, json};

use super::call::Call;
use super::generic;
use super::kinds;
use super::model::World;
use super::reply::{ArmError, Reply};
use super::state::Resource;
use crate::http::Method;

pub(crate) fn handle(world: &mut World, call: &Call<'_>) -> Result<Reply, ArmError> {
    if call.target.is_open() || call.method() != Method::Put {
        return generic::handle(world, call);
    }
    let mut body = call.json()?;
    if body["properties"].is_null() {
        body["properties"] = json!({});
    }
    if body["properties"].is_object() {
        body["properties"]["vaultUri"] = Value::from(uri(call.target.name()));
    }
    let request = call.request.clone().with_json(&body);
    generic::handle(world, &call.with_request(&request))
}

fn uri(name: &str) -> String {
    format!("https://{}.vault.azure.net/", name.to_ascii_lowercase())
}

/// The vault with this URI, whose last slash is optional.
pub(crate) fn find_by_uri<'w>(world: &'w World, wanted: &str) -> Option<&'w Resource> {
    let wanted = wanted.trim_end_matches('/').to_ascii_lowercase();
    let mut vaults = world.state.tree("");
    let found = vaults.find(|(_, vault)| {
        let name = vault.text("/name");
        vault.kind == kinds::KEY_VAULT && uri(name).trim_end_matches('/') == wanted
    });
    found.map(|(_, vault)| vault)
}
