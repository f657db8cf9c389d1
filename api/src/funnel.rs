//! The funnel: how many got how far, and the share that went on.

use pipeline::cell::Kind;
use serde::Serialize;
use utoipa::ToSchema;

/// The funnel Visit → Click → Enter → Purchase.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Funnel {
    /// By events.
    pub(crate) events: Vec<FunnelStep>,
    /// By people; null where distinct users are not kept.
    #[schema(required = true)]
    pub(crate) people: Option<Vec<FunnelStep>>,
    /// Why `people` is null and what to ask instead; absent where it isn't.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) people_reason: Option<&'static str>,
}

/// One step of the funnel Visit → Click → Enter → Purchase.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct FunnelStep {
    /// `visit`, `click`, `enter` or `purchase`.
    pub(crate) step: &'static str,
    /// Events of this kind, or people who have reached this step: who have events of it and of
    /// every step before, in any order.
    pub(crate) count: u64,
    /// This count by that of the step before, rounded to six places. Events may exceed 1. null for
    /// the first step and where the step before is zero.
    #[schema(required = true)]
    pub(crate) from_previous: Option<f64>,
    /// This count by that of the first step; null where the first is zero.
    #[schema(required = true)]
    pub(crate) from_first: Option<f64>,
}

/// The steps of four counts, in the funnel's order.
pub(crate) fn steps(counts: [u64; 4]) -> Vec<FunnelStep> {
    let step = |i: usize| FunnelStep {
        step: Kind::FUNNEL[i].as_str(),
        count: counts[i],
        from_previous: i
            .checked_sub(1)
            .and_then(|previous| ratio(counts[i], counts[previous])),
        from_first: ratio(counts[i], counts[0]),
    };
    (0..counts.len()).map(step).collect()
}

/// `part` by `whole` to six places, as a ratio in JSON is read by people too; `None` by zero.
pub(crate) fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| (part as f64 / whole as f64 * 1e6).round() / 1e6)
}

#[cfg(test)]
mod tests {
    use super::steps;

    #[test]
    fn conversion_is_from_the_step_before_and_from_the_first() {
        let steps = steps([200, 50, 10, 5]);
        let rates: Vec<_> = steps
            .iter()
            .map(|s| (s.step, s.count, s.from_previous, s.from_first))
            .collect();
        assert_eq!(
            rates,
            [
                ("visit", 200, None, Some(1.0)),
                ("click", 50, Some(0.25), Some(0.25)),
                ("enter", 10, Some(0.2), Some(0.05)),
                ("purchase", 5, Some(0.5), Some(0.025)),
            ]
        );
    }

    #[test]
    fn conversion_from_zero_is_null_and_not_a_number() {
        let steps = steps([0, 0, 3, 1]);
        let rates: Vec<_> = steps
            .iter()
            .map(|s| (s.from_previous, s.from_first))
            .collect();
        assert_eq!(
            rates,
            [
                (None, None),
                (None, None),
                (None, None),
                (Some(0.333_333), None)
            ]
        );
    }

    #[test]
    fn events_of_a_later_step_may_exceed_those_before() {
        assert_eq!(steps([2, 3, 0, 0])[1].from_previous, Some(1.5));
    }
}
