//! Clouds: the public one, the national ones, and any other Resource Manager by its URL.

use crate::{
    error::{ArmError, ErrorKind},
    well_known::{METADATA_API_VERSION, METADATA_PATH},
};
use azure_core::http::{Context, Method, Request, Transport, Url, headers::ACCEPT};
use serde_json::Value;
use std::str::FromStr;

/// A cloud by name, or by the URL of its Resource Manager.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cloud {
    /// Public Azure.
    Public,
    /// Azure Government.
    UsGov,
    /// Azure operated by 21Vianet.
    China,
    /// Another cloud, described by its metadata: see [`discover`].
    Url(Url),
}

/// The text is neither the name of a cloud nor an HTTPS URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a valid cloud: use public, usgov, china, or the https:// URL of a Resource Manager"
)]
pub struct InvalidCloud(String);

/// The endpoints of a cloud, and the scope of its tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// Base URL of Azure Resource Manager.
    pub resource_manager: Url,
    /// Base URL of Microsoft Entra ID.
    pub authority: Url,
    /// The OAuth scope of tokens for Resource Manager.
    pub scope: String,
    /// Base URL of Microsoft Graph, or `None` if the cloud names none.
    pub graph: Option<Url>,
}

impl Cloud {
    /// Parses `public`, `usgov`, `china` or an `https://` URL.
    ///
    /// # Errors
    ///
    /// Any other text, such as a URL without TLS or with a user, query or fragment.
    pub fn parse(text: &str) -> Result<Self, InvalidCloud> {
        match text.to_ascii_lowercase().as_str() {
            "public" => return Ok(Self::Public),
            "usgov" => return Ok(Self::UsGov),
            "china" => return Ok(Self::China),
            _ => {}
        }
        let url = Url::parse(text).map_err(|_| InvalidCloud(text.to_owned()))?;
        let has_only_base = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if url.scheme() != "https" || !has_only_base {
            return Err(InvalidCloud(text.to_owned()));
        }
        Ok(Self::Url(url))
    }

    /// The endpoints of a cloud. Requests those of [`Cloud::Url`] over `transport`.
    ///
    /// # Errors
    ///
    /// As [`discover`].
    pub async fn endpoints(&self, transport: &Transport) -> Result<Endpoints, ArmError> {
        // The hosts of Graph: Microsoft docs "Microsoft Graph national cloud deployments".
        let (resource_manager, authority, graph) = match self {
            Self::Url(url) => return discover(url, transport).await,
            Self::Public => (
                "https://management.azure.com/",
                "https://login.microsoftonline.com/",
                "https://graph.microsoft.com/",
            ),
            Self::UsGov => (
                "https://management.usgovcloudapi.net/",
                "https://login.microsoftonline.us/",
                "https://graph.microsoft.us/",
            ),
            Self::China => (
                "https://management.chinacloudapi.cn/",
                "https://login.chinacloudapi.cn/",
                "https://microsoftgraph.chinacloudapi.cn/",
            ),
        };
        let parse =
            |url: &str| Url::parse(url).map_err(|_| broken("A built-in endpoint is not a URL"));
        Ok(Endpoints {
            resource_manager: parse(resource_manager)?,
            authority: parse(authority)?,
            scope: format!("{resource_manager}.default"),
            graph: Some(parse(graph)?),
        })
    }
}

impl FromStr for Cloud {
    type Err = InvalidCloud;

    fn from_str(text: &str) -> Result<Self, InvalidCloud> {
        Self::parse(text)
    }
}

/// Requests authority and audience of the Resource Manager at `url`.
///
/// # Errors
///
/// Network and TLS failures, and metadata that has no usable authority or audience.
pub async fn discover(url: &Url, transport: &Transport) -> Result<Endpoints, ArmError> {
    let mut metadata = url.clone();
    metadata.set_path(&format!(
        "{}{METADATA_PATH}",
        url.path().trim_end_matches('/')
    ));
    metadata.set_query(Some(&format!("api-version={METADATA_API_VERSION}")));
    let mut request = Request::new(metadata, Method::Get);
    request.insert_header(ACCEPT, "application/json");

    let failed =
        |error: azure_core::Error| ArmError::from_transport(Method::Get, METADATA_PATH, &error);
    let response = transport
        .send(&Context::new(), &mut request)
        .await
        .map_err(failed)?;
    let response = response.try_into_raw_response().await.map_err(failed)?;
    let (status, headers, body) = response.deconstruct();
    if !status.is_success() {
        return Err(ArmError::from_response(
            Method::Get,
            METADATA_PATH,
            status.into(),
            &headers,
            &body,
        ));
    }
    let document: Value = serde_json::from_slice(&body).map_err(|_| {
        broken(
            "The cloud metadata is not JSON: check that the URL is the one of a Resource Manager",
        )
    })?;
    read_metadata(url, &document)
}

