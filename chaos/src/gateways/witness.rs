//! Who sees the log and all that people are told, and says what must never be (I5, I6).

use std::collections::{BTreeMap, BTreeSet};

use pipeline::admission::{Admission, Receipt};
use schemas::partition::partition_of;

use super::people::{Question, Said, Wish};
use super::recount::{Moment, Recount, Seat, Verdict};
use crate::topic::Topic;

/// An activity that is defined once, is always open, and whose seats nobody gives back.
pub const PLAIN: &str = "cap";

/// Activity and rank.
type Place = (String, u64);

/// What the log decided and what people were told.
pub struct Witness {
    entries: Topic,
    recounts: Vec<Recount>,
    /// The product's fold, a record at a time, and its digest at each offset.
    folds: Vec<(Admission, Vec<u64>)>,
    /// What was told of a request for good: a yes or not.
    told: BTreeMap<[String; 3], bool>,
    /// Who was promised a seat, and by which record.
    promised: BTreeMap<Place, (String, u64)>,
    /// Seats that somebody was told of as given by this very try.
    first_told: BTreeSet<Place>,
    /// Of [`PLAIN`]: who was told yes, and who no for good.
    plain: (BTreeSet<String>, BTreeSet<String>),
}

impl Witness {
    /// Of that topic.
    pub fn new(entries: Topic) -> Self {
        let partitions = entries.partitions();
        let fold = |partition| {
            let fold = Admission::new(partition, partitions);
            let digests = vec![fold.digest()];
            (fold, digests)
        };
        Self {
            recounts: (0..partitions).map(|_| Recount::default()).collect(),
            folds: (0..partitions).map(fold).collect(),
            entries,
            told: BTreeMap::new(),
            promised: BTreeMap::new(),
            first_told: BTreeSet::new(),
            plain: Default::default(),
        }
    }

    /// Reads what has come to the log.
    pub fn read(&mut self) {
        let partitions = self.entries.partitions();
        let all = (0..partitions).zip(self.recounts.iter_mut().zip(&mut self.folds));
        for (partition, (recount, (fold, digests))) in all {
            let end = self.entries.end(partition);
            self.entries.each(partition, recount.next(), end, |record| {
                recount.take(&record, partition, partitions);
                fold.fold(&record);
                digests.push(fold.digest());
            });
        }
    }

    /// C11: a gateway has folded so far.
    pub fn folded(&self, gateway: usize, partition: u32, (next, digest): (u64, u64)) {
        let expected = self.folds[partition as usize].1[next as usize];
        assert!(
            digest == expected,
            "gateway {gateway} has folded partition {partition} of the entries up to {next}, and not as the log says"
        );
    }

    /// The partition of an activity.
    pub fn partition_of(&self, activity: &str) -> u32 {
        partition_of(activity.as_bytes(), self.entries.partitions())
    }

    fn recount(&self, activity: &str) -> &Recount {
        &self.recounts[self.partition_of(activity) as usize]
    }

    /// Somebody was told something by who knows at least log[0..least).
    pub fn hear(&mut self, question: &Question, said: &Said, least: u64) {
        self.read();
        match said {
            Said::Unknown(_) => {}
            Said::Seat(receipt, is_first) => self.yes(question, receipt, *is_first),
            Said::GivenBack(receipt) => {
                let seat = self.seat(question, receipt);
                assert!(
                    seat.gone.is_some(),
                    "{question:?}: nobody gave {receipt:?} back"
                );
                self.decided(question, receipt);
            }
            Said::No(word, offset) => self.no(question, word, *offset),
            Said::NotNow(word, folded) => self.not_now(question, word, *folded, least),
            Said::Activity { folded, .. } => {
                let moment = self
                    .recount(question.activity)
                    .moment(question.activity, *folded);
                self.known(question, *folded, least);
                assert!(
                    moment.0.is_some_and(|of| is_so(said, of)),
                    "{question:?} is told {said:?}, and the log says {moment:?}"
                );
            }
        }
    }

    /// What an answer knows of is in the log, and not older than what its gateway began with.
    fn known(&self, question: &Question, folded: u64, least: u64) {
        let end = self.recount(question.activity).next();
        assert!(
            (least..=end).contains(&folded),
            "{question:?} is answered as of {folded}, where {least} was known and {end} is the end"
        );
    }

    /// The seat of a receipt, which must be in the log.
    fn seat(&self, question: &Question, receipt: &Receipt) -> &Seat {
        let activity = self.recount(question.activity).activity(question.activity);
        let seats = activity.map_or(&[][..], |of| &of.seats);
        let place = usize::try_from(receipt.rank).unwrap().checked_sub(1);
        let seat = place.and_then(|place| seats.get(place));
        let is_so = |seat: &&Seat| {
            seat.user == question.user
                && receipt.user_id == seat.user
                && receipt.activity_id == question.activity
                && receipt.partition == self.partition_of(question.activity)
                && (receipt.offset, receipt.admitted_at_ms) == (seat.offset, seat.at)
        };
        seat.filter(is_so).unwrap_or_else(|| {
            panic!("{question:?}: {receipt:?} is not in the log, which has {seat:?}")
        })
    }

    /// C8, C9: a seat.
    fn yes(&mut self, question: &Question, receipt: &Receipt, is_first: bool) {
        self.capacity(question, receipt);
        self.seat(question, receipt);
        self.decided(question, receipt);
        let place = (receipt.activity_id.clone(), receipt.rank);
        assert!(
            !is_first || self.first_told.insert(place),
            "{question:?}: {receipt:?} is new twice"
        );
    }

