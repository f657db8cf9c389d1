//! The local days a question covers.

use jiff::civil::Date;
use pipeline::row::{date_of, day_of};
use utoipa::IntoParams;
use views::Span;
use web::Problem;

use crate::parameters::Parameters;

/// The longest span of days, ten years: each day is a row of every activity to be read.
const LONGEST_DAYS: u16 = 3_660;

/// The days of a question: both ends, or neither for all of it.
#[derive(Debug, Clone, Copy, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Days {
    /// The first day counted, in the reporting time zone. Together with `to`; without both, all
    /// of it is counted.
    #[param(required = false, value_type = String, format = Date, example = "2026-11-01")]
    pub(crate) from: Option<u16>,
    /// The last day counted. One day, an ISO week (Monday to Sunday) and a calendar month have
    /// numbers of people; other spans have events only.
    #[param(required = false, value_type = String, format = Date, example = "2026-11-30")]
    pub(crate) to: Option<u16>,
}

impl Days {
    pub(crate) const NAMES: &'static [&'static str] = &["from", "to"];

    /// Reads the two parameters.
    ///
    /// # Errors
    /// When one is missing, no day, or they are in the wrong order or too far apart.
    pub(crate) fn parse(parameters: &Parameters) -> Result<Self, Problem> {
        let from = parameters.get("from").map(|text| day("from", text));
        let to = parameters.get("to").map(|text| day("to", text));
        let days = Self {
            from: from.transpose()?,
            to: to.transpose()?,
        };
        match (days.from, days.to) {
            (Some(_), None) => Err(Problem::bad(
                "to",
                "from needs to; give both days or neither",
            )),
            (None, Some(_)) => Err(Problem::bad(
                "from",
                "to needs from; give both days or neither",
            )),
            (Some(from), Some(to)) if from > to => Err(Problem::bad(
                "to",
                format!(
                    "to is {}, before from, {}; exchange them",
                    date_of(to),
                    date_of(from)
                ),
            )),
            (Some(from), Some(to)) if to - from >= LONGEST_DAYS => Err(Problem::bad(
                "from",
                format!(
                    "the span has {} days; ask for at most {LONGEST_DAYS}, or for all by leaving out from and to",
                    to - from + 1
                ),
            )),
            _ => Ok(days),
        }
    }

    /// The days as a span.
    pub(crate) fn span(self) -> Span {
        match (self.from, self.to) {
            (Some(from), Some(to)) => Span::Days { from, to },
            _ => Span::Life,
        }
    }
}

/// The day written as `text`, as days since 1970-01-01.
pub(crate) fn day(name: &'static str, text: &str) -> Result<u16, Problem> {
    text.parse::<Date>()
        .ok()
        .filter(|_| text.len() == "2026-11-01".len())
        .and_then(day_of)
        .ok_or_else(|| {
            Problem::bad(
                name,
                format!("{name} is {text:?}; write a day from 1970 to 2149 as 2026-11-01"),
            )
        })
}
