//! Sends a plan: everything that is ready at once, waits and retries, fills holes. It never decides what to change.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashMap},
    time::{Duration, SystemTime},
};

use futures::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use lazuli_arm::{ArmError, Client, Progress, Quiet, WriteResult};
use lazuli_core::{
    arm::ArmId,
    graph::NodeKey,
    live::LiveGrant,
    plan::{Action, CallTarget, Method, Plan, Step, StepId},
    value::{Output, Value},
};
use serde_json::Value as Json;
use tokio::{sync::watch, time::Instant};
use tracing::Instrument as _;

use crate::{
    patience::{Bounds, Waits},
    report::{Failure, Outcome, Report},
};

/// Told what happens while it happens.
pub trait Events: Sync {
    /// A step begins.
    fn started(&self, _step: &Step) {}
    /// A step waits before it is tried again.
    fn retrying(&self, _step: &Step, _why: &str, _wait: Duration) {}
    /// Azure is working on a step.
    fn polling(&self, _step: &Step, _status: &str, _wait: Duration) {}
    /// The run was asked to stop: no further step begins, what is in flight is finished.
    fn stopping(&self) {}
    /// A step ended.
    fn ended(&self, _step: &Step, _outcome: &Outcome) {}
}

/// Tells nobody.
pub struct Silent;

impl Events for Silent {}

/// How a plan is executed.
pub struct Execution<'a> {
    /// The client to send with.
    pub client: &'a Client,
    /// How many steps are under way at once.
    pub at_once: usize,
    /// How long refusals that pass by themselves are waited out.
    pub bounds: Bounds,
    /// The time of day, to tell how old a grant is.
    pub now: &'a (dyn Fn() -> SystemTime + Sync),
    /// Becomes true when no further step shall begin; what is in flight is finished.
    pub stop: watch::Receiver<bool>,
    /// Told what happens.
    pub events: &'a dyn Events,
}

/// Executes a plan. A failed step blocks those that wait for it and no others.
pub async fn execute(plan: &Plan, execution: Execution<'_>) -> Report {
    let mut run = Run::new(plan, &execution);
    let mut stop = execution.stop.clone();
    let mut stopped = *stop.borrow();
    let mut running: FuturesUnordered<BoxFuture<'_, Ended>> = FuturesUnordered::new();
    loop {
        while !stopped && running.len() < execution.at_once {
            let Some((_, Reverse(next))) = run.ready.pop_last() else {
                break;
            };
            running.extend(run.begin(next));
        }
        tokio::select! {
            ended = running.next() => match ended {
                Some(ended) => run.end(ended),
                None => break,
            },
            changed = stop.changed(), if !stopped => {
                stopped = changed.is_err() || *stop.borrow();
                if stopped {
                    execution.events.stopping();
                }
            }
        }
    }
    Report {
        outcomes: run
            .outcomes
            .into_iter()
            .map(|outcome| outcome.unwrap_or(Outcome::NotBegun))
            .collect(),
        stopped,
    }
}

struct Run<'a> {
    plan: &'a Plan,
    execution: &'a Execution<'a>,
    /// How many steps each step still waits for.
    missing: Vec<usize>,
    /// Which steps wait for each step.
    dependents: Vec<Vec<StepId>>,
    /// Those that nothing is waited for any more; of which the longest chain hangs, last.
    ready: BTreeSet<Ready>,
    /// How many steps follow one another behind each step.
    behind: Vec<usize>,
    outcomes: Vec<Option<Outcome>>,
    done_at: HashMap<StepId, Instant>,
    outputs: HashMap<&'a NodeKey, Json>,
}

/// A step that can begin: ordered by what hangs on it, the first of the plan last.
type Ready = (usize, Reverse<StepId>);

struct Ended {
    step: StepId,
    took: Duration,
    result: Result<Ending, Failure>,
}

/// How a step that was sent ended.
#[derive(Default)]
struct Ending {
    /// What Azure filled in, where others need it.
    body: Option<Json>,
    /// The grant that was there before.
    already_there: Option<ArmId>,
}

impl<'a> Run<'a> {
    fn new(plan: &'a Plan, execution: &'a Execution<'a>) -> Self {
        let mut dependents = vec![Vec::new(); plan.steps.len()];
        for step in &plan.steps {
            for before in &step.after {
                if let Some(dependents) = dependents.get_mut(before.0) {
                    dependents.push(step.id);
                }
            }
        }
        let behind = longest_chains(plan, &dependents);
        let first = plan.steps.iter().filter(|step| step.after.is_empty());
        let hangs = |id: StepId| behind.get(id.0).copied().unwrap_or_default();
        Self {
            plan,
            execution,
            missing: plan.steps.iter().map(|step| step.after.len()).collect(),
            dependents,
            ready: first
                .map(|step| (hangs(step.id), Reverse(step.id)))
                .collect(),
            behind,
            outcomes: vec![None; plan.steps.len()],
            done_at: HashMap::new(),
            outputs: HashMap::new(),
        }
    }

