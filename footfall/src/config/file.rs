//! Reading the file. What is wrong with it is said without what stands there, which may be a secret.

use std::path::Path;

use anyhow::{Context, anyhow};

use super::Config;

/// Reads a configuration file.
///
/// # Errors
/// When it can't be read, or holds what no configuration has: with the line and the column, never with the line's text.
pub(super) fn read(path: &Path) -> anyhow::Result<Config> {
    let file = || format!("configuration file {}", path.display());
    let text = std::fs::read_to_string(path).with_context(file)?;
    toml::from_str(&text).map_err(|error| {
        let place = error.span().map_or(String::new(), |span| {
            let (line, column) = place(&text, span.start);
            format!(", line {line}, column {column}")
        });
        anyhow!("{}{place}: {}", file(), without_value(error.message()))
    })
}

/// Line and column of a byte, both counted from 1.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    (line, before[start..].chars().count() + 1)
}

/// What serde says of a value that it can't use repeats the value; what kind it is of, and what was expected, is enough.
fn without_value(message: &str) -> String {
    let of_values = ["invalid type: ", "invalid value: "];
    let expected = message.rfind(", expected ");
    let (true, Some(end)) = (
        of_values.iter().any(|start| message.starts_with(start)),
        expected,
    ) else {
        return message.to_owned();
    };
    let kind = message[..end].split(['`', '"']).next().unwrap_or_default();
    format!("{}{}", kind.trim_end(), &message[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_left_out_of_what_is_said_of_it() {
        for (message, said) in [
            (
                "invalid type: integer `12345678`, expected a string",
                "invalid type: integer, expected a string",
            ),
            (
                "invalid value: string \"s3, expected cret\", expected milliseconds, or \"none\"",
                "invalid value: string, expected milliseconds, or \"none\"",
            ),
            (
                "unknown field `pasword`, expected one of `brokers`, `password`",
                "unknown field `pasword`, expected one of `brokers`, `password`",
            ),
        ] {
            assert_eq!(without_value(message), said);
        }
    }

    #[test]
    fn lines_and_columns_are_counted_from_one() {
        assert_eq!(place("", 0), (1, 1));
        assert_eq!(place("a\nbé = 1\n", 7), (2, 5));
    }
}
