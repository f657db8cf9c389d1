//! The generator: an endless choice made by a seed, ended by a count.
//!
//! Equal options, partitions and times given make equal records, byte for byte, on every machine. Enter events carry
//! source coordinates, `generator:STREAM:PARTITION` and a number that rises within it, as an admission's do.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt::Write;

use log::NewRecord;
use pipeline::cell::Kind;
use pipeline::definition::DAY_MS;
use pipeline::record::Headers;
use pipeline::rejection::Reason;
use prost::Message;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use schemas::partition::partition_of;
use schemas::{headers, v1};

use super::calendar::Calendar;
use super::campaigns::Campaigns;
use super::faults::Fault;
use super::journal::Journal;
use super::options::Traffic;
use super::people::{People, Seen};
use super::sessions::{Act, Sessions};

/// A repeated record follows its first copy within so many records: seconds at the usual rates, inside the dedup window.
const REPEATED_WITHIN: u64 = 1000;
/// Misrouted records of a partition are at least about so many of its records apart: it halts at one in 100.
const MISROUTED_APART: u64 = 200;
/// Late events lie at least and less than so many days back.
const LATE_DAYS: std::ops::Range<i64> = 2..6;

/// What must become of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// It is applied.
    Applied,
    /// It is applied, unless the operator sets a bound to lateness: it occurred days before the others.
    Late,
    /// It is counted as a duplicate.
    Duplicate,
    /// It is refused for this reason.
    Rejected(Reason),
}

/// A record, and what must become of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    /// The record.
    pub record: NewRecord,
    /// What must become of it.
    pub expected: Expected,
}

/// Makes records; see the module.
#[derive(Debug)]
pub struct Generator {
    rng: ChaCha8Rng,
    traffic: Traffic,
    partitions: u32,
    stream: String,
    calendar: Calendar,
    people: People,
    campaigns: Campaigns,
    sessions: Sessions,
    /// Acts waiting to be drawn, where their order is mixed.
    window: Vec<(Act, i64)>,
    /// By partition, how many Enter events it got.
    sequences: Vec<u64>,
    repeats: BinaryHeap<Reverse<Repeat>>,
    /// Who is in the records made.
    seen: Seen,
    /// The time of the last record dated.
    last_time: i64,
    next_fault: usize,
    last_misrouted: Option<u64>,
    /// The message being written: its buffers are used again.
    event: v1::Event,
    spare_hints: Option<v1::ClientHints>,
    made: u64,
    journal: Journal,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Repeat {
    due: u64,
    /// Tells apart those due together.
    made: u64,
    key: Vec<u8>,
    value: Vec<u8>,
    headers: Vec<u8>,
}

impl Generator {
    /// Traffic for a topic of so many partitions, begun at `now_ms` (milliseconds since the epoch).
    pub fn new(traffic: &Traffic, partitions: u32, now_ms: i64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(traffic.seed);
        let people = People::new(traffic.users);
        let campaigns = Campaigns::new(traffic.campaigns, traffic.activities);
        let sessions = Sessions::new(
            traffic.at_a_time(),
            traffic.users,
            &people,
            &campaigns,
            &mut rng,
        );
        Self {
            rng,
            stream: traffic.stream(partitions, now_ms),
            calendar: traffic.calendar(now_ms),
            people,
            campaigns,
            sessions,
            window: Vec::with_capacity(traffic.shuffle as usize),
            sequences: vec![0; partitions.max(1) as usize],
            partitions,
            repeats: BinaryHeap::new(),
            seen: Seen::new(traffic.users),
            last_time: now_ms,
            next_fault: 0,
            last_misrouted: None,
            event: v1::Event::default(),
            spare_hints: None,
            made: 0,
            journal: Journal::default(),
            traffic: traffic.clone(),
        }
    }

    /// What events that are dated now are dated with from here on.
    pub fn set_now(&mut self, ms: i64) {
        if let Calendar::Live { now_ms } = &mut self.calendar {
            *now_ms = ms;
        }
    }

    /// A name of this traffic: part of every event id.
    pub fn stream(&self) -> &str {
        &self.stream
    }

    /// How many records were made so far.
    pub fn made(&self) -> u64 {
        self.made
    }

    /// What was made so far.
    pub fn journal(&self) -> Journal {
        self.journal.clone()
    }

    /// The next record's time; `None` when what waits in the window is enough to the end.
    fn next_time(&mut self) -> Option<i64> {
        let window = u64::from(self.traffic.shuffle).min(self.traffic.count);
        if self.made == 0 {
            for _ in 0..window {
                let time = self.calendar.next();
                let act = self.next_act();
                self.window.push((act, time));
            }
        }
        let left = self.traffic.count - self.made;
        (left > self.window.len() as u64).then(|| self.calendar.next())
    }

    fn next_act(&mut self) -> Act {
        self.sessions
            .next(&self.people, &self.campaigns, &mut self.rng)
    }

    /// The act to write next, given the time of a new one.
    fn drawn(&mut self, time: Option<i64>) -> Option<(Act, i64)> {
        let waiting = self.window.len();
        let Some(time) = time else {
            let at = self.rng.random_range(0..waiting.max(1));
            return (waiting > 0).then(|| self.window.swap_remove(at));
        };
        let new = (self.next_act(), time);
        if waiting == 0 {
            return Some(new);
        }
        let at = self.rng.random_range(0..waiting);
        Some(std::mem::replace(&mut self.window[at], new))
    }

    fn repeated(&mut self) -> Option<Generated> {
        if self.repeats.peek()?.0.due > self.made {
            return None;
        }
        let Reverse(repeat) = self.repeats.pop()?;
        self.journal.records += 1;
        self.journal.duplicates += 1;
        let Repeat {
            key,
            value,
            headers,
            ..
        } = repeat;
        let record = NewRecord {
            partition: None,
            key,
            value,
            headers,
        };
        Some(Generated {
            record,
            expected: Expected::Duplicate,
        })
    }

