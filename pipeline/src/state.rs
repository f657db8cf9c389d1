//! The fold of one partition: `apply` takes the records of the log in order, and nothing else.
//!
//! Two states given the same records under the same definition are equal (I6); each record ends as
//! exactly one of applied, duplicate, late or dead-lettered (I1, I4).

use std::sync::Arc;

use hashbrown::HashMap;
use mutants::Mutant;
use schemas::partition::partition_of;
use schemas::v1;
use serde::{Deserialize, Serialize};

use crate::aggregate::{QUARTER, Reader, RowId, Rows};
use crate::body::Body;
use crate::calendar::{Calendar, Moment, Moments};
use crate::cell::{Cell, Kind};
use crate::counts::{CountKey, Increment};
use crate::decode::{self, Event, Origin};
use crate::definition::{self, DAY_MS, Definition, MINUTES_KEPT_MS};
use crate::device::{self, Device, Hints};
use crate::duplicates::{Registers, Window};
use crate::identity;
use crate::names::{Names, PairId};
use crate::people;
use crate::record::Record;
use crate::rejection::{DeadLetter, Reason, Rejection};
use crate::row::Period;
use crate::users::Users;
use crate::visitor::{Contribution, Mask};

/// User-Agents whose device is remembered; beyond it all are forgotten at once.
const REMEMBERED_DEVICES: usize = 16_384;

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Counted.
    Applied,
    /// A copy of one that was applied, or of one its source had written before.
    Duplicate,
    /// Older than the operator's bound; set aside.
    Late,
    /// Refused for this reason; set aside.
    DeadLettered(Reason),
}

/// How many records ended how (I4): consumed = applied + duplicate + late + dead-lettered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// All of them.
    pub consumed: u64,
    /// Counted.
    pub applied: u64,
    /// Copies.
    pub duplicate: u64,
    /// Set aside as late.
    pub late: u64,
    /// Refused, by the number of the reason.
    pub dead_lettered: [u64; Reason::ALL.len()],
}

impl Tally {
    /// Refused, all reasons together.
    pub fn all_dead_lettered(&self) -> u64 {
        self.dead_lettered.iter().sum()
    }

    /// Whether every record ended exactly once (I4).
    pub fn is_conserved(&self) -> bool {
        self.consumed == self.applied + self.duplicate + self.late + self.all_dead_lettered()
    }
}

/// The fold of one partition's log up to `next_offset`.
#[derive(Debug)]
pub struct State {
    pub(crate) definition: Arc<Definition>,
    pub(crate) partition: u32,
    pub(crate) keys: (u64, u64),
    pub(crate) next_offset: u64,
    pub(crate) log_time: i64,
    pub(crate) tally: Tally,
    pub(crate) names: Names,
    pub(crate) users: Users,
    pub(crate) window: Window,
    pub(crate) registers: Registers,
    pub(crate) rows: Rows,
    pub(crate) letters: Vec<DeadLetter>,
    /// First-day contributions that a user's limit kept out.
    pub(crate) capped: u64,
    pub(crate) rows_digest: u64,
    pub(crate) users_digest: u64,
    pub(crate) names_digest: u64,
    /// Names that a checkpoint has already.
    pub(crate) names_kept: usize,
    moments: Moments,
    /// The first hour (UTC seconds) whose minutes are kept, and the first day that is hot.
    minutes_from: i64,
    hot_from: u16,
    devices: HashMap<Box<str>, Device, foldhash::fast::FixedState>,
    /// Buffers used again for each event.
    device_key: String,
    message: v1::Event,
}

impl State {
    /// The state before the first record. `readers` are told of changed rows.
    ///
    /// # Errors
    /// When the definition can't be used.
    pub fn with_readers(
        definition: Arc<Definition>,
        partition: u32,
        readers: &[Reader],
    ) -> Result<Self, definition::Error> {
        definition.check()?;
        let keys = definition.key()?;
        let seed = foldhash::fast::FixedState::with_seed(keys.0);
        Ok(Self {
            partition,
            keys,
            next_offset: 0,
            log_time: 0,
            tally: Tally::default(),
            names: Names::new(definition.limits.names, keys.0),
            users: Users::default(),
            window: Window::default(),
            registers: Registers::default(),
            rows: Rows::new(readers),
            letters: Vec::new(),
            capped: 0,
            rows_digest: 0,
            users_digest: 0,
            names_digest: 0,
            names_kept: 0,
            moments: Moments::new(Calendar::new(&definition)?),
            minutes_from: 0,
            hot_from: 0,
            devices: HashMap::with_hasher(seed),
            device_key: String::new(),
            message: v1::Event::default(),
            definition,
        })
    }