    fn begin(&mut self, id: StepId) -> Option<BoxFuture<'a, Ended>> {
        let step = self.plan.steps.get(id.0)?;
        match self.finish_call(step) {
            Ok((target, body)) => Some(Box::pin(self.send(step, target, body))),
            Err(missing) => {
                self.settle(step, Outcome::Failed(Failure::MissingOutput(missing)));
                None
            }
        }
    }

    fn output(&self, output: &Output) -> Option<Json> {
        self.outputs
            .get(&output.of)
            .and_then(|body| output.find(body))
            .cloned()
    }

    /// The call with every hole filled.
    fn finish_call(&self, step: &Step) -> Result<(ArmId, Json), Box<Output>> {
        let find = |output: &Output| self.output(output);
        let target = step.call.target.resolve(&find)?;
        let body = step
            .call
            .body
            .fill(&find)
            .to_json()
            .map_err(|missing| Box::new(missing.clone()))?;
        Ok((target, body))
    }

    fn send(
        &self,
        step: &'a Step,
        target: ArmId,
        body: Json,
    ) -> impl Future<Output = Ended> + Send + use<'a> {
        let execution = self.execution;
        let principal = |value: &Value| {
            value
                .fill(&|output| self.output(output))
                .as_str()
                .map(str::to_owned)
        };
        let waits = Waits::new(
            &step.retry_causes,
            execution.bounds,
            &self.done_at,
            (execution.now)(),
            principal,
        );
        let span = tracing::info_span!("step", name = %step.subject.key, action = %step.action);
        let sent = async move {
            let began = Instant::now();
            execution.events.started(step);
            let result = carry_out(execution, step, &waits, &target, &body).await;
            Ended {
                step: step.id,
                took: began.elapsed(),
                result: result.map_err(Failure::from),
            }
        };
        sent.instrument(span)
    }

    fn end(&mut self, ended: Ended) {
        let Some(step) = self.plan.steps.get(ended.step.0) else {
            return;
        };
        let outcome = match ended.result {
            Ok(ending) => {
                self.done_at.insert(step.id, Instant::now());
                if let Some(body) = ending.body {
                    self.outputs.insert(&step.subject.key, body);
                }
                Outcome::Done {
                    took: ended.took,
                    already_there: ending.already_there,
                }
            }
            Err(failure) => Outcome::Failed(failure),
        };
        self.settle(step, outcome);
    }

    /// Keeps what became of a step and lets those that wait for it go on, or blocks them.
    fn settle(&mut self, step: &'a Step, outcome: Outcome) {
        let mut settled = vec![(step, outcome)];
        while let Some((step, outcome)) = settled.pop() {
            self.execution.events.ended(step, &outcome);
            let blocked_by = match &outcome {
                Outcome::Done { .. } => None,
                Outcome::Blocked(by) => Some(*by),
                Outcome::Failed(_) | Outcome::NotBegun => Some(step.id),
            };
            if let Some(slot) = self.outcomes.get_mut(step.id.0) {
                *slot = Some(outcome);
            }
            for id in self.dependents.get(step.id.0).cloned().unwrap_or_default() {
                let Some(dependent) = self.plan.steps.get(id.0) else {
                    continue;
                };
                match blocked_by {
                    Some(by) if self.outcomes.get(id.0).is_some_and(Option::is_none) => {
                        settled.push((dependent, Outcome::Blocked(by)));
                    }
                    Some(_) => {}
                    None => {
                        if let Some(missing) = self.missing.get_mut(id.0) {
                            *missing -= 1;
                            if *missing == 0 {
                                let behind = self.behind.get(id.0).copied();
                                self.ready.insert((behind.unwrap_or_default(), Reverse(id)));
                            }
                        }
                    }
                }
            }
        }
    }
}

/// How many steps follow one another behind each step, at most.
fn longest_chains(plan: &Plan, dependents: &[Vec<StepId>]) -> Vec<usize> {
    let mut waiting: Vec<usize> = dependents.iter().map(Vec::len).collect();
    let mut behind = vec![0; plan.steps.len()];
    let mut open: Vec<&Step> = plan
        .steps
        .iter()
        .zip(&waiting)
        .filter_map(|(step, waiting)| (*waiting == 0).then_some(step))
        .collect();
    while let Some(step) = open.pop() {
        let chain = behind.get(step.id.0).copied().unwrap_or_default() + 1;
        for before in &step.after {
            if let (Some(behind), Some(waiting)) =
                (behind.get_mut(before.0), waiting.get_mut(before.0))
            {
                *behind = chain.max(*behind);
                *waiting -= 1;
                if *waiting == 0 {
                    open.extend(plan.steps.get(before.0));
                }
            }
        }
    }
    behind
}

