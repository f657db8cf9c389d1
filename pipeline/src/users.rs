//! Every user of a partition, in shards, and the segments in which checkpoints keep them.
//!
//! A checkpoint appends the users changed since the last one; a shard whose appended segments have
//! outgrown its base is written whole instead. So a checkpoint costs what changed, amortised.

use hashbrown::HashTable;
use thin_vec::ThinVec;

use crate::cell::Currency;
use crate::visitor::{Contribution, User};

/// Shards of users: the unit that is written whole.
pub const SHARDS: usize = 64;
/// A shard is not written whole before its appended segments exceed this many bytes.
const LEAST_BASE: usize = 64 * 1024;

#[derive(Debug, Default)]
struct Shard {
    users: HashTable<(u64, User)>,
    changed: Vec<u64>,
    base_bytes: usize,
    appended_bytes: usize,
}

/// Users by the keyed hash of their id.
#[derive(Debug)]
pub struct Users {
    shards: Vec<Shard>,
    count: usize,
}

/// Users of one shard as a checkpoint keeps them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserSegment {
    /// The shard, below [`SHARDS`].
    pub shard: u8,
    /// Whether it replaces every earlier segment of the shard.
    pub base: bool,
    /// The users, packed.
    pub bytes: Vec<u8>,
}

/// A stored segment can't be read.
#[derive(Debug, thiserror::Error)]
#[error("a segment of users is cut short or damaged at byte {0}")]
pub struct Damaged(pub usize);

impl Default for Users {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Shard::default()).collect(),
            count: 0,
        }
    }
}

fn shard_of(hash: u64) -> usize {
    // The table takes the lowest and the highest bits.
    (hash >> 40) as usize % SHARDS
}

impl Users {
    /// The user of that hash, and whether they were made just now. Marked as changed.
    pub fn change(&mut self, hash: u64) -> (&mut User, bool) {
        let Shard { users, changed, .. } = &mut self.shards[shard_of(hash)];
        let is = |(other, _): &(u64, User)| *other == hash;
        let (entry, made) = match users.entry(hash, is, |(other, _)| *other) {
            hashbrown::hash_table::Entry::Occupied(found) => (found.into_mut(), false),
            hashbrown::hash_table::Entry::Vacant(place) => {
                (place.insert((hash, User::default())).into_mut(), true)
            }
        };
        self.count += usize::from(made);
        let user = &mut entry.1;
        if !user.changed {
            user.changed = true;
            changed.push(hash);
        }
        (user, made)
    }

    /// How many users there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Hash and record of each user, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &User)> {
        self.shards
            .iter()
            .flat_map(|shard| shard.users.iter().map(|(hash, user)| (*hash, user)))
    }

    /// Takes what changed since the last call as segments. `digest` gives a user's part of the
    /// state digest from its packed bytes; the second value is the change of the sum of all parts.
    pub fn take_segments(&mut self, digest: impl Fn(&[u8]) -> u64) -> (Vec<UserSegment>, u64) {
        let mut difference = 0u64;
        let mut segments = Vec::new();
        for (number, shard) in self.shards.iter_mut().enumerate() {
            let mut appended = Vec::new();
            for hash in std::mem::take(&mut shard.changed) {
                let Some((_, user)) = shard.users.find_mut(hash, |(other, _)| *other == hash)
                else {
                    continue;
                };
                let start = appended.len();
                pack(&mut appended, hash, user);
                let new = digest(&appended[start..]);
                difference = difference.wrapping_add(new).wrapping_sub(user.digest);
                user.digest = new;
                user.changed = false;
            }
            if appended.is_empty() {
                continue;
            }
            shard.appended_bytes += appended.len();
            let base = shard.appended_bytes > shard.base_bytes.max(LEAST_BASE);
            if base {
                appended.clear();
                for (hash, user) in &shard.users {
                    pack(&mut appended, *hash, user);
                }
                shard.base_bytes = appended.len();
                shard.appended_bytes = 0;
            }
            segments.push(UserSegment {
                shard: number as u8,
                base,
                bytes: appended,
            });
        }
        (segments, difference)
    }

    /// Puts back a stored segment; later ones replace users of earlier ones.
    ///
    /// # Errors
    /// When the bytes are not what [`Users::take_segments`] gave.
    pub fn restore(
        &mut self,
        segment: &UserSegment,
        digest: impl Fn(&[u8]) -> u64,
    ) -> Result<(), Damaged> {
        let mut reader = Unpack {
            bytes: &segment.bytes,
            at: 0,
        };
        let shard = &mut self.shards[usize::from(segment.shard) % SHARDS];
        while reader.at < segment.bytes.len() {
            let start = reader.at;
            let (hash, mut user) = reader.user().ok_or(Damaged(start))?;
            if shard_of(hash) != usize::from(segment.shard) {
                return Err(Damaged(start));
            }
            user.digest = digest(&segment.bytes[start..reader.at]);
            match shard.users.find_mut(hash, |(other, _)| *other == hash) {
                Some((_, old)) => *old = user,
                None => {
                    shard
                        .users
                        .insert_unique(hash, (hash, user), |(hash, _)| *hash);
                    self.count += 1;
                }
            }
        }
        if segment.base {
            shard.base_bytes = segment.bytes.len();
        } else {
            shard.appended_bytes += segment.bytes.len();
        }
        Ok(())
    }
}

