//! What a run could not be faster than: round trips that must follow each other, and requests that ARM lets through.

use serde::Serialize;

use crate::{Options, Phase, units};

/// Metadata and a token come before the first read.
const LOGIN: usize = 2;
/// Items of a page of the simulator: pages follow each other, lists of several types do not.
const PAGE: usize = 100;
/// Grants that are there in any case.
const FOREIGN_GRANTS: usize = 3;
/// What Azure would refuse is asked before the first write.
const ASK: usize = 1;
/// A group; a storage account and what it is polled at; a grant on it; the account that uses both. The identity is made
/// next to the storage account.
const CREATE: usize = 5;
/// One write.
const UPDATE: usize = 1;
/// All groups at once, with what is in them, and what they are polled at.
const DELETE: usize = 2;

/// Writes in a full bucket, and how many come back a second (Azure's page "Understand how Azure Resource Manager throttles
/// requests").
const WRITES: (usize, usize) = (200, 10);

/// The bounds of a phase.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Bound {
    /// Requests that must follow each other.
    pub round_trips: usize,
    /// Seconds that they take at the latency.
    pub critical_path: f64,
    /// Seconds until ARM has let all writes through; 0 where it does not throttle.
    pub refill: f64,
}

impl Bound {
    pub fn of(units: usize, phase: Phase, options: &Options) -> Self {
        let groups = units::groups(units);
        // Of the types in a unit grants fill most pages; what carries the mark of the stack is found in one list of all.
        let grants = (2 * units + FOREIGN_GRANTS).div_ceil(PAGE);
        let owned = (3 * units).div_ceil(PAGE);
        let look = grants.max(owned);
        let (trips, writes) = match phase {
            // Nothing exists at first; the result is read back at the end.
            Phase::Create => (1 + ASK + CREATE + grants, groups + units * units::RESOURCES),
            Phase::PlanNothing | Phase::ApplyNothing => (look, 0),
            Phase::PlanDrift => (look + ASK, 0),
            Phase::ApplyDrift => (look + ASK + UPDATE + grants, 1),
            Phase::Destroy => (grants + DELETE, groups),
        };
        let round_trips = LOGIN + trips;
        let (bucket, rate) = WRITES;
        Self {
            round_trips,
            critical_path: (round_trips as u64 * options.latency) as f64 / 1000.0,
            refill: if options.throttle {
                writes.saturating_sub(bucket) as f64 / rate as f64
            } else {
                0.0
            },
        }
    }

    /// Seconds that any client needs.
    pub fn seconds(&self) -> f64 {
        self.critical_path.max(self.refill)
    }
}
