//! Whether the topics can hold what Footfall promises to keep.

use log::kafka::topics::{check, record_limit};

use super::Checks;
use crate::config::Config;
use crate::topics::{EVENT_BYTES, LETTER_BYTES};

/// Checks the events topic and the dead-letter topic.
pub fn topics(config: &Config) -> Checks {
    let mut checks = Checks::of("topics");
    let names = config.topics();
    for topic in [&names.events, &names.dead_letters] {
        one(config, topic, &mut checks);
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

fn one(config: &Config, topic: &str, checks: &mut Checks) {
    let partitions = config.definition.partitions;
    match check(&config.kafka(), topic, partitions, config.log.development) {
        Err(error) => checks.log_failed(&error),
        Ok(findings) if findings.is_empty() => checks.ok(format!(
            "{topic} has {partitions} partitions and keeps what it acknowledges"
        )),
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
