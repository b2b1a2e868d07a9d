//! A simulator of Azure Resource Manager.
//!
//! [`World`] is the pure part: a seeded state machine that turns a [`Request`] at a [`SimTime`] into a [`Response`], with
//! the ids, errors and delays of recorded ARM traffic. [`Simulator`] shares one world among any number of clients and
//! adds a [`Clock`], [`Faults`], latency, a request log and optionally a file. Clients use either [`InProcess`], an
//! `HttpClient` for azure_core, or HTTPS through [`serve`].
//!
//! ```
//! use lazuli_sim::{Caller, Method, Request, SUBSCRIPTION, SimTime, World, WorldOptions};
//!
//! let mut world = World::new(WorldOptions::default());
//! let path = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg?api-version=2021-04-01");
//! let request = Request::new(Method::Put, &path)
//!     .with_bearer(&world.token(Caller::Owner, SimTime::EPOCH))
//!     .with_json(&serde_json::json!({ "location": "westeurope" }));
//! assert_eq!(world.handle(&request, SimTime::EPOCH).status, 201);
//! ```

mod catalogue;
mod clock;
mod exchange;
mod faults;
mod http;
mod sim_time;
mod simulator;
mod store;
mod transport;
mod wildcard;
mod world;

pub use clock::{Clock, ManualClock, TokioClock};
pub use exchange::ConnectionError;
pub use faults::{Fault, Faults, Occurrence};
pub use http::{Method, Request, Response};
pub use sim_time::SimTime;
pub use simulator::{Latency, LogEntry, Simulator};
pub use store::{StoreError, reset};
pub use transport::{InProcess, Tls, TlsError, bind, serve};
pub use world::{
    CALLER_SECRET, Caller, GROUP_OBJECT_IDS, OTHER_SUBSCRIPTION, Pace, SUBSCRIPTION, TENANT,
    USER_OBJECT_ID, World, WorldOptions,
};
