//! Who may ask what: bearer tokens with scopes, kept as hashes in a file that is read again when it changes.
//!
//! A token is 256 random bits, so its SHA-256 needs no salt and no slow hash: nobody can guess what it is of.

mod attempts;
mod file;
mod guard;
mod scope;
mod tokens;

pub use file::TokenFile;
pub use guard::{Access, Guard, guarded};

pub use scope::Scope;
pub use tokens::{Entry, Tokens, WrongTokens, create};
