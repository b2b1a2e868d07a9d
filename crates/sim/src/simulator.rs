//! One world shared by many clients, with a clock, faults, latency, a log and, when asked, a file.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::json;

use crate::clock::Clock;
use crate::faults::{Fault, Faults};
use crate::http::{Method, Request, Response};
use crate::store::{Store, StoreError};
use crate::time::SimTime;
use crate::world::{ArmError, Caller, Pace, World, WorldOptions};

/// Entries that the log keeps; a server that runs for days forgets the oldest.
const LONGEST_LOG: usize = 100_000;

/// How long the answer to a request takes, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    /// For GET and HEAD.
    pub read: u64,
    /// For everything else.
    pub write: u64,
}

/// One request as the simulator saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// The method.
    pub method: Method,
    /// Path and query.
    pub url: String,
    /// The status answered; `None` when the connection broke.
    pub status: Option<u16>,
    /// When it arrived.
    pub at: SimTime,
}

impl LogEntry {
    /// The entry as a line of JSON.
    fn line(&self) -> String {
        let entry = json!({
            "at": self.at.iso(),
            "method": self.method.as_str(),
            "url": self.url,
            "status": self.status,
        });
        format!("{entry}\n")
    }
}

/// The connection broke, or there never was one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Severed {
    /// Nobody listened.
    #[error("connection refused")]
    Refused,
    /// It broke on the way.
    #[error("connection reset by peer")]
    Reset,
}

#[derive(Debug)]
enum Home {
    Memory(Box<World>),
    File(Box<Store>),
}

#[derive(Debug)]
struct Shared {
    home: Home,
    faults: Faults,
    latency: Latency,
    log: VecDeque<LogEntry>,
    log_file: Option<File>,
    received: u64,
}

/// A simulated Azure that any number of clients may talk to at once. Clones share everything.
#[derive(Clone, Debug)]
pub struct Simulator {
    shared: Arc<Mutex<Shared>>,
    clock: Arc<dyn Clock>,
}

impl Simulator {
    /// A simulator whose world lives in memory.
    pub fn new(world: World, clock: impl Clock + 'static) -> Self {
        Self::at_home(Home::Memory(Box::new(world)), clock)
    }

    /// A simulator whose world lives in a file, made with `options` if it is not there. Processes may share the file.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or written, or holds no world.
    pub fn persistent(
        path: &Path,
        options: WorldOptions,
        clock: impl FnOnce(SimTime) -> Box<dyn Clock>,
    ) -> Result<Self, StoreError> {
        let store = Store::open(path, options)?;
        let clock: Arc<dyn Clock> = clock(store.world().latest()).into();
        Ok(Self {
            shared: Arc::new(Mutex::new(Shared::new(Home::File(Box::new(store))))),
            clock,
        })
    }

    fn at_home(home: Home, clock: impl Clock + 'static) -> Self {
        Self {
            shared: Arc::new(Mutex::new(Shared::new(home))),
            clock: Arc::new(clock),
        }
    }

    /// The same simulator under another schedule of faults.
    #[must_use]
    pub fn with_faults(self, faults: Faults) -> Self {
        self.set_faults(faults);
        self
    }

    /// The same simulator with another latency.
    #[must_use]
    pub fn with_latency(self, latency: Latency) -> Self {
        self.lock().latency = latency;
        self
    }

    /// The same simulator at another pace.
    #[must_use]
    pub fn with_pace(self, pace: Pace) -> Self {
        match &mut self.lock().home {
            Home::Memory(world) => world.set_pace(pace),
            Home::File(store) => store.set_pace(pace),
        }
        self
    }

    /// The same simulator, writing a line of JSON for each request: `at`, `method`, `url`, and `status`, which is null
    /// when the connection broke. The line is written before the answer is given.
    #[must_use]
    pub fn with_log_file(self, file: File) -> Self {
        self.lock().log_file = Some(file);
        self
    }

    /// Replaces the schedule of faults; request numbers go on.
    pub fn set_faults(&self, faults: Faults) {
        self.lock().faults = faults;
    }

    /// The present moment of the simulator's clock.
    pub fn now(&self) -> SimTime {
        self.clock.now()
    }

    /// Everything received since the start or the last [`Simulator::clear_log`].
    pub fn log(&self) -> Vec<LogEntry> {
        self.lock().log.iter().cloned().collect()
    }

