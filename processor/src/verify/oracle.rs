//! Judges the records of one partition in offset order, each against all those before it.
//!
//! Every record gets one judgement and is in one tally (I1, I4).

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use pipeline::cell::Kind;
use pipeline::definition::Definition;
use pipeline::device::{Hints, classify};
use pipeline::identity;
use pipeline::record::Record;
use pipeline::rejection::Reason;
use schemas::v1::Event;

use super::civil::hot_since;
use super::collision::{Collisions, Hash, People};
use super::origin::{self, Origin};
use super::store::{Applied, Store};
use super::view::View;
use super::{Error, check};

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Judgement {
    /// It counts.
    Applied,
    /// It was applied before.
    Duplicate,
    /// It lies behind the operator's bound.
    Late,
    /// It can't count, for this reason.
    DeadLettered(Reason),
}

/// How many records of each judgement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tallies {
    /// All records.
    pub consumed: u64,
    /// Those that count.
    pub applied: u64,
    /// Those applied before.
    pub duplicate: u64,
    /// Those behind the operator's bound.
    pub late: u64,
    /// The rest, by reason; never [`Reason::Late`].
    pub dead_lettered: BTreeMap<Reason, u64>,
}

/// An independent fold of one partition.
pub struct Oracle {
    definition: Definition,
    partition: u32,
    zone: jiff::tz::TimeZone,
    log_time: Option<i64>,
    last_offset: Option<u64>,
    /// The greatest sequence seen, by source.
    registers: BTreeMap<String, u64>,
    /// Where applied replays first stood: partition and offset.
    replayed: BTreeSet<(u32, u64)>,
    store: Store,
    tallies: Tallies,
    dead_letters: Vec<(u64, Reason)>,
    /// What the fold tells ids apart by; here it only finds those it can't.
    hash: Hash,
    collisions: Collisions,
}

impl Oracle {
    /// An oracle before the first record of `partition`.
    ///
    /// # Errors
    /// When the definition can't be used or no temporary file can be made.
    pub fn new(definition: &Definition, partition: u32) -> Result<Self, Error> {
        definition.check()?;
        let key = definition.key()?;
        Ok(Self {
            zone: definition.zone()?,
            definition: definition.clone(),
            partition,
            log_time: None,
            last_offset: None,
            registers: BTreeMap::new(),
            replayed: BTreeSet::new(),
            store: Store::open()?,
            tallies: Tallies::default(),
            dead_letters: Vec::new(),
            hash: Box::new(move |parts| identity::hash(key, parts)),
            collisions: Collisions::new(partition),
        })
    }

    /// Finds the ids that another hash than the definition's can't tell apart, for tests: of 64 bits
    /// nobody can produce two.
    #[must_use]
    pub fn with_hash(self, hash: impl Fn(&[&[u8]]) -> u64 + Send + 'static) -> Self {
        Self {
            hash: Box::new(hash),
            ..self
        }
    }

    /// Judges the partition's next record.
    ///
    /// # Errors
    /// When the record doesn't come after the one before, or the scratch database fails.
    pub fn take(&mut self, record: Record<'_>) -> Result<Judgement, Error> {
        if i64::try_from(record.offset).is_err() {
            return Err(Error::Offset(record.offset));
        }
        if let Some(last) = self.last_offset.filter(|last| *last >= record.offset) {
            return Err(Error::OutOfOrder {
                partition: self.partition,
                offset: record.offset,
                last,
            });
        }
        self.last_offset = Some(record.offset);
        let log_time = self
            .log_time
            .map_or(record.appended_at, |time| time.max(record.appended_at));
        self.log_time = Some(log_time);

        let origin = origin::read(record.headers);
        let judgement = match check::check(
            record,
            origin.as_ref(),
            log_time,
            &self.definition,
            self.partition,
        ) {
            Err(reason) => Judgement::DeadLettered(reason),
            Ok((event, kind, origin)) => {
                self.judge(&event, kind, origin, record.offset, log_time)?
            }
        };
        // A source's place is taken whatever became of the record.
        if let Some((source, sequence)) = origin.and_then(|origin| origin.source) {
            let register = self.registers.entry(source).or_insert(sequence);
            *register = sequence.max(*register);
        }
        self.count(record.offset, judgement);
        Ok(judgement)
    }

