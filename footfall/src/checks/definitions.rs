//! Whether the views are held under this definition or, as after a changed hash key, under another one.

use std::collections::{BTreeMap, BTreeSet};

use processor::survey;
use views::redis::Held;

use super::Checks;
use crate::config::Config;
use crate::set;

/// Definitions that a sentence names.
const NAMED: usize = 3;

/// Compares what each place holds with the configuration's definition.
pub(super) fn check(
    config: &Config,
    in_redis: Option<Held>,
    in_opensearch: Option<BTreeMap<String, String>>,
) -> Checks {
    let mut checks = Checks::of("definition");
    let ours = config.definition.id();
    let folder = set::settings(config).state_folder;
    if let Ok(mut on_disk) = survey::other_definitions(&folder, &config.definition) {
        if folder.join(&ours).is_dir() {
            on_disk.push(ours.clone());
        }
        judge(
            &mut checks,
            &ours,
            "the state folder",
            on_disk.into_iter().collect(),
        );
    }
    if let Some(held) = in_redis {
        let complete = held.complete;
        judge(
            &mut checks,
            &ours,
            "Redis",
            held.partitions.into_keys().collect(),
        );
        if !complete {
            checks.warning(
                "Redis has too many keys to look at all of them: it may hold further definitions",
            );
        }
    }
    if let Some(held) = in_opensearch {
        judge(&mut checks, &ours, "OpenSearch", held.into_keys().collect());
    }
    checks
}

/// One place that may hold definitions.
fn judge(checks: &mut Checks, ours: &str, place: &str, held: BTreeSet<String>) {
    let others: Vec<&str> = held
        .iter()
        .map(String::as_str)
        .filter(|of| *of != ours)
        .collect();
    let mut others_named = others[..others.len().min(NAMED)].join(", ");
    if others.len() > NAMED {
        others_named = format!("{others_named} and {} more", others.len() - NAMED);
    }
    match (held.contains(ours), others.is_empty()) {
        (true, true) => checks.ok(format!("{place} holds {ours}, this configuration's, alone")),
        (true, false) => checks.ok(format!(
            "{place} holds {ours}, this configuration's, and beside it {others_named}"
        )),
        (false, true) => checks.ok(format!("{place} holds no definition yet")),
        (false, false) => checks.warning(format!(
            "unknown definition: {place} holds {others_named} and not {ours}, this configuration's. Another hash key, time zone, number of partitions or limit makes another definition, and its views are filled anew from the log's start: if that is not meant, set [definition] as the processors that filled it have it"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::*;

    fn outcomes(held: &[&str]) -> Vec<Outcome> {
        let mut checks = Checks::of("definition");
        let held = held.iter().map(|name| (*name).to_owned()).collect();
        judge(&mut checks, "ours", "Redis", held);
        checks.made.into_iter().map(|check| check.outcome).collect()
    }

    #[test]
    fn a_place_that_holds_only_another_definition_is_warned_of() {
        assert_eq!(outcomes(&["other"]), [Outcome::Warning]);
        assert_eq!(outcomes(&["other", "ours"]), [Outcome::Ok]);
        assert_eq!(outcomes(&["ours"]), [Outcome::Ok]);
        assert_eq!(outcomes(&[]), [Outcome::Ok]);
    }
}
