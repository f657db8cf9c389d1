//! Campaigns and activities as small numbers. The numbers belong to one state and never leave it.

use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::decode::OTHER;

/// A campaign's number.
pub type CampaignId = u32;
/// The number of a campaign and one of its activities; below 2^28.
pub type PairId = u32;

/// A campaign with one of its activities.
#[derive(Debug, Clone)]
pub struct Pair {
    /// The campaign's number.
    pub campaign: CampaignId,
    /// The activity's name.
    pub activity: Arc<str>,
}

/// Every campaign and pair seen, in the order of first sight.
#[derive(Debug)]
pub struct Names {
    limit: usize,
    campaigns: Vec<Arc<str>>,
    pairs: Vec<Pair>,
    campaign_ids: HashMap<Arc<str>, CampaignId, FixedState>,
    pair_ids: HashMap<(CampaignId, Arc<str>), PairId, FixedState>,
    /// Events whose campaign or activity came after the limit.
    overflowed: u64,
}

#[derive(PartialEq, Eq, Hash)]
struct PairRef<'a>(CampaignId, &'a str);

impl hashbrown::Equivalent<(CampaignId, Arc<str>)> for PairRef<'_> {
    fn equivalent(&self, key: &(CampaignId, Arc<str>)) -> bool {
        self.0 == key.0 && *self.1 == *key.1
    }
}

impl Names {
    /// No names yet; at most `limit` campaigns and pairs together get one of their own.
    /// `seed` keeps the maps' order of probing from being guessed.
    pub fn new(limit: u32, seed: u64) -> Self {
        Self {
            limit: limit as usize,
            campaigns: Vec::new(),
            pairs: Vec::new(),
            campaign_ids: HashMap::with_hasher(FixedState::with_seed(seed)),
            pair_ids: HashMap::with_hasher(FixedState::with_seed(seed)),
            overflowed: 0,
        }
    }

    /// The number of a pair, made if need be. Beyond the limit it is that of [`OTHER`].
    pub fn intern(&mut self, campaign: &str, activity: &str) -> PairId {
        let (campaign_id, spilled) = match self.campaign_ids.get(campaign) {
            Some(id) => (*id, false),
            None if self.full() => (self.add_campaign(OTHER), true),
            None => (self.add_campaign(campaign), false),
        };
        if let Some(pair) = self.pair_ids.get(&PairRef(campaign_id, activity)) {
            self.overflowed += u64::from(spilled);
            return *pair;
        }
        if spilled || self.full() {
            self.overflowed += 1;
            return self.add_pair(campaign_id, OTHER);
        }
        self.add_pair(campaign_id, activity)
    }

    fn full(&self) -> bool {
        self.campaigns.len() + self.pairs.len() >= self.limit
    }

    fn add_campaign(&mut self, name: &str) -> CampaignId {
        if let Some(id) = self.campaign_ids.get(name) {
            return *id;
        }
        let (name, id): (Arc<str>, _) = (Arc::from(name), self.campaigns.len() as CampaignId);
        self.campaigns.push(name.clone());
        self.campaign_ids.insert(name, id);
        id
    }

    fn add_pair(&mut self, campaign: CampaignId, activity: &str) -> PairId {
        if let Some(id) = self.pair_ids.get(&PairRef(campaign, activity)) {
            return *id;
        }
        let (activity, id): (Arc<str>, _) = (Arc::from(activity), self.pairs.len() as PairId);
        self.pairs.push(Pair {
            campaign,
            activity: activity.clone(),
        });
        self.pair_ids.insert((campaign, activity), id);
        id
    }

    /// The pair of a number given by [`Names::intern`].
    pub fn pair(&self, id: PairId) -> &Pair {
        &self.pairs[id as usize]
    }

    /// The name of a campaign's number.
    pub fn campaign(&self, id: CampaignId) -> &Arc<str> {
        &self.campaigns[id as usize]
    }

    /// Every pair as campaign and activity, in the order of their numbers.
    pub fn pairs(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<str>)> {
        self.pairs
            .iter()
            .map(|pair| (self.campaign(pair.campaign), &pair.activity))
    }

    /// How many pairs there are.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether no event has been applied.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Events counted under [`OTHER`].
    pub fn overflowed(&self) -> u64 {
        self.overflowed
    }

    /// Puts back what a checkpoint kept: pairs in the order of their numbers.
    pub fn restore(&mut self, pairs: &[(String, String)], overflowed: u64) {
        for (campaign, activity) in pairs {
            let campaign = self.add_campaign(campaign);
            self.add_pair(campaign, activity);
        }
        self.overflowed = overflowed;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(names: &Names, id: PairId) -> String {
        let pair = names.pair(id);
        format!("{}/{}", names.campaign(pair.campaign), pair.activity)
    }

    #[test]
    fn beyond_the_limit_names_are_other_and_known_ones_stay() {
        let mut names = Names::new(5, 1);
        for (campaign, activity, expected) in [
            ("a", "x", "a/x"),
            ("a", "y", "a/y"),
            ("b", "x", "b/x"),
            // Five names are given: a, a/x, a/y, b, b/x.
            ("a", "z", "a/__other__"),
            ("c", "x", "__other__/__other__"),
            ("c", "z", "__other__/__other__"),
            ("b", "z", "b/__other__"),
            ("a", "x", "a/x"),
            ("b", "x", "b/x"),
            ("a", "q", "a/__other__"),
        ] {
            let id = names.intern(campaign, activity);
            assert_eq!(name(&names, id), expected, "{campaign}/{activity}");
        }
        assert_eq!(names.overflowed(), 5);
        // However many names come, each campaign known gets one more at most.
        for n in 0..100 {
            names.intern(&format!("campaign {n}"), "x");
            names.intern("a", &format!("activity {n}"));
        }
        assert_eq!(names.len(), 6);
        assert_eq!(names.overflowed(), 205);
    }

    #[test]
    fn restored_names_have_the_numbers_they_had() {
        for limit in [3, 6, 1_000] {
            let mut names = Names::new(limit, 1);
            let wanted: Vec<_> = (0..20)
                .map(|n| (format!("c{}", n % 7), format!("a{}", n % 5)))
                .collect();
            let ids: Vec<_> = wanted.iter().map(|(c, a)| names.intern(c, a)).collect();
            let pairs: Vec<_> = names
                .pairs()
                .map(|(campaign, activity)| (campaign.to_string(), activity.to_string()))
                .collect();
            // Another seed: the order of probing is not the order of numbers.
            let mut restored = Names::new(limit, 2);
            restored.restore(&pairs, names.overflowed());
            assert_eq!(restored.overflowed(), names.overflowed());
            for ((campaign, activity), id) in wanted.iter().zip(&ids) {
                assert_eq!(restored.intern(campaign, activity), *id, "limit {limit}");
                assert_eq!(name(&restored, *id), name(&names, *id));
            }
            assert_eq!(restored.len(), names.len());
        }
    }
}