/// No currency, packed.
const NO_CURRENCY: u16 = u16::MAX;

/// hash · first_seen · first_day · entries · contributions, little-endian.
pub(crate) fn pack(bytes: &mut Vec<u8>, hash: u64, user: &User) {
    bytes.extend_from_slice(&hash.to_le_bytes());
    bytes.extend_from_slice(&user.first_seen.to_le_bytes());
    bytes.extend_from_slice(&user.first_day.to_le_bytes());
    bytes.extend_from_slice(&(user.entries.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&(user.contributions.len() as u32).to_le_bytes());
    for entry in &user.entries {
        bytes.extend_from_slice(&entry.to_le_bytes());
    }
    for of in &user.contributions {
        bytes.extend_from_slice(&of.pair.to_le_bytes());
        bytes.extend_from_slice(&of.quarter.to_le_bytes());
        bytes.extend_from_slice(&of.cell.to_le_bytes());
        let currency = of.currency.map_or(NO_CURRENCY, Currency::number);
        bytes.extend_from_slice(&currency.to_le_bytes());
        bytes.extend_from_slice(&of.count.to_le_bytes());
        bytes.extend_from_slice(&of.amount.to_le_bytes());
    }
}

struct Unpack<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Unpack<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let taken = self.bytes.get(self.at..)?.first_chunk::<N>()?;
        self.at += N;
        Some(*taken)
    }

    fn user(&mut self) -> Option<(u64, User)> {
        let hash = u64::from_le_bytes(self.take()?);
        let first_seen = i64::from_le_bytes(self.take()?);
        let first_day = u16::from_le_bytes(self.take()?);
        let entries = u32::from_le_bytes(self.take()?);
        let contributions = u32::from_le_bytes(self.take()?);
        let entries = (0..entries)
            .map(|_| self.take().map(u64::from_le_bytes))
            .collect::<Option<ThinVec<_>>>()?;
        let contributions = (0..contributions)
            .map(|_| self.contribution())
            .collect::<Option<ThinVec<_>>>()?;
        let user = User {
            first_seen,
            first_day,
            changed: false,
            digest: 0,
            entries,
            contributions,
        };
        Some((hash, user))
    }

    fn contribution(&mut self) -> Option<Contribution> {
        Some(Contribution {
            pair: u32::from_le_bytes(self.take()?),
            quarter: u32::from_le_bytes(self.take()?),
            cell: u16::from_le_bytes(self.take()?),
            currency: Currency::from_number(u32::from(u16::from_le_bytes(self.take()?))),
            count: u32::from_le_bytes(self.take()?),
            amount: i64::from_le_bytes(self.take()?),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeMap;

    use super::*;
    use crate::cell::Kind;
    use crate::device::DeviceClass;
    use crate::visitor::Mask;

    /// Any function of the bytes will do.
    fn digest(bytes: &[u8]) -> u64 {
        bytes.iter().fold(7, |sum, byte| {
            (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
        })
    }

    /// Something happens to a user, differently each round.
    fn touch(users: &mut Users, hash: u64, round: u32) {
        let (user, _) = users.change(hash);
        user.first_seen = i64::from(round) - 5;
        user.first_day = round as u16;
        let mask = Mask::of(Kind::Visit, DeviceClass::Tablet).unwrap();
        user.add(round % 7, round as u16 % 11, mask);
        let contribution = Contribution {
            pair: round % 7,
            quarter: round,
            cell: 1000,
            currency: Currency::from_number(round % 3).filter(|_| round.is_multiple_of(2)),
            count: 1,
            amount: i64::from(round),
        };
        user.contribute(contribution, 20);
    }

    fn sorted(users: &Users) -> BTreeMap<u64, User> {
        let users = users.iter();
        users.map(|(hash, user)| (hash, user.clone())).collect()
    }

    /// Users of two shards.
    fn hash(number: u64) -> u64 {
        (number % 2) << 40 | number << 3
    }

    #[test]
    fn segments_restored_in_their_order_give_the_same_users() {
        let mut users = Users::default();
        let mut kept: Vec<UserSegment> = Vec::new();
        let (mut bases, mut appended, mut sum) = (0, 0, 0u64);
        for round in 0..60 {
            for number in (0..400).filter(|number| number % (1 + u64::from(round) % 4) == 0) {
                touch(&mut users, hash(number), round);
            }
            let (segments, difference) = users.take_segments(digest);
            sum = sum.wrapping_add(difference);
            for segment in segments {
                if segment.base {
                    bases += 1;
                    kept.retain(|old| old.shard != segment.shard);
                } else {
                    appended += 1;
                }
                kept.push(segment);
            }
            let mut restored = Users::default();
            for segment in &kept {
                restored.restore(segment, digest).unwrap();
            }
            assert_eq!(sorted(&restored), sorted(&users), "round {round}");
            assert_eq!(restored.len(), users.len());
            let parts = restored
                .iter()
                .fold(0u64, |sum, (_, user)| sum.wrapping_add(user.digest));
            assert_eq!(parts, sum, "the sum of the digest's parts");
            // What is kept stays within a few times of what there is.
            let bytes: usize = kept.iter().map(|segment| segment.bytes.len()).sum();
            let whole: usize = sorted(&users)
                .iter()
                .map(|(hash, user)| {
                    let mut bytes = Vec::new();
                    pack(&mut bytes, *hash, user);
                    bytes.len()
                })
                .sum();
            assert!(bytes <= 2 * whole + 2 * LEAST_BASE, "{bytes} for {whole}");
        }
        assert!(bases > 4 && appended > 20, "{bases} whole, {appended}");
        assert_eq!(users.take_segments(digest), (Vec::new(), 0));
    }

    #[test]
    fn a_segment_cut_short_or_of_another_shard_is_refused() {
        let mut users = Users::default();
        touch(&mut users, hash(1), 4);
        let (segments, _) = users.take_segments(digest);
        let [segment] = &segments[..] else {
            unreachable!("one user lies in one shard")
        };
        for length in 1..segment.bytes.len() {
            let cut = UserSegment {
                bytes: segment.bytes[..length].to_vec(),
                ..segment.clone()
            };
            assert!(
                Users::default().restore(&cut, digest).is_err(),
                "{length} bytes"
            );
        }
        let elsewhere = UserSegment {
            shard: segment.shard + 1,
            ..segment.clone()
        };
        assert!(Users::default().restore(&elsewhere, digest).is_err());
    }
}
