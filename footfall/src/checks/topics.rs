//! Whether the topics can hold what Footfall promises to keep.

use log::kafka::topics::{Keeps, record_limit};

use super::Checks;
use crate::config::Config;
use crate::topics::{EVENT_BYTES, LETTER_BYTES, Wanted};

/// Checks every topic.
pub fn topics(config: &Config) -> Checks {
    check(config, Wanted::all(config))
}

/// Checks those that `footfall process` uses.
pub fn of_process(config: &Config) -> Checks {
    let names = config.topics();
    let mut used = vec![names.events, names.dead_letters];
    if config.processor.emit_enters {
        used.push(names.entries);
    }
    let wanted = Wanted::all(config).into_iter();
    check(config, wanted.filter(|topic| used.contains(&topic.name)))
}

/// Checks those that `footfall entry` uses; without seats, that of events alone.
pub fn of_gateway(config: &Config, seats: bool) -> Checks {
    let names = config.topics();
    let mut used = vec![names.events];
    if seats {
        used.extend([names.entries, names.campaigns]);
    }
    let wanted = Wanted::all(config).into_iter();
    check(config, wanted.filter(|topic| used.contains(&topic.name)))
}

fn check(config: &Config, wanted: impl IntoIterator<Item = Wanted>) -> Checks {
    let mut checks = Checks::of("topics");
    for topic in wanted {
        one(config, &topic, &mut checks);
        if checks
            .made
            .iter()
            .any(|of| of.outcome == super::Outcome::Unasked)
        {
            // Every further question would wait as long again.
            return checks;
        }
    }
    record_sizes(config, &mut checks);
    checks
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
