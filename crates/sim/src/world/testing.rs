//! A test bench that sends requests to a world.

use serde_json::{Value, json};

use super::{Caller, SUBSCRIPTION, World, WorldOptions};
use crate::http::{Method, Request, Response};
use crate::sim_time::SimTime;

pub(crate) struct Bench {
    pub(crate) world: World,
    pub(crate) now: SimTime,
    pub(crate) caller: Caller,
}

pub(crate) const RG: &str = "/subscriptions/00000000-0000-0000-0000-0000000a2c05/resourceGroups/rg";

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with_options(WorldOptions::default())
    }

    pub(crate) fn with_options(options: WorldOptions) -> Self {
        assert!(RG.contains(SUBSCRIPTION));
        Self {
            world: World::new(options),
            now: SimTime::EPOCH,
            caller: Caller::Owner,
        }
    }

    /// A bench with the resource group `rg` in westeurope.
    pub(crate) fn with_group() -> Self {
        let mut bench = Self::new();
        bench.put(RG, &json!({ "location": "westeurope" }));
        bench
    }

    pub(crate) fn wait(&mut self, seconds: u64) {
        self.now = self.now.plus(seconds * 1000);
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> Request {
        let separator = if path.contains('?') { '&' } else { '?' };
        Request::new(method, &format!("{path}{separator}api-version=2024-01-01"))
            .with_bearer(&self.world.token(self.caller, self.now))
    }

    pub(crate) fn send(&mut self, request: &Request) -> Response {
        self.world.handle(request, self.now)
    }

    pub(crate) fn get(&mut self, path: &str) -> Response {
        let request = self.request(Method::Get, path);
        self.send(&request)
    }

    pub(crate) fn delete(&mut self, path: &str) -> Response {
        let request = self.request(Method::Delete, path);
        self.send(&request)
    }

    pub(crate) fn put(&mut self, path: &str, body: &Value) -> Response {
        let request = self.request(Method::Put, path).with_json(body);
        self.send(&request)
    }

    pub(crate) fn patch(&mut self, path: &str, body: &Value) -> Response {
        let request = self.request(Method::Patch, path).with_json(body);
        self.send(&request)
    }

    pub(crate) fn post(&mut self, path: &str, body: &Value) -> Response {
        let request = self.request(Method::Post, path).with_json(body);
        self.send(&request)
    }

    /// Sends a GET to an absolute URL from a response.
    pub(crate) fn follow(&mut self, url: &str) -> Response {
        let path = url.trim_start_matches("https://management.azure.com");
        let request =
            Request::new(Method::Get, path).with_bearer(&self.world.token(self.caller, self.now));
        self.send(&request)
    }

    /// Creates an identity in `rg` and returns its id and principal.
    pub(crate) fn identity(&mut self, name: &str) -> (String, String) {
        let id = format!("{RG}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}");
        let created = self.put(&id, &json!({ "location": "westeurope" })).json();
        let principal = created["properties"]["principalId"].as_str().unwrap();
        (id, principal.to_owned())
    }

    /// Creates a storage account in `rg`, waits for it, and returns its id.
    pub(crate) fn storage(&mut self, name: &str) -> String {
        let id = format!("{RG}/providers/Microsoft.Storage/storageAccounts/{name}");
        let body = json!({ "location": "westeurope", "kind": "StorageV2", "sku": { "name": "Standard_LRS" } });
        assert_eq!(self.put(&id, &body).status, 202);
        self.wait(30);
        id
    }

    /// Assigns a role to a service principal; `number` is part of the name of the role assignment.
    pub(crate) fn grant(
        &mut self,
        scope: &str,
        role: &str,
        principal: &str,
        number: u32,
    ) -> Response {
        let name = format!("00000000-0000-0000-0001-{number:012}");
        let path = format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{name}");
        self.put(
            &path,
            &json!({ "properties": {
                "principalId": principal,
                "principalType": "ServicePrincipal",
                "roleDefinitionId": format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{role}"),
            }}),
        )
    }
}

/// Status and error code of a response. The code of a success is empty.
pub(crate) fn outcome(response: &Response) -> (u16, String) {
    let body = response.json();
    let code = body["error"]["code"].as_str().unwrap_or("");
    (response.status, code.to_owned())
}