    /// Forgets the log, and counts requests from 0 again.
    pub fn clear_log(&self) {
        let mut shared = self.lock();
        shared.log.clear();
        shared.received = 0;
    }

    /// A copy of the world as it is.
    pub fn world(&self) -> World {
        self.lock().world().clone()
    }

    /// The application that an in-process client signs in as.
    pub fn caller(&self) -> Caller {
        self.lock().world().options().caller
    }

    /// A valid access token for ARM, as that application gets it.
    pub fn token(&self, caller: Caller) -> String {
        let shared = self.lock();
        let world = shared.world();
        world.token(caller, self.clock.now().max(world.latest()))
    }

    /// Sends one request and waits as long as the answer takes.
    ///
    /// # Errors
    ///
    /// When a fault broke the connection. Cancelling the wait loses the answer, not the effect.
    pub async fn send(&self, request: Request) -> Result<Response, Severed> {
        let (answer, wait) = self.lock().receive(request, self.clock.now());
        if wait > 0 {
            tokio::time::sleep(Duration::from_millis(wait)).await;
        }
        answer
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    fn new(home: Home) -> Self {
        Self {
            home,
            faults: Faults::none(),
            latency: Latency::default(),
            log: VecDeque::new(),
            log_file: None,
            received: 0,
        }
    }

    fn world(&self) -> &World {
        match &self.home {
            Home::Memory(world) => world,
            Home::File(store) => store.world(),
        }
    }

    /// The answer, and how many milliseconds it takes.
    fn receive(&mut self, mut request: Request, now: SimTime) -> (Result<Response, Severed>, u64) {
        let index = self.received;
        self.received += 1;
        let fault = self.faults.strike(index, &request);
        let mut wait = if request.method.is_read() {
            self.latency.read
        } else {
            self.latency.write
        };
        if let Some(Fault::Delay(more)) = fault {
            wait = wait.saturating_add(more);
        }
        request.duration = wait;
        let (method, url) = (request.method, request.path_and_query());
        let answer = match fault {
            Some(Fault::ConnectionRefused) => Err(Severed::Refused),
            Some(Fault::ResetBefore) => Err(Severed::Reset),
            Some(Fault::ResetAfter) => {
                self.handle(|world| world.handle(&request, now));
                Err(Severed::Reset)
            }
            Some(Fault::Status {
                status,
                code,
                message,
                retry_after,
            }) => Ok(scheduled(status, &code, &message, retry_after)),
            Some(Fault::Unauthorized) => Ok(scheduled(
                401,
                "ExpiredAuthenticationToken",
                "The access token has expired.",
                None,
            )),
            Some(Fault::StaleRead) => Ok(self.handle(|world| world.handle_stale(&request, now))),
            Some(Fault::FailOperation { code, message }) => Ok(self.handle(|world| {
                let response = world.handle(&request, now);
                world.fail_operation_just_started(&code, &message);
                response
            })),
            Some(Fault::Delay(_)) | None => Ok(self.handle(|world| world.handle(&request, now))),
        };
        self.record(LogEntry {
            method,
            url,
            status: answer.as_ref().ok().map(|response| response.status),
            at: now,
        });
        (answer, wait)
    }

    fn record(&mut self, entry: LogEntry) {
        if let Some(file) = &mut self.log_file
            && let Err(error) = file.write_all(entry.line().as_bytes())
        {
            tracing::warn!(%error, "the log of requests ends here");
            self.log_file = None;
        }
        if self.log.len() == LONGEST_LOG {
            self.log.pop_front();
        }
        self.log.push_back(entry);
    }

    fn handle(&mut self, act: impl FnOnce(&mut World) -> Response) -> Response {
        match &mut self.home {
            Home::Memory(world) => act(world),
            Home::File(store) => store.transact(act).unwrap_or_else(|error| {
                scheduled(500, "SimulatorStoreFailed", &error.to_string(), None)
            }),
        }
    }
}

fn scheduled(status: u16, code: &str, message: &str, retry_after: Option<u64>) -> Response {
    let mut error = ArmError::new(status, code, message);
    if status >= 429 {
        error = error.header("x-ms-failure-cause", "service");
    }
    if let Some(seconds) = retry_after {
        error = error.header("Retry-After", seconds);
    }
    error.into_reply().into_response()
}
