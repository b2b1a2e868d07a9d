//! Sign-in: cloud metadata, OpenID discovery and the token endpoint.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use url::form_urlencoded;

use super::directory::{CALLER_SECRET, Caller, TENANT};
use super::model::World;
use super::reply::{ArmError, Reply};
use super::tokens::{GRAPH_PATH, LIFETIME, issue, issuer};
use crate::http::{Method, Request};
use crate::sim_time::SimTime;

/// Handles requests for sign-in; returns `None` for all others.
pub(crate) fn handle(
    world: &World,
    request: &Request,
    now: SimTime,
) -> Option<Result<Reply, ArmError>> {
    let path = request.path.to_ascii_lowercase();
    let words: Vec<&str> = path.split('/').filter(|word| !word.is_empty()).collect();
    let host = format!("https://{}", request.host());
    let is_read = request.method.is_read();
    let reply = match words.as_slice() {
        ["metadata", "endpoints"] if is_read => Ok(Reply::json(200, metadata(request, &host))),
        ["common", "discovery", "instance"] if is_read => Ok(Reply::json(200, discovery(&host))),
        [tenant, "v2.0", ".well-known", "openid-configuration"] if is_read => {
            check_tenant(tenant).map(|()| Reply::json(200, openid(&host)))
        }
        [tenant, "oauth2", "v2.0", "token"] if request.method == Method::Post => {
            sign_in(world, request, tenant, now)
        }
        _ => return None,
    };
    Some(reply.or_else(|error: SignInError| Ok(error.into_reply())))
}

/// The body of `/metadata/endpoints`: an array before api-version 2022-09-01, an object since then.
fn metadata(request: &Request, host: &str) -> Value {
    let cloud = json!({
        "name": "LazuliSimulator",
        "portal": host,
        "authentication": {
            "loginEndpoint": host,
            "audiences": [host, "https://management.core.windows.net/", "https://management.azure.com/"],
            "tenant": TENANT,
            "identityProvider": "AAD",
        },
        "resourceManager": format!("{host}/"),
        "media": host,
        "graphAudience": host,
        "graph": host,
        "microsoftGraphResourceId": format!("{host}{}", GRAPH_PATH),
        "suffixes": {
            "storage": "core.windows.net",
            "keyVaultDns": "vault.azure.net",
        },
    });
    match request.query("api-version") {
        Some(version) if version < "2022-09-01" => json!([cloud]),
        _ => cloud,
    }
}

fn discovery(host: &str) -> Value {
    json!({
        "tenant_discovery_endpoint": format!("{host}/{TENANT}/v2.0/.well-known/openid-configuration"),
        "api-version": "1.1",
        "metadata": [{
            "preferred_network": host.trim_start_matches("https://"),
            "preferred_cache": host.trim_start_matches("https://"),
            "aliases": [host.trim_start_matches("https://")],
        }],
    })
}

fn openid(host: &str) -> Value {
    json!({
        "token_endpoint": format!("{host}/{TENANT}/oauth2/v2.0/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
        "jwks_uri": format!("{host}/{TENANT}/discovery/v2.0/keys"),
        "response_types_supported": ["code", "id_token", "token"],
        "scopes_supported": ["openid"],
        "issuer": issuer(host),
        "authorization_endpoint": format!("{host}/{TENANT}/oauth2/v2.0/authorize"),
        "tenant_region_scope": Value::Null,
        "cloud_instance_name": host.trim_start_matches("https://"),
    })
}

/// An error in the format of OAuth 2, which Entra uses instead of ARM's format.
struct SignInError {
    status: u16,
    error: &'static str,
    number: u32,
    text: String,
}

impl SignInError {
    fn into_reply(self) -> Reply {
        let description = format!("AADSTS{}: {}", self.number, self.text);
        let body = json!({
            "error": self.error,
            "error_description": description,
            "error_codes": [self.number],
        });
        Reply::json(self.status, body)
    }
}

fn check_tenant(tenant: &str) -> Result<(), SignInError> {
    if tenant.eq_ignore_ascii_case(TENANT) {
        return Ok(());
    }
    Err(SignInError {
        status: 400,
        error: "invalid_request",
        number: 90002,
        text: format!(
            "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud."
        ),
    })
}

fn sign_in(
    world: &World,
    request: &Request,
    tenant: &str,
    now: SimTime,
) -> Result<Reply, SignInError> {
    check_tenant(tenant)?;
    let form: BTreeMap<String, String> =
        form_urlencoded::parse(&request.body).into_owned().collect();
    // Entra treats a missing field like an empty one.
    let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    if field("grant_type") != "client_credentials" {
        return Err(SignInError {
            status: 400,
            error: "unsupported_grant_type",
            number: 70003,
            text: format!(
                "The app requested an unsupported grant type '{}'.",
                field("grant_type")
            ),
        });
    }
    let caller = Caller::from_client_id(field("client_id")).ok_or_else(|| SignInError {
        status: 400,
        error: "unauthorized_client",
        number: 700_016,
        text: format!(
            "Application with identifier '{}' was not found in the directory '{TENANT}'.",
            field("client_id")
        ),
    })?;
    let has_assertion = field("client_assertion_type")
        == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        && !field("client_assertion").is_empty();
    if !has_assertion && field("client_secret") != CALLER_SECRET {
        return Err(SignInError {
            status: 401,
            error: "invalid_client",
            number: 7_000_215,
            text: format!(
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{}'.",
                caller.client_id()
            ),
        });
    }
    let audience = field("scope").trim_end_matches("/.default");
    Ok(Reply::json(
        200,
        json!({
            "token_type": "Bearer",
            "expires_in": LIFETIME,
            "ext_expires_in": LIFETIME,
            "access_token": issue(world.options.seed, caller, audience, now),
        }),
    ))
}
