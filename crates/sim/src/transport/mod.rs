//! Transports to a simulator: in process and over HTTPS.

mod https;
mod in_process;
mod tls;

pub use https::{bind, serve};
pub use in_process::InProcess;
pub use tls::{Tls, TlsError};
