//! What goes wrong with a checkpoint, and what a failed call of SQLite means.

use std::fmt::Display;
use std::path::{Path, PathBuf};

/// What went wrong with a checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process holds the file.
    #[error("{0} is held by another process; stop it, or give this one a state folder of its own")]
    Held(PathBuf),
    /// The folder can't be used.
    #[error("state file {0}: {1}")]
    Io(PathBuf, std::io::Error),
    /// SQLite can't go on: a full disk, a file that can't be written.
    #[error("checkpoint {0}: {1}; see that its disk has room and can be written")]
    Sqlite(PathBuf, rusqlite::Error),
    /// The file is not what was written.
    #[error(
        "checkpoint {path}: {detail}; move the file away and the partition is folded again from the log's start"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
}

pub(super) fn damaged(path: &Path, detail: impl Display) -> Error {
    Error::Damaged {
        path: path.to_owned(),
        detail: detail.to_string(),
    }
}

/// What a failed call means: a damaged file, or one that can't be used for now.
pub(super) fn failed(path: &Path, error: rusqlite::Error) -> Error {
    use rusqlite::Error as E;
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase, Unknown};
    let not_ours = match &error {
        // SQLite's plain error: a statement doesn't fit the file's tables.
        E::SqliteFailure(code, _) => {
            matches!(code.code, DatabaseCorrupt | NotADatabase | Unknown)
        }
        E::SqlInputError { .. } => true,
        _ => matches!(
            error,
            E::FromSqlConversionFailure(..)
                | E::IntegralValueOutOfRange(..)
                | E::InvalidColumnType(..)
                | E::Utf8Error(..)
                | E::QueryReturnedNoRows
        ),
    };
    match not_ours {
        true => damaged(path, error),
        false => Error::Sqlite(path.to_owned(), error),
    }
}