    /// C8: never more are promised a seat than there are, and in [`PLAIN`] nobody but the first of the log.
    fn capacity(&mut self, question: &Question, receipt: &Receipt) {
        let Receipt {
            activity_id: id,
            user_id: user,
            rank,
            offset,
            ..
        } = receipt;
        let whose = (user.clone(), *offset);
        let known = self
            .promised
            .entry((id.clone(), *rank))
            .or_insert(whose.clone());
        assert!(
            *known == whose,
            "{question:?}: the seat of {receipt:?} is {known:?}'s"
        );
        let recount =
            &self.recounts[partition_of(id.as_bytes(), self.entries.partitions()) as usize];
        let activity = recount.activity(id);
        let gone = |rank: u64| {
            let seat = activity.and_then(|of| of.seats.get(rank as usize - 1));
            seat.is_some_and(|seat| seat.gone.is_some())
        };
        let all = self
            .promised
            .keys()
            .filter(|(of, rank)| of == id && !gone(*rank));
        let (count, most) = (all.count() as u64, activity.map_or(0, |of| of.most));
        assert!(
            count <= most,
            "{question:?}: {count} were told yes to {most} seats"
        );
        if id == PLAIN {
            self.plain.0.insert(user.clone());
            let firsts = activity.map(|of| of.users()).unwrap_or_default();
            let place = firsts.iter().position(|first| first == user);
            assert!(
                place.is_some_and(|place| (place as u64) < most) && !self.plain.1.contains(user),
                "{question:?} is told yes: of {firsts:?} the first {most} have a seat"
            );
        }
    }

    /// C9: a request is told what the log decided for it, for ever.
    fn decided(&mut self, question: &Question, receipt: &Receipt) {
        let (Wish::Seat(Some(name)) | Wish::Know(Some(name))) = &question.wish else {
            return;
        };
        self.finally(question, name, true);
        let verdict = self.verdict(question, name);
        assert!(
            verdict == Some(Verdict::Seat(receipt.rank)),
            "{question:?} is told {receipt:?}, and the log decided {verdict:?}"
        );
    }

    fn no(&mut self, question: &Question, word: &str, offset: u64) {
        let (Wish::Seat(name) | Wish::Know(name)) = &question.wish else {
            panic!("{question:?} is told {word}");
        };
        // Without a name nobody can look it up, and the answer is all there is.
        let Some(name) = name else {
            return;
        };
        self.finally(question, name, false);
        let verdict = self.verdict(question, name);
        let is_so = matches!(verdict, Some(Verdict::No(no, at)) if no == word && at == offset);
        assert!(
            is_so,
            "{question:?} is told {word}, decided at {offset}, and the log decided {verdict:?}"
        );
        if question.activity == PLAIN {
            self.plain.1.insert(question.user.clone());
            let user = &question.user;
            assert!(!self.plain.0.contains(user), "{question:?} is told both");
        }
    }

    fn verdict(&self, question: &Question, name: &str) -> Option<Verdict> {
        let activity = self.recount(question.activity).activity(question.activity);
        activity?.decided(&question.user, name)
    }

    fn finally(&mut self, question: &Question, name: &str, yes: bool) {
        let request = [question.activity, &question.user, name].map(str::to_owned);
        let told = *self.told.entry(request).or_insert(yes);
        assert!(told == yes, "{question:?} is told both yes and no");
    }

    /// An answer from memory is what the log said then.
    fn not_now(&self, question: &Question, word: &str, folded: Option<u64>, least: u64) {
        let Some(folded) = folded else {
            panic!("{question:?} is told {word}, and as of when is not said");
        };
        self.known(question, folded, least);
        let recount = self.recount(question.activity);
        let (moment, time) = recount.moment(question.activity, folded);
        let activity = recount.activity(question.activity);
        let held = activity.and_then(|of| of.held_at(&question.user, folded));
        let is_so = held.is_none()
            && match (word, moment) {
                ("no_seat", _) => true,
                ("unknown", moment) => moment.is_none(),
                ("not_open", Some(of)) => time < of.opens,
                ("closed", Some(of)) => of.closes.is_some_and(|closes| time >= closes),
                ("sold_out", Some(of)) => of.held >= of.capacity,
                _ => false,
            };
        assert!(
            is_so,
            "{question:?} is told {word} as of {folded}; the log says {moment:?} then, at {time}, with {held:?}"
        );
    }

    /// C10: of [`PLAIN`], as many have a seat as there are, or as have asked.
    pub fn check_full(&mut self, asked: &BTreeSet<String>) {
        self.read();
        let activity = self.recount(PLAIN).activity(PLAIN);
        let (most, held) = activity.map_or((0, 0), |of| (of.most, of.seats.len() as u64));
        let asked = asked.len() as u64;
        assert!(
            held == most.min(asked),
            "{held} of {most} seats of {PLAIN} are given, and {asked} asked"
        );
    }

    /// Everyone who was given a seat, as often as they were.
    pub fn admitted(&self) -> BTreeMap<(String, String), u64> {
        let mut admitted = BTreeMap::new();
        for (id, activity) in self.recounts.iter().flat_map(Recount::activities) {
            for seat in &activity.seats {
                *admitted.entry((id.clone(), seat.user.clone())).or_default() += 1;
            }
        }
        admitted
    }
}

fn is_so(said: &Said, moment: Moment) -> bool {
    let Said::Activity {
        capacity,
        held,
        admitted,
        ..
    } = said
    else {
        return false;
    };
    (*capacity, *held, *admitted) == (moment.capacity, moment.held, moment.admitted)
}
