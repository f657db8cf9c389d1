//! Trace ids, by which the log lines of one request or record are found: W3C's `traceparent`.

use std::fmt;

/// The header's name, in HTTP and on records.
pub const HEADER: &str = "traceparent";

/// The only version there is; a later one begins with the same fields.
const VERSION: &str = "00";
/// Its length in characters.
const LENGTH: usize = 55;

/// Who asked, as `traceparent` says it: a trace, and the step of it that called here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    id: String,
    parent: String,
    flags: String,
}

impl Trace {
    /// Of a header's value; `None` when it is none, and then a new trace begins.
    pub fn parse(text: &str) -> Option<Self> {
        let mut fields = text.split('-');
        let mut field = |digits: usize| {
            let field = fields.next()?;
            let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            (field.len() == digits && field.bytes().all(is_hex)).then(|| field.to_owned())
        };
        let (version, id, parent, flags) = (field(2)?, field(32)?, field(16)?, field(2)?);
        let is_zero = |field: &str| field.bytes().all(|byte| byte == b'0');
        let too_long = version == VERSION && text.len() != LENGTH;
        if version == "ff" || too_long || is_zero(&id) || is_zero(&parent) {
            return None;
        }
        Some(Self { id, parent, flags })
    }

    /// A trace of its own, not sampled.
    pub fn begin() -> Self {
        Self {
            id: uuid::Uuid::new_v4().simple().to_string(),
            parent: new_step(),
            flags: "00".to_owned(),
        }
    }

    /// The same trace, with a step of its own under way.
    #[must_use]
    pub fn step(self) -> Self {
        Self {
            parent: new_step(),
            ..self
        }
    }

    /// The trace's id, 32 hexadecimal digits.
    pub fn id(&self) -> &str {
        &self.id
    }
}

/// 16 hexadecimal digits, not all of them 0: one bit of a random UUID is always set in its first half.
fn new_step() -> String {
    let (high, _) = uuid::Uuid::new_v4().as_u64_pair();
    format!("{high:016x}")
}

/// The header's value.
impl fmt::Display for Trace {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{VERSION}-{}-{}-{}", self.id, self.parent, self.flags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_trace_goes_on_with_a_step_of_its_own() {
        let given = Trace::parse(GIVEN);
        assert_eq!(
            given.as_ref().map(ToString::to_string).as_deref(),
            Some(GIVEN)
        );
        let step = given.map(Trace::step);
        let text = step.map(|step| step.to_string()).unwrap_or_default();
        assert!(text.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"));
        assert!(text.ends_with("-01") && text != GIVEN, "{text}");
        assert_eq!(
            Trace::parse(&text).map(|trace| trace.to_string()),
            Some(text)
        );
    }

    #[test]
    fn what_is_no_traceparent_begins_a_trace_that_is_one() {
        for text in [
            "",
            "00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
        ] {
            assert_eq!(Trace::parse(text), None, "{text}");
        }
        let later = "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more";
        assert!(Trace::parse(later).is_some());
        let begun = Trace::begin();
        assert_eq!(Trace::parse(&begun.to_string()), Some(begun));
    }
}
