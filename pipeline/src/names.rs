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
