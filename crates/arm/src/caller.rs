//! Who the caller is, and the time by Azure's clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use azure_core::{http::Method, time::parse_rfc7231};
use serde_json::Value;

use crate::{client::Client, error::ArmError, headers::DATE, wait::ignore_waits};

/// The caller as described by the claims of the token. The client does not verify the signature: ARM does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Caller {
    /// The object id of the user or service principal (claim `oid`).
    pub object_id: Option<String>,
    /// The tenant (claim `tid`).
    pub tenant: Option<String>,
    /// The name of a user, or the client id of an application.
    pub name: Option<String>,
    /// When the token expires (claim `exp`).
    pub expires_at: Option<SystemTime>,
}

impl Caller {
    fn from_claims(claims: &Value) -> Self {
        let text = |name: &str| claims.get(name)?.as_str().map(str::to_owned);
        let seconds = claims.get("exp").and_then(Value::as_u64);
        Self {
            object_id: text("oid"),
            tenant: text("tid"),
            name: text("upn")
                .or_else(|| text("unique_name"))
                .or_else(|| text("appid"))
                .or_else(|| text("azp")),
            expires_at: seconds.map(|seconds| UNIX_EPOCH + Duration::from_secs(seconds)),
        }
    }
}

/// A response and the time at which Azure sent it.
#[derive(Debug, Clone, PartialEq)]
pub struct TimedResponse {
    /// The body, or null if it is not JSON.
    pub body: Value,
    /// The time by Azure's clock, in whole seconds, from the header `Date`.
    pub date: Option<SystemTime>,
}

impl Client {
    /// Logs in and returns the caller.
    ///
    /// # Errors
    ///
    /// Why each login method failed, as text for the user.
    pub async fn log_in(&self) -> Result<Caller, String> {
        let claims = self.claims().await;
        claims
            .map(|claims| Caller::from_claims(&claims))
            .map_err(|error| error.to_string())
    }

    /// Reads a path and the time.
    ///
    /// # Errors
    ///
    /// Every failure, 404 included, after the retries that the options allow.
    pub async fn get_with_date(
        &self,
        path: &str,
        api_version: &str,
    ) -> Result<TimedResponse, ArmError> {
        let url = self.url(Method::Get, path, api_version, &[])?;
        let response = self.read(&url, path, &ignore_waits).await?;
        let date = response.headers.get_optional_str(&DATE);
        Ok(TimedResponse {
            body: response.json().unwrap_or(Value::Null),
            date: date
                .and_then(|date| parse_rfc7231(date).ok())
                .map(SystemTime::from),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn user_is_shown_by_name_and_application_by_id() {
        let user = Caller::from_claims(
            &json!({ "oid": "o", "tid": "t", "upn": "ada@x", "appid": "cli", "exp": 60 }),
        );
        assert_eq!(user.name.as_deref(), Some("ada@x"));
        assert_eq!(user.expires_at, Some(UNIX_EPOCH + Duration::from_secs(60)));
        let application = Caller::from_claims(&json!({ "appid": "app", "exp": "soon" }));
        assert_eq!(application.name.as_deref(), Some("app"));
        assert_eq!(application.expires_at, None);
        assert_eq!(Caller::from_claims(&Value::Null), Caller::default());
    }
}
