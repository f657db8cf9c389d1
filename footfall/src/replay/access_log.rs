//! One line of Apache's or Nginx's combined format.
//!
//! `address identity user [day/Month/year:time zone] "request" status bytes "referrer" "user agent"`; what follows is
//! ignored, for servers append fields of their own.

use std::borrow::Cow;

use jiff::fmt::strtime::BrokenDownTime;

/// A request as its line tells it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request<'a> {
    /// The client's address or host name.
    pub address: &'a str,
    /// When, milliseconds since the epoch.
    pub occurred_at_ms: i64,
    /// The request line's first word.
    pub method: &'a str,
    /// Its second word; empty when there is none.
    pub target: &'a str,
    /// The answer's status code.
    pub status: u16,
    /// The Referer header; `-` or empty when there was none.
    pub referrer: Cow<'a, str>,
    /// The User-Agent header; empty when there was none.
    pub user_agent: Cow<'a, str>,
}

/// Reads a line.
///
/// # Errors
/// What is missing or broken, as the end of the sentence "the line has …".
pub(super) fn parse(line: &str) -> Result<Request<'_>, String> {
    // The user's name may hold spaces, so the bracket is looked for first.
    let (who, rest) = line.split_once(" [").ok_or("no time in brackets")?;
    let (time, rest) = rest
        .split_once("] \"")
        .ok_or("no request in quotes after its time")?;
    let occurred_at_ms = millis(time)?;
    let (request, rest) = quoted(rest).ok_or("a request without closing quote")?;
    let mut words = rest.strip_prefix(' ').unwrap_or(rest).splitn(3, ' ');
    let status = words
        .next()
        .filter(|digits| digits.len() == 3)
        .and_then(|digits| digits.parse().ok())
        .ok_or("no status of three digits after its request")?;
    words.next().ok_or("no size after its status")?;
    let rest = words
        .next()
        .and_then(|rest| rest.strip_prefix('"'))
        .ok_or("no referrer in quotes; the combined format has one")?;
    let (referrer, rest) = quoted(rest).ok_or("a referrer without closing quote")?;
    let rest = rest
        .strip_prefix(" \"")
        .ok_or("no user agent in quotes; the combined format has one")?;
    let (user_agent, _) =
        quoted(rest).ok_or("a user agent without closing quote: the line is cut short")?;
    let mut words = request.split(' ');
    Ok(Request {
        address: who
            .split(' ')
            .next()
            .filter(|address| !address.is_empty())
            .ok_or("no address")?,
        occurred_at_ms,
        method: words.next().unwrap_or_default(),
        target: words.next().unwrap_or_default(),
        status,
        referrer: unescape(referrer),
        user_agent: match user_agent {
            "-" => "".into(),
            text => unescape(text),
        },
    })
}

/// `17/May/2015:10:05:03 +0000` as milliseconds since the epoch.
fn millis(time: &str) -> Result<i64, String> {
    BrokenDownTime::parse("%d/%b/%Y:%H:%M:%S %z", time)
        .and_then(|parts| parts.to_timestamp())
        .map(|at| at.as_millisecond())
        .map_err(|_| format!("a time {time:?} that is not like 17/May/2015:10:05:03 +0000"))
}

/// What stands before the closing quote, and what after it; a backslash takes the next byte with it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let mut escaped = false;
    let end = text.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })?;
    Some((&text[..end], &text[end + 1..]))
}

/// Undoes the servers' escapes: `\"`, `\\` and `\x` with two digits; bytes that are not UTF-8 are replaced.
fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return text.into();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let (byte, taken) = match (first, after) {
            (b'\\', [b'x', high, low, ..]) => {
                match std::str::from_utf8(&[*high, *low])
                    .ok()
                    .and_then(|hex| u8::from_str_radix(hex, 16).ok())
                {
                    Some(byte) => (byte, 4),
                    None => (b'\\', 1),
                }
            }
            (b'\\', [next @ (b'"' | b'\\'), ..]) => (*next, 2),
            _ => (*first, 1),
        };
        bytes.push(byte);
        rest = &rest[taken..];
    }
    String::from_utf8_lossy(&bytes).into_owned().into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    const LINE: &str = r#"192.0.2.7 - frank lee [10/Oct/2023:13:55:36 -0700] "GET /a?b=c HTTP/1.1" 304 - "http://example.org/" "Mozilla/5.0 \"quoted\"""#;

    #[test]
    fn a_line_gives_its_parts() {
        assert_eq!(
            parse(LINE).unwrap(),
            Request {
                address: "192.0.2.7",
                occurred_at_ms: 1_696_971_336_000,
                method: "GET",
                target: "/a?b=c",
                status: 304,
                referrer: "http://example.org/".into(),
                user_agent: "Mozilla/5.0 \"quoted\"".into(),
            }
        );
    }

    #[test]
    fn fields_a_server_appends_are_ignored() {
        assert_eq!(parse(&format!("{LINE} \"203.0.113.9\" 0.004")), parse(LINE));
    }

    #[test]
    fn an_absent_user_agent_is_empty() {
        let line = r#"::1 - - [17/May/2015:10:05:03 +0000] "-" 408 0 "-" "-""#;
        let request = parse(line).unwrap();
        assert_eq!((request.method, request.target), ("-", ""));
        assert_eq!(request.user_agent, "");
    }

    #[test]
    fn escapes_are_undone_and_broken_ones_stay() {
        assert_eq!(unescape(r"\xea\xb0\x80\\\x2"), "가\\\\x2");
        assert_eq!(unescape(r"\xff\q\"), "\u{fffd}\\q\\");
    }

    #[test]
    fn what_is_missing_is_named() {
        for (broken, expected) in [
            ("", "no time"),
            (&LINE.replace("Oct", "Okt"), "a time"),
            (
                r#"h - - [17/May/2015:10:05:03 +0000] "GET /"#,
                "a request without closing quote",
            ),
            (&LINE.replace(" 304 ", " - "), "no status"),
            (
                r#"h - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.0" 200 5"#,
                "no referrer",
            ),
            (
                r#"h - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.0" 200"#,
                "no size",
            ),
            (
                &LINE[..LINE.len() - 1],
                "a user agent without closing quote",
            ),
        ] {
            let error = parse(broken).unwrap_err();
            assert!(error.starts_with(expected), "{broken}: {error}");
        }
    }

    proptest! {
        #[test]
        fn any_line_is_read_or_refused_without_a_panic(line in "\\PC{0,200}") {
            let _ = parse(&line);
        }

        #[test]
        fn any_cut_of_a_line_is_refused_or_the_whole(end in 0..LINE.len()) {
            prop_assert!(parse(&LINE[..end]).is_err());
        }

        #[test]
        fn any_user_agent_comes_back_from_its_escaped_form(agent in "\\PC{1,80}") {
            prop_assume!(agent != "-");
            let escaped = agent.replace('\\', r"\\").replace('"', "\\\"");
            let line = format!(r#"h - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.0" 200 5 "-" "{escaped}""#);
            prop_assert_eq!(parse(&line).unwrap().user_agent, agent);
        }
    }
}
