//! A simulator of Azure Resource Manager.
//!
//! [`World`] is the pure part: a seeded state machine that turns a [`Request`] at a [`SimTime`] into a [`Response`],
//! with the identities, errors, delays and refusals that recorded ARM traffic shows. [`Simulator`] shares one world
//! among any number of clients and adds a [`Clock`], [`Faults`], latency, a log and, when asked, a file.
//! [`InProcess`] and [`serve`] are the two ways in: the `HttpClient` of azure_core, and HTTPS.
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

mod arrival;
mod catalogue;
mod clock;
mod faults;
mod http;
mod simulator;
mod store;
mod time;
mod transport;
mod world;

pub use clock::{Clock, ManualClock, TokioClock};
pub use faults::{Fault, Faults, Occurrence};
pub use http::{Method, Request, Response};
pub use simulator::{Latency, LogEntry, Severed, Simulator};
pub use store::{StoreError, reset};
pub use time::SimTime;
pub use transport::{InProcess, Tls, TlsError, bind, serve};
pub use world::{
    CALLER_SECRET, Caller, GROUP_OBJECT_IDS, OTHER_SUBSCRIPTION, Pace, SUBSCRIPTION, TENANT,
    USER_OBJECT_ID, World, WorldOptions,
};