    /// The state before the first record, telling every reader of changed rows.
    ///
    /// # Errors
    /// When the definition can't be used.
    pub fn new(definition: Arc<Definition>, partition: u32) -> Result<Self, definition::Error> {
        let all = [Reader::Checkpoint, Reader::Hot, Reader::History];
        Self::with_readers(definition, partition, &all)
    }

    /// Folds the next record in. Its offset is at or beyond [`State::next_offset`].
    pub fn apply(&mut self, record: Record<'_>) -> Outcome {
        debug_assert!(record.offset >= self.next_offset);
        let at = match mutants::is(Mutant::WallClock) {
            true => mutants::wall_clock(),
            false => record.appended_at,
        };
        self.advance(at, record.offset);
        let origin = decode::origin(record.headers);
        let mut message = std::mem::take(&mut self.message);
        let judged = self.judge(&record, &origin, &mut message);
        self.message = message;
        if let Ok(Origin {
            source: Some((source, sequence)),
            ..
        }) = origin
        {
            self.registers.advance(source, sequence);
        }
        self.next_offset = record.offset + 1;
        self.tally.consumed += 1;
        match judged {
            Ok(outcome) => {
                match outcome {
                    Outcome::Applied => self.tally.applied += 1,
                    _ => self.tally.duplicate += 1,
                }
                outcome
            }
            Err(rejection) => self.set_aside(record, rejection),
        }
    }

    fn set_aside(&mut self, record: Record<'_>, rejection: Rejection) -> Outcome {
        let reason = rejection.reason;
        self.letters.push(DeadLetter {
            rejection,
            partition: self.partition,
            offset: record.offset,
            appended_at: record.appended_at,
            key: record.key.to_vec(),
            value: record.value.to_vec(),
            headers: record.headers.0.to_vec(),
        });
        if reason == Reason::Late {
            self.tally.late += 1;
            return Outcome::Late;
        }
        self.tally.dead_lettered[reason as usize] += 1;
        Outcome::DeadLettered(reason)
    }

    /// The order of judgement: decode, misrouted, replay or source, late, window, apply.
    fn judge(
        &mut self,
        record: &Record<'_>,
        origin: &Result<Origin<'_>, Rejection>,
        message: &mut v1::Event,
    ) -> Result<Outcome, Rejection> {
        let event = decode::decode(record, origin, self.log_time, message)?;
        self.check_route(record, &event)?;
        let origin = origin.clone()?;
        let known = match (origin.replay_of, origin.source) {
            (Some(coordinates), _) => self.registers.knows_replay(coordinates),
            (None, Some((source, sequence))) => self.registers.knows_source(source, sequence),
            (None, None) => false,
        };
        if known {
            return Ok(Outcome::Duplicate);
        }
        let late = self.check_late(&event, &origin);
        if !mutants::is(Mutant::RejectedAreSeen) {
            late.clone()?;
        }
        let user = identity::of_user(|parts| self.hash(parts), event.user_id);
        let id = identity::of_event(|parts| self.hash(parts), user, event.event_id);
        if self.window.contains(id) {
            return Ok(Outcome::Duplicate);
        }
        self.window.insert(id);
        late?;
        if let Some(coordinates) = origin.replay_of {
            self.registers.add_replay(coordinates);
        }
        self.count(&event, user, record.offset);
        Ok(Outcome::Applied)
    }

    fn check_route(&self, record: &Record<'_>, event: &Event<'_>) -> Result<(), Rejection> {
        let misrouted = |detail| Err(Rejection::new(Reason::Misrouted, detail));
        if record.key != event.user_id.as_bytes() {
            return misrouted(
                "the record's key is not the event's user_id; set the key to the user_id's bytes"
                    .to_owned(),
            );
        }
        let belongs = partition_of(record.key, self.definition.partitions);
        if belongs != self.partition {
            return misrouted(format!(
                "the key belongs to partition {belongs}, not {}; set the producer's partitioner to murmur2_random",
                self.partition
            ));
        }
        Ok(())
    }

