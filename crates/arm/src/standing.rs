//! How a client stands with Azure: as whom it is logged in, and what time it is there.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use azure_core::{
    http::{Method, headers::HeaderName},
    time::parse_rfc7231,
};
use serde_json::Value;

use crate::{ArmError, Client, Quiet};

const DATE: HeaderName = HeaderName::from_static("date");

/// Who is logged in, as far as the token says it. Nobody checks its signature here: ARM does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Caller {
    /// The object id of user or service principal (claim `oid`).
    pub object_id: Option<String>,
    /// The tenant (claim `tid`).
    pub tenant: Option<String>,
    /// What people know it by: the name of a user, otherwise the client id of an application.
    pub name: Option<String>,
    /// When the token ends (claim `exp`).
    pub ends: Option<SystemTime>,
}

impl Caller {
    fn of(claims: &Value) -> Self {
        let text = |name: &str| claims.get(name)?.as_str().map(str::to_owned);
        let seconds = claims.get("exp").and_then(Value::as_u64);
        Self {
            object_id: text("oid"),
            tenant: text("tid"),
            name: text("upn")
                .or_else(|| text("unique_name"))
                .or_else(|| text("appid"))
                .or_else(|| text("azp")),
            ends: seconds.map(|seconds| UNIX_EPOCH + Duration::from_secs(seconds)),
        }
    }
}

/// An answer and the time at which Azure gave it.
#[derive(Debug, Clone, PartialEq)]
pub struct Dated {
    /// The body; null where there is none.
    pub body: Value,
    /// The time by Azure's clock, to the second, where the answer says it (header `Date`).
    pub date: Option<SystemTime>,
}

impl Client {
    /// Logs in, and says as whom.
    ///
    /// # Errors
    ///
    /// In words why no way to log in worked.
    pub async fn log_in(&self) -> Result<Caller, String> {
        let claims = self.claims().await;
        claims
            .map(|claims| Caller::of(&claims))
            .map_err(|error| error.to_string())
    }

    /// Reads what is at a path, and the time.
    ///
    /// # Errors
    ///
    /// Every refusal, after the retries that the options allow.
    pub async fn get_dated(&self, path: &str, api_version: &str) -> Result<Dated, ArmError> {
        let url = self.url(Method::Get, path, api_version, &[])?;
        let answer = self.send(Method::Get, &url, path, None, &Quiet).await?;
        let date = answer.headers.get_optional_str(&DATE);
        Ok(Dated {
            body: answer.json().unwrap_or_default(),
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
    fn a_user_is_called_by_name_and_an_application_by_its_id() {
        let user = Caller::of(
            &json!({ "oid": "o", "tid": "t", "upn": "ada@x", "appid": "cli", "exp": 60 }),
        );
        assert_eq!(user.name.as_deref(), Some("ada@x"));
        assert_eq!(user.ends, Some(UNIX_EPOCH + Duration::from_secs(60)));
        let application = Caller::of(&json!({ "appid": "app", "exp": "soon" }));
        assert_eq!(application.name.as_deref(), Some("app"));
        assert_eq!(application.ends, None);
        assert_eq!(Caller::of(&Value::Null), Caller::default());
    }
}
