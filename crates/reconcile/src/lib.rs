//! The steps of lazuli as one API: load specs, resolve roles, plan, preflight, execute, recheck; list what stacks own and
//! export what is live.
//!
//! [`load()`] turns texts into [`Specs`] without a request. [`Reconciler`] does the rest. Diagnostics and failures are
//! returned, and events go to one [`Observer`]: nothing is printed.

mod catalog;
mod error;
mod export;
mod intent;
mod load;
mod observe;
mod plan;
mod providers;
mod recheck;
mod reconciler;

pub use catalog::Catalog;
pub use error::{LoadError, ReconcileError, Rejection};
pub use export::{ExportError, ExportScope, LiveExport};
pub use intent::Intent;
pub use lazuli_engine::{
    Event, Observer, PropagationLimits, RegistrationError, Report, SilentObserver,
};
pub use load::{LoadContext, SpecTexts, Specs, Stacks, load};
pub use plan::Difference;
pub use providers::{ProviderPolicy, blocking};
pub use recheck::Recheck;
pub use reconciler::Reconciler;
