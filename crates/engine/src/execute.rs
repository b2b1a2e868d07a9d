//! Executes a plan: starts every step whose dependencies are done, retries, and resolves outputs. It never decides what
//! to change.

mod send;

use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashMap},
    ops::{Index, IndexMut},
    time::{Duration, SystemTime},
};

use futures::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use lazuli_arm::Client;
use lazuli_core::{
    graph::NodeKey,
    plan::{Method, Plan, Step, StepId},
    value::{Output, Value},
};
use serde_json::Value as Json;
use tokio::{sync::watch, time::Instant};
use tracing::Instrument as _;

use crate::{
    observer::{Event, Observer},
    propagation::{PropagationLimits, RetryDeadlines},
    report::{Failure, Outcome, Report},
};
use send::{ResolvedCall, StepResult, send};

/// How to execute a plan.
pub struct Execution<'a> {
    /// The client that sends the requests.
    pub client: &'a Client,
    /// The number of steps that may be in flight at once.
    pub concurrency: usize,
    /// How long to retry while a change propagates.
    pub limits: PropagationLimits,
    /// The time of day, to compute the age of role assignments.
    pub now: &'a (dyn Fn() -> SystemTime + Sync),
    /// Becomes true to stop: no further step begins, and steps in flight are finished.
    pub stop: watch::Receiver<bool>,
    /// Receives the events.
    pub observer: &'a dyn Observer,
}

/// Executes a plan. A failed step blocks its dependents, and no other steps.
pub async fn execute(plan: &Plan, execution: Execution<'_>) -> Report {
    let began = Instant::now();
    execution.observer.event(&Event::ExecutionStarted { plan });
    let mut run = Run::new(plan, &execution);
    let mut stop = execution.stop.clone();
    let mut stopped = *stop.borrow();
    let mut running: FuturesUnordered<BoxFuture<'_, FinishedStep>> = FuturesUnordered::new();
    loop {
        while !stopped && running.len() < execution.concurrency {
            let Some((_, Reverse(next))) = run.ready.pop_last() else {
                break;
            };
            running.extend(run.begin(next));
        }
        tokio::select! {
            finished = running.next() => match finished {
                Some(finished) => run.end(finished),
                None => break,
            },
            changed = stop.changed(), if !stopped => {
                stopped = changed.is_err() || *stop.borrow();
                if stopped {
                    execution.observer.event(&Event::Stopping);
                }
            }
        }
    }
    let outcomes = run.outcomes.0.into_iter();
    let report = Report {
        outcomes: outcomes
            .map(|outcome| outcome.unwrap_or(Outcome::NotStarted))
            .collect(),
        stopped,
        took: began.elapsed(),
    };
    let event = Event::ExecutionFinished { report: &report };
    execution.observer.event(&event);
    report
}

/// A value for each step of one plan.
struct PerStep<T>(Vec<T>);

impl<T> PerStep<T> {
    fn new(plan: &Plan, value: impl FnMut(&Step) -> T) -> Self {
        Self(plan.steps.iter().map(value).collect())
    }
}

impl<T> Index<StepId> for PerStep<T> {
    type Output = T;

    fn index(&self, id: StepId) -> &T {
        &self.0[id.0]
    }
}

impl<T> IndexMut<StepId> for PerStep<T> {
    fn index_mut(&mut self, id: StepId) -> &mut T {
        &mut self.0[id.0]
    }
}

struct Run<'a> {
    plan: &'a Plan,
    execution: &'a Execution<'a>,
    /// The number of dependencies of each step that are not done.
    missing: PerStep<usize>,
    dependents: PerStep<Vec<StepId>>,
    ready: BTreeSet<Ready>,
    /// The length of the longest chain of dependents of each step.
    chains: PerStep<usize>,
    outcomes: PerStep<Option<Outcome>>,
    done_at: HashMap<StepId, Instant>,
    outputs: HashMap<&'a NodeKey, Json>,
}

/// A step that can begin. The step with the longest chain of dependents sorts last, then the first step of the plan.
type Ready = (usize, Reverse<StepId>);

struct FinishedStep {
    step: StepId,
    took: Duration,
    result: Result<StepResult, Failure>,
}

impl<'a> Run<'a> {
    fn new(plan: &'a Plan, execution: &'a Execution<'a>) -> Self {
        let mut dependents = PerStep::new(plan, |_| Vec::new());
        for step in &plan.steps {
            for dependency in &step.after {
                dependents[*dependency].push(step.id);
            }
        }
        let chains = longest_chains(plan, &dependents);
        let first = plan.steps.iter().filter(|step| step.after.is_empty());
        Self {
            plan,
            execution,
            missing: PerStep::new(plan, |step| step.after.len()),
            dependents,
            ready: first
                .map(|step| (chains[step.id], Reverse(step.id)))
                .collect(),
            chains,
            outcomes: PerStep::new(plan, |_| None),
            done_at: HashMap::new(),
            outputs: HashMap::new(),
        }
    }

