//! Lines of a file or stream, each in bounded memory.

use std::io::{self, BufRead};

/// Reads the next line into `line`, without its end (`\n` or `\r\n`); false at the end of the input.
///
/// A line longer than `limit` bytes is read to its end and yields its first `limit + 1` bytes.
///
/// # Errors
/// When reading fails.
pub fn next(input: &mut impl BufRead, line: &mut Vec<u8>, limit: usize) -> io::Result<bool> {
    line.clear();
    let mut any = false;
    loop {
        let chunk = match input.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        if chunk.is_empty() {
            break;
        }
        any = true;
        let end = chunk.iter().position(|byte| *byte == b'\n');
        let part = &chunk[..end.unwrap_or(chunk.len())];
        // One byte beyond the limit tells the caller; a carriage return may be one more.
        let room = (limit + 2).saturating_sub(line.len());
        line.extend_from_slice(&part[..part.len().min(room)]);
        let used = part.len() + usize::from(end.is_some());
        input.consume(used);
        if end.is_some() {
            break;
        }
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    line.truncate(limit + 1);
    Ok(any)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::BufReader;

    use super::*;

    fn all(text: &[u8], limit: usize) -> Vec<Vec<u8>> {
        // A small buffer, so that lines span several.
        let mut input = BufReader::with_capacity(3, text);
        let (mut line, mut lines) = (Vec::new(), Vec::new());
        while next(&mut input, &mut line, limit).unwrap() {
            lines.push(line.clone());
        }
        lines
    }

    #[test]
    fn ends_of_lines_are_left_out_and_the_last_needs_none() {
        assert_eq!(all(b"one\r\n\ntwo", 10), [&b"one"[..], b"", b"two"]);
        assert_eq!(all(b"one\n", 10), [b"one"]);
        assert!(all(b"", 10).is_empty());
    }

    #[test]
    fn a_long_line_is_cut_one_byte_beyond_the_limit_and_the_next_is_whole() {
        assert_eq!(all(b"0123456789\nab\r\n", 4), [&b"01234"[..], b"ab"]);
        assert_eq!(all(b"0123\r\nab", 4), [&b"0123"[..], b"ab"]);
    }
}