    /// Judges a sound event: replays or source, then late, then window; else it is applied.
    fn judge(
        &mut self,
        event: &Event,
        kind: Kind,
        origin: &Origin,
        offset: u64,
        log_time: i64,
    ) -> Result<Judgement, Error> {
        if let Some(first_stood) = origin.replay_of {
            if self.replayed.contains(&first_stood) {
                return Ok(Judgement::Duplicate);
            }
        } else if let Some((source, sequence)) = &origin.source
            && self
                .registers
                .get(source)
                .is_some_and(|seen| sequence <= seen)
        {
            return Ok(Judgement::Duplicate);
        }
        if let Some(bound) = self.definition.lateness_ms
            && kind != Kind::Enter
            && origin.replay_of.is_none()
            && event.occurred_at_ms < log_time.saturating_sub(bound)
        {
            return Ok(Judgement::Late);
        }
        let slot = log_time.div_euclid(self.definition.dedup_slot_ms);
        if self
            .store
            .was_applied(&event.user_id, &event.event_id, slot)?
        {
            return Ok(Judgement::Duplicate);
        }
        self.store.insert(
            &event.user_id,
            &event.event_id,
            slot,
            &applied(event, kind, offset),
        )?;
        self.collisions
            .applied(&self.hash, event, offset, slot, &self.store)?;
        self.replayed.extend(origin.replay_of);
        Ok(Judgement::Applied)
    }

    fn count(&mut self, offset: u64, judgement: Judgement) {
        self.tallies.consumed += 1;
        match judgement {
            Judgement::Applied => self.tallies.applied += 1,
            Judgement::Duplicate => self.tallies.duplicate += 1,
            Judgement::Late => {
                self.tallies.late += 1;
                self.dead_letters.push((offset, Reason::Late));
            }
            Judgement::DeadLettered(reason) => {
                *self.tallies.dead_lettered.entry(reason).or_insert(0) += 1;
                self.dead_letters.push((offset, reason));
            }
        }
    }

    /// How many records of each judgement so far.
    pub fn tallies(&self) -> &Tallies {
        &self.tallies
    }

    /// The records set aside so far, late ones among them, in offset order.
    pub fn dead_letters(&self) -> &[(u64, Reason)] {
        &self.dead_letters
    }

    /// One past the last record; 0 before the first.
    pub fn next_offset(&self) -> u64 {
        self.last_offset.map_or(0, |last| last + 1)
    }

    /// Derives every cell of the partition from all events applied so far.
    ///
    /// # Errors
    /// When the scratch database fails.
    pub fn view(&self) -> Result<View, Error> {
        self.view_since(None)
    }

    /// The same without the days and hours that have left the hot window: more than the definition's `hot_days` before
    /// the partition's log time. Partitions differ in it, so that views are added up after this.
    ///
    /// # Errors
    /// When the scratch database fails.
    pub fn hot_view(&self) -> Result<View, Error> {
        let since = self.log_time.zip(self.definition.hot_days);
        self.view_since(since.and_then(|(log_time, days)| hot_since(log_time, days)))
    }

    fn view_since(&self, hot_since: Option<Date>) -> Result<View, Error> {
        let mut people = People::new(&self.hash);
        let limits = &self.definition.limits;
        let mut view = View::of(&self.store, &self.zone, limits, &mut people, hot_since)?;
        view.collisions = self.collisions.with(people, &self.store)?;
        Ok(view)
    }
}

fn applied(event: &Event, kind: Kind, offset: u64) -> Applied {
    let named = |name: &str| if name.is_empty() { "(none)" } else { name }.to_owned();
    let hints = event
        .client_hints
        .as_ref()
        .map_or(Hints::default(), |hints| Hints {
            mobile: hints.mobile,
            platform: &hints.platform,
            model: &hints.model,
        });
    Applied {
        offset,
        kind,
        occurred_at: event.occurred_at_ms,
        signed_up_at: event.signed_up_at_ms,
        campaign: named(&event.campaign_id),
        activity: named(&event.activity_id),
        device: classify(&event.user_agent, hints),
        amount: event
            .amount
            .as_ref()
            .map(|amount| (amount.currency.clone(), amount.minor_units)),
    }
}
