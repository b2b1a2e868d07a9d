//! Lower bounds of the duration of a run: sequential round trips, and the request limits of ARM.

use serde::Serialize;

use crate::{Options, Phase, units};

/// Metadata and a token precede the first read.
const LOGIN: usize = 2;
/// Items in a page of the simulator: pages are read sequentially, lists of several types concurrently.
const PAGE: usize = 100;
/// Grants that always exist.
const FOREIGN_GRANTS: usize = 3;
/// Preflight requests before the first write.
const PREFLIGHT: usize = 1;
/// A group; a storage account and its poll; a grant on it; the account that uses both. The identity is created
/// concurrently with the storage account.
const CREATE: usize = 5;
/// One write.
const UPDATE: usize = 1;
/// All groups with their contents concurrently, and their poll.
const DELETE: usize = 2;

/// Writes in a full bucket, and the refill per second (Azure's page "Understand how Azure Resource Manager throttles
/// requests").
const WRITES: (usize, usize) = (200, 10);

/// The bounds of a phase.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Bound {
    /// Sequential requests.
    pub round_trips: usize,
    /// Seconds of the sequential requests at the latency.
    pub critical_path: f64,
    /// Seconds until ARM has accepted all writes; 0 without throttling.
    pub refill: f64,
}

impl Bound {
    pub fn new(units: usize, phase: Phase, options: &Options) -> Self {
        let groups = units::groups(units);
        // Of the types in a unit, grants fill most pages; owned resources are found in one list by their ownership marker.
        let grants = (2 * units + FOREIGN_GRANTS).div_ceil(PAGE);
        let owned = (3 * units).div_ceil(PAGE);
        let reads = grants.max(owned);
        let (trips, writes) = match phase {
            // Nothing exists at first; the result is read back at the end.
            Phase::Create => (
                1 + PREFLIGHT + CREATE + grants,
                groups + units * units::RESOURCES,
            ),
            Phase::PlanNothing | Phase::ApplyNothing => (reads, 0),
            Phase::PlanDrift => (reads + PREFLIGHT, 0),
            Phase::ApplyDrift => (reads + PREFLIGHT + UPDATE + grants, 1),
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

    /// The minimum duration of any client, in seconds.
    pub fn seconds(&self) -> f64 {
        self.critical_path.max(self.refill)
    }
}
