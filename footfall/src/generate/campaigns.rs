//! The campaigns that run and their activities: Korean and English names, some liked more than others.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

const CAMPAIGNS: [&str; 12] = [
    "가을-감사제",
    "black-friday",
    "수능-응원",
    "첫눈-이벤트",
    "holiday-gifts",
    "신규가입-환영",
    "spring-sale",
    "봄맞이-할인",
    "summer-festival",
    "한가위-선물",
    "app-launch",
    "친구-초대",
];

const ACTIVITIES: [&str; 8] = [
    "선착순-쿠폰",
    "lucky-draw",
    "출석-체크",
    "flash-deal",
    "퀴즈",
    "review-event",
    "라이브-방송",
    "free-gift",
];

/// Of a hundred events with an activity, one has none; of a hundred visits, so many have no campaign.
const WITHOUT_PERCENT: u32 = 4;

/// The names of everything that runs.
#[derive(Debug)]
pub(super) struct Campaigns {
    campaigns: Vec<String>,
    activities: Vec<String>,
}

/// Where something happens, as positions; `None` is no campaign or no activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub campaign: Option<u16>,
    pub activity: Option<u16>,
}

impl Campaigns {
    /// So many campaigns with so many activities each.
    pub(super) fn new(campaigns: u16, activities: u16) -> Self {
        let names = |known: &[&str], wanted: u16, kind: &str| {
            (0..usize::from(wanted))
                .map(|n| {
                    known
                        .get(n)
                        .map_or_else(|| format!("{kind}-{}", n + 1), |name| (*name).to_owned())
                })
                .collect()
        };
        Self {
            campaigns: names(&CAMPAIGNS, campaigns, "campaign"),
            activities: names(&ACTIVITIES, activities, "activity"),
        }
    }

    /// Where somebody goes: the first ones most.
    pub(super) fn pick(&self, rng: &mut ChaCha8Rng) -> Place {
        let campaign =
            (rng.random_range(0..100) >= WITHOUT_PERCENT).then(|| liked(rng, self.campaigns.len()));
        let activity = campaign
            .filter(|_| rng.random_range(0..100) >= WITHOUT_PERCENT)
            .map(|_| liked(rng, self.activities.len()));
        Place { campaign, activity }
    }

    /// The campaign's name; empty for none.
    pub(super) fn campaign(&self, place: Place) -> &str {
        place
            .campaign
            .map_or("", |n| &self.campaigns[usize::from(n)])
    }

    /// The activity's name; empty for none.
    pub(super) fn activity(&self, place: Place) -> &str {
        place
            .activity
            .map_or("", |n| &self.activities[usize::from(n)])
    }
}

/// One of `among`, the first ones most: the lesser of two draws.
fn liked(rng: &mut ChaCha8Rng, among: usize) -> u16 {
    let among = among as u16;
    rng.random_range(0..among).min(rng.random_range(0..among))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn names_beyond_the_known_ones_are_numbered_and_all_differ() {
        let campaigns = Campaigns::new(30, 20);
        let mut names = campaigns.campaigns.clone();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 30);
        assert_eq!(campaigns.campaigns[29], "campaign-30");
        assert_eq!(campaigns.activities[8], "activity-9");
    }

    #[test]
    fn the_first_campaign_is_liked_most_and_some_events_have_none() {
        let campaigns = Campaigns::new(4, 2);
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let mut seen = [0; 5];
        for _ in 0..10_000 {
            let place = campaigns.pick(&mut rng);
            seen[place.campaign.map_or(4, usize::from)] += 1;
            assert!(place.campaign.is_some() || place.activity.is_none());
        }
        assert!(
            seen[0] > seen[1] && seen[1] > seen[2] && seen[2] > seen[3],
            "{seen:?}"
        );
        assert!(seen[4] > 0 && seen[4] < seen[3], "{seen:?}");
    }
}
