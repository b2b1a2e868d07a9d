//! Access tokens: how they are issued and verified.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::directory::{Caller, TENANT};
use super::reply::ArmError;
use crate::http::Request;
use crate::sim_time::SimTime;

/// The lifetime of a token in seconds.
pub(crate) const LIFETIME: u64 = 3600;
/// The path of Microsoft Graph on the host of the world. The audience of a token for Graph ends with it.
pub(crate) const GRAPH_PATH: &str = "/graph";
/// The number of verified tokens at which the cache is cleared.
const MAX_CACHED: usize = 100;

/// Issues a token to the application: a JWT whose signature proves that a world with this seed issued it.
pub(crate) fn issue(seed: u64, caller: Caller, audience: &str, now: SimTime) -> String {
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
    let content = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header.to_string()),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    let signature = sign(seed, &content);
    format!("{content}.{signature}")
}

/// The `iss` claim of the authority at `host`.
pub(crate) fn issuer(host: &str) -> String {
    format!("{host}/{TENANT}/v2.0")
}

fn sign(seed: u64, content: &str) -> String {
    let namespace = Uuid::new_v5(
        &Uuid::NAMESPACE_URL,
        format!("token signer of world {seed}").as_bytes(),
    );
    URL_SAFE_NO_PAD.encode(Uuid::new_v5(&namespace, content.as_bytes()).as_bytes())
}

/// The claims of a verified token.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Claims {
    /// The object id of the caller.
    #[serde(rename = "oid")]
    pub(crate) principal: String,
    #[serde(rename = "aud")]
    audience: String,
    /// The end of the token's validity in seconds since 1970.
    #[serde(rename = "exp")]
    expires: u64,
}

impl Claims {
    /// Decodes the token if a world with this seed issued it.
    fn verify(token: &str, seed: u64) -> Option<Self> {
        let (content, signature) = token.rsplit_once('.')?;
        if sign(seed, content) != signature {
            return None;
        }
        let (_, claims) = content.split_once('.')?;
        let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
        serde_json::from_slice(&claims).ok()
    }

    /// Whether the token is for Microsoft Graph; otherwise it is for ARM.
    pub(crate) fn is_for_graph(&self) -> bool {
        self.audience.ends_with(GRAPH_PATH)
    }

    /// The object id of the caller if the token is for ARM.
    pub(crate) fn into_arm_principal(self) -> Result<String, ArmError> {
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

/// Verified tokens: clients send many requests with the same one.
#[derive(Clone, Debug, Default)]
pub(crate) struct TokenCache(BTreeMap<String, Claims>);

impl TokenCache {
    /// Verifies the bearer token of the request.
    pub(crate) fn authenticate(
        &mut self,
        seed: u64,
        request: &Request,
        now: SimTime,
    ) -> Result<Claims, ArmError> {
        let denied = |code: &str, message: String, reason: &str| {
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
            return denied(
                "AuthenticationFailed",
                "Authentication failed. The 'Authorization' header is missing.".to_owned(),
                "The authentication failed because of missing 'Authorization' header.",
            );
        };
        let Some(claims) = self.claims(token, seed) else {
            return denied(
                "InvalidAuthenticationToken",
                "The access token is invalid.".to_owned(),
                "The access token is invalid.",
            );
        };
        if claims.expires <= now.unix_seconds() {
            return denied(
                "ExpiredAuthenticationToken",
                format!(
                    "The access token expiry UTC time is earlier than current UTC time '{}'.",
                    now.iso()
                ),
                "The access token has expired.",
            );
        }
        Ok(claims)
    }

    fn claims(&mut self, token: &str, seed: u64) -> Option<Claims> {
        if let Some(claims) = self.0.get(token) {
            return Some(claims.clone());
        }
        let claims = Claims::verify(token, seed)?;
        if self.0.len() == MAX_CACHED {
            self.0.clear();
        }
        self.0.insert(token.to_owned(), claims.clone());
        Some(claims)
    }
}
