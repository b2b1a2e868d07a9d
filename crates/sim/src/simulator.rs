//! One world shared by many clients, with a clock, faults, latency, a log and, when asked, a file.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::json;
use tokio::sync::oneshot;

use crate::arrival::{Answer, Arrival, Waiting, refusal};
use crate::clock::Clock;
use crate::faults::{Fault, Faults};
use crate::http::{Method, Request, Response};
use crate::store::{Store, StoreError};
use crate::time::SimTime;
use crate::world::{Caller, Pace, World, WorldOptions};

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
    /// Where requests at the same time are answered together.
    queue: Option<Arc<Queue>>,
    clock: Arc<dyn Clock>,
}

/// Requests that are answered together, so that one writing of the file is for all of them.
#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<Vec<Waiting>>,
    /// Held by whoever answers.
    writing: tokio::sync::Mutex<()>,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Simulator {
    /// A simulator whose world lives in memory.
    pub fn new(world: World, clock: impl Clock + 'static) -> Self {
        Self {
            shared: Arc::new(Mutex::new(Shared::new(Home::Memory(Box::new(world))))),
            queue: None,
            clock: Arc::new(clock),
        }
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
            queue: None,
            clock,
        })
    }

    /// The same simulator, for many clients at the same time: their requests share one writing of the file, and whoever
    /// waits for it holds up nobody.
    pub(crate) fn answering_together(mut self) -> Self {
        let is_in_file = matches!(self.lock().home, Home::File(_));
        self.queue = is_in_file.then(Arc::default);
        self
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
        let (answer, wait) = match &self.queue {
            None => self.lock().receive(request, self.clock.now()),
            Some(queue) => self.send_together(queue, request).await,
        };
        if wait > 0 {
            tokio::time::sleep(Duration::from_millis(wait)).await;
        }
        answer
    }

    /// Waits until those who send now have sent as well, and while the file is being written; then answers all.
    async fn send_together(&self, queue: &Queue, request: Request) -> Answer {
        let (sender, mut answer) = oneshot::channel();
        let waiting = Waiting {
            request,
            at: self.clock.now(),
            sender,
        };
        queue.lock().push(waiting);
        let turn = Turn(self);
        tokio::task::yield_now().await;
        let writing = queue.writing.lock().await;
        drop(turn);
        drop(writing);
        answer.try_recv().unwrap_or((Err(Severed::Reset), 0))
    }

    fn answer_waiting(&self) {
        let Some(queue) = &self.queue else {
            return;
        };
        let mut shared = self.lock();
        let waiting = std::mem::take(&mut *queue.lock());
        if !waiting.is_empty() {
            shared.receive_together(waiting);
        }
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

    /// Answers one request.
    fn receive(&mut self, request: Request, at: SimTime) -> Answer {
        let arrival = self.admit(request, at);
        let answer = self
            .home
            .reach(|world| arrival.answer(|act| act(world)))
            .unwrap_or_else(|error| arrival.answer(|_| unsaved(&error)));
        self.record(&arrival, &answer);
        (answer, arrival.wait)
    }

    /// Answers all of them, with one writing of the file. Whoever has left does without.
    fn receive_together(&mut self, waiting: Vec<Waiting>) {
        let (arrivals, senders): (Vec<Arrival>, Vec<_>) = waiting
            .into_iter()
            .map(|one| (self.admit(one.request, one.at), one.sender))
            .unzip();
        let answers: Vec<_> = self
            .home
            .reach(|world| {
                let each = arrivals.iter();
                each.map(|arrival| arrival.answer(|act| act(world)))
                    .collect()
            })
            .unwrap_or_else(|error| {
                let each = arrivals.iter();
                each.map(|arrival| arrival.answer(|_| unsaved(&error)))
                    .collect()
            });
        for ((arrival, sender), answer) in arrivals.iter().zip(senders).zip(answers) {
            self.record(arrival, &answer);
            let _ = sender.send((answer, arrival.wait));
        }
    }

    /// Decides what becomes of a request.
    fn admit(&mut self, mut request: Request, at: SimTime) -> Arrival {
        let fault = self.faults.strike(self.received, &request);
        self.received += 1;
        let mut wait = if request.method.is_read() {
            self.latency.read
        } else {
            self.latency.write
        };
        if let Some(Fault::Delay(more)) = fault {
            wait = wait.saturating_add(more);
        }
        request.duration = wait;
        Arrival {
            request,
            at,
            fault,
            wait,
        }
    }

    fn record(&mut self, arrival: &Arrival, answer: &Result<Response, Severed>) {
        let entry = LogEntry {
            method: arrival.request.method,
            url: arrival.request.path_and_query(),
            status: answer.as_ref().ok().map(|response| response.status),
            at: arrival.at,
        };
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
}

impl Home {
    /// Lets `act` work on the world. Where it cannot be saved, nothing of that stays.
    fn reach<T>(&mut self, act: impl FnOnce(&mut World) -> T) -> Result<T, StoreError> {
        match self {
            Self::Memory(world) => Ok(act(world)),
            Self::File(store) => store.transact(act),
        }
    }
}

fn unsaved(error: &StoreError) -> Response {
    refusal(500, "SimulatorStoreFailed", &error.to_string(), None)
}

/// A request that waits for its turn. Who stops waiting loses the answer, not the effect.
struct Turn<'a>(&'a Simulator);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.answer_waiting();
    }
}

#[cfg(test)]
mod tests;
