//! The directory (Microsoft Graph): finds out whether principals exist, which ARM does not report.

use crate::{
    backoff::BackoffLimits,
    client::{Client, Content},
    cloud::Endpoints,
    error::{ArmError, ErrorKind},
    options::ClientOptions,
    policy::AuthorizationPolicy,
    wait::ignore_waits,
    well_known::GET_BY_IDS_PATH,
};
use azure_core::{
    Bytes,
    credentials::TokenCredential,
    http::{Method, Transport, Url},
};
use serde_json::{Value, json};
use std::{collections::HashSet, sync::Arc, time::Duration};

/// Maximum number of ids per request (Microsoft docs "directoryObject: getByIds").
const BATCH: usize = 1000;
/// Short, since the result is only advice.
const RETRIES: BackoffLimits = BackoffLimits {
    attempts: 3,
    total: Duration::from_secs(10),
    ..BackoffLimits::TRANSIENT
};

/// A client of the directory of one cloud. It has its own tokens, and neither service receives the tokens of the other.
#[derive(Debug, Clone)]
pub struct Directory {
    client: Client,
    url: Url,
}

impl Directory {
    /// The directory of a cloud, or `None` if the cloud names none.
    pub fn new(
        endpoints: &Endpoints,
        credential: Arc<dyn TokenCredential>,
        transport: Transport,
        options: ClientOptions,
    ) -> Option<Self> {
        let graph = endpoints.graph.clone()?;
        let base = graph.as_str().trim_end_matches('/');
        let scope = format!("{base}/.default");
        let url = Url::parse(&format!("{base}{GET_BY_IDS_PATH}")).ok()?;
        let options = ClientOptions {
            transient: RETRIES,
            ..options
        };
        let client = Client::with_authorization(
            AuthorizationPolicy::new(credential, scope, graph),
            transport,
            options,
        );
        Some(Self { client, url })
    }

    /// Returns those of the object ids that exist, in lowercase. Finds users, groups, applications and devices of this
    /// directory, not those of a partner's directory.
    ///
    /// # Errors
    ///
    /// No token for the directory, and failed requests: the caller needs `Directory.Read.All`, or the permissions that
    /// users have by default.
    pub async fn existing(&self, ids: &[String]) -> Result<HashSet<String>, ArmError> {
        let mut existing = HashSet::new();
        for batch in ids.chunks(BATCH) {
            let query = json!({ "ids": batch }).to_string();
            let mut next = self
                .page(Method::Post, &self.url, Some(query), &mut existing)
                .await?;
            while let Some(url) = next {
                let known = existing.len();
                next = self.page(Method::Get, &url, None, &mut existing).await?;
                if existing.len() == known && next.is_some() {
                    return Err(broken(
                        "The `nextLink` of the page repeats earlier pages, so the list does not end",
                    ));
                }
            }
        }
        Ok(existing)
    }

    /// Adds the ids of a page. Returns the URL of the next page, if there is one.
    async fn page(
        &self,
        method: Method,
        url: &Url,
        query: Option<String>,
        existing: &mut HashSet<String>,
    ) -> Result<Option<Url>, ArmError> {
        let content = Content {
            body: query.map(Bytes::from),
            ..Content::default()
        };
        let response = self
            .client
            .send(method, url, GET_BY_IDS_PATH, content, &ignore_waits)
            .await?;
        let page = response.require_json(method, GET_BY_IDS_PATH)?;
        let items = page
            .get("value")
            .and_then(Value::as_array)
            .ok_or_else(|| broken("The response has no list `value`"))?;
        let ids = items.iter().filter_map(|item| item.get("id")?.as_str());
        existing.extend(ids.map(str::to_lowercase));
        page.get("@odata.nextLink")
            .and_then(Value::as_str)
            .map(|link| {
                Url::parse(link).map_err(|_| broken("The `nextLink` of the page is not a URL"))
            })
            .transpose()
    }
}

