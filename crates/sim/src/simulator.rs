//! A world shared by many clients, with a clock, faults, latency, a request log and optionally a file.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::json;
use tokio::sync::oneshot;

use crate::clock::Clock;
use crate::exchange::{ConnectionError, Delivery, Exchange, PendingRequest, error_response};
use crate::faults::{Fault, Faults};
use crate::http::{Method, Request, Response};
use crate::sim_time::SimTime;
use crate::store::{Store, StoreError};
use crate::world::{Caller, Pace, World, WorldOptions};

/// The length of the log, at which the oldest entry is dropped.
const MAX_LOG_ENTRIES: usize = 100_000;

/// The time from a request to its response, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    /// For GET and HEAD.
    pub read: u64,
    /// For all other methods.
    pub write: u64,
}

/// A request that the simulator received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// The method.
    pub method: Method,
    /// Path and query.
    pub url: String,
    /// The status of the response; `None` if the connection broke.
    pub status: Option<u16>,
    /// The time at which the request arrived.
    pub at: SimTime,
}

impl LogEntry {
    fn to_json_line(&self) -> String {
        let entry = json!({
            "at": self.at.iso(),
            "method": self.method.as_str(),
            "url": self.url,
            "status": self.status,
        });
        format!("{entry}\n")
    }
}

#[derive(Debug)]
enum Backend {
    Memory(Box<World>),
    File(Box<Store>),
}

#[derive(Debug)]
struct Shared {
    backend: Backend,
    faults: Faults,
    latency: Latency,
    log: VecDeque<LogEntry>,
    log_file: Option<File>,
    received: u64,
}

/// A simulated Azure that serves any number of concurrent clients. Clones share all state.
#[derive(Clone, Debug)]
pub struct Simulator {
    shared: Arc<Mutex<Shared>>,
    /// Set if concurrent requests are handled in batches.
    queue: Option<Arc<Queue>>,
    clock: Arc<dyn Clock>,
}

