//! Observes live Azure and executes plans. What to change is decided in `lazuli-core`; here it is asked and sent.

pub mod document;
mod execute;
mod fault;
mod observe;
mod patience;
mod preflight;
mod remind;
mod report;
mod roles;

pub use execute::{Events, Execution, Silent, execute};
pub use fault::Fault;
pub use observe::{
    Concern, ObserveError, Settling, Unanswered, find_versions, observe, observe_each,
    observe_owned, observe_principals, observe_settled,
};
pub use patience::Bounds;
pub use preflight::{RegistrationError, preflight, register};
pub use remind::remind;
pub use report::{Failure, Outcome, Report};
pub use roles::find_roles;
