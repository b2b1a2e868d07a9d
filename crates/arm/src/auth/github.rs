//! The identity token of a GitHub Actions job as a client assertion.

use async_trait::async_trait;
use azure_core::{
    credentials::Secret,
    error::ErrorKind,
    http::{
        ClientMethodOptions, ClientOptions, Context, Method, Pipeline, PipelineSendOptions,
        Request, Url, headers::AUTHORIZATION,
    },
};
use azure_identity::ClientAssertion;
use serde_json::Value;

/// Fetches a new identity token each time: they expire within minutes.
#[derive(Debug)]
pub(super) struct GitHubAssertion {
    url: Url,
    request_token: Secret,
    pipeline: Pipeline,
}

impl GitHubAssertion {
    pub(super) fn new(
        url: &str,
        request_token: Secret,
        audience: &str,
        options: ClientOptions,
    ) -> azure_core::Result<Self> {
        let mut url = Url::parse(url)?;
        url.query_pairs_mut().append_pair("audience", audience);
        let version = Some(env!("CARGO_PKG_VERSION"));
        let pipeline = Pipeline::new(
            Some("lazuli"),
            version,
            options,
            Vec::new(),
            Vec::new(),
            None,
        );
        Ok(Self {
            url,
            request_token,
            pipeline,
        })
    }
}

#[async_trait]
impl ClientAssertion for GitHubAssertion {
    async fn secret(&self, options: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        let mut request = Request::new(self.url.clone(), Method::Get);
        request.insert_header(
            AUTHORIZATION,
            format!("Bearer {}", self.request_token.secret()),
        );
        let without_checks = PipelineSendOptions {
            skip_checks: true,
            ..Default::default()
        };
        let context = options.map_or_else(Context::new, |options| options.context);
        let response = self
            .pipeline
            .send(&context, &mut request, Some(without_checks))
            .await?;
        let failed = |what: String| azure_core::Error::with_message(ErrorKind::Credential, what);
        if !response.status().is_success() {
            let status = u16::from(response.status());
            return Err(failed(format!(
                "GitHub returned {status} to the request for an identity token"
            )));
        }
        let document: Value = serde_json::from_slice(response.body()).map_err(|_| {
            failed("GitHub's response with the identity token is not JSON".to_owned())
        })?;
        document
            .get("value")
            .and_then(Value::as_str)
            .map(str::to_owned)
            .ok_or_else(|| failed("GitHub's response has no identity token".to_owned()))
    }
}
