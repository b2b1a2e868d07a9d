//! Simulated time: milliseconds since the epoch of every world, and ARM's date format.

use serde::{Deserialize, Serialize};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

const EPOCH: OffsetDateTime = datetime!(2026-01-01 0:00 UTC);

/// A moment: milliseconds since 2026-01-01T00:00:00Z.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct SimTime(pub u64);

impl SimTime {
    /// 2026-01-01T00:00:00Z, the start of every world.
    pub const EPOCH: Self = Self(0);

    /// The moment `seconds` after the epoch.
    pub fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// The moment `millis` later.
    #[must_use]
    pub fn plus(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Milliseconds since `earlier`; zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Seconds since 1970, the unit of token claims.
    pub fn unix_seconds(self) -> u64 {
        const EPOCH_UNIX_SECONDS: u64 = EPOCH.unix_timestamp().unsigned_abs();
        EPOCH_UNIX_SECONDS.saturating_add(self.0 / 1000)
    }

    /// The calendar date and time in UTC, at most the end of the year 9999.
    pub fn to_datetime(self) -> OffsetDateTime {
        let elapsed = i64::try_from(self.0).unwrap_or(i64::MAX);
        EPOCH.saturating_add(Duration::milliseconds(elapsed))
    }

    /// ARM's date format, with seven digits after the second: `2026-01-01T00:00:00.0000000Z`.
    pub fn iso(self) -> String {
        let at = self.to_datetime();
        format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:07}Z",
            at.year(),
            u8::from(at.month()),
            at.day(),
            at.hour(),
            at.minute(),
            at.second(),
            at.nanosecond() / 100
        )
    }
}

#[cfg(test)]
mod tests {
    use super::SimTime;

    #[test]
    fn dates_are_right_across_leap_days() {
        assert_eq!(SimTime::EPOCH.iso(), "2026-01-01T00:00:00.0000000Z");
        assert_eq!(SimTime(1_500).iso(), "2026-01-01T00:00:01.5000000Z");
        let day = |n: u64| SimTime::from_secs(n * 86_400).iso();
        assert_eq!(day(58), "2026-02-28T00:00:00.0000000Z");
        assert_eq!(day(59), "2026-03-01T00:00:00.0000000Z");
        assert_eq!(day(365 + 365 + 59), "2028-02-29T00:00:00.0000000Z");
    }

    #[test]
    fn unix_seconds_agree_with_the_date() {
        let at = SimTime::from_secs(789 * 86_400);
        let seconds = i64::try_from(at.unix_seconds()).unwrap();
        assert_eq!(at.to_datetime().unix_timestamp(), seconds);
    }

    #[test]
    fn last_moment_is_the_end_of_the_year_9999() {
        assert_eq!(SimTime(u64::MAX).iso(), "9999-12-31T23:59:59.9999999Z");
    }
}