/// Requests that are handled in a batch, so that the file is written once for all of them.
#[derive(Debug, Default)]
struct Queue {
    pending: Mutex<Vec<PendingRequest>>,
    /// Held by the task that handles the batch.
    writing: tokio::sync::Mutex<()>,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Vec<PendingRequest>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Simulator {
    /// A simulator whose world is in memory.
    pub fn new(world: World, clock: impl Clock + 'static) -> Self {
        Self {
            shared: Arc::new(Mutex::new(Shared::new(Backend::Memory(Box::new(world))))),
            queue: None,
            clock: Arc::new(clock),
        }
    }

    /// A simulator whose world is in a file, which is created with `options` if it does not exist. Several processes can
    /// share the file. `clock` gets the latest time that the world has seen.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or written, or is not a world.
    pub fn open(
        path: &Path,
        options: WorldOptions,
        clock: impl FnOnce(SimTime) -> Box<dyn Clock>,
    ) -> Result<Self, StoreError> {
        let store = Store::open(path, options)?;
        let clock: Arc<dyn Clock> = clock(store.world().latest()).into();
        Ok(Self {
            shared: Arc::new(Mutex::new(Shared::new(Backend::File(Box::new(store))))),
            queue: None,
            clock,
        })
    }

    /// Handles concurrent requests in batches if the world is in a file, so that each batch writes the file once.
    pub(crate) fn with_batches(mut self) -> Self {
        let is_in_file = matches!(self.lock().backend, Backend::File(_));
        self.queue = is_in_file.then(Arc::default);
        self
    }

    /// Replaces the schedule of faults.
    #[must_use]
    pub fn with_faults(self, faults: Faults) -> Self {
        self.set_faults(faults);
        self
    }

    /// Replaces the latency.
    #[must_use]
    pub fn with_latency(self, latency: Latency) -> Self {
        self.lock().latency = latency;
        self
    }

    /// Replaces the pace.
    #[must_use]
    pub fn with_pace(self, pace: Pace) -> Self {
        match &mut self.lock().backend {
            Backend::Memory(world) => world.set_pace(pace),
            Backend::File(store) => store.set_pace(pace),
        }
        self
    }

    /// Writes one line of JSON per request to `file`: `at`, `method`, `url`, and `status`, which is null if the
    /// connection broke. The line is written before the response is sent.
    #[must_use]
    pub fn with_log_file(self, file: File) -> Self {
        self.lock().log_file = Some(file);
        self
    }

    /// Replaces the schedule of faults without restarting the request numbers.
    pub fn set_faults(&self, faults: Faults) {
        self.lock().faults = faults;
    }

    /// The present time of the simulator's clock.
    pub fn now(&self) -> SimTime {
        self.clock.now()
    }

    /// The requests since the start or the last [`Simulator::clear_log`].
    pub fn log(&self) -> Vec<LogEntry> {
        self.lock().log.iter().cloned().collect()
    }

    /// Clears the log and restarts the request numbers at 0.
    pub fn clear_log(&self) {
        let mut shared = self.lock();
        shared.log.clear();
        shared.received = 0;
    }

    /// A copy of the present world.
    pub fn world(&self) -> World {
        self.lock().world().clone()
    }

    /// The application that an in-process client signs in as.
    pub fn caller(&self) -> Caller {
        self.lock().world().options().caller
    }

    /// A valid access token for ARM, as the token endpoint issues it to `caller`.
    pub fn token(&self, caller: Caller) -> String {
        let shared = self.lock();
        let world = shared.world();
        world.token(caller, self.clock.now().max(world.latest()))
    }

    /// Sends one request and waits for the response as long as its latency. Canceling the wait loses the response, not
    /// the effect of the request.
    ///
    /// # Errors
    ///
    /// If a fault breaks the connection.
    pub async fn send(&self, request: Request) -> Result<Response, ConnectionError> {
        let (response, latency) = match &self.queue {
            None => self.lock().receive(request, self.clock.now()),
            Some(queue) => self.send_in_batch(queue, request).await,
        };
        if latency > 0 {
            tokio::time::sleep(Duration::from_millis(latency)).await;
        }
        response
    }

    /// Queues the request and waits for its batch. A batch collects the requests that arrive while the previous one is
    /// being written.
    async fn send_in_batch(&self, queue: &Queue, request: Request) -> Delivery {
        let (sender, mut delivery) = oneshot::channel();
        queue.lock().push(PendingRequest {
            request,
            at: self.clock.now(),
            sender,
        });
        let turn = Turn(self);
        tokio::task::yield_now().await;
        let writing = queue.writing.lock().await;
        drop(turn);
        drop(writing);
        delivery
            .try_recv()
            .unwrap_or((Err(ConnectionError::Reset), 0))
    }

    fn handle_pending(&self) {
        let Some(queue) = &self.queue else {
            return;
        };
        let mut shared = self.lock();
        let pending = std::mem::take(&mut *queue.lock());
        if !pending.is_empty() {
            shared.receive_batch(pending);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    fn new(backend: Backend) -> Self {
        Self {
            backend,
            faults: Faults::none(),
            latency: Latency::default(),
            log: VecDeque::new(),
            log_file: None,
            received: 0,
        }
    }

    fn world(&self) -> &World {
        match &self.backend {
            Backend::Memory(world) => world,
            Backend::File(store) => store.world(),
        }
    }

    fn receive(&mut self, request: Request, at: SimTime) -> Delivery {
        let exchange = self.admit(request, at);
        let response = self
            .backend
            .transact(|world| exchange.run(|act| act(world)))
            .unwrap_or_else(|error| exchange.run(|_| store_failed(&error)));
        self.record(&exchange, &response);
        (response, exchange.latency)
    }

    /// Handles all requests and writes the file once. Clients that have disconnected get no response.
    fn receive_batch(&mut self, pending: Vec<PendingRequest>) {
        let (exchanges, senders): (Vec<Exchange>, Vec<_>) = pending
            .into_iter()
            .map(|one| (self.admit(one.request, one.at), one.sender))
            .unzip();
        let responses: Vec<_> = self
            .backend
            .transact(|world| {
                let each = exchanges.iter();
                each.map(|exchange| exchange.run(|act| act(world)))
                    .collect()
            })
            .unwrap_or_else(|error| {
                let each = exchanges.iter();
                each.map(|exchange| exchange.run(|_| store_failed(&error)))
                    .collect()
            });
        for ((exchange, sender), response) in exchanges.iter().zip(senders).zip(responses) {
            self.record(exchange, &response);
            let _ = sender.send((response, exchange.latency));
        }
    }

    /// Decides the fault and the latency of a request.
    fn admit(&mut self, mut request: Request, at: SimTime) -> Exchange {
        let fault = self.faults.next(self.received, &request);
        self.received += 1;
        let mut latency = if request.method.is_read() {
            self.latency.read
        } else {
            self.latency.write
        };
        if let Some(Fault::Delay(more)) = fault {
            latency = latency.saturating_add(more);
        }
        request.duration = latency;
        Exchange {
            request,
            at,
            fault,
            latency,
        }
    }

    fn record(&mut self, exchange: &Exchange, response: &Result<Response, ConnectionError>) {
        let entry = LogEntry {
            method: exchange.request.method,
            url: exchange.request.path_and_query(),
            status: response.as_ref().ok().map(|response| response.status),
            at: exchange.at,
        };
        if let Some(file) = &mut self.log_file
            && let Err(error) = file.write_all(entry.to_json_line().as_bytes())
        {
            tracing::warn!(%error, "cannot write the request log: no more requests are logged");
            self.log_file = None;
        }
        if self.log.len() == MAX_LOG_ENTRIES {
            self.log.pop_front();
        }
        self.log.push_back(entry);
    }
}

impl Backend {
    /// Runs `act` on the world. If the world cannot be saved, all effects of `act` are discarded.
    fn transact<T>(&mut self, act: impl FnOnce(&mut World) -> T) -> Result<T, StoreError> {
        match self {
            Self::Memory(world) => Ok(act(world)),
            Self::File(store) => store.transact(act),
        }
    }
}

fn store_failed(error: &StoreError) -> Response {
    error_response(500, "SimulatorStoreFailed", &error.to_string(), None)
}

/// The place of a request in the queue. Dropping it handles all pending requests, so that a client that stops waiting
/// loses the response and not the effect.
struct Turn<'a>(&'a Simulator);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.handle_pending();
    }
}

#[cfg(test)]
mod tests;
