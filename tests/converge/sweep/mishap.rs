//! What can go wrong with one request.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use azure_core::{
    error::ErrorKind,
    http::{AsyncRawResponse, HttpClient, Request},
};
use lazuli_sim::{Fault, InProcess};
use tokio::sync::Notify;

/// What goes wrong with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mishap {
    Refused,
    ResetBefore,
    ResetAfter,
    Throttled,
    InternalError,
    Unavailable,
    StaleRead,
    /// The answer does not come in time; Azure has acted.
    TooSlow,
    TokenExpired,
    /// The process dies before the request is sent.
    KilledBefore,
    /// The process dies before the answer comes; Azure has acted.
    KilledAfter,
    /// The process stands still until it is let go on.
    Held,
}

impl Mishap {
    pub const ALL: &[Self] = &[
        Self::Refused,
        Self::ResetBefore,
        Self::ResetAfter,
        Self::Throttled,
        Self::InternalError,
        Self::Unavailable,
        Self::StaleRead,
        Self::TooSlow,
        Self::TokenExpired,
        Self::KilledBefore,
        Self::KilledAfter,
    ];

    /// The fault on the side of Azure, for those that are.
    pub fn fault(self) -> Option<Fault> {
        Some(match self {
            Self::Refused => Fault::ConnectionRefused,
            Self::ResetBefore => Fault::ResetBefore,
            Self::ResetAfter => Fault::ResetAfter,
            Self::Throttled => Fault::status(429, Some(7)),
            Self::InternalError => Fault::status(500, None),
            Self::Unavailable => Fault::status(503, Some(3)),
            Self::StaleRead => Fault::StaleRead,
            Self::TokenExpired => Fault::Unauthorized,
            Self::TooSlow | Self::KilledBefore | Self::KilledAfter | Self::Held => return None,
        })
    }
}

/// How long a client waits for an answer.
const TIMEOUT: Duration = Duration::from_secs(100);

/// A way to Azure on which something goes wrong on the client's side.
#[derive(Debug, Clone)]
pub struct Wire {
    inner: InProcess,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    sent: AtomicU64,
    /// The request that is struck, counted from 1; 0 for no request.
    at: AtomicU64,
    mishap: std::sync::Mutex<Option<Mishap>>,
    died: Notify,
    held: Notify,
    let_go: Notify,
}

impl Wire {
    pub fn new(inner: InProcess) -> Self {
        Self {
            inner,
            shared: Arc::default(),
        }
    }

    /// Lets a request fail, counted from 0 from now on.
    pub fn strike(&self, at: u64, mishap: Mishap) {
        self.shared.sent.store(0, Ordering::Relaxed);
        self.shared.at.store(at + 1, Ordering::Relaxed);
        *self.shared.mishap.lock().unwrap() = Some(mishap);
    }

    pub fn calm(&self) {
        *self.shared.mishap.lock().unwrap() = None;
    }

    /// Ends when the process dies.
    pub async fn died(&self) {
        self.shared.died.notified().await;
    }

    /// Ends when the process stands still.
    pub async fn held(&self) {
        self.shared.held.notified().await;
    }

    /// Lets a process that stands still go on.
    pub fn let_go(&self) {
        self.shared.let_go.notify_one();
    }

    fn struck(&self) -> Option<Mishap> {
        let number = self.shared.sent.fetch_add(1, Ordering::Relaxed) + 1;
        let mishap = *self.shared.mishap.lock().unwrap();
        mishap.filter(|_| number == self.shared.at.load(Ordering::Relaxed))
    }
}

#[async_trait]
impl HttpClient for Wire {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        match self.struck() {
            Some(Mishap::TooSlow) => {
                let _ = self.inner.execute_request(request).await;
                tokio::time::sleep(TIMEOUT).await;
                let error = io::Error::from(io::ErrorKind::TimedOut);
                Err(azure_core::Error::new(ErrorKind::Io, error))
            }
            Some(Mishap::Held) => {
                self.shared.held.notify_one();
                self.shared.let_go.notified().await;
                self.inner.execute_request(request).await
            }
            Some(Mishap::KilledBefore) => self.die().await,
            Some(Mishap::KilledAfter) => {
                let _ = self.inner.execute_request(request).await;
                self.die().await
            }
            _ => self.inner.execute_request(request).await,
        }
    }
}

impl Wire {
    async fn die(&self) -> azure_core::Result<AsyncRawResponse> {
        self.shared.died.notify_one();
        std::future::pending().await
    }
}
