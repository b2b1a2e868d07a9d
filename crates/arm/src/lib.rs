//! The Azure Resource Manager client: credentials, clouds, long-running operations, paging,
//! throttling, errors.
//!
//! [`Client`] sends requests to one ARM endpoint over an azure_core `Pipeline`, so that any `HttpClient`
//! can replace the network. All pauses use tokio's clock.

pub mod auth;
mod backoff;
mod batch_poll;
mod caller;
mod client;
mod cloud;
mod directory;
mod error;
mod headers;
mod masking;
mod operation;
mod options;
mod pace;
mod paging;
mod path;
mod policy;
mod poll;
mod read;
mod request;
mod resource_graph;
mod retry;
#[cfg(test)]
mod testing;
mod trace;
mod transport;
mod wait;
mod well_known;

pub use azure_core::{
    credentials::TokenCredential,
    http::{Method, Transport, Url},
};
pub use backoff::{Backoff, BackoffLimits, Jitter, NoJitter, RandomJitter};
pub use caller::{Caller, TimedResponse};
pub use client::Client;
pub use cloud::{Cloud, Endpoints, InvalidCloud, discover};
pub use directory::Directory;
pub use error::{ArmError, ErrorKind, ErrorReport, KnownCode, Remedy, known_codes};
pub use operation::{is_settled, provisioning_state};
pub use options::ClientOptions;
pub use paging::ListSummary;
pub use request::{WriteOutcome, WriteRequest, WriteResult};
pub use trace::{Exchange, ExchangeMessage, Trace};
pub use transport::{TransportError, TransportOptions, transport};
pub use wait::{OnWait, Wait, ignore_waits};