/// Sends one step. Where others need what Azure filled in, that is read back unless it was answered: the answer of a PUT
/// that was done at once has less than the state at times, but nothing else (ARM facts 1.8).
async fn carry_out(
    execution: &Execution<'_>,
    step: &Step,
    waits: &Waits,
    target: &ArmId,
    body: &Json,
) -> Result<Ending, ArmError> {
    let mut attempt = 1;
    let answer = loop {
        let error = match send_once(execution, step, target, body).await {
            Ok(completed) => break completed.result,
            Err(error) => error,
        };
        if error.has_code("RoleAssignmentExists")
            && let Some(existing) = same_grant(execution, step, target, body).await?
        {
            return Ok(Ending {
                already_there: Some(existing),
                ..Ending::default()
            });
        }
        let pause = waits.pause(attempt);
        let in_time = waits
            .until(&error)
            .is_some_and(|until| Instant::now() + pause <= until);
        if !in_time {
            return Err(error);
        }
        execution.events.retrying(step, &why(&error), pause);
        tokio::time::sleep(pause).await;
        attempt += 1;
    };
    let has_all = |body: &Json| {
        let mut values = step.outputs.iter().map(|output| output.find(body));
        values.all(|value| value.is_some_and(|value| !value.is_null()))
    };
    let body = match answer.filter(has_all) {
        _ if step.outputs.is_empty() => None,
        None => read_back(execution, step, target).await?,
        answer => answer,
    };
    Ok(Ending {
        body,
        ..Ending::default()
    })
}

/// The grant that ARM means by `RoleAssignmentExists`: the same scope, role and principal under another name.
async fn same_grant(
    execution: &Execution<'_>,
    step: &Step,
    target: &ArmId,
    body: &Json,
) -> Result<Option<ArmId>, ArmError> {
    let CallTarget::Grant(wanted) = &step.call.target else {
        return Ok(None);
    };
    let principal = body
        .pointer("/properties/principalId")
        .and_then(Json::as_str)
        .unwrap_or_default();
    let list = target
        .as_str()
        .rsplit_once('/')
        .map_or(target.as_str(), |(list, _)| list);
    let filter = format!("principalId eq '{principal}'");
    let query = [("$filter", filter.as_str())];
    let found = execution
        .client
        .list_all(list, &step.call.api_version, &query, &Quiet)
        .await?;
    Ok(found
        .into_iter()
        .filter_map(LiveGrant::parse)
        .find(|grant| grant.matches(&wanted.scope, &wanted.role, principal))
        .map(|grant| grant.id))
}

async fn send_once(
    execution: &Execution<'_>,
    step: &Step,
    target: &ArmId,
    body: &Json,
) -> Result<WriteResult, ArmError> {
    let watch = Watch {
        events: execution.events,
        step,
    };
    let (path, api) = (target.as_str(), step.call.api_version.as_str());
    match step.call.method {
        Method::Put if step.action == Action::Create => {
            execution.client.create(path, api, body, &watch).await
        }
        Method::Put => execution.client.put(path, api, body, &watch).await,
        Method::Replace => {
            execution.client.delete(path, api, &watch).await?;
            execution.client.create(path, api, body, &watch).await
        }
        Method::Patch => execution.client.patch(path, api, body, &watch).await,
        Method::Delete => execution.client.delete(path, api, &watch).await,
    }
}

/// A shorter wait for Azure to take more requests is not told.
const WORTH_TELLING: Duration = Duration::from_secs(1);
/// How often a resource that was just written is looked for.
const LOOKS: u32 = 5;

async fn read_back(
    execution: &Execution<'_>,
    step: &Step,
    target: &ArmId,
) -> Result<Option<Json>, ArmError> {
    for look in 1..=LOOKS {
        let found = execution
            .client
            .get(target.as_str(), &step.call.api_version, &Quiet)
            .await?;
        if found.is_some() {
            return Ok(found);
        }
        let pause = Duration::from_secs(u64::from(look));
        execution
            .events
            .retrying(step, "Azure does not show it yet", pause);
        tokio::time::sleep(pause).await;
    }
    Ok(None)
}

fn why(error: &ArmError) -> String {
    error.code.clone().unwrap_or_else(|| error.message.clone())
}

/// Hands the client's waits on to the events of a step.
struct Watch<'a> {
    events: &'a dyn Events,
    step: &'a Step,
}

impl Progress for Watch<'_> {
    fn retrying(&self, reason: &str, wait: Duration, _attempt: u32) {
        self.events.retrying(self.step, reason, wait);
    }

    fn pacing(&self, wait: Duration) {
        if wait >= WORTH_TELLING {
            let why = "Azure takes no more requests at once";
            self.events.retrying(self.step, why, wait);
        }
    }

    fn polling(&self, status: &str, wait: Duration) {
        self.events.polling(self.step, status, wait);
    }
}
