//! When generated events occur: now, or spread over days as people spread over a day.

/// An hour in milliseconds.
const HOUR_MS: i64 = 3_600_000;
/// Hours from UTC to Korean time, by which the people live.
const ZONE_HOURS: i64 = 9;
/// How much happens in each hour of a Korean day, in parts of the busiest.
const HOURS: [u64; 24] = [
    45, 25, 15, 10, 8, 10, 20, 40, 55, 60, 65, 75, 90, 80, 70, 68, 70, 75, 80, 85, 92, 100, 95, 70,
];

/// The times of events, in the order in which they are made.
#[derive(Debug, Clone)]
pub(super) enum Calendar {
    /// Each event occurs when it is made.
    Live {
        /// Now, milliseconds since the epoch.
        now_ms: i64,
    },
    /// The events of a known count fill a span.
    Spread(Spread),
}

/// A span filled hour by hour.
#[derive(Debug, Clone)]
pub(super) struct Spread {
    /// How many events there are.
    count: u64,
    /// How many were dated.
    made: u64,
    /// The sum of all hours' weights.
    total: u64,
    /// The hour being filled: its beginning, its weight, and the weights before it.
    hour_ms: i64,
    weight: u64,
    before: u64,
}

impl Calendar {
    /// Each event occurs now.
    pub(super) fn live(now_ms: i64) -> Self {
        Self::Live { now_ms }
    }

    /// `count` events over `days` days from `from_ms`.
    pub(super) fn spread(from_ms: i64, days: u16, count: u64) -> Self {
        Self::Spread(Spread {
            count: count.max(1),
            made: 0,
            // Every day has the same sum, wherever it begins.
            total: HOURS.iter().sum::<u64>() * u64::from(days),
            hour_ms: from_ms,
            weight: weight(from_ms),
            before: 0,
        })
    }

    /// The length of `days` in milliseconds.
    pub(super) fn length_ms(days: u16) -> i64 {
        i64::from(days) * 24 * HOUR_MS
    }

    /// The time of the next event.
    pub(super) fn next(&mut self) -> i64 {
        match self {
            Self::Live { now_ms } => *now_ms,
            Self::Spread(spread) => spread.next(),
        }
    }
}

impl Spread {
    fn next(&mut self) -> i64 {
        let place = u128::from(self.made.min(self.count - 1)) * u128::from(self.total);
        let (reached, rest) = (
            place / u128::from(self.count),
            place % u128::from(self.count),
        );
        self.made += 1;
        while reached >= u128::from(self.before + self.weight) {
            self.before += self.weight;
            self.hour_ms += HOUR_MS;
            self.weight = weight(self.hour_ms);
        }
        // How far into the hour, in parts of count × weight: exact, so the same on every machine.
        let inside = (reached - u128::from(self.before)) * u128::from(self.count) + rest;
        let whole = u128::from(self.weight) * u128::from(self.count);
        self.hour_ms + (inside * HOUR_MS as u128 / whole) as i64
    }
}

fn weight(hour_ms: i64) -> u64 {
    HOURS[(hour_ms.div_euclid(HOUR_MS) + ZONE_HOURS).rem_euclid(24) as usize]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_span_is_filled_in_order_from_its_first_hour_to_its_last(
            from_ms in 1_104_537_600_000_i64..4_000_000_000_000,
            days in 1_u16..40,
            count in 1_u64..3000,
        ) {
            let mut calendar = Calendar::spread(from_ms, days, count);
            let times: Vec<_> = (0..count).map(|_| calendar.next()).collect();
            prop_assert!(times.is_sorted());
            prop_assert_eq!(times[0], from_ms);
            let end = from_ms + Calendar::length_ms(days);
            prop_assert!(times[times.len() - 1] < end);
            if count >= 1000 {
                // The last thousandth of a span of weights is at most a few quiet hours long a day.
                prop_assert!(times[times.len() - 1] > end - HOUR_MS * (2 + i64::from(days)));
            }
        }
    }

    #[test]
    fn evenings_are_busier_than_nights() {
        let midnight = 1_793_458_800_000; // 2026-11-01T00:00:00+09:00
        let mut calendar = Calendar::spread(midnight, 1, 10_000);
        let mut hours = [0; 24];
        for _ in 0..10_000 {
            hours[((calendar.next() - midnight) / HOUR_MS) as usize] += 1;
        }
        assert!(hours[21] > 5 * hours[4], "{hours:?}");
        assert_eq!(hours.iter().sum::<i32>(), 10_000);
    }
}