    fn faulty(&mut self, time: i64) -> Generated {
        let mut fault = self.take_fault();
        if fault.reason() == Reason::Misrouted {
            // They may all end in one partition, which gets its share of the records alone.
            let apart = MISROUTED_APART * u64::from(self.partitions.max(1));
            if self
                .last_misrouted
                .is_some_and(|last| self.made - last < apart)
            {
                fault = Fault::NoProtobuf;
            } else {
                self.last_misrouted = Some(self.made);
            }
        }
        let visit = Act {
            visitor: self.people.person(&mut self.rng),
            place: self.campaigns.pick(&mut self.rng),
            kind: Kind::Visit,
            amount: None,
        };
        self.fill(visit, time);
        self.journal.bad(fault.reason());
        Generated {
            record: fault.record(&self.event),
            expected: Expected::Rejected(fault.reason()),
        }
    }

    fn take_fault(&mut self) -> Fault {
        let fault = Fault::ALL[self.next_fault];
        self.next_fault = (self.next_fault + 1) % Fault::ALL.len();
        fault
    }

    fn good(&mut self, act: Act, time: i64) -> Generated {
        // Entries have no lateness: an admission writes them.
        let late = act.kind != Kind::Enter && self.rng.random_bool(self.traffic.late);
        let time = if late {
            time - self
                .rng
                .random_range(LATE_DAYS.start * DAY_MS..LATE_DAYS.end * DAY_MS)
        } else {
            time
        };
        self.fill(act, time);
        self.note(act, late);
        let record = NewRecord {
            partition: None,
            key: self.event.user_id.as_bytes().to_vec(),
            value: self.event.encode_to_vec(),
            headers: self.headers(act.kind),
        };
        if !late && self.rng.random_bool(self.traffic.duplicates) {
            self.repeats.push(Reverse(Repeat {
                due: self.made + self.rng.random_range(1..=REPEATED_WITHIN),
                made: self.made,
                key: record.key.clone(),
                value: record.value.clone(),
                headers: record.headers.clone(),
            }));
        }
        Generated {
            record,
            expected: if late {
                Expected::Late
            } else {
                Expected::Applied
            },
        }
    }

    fn note(&mut self, act: Act, late: bool) {
        let journal = &mut self.journal;
        journal.records += 1;
        journal.applied += 1;
        journal.late += u64::from(late);
        journal.bots += u64::from(act.visitor.is_bot);
        *journal.kinds.entry(act.kind.as_str()).or_default() += 1;
        if let Some((minor_units, currency)) = act.amount {
            *journal.amounts.entry(currency).or_default() += minor_units;
        }
        if !act.visitor.is_bot {
            journal.people += u64::from(self.seen.add(act.visitor.number));
        }
    }

    /// Source coordinates of an Enter event, nothing for others.
    fn headers(&mut self, kind: Kind) -> Vec<u8> {
        let mut packed = Vec::new();
        if kind == Kind::Enter {
            let partition = partition_of(self.event.user_id.as_bytes(), self.partitions);
            let sequence = &mut self.sequences[partition as usize];
            *sequence += 1;
            let source = format!("generator:{}:{partition}", self.stream);
            Headers::push(&mut packed, headers::SOURCE, source.as_bytes());
            Headers::push(
                &mut packed,
                headers::SEQUENCE,
                sequence.to_string().as_bytes(),
            );
        }
        packed
    }

    /// Writes the act into the message.
    fn fill(&mut self, act: Act, time: i64) {
        let event = &mut self.event;
        let who = if act.visitor.is_bot {
            "crawler"
        } else {
            "user"
        };
        event.event_id.clear();
        event.user_id.clear();
        // Writing to a string can't fail.
        let _ = write!(event.event_id, "{}-{}", self.stream, self.made);
        let _ = write!(event.user_id, "{who}-{}", act.visitor.number);
        event.kind = act.kind.to_wire().into();
        event.occurred_at_ms = time;
        set(&mut event.campaign_id, self.campaigns.campaign(act.place));
        set(&mut event.activity_id, self.campaigns.activity(act.place));
        let agent = self.people.agent(act.visitor);
        set(&mut event.user_agent, agent.text);
        event.amount = act.amount.map(|(minor_units, currency)| v1::Amount {
            minor_units,
            currency: currency.to_owned(),
        });
        match agent.hints {
            Some(hints) => {
                let spare = &mut self.spare_hints;
                let sent = event
                    .client_hints
                    .get_or_insert_with(|| spare.take().unwrap_or_default());
                sent.mobile = Some(hints.mobile);
                set(&mut sent.platform, hints.platform);
                set(
                    &mut sent.model,
                    if hints.model {
                        People::model(act.visitor)
                    } else {
                        ""
                    },
                );
            }
            None => self.spare_hints = event.client_hints.take().or(self.spare_hints.take()),
        }
    }
}

fn set(text: &mut String, value: &str) {
    text.clear();
    text.push_str(value);
}

impl Iterator for Generator {
    type Item = Generated;

    fn next(&mut self) -> Option<Generated> {
        if self.made >= self.traffic.count {
            return None;
        }
        let time = self.next_time();
        self.last_time = time.unwrap_or(self.last_time);
        let generated = match self.repeated() {
            Some(repeated) => repeated,
            None if self.rng.random_bool(self.traffic.bad) => self.faulty(self.last_time),
            None => {
                let (act, time) = self.drawn(time)?;
                self.good(act, time)
            }
        };
        self.made += 1;
        Some(generated)
    }
}

#[cfg(test)]
mod tests;
