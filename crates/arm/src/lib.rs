//! The Azure Resource Manager client: credentials, clouds, long-running operations, paging,
//! throttling, errors.
//!
//! [`Client`] speaks to one ARM endpoint over an azure_core `Pipeline`, so that any `HttpClient`
//! can stand where the network is. All waiting is on tokio's clock.

pub mod auth;
mod client;
mod cloud;
mod concealed;
mod directory;
mod error;
mod follow;
mod operation;
mod pace;
mod paging;
mod path;
mod policy;
mod progress;
mod retry;
mod siblings;
mod standing;
#[cfg(test)]
mod testing;
mod trace;
mod transport;

pub use azure_core::{
    credentials::TokenCredential,
    http::{Method, Transport, Url},
};
pub use client::{Client, ClientOptions, Completed, Outcome};
pub use cloud::{Cloud, Endpoints, InvalidCloud, discover};
pub use directory::Directory;
pub use error::{ArmError, ErrorKind, ErrorReport, KnownCode, Remedy, known_codes};
pub use operation::{is_settled, provisioning_state};
pub use paging::Listing;
pub use progress::{Progress, Quiet};
pub use retry::{Jitter, RandomJitter, RetryLimits};
pub use standing::{Caller, Dated};
pub use trace::{Content, Exchange, Trace};
pub use transport::{TransportError, TransportOptions, transport};
