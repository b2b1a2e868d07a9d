//! Faults of a single request, in Azure, on the network or in the client.

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

/// A fault of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InjectedFault {
    Refused,
    ResetBefore,
    ResetAfter,
    Throttled,
    InternalError,
    Unavailable,
    StaleRead,
    /// The response times out after Azure has processed the request.
    TimedOut,
    TokenExpired,
    /// A proxy answers with status 404.
    ProxyNotFound,
    /// A GET is answered with status 204.
    NoContent,
    /// A GET is answered with an empty body.
    EmptyBody,
    /// A list has no items.
    EmptyList,
    /// The process is killed before the request is sent.
    KilledBefore,
    /// The process is killed after Azure has processed the request and before the response arrives.
    KilledAfter,
    /// The request is held until it is released.
    Held,
}

impl InjectedFault {
    pub const ALL: &[Self] = &[
        Self::Refused,
        Self::ResetBefore,
        Self::ResetAfter,
        Self::Throttled,
        Self::InternalError,
        Self::Unavailable,
        Self::StaleRead,
        Self::TimedOut,
        Self::TokenExpired,
        Self::ProxyNotFound,
        Self::NoContent,
        Self::EmptyBody,
        Self::EmptyList,
        Self::KilledBefore,
        Self::KilledAfter,
    ];

    /// The fault of the simulator; `None` for faults of the client.
    pub fn simulator_fault(self) -> Option<Fault> {
        Some(match self {
            Self::Refused => Fault::ConnectionRefused,
            Self::ResetBefore => Fault::ResetBefore,
            Self::ResetAfter => Fault::ResetAfter,
            Self::Throttled => Fault::status(429, Some(7)),
            Self::InternalError => Fault::status(500, None),
            Self::Unavailable => Fault::status(503, Some(3)),
            Self::StaleRead => Fault::StaleRead,
            Self::TokenExpired => Fault::Unauthorized,
            Self::ProxyNotFound => Fault::ProxyNotFound,
            Self::NoContent => Fault::NoContent,
            Self::EmptyBody => Fault::EmptyBody,
            Self::EmptyList => Fault::EmptyList,
            Self::TimedOut | Self::KilledBefore | Self::KilledAfter | Self::Held => return None,
        })
    }
}

/// How long a client waits for a response.
const TIMEOUT: Duration = Duration::from_secs(100);

/// A transport that injects the faults of the client.
#[derive(Debug, Clone)]
pub struct FaultyTransport {
    inner: InProcess,
    shared: Arc<FaultState>,
}

#[derive(Debug, Default)]
struct FaultState {
    sent: AtomicU64,
    /// The request with the fault, counted from 1; 0 for no request.
    at: AtomicU64,
    fault: std::sync::Mutex<Option<InjectedFault>>,
    killed: Notify,
    held: Notify,
    released: Notify,
}

impl FaultyTransport {
    pub fn new(inner: InProcess) -> Self {
        Self {
            inner,
            shared: Arc::default(),
        }
    }

    /// Schedules a fault at a request, counted from 0 from now on.
    pub fn schedule(&self, at: u64, injected: InjectedFault) {
        self.shared.sent.store(0, Ordering::Relaxed);
        self.shared.at.store(at + 1, Ordering::Relaxed);
        *self.shared.fault.lock().unwrap() = Some(injected);
    }

    pub fn clear(&self) {
        *self.shared.fault.lock().unwrap() = None;
    }

    /// Returns when the process is killed.
    pub async fn wait_until_killed(&self) {
        self.shared.killed.notified().await;
    }

    /// Returns when a request is held.
    pub async fn wait_until_held(&self) {
        self.shared.held.notified().await;
    }

    /// Releases a held request.
    pub fn release(&self) {
        self.shared.released.notify_one();
    }

    fn next_fault(&self) -> Option<InjectedFault> {
        let number = self.shared.sent.fetch_add(1, Ordering::Relaxed) + 1;
        let fault = *self.shared.fault.lock().unwrap();
        fault.filter(|_| number == self.shared.at.load(Ordering::Relaxed))
    }
}

#[async_trait]
impl HttpClient for FaultyTransport {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        match self.next_fault() {
            Some(InjectedFault::TimedOut) => {
                let _ = self.inner.execute_request(request).await;
                tokio::time::sleep(TIMEOUT).await;
                let error = io::Error::from(io::ErrorKind::TimedOut);
                Err(azure_core::Error::new(ErrorKind::Io, error))
            }
            Some(InjectedFault::Held) => {
                self.shared.held.notify_one();
                self.shared.released.notified().await;
                self.inner.execute_request(request).await
            }
            Some(InjectedFault::KilledBefore) => self.kill().await,
            Some(InjectedFault::KilledAfter) => {
                let _ = self.inner.execute_request(request).await;
                self.kill().await
            }
            _ => self.inner.execute_request(request).await,
        }
    }
}

impl FaultyTransport {
    async fn kill(&self) -> azure_core::Result<AsyncRawResponse> {
        self.shared.killed.notify_one();
        std::future::pending().await
    }
}
