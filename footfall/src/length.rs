//! A length of time as a flag gives it.

use std::time::Duration;

/// Such as `20s`, `12h` or `30d`. A day, which has no fixed length on a calendar, is 24 hours.
///
/// # Errors
/// With what a length of time looks like.
pub(crate) fn length(text: &str) -> Result<Duration, String> {
    let wrong = || "a time is a number with a unit, such as 20s, 12h or 30d".to_owned();
    let span: jiff::Span = text.parse().map_err(|_| wrong())?;
    let length = span
        .to_duration(jiff::SpanRelativeTo::days_are_24_hours())
        .map_err(|_| wrong())?;
    Duration::try_from(length).map_err(|_| "a time is not negative".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_number_with_a_unit() {
        for (text, seconds) in [
            ("20s", 20),
            ("2m", 120),
            ("12h", 43_200),
            ("30d", 30 * 86_400),
            ("1d 2h", 26 * 3_600),
            ("0s", 0),
        ] {
            assert_eq!(length(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(length("250ms"), Ok(Duration::from_millis(250)));
        for text in ["", "30", "d", "soon", "1y", "2mo"] {
            assert!(
                length(text).is_err_and(|said| said.contains("30d")),
                "{text}"
            );
        }
        assert!(length("-1d").is_err_and(|said| said.contains("negative")));
    }
}
