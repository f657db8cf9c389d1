//! Whether the views are held under this definition or, as after a changed hash key, under another one.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use processor::survey;
use views::redis::Held;

use super::{Checks, Outcome};
use crate::config::Config;
use crate::set;

const ABOUT: &str = "definition";
/// How long a start waits for what a store holds; a large Redis is searched for so long.
const PATIENCE: Duration = Duration::from_secs(12);
/// Definitions that a sentence names.
const NAMED: usize = 3;

/// A place that may hold views.
struct Place {
    name: &'static str,
    definitions: BTreeSet<String>,
    /// Whether other deployments may have theirs there as well: a Redis doesn't say whose a definition is.
    is_shared: bool,
}

/// Compares what each place holds with the configuration's definition.
pub(super) fn check(
    config: &Config,
    in_redis: Option<Held>,
    in_opensearch: Option<BTreeMap<String, String>>,
) -> Checks {
    let mut checks = Checks::of(ABOUT);
    let mut places = Vec::new();
    match on_disk(config) {
        Ok(place) => places.push(place),
        Err(error) => checks.unasked(format!("the state folder can't be listed: {error}")),
    }
    let is_complete = in_redis.as_ref().is_none_or(|held| held.complete);
    places.extend(in_redis.map(|held| Place {
        name: "Redis",
        definitions: held.partitions.into_keys().collect(),
        is_shared: true,
    }));
    places.extend(in_opensearch.map(|held| Place {
        name: "OpenSearch",
        definitions: held.into_keys().collect(),
        is_shared: false,
    }));
    checks
        .made
        .extend(judge(&config.definition.id(), &places).made);
    if !is_complete {
        checks.warning(
            "Redis has too many keys to look at all of them: it may hold further definitions",
        );
    }
    checks
}

/// The same for a process that starts, before it connects to a store to write, which makes the index. It asks only as
/// long as nothing has shown the definition to be known; a store that is down shows nothing.
pub async fn at_start(config: &Config) -> Checks {
    let ours = config.definition.id();
    if on_disk(config).is_ok_and(|place| place.definitions.contains(&ours)) {
        return Checks::of(ABOUT);
    }
    let in_opensearch = match config.opensearch.urls.is_empty() {
        true => None,
        false => held(async { set::look_at_opensearch(config)?.definitions().await }).await,
    };
    let is_known = |held: &BTreeMap<String, String>| held.contains_key(&ours);
    if in_opensearch.as_ref().is_some_and(is_known) {
        return Checks::of(ABOUT);
    }
    let in_redis = match config.redis.url.is_empty() {
        true => None,
        false => held(async { set::look_at_redis(config).await?.definitions().await }).await,
    };
    check(config, in_redis, in_opensearch)
}

/// What a store holds, if it says so in time.
async fn held<T>(asked: impl Future<Output = Result<T, views::Error>>) -> Option<T> {
    let answer = tokio::time::timeout(PATIENCE, asked).await.ok()?;
    answer
        .inspect_err(|error| tracing::warn!(%error, "which definitions are held can't be asked"))
        .ok()
}

fn on_disk(config: &Config) -> std::io::Result<Place> {
    let folder = set::settings(config).state_folder;
    let mut definitions = survey::other_definitions(&folder, &config.definition)?;
    let ours = config.definition.id();
    if folder.join(&ours).is_dir() {
        definitions.push(ours);
    }
    Ok(Place {
        name: "the state folder",
        definitions: definitions.into_iter().collect(),
        is_shared: false,
    })
}

/// A definition is unknown where a place of this deployment's own holds another one and no place holds it.
fn judge(ours: &str, places: &[Place]) -> Checks {
    let mut checks = Checks::of(ABOUT);
    let is_known = places.iter().any(|of| of.definitions.contains(ours));
    for place in places {
        let others: Vec<&str> = place
            .definitions
            .iter()
            .map(String::as_str)
            .filter(|of| *of != ours)
            .collect();
        let others_named = named(&others);
        let (is_here, name) = (place.definitions.contains(ours), place.name);
        if others.is_empty() && is_here {
            checks.ok(format!("{name} holds {ours}, this configuration's, alone"));
        } else if others.is_empty() {
            checks.ok(format!("{name} holds no definition yet"));
        } else if is_here {
            checks.ok(format!(
                "{name} holds {ours}, this configuration's, and beside it {others_named}"
            ));
        } else {
            let outcome = if is_known || place.is_shared {
                Outcome::Warning
            } else {
                Outcome::Refused
            };
            checks.push(outcome, format!(
                "unknown definition: {name} holds {others_named} and not {ours}, this configuration's. Another hash key, time zone, number of partitions or limit makes another definition, and its views are filled anew from the log's start: if that is meant, start it the first time with `footfall process --new-definition`; if not, set [definition] as the processors that filled it have it"
            ));
        }
    }
    checks
}

/// The first of them, and how many more there are.
fn named(definitions: &[&str]) -> String {
    let shown = definitions[..definitions.len().min(NAMED)].join(", ");
    match definitions.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(places: &[(&[&str], bool)]) -> Vec<Outcome> {
        let places: Vec<Place> = places
            .iter()
            .map(|(definitions, is_shared)| Place {
                name: "a place",
                definitions: definitions.iter().map(|name| (*name).to_owned()).collect(),
                is_shared: *is_shared,
            })
            .collect();
        let made = judge("ours", &places).made;
        made.into_iter().map(|check| check.outcome).collect()
    }

    #[test]
    fn a_definition_that_no_place_knows_is_refused_where_another_is() {
        assert_eq!(outcomes(&[(&["other"], false)]), [Outcome::Refused]);
        assert_eq!(outcomes(&[(&["other", "ours"], false)]), [Outcome::Ok]);
        assert_eq!(outcomes(&[(&["ours"], false)]), [Outcome::Ok]);
        assert_eq!(outcomes(&[(&[], false)]), [Outcome::Ok]);
    }

    #[test]
    fn a_place_that_others_share_or_that_is_filled_yet_is_only_warned_of() {
        assert_eq!(outcomes(&[(&["other"], true)]), [Outcome::Warning]);
        let elsewhere = outcomes(&[(&["other"], false), (&["ours"], true)]);
        assert_eq!(elsewhere, [Outcome::Warning, Outcome::Ok]);
    }

    #[test]
    fn many_definitions_are_not_all_named() {
        assert_eq!(named(&["a", "b"]), "a, b");
        assert_eq!(named(&["a", "b", "c", "d", "e"]), "a, b, c and 2 more");
    }
}
