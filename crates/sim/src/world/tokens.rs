//! Sign-in: cloud metadata, OpenID discovery, the token endpoint, and the check of bearer tokens.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use url::form_urlencoded;
use uuid::Uuid;

use super::directory::{CALLER_SECRET, Caller, TENANT};
use super::reply::{ArmError, Reply};
use super::{World, graph};
use crate::http::{Method, Request};
use crate::sim_time::SimTime;

/// How long a token lives, in seconds.
const LIFETIME: u64 = 3600;

/// Answers what is no ARM request; `None` for the rest.
pub(crate) fn handle(
    world: &World,
    request: &Request,
    now: SimTime,
) -> Option<Result<Reply, ArmError>> {
    let path = request.path.to_ascii_lowercase();
    let words: Vec<&str> = path.split('/').filter(|word| !word.is_empty()).collect();
    let host = format!("https://{}", request.host());
    let read = request.method.is_read();
    let reply = match words.as_slice() {
        ["metadata", "endpoints"] if read => Ok(Reply::json(200, metadata(request, &host))),
        ["common", "discovery", "instance"] if read => Ok(Reply::json(200, discovery(&host))),
        [tenant, "v2.0", ".well-known", "openid-configuration"] if read => {
            check_tenant(tenant).map(|()| Reply::json(200, openid(&host)))
        }
        [tenant, "oauth2", "v2.0", "token"] if request.method == Method::Post => {
            sign_in(world, request, tenant, now)
        }
        _ => return None,
    };
    Some(reply.or_else(|refusal: SignInError| Ok(refusal.into_reply())))
}

/// What `/metadata/endpoints` tells; an array before api-version 2022-09-01, an object since.
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
        "microsoftGraphResourceId": format!("{host}{}", graph::PATH),
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

fn issuer(host: &str) -> String {
    format!("{host}/{TENANT}/v2.0")
}

/// A refusal in the form of OAuth 2, which Entra uses where ARM does not.
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
    let caller = Caller::of_client(field("client_id")).ok_or_else(|| SignInError {
        status: 400,
        error: "unauthorized_client",
        number: 700_016,
        text: format!(
            "Application with identifier '{}' was not found in the directory '{TENANT}'.",
            field("client_id")
        ),
    })?;
    let asserted = field("client_assertion_type")
        == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        && !field("client_assertion").is_empty();
    if !asserted && field("client_secret") != CALLER_SECRET {
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
            "access_token": issue(world, caller, audience, now),
        }),
    ))
}

/// A token for that application: three base64url parts, of which the last proves that this world made it.
pub(crate) fn issue(world: &World, caller: Caller, audience: &str, now: SimTime) -> String {
    let header = json!({ "typ": "JWT", "alg": "none" });
    let claims = json!({
        "aud": audience,
        "iss": issuer("https://sts.sim"),
        "iat": now.unix_seconds(),
        "nbf": now.unix_seconds(),
        "exp": now.unix_seconds() + LIFETIME,
        "appid": caller.client_id(),
        "oid": caller.object_id(),
        "sub": caller.object_id(),
        "tid": TENANT,
        "ver": "1.0",
    });
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header.to_string()),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    let signature = sign(world, &signed);
    format!("{signed}.{signature}")
}

fn sign(world: &World, signed: &str) -> String {
    let namespace = Uuid::new_v5(
        &Uuid::NAMESPACE_URL,
        format!("token signer of world {}", world.options.seed).as_bytes(),
    );
    URL_SAFE_NO_PAD.encode(Uuid::new_v5(&namespace, signed.as_bytes()).as_bytes())
}

/// What a valid token says.
#[derive(Clone, Debug)]
pub(crate) struct Bearer {
    /// The object id of whoever sent the request.
    pub(crate) principal: String,
    audience: String,
    /// When it ends, in seconds since 1970.
    expires: u64,
}

/// Tokens that were looked into before: whoever has one sends many requests with it.
pub(crate) type Known = BTreeMap<String, Bearer>;

/// So many tokens are kept in mind.
const MOST_KNOWN: usize = 100;

impl Bearer {
    /// Whether the token is for Graph, and not for ARM.
    pub(crate) fn is_for_graph(&self) -> bool {
        self.audience.ends_with(graph::PATH)
    }

    /// The object id, if the token is for ARM.
    pub(crate) fn for_arm(self) -> Result<String, ArmError> {
        if self.is_for_graph() {
            return Err(ArmError::gateway(
                401,
                "InvalidAuthenticationTokenAudience",
                format!(
                    "The access token has been obtained for wrong audience or resource '{}'. It should exactly match with one of the allowed audiences 'https://management.core.windows.net/','https://management.azure.com/'.",
                    self.audience
                ),
            ));
        }
        Ok(self.principal)
    }
}

/// Who sent the request, by its token.
pub(crate) fn authenticate(
    world: &mut World,
    request: &Request,
    now: SimTime,
) -> Result<Bearer, ArmError> {
    let refuse = |code: &str, message: String, reason: &str| {
        Err(ArmError::gateway(401, code, message).header(
            "WWW-Authenticate",
            format!(
                "Bearer authorization_uri=\"https://{}/{TENANT}\", error=\"invalid_token\", error_description=\"{reason}\"",
                request.host()
            ),
        ))
    };
    let Some(token) = request.header("authorization").and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme
            .eq_ignore_ascii_case("bearer")
            .then_some(token.trim())
    }) else {
        return refuse(
            "AuthenticationFailed",
            "Authentication failed. The 'Authorization' header is missing.".to_owned(),
            "The authentication failed because of missing 'Authorization' header.",
        );
    };
    let Some(bearer) = look_into(world, token) else {
        return refuse(
            "InvalidAuthenticationToken",
            "The access token is invalid.".to_owned(),
            "The access token is invalid.",
        );
    };
    if bearer.expires <= now.unix_seconds() {
        return refuse(
            "ExpiredAuthenticationToken",
            format!(
                "The access token expiry UTC time is earlier than current UTC time '{}'.",
                now.iso()
            ),
            "The access token has expired.",
        );
    }
    Ok(bearer)
}

/// What a token says, if this world made it.
fn look_into(world: &mut World, token: &str) -> Option<Bearer> {
    if let Some(bearer) = world.tokens.get(token) {
        return Some(bearer.clone());
    }
    let (signed, signature) = token.rsplit_once('.')?;
    if sign(world, signed) != signature {
        return None;
    }
    let (_, claims) = signed.split_once('.')?;
    let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    let text = |claim: &str| claims[claim].as_str().unwrap_or_default().to_owned();
    let bearer = Bearer {
        principal: text("oid"),
        audience: text("aud"),
        expires: claims["exp"].as_u64().unwrap_or_default(),
    };
    if world.tokens.len() == MOST_KNOWN {
        world.tokens.clear();
    }
    world.tokens.insert(token.to_owned(), bearer.clone());
    Some(bearer)
}
