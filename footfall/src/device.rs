//! `footfall device`: User-Agents in, what Footfall makes of them out.
//!
//! One line in, one line out, in order; the User-Agent is the last column, as it came.

use std::io::{self, BufRead, BufWriter, ErrorKind, Write};

use pipeline::device::{Hints, classify};

/// Longest line read, bytes; what is beyond belongs to no User-Agent.
const MAX_LINE: usize = 64 * 1024;

/// Reads a User-Agent a line and writes `class · os · browser · brand · user agent`, separated by tabs.
///
/// Bytes that are not UTF-8 are replaced. A reader that stops listening ends the work without an error.
/// Returns the number of lines.
///
/// # Errors
/// When reading or writing fails, or a line is longer than 64 KiB.
pub fn run(mut input: impl BufRead, output: impl Write) -> io::Result<u64> {
    let mut output = BufWriter::new(output);
    let mut line = Vec::new();
    let mut lines = 0;
    while crate::lines::next(&mut input, &mut line, MAX_LINE)? {
        if line.len() > MAX_LINE {
            return Err(io::Error::new(
                ErrorKind::InvalidData,
                format!(
                    "line {} is longer than {MAX_LINE} bytes; write one User-Agent a line",
                    lines + 1
                ),
            ));
        }
        let user_agent = String::from_utf8_lossy(&line);
        let device = classify(&user_agent, Hints::default());
        let written = writeln!(
            output,
            "{}\t{}\t{}\t{}\t{user_agent}",
            device.class, device.os, device.browser, device.brand
        );
        match written {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(lines),
            other => other?,
        }
        lines += 1;
    }
    match output.flush() {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(lines),
        other => other.map(|()| lines),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn told(input: &[u8]) -> String {
        let mut output = Vec::new();
        run(input, &mut output).unwrap();
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn an_iphone_is_a_mobile_and_ios() {
        let agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 \
                     (KHTML, like Gecko) Version/18.7.5 Mobile/15E148 Safari/604.1";
        assert_eq!(
            told(agent.as_bytes()),
            format!("mobile\tios\tsafari\tiphone\t{agent}\n")
        );
    }

    #[test]
    fn every_line_is_answered_in_order_also_an_empty_or_broken_one() {
        let answer = told(b"curl/8.0\r\n\n\xff\xfe\nlast without newline");
        let lines: Vec<_> = answer.lines().collect();
        assert_eq!(lines.len(), 4);
        assert_eq!(lines[0], "bot\tother\tother\tother\tcurl/8.0");
        assert_eq!(lines[1], "other\tother\tother\tother\t");
        assert_eq!(lines[2], "other\tother\tother\tother\t\u{fffd}\u{fffd}");
        assert!(lines[3].ends_with("\tlast without newline"));
    }

    #[test]
    fn a_line_beyond_the_limit_is_an_error_that_names_it() {
        let mut input = b"curl/8.0\n".to_vec();
        input.extend(std::iter::repeat_n(b'x', MAX_LINE + 1));
        let error = run(input.as_slice(), Vec::new()).unwrap_err();
        assert!(error.to_string().starts_with("line 2 is longer"), "{error}");
    }
}
