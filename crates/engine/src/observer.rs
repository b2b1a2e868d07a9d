//! Events of a run, for progress displays, logs and metrics.

use std::time::Duration;

use lazuli_core::{
    arm::ArmId,
    graph::NodeKey,
    plan::{Plan, Step},
};

use crate::report::{Outcome, Report};

/// Receives the events of a run as they happen. Implementations must return quickly: requests wait for them.
pub trait Observer: Sync {
    /// Handles one event.
    fn event(&self, event: &Event<'_>);
}

/// Something that happens during a run.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// The read of live state begins.
    ReadStarted,
    /// Azure is still working on a resource, so planning waits.
    ResourceBusy {
        /// The resource.
        key: &'a NodeKey,
        /// Its `provisioningState`.
        state: &'a str,
        /// The time since the wait began.
        waited: Duration,
    },
    /// Azure has finished working on a resource.
    ResourceSettled {
        /// The resource.
        key: &'a NodeKey,
        /// Its final `provisioningState`; `None` if the resource is gone.
        state: Option<&'a str>,
        /// How long the wait took.
        waited: Duration,
    },
    /// The read of live state ended, successfully or not.
    ReadFinished,
    /// The registration of a resource provider begins.
    RegistrationStarted {
        /// The subscription.
        subscription: &'a ArmId,
        /// The provider's namespace.
        namespace: &'a str,
    },
    /// A resource provider is registered.
    RegistrationFinished {
        /// The subscription.
        subscription: &'a ArmId,
        /// The provider's namespace.
        namespace: &'a str,
    },
    /// The execution of a plan begins.
    ExecutionStarted {
        /// The plan.
        plan: &'a Plan,
    },
    /// A step begins.
    StepStarted {
        /// The step.
        step: &'a Step,
    },
    /// A step waits before a request is sent, or sent again.
    StepRetrying {
        /// The step.
        step: &'a Step,
        /// Why it waits.
        reason: &'a str,
        /// How long it waits.
        wait: Duration,
    },
    /// Azure is working on a step.
    StepPolling {
        /// The step.
        step: &'a Step,
        /// The status of the operation.
        status: &'a str,
        /// The time until the next poll.
        wait: Duration,
    },
    /// The run was asked to stop: no further step begins, and steps in flight are finished.
    Stopping,
    /// A step ended.
    StepFinished {
        /// The step.
        step: &'a Step,
        /// Its outcome.
        outcome: &'a Outcome,
    },
    /// The execution of a plan ended.
    ExecutionFinished {
        /// The outcome of every step.
        report: &'a Report,
    },
}

/// An observer that ignores all events.
#[derive(Debug, Clone, Copy, Default)]
pub struct SilentObserver;

impl Observer for SilentObserver {
    fn event(&self, _: &Event<'_>) {}
}
