//! Checks a plan before it is executed, and registers resource providers.

use std::time::Duration;

use futures::{StreamExt, stream};
use lazuli_arm::{ArmError, Client, ignore_waits};
use lazuli_core::{
    arm::types::{
        DENY_ASSIGNMENT, PERMISSIONS, POLICY_ASSIGNMENT, POLICY_DEFINITIONS_VERSION,
        POLICY_EXEMPTION, POLICY_RESTRICTIONS, PROVIDERS_VERSION, ROLE_ASSIGNMENT,
        ROLE_ELIGIBILITY,
    },
    arm::{ArmId, ArmType},
    facts::CreationRequest,
    kind::Registry,
    plan::Plan,
    preflight::{Answer, Answers, Finding, Question, findings, list_further_questions, questions},
};
use serde_json::Value as Json;
use tokio::time::{Instant, sleep};

/// The number of questions that are in flight or queued at once. The client limits the number of requests.
const CONCURRENCY: usize = 256;
/// The interval between polls of a registration.
const POLL_INTERVAL: Duration = Duration::from_secs(5);
/// How long to wait for a registration. Most take a minute or two.
const TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// Finds what Azure is known to reject of a plan. Sends no request for a plan without steps. A question that Azure does not
/// answer is a finding too.
pub async fn preflight(client: &Client, plan: &Plan, registry: Registry) -> Vec<Finding> {
    let mut answers = Answers::default();
    let mut open = questions(plan, registry);
    if open.is_empty() {
        return Vec::new();
    }
    let caller = client.caller().await;
    while !open.is_empty() {
        let received: Vec<_> = stream::iter(&open)
            .map(|question| ask(client, question, caller.as_deref()))
            .buffered(CONCURRENCY)
            .collect()
            .await;
        for (question, answer) in open.into_iter().zip(received) {
            answers.insert(question, answer);
        }
        open = list_further_questions(plan, &answers, registry);
    }
    findings(plan, &answers, caller.as_deref(), registry)
}

async fn ask(client: &Client, question: &Question, caller: Option<&str>) -> Answer {
    let list = async |at: &ArmId, arm_type: ArmType, filter: Option<String>| {
        list(
            client,
            &at.collection(&arm_type),
            &arm_type.api_version,
            filter,
        )
        .await
    };
    let at_scope = "atScope()".to_owned();
    let answer = match question {
        Question::Creation(question) => {
            let (path, api_version) = (&question.path, question.api_version);
            match &question.request {
                CreationRequest::Get => client.get(path, api_version, &ignore_waits).await,
                CreationRequest::List => self::list(client, path, api_version, None).await,
                CreationRequest::Post(body) => {
                    let sent = client
                        .post(path, api_version, Some(body), &ignore_waits)
                        .await;
                    sent.map(|done| done.result)
                }
            }
        }
        Question::Registration {
            subscription,
            namespace,
        } => {
            let path = format!("{subscription}/providers/{namespace}");
            client.get(&path, PROVIDERS_VERSION, &ignore_waits).await
        }
        Question::Permissions(scope) => list(scope, PERMISSIONS, None).await,
        Question::Denials(scope) => list(scope, DENY_ASSIGNMENT, Some(at_scope)).await,
        Question::Eligibilities(scope) => {
            let own = Some("asTarget()".to_owned());
            list(scope, ROLE_ELIGIBILITY, own).await
        }
        Question::CallerRoles(scope) => match caller {
            Some(caller) => {
                let own = Some(format!("assignedTo('{caller}')"));
                list(scope, ROLE_ASSIGNMENT, own).await
            }
            None => Ok(None),
        },
        Question::Policies(scope) => list(scope, POLICY_ASSIGNMENT, None).await,
        Question::Restrictions { at, proposal } => {
            let path = at.collection(&POLICY_RESTRICTIONS);
            let body = proposal.body();
            let sent = client
                .post(
                    &path,
                    &POLICY_RESTRICTIONS.api_version,
                    Some(&body),
                    &ignore_waits,
                )
                .await;
            sent.map(|done| done.result)
        }
        Question::PolicyExemptions(scope) => list(scope, POLICY_EXEMPTION, None).await,
        Question::PolicyDefinition(id) => {
            client
                .get(id.as_str(), POLICY_DEFINITIONS_VERSION, &ignore_waits)
                .await
        }
    };
    match answer {
        Ok(Some(body)) => Answer::Response(body),
        Ok(None) => Answer::NotFound,
        Err(error) => Answer::Unknown(error.code.clone().unwrap_or_else(|| error.message.clone())),
    }
}

async fn list(
    client: &Client,
    path: &str,
    api_version: &str,
    filter: Option<String>,
) -> Result<Option<Json>, ArmError> {
    let query: Vec<_> = filter
        .iter()
        .map(|filter| ("$filter", filter.as_str()))
        .collect();
    let mut items = Vec::new();
    let listing = client
        .list(
            path,
            api_version,
            &query,
            &mut |item| items.push(item),
            &ignore_waits,
        )
        .await?;
    Ok(listing.found.then_some(Json::Array(items)))
}

/// Registers a resource provider in a subscription, and waits until it is registered.
///
/// # Errors
/// A failed request, or the last state if the provider is not registered within 15 minutes.
pub async fn register(
    client: &Client,
    subscription: &ArmId,
    namespace: &str,
) -> Result<(), RegistrationError> {
    let path = format!("{subscription}/providers/{namespace}");
    let action = format!("{path}/register");
    client
        .post(&action, PROVIDERS_VERSION, None, &ignore_waits)
        .await?;
    let started = Instant::now();
    loop {
        let provider = client.get(&path, PROVIDERS_VERSION, &ignore_waits).await?;
        let state = provider
            .as_ref()
            .and_then(|provider| provider.get("registrationState")?.as_str());
        if state.is_some_and(|state| state.eq_ignore_ascii_case("Registered")) {
            return Ok(());
        }
        if started.elapsed() + POLL_INTERVAL > TIMEOUT {
            return Err(RegistrationError::TooSlow {
                namespace: namespace.to_owned(),
                state: state.unwrap_or("unknown").to_owned(),
            });
        }
        sleep(POLL_INTERVAL).await;
    }
}

/// Why a provider is not registered.
#[derive(Debug, thiserror::Error)]
pub enum RegistrationError {
    /// A request failed.
    #[error(transparent)]
    Failed(#[from] ArmError),
    /// The registration takes too long.
    #[error("{namespace} is still in state {state} after 15 minutes")]
    TooSlow {
        /// The provider.
        namespace: String,
        /// Its state.
        state: String,
    },
}
