//! The planner: compares the graph with live state and returns finished ARM calls in an order, each with its reason.
//! Execution makes no decisions.

mod action;
mod call;
mod children;
mod contents;
mod converge;
mod grants;
mod guard;
mod inside;
pub mod locks;
mod mass_deletion;
pub mod orphans;
mod overrides;
mod ownership;
#[cfg(test)]
mod properties;
mod remarks;
mod replace;
mod role_scopes;
mod secrets;
mod step;
mod teardown;
mod update;

pub use action::Action;
pub use call::{Absence, Call, CallTarget, Method, NewGrant, Principal};
pub use children::{LedgerSearch, ledger_searches};
pub use contents::Plan;
pub use converge::{Consent, OrphanPolicy, converge, converge_part, converge_with};
pub use grants::principals_in_question;
pub use guard::{Deletion, OwnershipGuard, OwnershipLoss};
pub use inside::{ContainedResource, ContentsGuard, ContentsList};
pub use overrides::{Reminder, overrides_after, reminders};
pub use remarks::{
    KeptResource, MassDeletion, Orphan, PruneEffect, Remarks, ReportedGrant, ServerOverride,
    UnverifiableSecret,
};
pub use replace::list_reads_to_replace;
pub use step::{GrantTime, RetryCause, Step, StepId, Steps};
pub use teardown::{inseparable, list_reads_to_destroy, teardown, teardown_part};
pub use update::{Update, UpdateConflict, UpdateContent};