    fn check_late(&self, event: &Event<'_>, origin: &Origin<'_>) -> Result<(), Rejection> {
        let Some(bound) = self.definition.lateness_ms else {
            return Ok(());
        };
        let exempt = event.kind == Kind::Enter || origin.replay_of.is_some();
        let behind = self.log_time.saturating_sub(event.occurred_at);
        if exempt || behind <= bound {
            return Ok(());
        }
        Err(Rejection::new(
            Reason::Late,
            format!("the event lies {behind} ms behind the log's time; the bound is {bound} ms"),
        ))
    }

    /// Log time never goes back; what depends on it alone moves on.
    fn advance(&mut self, appended_at: i64, offset: u64) {
        if appended_at <= self.log_time {
            return;
        }
        self.log_time = appended_at;
        self.window
            .advance(appended_at.div_euclid(self.definition.dedup_slot_ms));
        let minutes_from = (appended_at - MINUTES_KEPT_MS).div_euclid(3_600_000) * 3600;
        if minutes_from > self.minutes_from {
            self.minutes_from = minutes_from;
            self.rows.drop_minutes_before(minutes_from, offset);
        }
        let hot_from = self.hot_from_at(appended_at);
        if hot_from > self.hot_from {
            let left = self.hot_from;
            self.hot_from = hot_from;
            let calendar = self.moments.calendar();
            self.rows.change_where(offset, |id| {
                day_limited(id, calendar).is_some_and(|day| (left..hot_from).contains(&day))
            });
        }
    }

    fn hot_from_at(&self, log_time: i64) -> u16 {
        let Some(days) = self.definition.hot_days else {
            return 0;
        };
        let today = (log_time.max(0) / DAY_MS) as u16;
        today.saturating_sub(days.min(u32::from(u16::MAX)) as u16)
    }

    /// Whether the hot views hold a row: its period may have left their window.
    pub(crate) fn is_hot(&self, id: RowId) -> bool {
        day_limited(id, self.moments.calendar()).is_none_or(|day| day >= self.hot_from)
    }

    /// Sets what depends on log time alone, after a restore.
    pub(crate) fn resume_at(&mut self, log_time: i64) {
        self.log_time = log_time;
        self.minutes_from = (log_time - MINUTES_KEPT_MS).div_euclid(3_600_000) * 3600;
        self.hot_from = self.hot_from_at(log_time);
    }

    pub(crate) fn hash(&self, parts: &[&[u8]]) -> u64 {
        identity::hash(self.keys, parts)
    }

    fn device(&mut self, event: &Event<'_>) -> Device {
        let hints = event.hints.map_or(Hints::default(), |hints| Hints {
            mobile: hints.mobile,
            platform: &hints.platform,
            model: &hints.model,
        });
        let mut key = std::mem::take(&mut self.device_key);
        key.clear();
        // Lengths first: no two requests share a key, whatever characters they send.
        key.push(match hints.mobile {
            None => ' ',
            Some(true) => '1',
            Some(false) => '0',
        });
        for part in [hints.platform, hints.model] {
            // Decoding has refused hints longer than 64 bytes.
            key.push(char::from(part.len() as u8));
            key.push_str(part);
        }
        key.push_str(event.user_agent);
        let device = match self.devices.get(key.as_str()) {
            Some(device) => *device,
            None => {
                let device = device::classify(event.user_agent, hints);
                if self.devices.len() >= REMEMBERED_DEVICES {
                    self.devices.clear();
                }
                self.devices.insert(key.as_str().into(), device);
                device
            }
        };
        self.device_key = key;
        device
    }

