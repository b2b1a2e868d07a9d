//! Simulated time: milliseconds since the world's epoch, and how ARM writes them.

use serde::{Deserialize, Serialize};

/// Unix seconds of the world's epoch, 2026-01-01T00:00:00Z.
const EPOCH_UNIX_SECONDS: u64 = 1_767_225_600;

/// A moment: milliseconds since 2026-01-01T00:00:00Z.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct SimTime(pub u64);

impl SimTime {
    /// 2026-01-01T00:00:00Z, when every world begins.
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

    /// Milliseconds from `earlier` to here; zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Seconds since 1970, as tokens carry them.
    pub fn unix_seconds(self) -> u64 {
        EPOCH_UNIX_SECONDS.saturating_add(self.0 / 1000)
    }

    /// ARM's form, seven digits after the second: `2026-01-01T00:00:00.0000000Z`.
    pub fn iso(self) -> String {
        let seconds = self.unix_seconds();
        let (year, month, day) = civil_date(seconds / 86_400);
        let of_day = seconds % 86_400;
        format!(
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}0000Z",
            of_day / 3600,
            of_day / 60 % 60,
            of_day % 60,
            self.0 % 1000
        )
    }
}

/// Year, month and day of a day counted from 1970-01-01.
fn civil_date(mut days: u64) -> (u64, u64, u64) {
    let leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let mut year = 1970;
    loop {
        let length = if leap(year) { 366 } else { 365 };
        if days < length {
            break;
        }
        days -= length;
        year += 1;
    }
    let february = if leap(year) { 29 } else { 28 };
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days + 1)
}

#[cfg(test)]
mod tests {
    use super::SimTime;

    #[test]
    fn writes_dates_across_leap_days() {
        assert_eq!(SimTime::EPOCH.iso(), "2026-01-01T00:00:00.0000000Z");
        assert_eq!(SimTime(1_500).iso(), "2026-01-01T00:00:01.5000000Z");
        let day = |n: u64| SimTime::from_secs(n * 86_400).iso();
        assert_eq!(day(58), "2026-02-28T00:00:00.0000000Z");
        assert_eq!(day(59), "2026-03-01T00:00:00.0000000Z");
        assert_eq!(day(365 + 365 + 59), "2028-02-29T00:00:00.0000000Z");
    }
}