    /// The running step; `None` if it failed at once because an output is missing.
    fn begin(&mut self, id: StepId) -> Option<BoxFuture<'a, FinishedStep>> {
        let step = &self.plan[id];
        match self.resolve_call(step) {
            Ok(request) => Some(Box::pin(self.send(step, request))),
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

    /// The request of a step, with every unresolved output filled in.
    fn resolve_call(&self, step: &Step) -> Result<ResolvedCall, Box<Output>> {
        let find = |output: &Output| self.output(output);
        let target = step.call.target.resolve(&find)?;
        let body = step
            .call
            .body
            .fill(&find)
            .to_json()
            .map_err(|missing| Box::new(missing.clone()))?;
        let update = match &step.call.method {
            Method::Update(update) => Some(update.fill(&find)),
            Method::Create(_) | Method::Replace(_) | Method::Delete(_) => None,
        };
        Ok(ResolvedCall {
            target,
            body,
            update,
        })
    }

    fn send(
        &self,
        step: &'a Step,
        request: ResolvedCall,
    ) -> impl Future<Output = FinishedStep> + Send + use<'a> {
        let execution = self.execution;
        let principal = |value: &Value| {
            value
                .fill(&|output| self.output(output))
                .as_str()
                .map(str::to_owned)
        };
        let deadlines = RetryDeadlines::new(
            &step.retry_causes,
            execution.limits,
            &self.done_at,
            (execution.now)(),
            principal,
        );
        let span = tracing::info_span!("step", name = %step.subject.key, action = %step.action);
        let sent = async move {
            let began = Instant::now();
            execution.observer.event(&Event::StepStarted { step });
            let result = send(execution, step, &deadlines, &request).await;
            FinishedStep {
                step: step.id,
                took: began.elapsed(),
                result,
            }
        };
        sent.instrument(span)
    }

    fn end(&mut self, finished: FinishedStep) {
        let step = &self.plan[finished.step];
        let outcome = match finished.result {
            Ok(result) => {
                self.done_at.insert(step.id, Instant::now());
                if let Some(body) = result.body {
                    self.outputs.insert(&step.subject.key, body);
                }
                Outcome::Done {
                    took: finished.took,
                    already_there: result.already_there,
                }
            }
            Err(failure) => Outcome::Failed(failure),
        };
        self.settle(step, outcome);
    }

    /// Records the outcome of a step, and releases or blocks its dependents.
    fn settle(&mut self, step: &'a Step, outcome: Outcome) {
        let mut settled = vec![(step, outcome)];
        while let Some((step, outcome)) = settled.pop() {
            let event = Event::StepFinished {
                step,
                outcome: &outcome,
            };
            self.execution.observer.event(&event);
            let blocked_by = match &outcome {
                Outcome::Done { .. } => None,
                Outcome::Blocked(by) => Some(*by),
                Outcome::Failed(_) | Outcome::NotStarted => Some(step.id),
            };
            self.outcomes[step.id] = Some(outcome);
            for &dependent in &self.dependents[step.id] {
                match blocked_by {
                    Some(by) if self.outcomes[dependent].is_none() => {
                        settled.push((&self.plan[dependent], Outcome::Blocked(by)));
                    }
                    Some(_) => {}
                    None => {
                        let missing = &mut self.missing[dependent];
                        *missing -= 1;
                        if *missing == 0 {
                            let ready = (self.chains[dependent], Reverse(dependent));
                            self.ready.insert(ready);
                        }
                    }
                }
            }
        }
    }
}

/// The length of the longest chain of dependents of each step.
fn longest_chains(plan: &Plan, dependents: &PerStep<Vec<StepId>>) -> PerStep<usize> {
    let mut waiting = PerStep::new(plan, |step| dependents[step.id].len());
    let mut chains = PerStep::new(plan, |_| 0);
    let mut open: Vec<StepId> = plan
        .steps
        .iter()
        .map(|step| step.id)
        .filter(|id| waiting[*id] == 0)
        .collect();
    while let Some(id) = open.pop() {
        let chain = chains[id] + 1;
        for &dependency in &plan[id].after {
            chains[dependency] = chain.max(chains[dependency]);
            waiting[dependency] -= 1;
            if waiting[dependency] == 0 {
                open.push(dependency);
            }
        }
    }
    chains
}