    /// Adds an event to every row it belongs in.
    fn count(&mut self, event: &Event<'_>, user: u64, offset: u64) {
        let device = self.device(event);
        let moment = self.moments.moment(event.occurred_at);
        let pair = self.names.intern(event.campaign, event.activity);
        let mask = Mask::of(event.kind, device.class);
        let cell = Cell {
            kind: event.kind,
            device: device.class,
            os: device.os,
            is_new: false,
        };
        let is_new = mask.is_some_and(|mask| {
            self.visit(event, user, (pair, &moment, mask), cell.pack(), offset)
        });
        let increment = Increment::new(Cell { is_new, ..cell }, device, event.amount);
        for place in self.rows.count_places(&self.names, pair, &moment) {
            if let Some(counts) = self.rows.change(place, offset).counts() {
                counts.add(&increment);
            }
        }
        if mask.is_some() && moment.hour >= self.minutes_from {
            let campaign = self.names.pair(pair).campaign;
            let place = self.rows.minutes_place(campaign, moment.hour);
            let body = self.rows.change(place, offset);
            body.count_minute(moment.minute, event.kind);
        }
    }

    /// Adds an event to its user's record. Whether it lies on the user's first day.
    fn visit(
        &mut self,
        event: &Event<'_>,
        hash: u64,
        (pair, moment, mask): (PairId, &Moment, Mask),
        cell: u16,
        offset: u64,
    ) -> bool {
        let seen = event.signed_up_at.unwrap_or(event.occurred_at);
        // Where clocks went back over midnight, the earlier instant may lie on the later day.
        let day = event
            .signed_up_at
            .map_or(moment.day, |at| self.moments.moment(at).day.min(moment.day));
        let (user, made) = self.users.change(hash);
        if !made && day < user.first_day {
            people::no_longer_new(&mut self.rows, &self.names, &mut self.moments, user, offset);
            let first_day = self.moments.calendar().day_start(user.first_day);
            let first_day = self.moments.moment(first_day * 1000);
            for of in std::mem::take(&mut user.contributions) {
                // Where clocks go back by half an hour, the start of an hour lies in the one before.
                let then = Moment {
                    hour: i64::from(of.quarter) * QUARTER,
                    ..first_day
                };
                for place in self.rows.count_places(&self.names, of.pair, &then) {
                    move_to_returning(self.rows.change(place, offset), &of);
                }
            }
        }
        if made || day < user.first_day {
            user.first_day = day;
        }
        if made || seen < user.first_seen {
            user.first_seen = seen;
        }
        people::visit(
            &mut self.rows,
            &self.names,
            user,
            (pair, moment, mask),
            offset,
        );
        if moment.day != user.first_day {
            return false;
        }
        let contribution = Contribution {
            pair,
            quarter: (moment.hour / QUARTER) as u32,
            cell,
            currency: event.amount.map(|(_, currency)| currency),
            count: 1,
            amount: event.amount.map_or(0, |(amount, _)| amount),
        };
        if !user.contribute(contribution, self.definition.limits.contributions) {
            self.capped += 1;
        }
        true
    }

    /// The first offset not yet folded.
    pub fn next_offset(&self) -> u64 {
        self.next_offset
    }

    /// The greatest append time folded, milliseconds since the epoch; 0 before the first record.
    pub fn log_time(&self) -> i64 {
        self.log_time
    }

    /// The partition.
    pub fn partition(&self) -> u32 {
        self.partition
    }

    /// How many records ended how.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Takes the records set aside since the last call.
    pub fn take_letters(&mut self) -> Vec<DeadLetter> {
        std::mem::take(&mut self.letters)
    }
}

fn move_to_returning(body: &mut Body, of: &Contribution) {
    let (Some(counts), Some(new)) = (body.counts(), Cell::unpack(of.cell.into())) else {
        return;
    };
    let (new, returning) = (
        Cell {
            is_new: true,
            ..new
        },
        new,
    );
    counts.count(CountKey::cell(new), -i64::from(of.count));
    counts.count(CountKey::cell(returning), i64::from(of.count));
    if let Some(currency) = of.currency {
        counts.count(CountKey::amount(new, currency), of.amount.wrapping_neg());
        counts.count(CountKey::amount(returning, currency), of.amount);
    }
}

/// The day of a row that leaves the hot views with its day; `None` for rows that stay.
fn day_limited(id: RowId, calendar: &Calendar) -> Option<u16> {
    match id.period() {
        Period::Day(day) => Some(day),
        Period::Hour(start) => Some(calendar.day_of_hour(start)),
        Period::Life | Period::Month(_) | Period::Week(_) => None,
    }
}
