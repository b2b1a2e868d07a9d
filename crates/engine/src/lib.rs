//! Observes live Azure and executes plans. Decisions are made in `lazuli-core`; this crate sends the requests.

pub mod document;
mod execute;
mod fault;
mod observe;
mod observer;
mod overrides;
mod preflight;
mod propagation;
mod report;
mod roles;
mod tags;

pub use execute::{Execution, execute};
pub use fault::Fault;
pub use observe::{
    Concern, FailedRead, ObserveError, find_recorded, find_versions, observe, observe_each,
    observe_owned, observe_principals, observe_settled,
};
pub use observer::{Event, Observer, SilentObserver};
pub use overrides::remember;
pub use preflight::{RegistrationError, preflight, register};
pub use propagation::PropagationLimits;
pub use report::{Failure, Outcome, Report};
pub use roles::resolve_roles;
