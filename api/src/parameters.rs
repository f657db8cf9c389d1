//! The query of a request as names and values; a name that is not known here is refused.

use std::collections::BTreeMap;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use percent_encoding::percent_decode_str;
use web::Problem;

use crate::problem;

/// The parameters of one request, each known and given once.
#[derive(Debug)]
pub(crate) struct Parameters(BTreeMap<&'static str, String>);

impl Parameters {
    /// Reads `query`, the part of the URL behind `?`. A plus sign is a plus sign, as RFC 3986
    /// has it, so that the offset of an instant can be written as it is.
    ///
    /// # Errors
    /// When a name is not among `known`, stands twice, or a value is not UTF-8.
    pub(crate) fn parse(query: Option<&str>, known: &[&[&'static str]]) -> Result<Self, Problem> {
        let known = known.concat();
        let mut values = BTreeMap::new();
        for pair in query.unwrap_or("").split('&').filter(|p| !p.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let Some(name) = known.iter().copied().find(|other| *other == name) else {
                return Err(unknown(name, &known));
            };
            let value = percent_decode_str(value)
                .decode_utf8()
                .map_err(|_| Problem::bad(name, format!("{name} is not percent-encoded UTF-8")))?;
            if values.insert(name, value.into_owned()).is_some() {
                return Err(Problem::bad(
                    name,
                    format!("{name} is there more than once; give it once"),
                ));
            }
        }
        Ok(Self(values))
    }

    /// The value of a name.
    pub(crate) fn get(&self, name: &'static str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The value of a name as one of a few words.
    ///
    /// # Errors
    /// When it is none of `words`, which are then listed.
    pub(crate) fn one_of<T: Copy>(
        &self,
        name: &'static str,
        words: &[(&'static str, T)],
    ) -> Result<Option<T>, Problem> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let found = words.iter().find(|(word, _)| *word == value);
        found.map(|(_, meaning)| Some(*meaning)).ok_or_else(|| {
            let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            Problem::bad(
                name,
                format!(
                    "{name} is {value:?}; it must be one of {}",
                    words.join(", ")
                ),
            )
        })
    }
}

fn unknown(name: &str, known: &[&'static str]) -> Problem {
    let detail = if known.is_empty() {
        format!("{name:?} is not a parameter; this path takes none")
    } else {
        format!(
            "{name:?} is not a parameter of this path; it takes {}",
            known.join(", ")
        )
    };
    Problem::of(problem::UNKNOWN_PARAMETER, name, detail)
}

/// The id in a path: of a campaign or an activity.
pub(crate) struct Id(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(id) = Path::<String>::from_request_parts(parts, state).await?;
        Ok(Self(id))
    }
}