fn broken(message: &str) -> ArmError {
    ArmError::new(Method::Post, GET_BY_IDS_PATH, ErrorKind::Protocol, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{FakeTransport, Reply, reply};
    use async_trait::async_trait;
    use azure_core::{
        credentials::{AccessToken, TokenRequestOptions},
        time::OffsetDateTime,
    };

    /// Returns tokens that contain their scope.
    #[derive(Debug)]
    struct ScopedTokens;

    #[async_trait]
    impl TokenCredential for ScopedTokens {
        async fn get_token(
            &self,
            scopes: &[&str],
            _: Option<TokenRequestOptions<'_>>,
        ) -> azure_core::Result<AccessToken> {
            let until = OffsetDateTime::now_utc() + azure_core::time::Duration::hours(1);
            Ok(AccessToken::new(format!("for {}", scopes.join(" ")), until))
        }
    }

    fn endpoints(graph: Option<&str>) -> Endpoints {
        let parse = |url: &str| Url::parse(url).unwrap();
        Endpoints {
            resource_manager: parse("https://management.azure.com/"),
            authority: parse("https://login.microsoftonline.com/"),
            scope: "https://management.azure.com/.default".to_owned(),
            graph: graph.map(parse),
        }
    }

    fn directory(graph: &str, fake: &FakeTransport) -> Directory {
        let options = ClientOptions::default();
        let endpoints = endpoints(Some(graph));
        Directory::new(
            &endpoints,
            Arc::new(ScopedTokens),
            fake.transport(),
            options,
        )
        .unwrap()
    }

    fn id(number: usize) -> String {
        format!("0000000A-0000-4000-8000-{number:012}")
    }

    fn objects(numbers: impl IntoIterator<Item = usize>) -> Reply {
        let objects: Vec<_> = numbers
            .into_iter()
            .map(|number| json!({"id": id(number)}))
            .collect();
        reply(200, &[], json!({ "value": objects }))
    }

    #[tokio::test]
    async fn one_request_looks_up_a_thousand_ids() {
        let fake = FakeTransport::new([objects(0..999), objects([1001])]);
        let ids: Vec<_> = (0..1002).map(id).collect();
        let existing = directory("https://graph.microsoft.com/", &fake)
            .existing(&ids)
            .await
            .unwrap();
        assert_eq!(existing.len(), 1000);
        assert!(existing.contains(&id(1001).to_lowercase()));
        assert!(!existing.contains(&id(999).to_lowercase()));
        let ids_in = |body: &str| serde_json::from_str::<Value>(body).unwrap()["ids"].clone();
        let received = fake.received();
        assert_eq!(received.len(), 2);
        assert_eq!(ids_in(&received[0].body).as_array().unwrap().len(), 1000);
        assert_eq!(ids_in(&received[1].body), json!([id(1000), id(1001)]));
    }

    #[tokio::test]
    async fn no_request_is_sent_without_ids() {
        let fake = FakeTransport::new([]);
        let existing = directory("https://graph.microsoft.com/", &fake)
            .existing(&[])
            .await
            .unwrap();
        assert!(existing.is_empty() && fake.received().is_empty());
        let nowhere = endpoints(None);
        let options = ClientOptions::default();
        assert!(
            Directory::new(&nowhere, Arc::new(ScopedTokens), fake.transport(), options).is_none()
        );
    }

    #[tokio::test]
    async fn each_endpoint_receives_only_its_own_tokens() {
        for (graph, url, scope) in [
            (
                "https://graph.microsoft.us/",
                "https://graph.microsoft.us/v1.0/directoryObjects/getByIds",
                "https://graph.microsoft.us/.default",
            ),
            (
                "https://management.azure.com/graph",
                "https://management.azure.com/graph/v1.0/directoryObjects/getByIds",
                "https://management.azure.com/graph/.default",
            ),
        ] {
            let fake = FakeTransport::new([objects([1])]);
            directory(graph, &fake).existing(&[id(1)]).await.unwrap();
            let [received] = &fake.received()[..] else {
                panic!()
            };
            assert_eq!(received.url.as_str(), url);
            assert_eq!(
                received.header("authorization"),
                Some(format!("Bearer for {scope}").as_str())
            );
        }
    }

    #[tokio::test]
    async fn pages_are_followed_within_the_directory() {
        let page = |number: usize, link: &str| {
            reply(
                200,
                &[],
                json!({"value": [{"id": id(number)}], "@odata.nextLink": link}),
            )
        };
        let next = "https://graph.microsoft.com/v1.0/more";
        let find = async |replies: Vec<Reply>| {
            let fake = FakeTransport::new(replies);
            let directory = directory("https://graph.microsoft.com/", &fake);
            (directory.existing(&[id(1), id(2)]).await, fake.calls())
        };
        let (existing, calls) = find(vec![page(1, next), objects([2])]).await;
        assert_eq!(existing.unwrap().len(), 2);
        assert_eq!(
            calls,
            ["POST /v1.0/directoryObjects/getByIds", "GET /v1.0/more"]
        );
        let (cycle, _) = find(vec![page(1, next), page(1, next), page(1, next)]).await;
        assert_eq!(cycle.unwrap_err().kind, ErrorKind::Protocol);
        let (foreign, calls) = find(vec![page(1, "https://evil.example/more"), objects([2])]).await;
        assert!(foreign.is_err());
        assert_eq!(calls.len(), 1, "no other host receives a token");
    }

    #[tokio::test(start_paused = true)]
    async fn denial_fails_immediately_and_outage_fails_after_three_attempts() {
        let denial = json!({"error": {
            "code": "Authorization_RequestDenied",
            "message": "Insufficient privileges to complete the operation.",
        }});
        let fake = FakeTransport::new([reply(403, &[], denial)]);
        let error = directory("https://graph.microsoft.com/", &fake)
            .existing(&[id(1)])
            .await
            .unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Forbidden { .. }));
        assert_eq!(error.code.as_deref(), Some("Authorization_RequestDenied"));
        assert_eq!(fake.received().len(), 1);

        let fake = FakeTransport::new([503; 9].map(|status| reply(status, &[], Value::Null)));
        let error = directory("https://graph.microsoft.com/", &fake)
            .existing(&[id(1)])
            .await
            .unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable);
        assert_eq!(fake.received().len(), 3);
    }
}