fn read_metadata(url: &Url, document: &Value) -> Result<Endpoints, ArmError> {
    let clouds = match document {
        Value::Array(clouds) => clouds.as_slice(),
        one => std::slice::from_ref(one),
    };
    let has_this_url = |cloud: &&Value| {
        let manager = cloud.get("resourceManager").and_then(Value::as_str);
        manager
            .and_then(|text| Url::parse(text).ok())
            .is_some_and(|manager| manager.host() == url.host())
    };
    let cloud = match clouds {
        [only] => only,
        several => several
            .iter()
            .find(has_this_url)
            .ok_or_else(|| broken("The cloud metadata has no cloud with this URL"))?,
    };
    let authentication = cloud
        .get("authentication")
        .ok_or_else(|| broken("The cloud metadata has no `authentication`"))?;
    if authentication
        .get("identityProvider")
        .and_then(Value::as_str)
        .is_some_and(|name| name.eq_ignore_ascii_case("ADFS"))
    {
        return Err(broken(
            "The cloud uses AD FS, which is not supported: use a cloud with Microsoft Entra ID",
        ));
    }
    let authority = authentication
        .get("loginEndpoint")
        .and_then(Value::as_str)
        .and_then(|text| Url::parse(text).ok())
        .filter(|url| url.scheme() == "https")
        .ok_or_else(|| {
            broken("The cloud metadata has no HTTPS URL in `authentication.loginEndpoint`")
        })?;
    let audiences: Vec<&str> = authentication
        .get("audiences")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let audience = audiences
        .iter()
        .find(|audience| Url::parse(audience).is_ok_and(|audience| audience.host() == url.host()))
        .or(audiences.first())
        .ok_or_else(|| broken("The cloud metadata has no `authentication.audiences`"))?;
    let graph = cloud
        .get("microsoftGraphResourceId")
        .and_then(Value::as_str)
        .and_then(|text| Url::parse(text).ok())
        .filter(|url| url.scheme() == "https");
    Ok(Endpoints {
        resource_manager: url.clone(),
        authority,
        graph,
        // A scope is the audience and `/.default`; ARM accepts `https://host/` and `https://host`.
        scope: format!("{}/.default", audience.trim_end_matches('/')),
    })
}

fn broken(message: &str) -> ArmError {
    ArmError::new(Method::Get, METADATA_PATH, ErrorKind::Protocol, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{FakeTransport, reply};
    use serde_json::json;

    fn sim() -> Url {
        Url::parse("https://localhost:8443/").unwrap()
    }

    #[test]
    fn names_and_urls_are_parsed() {
        assert_eq!(Cloud::parse("USGov"), Ok(Cloud::UsGov));
        assert_eq!(
            Cloud::parse("https://localhost:8443"),
            Ok(Cloud::Url(sim()))
        );
        for text in [
            "",
            "azure",
            "http://localhost",
            "https://u:p@h",
            "https://h?x",
            "ftp://h",
        ] {
            assert!(Cloud::parse(text).is_err(), "{text}");
        }
    }

    #[tokio::test]
    async fn metadata_is_an_object_or_an_array() {
        let one = json!({"authentication": {"loginEndpoint": "https://login.local", "audiences": ["https://arm.local/", "https://localhost:8443"]}, "resourceManager": "https://localhost:8443"});
        let other = json!({"authentication": {"loginEndpoint": "https://login.other", "audiences": ["x"]}, "resourceManager": "https://other"});
        for body in [one.clone(), json!([one.clone()]), json!([other, one])] {
            let fake = FakeTransport::new([reply(200, &[], body)]);
            let endpoints = discover(&sim(), &fake.transport()).await.unwrap();
            assert_eq!(endpoints.authority.as_str(), "https://login.local/");
            assert_eq!(endpoints.scope, "https://localhost:8443/.default");
            assert_eq!(endpoints.resource_manager, sim());
            assert_eq!(
                fake.urls(),
                ["https://localhost:8443/metadata/endpoints?api-version=2022-09-01"]
            );
        }
    }

    #[tokio::test]
    async fn directory_of_a_cloud_is_optional() {
        let graph = async |value: Value| {
            let body = json!({
                "authentication": {"loginEndpoint": "https://login.local", "audiences": ["x"]},
                "microsoftGraphResourceId": value,
            });
            let fake = FakeTransport::new([reply(200, &[], body)]);
            let endpoints = discover(&sim(), &fake.transport()).await.unwrap();
            endpoints.graph.map(String::from)
        };
        let there = json!("https://localhost:8443/graph");
        assert_eq!(graph(there.clone()).await.as_deref(), there.as_str());
        for none in [Value::Null, json!(""), json!("http://localhost/graph")] {
            assert_eq!(graph(none.clone()).await, None, "{none}");
        }
        let transport = FakeTransport::new([]).transport();
        for (cloud, host) in [
            (Cloud::Public, "graph.microsoft.com"),
            (Cloud::UsGov, "graph.microsoft.us"),
            (Cloud::China, "microsoftgraph.chinacloudapi.cn"),
        ] {
            let graph = cloud.endpoints(&transport).await.unwrap().graph.unwrap();
            assert_eq!(graph.host_str(), Some(host));
        }
    }

    #[tokio::test]
    async fn errors_name_what_the_metadata_lacks() {
        for (body, words) in [
            (json!({}), "`authentication`"),
            (
                json!({"authentication": {"loginEndpoint": "http://x", "audiences": ["a"]}}),
                "loginEndpoint",
            ),
            (
                json!({"authentication": {"loginEndpoint": "https://x", "audiences": []}}),
                "audiences",
            ),
            (
                json!({"authentication": {"loginEndpoint": "https://x/adfs", "identityProvider": "ADFS", "audiences": ["a"]}}),
                "AD FS",
            ),
            (json!([]), "no cloud"),
        ] {
            let fake = FakeTransport::new([reply(200, &[], body)]);
            let error = discover(&sim(), &fake.transport()).await.unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
        }
        let fake = FakeTransport::new([reply(404, &[], json!(null))]);
        assert_eq!(
            discover(&sim(), &fake.transport())
                .await
                .unwrap_err()
                .status,
            Some(404)
        );
    }
}
