//! Whether the topics can hold what Footfall promises to keep.

use log::kafka::topics::{Keeps, record_limit};

use super::Checks;
use crate::config::Config;
use crate::topics::{EVENT_BYTES, LETTER_BYTES, Wanted};

/// Checks every topic.
pub fn topics(config: &Config) -> Checks {
    with_letters(config, Wanted::all(config).into())
}

/// Checks those that `footfall process` uses.
pub fn of_process(config: &Config) -> Checks {
    let names = config.topics();
    let mut used = vec![names.events, names.dead_letters];
    if config.processor.emit_enters {
        used.push(names.entries);
    }
    with_letters(config, among(config, &used))
}

/// Checks those that `footfall entry` uses; without seats, that of events alone.
pub fn of_gateway(config: &Config, seats: bool) -> Checks {
    let names = config.topics();
    let mut used = vec![names.events];
    if seats {
        used.extend([names.entries, names.campaigns]);
    }
    check(config, among(config, &used))
}

/// Topics by their names.
fn among(config: &Config, names: &[String]) -> Vec<Wanted> {
    let wanted = Wanted::all(config).into_iter();
    wanted.filter(|of| names.contains(&of.name)).collect()
}

/// Where dead letters are written, or all of it is looked at.
fn with_letters(config: &Config, wanted: Vec<Wanted>) -> Checks {
    let mut checks = check(config, wanted);
    if !is_unasked(&checks) {
        record_sizes(config, &mut checks);
    }
    checks
}

fn check(config: &Config, wanted: Vec<Wanted>) -> Checks {
    let mut checks = Checks::of("topics");
    for topic in wanted {
        one(config, &topic, &mut checks);
        if is_unasked(&checks) {
            // Every further question would wait as long again.
            break;
        }
    }
    checks
}

fn is_unasked(checks: &Checks) -> bool {
    let mut made = checks.made.iter();
    made.any(|of| of.outcome == super::Outcome::Unasked)
}

fn one(config: &Config, topic: &Wanted, checks: &mut Checks) {
    match topic.check(config) {
        Err(error) => checks.log_failed(&error),
        Ok(findings) if findings.is_empty() => {
            let Wanted {
                name, partitions, ..
            } = topic;
            checks.ok(match topic.keeps {
                Keeps::Everything => {
                    format!("{name} has {partitions} partitions and keeps what it acknowledges")
                }
                Keeps::LastOfEachKey => format!("{name} keeps the last record of each key"),
            });
        }
        Ok(findings) => {
            for finding in findings {
                if finding.refused {
                    checks.refused(finding.sentence);
                } else {
                    checks.warning(finding.sentence);
                }
            }
        }
    }
}

/// A letter is its record and headers of ours: one that its topic refuses would hold its partition up for good.
fn record_sizes(config: &Config, checks: &mut Checks) {
    let names = config.topics();
    let limit = |topic: &str| record_limit(&config.kafka(), topic);
    let (events, letters) = match (limit(&names.events), limit(&names.dead_letters)) {
        (Ok(Some(events)), Ok(Some(letters))) => (events, letters),
        (Err(error), _) | (_, Err(error)) => return checks.log_failed(&error),
        // A cluster that doesn't tell it.
        _ => return,
    };
    let wanted = events.saturating_add(LETTER_BYTES);
    if letters < wanted {
        let sentence = format!(
            "{} takes records of {letters} bytes, and a dead letter of {} may have {wanted}: set its max.message.bytes to {wanted}",
            names.dead_letters, names.events
        );
        if config.log.development {
            checks.warning(sentence);
        } else {
            checks.refused(sentence);
        }
    }
    if events < EVENT_BYTES {
        checks.warning(format!(
            "{} takes records of {events} bytes: a greater one is refused to its producer and never set aside with a reason; set its max.message.bytes to {EVENT_BYTES}",
            names.events
        ));
    }
}
