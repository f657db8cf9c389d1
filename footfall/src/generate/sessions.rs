//! People on their way through the funnel: a visit, perhaps a click, an entry, a purchase; most stop on the way.

use std::collections::HashSet;

use pipeline::cell::Kind;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::campaigns::{Campaigns, Place};
use super::people::{People, Seen, Visitor};

/// Of a hundred who did the one step, so many go on to the other.
const VISIT_AGAIN: u32 = 25;
const VISIT_TO_CLICK: u32 = 35;
const CLICK_AGAIN: u32 = 15;
const CLICK_TO_ENTER: u32 = 35;
const ENTER_TO_PURCHASE: u32 = 40;
/// Of a hundred pages a crawler fetched, after so many it fetches another.
const CRAWL_ON: u32 = 60;
/// Of a thousand comers, so many are crawlers.
const CRAWLERS_PER_THOUSAND: u32 = 30;
/// Of a hundred purchases, so many are in won, and so many in dollars; the rest say no amount.
const WON_PERCENT: u32 = 85;
const DOLLAR_PERCENT: u32 = 12;

/// Something somebody does, before it is dated and written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Act {
    pub visitor: Visitor,
    pub place: Place,
    pub kind: Kind,
    /// Minor units and currency.
    pub amount: Option<(i64, &'static str)>,
}

#[derive(Debug, Clone, Copy)]
struct Session {
    visitor: Visitor,
    place: Place,
    next: Kind,
}

/// Everybody who is there at present.
#[derive(Debug)]
pub(super) struct Sessions {
    present: Vec<Session>,
    /// Who came before.
    known: Seen,
    /// Who holds a seat where: nobody enters an activity twice.
    entered: HashSet<(u32, Place)>,
}

impl Sessions {
    /// So many there at a time.
    pub(super) fn new(
        at_a_time: usize,
        users: u32,
        people: &People,
        campaigns: &Campaigns,
        rng: &mut ChaCha8Rng,
    ) -> Self {
        Self {
            present: (0..at_a_time)
                .map(|_| begin(people, campaigns, rng))
                .collect(),
            known: Seen::new(users),
            entered: HashSet::new(),
        }
    }

    /// The next thing somebody does.
    pub(super) fn next(
        &mut self,
        people: &People,
        campaigns: &Campaigns,
        rng: &mut ChaCha8Rng,
    ) -> Act {
        let at = rng.random_range(0..self.present.len());
        let session = self.present[at];
        let person = (!session.visitor.is_bot).then_some(session.visitor.number);
        if person.is_some_and(|number| self.known.add(number) && People::signs_up(number)) {
            return act(session, Kind::SignUp, None);
        }
        match self.after(session, rng) {
            Some(next) => self.present[at].next = next,
            None => self.present[at] = begin(people, campaigns, rng),
        }
        let amount = (session.next == Kind::Purchase)
            .then(|| amount(rng))
            .flatten();
        act(session, session.next, amount)
    }

    /// What follows on what the session does now; `None` when it ends.
    fn after(&mut self, session: Session, rng: &mut ChaCha8Rng) -> Option<Kind> {
        let draw = rng.random_range(0..100);
        match session.next {
            Kind::Visit if session.visitor.is_bot => (draw < CRAWL_ON).then_some(Kind::Visit),
            Kind::Visit if draw < VISIT_AGAIN => Some(Kind::Visit),
            Kind::Visit => (draw < VISIT_AGAIN + VISIT_TO_CLICK).then_some(Kind::Click),
            Kind::Click if draw < CLICK_AGAIN => Some(Kind::Click),
            Kind::Click => {
                let goes_on =
                    draw < CLICK_AGAIN + CLICK_TO_ENTER && session.place.activity.is_some();
                (goes_on && self.entered.insert((session.visitor.number, session.place)))
                    .then_some(Kind::Enter)
            }
            Kind::Enter => (draw < ENTER_TO_PURCHASE).then_some(Kind::Purchase),
            Kind::Purchase | Kind::SignUp => None,
        }
    }
}

fn begin(people: &People, campaigns: &Campaigns, rng: &mut ChaCha8Rng) -> Session {
    let is_bot = rng.random_range(0..1000) < CRAWLERS_PER_THOUSAND;
    let visitor = if is_bot {
        people.bot(rng)
    } else {
        people.person(rng)
    };
    Session {
        visitor,
        place: campaigns.pick(rng),
        next: Kind::Visit,
    }
}

fn act(session: Session, kind: Kind, amount: Option<(i64, &'static str)>) -> Act {
    Act {
        visitor: session.visitor,
        place: session.place,
        kind,
        amount,
    }
}

fn amount(rng: &mut ChaCha8Rng) -> Option<(i64, &'static str)> {
    let draw = rng.random_range(0..100);
    if draw < WON_PERCENT {
        // 4,900 up to 299,900 won, the cheaper the more often.
        let steps: i64 = rng.random_range(0..60).min(rng.random_range(0..60));
        Some((4_900 + steps * 5_000, "KRW"))
    } else if draw < WON_PERCENT + DOLLAR_PERCENT {
        Some((rng.random_range(5..200) * 100 - 1, "USD"))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use rand::SeedableRng;

    use super::*;

    fn acts(count: usize) -> Vec<Act> {
        let (people, campaigns) = (People::new(5000), Campaigns::new(3, 3));
        let mut rng = ChaCha8Rng::seed_from_u64(11);
        let mut sessions = Sessions::new(64, 5000, &people, &campaigns, &mut rng);
        (0..count)
            .map(|_| sessions.next(&people, &campaigns, &mut rng))
            .collect()
    }

    #[test]
    fn each_step_of_the_funnel_is_taken_by_fewer() {
        let mut counts: HashMap<Kind, u32> = HashMap::new();
        for act in acts(50_000) {
            *counts.entry(act.kind).or_default() += 1;
        }
        let of = |kind| counts[&kind];
        assert!(of(Kind::Visit) > 2 * of(Kind::Click), "{counts:?}");
        assert!(of(Kind::Click) > 2 * of(Kind::Enter), "{counts:?}");
        assert!(of(Kind::Enter) > 2 * of(Kind::Purchase), "{counts:?}");
        assert!(
            of(Kind::Purchase) > 100 && of(Kind::SignUp) > 500,
            "{counts:?}"
        );
    }

    #[test]
    fn nobody_skips_a_step_enters_twice_or_signs_up_twice_and_bots_only_visit() {
        let mut done: HashMap<(u32, Place), Vec<Kind>> = HashMap::new();
        let mut signed_up = HashSet::new();
        for act in acts(50_000) {
            if act.visitor.is_bot {
                assert_eq!(act.kind, Kind::Visit);
                continue;
            }
            let number = act.visitor.number;
            let before = done.entry((number, act.place)).or_default();
            match act.kind {
                Kind::Click => assert!(before.contains(&Kind::Visit)),
                Kind::Enter => {
                    assert!(before.contains(&Kind::Click) && !before.contains(&Kind::Enter))
                }
                Kind::Purchase => assert!(before.contains(&Kind::Enter)),
                Kind::SignUp => assert!(signed_up.insert(number)),
                Kind::Visit => {}
            }
            assert!(act.amount.is_none() || act.kind == Kind::Purchase);
            before.push(act.kind);
        }
    }
}
